//! The generic tables, which have rows of every resource type.

use super::extension::{Taken, gather};
use super::json::Json;
use super::path::{chosen_coding, walk};
use super::reference::{Context, read};
use super::row::{Cell, Row};
use super::specification::Specification;
use super::text;
use super::{Key, Tables};

/// The resource whose rows are made, and what all its rows share.
pub struct Subject<'tree> {
    pub resource: &'tree Json,
    /// The resource, or the one that contains it.
    pub whole: &'tree Json,
    pub context: &'tree Context,
    pub key: Key,
    /// The patient that the resource is about.
    pub patient: Cell,
}

fn owned(text: Option<&str>) -> Cell {
    text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
}

fn number(value: usize) -> Cell {
    Cell::Text(value.to_string())
}

/// System, code, display and text of a concept, under names with a prefix.
fn concept(row: &mut Row, prefix: &str, concept: Option<&Json>) {
    let coding = concept.and_then(chosen_coding).map(|(_, coding)| coding);
    for member in ["system", "code", "display"] {
        let value = coding.and_then(|coding| coding.string(member));
        row.insert(format!("{prefix}{member}"), owned(value));
    }
    let text = concept.and_then(|concept| concept.string("text"));
    row.insert(format!("{prefix}text"), owned(text));
}

impl<'tree> Subject<'tree> {
    fn row(&self, ordinal: Option<usize>) -> Row {
        let mut row = Row::new();
        row.insert("resource_type".to_owned(), Cell::Text(self.key.0.clone()));
        row.insert("resource_id".to_owned(), Cell::Key(self.key.clone()));
        if let Some(ordinal) = ordinal {
            row.insert("ordinal".to_owned(), number(ordinal));
        }
        row
    }

    fn period(&self, row: &mut Row, element: &Json) {
        let assumed = self.context.assumed_offset;
        let period = element.get("period");
        let start = period.and_then(|period| period.string("start"));
        let end = period.and_then(|period| period.string("end"));
        let start = start.and_then(|start| text::first_instant(start, assumed));
        let end = end.and_then(|end| text::last_instant(end, assumed));
        row.insert("period_start".to_owned(), start.into());
        row.insert("period_end".to_owned(), end.into());
    }

    /// Type, id and words of a reference, under the names of the table.
    fn reference(&self, row: &mut Row, reference: Option<&Json>, names: [&str; 2]) -> Option<String> {
        let meaning = reference.map(|reference| read(reference, self.whole, self.context, None));
        let meaning = meaning.unwrap_or_default();
        row.insert(names[0].to_owned(), meaning.target_type.into());
        let is_resolved = meaning.target.is_some();
        row.insert(names[1].to_owned(), meaning.target.map_or(Cell::Null, Cell::Key));
        meaning.written.filter(|_| !is_resolved)
    }

    /// Rows of the generic tables for a resource that has a table of its own.
    pub fn fill(&self, tables: &mut Tables) {
        let is_patient = self.key.0 == "Patient";
        if !is_patient {
            self.identifiers(tables);
            self.telecoms(tables);
        }
        self.lists(tables);
        self.notes(tables);
        self.codings(self.resource, "", "", tables);
    }

    fn items(&self, path: &str) -> Vec<&'tree Json> {
        walk(self.resource, path, self.whole)
    }

    fn identifiers(&self, tables: &mut Tables) {
        for (index, identifier) in self.items("identifier").into_iter().enumerate() {
            let mut row = self.row(Some(index + 1));
            row.insert("patient_id".to_owned(), self.patient.clone());
            for member in ["use", "system", "value"] {
                row.insert(member.to_owned(), owned(identifier.string(member)));
            }
            concept(&mut row, "type_", identifier.get("type"));
            self.period(&mut row, identifier);
            let assigner = identifier.get("assigner");
            let display = assigner.and_then(|assigner| assigner.string("display"));
            row.insert("assigner_display".to_owned(), owned(display));
            tables.push("resource_identifier", row);
        }
    }

    fn telecoms(&self, tables: &mut Tables) {
        let element = telecom_element(self.resource);
        for (index, telecom) in self.items(element).into_iter().enumerate() {
            let mut row = self.row(Some(index + 1));
            for member in ["system", "value", "use"] {
                row.insert(member.to_owned(), owned(telecom.string(member)));
            }
            let rank = match telecom.get("rank") {
                Some(Json::Number(written)) => text::integer(written),
                _ => None,
            };
            row.insert("rank".to_owned(), rank.into());
            self.period(&mut row, telecom);
            let extensions = gather(telecom, &Taken::default());
            let extensions = match extensions.is_empty() {
                true => None,
                false => Some(Json::List(extensions).to_jsonb()),
            };
            row.insert("extension".to_owned(), extensions.into());
            tables.push("resource_telecom", row);
        }
    }

    fn lists(&self, tables: &mut Tables) {
        let lists = Specification::get().lists.get(&self.key.0);
        for list in lists.map_or(&[][..], Vec::as_slice) {
            for (index, item) in self.items(&list.element).into_iter().enumerate() {
                let mut row = self.row(Some(index + 1));
                row.insert("element".to_owned(), Cell::Text(list.element.clone()));
                row.insert("patient_id".to_owned(), self.patient.clone());
                if !list.holds_references {
                    concept(&mut row, "", Some(item));
                    tables.push("resource_concept", row);
                    continue;
                }
                let written = self.reference(&mut row, Some(item), ["target_type", "target_id"]);
                row.insert("display".to_owned(), owned(item.string("display")));
                row.insert("reference".to_owned(), written.into());
                tables.push("resource_reference", row);
            }
        }
    }

    fn notes(&self, tables: &mut Tables) {
        for (index, note) in self.items("note").into_iter().enumerate() {
            let mut row = self.row(Some(index + 1));
            row.insert("patient_id".to_owned(), self.patient.clone());
            let author = note.get("authorReference");
            self.reference(&mut row, author, ["author_type", "author_id"]);
            let display =
                author.and_then(|author| author.string("display")).or_else(|| note.string("authorString"));
            row.insert("author_display".to_owned(), owned(display));
            let time = note.string("time");
            let time = time.and_then(|time| text::first_instant(time, self.context.assumed_offset));
            row.insert("time".to_owned(), time.into());
            row.insert("text".to_owned(), owned(note.string("text")));
            tables.push("resource_note", row);
        }
    }

    /// All codings of concepts with two or more, below `element`.
    fn codings(&self, element: &Json, path: &str, plain: &str, tables: &mut Tables) {
        if let Some(codings) = element.get("coding").map(Json::items)
            && codings.len() > 1
        {
            let chosen = chosen_coding(element).map(|(place, _)| place);
            for (index, coding) in codings.iter().enumerate() {
                let mut row = self.row(Some(index + 1));
                row.insert("path".to_owned(), Cell::Text(path.to_owned()));
                row.insert("element".to_owned(), Cell::Text(plain.to_owned()));
                row.insert("patient_id".to_owned(), self.patient.clone());
                let is_primary = chosen == Some(index);
                row.insert("is_primary".to_owned(), Cell::Text(is_primary.to_string()));
                for member in ["system", "version", "code", "display"] {
                    row.insert(member.to_owned(), owned(coding.string(member)));
                }
                let selected = match coding.get("userSelected") {
                    Some(Json::Boolean(selected)) => Some(selected.to_string()),
                    _ => None,
                };
                row.insert("user_selected".to_owned(), selected.into());
                tables.push("resource_coding", row);
            }
        }
        for (name, value) in element.members() {
            let is_outside = matches!(name.as_str(), "extension" | "modifierExtension")
                || name.starts_with('_')
                || (path.is_empty() && name == "contained");
            if is_outside {
                continue;
            }
            let dot = if path.is_empty() { "" } else { "." };
            let shown = format!("{path}{dot}{name}");
            let plain = format!("{plain}{dot}{name}");
            match value {
                Json::List(items) => {
                    for (index, item) in items.iter().enumerate() {
                        self.codings(item, &format!("{shown}[{index}]"), &plain, tables);
                    }
                }
                single => self.codings(single, &shown, &plain, tables),
            }
        }
    }

    /// The row of `other_resource`, for a resource whose type has no table.
    pub fn fill_other(&self, fixed: &Row, tables: &mut Tables) {
        let mut row = Row::new();
        row.insert("resource_type".to_owned(), Cell::Text(self.key.0.clone()));
        row.insert("id".to_owned(), Cell::Key(self.key.clone()));
        row.insert("fhir_id".to_owned(), Cell::Text(self.key.1.clone()));
        row.insert("source_id".to_owned(), Cell::Text(self.context.source_id.to_string()));
        let patient = ["subject", "patient", "for", "beneficiary", "individual"];
        row.insert("patient_id".to_owned(), self.first_of(&patient, "Patient"));
        let encounter = ["encounter", "context"];
        row.insert("encounter_id".to_owned(), self.first_of(&encounter, "Encounter"));
        row.insert("status".to_owned(), owned(self.resource.string("status")));
        let coded = self.code();
        let coding = match &coded {
            Some(Json::Object(_)) => coded.and_then(|coded| match coded.get("coding") {
                Some(_) => chosen_coding(coded).map(|(_, coding)| coding),
                None => coded.get("code").map(|_| coded),
            }),
            _ => None,
        };
        for (name, member) in [("code_system", "system"), ("code", "code"), ("code_display", "display")] {
            let value = coding.and_then(|coding| coding.string(member));
            row.insert(name.to_owned(), owned(value));
        }
        let words = coded.and_then(|coded| coded.string("text"));
        row.insert("code_text".to_owned(), owned(words));
        let mut date = None;
        for path in
            ["date", "authoredOn", "recorded", "created", "issued", "period.start", "effectiveDateTime"]
        {
            date = date.or_else(|| self.items(path).first().and_then(|found| found.as_str()));
        }
        let instant = date.and_then(|date| text::first_instant(date, self.context.assumed_offset));
        row.insert("date".to_owned(), instant.into());
        row.insert("date_text".to_owned(), owned(date));
        let title = ["title", "name", "description"].into_iter().find_map(|name| self.resource.string(name));
        row.insert("title".to_owned(), owned(title));
        let updated = self.items("meta.lastUpdated");
        let updated = updated.first().and_then(|updated| updated.as_str());
        let updated = updated.and_then(|updated| text::first_instant(updated, self.context.assumed_offset));
        row.insert("last_updated".to_owned(), updated.into());
        row.insert("body".to_owned(), Cell::Text(self.resource.to_jsonb()));
        row.extend(fixed.clone());
        tables.push("other_resource", row);
    }

    fn first_of(&self, elements: &[&str], resource_type: &str) -> Cell {
        for element in elements {
            for reference in self.items(element) {
                let meaning = read(reference, self.whole, self.context, None);
                if let Some(target) = meaning.restricted(Some(resource_type)).target {
                    return Cell::Key(target);
                }
            }
        }
        Cell::Null
    }

    /// The first concept or coding among `code`, `type` and `topic`.
    fn code(&self) -> Option<&'tree Json> {
        for element in ["code", "type", "topic"] {
            if let Some(coded @ Json::Object(_)) = self.items(element).first().copied() {
                return Some(coded);
            }
        }
        None
    }
}

/// The list of a resource's ContactPoints: a Device calls it `contact`.
pub fn telecom_element(resource: &Json) -> &'static str {
    if resource.string("resourceType") == Some("Device") { "contact" } else { "telecom" }
}
