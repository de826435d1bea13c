//! FHIR's primitive types, lists of them, Identifier, and JSON kept as it is.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#primitive>.

use crate::json::{NameId, Value};

use super::{Column, Datatype, Row, SqlType, ValueDefect, ValueDefectReason, join, object, text};

/// string, code, uri and their like: `text`.
pub(super) struct Text;

impl Datatype for Text {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Text, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match elements.first() {
            Some(value) => row.buffer.text(&text(*value)?),
            None => row.buffer.null(),
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

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match elements.first() {
            Some(value) => {
                let value =
                    value.as_boolean().ok_or(ValueDefect::new(*value, ValueDefectReason::ExpectedBoolean))?;
                row.buffer.boolean(value);
            }
            None => row.buffer.null(),
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

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match elements.first() {
            Some(value) => row.buffer.integer(integer(*value)?),
            None => row.buffer.null(),
        }
        Ok(())
    }
}

fn integer(value: Value<'_>) -> Result<i32, ValueDefect> {
    let defect = ValueDefect::new(value, ValueDefectReason::ExpectedInteger);
    value.as_number().ok_or(defect)?.parse().map_err(|_| defect)
}

/// decimal: `numeric`, with the digits as written.
pub(super) struct Decimal;

impl Datatype for Decimal {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Numeric, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match elements.first() {
            Some(value) => row.number(*value),
            None => {
                row.buffer.null();
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

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        if elements.is_empty() {
            row.buffer.null();
            return Ok(());
        }
        let mut items = Vec::with_capacity(elements.len());
        for value in elements {
            items.push(Some(text(*value)?));
        }
        row.buffer.text_array(&items);
        Ok(())
    }
}

/// A list of whole numbers: `integer[]`, in order.
pub(super) struct IntegerList;

impl Datatype for IntegerList {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::IntegerArray, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        if elements.is_empty() {
            row.buffer.null();
            return Ok(());
        }
        let mut items = Vec::with_capacity(elements.len());
        for value in elements {
            items.push(integer(*value)?);
        }
        row.buffer.integer_array(&items);
        Ok(())
    }
}

/// An element kept as JSON: `jsonb`.
pub(super) struct Json;

impl Datatype for Json {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Jsonb, "")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match elements.first() {
            Some(value) => row.buffer.jsonb(&[value.raw()]),
            None => row.buffer.null(),
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

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let identifier = object(elements)?;
        row.member_text(identifier, NameId::SYSTEM)?;
        row.member_text(identifier, NameId::VALUE)
    }
}
