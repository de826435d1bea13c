//! A *datatype* is a FHIR datatype and what it becomes in a table: which columns
//! (suffix, Postgres type), how it is read from JSON, how it is written into
//! a row. One small file for each family of kinds; `docs/ARCHITECTURE.md`
//! tells how the engine uses them.
//!
//! Datatypes know nothing of files or connections. Where a datatype meets a reference
//! it asks the row's `References`, which the engine provides.

mod attachment;
mod choice;
mod concept;
mod date;
pub mod moment;
mod primitive;
mod quantity;
mod reference;

use std::borrow::Cow;
use std::ops::Range;

use thiserror::Error;

pub use choice::{Choice, Variant};
pub use concept::{chosen_coding, next_coding};
pub use moment::Timezone;
pub use reference::{Referenced, References};

use crate::fhir::ResourceType;
use crate::json::{NameId, Value};
use crate::rows::RowBuffer;

/// A column's type in Postgres.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    BigInt,
    Boolean,
    Bytea,
    Date,
    Integer,
    IntegerArray,
    Jsonb,
    Numeric,
    SmallInt,
    Text,
    TextArray,
    Time,
    Timestamptz,
}

impl SqlType {
    /// As SQL's `CREATE TABLE` spells it.
    pub fn sql(self) -> &'static str {
        match self {
            SqlType::BigInt => "bigint",
            SqlType::Boolean => "boolean",
            SqlType::Bytea => "bytea",
            SqlType::Date => "date",
            SqlType::Integer => "integer",
            SqlType::IntegerArray => "integer[]",
            SqlType::Jsonb => "jsonb",
            SqlType::Numeric => "numeric",
            SqlType::SmallInt => "smallint",
            SqlType::Text => "text",
            SqlType::TextArray => "text[]",
            SqlType::Time => "time",
            SqlType::Timestamptz => "timestamptz",
        }
    }
}

/// A column that a datatype makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub sql_type: SqlType,
    /// What it holds, as FHIRPath below the element, or in words: for
    /// comments and the data dictionary.
    pub holds: String,
    /// The resource type whose table the column is a key of.
    pub refers_to: Option<ResourceType>,
}

impl Column {
    pub fn new(name: String, sql_type: SqlType, holds: &str) -> Self {
        Column { name, sql_type, holds: holds.to_owned(), refers_to: None }
    }
}

/// A FHIR datatype as columns.
pub trait Datatype: Send + Sync {
    /// The columns of an element whose columns are to begin with `prefix`
    /// (empty: no prefix).
    fn columns(&self, prefix: &str) -> Vec<Column>;

    /// Writes one value for each column. `elements` are what stands at the
    /// element's path, in document order, nulls left out; kinds that are no
    /// lists take the first.
    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect>;
}

/// The row that is being written, and what the kinds need around it.
pub struct Row<'r> {
    pub buffer: &'r mut RowBuffer,
    pub references: &'r mut dyn References,
    /// Stands in for offsets that are not written.
    pub timezone: Timezone,
}

/// Why a value cannot stand in its column.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueDefectReason {
    #[error("expected a string")]
    ExpectedString,
    #[error("expected true or false")]
    ExpectedBoolean,
    #[error("expected a number")]
    ExpectedNumber,
    #[error("expected a whole number between -2147483648 and 2147483647")]
    ExpectedInteger,
    #[error("expected an object")]
    ExpectedObject,
    #[error("not a date: expected YYYY, YYYY-MM or YYYY-MM-DD")]
    InvalidDate,
    #[error("not a date and time: expected YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz")]
    InvalidDateTime,
    #[error("not a time: expected hh:mm:ss")]
    InvalidTime,
    #[error("a number with more digits than Postgres' type numeric holds")]
    NumberOutOfRange,
    #[error("a value longer than 512 MiB")]
    TooLong,
    #[error("longer than {MAX_INDEXED_BYTES} bytes, the most that is indexed of an id, a code or a number")]
    TooLongForIndex,
    #[error("with this, the resource has more rows or extensions than one may have")]
    TooMuch,
}

/// The longest text of a column that has an index. A B-tree's row takes 2704
/// bytes (<https://www.postgresql.org/docs/current/btree.html>), in which two
/// such texts and a key find room.
pub const MAX_INDEXED_BYTES: usize = 1000;

/// A value that cannot stand in its column, and where it stands in its tree.
/// It never holds the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueDefect {
    pub reason: ValueDefectReason,
    /// The value's index in its tree.
    pub at: u32,
}

impl ValueDefect {
    pub fn new(value: Value<'_>, reason: ValueDefectReason) -> Self {
        ValueDefect { reason, at: value.index() }
    }
}

/// The datatype of that FHIR name, as declarations write it: `Period`,
/// `Reference(Organization)`, `string[]`. `None` if there is none.
pub fn named(name: &str, argument: Option<&str>) -> Option<Box<dyn Datatype>> {
    let target = match argument {
        Some(name) => Some(ResourceType::named(name)?),
        None => None,
    };
    let datatype: Box<dyn Datatype> = match name {
        "base64Binary" | "canonical" | "code" | "id" | "markdown" | "oid" | "string" | "uri" | "url"
        | "uuid" => Box::new(primitive::Text),
        "boolean" => Box::new(primitive::Boolean),
        "integer" | "positiveInt" | "unsignedInt" => Box::new(primitive::Integer),
        "decimal" => Box::new(primitive::Decimal),
        "time" => Box::new(date::Time),
        "code[]" | "canonical[]" | "markdown[]" | "string[]" | "uri[]" => Box::new(primitive::TextList),
        "integer[]" | "positiveInt[]" | "unsignedInt[]" => Box::new(primitive::IntegerList),
        "json" => Box::new(primitive::Json),
        "date" => Box::new(date::Date),
        "dateTime" | "instant" => Box::new(date::DateTime),
        "Period" => Box::new(date::Period),
        "CodeableConcept" => Box::new(concept::CodeableConcept),
        "Concept" => Box::new(concept::Concept),
        "ConceptCode" => Box::new(concept::ConceptCode),
        "Coding" => Box::new(concept::Coding),
        "NextCoding" => Box::new(concept::NextCoding),
        "Quantity" => Box::new(quantity::Quantity),
        "SimpleQuantity" | "Age" | "Duration" => Box::new(quantity::SimpleQuantity),
        "Money" => Box::new(quantity::Money),
        "Range" => Box::new(quantity::Range),
        "Ratio" => Box::new(quantity::Ratio),
        "Identifier" => Box::new(primitive::Identifier),
        "Attachment" => Box::new(attachment::Attachment),
        "AttachmentText" => Box::new(attachment::AttachmentText),
        "Reference" => Box::new(reference::Reference { target }),
        "ReferenceKey" => Box::new(reference::ReferenceKey { target }),
        "PatientReference" => Box::new(reference::PlacedReference {
            has_target: false,
            target: ResourceType::named("Patient")?,
        }),
        "SubjectReference" => {
            Box::new(reference::PlacedReference { has_target: true, target: ResourceType::named("Patient")? })
        }
        "EncounterReference" => Box::new(reference::PlacedReference {
            has_target: false,
            target: ResourceType::named("Encounter")?,
        }),
        "EncounterOfItem" => {
            Box::new(reference::EncounterOfItem { target: ResourceType::named("Encounter")? })
        }
        "Key" => Box::new(reference::Key { target: target? }),
        "Agreed" => Box::new(reference::Agreed { target: target? }),
        _ => return None,
    };
    Some(datatype)
}

/// `prefix` and `suffix` as one column's name.
fn join(prefix: &str, suffix: &str) -> String {
    match (prefix.is_empty(), suffix.is_empty()) {
        (true, _) => suffix.to_owned(),
        (_, true) => prefix.to_owned(),
        _ => format!("{prefix}_{suffix}"),
    }
}

/// A string's characters.
fn text(value: Value<'_>) -> Result<Cow<'_, str>, ValueDefect> {
    let text = value.as_text().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedString))?;
    if text.len() > crate::rows::MAX_VALUE_BYTES {
        return Err(ValueDefect::new(value, ValueDefectReason::TooLong));
    }
    Ok(text)
}

/// Refuses an object whose members of those names an index cannot hold.
pub fn require_short(object: Value<'_>, names: &[NameId]) -> Result<(), ValueDefect> {
    let members = names.iter().filter_map(|name| object.get(*name));
    for member in members {
        if member.as_text().is_some_and(|text| text.len() > MAX_INDEXED_BYTES) {
            return Err(ValueDefect::new(member, ValueDefectReason::TooLongForIndex));
        }
    }
    Ok(())
}

/// The characters of an object's member, if it is there.
fn member_text<'t>(value: Option<Value<'t>>, name: NameId) -> Result<Option<Cow<'t, str>>, ValueDefect> {
    match value.and_then(|value| value.get(name)) {
        Some(member) => text(member).map(Some),
        None => Ok(None),
    }
}

/// The first of the elements, which must be an object.
fn object<'t>(elements: &[Value<'t>]) -> Result<Option<Value<'t>>, ValueDefect> {
    match elements.first() {
        Some(value) if value.json_type() == crate::json::JsonType::Object => Ok(Some(*value)),
        Some(value) => Err(ValueDefect::new(*value, ValueDefectReason::ExpectedObject)),
        None => Ok(None),
    }
}

/// A dateTime as written, and the microseconds that it states.
type WrittenSpan<'t> = (Cow<'t, str>, Range<i64>);

impl Row<'_> {
    /// The characters of an object's member, or null.
    pub fn member_text(&mut self, value: Option<Value<'_>>, name: NameId) -> Result<(), ValueDefect> {
        let text = member_text(value, name)?;
        self.buffer.optional_text(text.as_deref());
        Ok(())
    }

    /// The whole number that an object's member holds, or null.
    pub fn member_integer(&mut self, value: Value<'_>, name: NameId) -> Result<(), ValueDefect> {
        primitive::Integer.write(value.get(name).as_slice(), self)
    }

    /// What an object's member says, or null.
    pub fn member_boolean(&mut self, value: Value<'_>, name: NameId) -> Result<(), ValueDefect> {
        primitive::Boolean.write(value.get(name).as_slice(), self)
    }

    /// The four columns of a CodeableConcept, or nulls.
    pub fn concept(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        concept::CodeableConcept.write(value.as_slice(), self)
    }

    /// The first and the last instant of a Period, without its texts.
    pub fn bounds(&mut self, period: Option<Value<'_>>) -> Result<(), ValueDefect> {
        let bound = |name| period.and_then(|period| period.get(name));
        self.first_instant(bound(NameId::START))?;
        match self.span(bound(NameId::END))? {
            Some((_, span)) => self.buffer.timestamptz(span.end - 1),
            None => self.buffer.null(),
        }
        Ok(())
    }

    /// The first instant of a dateTime, without its text.
    pub fn first_instant(&mut self, value: Option<Value<'_>>) -> Result<(), ValueDefect> {
        match self.span(value)? {
            Some((_, span)) => self.buffer.timestamptz(span.start),
            None => self.buffer.null(),
        }
        Ok(())
    }

    fn span<'t>(&self, value: Option<Value<'t>>) -> Result<Option<WrittenSpan<'t>>, ValueDefect> {
        let Some(value) = value else { return Ok(None) };
        let written = text(value)?;
        match moment::date_time(&written, self.timezone) {
            Some(span) => Ok(Some((written, span))),
            None => Err(ValueDefect::new(value, ValueDefectReason::InvalidDateTime)),
        }
    }

    /// The number that an object's member holds, or null.
    fn member_number(&mut self, value: Option<Value<'_>>, name: NameId) -> Result<(), ValueDefect> {
        match value.and_then(|value| value.get(name)) {
            Some(member) => self.number(member),
            None => {
                self.buffer.null();
                Ok(())
            }
        }
    }

    fn number(&mut self, value: Value<'_>) -> Result<(), ValueDefect> {
        let written = value.as_number().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedNumber))?;
        self.buffer.numeric(written).map_err(|_| ValueDefect::new(value, ValueDefectReason::NumberOutOfRange))
    }
}
