//! References between resources: the key of the target if it can be determined,
//! and the reference as written unless the key tells everything it says.
//! Source: <https://hl7.org/fhir/R4/references.html>.

use crate::fhir::{ResourceType, snake_case};
use crate::json::{NameId, Value};

use super::column::{Column, SqlType, join};
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::resolve::{Expected, Referenced};
use super::row::{Row, object};

const DISPLAY: &str = "display, what the sender calls the target";

fn key_column(name: String, target: Option<ResourceType>, holds: &str) -> Column {
    Column { refers_to: target, ..Column::new(name, SqlType::BigInt, holds) }
}

fn text_column(name: String, holds: &str) -> Column {
    Column::new(name, SqlType::Text, holds)
}

/// Reference: key, display and reference; preceded by the target's type if the
/// element may refer to several types.
pub(super) struct Reference {
    /// The type that it may refer to, if there is only one.
    pub target: Option<ResourceType>,
}

impl Datatype for Reference {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        // A list of references alone has no prefix, so the target's name replaces it.
        let name = match self.target {
            _ if !prefix.is_empty() => prefix.to_owned(),
            Some(target) => snake_case(target.name()),
            None => "target".to_owned(),
        };
        if self.target.is_none() {
            columns.push(text_column(join(&name, "type"), "type of the target"));
        }
        columns.push(key_column(join(&name, "id"), self.target, "key of the target"));
        columns.push(text_column(join(prefix, "display"), DISPLAY));
        columns.push(text_column(
            join(prefix, "reference"),
            "reference, else identifier, as written; null where the key says it all",
        ));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let Some(reference) = object(elements)? else {
            row.buffer.nulls(if self.target.is_none() { 4 } else { 3 });
            return Ok(());
        };
        let referenced = row.references.resolve(reference, Expected::only_or_any(self.target))?;
        if self.target.is_none() {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        }
        row.buffer.optional_key(referenced.target);
        row.member_text(Some(reference), NameId::DISPLAY)?;
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// The reference to a resource's patient or encounter, whose key is among the
/// first columns of the table. Only display and reference are here, with the target's
/// type and key if it need not be a patient.
pub(super) struct PlacedReference {
    /// Whether the target's type and key are columns.
    pub has_target: bool,
    /// The type whose key is among the first columns.
    pub target: ResourceType,
}

impl Datatype for PlacedReference {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.has_target {
            columns.push(text_column(join(prefix, "type"), "type of the target"));
            columns.push(key_column(join(prefix, "id"), None, "key of the target"));
        }
        columns.push(text_column(join(prefix, "display"), DISPLAY));
        columns.push(text_column(
            join(prefix, "reference"),
            "reference, else identifier, as written; null where the key says it all",
        ));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let expected =
            if self.has_target { Expected::Prefer(self.target) } else { Expected::Only(self.target) };
        let reference = object(elements)?;
        let referenced = match reference {
            Some(reference) => row.references.resolve(reference, expected)?,
            None => Referenced::default(),
        };
        if self.has_target {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
            row.buffer.optional_key(referenced.target);
        }
        row.member_text(reference, NameId::DISPLAY)?;
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// The encounter of an item of a list: its key and the reference as written.
pub(super) struct EncounterOfItem {
    pub target: ResourceType,
}

impl Datatype for EncounterOfItem {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let reference = PlacedReference { has_target: false, target: self.target };
        let mut columns = vec![key_column(join(prefix, "id"), Some(self.target), "key of the encounter")];
        columns.extend(reference.columns(prefix));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let reference = object(elements)?;
        let referenced = match reference {
            Some(reference) => row.references.resolve(reference, Expected::Only(self.target))?,
            None => Referenced::default(),
        };
        row.buffer.optional_key(referenced.target);
        row.member_text(reference, NameId::DISPLAY)?;
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// The key of the first reference to a certain type.
pub(super) struct Key {
    pub target: ResourceType,
}

impl Datatype for Key {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let holds = format!("key of the first that is a {}", self.target.name());
        vec![key_column(prefix.to_owned(), Some(self.target), &holds)]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        for element in elements {
            let Some(reference) = object(&[*element])? else { continue };
            let referenced = row.references.resolve(reference, Expected::KeyOf(self.target))?;
            if referenced.resource_type == Some(self.target) && referenced.target.is_some() {
                row.buffer.optional_key(referenced.target);
                return Ok(());
            }
        }
        row.buffer.null();
        Ok(())
    }
}

/// The key of the one target that all references to a certain type share; null
/// if they differ. References to other types are ignored.
pub(super) struct Agreed {
    pub target: ResourceType,
}

impl Datatype for Agreed {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![key_column(
            prefix.to_owned(),
            Some(self.target),
            "the one that all agree on; null when none or several",
        )]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let mut agreed = None;
        for element in elements {
            let Some(reference) = object(&[*element])? else { continue };
            let Referenced { target, resource_type, .. } =
                row.references.resolve(reference, Expected::KeyOf(self.target))?;
            if resource_type.is_some_and(|resource_type| resource_type != self.target) {
                continue;
            }
            if target.is_none() || (agreed.is_some() && agreed != target) {
                row.buffer.null();
                return Ok(());
            }
            agreed = target;
        }
        row.buffer.optional_key(agreed);
        Ok(())
    }
}
