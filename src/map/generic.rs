//! Rows of the tables that all resource types share.

use super::batch::Batch;
use super::extension::{self, Lists};
use super::plan::{GenericPlaces, ListPlan};
use super::reference::Resolver;
use crate::copy::{CopyBuffer, Target};
use crate::json::{Enclosing, Kind, Tree, Value, path_of};
use crate::kind::{self, Defect, DefectReason, References, Row, Timezone};
use crate::model::GenericTable;

/// The most that the codings of one resource may take. Each has its path with
/// it, so that a long one, many times, would take all memory.
const MOST_BYTES: usize = 256 << 20;

/// What all rows of a resource begin with.
#[derive(Clone, Copy)]
pub(super) struct Owner {
    pub resource_type: &'static str,
    pub target: Target,
    pub patient: Option<Target>,
}

impl Owner {
    fn begin(&self, copy: &mut CopyBuffer, column_count: i16) {
        copy.begin_row(column_count);
        copy.text(self.resource_type);
        copy.key(self.target);
    }
}

/// Writes one row for every item of the list.
pub(super) fn write_list(
    places: &GenericPlaces,
    list: &ListPlan,
    items: &[Value<'_>],
    owner: Owner,
    timezone: Timezone,
    extensions: &Lists<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<(), Defect> {
    for (index, item) in items.iter().enumerate() {
        if item.kind() != Kind::Object {
            return Err(Defect::new(*item, DefectReason::ExpectedObject));
        }
        let ordinal = index as i32 + 1;
        match list.table {
            GenericTable::Identifier => {
                kind::require_short(*item, &["system", "value"])?;
                let copy = resolver.batch.rows(places.identifier);
                owner.begin(copy, 14);
                copy.integer(ordinal);
                copy.optional_key(owner.patient);
                write_kinds(&[("code", "use")], *item, timezone, copy)?;
                let concept: Vec<Value<'_>> = item.get("type").into_iter().collect();
                write_kind("CodeableConcept", &concept, timezone, copy)?;
                write_kinds(&[("uri", "system"), ("string", "value")], *item, timezone, copy)?;
                write_bounds(*item, timezone, copy)?;
                let assigner = item.get("assigner").and_then(|assigner| assigner.get("display"));
                write_kind("string", assigner.as_slice(), timezone, copy)?;
            }
            GenericTable::Telecom => {
                let copy = resolver.batch.rows(places.telecom);
                owner.begin(copy, 10);
                copy.integer(ordinal);
                let kinds =
                    [("code", "system"), ("string", "value"), ("code", "use"), ("positiveInt", "rank")];
                write_kinds(&kinds, *item, timezone, copy)?;
                write_bounds(*item, timezone, copy)?;
                match extension::gather(*item, extensions.within(*item), extensions, &[])? {
                    Some(json) => copy.jsonb(&[&json]),
                    None => copy.null(),
                }
            }
            GenericTable::Concept => {
                kind::require_short(kind::chosen_coding(*item).unwrap_or(*item), &["code"])?;
                let copy = resolver.batch.rows(places.concept);
                owner.begin(copy, 9);
                copy.text(&list.element);
                copy.integer(ordinal);
                copy.optional_key(owner.patient);
                write_kind("CodeableConcept", &[*item], timezone, copy)?;
            }
            GenericTable::Reference => {
                let referenced = resolver.resolve(*item, None)?;
                let copy = resolver.batch.rows(places.reference);
                owner.begin(copy, 9);
                copy.text(&list.element);
                copy.integer(ordinal);
                copy.optional_key(owner.patient);
                copy.optional_text(referenced.resource_type);
                copy.optional_key(referenced.target);
                write_kinds(&[("string", "display")], *item, timezone, copy)?;
                copy.optional_text(referenced.written.as_deref());
            }
            GenericTable::Note => write_note(places, *item, ordinal, owner, timezone, resolver)?,
        }
    }
    Ok(())
}

fn write_note(
    places: &GenericPlaces,
    note: Value<'_>,
    ordinal: i32,
    owner: Owner,
    timezone: Timezone,
    resolver: &mut Resolver<'_>,
) -> Result<(), Defect> {
    let author = note.get("authorReference");
    let referenced = author.map(|author| resolver.resolve(author, None)).transpose()?.unwrap_or_default();
    let copy = resolver.batch.rows(places.note);
    owner.begin(copy, 9);
    copy.integer(ordinal);
    copy.optional_key(owner.patient);
    copy.optional_text(referenced.resource_type);
    copy.optional_key(referenced.target);
    let display = author.and_then(|author| author.get("display")).or_else(|| note.get("authorString"));
    write_kind("string", display.as_slice(), timezone, copy)?;
    write_bound(note.get("time"), false, timezone, copy)?;
    write_kind("markdown", note.get("text").as_slice(), timezone, copy)
}

/// Start and end of `period`, without their texts.
fn write_bounds(item: Value<'_>, timezone: Timezone, copy: &mut CopyBuffer) -> Result<(), Defect> {
    let period = item.get("period");
    write_bound(period.and_then(|period| period.get("start")), false, timezone, copy)?;
    write_bound(period.and_then(|period| period.get("end")), true, timezone, copy)
}

/// The first or the last instant of a dateTime, without its text.
fn write_bound(
    value: Option<Value<'_>>,
    is_end: bool,
    timezone: Timezone,
    copy: &mut CopyBuffer,
) -> Result<(), Defect> {
    let Some(value) = value else {
        copy.null();
        return Ok(());
    };
    let text = value.as_text().ok_or(Defect::new(value, DefectReason::ExpectedString))?;
    let span =
        kind::moment::date_time(&text, timezone).ok_or(Defect::new(value, DefectReason::InvalidDateTime))?;
    copy.timestamptz(if is_end { span.end - 1 } else { span.start });
    Ok(())
}

fn write_kinds(
    kinds: &[(&str, &str)],
    item: Value<'_>,
    timezone: Timezone,
    copy: &mut CopyBuffer,
) -> Result<(), Defect> {
    for (kind, name) in kinds {
        write_kind(kind, item.get(name).as_slice(), timezone, copy)?;
    }
    Ok(())
}

/// Kinds that refer to nothing need no one to resolve it.
struct NoReferences;

impl References for NoReferences {
    fn resolve(&mut self, _: Value<'_>, _: Option<&str>) -> Result<kind::Referenced, Defect> {
        Ok(kind::Referenced::default())
    }
}

fn write_kind(
    name: &str,
    elements: &[Value<'_>],
    timezone: Timezone,
    copy: &mut CopyBuffer,
) -> Result<(), Defect> {
    match kind::named(name, None) {
        Some(kind) => kind.write(elements, &mut Row { copy, references: &mut NoReferences, timezone }),
        None => unreachable!("the kinds named here are built in"),
    }
}

/// Writes all codings of every concept that has two or more of them, but for
/// contained resources and extensions.
pub(super) fn write_codings(
    places: &GenericPlaces,
    tree: Tree<'_>,
    extensions: &Lists<'_>,
    owner: Owner,
    batch: &mut Batch,
) -> Result<(), Defect> {
    let contained = tree.root().get("contained").map(Value::extent).unwrap_or_default();
    let mut before = None;
    let mut walk = tree.walk();
    while let Some((name, codings)) = walk.next_member() {
        let is_inside = |value: Value<'_>| contained.contains(&value.index()) || extensions.contain(value);
        if name != "coding" || codings.items().nth(1).is_none() || is_inside(codings) {
            continue;
        }
        let Some(concept) = walk.enclosing().last().map(Enclosing::value) else { continue };
        let chosen = kind::chosen_coding(concept).map(Value::index);
        let path = path_of(walk.enclosing());
        if path.len() > kind::MAX_INDEXED_BYTES {
            return Err(Defect::new(codings, DefectReason::TooLongForIndex));
        }
        let element = without_indexes(&path);
        for (index, coding) in codings.items().enumerate() {
            let length = batch.rows(places.coding).len();
            if length - *before.get_or_insert(length) > MOST_BYTES {
                return Err(Defect::new(coding, DefectReason::TooMuch));
            }
            kind::require_short(coding, &["code", "system"])?;
            let copy = batch.rows(places.coding);
            owner.begin(copy, 12);
            copy.text(&path);
            copy.integer(index as i32 + 1);
            copy.text(&element);
            copy.optional_key(owner.patient);
            copy.boolean(chosen == Some(coding.index()));
            let kinds = [
                ("uri", "system"),
                ("string", "version"),
                ("code", "code"),
                ("string", "display"),
                ("boolean", "userSelected"),
            ];
            write_kinds(&kinds, coding, Timezone::UTC, copy)?;
        }
    }
    Ok(())
}

fn without_indexes(path: &str) -> String {
    let mut element = String::with_capacity(path.len());
    let mut is_in_index = false;
    for character in path.chars() {
        match character {
            '[' => is_in_index = true,
            ']' => is_in_index = false,
            _ if !is_in_index => element.push(character),
            _ => {}
        }
    }
    element
}
