//! References between resources: the key of the target where it can be known,
//! and what was written where the key does not say it all.
//! Source: <https://hl7.org/fhir/R4/references.html>.

use std::borrow::Cow;

use crate::fhir::{ResourceType, snake_case};
use crate::json::{NameId, Value};
use crate::rows::Target;

use super::{Column, Datatype, Row, SqlType, ValueDefect, join, object};

/// What a reference was found to mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referenced<'t> {
    /// The target's key, to be filled in when the registry has given it.
    pub target: Option<Target>,
    /// The type that the reference or its target states.
    pub resource_type: Option<ResourceType>,
    /// The reference as written, where `target` does not say it all.
    pub written: Option<Cow<'t, str>>,
}

/// Finds the targets of references; the engine provides it.
pub trait References {
    /// `reference` is a Reference; `expected` the one type that the element
    /// may refer to, if it is one.
    fn resolve<'t>(
        &mut self,
        reference: Value<'t>,
        expected: Option<ResourceType>,
    ) -> Result<Referenced<'t>, ValueDefect>;
}

fn key_column(name: String, target: Option<ResourceType>, holds: &str) -> Column {
    Column { refers_to: target, ..Column::new(name, SqlType::BigInt, holds) }
}

fn text_column(name: String, holds: &str) -> Column {
    Column::new(name, SqlType::Text, holds)
}

/// A reference to one type of resource (key, display, reference) or to any
/// (type before them).
pub(super) struct Reference {
    pub target: Option<ResourceType>,
}

impl Datatype for Reference {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        // A list of nothing but references has no prefix: its target's name stands in.
        let name = match self.target {
            _ if !prefix.is_empty() => prefix.to_owned(),
            Some(target) => snake_case(target.name()),
            None => "target".to_owned(),
        };
        if self.target.is_none() {
            columns.push(text_column(join(&name, "type"), "type of the target"));
        }
        columns.push(key_column(join(&name, "id"), self.target, "key of the target"));
        columns.push(text_column(join(prefix, "display"), "display"));
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
        let referenced = row.references.resolve(reference, self.target)?;
        if self.target.is_none() {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        }
        row.buffer.optional_key(referenced.target);
        row.member_text(Some(reference), NameId::DISPLAY)?;
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// A reference of which only the key (and the type, if it may be any) is kept.
pub(super) struct ReferenceKey {
    pub target: Option<ResourceType>,
}

impl Datatype for ReferenceKey {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.target.is_none() {
            columns.push(text_column(join(prefix, "type"), "type of the target"));
        }
        columns.push(key_column(join(prefix, "id"), self.target, "key of the target"));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let referenced = match object(elements)? {
            Some(reference) => row.references.resolve(reference, self.target)?,
            None => Referenced::default(),
        };
        if self.target.is_none() {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
        }
        row.buffer.optional_key(referenced.target);
        Ok(())
    }
}

/// The reference to a resource's patient or encounter: its key stands among
/// the first columns of the table, so that only what was written stands here,
/// with the target's type and key where it may be another than a patient.
pub(super) struct PlacedReference {
    pub has_target: bool,
    pub target: ResourceType,
}

impl Datatype for PlacedReference {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let mut columns = Vec::new();
        if self.has_target {
            columns.push(text_column(join(prefix, "type"), "type of the target"));
            columns.push(key_column(join(prefix, "id"), None, "key of the target"));
        }
        columns.push(text_column(
            join(prefix, "reference"),
            "reference, else identifier, as written; null where the key says it all",
        ));
        columns
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let expected = (!self.has_target).then_some(self.target);
        let referenced = match object(elements)? {
            Some(reference) => row.references.resolve(reference, expected)?,
            None => Referenced::default(),
        };
        if self.has_target {
            row.buffer.optional_text(referenced.resource_type.map(ResourceType::name));
            row.buffer.optional_key(referenced.target);
        }
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// The encounter of a list's item: its key and what was written.
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
        let referenced = match object(elements)? {
            Some(reference) => row.references.resolve(reference, Some(self.target))?,
            None => Referenced::default(),
        };
        row.buffer.optional_key(referenced.target);
        row.buffer.optional_text(referenced.written.as_deref());
        Ok(())
    }
}

/// The key of the first reference that leads to a certain type.
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
            let referenced = row.references.resolve(reference, None)?;
            if referenced.resource_type == Some(self.target) && referenced.target.is_some() {
                row.buffer.optional_key(referenced.target);
                return Ok(());
            }
        }
        row.buffer.null();
        Ok(())
    }
}

/// The key that all the references to a certain type agree on, if they do.
/// References to other types have no say.
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
            let Referenced { target, resource_type, .. } = row.references.resolve(reference, None)?;
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
