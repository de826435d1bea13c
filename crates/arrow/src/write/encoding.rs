//! How the columns of a Parquet file are encoded, told from the first rows of the table.
//!
//! A dictionary makes columns small whose values come again, and costs a hash and a comparison
//! a value. Where nearly all values differ it saves nothing, and the dictionary is as large as
//! the column.

use std::collections::HashSet;
use std::hash::Hash;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterPropertiesBuilder;
use parquet::schema::types::ColumnPath;

/// How many rows are looked at. They are neighbours, because the rows of a patient are.
const SAMPLE_ROWS: usize = 2048;
/// A column with fewer values among them has a dictionary.
const LEAST_VALUES: usize = 256;

/// What a column without a dictionary is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Varied {
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
        let Some(varied) = varied(&array.slice(0, array.len().min(SAMPLE_ROWS))) else { continue };
        let column = || ColumnPath::from(vec![field.name().clone()]);
        properties = properties.set_column_dictionary_enabled(column(), false);
        properties = match varied {
            Varied::Texts => properties,
            Varied::Numbers => properties.set_column_encoding(column(), Encoding::DELTA_BINARY_PACKED),
            Varied::Hashes => properties.set_column_compression(column(), Compression::UNCOMPRESSED),
        };
    }
    properties
}

/// What the column is if nearly all of its values differ.
fn varied(sample: &dyn Array) -> Option<Varied> {
    if sample.len() - sample.null_count() < LEAST_VALUES {
        return None;
    }
    match sample.data_type() {
        DataType::Utf8 => do_differ(sample.as_string::<i32>().iter().flatten()).then_some(Varied::Texts),
        DataType::Binary => {
            let values = || sample.as_binary::<i32>().iter().flatten();
            let are_hashes = values().all(|value| matches!(value.len(), 16 | 32));
            do_differ(values()).then_some(if are_hashes { Varied::Hashes } else { Varied::Texts })
        }
        DataType::Int64 => {
            do_differ(sample.as_primitive::<Int64Type>().iter().flatten()).then_some(Varied::Numbers)
        }
        DataType::Timestamp(..) => {
            let values = sample.as_primitive_opt::<TimestampMicrosecondType>()?;
            do_differ(values.iter().flatten()).then_some(Varied::Numbers)
        }
        _ => None,
    }
}

/// Whether more than three quarters of the values differ from those before them.
fn do_differ<T: Eq + Hash>(values: impl Iterator<Item = T>) -> bool {
    let mut distinct = HashSet::with_capacity(SAMPLE_ROWS);
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
        let columns: [(ArrayRef, Option<Varied>); 8] = [
            (
                Arc::new(rows.clone().map(|n| Some(n.to_string())).collect::<StringArray>()),
                Some(Varied::Texts),
            ),
            (Arc::new(rows.clone().map(|n| Some((n / 2).to_string())).collect::<StringArray>()), None),
            (
                Arc::new(rows.clone().map(|n| Some(i64::from(n))).collect::<Int64Array>()),
                Some(Varied::Numbers),
            ),
            (Arc::new(rows.clone().map(|n| Some(i64::from(n % 9))).collect::<Int64Array>()), None),
            (Arc::new(rows.clone().map(|n| Some(hash(n))).collect::<BinaryArray>()), Some(Varied::Hashes)),
            (
                Arc::new(rows.clone().map(|n| Some(n.to_be_bytes())).collect::<BinaryArray>()),
                Some(Varied::Texts),
            ),
            // Few values say nothing.
            (Arc::new(rows.clone().map(|n| (n < 200).then(|| n.to_string())).collect::<StringArray>()), None),
            (Arc::new(StringArray::new_null(1000)), None),
        ];
        for (number, (array, expected)) in columns.iter().enumerate() {
            assert_eq!(varied(array), *expected, "column {number}");
        }
    }
}
