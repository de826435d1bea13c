//! The *decision* which records count: the version rule as a fold over the records of each
//! resource in the order of reading, from what the registry has. The outcomes are those of a
//! run that loads all records into Postgres in one batch.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use fhirmill_core::version::{Current, Effect, Folded, Place, Version, fold};

/// The columns of a batch of records.
struct Records<'a> {
    /// Null where the row is the registry's.
    record: &'a Int64Array,
    id: &'a BinaryArray,
    file: &'a Int64Array,
    position: &'a Int64Array,
    effective_at: &'a Int64Array,
    version_number: &'a Int64Array,
    content_hash: &'a BinaryArray,
    inherited_at: &'a Int64Array,
    inherited_version: &'a Int64Array,
    dated_file: &'a Int64Array,
    dated_position: &'a Int64Array,
    revision: &'a Int64Array,
}

/// What is decided, by row.
struct Decided {
    outcomes: Vec<Option<&'static str>>,
    actions: Vec<Option<&'static str>>,
    orders: Vec<Option<Current>>,
    revisions: Vec<Option<i64>>,
}

/// Decides on a struct array of records.
///
/// # Errors
/// A column is missing or has another type.
pub fn decide_batch(array: &ArrayRef) -> Result<RecordBatch, ArrowError> {
    let wrong = || ArrowError::SchemaError("a record batch is wanted".to_owned());
    let records = Records::of(array.as_struct_opt().ok_or_else(wrong)?)?;
    let mut rows: Vec<usize> = (0..array.len()).collect();
    rows.sort_unstable_by(|a, b| {
        records.id.value(*a).cmp(records.id.value(*b)).then_with(|| records.turn(*a).cmp(&records.turn(*b)))
    });
    let mut decided = Decided {
        outcomes: vec![None; rows.len()],
        actions: vec![None; rows.len()],
        orders: vec![None; rows.len()],
        revisions: vec![None; rows.len()],
    };
    for resource in rows.chunk_by(|a, b| records.id.value(*a) == records.id.value(*b)) {
        decided.resource(&records, resource);
    }
    decided.batch()
}

impl<'a> Records<'a> {
    fn of(batch: &'a StructArray) -> Result<Self, ArrowError> {
        let column = |name: &str| {
            let missing = || ArrowError::SchemaError(format!("there is no column {name}"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let wrong = |name: &str| ArrowError::SchemaError(format!("column {name} has another type"));
        let number = |name: &str| column(name)?.as_primitive_opt::<Int64Type>().ok_or_else(|| wrong(name));
        let bytes = |name: &str| column(name)?.as_binary_opt::<i32>().ok_or_else(|| wrong(name));
        Ok(Records {
            record: number("record")?,
            id: bytes("id")?,
            file: number("file")?,
            position: number("position")?,
            effective_at: number("effective_at")?,
            version_number: number("version_number")?,
            content_hash: bytes("content_hash")?,
            inherited_at: number("inherited_at")?,
            inherited_version: number("inherited_version")?,
            dated_file: number("dated_file")?,
            dated_position: number("dated_position")?,
            revision: number("revision")?,
        })
    }

    /// The order within a resource: the registry's row first, then the order of reading.
    fn turn(&self, row: usize) -> (bool, Place) {
        (self.record.is_valid(row), self.place(row))
    }

    fn place(&self, row: usize) -> Place {
        Place { file: self.file.value(row), position: self.position.value(row) }
    }

    fn version(&self, row: usize) -> Version {
        Version {
            time: number(self.effective_at, row),
            number: number(self.version_number, row),
            place: self.place(row),
        }
    }

    /// What counted so far, by the registry's row.
    fn stored(&self, row: usize) -> Current {
        let place = |file| Place { file, position: self.dated_position.value(row) };
        Current {
            version: self.version(row),
            inherited_time: number(self.inherited_at, row),
            inherited_number: number(self.inherited_version, row),
            time_place: number(self.dated_file, row).map(place),
        }
    }

    /// The hash of the content; `None` for a deletion.
    fn content(&self, row: usize) -> Option<&[u8]> {
        self.content_hash.is_valid(row).then(|| self.content_hash.value(row))
    }
}

fn number(column: &Int64Array, row: usize) -> Option<i64> {
    column.is_valid(row).then(|| column.value(row))
}

impl Decided {
    /// Decides on the records of one resource.
    fn resource(&mut self, records: &Records<'_>, rows: &[usize]) {
        let Some((&first, rest)) = rows.split_first() else { return };
        let is_stored = records.record.is_null(first);
        let before = is_stored.then(|| records.stored(first));
        let candidates = if is_stored { rest } else { rows };
        let versions = candidates.iter().map(|row| records.version(*row));
        let Some(Folded { current: order, winner }) = fold(before, versions) else { return };
        let has_won = winner.is_some();
        let winner = winner.map_or(first, |winner| candidates[winner]);
        let content = records.content(winner);
        for row in candidates {
            let is_same = records.content(*row) == content;
            self.outcomes[*row] = Some(if is_same { "unchanged" } else { "stale" });
        }
        let is_same = is_stored && content == records.content(first);
        let effect = Effect::of(before.as_ref(), &order, has_won, is_same);
        let revision = if is_stored { number(records.revision, first).unwrap_or(1) } else { 0 };
        let is_other_content = matches!(effect, Effect::Insert | Effect::Replace);
        if is_other_content {
            let applied = if is_stored { "updated" } else { "inserted" };
            self.outcomes[winner] = Some(if content.is_some() { applied } else { "deleted" });
        }
        self.actions[winner] = name_of(effect);
        if effect != Effect::Keep {
            self.orders[winner] = Some(order);
            self.revisions[winner] = Some(revision + i64::from(is_other_content));
        }
    }

    fn batch(self) -> Result<RecordBatch, ArrowError> {
        let numbers = |value: fn(&Current) -> Option<i64>| -> ArrayRef {
            let values = self.orders.iter().map(|order| order.as_ref().and_then(value));
            Arc::new(values.collect::<Int64Array>())
        };
        let texts = |texts: &[Option<&'static str>]| -> ArrayRef {
            Arc::new(texts.iter().copied().collect::<StringArray>())
        };
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("outcome", texts(&self.outcomes)),
            ("action", texts(&self.actions)),
            ("inherited_at", numbers(|order| order.inherited_time)),
            ("inherited_version", numbers(|order| order.inherited_number)),
            ("dated_file", numbers(|order| order.time_place.map(|place| place.file))),
            ("dated_position", numbers(|order| order.time_place.map(|place| place.position))),
            ("revision", Arc::new(self.revisions.iter().copied().collect::<Int64Array>())),
        ];
        let field =
            |(name, array): &(&str, ArrayRef)| Field::new(*name, DataType::clone(array.data_type()), true);
        let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
        RecordBatch::try_new(schema, columns.into_iter().map(|(_, array)| array).collect())
    }
}

/// What becomes of the registry's row, as `fhirmill/spark/_run.py` reads it.
fn name_of(effect: Effect) -> Option<&'static str> {
    match effect {
        Effect::Insert => Some("insert"),
        Effect::Replace => Some("replace"),
        Effect::Refresh => Some("refresh"),
        Effect::Move => Some("move"),
        Effect::Raise => Some("raise"),
        Effect::Keep => None,
    }
}
