//! Values that do not fit their columns.

use thiserror::Error;

use crate::json::{NameId, Value};

/// The longest text, in bytes, of a column that has an index. A B-tree entry
/// takes 2704 bytes (<https://www.postgresql.org/docs/current/btree.html>), in
/// which two such texts and a key fit.
pub const MAX_INDEXED_BYTES: usize = 1000;

/// Why a value does not fit its column.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ValueDefectReason {
    /// Not a string.
    #[error("expected a string")]
    ExpectedString,
    /// Not a boolean.
    #[error("expected true or false")]
    ExpectedBoolean,
    /// Not a number.
    #[error("expected a number")]
    ExpectedNumber,
    /// Not a whole number of 32 bits.
    #[error("expected a whole number between -2147483648 and 2147483647")]
    ExpectedInteger,
    /// Not an object.
    #[error("expected an object")]
    ExpectedObject,
    /// Not a FHIR date.
    #[error("not a date: expected YYYY, YYYY-MM or YYYY-MM-DD")]
    InvalidDate,
    /// A date or dateTime of a day that the calendar does not have.
    #[error("a day that does not exist")]
    NoSuchDay,
    /// Not a FHIR dateTime or instant.
    #[error("not a date and time: expected YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz")]
    InvalidDateTime,
    /// Not a FHIR time.
    #[error("not a time: expected hh:mm:ss")]
    InvalidTime,
    /// A number out of the range of `numeric`.
    #[error("a number with more digits than Postgres' type numeric holds")]
    NumberOutOfRange,
    /// A value longer than Postgres accepts.
    #[error("a value longer than 512 MiB")]
    TooLong,
    /// A text longer than [`MAX_INDEXED_BYTES`] in a column that has an index.
    #[error("longer than {MAX_INDEXED_BYTES} bytes, the most that is indexed of an id, a code or a number")]
    TooLongForIndex,
    /// A resource exceeds the limit on rows or extensions.
    #[error("with this, the resource has more rows or extensions than one may have")]
    TooMuch,
}

/// A value that does not fit its column, and where it is in its tree. It never
/// holds the value itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueDefect {
    /// Why it does not fit.
    pub reason: ValueDefectReason,
    /// The [`Value::index`] of the value.
    pub at: u32,
}

impl ValueDefect {
    /// The defect of `value`.
    pub fn new(value: Value<'_>, reason: ValueDefectReason) -> Self {
        ValueDefect { reason, at: value.index() }
    }
}

/// Checks that the members of those names fit an index.
///
/// # Errors
/// One of them is a string longer than [`MAX_INDEXED_BYTES`].
pub fn require_short(object: Value<'_>, names: &[NameId]) -> Result<(), ValueDefect> {
    let members = names.iter().filter_map(|name| object.get(*name));
    for member in members {
        if member.as_text().is_some_and(|text| text.len() > MAX_INDEXED_BYTES) {
            return Err(ValueDefect::new(member, ValueDefectReason::TooLongForIndex));
        }
    }
    Ok(())
}
