//! FHIR's primitive types, lists of them, Identifier, and JSON as written.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#primitive>.

use super::column::{Column, SqlType, join};
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::row::{Row, integer, object, text};
use crate::json::{NameId, Value};

/// The one column of a primitive type.
fn column(prefix: &str, sql_type: SqlType) -> Vec<Column> {
    vec![Column::new(prefix.to_owned(), sql_type, "")]
}

/// string, code, uri and the like: `text`.
pub(super) struct Text;

impl Datatype for Text {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::Text)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        row.text(elements.first().copied())
    }
}

/// boolean.
pub(super) struct Boolean;

impl Datatype for Boolean {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::Boolean)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        row.boolean(elements.first().copied())
    }
}

/// integer, positiveInt, unsignedInt: `integer`.
pub(super) struct Integer;

impl Datatype for Integer {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::Integer)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        row.integer(elements.first().copied())
    }
}

/// decimal: `numeric`, with the digits as written.
pub(super) struct Decimal;

impl Datatype for Decimal {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::Numeric)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        row.number(elements.first().copied())
    }
}

/// The items of a list; `None` if the element is missing.
fn items<'t, T>(
    elements: &[Value<'t>],
    item: impl Fn(Value<'t>) -> Result<T, ValueDefect>,
) -> Result<Option<Vec<T>>, ValueDefect> {
    if elements.is_empty() {
        return Ok(None);
    }
    let mut items = Vec::with_capacity(elements.len());
    for value in elements {
        items.push(item(*value)?);
    }
    Ok(Some(items))
}

/// A list of strings: `text[]`, in order.
pub(super) struct TextList;

impl Datatype for TextList {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::TextArray)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match items(elements, |value| text(value).map(Some))? {
            Some(items) => row.buffer.text_array(&items),
            None => row.buffer.null(),
        }
        Ok(())
    }
}

/// A list of whole numbers: `integer[]`, in order.
pub(super) struct IntegerList;

impl Datatype for IntegerList {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::IntegerArray)
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        match items(elements, integer)? {
            Some(items) => row.buffer.integer_array(&items),
            None => row.buffer.null(),
        }
        Ok(())
    }
}

/// An element as JSON: `jsonb`.
pub(super) struct Json;

impl Datatype for Json {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        column(prefix, SqlType::Jsonb)
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
        let column = |part, holds| Column::new(join(prefix, part), SqlType::Text, holds);
        vec![
            column("system", "system, the URI of the list that the number is from"),
            column("value", "value, the number itself"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let identifier = object(elements)?;
        row.member_text(identifier, NameId::SYSTEM)?;
        row.member_text(identifier, NameId::VALUE)
    }
}
