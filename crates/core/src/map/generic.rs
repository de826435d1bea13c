//! Writes rows of the generic tables, which resources of all types share. Each
//! function writes the columns of one table in the order of `generic.model`.

use super::chunk::TableBuffers;
use super::extension::{self, Lists};
use super::plan::{GenericPlace, GenericPlaces, ListPlan};
use super::reference::Resolver;
use crate::datatype::{
    self, Expected, Referenced, References, Row, Timezone, ValueDefect, ValueDefectReason,
};
use crate::fhir::ResourceType;
use crate::json::{Enclosing, JsonType, Member, NameId, Value, path_of};
use crate::model::GenericTable;
use crate::rows::Target;

/// The most bytes of one resource's codings. Each has its path with it, so that
/// many codings with a long path could fill all memory.
const MAX_CODING_BYTES: usize = 256 << 20;

/// What all generic rows of a resource begin with, and its patient.
#[derive(Clone, Copy)]
pub(super) struct RowPrefix {
    pub resource_type: ResourceType,
    pub target: Target,
    pub patient: Option<Target>,
}

/// Writes the generic rows of one resource.
pub(super) struct Writer<'w, 'r> {
    pub places: &'w GenericPlaces,
    pub prefix: RowPrefix,
    pub timezone: Timezone,
    pub buffers: &'w mut TableBuffers,
    pub resolver: &'w mut Resolver<'r>,
    /// The indexes of values that R4 spells otherwise.
    pub coerced: &'w mut Vec<u32>,
}

impl Writer<'_, '_> {
    /// Writes one row for every item of the list. `extensions` are those of
    /// the resource.
    pub fn list(
        &mut self,
        list: &ListPlan,
        items: &[Value<'_>],
        extensions: &Lists<'_>,
    ) -> Result<(), ValueDefect> {
        for (index, item) in items.iter().enumerate() {
            if item.json_type() != JsonType::Object {
                return Err(ValueDefect::new(*item, ValueDefectReason::ExpectedObject));
            }
            let ordinal = index as i32 + 1;
            match list.table {
                GenericTable::Identifier => self.identifier(*item, ordinal)?,
                GenericTable::Telecom => self.telecom(*item, ordinal, extensions)?,
                GenericTable::Concept => self.concept(&list.element, *item, ordinal)?,
                GenericTable::Reference => self.reference(&list.element, *item, ordinal)?,
                GenericTable::Note => self.note(*item, ordinal)?,
                // Those of all concepts are written together.
                GenericTable::Coding => {}
            }
        }
        Ok(())
    }

    /// Begins a row of the table.
    fn begin(&mut self, table: GenericTable) -> Row<'_> {
        let GenericPlace { table, column_count } = self.places.of(table);
        let buffer = self.buffers.of(table);
        buffer.begin_row(column_count);
        buffer.text(self.prefix.resource_type.name());
        buffer.key(self.prefix.target);
        Row { buffer, references: self.resolver, timezone: self.timezone, coerced: self.coerced }
    }

    fn identifier(&mut self, item: Value<'_>, ordinal: i32) -> Result<(), ValueDefect> {
        datatype::require_short(item, &[NameId::SYSTEM, NameId::VALUE])?;
        let patient = self.prefix.patient;
        let mut row = self.begin(GenericTable::Identifier);
        row.buffer.integer(ordinal);
        row.buffer.optional_key(patient);
        row.member_text(Some(item), NameId::USE)?;
        row.concept(item.get(NameId::TYPE))?;
        row.member_text(Some(item), NameId::SYSTEM)?;
        row.member_text(Some(item), NameId::VALUE)?;
        row.bounds(item.get(NameId::PERIOD))?;
        row.member_text(item.get(NameId::ASSIGNER), NameId::DISPLAY)
    }

    fn telecom(&mut self, item: Value<'_>, ordinal: i32, extensions: &Lists<'_>) -> Result<(), ValueDefect> {
        let mut row = self.begin(GenericTable::Telecom);
        row.buffer.integer(ordinal);
        row.member_text(Some(item), NameId::SYSTEM)?;
        row.member_text(Some(item), NameId::VALUE)?;
        row.member_text(Some(item), NameId::USE)?;
        row.member_integer(item, NameId::RANK)?;
        row.bounds(item.get(NameId::PERIOD))?;
        match extension::gather(item, extensions.within(item).iter().copied(), extensions, &[])? {
            Some(json) => row.buffer.jsonb(&[&json]),
            None => row.buffer.null(),
        }
        Ok(())
    }

    fn concept(&mut self, element: &str, item: Value<'_>, ordinal: i32) -> Result<(), ValueDefect> {
        datatype::require_short(datatype::chosen_coding(item).unwrap_or(item), &[NameId::CODE])?;
        let patient = self.prefix.patient;
        let row = &mut self.begin(GenericTable::Concept);
        row.buffer.text(element);
        row.buffer.integer(ordinal);
        row.buffer.optional_key(patient);
        row.concept(Some(item))
    }

    fn reference(&mut self, element: &str, item: Value<'_>, ordinal: i32) -> Result<(), ValueDefect> {
        let patient = self.prefix.patient;
        let referenced = self.resolver.resolve(item, Expected::Any)?;
        let mut row = self.begin(GenericTable::Reference);
        row.buffer.text(element);
        row.buffer.integer(ordinal);
        row.buffer.optional_key(patient);
        row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        row.buffer.optional_key(referenced.target);
        row.member_text(Some(item), NameId::DISPLAY)?;
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }

    fn note(&mut self, note: Value<'_>, ordinal: i32) -> Result<(), ValueDefect> {
        let patient = self.prefix.patient;
        let author = note.get(NameId::AUTHOR_REFERENCE);
        let referenced = match author {
            Some(author) => self.resolver.resolve(author, Expected::Any)?,
            None => Referenced::default(),
        };
        let mut row = self.begin(GenericTable::Note);
        row.buffer.integer(ordinal);
        row.buffer.optional_key(patient);
        row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        row.buffer.optional_key(referenced.target);
        match author.filter(|author| author.get(NameId::DISPLAY).is_some()) {
            Some(author) => row.member_text(Some(author), NameId::DISPLAY)?,
            None => row.member_text(Some(note), NameId::AUTHOR_STRING)?,
        }
        row.first_instant(note.get(NameId::TIME))?;
        row.member_text(Some(note), NameId::TEXT)
    }

    /// Writes all codings of every concept in the resource `root` that has two or
    /// more of them, except in extensions and in resources that it contains.
    pub fn codings(&mut self, root: Value<'_>, extensions: &Lists<'_>) -> Result<(), ValueDefect> {
        let are_several =
            |member: Member<'_>| member.name() == NameId::CODING && member.value().items().nth(1).is_some();
        let contained = root.get(NameId::CONTAINED).map(Value::extent).unwrap_or_default();
        let table = self.places.of(GenericTable::Coding).table;
        let before = self.buffers.of(table).len();
        let mut walk = root.walk();
        while let Some(member) = walk.next_member() {
            let codings = member.value();
            if !are_several(member) || contained.contains(&codings.index()) || extensions.contain(codings) {
                continue;
            }
            let Some(concept) = walk.enclosing().last().map(Enclosing::value) else { continue };
            let chosen = datatype::chosen_coding(concept).map(Value::index);
            let path = path_of(walk.enclosing());
            if path.len() > datatype::MAX_INDEXED_BYTES {
                return Err(ValueDefect::new(codings, ValueDefectReason::TooLongForIndex));
            }
            let element = without_indexes(&path);
            for (index, coding) in codings.items().enumerate() {
                if self.buffers.of(table).len() - before > MAX_CODING_BYTES {
                    return Err(ValueDefect::new(coding, ValueDefectReason::TooMuch));
                }
                let is_primary = chosen == Some(coding.index());
                self.coding(coding, index as i32 + 1, [&path, &element], is_primary)?;
            }
        }
        Ok(())
    }

    /// `path` and `element` are the concept's path with and without indexes.
    fn coding(
        &mut self,
        coding: Value<'_>,
        ordinal: i32,
        [path, element]: [&str; 2],
        is_primary: bool,
    ) -> Result<(), ValueDefect> {
        datatype::require_short(coding, &[NameId::CODE, NameId::SYSTEM])?;
        let patient = self.prefix.patient;
        let mut row = self.begin(GenericTable::Coding);
        row.buffer.text(path);
        row.buffer.integer(ordinal);
        row.buffer.text(element);
        row.buffer.optional_key(patient);
        row.buffer.boolean(is_primary);
        row.member_text(Some(coding), NameId::SYSTEM)?;
        row.member_text(Some(coding), NameId::VERSION)?;
        row.member_text(Some(coding), NameId::CODE)?;
        row.member_text(Some(coding), NameId::DISPLAY)?;
        row.member_boolean(coding, NameId::USER_SELECTED)
    }
}

/// `item.code` of `item[3].code`.
pub(super) fn without_indexes(path: &str) -> String {
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
