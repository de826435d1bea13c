//! FHIR's primitive types, lists of them, Identifier, and JSON kept as it is.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#primitive>.

use crate::json::{Name, Value};

use super::{Column, Datatype, Defect, DefectReason, Row, SqlType, join, object, text};

/// string, code, uri and their like: `text`.
pub(super) struct Text;

impl Datatype for Text {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Text, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        match elements.first() {
            Some(value) => row.copy.text(&text(*value)?),
            None => row.copy.null(),
        }
        Ok(())
    }
}

/// boolean.
pub(super) struct Boolean;

impl Datatype for Boolean {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Boolean, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        match elements.first() {
            Some(value) => {
                let value = value.as_boolean().ok_or(Defect::new(*value, DefectReason::ExpectedBoolean))?;
                row.copy.boolean(value);
            }
            None => row.copy.null(),
        }
        Ok(())
    }
}

/// integer, positiveInt, unsignedInt: `integer`.
pub(super) struct Integer;

impl Datatype for Integer {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Integer, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        match elements.first() {
            Some(value) => row.copy.integer(integer(*value)?),
            None => row.copy.null(),
        }
        Ok(())
    }
}

fn integer(value: Value<'_>) -> Result<i32, Defect> {
    let defect = Defect::new(value, DefectReason::ExpectedInteger);
    value.as_number().ok_or(defect)?.parse().map_err(|_| defect)
}

/// decimal: `numeric`, with the digits as written.
pub(super) struct Decimal;

impl Datatype for Decimal {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Numeric, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        match elements.first() {
            Some(value) => row.number(*value),
            None => {
                row.copy.null();
                Ok(())
            }
        }
    }
}

/// A list of strings: `text[]`, in order.
pub(super) struct TextList;

impl Datatype for TextList {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::TextArray, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        if elements.is_empty() {
            row.copy.null();
            return Ok(());
        }
        let mut items = Vec::with_capacity(elements.len());
        for value in elements {
            items.push(Some(text(*value)?));
        }
        row.copy.text_array(&items);
        Ok(())
    }
}

/// A list of whole numbers: `integer[]`, in order.
pub(super) struct IntegerList;

impl Datatype for IntegerList {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::IntegerArray, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        if elements.is_empty() {
            row.copy.null();
            return Ok(());
        }
        let mut items = Vec::with_capacity(elements.len());
        for value in elements {
            items.push(integer(*value)?);
        }
        row.copy.integer_array(&items);
        Ok(())
    }
}

/// An element kept as JSON: `jsonb`.
pub(super) struct Json;

impl Datatype for Json {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Jsonb, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        match elements.first() {
            Some(value) => row.copy.jsonb(&[value.raw()]),
            None => row.copy.null(),
        }
        Ok(())
    }
}

/// A single Identifier: system and value.
/// <https://hl7.org/fhir/R4/datatypes.html#Identifier>
pub(super) struct Identifier;

impl Datatype for Identifier {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        ["system", "value"].map(|part| Column::new(join(prefix, part), SqlType::Text, part)).to_vec()
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), Defect> {
        let identifier = object(elements)?;
        row.member_text(identifier, Name::SYSTEM)?;
        row.member_text(identifier, Name::VALUE)
    }
}
