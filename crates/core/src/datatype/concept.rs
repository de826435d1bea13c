//! Coded values: CodeableConcept, Coding, and two shorter forms of a concept for
//! elements that analysts rarely use.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#CodeableConcept>.

use crate::fhir::is_standard_code_system;
use crate::json::{NameId, Value};

use super::column::{Column, SqlType, join};
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::row::{Row, member_text, object};

/// The coding of a concept that its columns hold: of those with a code of a standard
/// system ([`is_standard_code_system`]) the one that the user selected, else the
/// first; if there is none, the one that the user selected, else the first with both
/// system and code, else the first. `None` if it has no codings.
///
/// The standard comes first because some vendors mark their own code in every
/// concept as selected by the user, and nothing of theirs would join with anything.
pub fn chosen_coding(concept: Value<'_>) -> Option<Value<'_>> {
    let codings = concept.get(NameId::CODING)?;
    let mut items = codings.items();
    let first = items.next()?;
    if items.next().is_none() {
        return Some(first);
    }
    // The first of the lowest rank.
    codings.items().min_by_key(|coding| rank(*coding))
}

/// How far behind a coding is in the choice between several.
fn rank(coding: Value<'_>) -> u8 {
    let system = coding.get(NameId::SYSTEM);
    let is_complete = system.is_some() && coding.get(NameId::CODE).is_some();
    let is_selected = coding.get(NameId::USER_SELECTED).and_then(Value::as_boolean) == Some(true);
    let is_standard = || {
        let system = system.and_then(Value::as_text);
        system.is_some_and(|system| is_standard_code_system(&system))
    };
    match (is_selected, is_complete) {
        (true, true) if is_standard() => 0,
        (false, true) if is_standard() => 1,
        (true, _) => 2,
        (false, true) => 3,
        (false, false) => 4,
    }
}

/// The coding after the chosen one, or the first if the last was chosen. CMS
/// gives adjudication categories two codings, and this is the second.
pub fn next_coding(concept: Value<'_>) -> Option<Value<'_>> {
    let chosen = chosen_coding(concept)?;
    let codings = concept.get(NameId::CODING)?;
    let others = || codings.items().filter(move |coding| coding.index() != chosen.index());
    others().find(|coding| coding.index() > chosen.index()).or_else(|| others().next())
}

/// The codings besides the chosen one and the one after it, in order.
fn other_codings(concept: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let shown = [chosen_coding(concept), next_coding(concept)].map(|shown| shown.map(Value::index));
    let codings = concept.get(NameId::CODING).into_iter().flat_map(|codings| codings.items());
    codings.filter(move |coding| !shown.contains(&Some(coding.index())))
}

/// The name of the column with the code: `reason_code` rather than
/// `reason_code_code` for `reasonCode`.
fn code_column(prefix: &str) -> String {
    if prefix == "code" || prefix.ends_with("_code") { prefix.to_owned() } else { join(prefix, "code") }
}

const SYSTEM: &str = "coding.system, the URI of the terminology that the code is from";
const CODE: &str = "coding.code, as the terminology has it";

fn text_column(name: String, holds: &str) -> Column {
    Column::new(name, SqlType::Text, holds)
}

/// CodeableConcept: system, code and display of the chosen coding, and the text.
/// A Coding in its place (`AuditEvent.type`) is taken as its only coding.
pub(super) struct CodeableConcept;

impl Datatype for CodeableConcept {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            text_column(join(prefix, "system"), SYSTEM),
            text_column(code_column(prefix), CODE),
            text_column(join(prefix, "display"), "coding.display, the name of the code, as sent"),
            text_column(join(prefix, "text"), "text, the concept in the sender's own words"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(concept) = object(elements)? else {
            row.buffer.nulls(4);
            return Ok(());
        };
        let coding = chosen_coding(concept).or(Some(concept));
        row.member_text(coding, NameId::SYSTEM)?;
        row.member_text(coding, NameId::CODE)?;
        row.member_text(coding, NameId::DISPLAY)?;
        row.member_text(Some(concept), NameId::TEXT)
    }
}

impl Row<'_> {
    /// Writes the four columns of a CodeableConcept.
    pub fn concept(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        CodeableConcept.write(value.as_slice(), self)
    }
}

/// A CodeableConcept in short: system and code, and its display or else its text.
pub(super) struct Concept;

impl Datatype for Concept {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            text_column(join(prefix, "system"), SYSTEM),
            text_column(code_column(prefix), CODE),
            text_column(join(prefix, "display"), "coding.display, else text: the name of the code, as sent"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(concept) = object(elements)? else {
            row.buffer.nulls(3);
            return Ok(());
        };
        let coding = chosen_coding(concept);
        row.member_text(coding, NameId::SYSTEM)?;
        row.member_text(coding, NameId::CODE)?;
        let display = match member_text(coding, NameId::DISPLAY)? {
            Some(display) => Some(display),
            None => member_text(Some(concept), NameId::TEXT)?,
        };
        row.buffer.optional_text(display.as_deref());
        Ok(())
    }
}

/// A CodeableConcept that serves as a status: its code, else its text.
pub(super) struct ConceptCode;

impl Datatype for ConceptCode {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![text_column(prefix.to_owned(), "coding.code, else text")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let concept = object(elements)?;
        let code = match member_text(concept.and_then(chosen_coding), NameId::CODE)? {
            Some(code) => Some(code),
            None => member_text(concept, NameId::TEXT)?,
        };
        row.buffer.optional_text(code.as_deref());
        Ok(())
    }
}

/// Coding: system, code, display.
pub(super) struct Coding;

impl Datatype for Coding {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![
            text_column(join(prefix, "system"), "system, the URI of the terminology that the code is from"),
            text_column(code_column(prefix), "code, as the terminology has it"),
            text_column(join(prefix, "display"), "display, the name of the code, as sent"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        write_coding(object(elements)?, row)
    }
}

fn write_coding(coding: Option<Value<'_>>, row: &mut Row<'_>) -> Result<(), ValueDefect> {
    row.member_text(coding, NameId::SYSTEM)?;
    row.member_text(coding, NameId::CODE)?;
    row.member_text(coding, NameId::DISPLAY)
}

/// The coding after the chosen one ([`next_coding`]): system, code, display.
pub(super) struct NextCoding;

impl Datatype for NextCoding {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Coding.columns(prefix);
        for column in &mut columns {
            column.holds = format!("coding.{}; of the coding after the one shown", column.holds);
        }
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        write_coding(object(elements)?.and_then(next_coding), row)
    }
}

/// The codings that neither the concept's columns nor those of [`NextCoding`]
/// show: a list of `system|code`, as FHIR's search writes a coding.
/// Source: <https://hl7.org/fhir/R4/search.html#token>.
pub(super) struct OtherCodings;

impl Datatype for OtherCodings {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let holds = "the codings besides the two shown, each as system|code";
        vec![Column::new(join(prefix, "other_codings"), SqlType::TextArray, holds)]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let has_others = |concept: &Value<'_>| {
            concept.get(NameId::CODING).is_some_and(|codings| codings.items().nth(2).is_some())
        };
        let Some(concept) = object(elements)?.filter(has_others) else {
            row.buffer.null();
            return Ok(());
        };
        let mut tokens = Vec::new();
        for coding in other_codings(concept) {
            let system = member_text(Some(coding), NameId::SYSTEM)?.unwrap_or_default();
            let code = member_text(Some(coding), NameId::CODE)?.unwrap_or_default();
            tokens.push(Some(format!("{system}|{code}")));
        }
        row.buffer.text_array(&tokens);
        Ok(())
    }
}
