//! How the columns of a Parquet file are encoded, told from the first rows of the table.
//!
//! A dictionary makes columns small whose values come again, and costs a hash and a comparison
//! a value. Where nearly all values differ it saves nothing, and the dictionary is as large as
//! the column.

use std::hash::Hash;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;
use rustc_hash::FxHashSet;

/// How many rows are looked at. They are neighbours, because the rows of a patient are.
const SAMPLE_ROWS: usize = 512;
/// A column with fewer values among them has a dictionary.
const LEAST_VALUES: usize = 128;

/// What the values of a column look like, if a dictionary is not best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Without a value so far: what costs least is best.
    Empty,
    Texts,
    Numbers,
    /// Keys and hashes, which nothing makes smaller.
    Hashes,
}

/// The properties with the encodings for a table that begins with that batch.
pub(super) fn chosen(
    mut properties: WriterPropertiesBuilder,
    first: &RecordBatch,
) -> WriterPropertiesBuilder {
    let schema = first.schema();
    for (field, array) in schema.fields().iter().zip(first.columns()) {
        let Some(look) = look(&array.slice(0, array.len().min(SAMPLE_ROWS))) else { continue };
        let column = || ColumnPath::from(vec![field.name().clone()]);
        if look == Look::Empty {
            // A compressor of zstd costs more than such a column.
            properties = properties.set_column_compression(column(), Compression::SNAPPY);
            continue;
        }
        properties = properties.set_column_dictionary_enabled(column(), false);
        properties = match look {
            Look::Empty | Look::Texts => properties,
            Look::Numbers => properties.set_column_encoding(column(), Encoding::DELTA_BINARY_PACKED),
            Look::Hashes => properties.set_column_compression(column(), Compression::UNCOMPRESSED),
        };
    }
    properties
}

/// What the column is if it is empty or nearly all of its values differ.
fn look(sample: &dyn Array) -> Option<Look> {
    if sample.len() >= LEAST_VALUES && sample.null_count() == sample.len() {
        return Some(Look::Empty);
    }
    if sample.len() - sample.null_count() < LEAST_VALUES {
        return None;
    }
    match sample.data_type() {
        DataType::Utf8 => do_differ(sample.as_string::<i32>().iter().flatten()).then_some(Look::Texts),
        DataType::Binary => {
            let values = || sample.as_binary::<i32>().iter().flatten();
            let are_hashes = values().all(|value| matches!(value.len(), 16 | 32));
            do_differ(values()).then_some(if are_hashes { Look::Hashes } else { Look::Texts })
        }
        DataType::Int64 => {
            do_differ(sample.as_primitive::<Int64Type>().iter().flatten()).then_some(Look::Numbers)
        }
        DataType::Timestamp(..) => {
            let values = sample.as_primitive_opt::<TimestampMicrosecondType>()?;
            do_differ(values.iter().flatten()).then_some(Look::Numbers)
        }
        _ => None,
    }
}

/// Whether more than three quarters of the values differ from those before them.
fn do_differ<T: Eq + Hash>(values: impl Iterator<Item = T>) -> bool {
    let mut distinct = FxHashSet::default();
    let mut count = 0;
    for value in values {
        count += 1;
        distinct.insert(value);
    }
    4 * distinct.len() > 3 * count
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, BinaryArray, Int64Array, StringArray};
    use pretty_assertions::assert_eq;
    use std::sync::Arc;

    #[test]
    fn only_columns_whose_values_come_again_have_dictionaries() {
        let rows = 0..1000_u32;
        let hash = |number: u32| [&number.to_be_bytes()[..]; 4].concat();
        let columns: [(ArrayRef, Option<Look>); 9] = [
            (Arc::new(rows.clone().map(|n| Some(n.to_string())).collect::<StringArray>()), Some(Look::Texts)),
            (Arc::new(rows.clone().map(|n| Some((n / 2).to_string())).collect::<StringArray>()), None),
            (Arc::new(rows.clone().map(|n| Some(i64::from(n))).collect::<Int64Array>()), Some(Look::Numbers)),
            (Arc::new(rows.clone().map(|n| Some(i64::from(n % 9))).collect::<Int64Array>()), None),
            (Arc::new(rows.clone().map(|n| Some(hash(n))).collect::<BinaryArray>()), Some(Look::Hashes)),
            (
                Arc::new(rows.clone().map(|n| Some(n.to_be_bytes())).collect::<BinaryArray>()),
                Some(Look::Texts),
            ),
            // A few values say nothing.
            (Arc::new(rows.clone().map(|n| (n < 100).then(|| n.to_string())).collect::<StringArray>()), None),
            (Arc::new(StringArray::new_null(1000)), Some(Look::Empty)),
            (Arc::new(StringArray::new_null(100)), None),
        ];
        for (number, (array, expected)) in columns.iter().enumerate() {
            assert_eq!(look(array), *expected, "column {number}");
        }
    }
}
