//! One row: the value of every column of a table for one element.

use std::collections::BTreeMap;

use super::extension::{Taken, gather};
use super::json::Json;
use super::path::{chosen_coding, split, walk};
use super::reference::{Context, Meaning, ResourceName, read};
use super::specification::{Column, Specification, Table};
use super::text;

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    Null,
    /// The value as Postgres prints it with `::text`.
    Text(String),
    /// The key that the registry gave to this resource of the row's source.
    Key(ResourceName),
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Cell {
        text.map_or(Cell::Null, Cell::Text)
    }
}

/// The columns of one row by name.
pub type Row = BTreeMap<String, Cell>;

/// Where a row's values come from.
pub struct Source<'tree> {
    /// The element that the row stands for.
    pub element: &'tree Json,
    /// The answer of a questionnaire's item that the row is about, with its place from 0.
    pub answer: Option<(usize, &'tree Json)>,
    /// The whole resource, with what it contains.
    pub resource: &'tree Json,
    pub context: &'tree Context,
}

const ELSE_TEXT: &str = ", else .text";
const OTHER_CODINGS: &str = ".coding: all but the one chosen and the next, each as system|code";

impl<'tree> Source<'tree> {
    /// The row of `table`. `fixed` are the columns that do not come from the element: keys,
    /// ordinals, the patient.
    pub fn row(&self, table: &Table, fixed: &Row, taken: &Taken) -> Row {
        let mut row = Row::new();
        for column in &table.columns {
            let cell = match fixed.get(&column.name) {
                Some(cell) => cell.clone(),
                None if column.name == "extension" => self.extensions(taken),
                None => self.cell(table, column),
            };
            row.insert(column.name.clone(), cell);
        }
        row
    }

    fn extensions(&self, taken: &Taken) -> Cell {
        let mut found = gather(self.element, taken);
        if let Some((place, answer)) = self.answer {
            let wrapped = Json::Object(vec![("item".to_owned(), answer.clone())]);
            let mut inner = Taken::default();
            inner.rows.insert("item.item".to_owned());
            for extension in gather(&wrapped, &inner) {
                let Json::Object(mut members) = extension else {
                    continue;
                };
                if let Json::Text(path) = &mut members[0].1 {
                    *path = path.replacen("item", &format!("answer[{place}]"), 1);
                }
                found.push(Json::Object(members));
            }
        }
        match found.is_empty() {
            true => Cell::Null,
            false => Cell::Text(Json::List(found).to_jsonb()),
        }
    }

    /// Everything at the end of a path, below the answer where the path begins with it.
    fn walk(&self, path: &str) -> Vec<&'tree Json> {
        match path.strip_prefix("answer.") {
            Some(rest) => match self.answer {
                Some((_, answer)) => walk(answer, rest, self.resource),
                None => Vec::new(),
            },
            None => walk(self.element, path, self.resource),
        }
    }

    /// The value of a column by its path in the specification.
    fn cell(&self, table: &Table, column: &Column) -> Cell {
        let path = column.path.as_str();
        if let Some(choice) = path.strip_prefix("type of ") {
            return self.variant(choice, &column.comment).into();
        }
        if column.postgres_type == "bigint" {
            return self.key(column);
        }
        if let Some(concept) = path.strip_suffix(" / .type") {
            return self.meaning(stem(concept), None).and_then(|meaning| meaning.target_type).into();
        }
        if let Some(reference) = path.strip_suffix(" / .identifier") {
            return self.unresolved(table, stem(reference));
        }
        if path == "reference" || path.ends_with(".reference") {
            return self.unresolved(table, stem(path));
        }
        if let Some(attachment) = path.strip_suffix("data, decoded when contentType is text/*") {
            return self.decoded(attachment.trim_end_matches('.')).into();
        }
        if let Some((concept, member)) =
            path.split_once(".coding: the next coding after the one chosen, its ")
        {
            return self.next_coding(concept, member).into();
        }
        if let Some(concept) = path.strip_suffix(OTHER_CODINGS) {
            return self.other_codings(concept).into();
        }
        if column.postgres_type.ends_with("[]") {
            let path = path.strip_suffix(", in order").unwrap_or(path);
            return self.list(path, &column.postgres_type).into();
        }
        for alternative in split(path, " or ") {
            let value = self.scalar(alternative, &column.postgres_type);
            if value.is_some() {
                return value.into();
            }
        }
        Cell::Null
    }

    /// The first variant of `path[x]` that is there, of those that `variants` lists.
    fn variant(&self, choice: &str, variants: &str) -> Option<String> {
        let path = choice.strip_suffix("[x]").unwrap_or(choice);
        for variant in variants.split(" | ") {
            let mut name = variant[..1].to_uppercase();
            name.push_str(&variant[1..]);
            if !self.walk(&format!("{path}{name}")).is_empty() {
                return Some(variant.to_owned());
            }
        }
        None
    }

    fn scalar(&self, path: &str, postgres_type: &str) -> Option<String> {
        if let Some(coded) = path.strip_suffix(ELSE_TEXT) {
            let (concept, _) = coded.rsplit_once(".coding.")?;
            return self
                .scalar(coded, postgres_type)
                .or_else(|| self.scalar(&format!("{concept}.text"), postgres_type));
        }
        if let Some((concept, member)) = coded(path) {
            let concept = *self.walk(concept).first()?;
            let (_, coding) = chosen_coding(concept)?;
            return Some(coding.string(member)?.to_owned());
        }
        let value = *self.walk(path).first()?;
        let is_end = path.ends_with(".end");
        let assumed = self.context.assumed_offset;
        match (postgres_type, value) {
            ("jsonb", value) => Some(value.to_jsonb()),
            ("boolean", Json::Boolean(value)) => Some(value.to_string()),
            ("integer", Json::Number(written)) => text::integer(written),
            ("numeric", Json::Number(written)) => Some(text::numeric(written)),
            ("text", Json::Text(written)) => Some(written.clone()),
            ("date", Json::Text(written)) => text::date(written),
            ("time", Json::Text(written)) => text::time(written),
            ("timestamptz", Json::Text(written)) if is_end => text::last_instant(written, assumed),
            ("timestamptz", Json::Text(written)) => text::first_instant(written, assumed),
            _ => None,
        }
    }

    fn list(&self, path: &str, postgres_type: &str) -> Option<String> {
        let mut items = Vec::new();
        for value in self.walk(path) {
            match (postgres_type, value) {
                ("text[]", Json::Text(written)) => items.push(written.clone()),
                ("integer[]", Json::Number(written)) => items.extend(text::integer(written)),
                _ => {}
            }
        }
        (!items.is_empty()).then(|| text::array(&items))
    }

    fn decoded(&self, attachment: &str) -> Option<String> {
        let attachment = *self.walk(attachment).first()?;
        let content_type = attachment.string("contentType")?;
        if !content_type.to_ascii_lowercase().starts_with("text/") {
            return None;
        }
        text::base64_text(attachment.string("data")?)
    }

    fn next_coding(&self, concept: &str, member: &str) -> Option<String> {
        let concept = *self.walk(concept).first()?;
        let (place, _) = chosen_coding(concept)?;
        let codings = concept.get("coding")?.items();
        let next = codings.get(place + 1).or_else(|| codings.first().filter(|_| place > 0))?;
        Some(next.string(member)?.to_owned())
    }

    /// All codings but the chosen one and that after it, else the first.
    fn other_codings(&self, concept: &str) -> Option<String> {
        let concept = *self.walk(concept).first()?;
        let (chosen, _) = chosen_coding(concept)?;
        let codings = concept.get("coding")?.items();
        let next = if chosen + 1 < codings.len() { chosen + 1 } else { 0 };
        let mut others = Vec::new();
        for (place, coding) in codings.iter().enumerate() {
            if place != chosen && place != next {
                let part = |name: &str| coding.string(name).unwrap_or_default();
                others.push(format!("{}|{}", part("system"), part("code")));
            }
        }
        (!others.is_empty()).then(|| text::array(&others))
    }

    fn meaning(&self, path: &str, allowed: Option<&str>) -> Option<Meaning> {
        let reference = *self.walk(path).first()?;
        Some(read(reference, self.resource, self.context, allowed))
    }

    /// The targets of all references on a path that are of one type.
    fn targets(&self, path: &str, resource_type: &str) -> Vec<ResourceName> {
        let mut targets = Vec::new();
        for reference in self.walk(path) {
            let meaning = read(reference, self.resource, self.context, None);
            if let Some(target) = meaning.restricted(Some(resource_type)).target {
                targets.push(target);
            }
        }
        targets
    }

    fn key(&self, column: &Column) -> Cell {
        let specification = Specification::get();
        let allowed = specification.resource_type(&column.foreign_key);
        let path = column.path.as_str();
        let agreed = path
            .strip_suffix(": the one encounter all items agree on")
            .or_else(|| path.strip_suffix(" where it is a Patient, if exactly one"));
        let target = if let Some(path) = agreed {
            let mut targets = self.targets(path, allowed.expect("an agreed key has a table"));
            targets.sort();
            targets.dedup();
            match targets.len() {
                1 => targets.pop(),
                _ => None,
            }
        } else if let Some((path, _)) = path.split_once(" where it is a") {
            let allowed = allowed.expect("a restricted key has a table");
            self.targets(stem(path), allowed).into_iter().next()
        } else {
            self.meaning(stem(path), allowed).and_then(|meaning| meaning.target)
        };
        target.map_or(Cell::Null, Cell::Key)
    }

    /// The reference in words, if no key column of the table says it all.
    fn unresolved(&self, table: &Table, reference: &str) -> Cell {
        let mut allowed = None;
        for column in &table.columns {
            let path = column.path.split(" where it is a").next().unwrap_or("");
            let is_key = column.postgres_type == "bigint" && !column.is_key;
            if is_key && is_reference(path) && stem(path) == reference {
                allowed = Specification::get().resource_type(&column.foreign_key);
                if allowed.is_none() {
                    break;
                }
            }
        }
        match self.meaning(reference, allowed) {
            Some(meaning) if meaning.target.is_none() => meaning.written.into(),
            _ => Cell::Null,
        }
    }
}

fn is_reference(path: &str) -> bool {
    path == "reference" || path.ends_with(".reference")
}

/// The path of the Reference itself: without `.reference` at its end.
fn stem(path: &str) -> &str {
    if path == "reference" {
        return "";
    }
    path.strip_suffix(".reference").unwrap_or(path)
}

/// The path of a concept and the member of its chosen coding, for `concept.coding.member`.
fn coded(path: &str) -> Option<(&str, &str)> {
    let (concept, member) = match path.strip_prefix("coding.") {
        Some(member) => ("", member),
        None => path.rsplit_once(".coding.")?,
    };
    matches!(member, "system" | "code" | "display").then_some((concept, member))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns that are filled from the place of a row, not from a path.
    fn is_fixed(table: &Table, column: &Column) -> bool {
        let name = column.name.as_str();
        let is_place = matches!(
            name,
            "id" | "fhir_id"
                | "source_id"
                | "container_id"
                | "extension"
                | "level"
                | "kind"
                | "item_sequence"
        );
        column.is_key
            || is_place
            || name.ends_with("_ordinal")
            || (!table.is_resource() && name == "patient_id")
    }

    fn is_step(step: &str) -> bool {
        if step == "resolve()"
            || step == "inUse()"
            || step.starts_with("extension('")
            || step.starts_with("where(")
        {
            return true;
        }
        let name = step.split('[').next().unwrap_or("");
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }

    #[test]
    fn every_path_of_the_specification_is_understood() {
        let prose = [
            ELSE_TEXT,
            " / .type",
            " / .identifier",
            ", in order",
            ", decoded when contentType is text/*",
            ": the one encounter all items agree on",
            " where it is a Patient, if exactly one",
            " where it is a Patient (first)",
            " where it is a Practitioner",
            " where it is an Encounter",
            OTHER_CODINGS,
        ];
        for tables in Specification::get().tables.values() {
            for table in tables {
                for column in &table.columns {
                    if is_fixed(table, column) {
                        continue;
                    }
                    let path = column.path.strip_prefix("type of ").unwrap_or(&column.path);
                    let next = ": the next coding after the one chosen, its ";
                    let path = path.split(next).next().unwrap_or(path);
                    for alternative in split(path, " or ") {
                        let mut bare = alternative;
                        for words in prose {
                            bare = bare.strip_suffix(words).unwrap_or(bare);
                        }
                        for step in split(bare, ".") {
                            assert!(is_step(step), "{}.{}: {path}", table.name, column.name);
                        }
                    }
                }
            }
        }
    }
}
