use std::convert::Infallible;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch};
use fhirmill_core::model;
use fhirmill_core::rows::{self, RowBuffer};
use pretty_assertions::assert_eq;
use proptest::prelude::*;

use super::*;
use crate::{Column, ColumnType, KeyForm, SchemaError, TableSchema};

const TYPES: [(&str, ColumnType); 12] = [
    ("id", ColumnType::Key),
    ("fhir_id", ColumnType::Text),
    ("source_id", ColumnType::SmallInt),
    ("active", ColumnType::Boolean),
    ("birth_date", ColumnType::Date),
    ("value", ColumnType::Numeric),
    ("at", ColumnType::Timestamptz),
    ("opens", ColumnType::Time),
    ("names", ColumnType::TextArray),
    ("numbers", ColumnType::IntegerArray),
    ("extra", ColumnType::Jsonb),
    ("data", ColumnType::Bytes),
];

fn table() -> Arc<TableSchema> {
    let column = |(name, column_type): (&str, ColumnType)| match name {
        "id" => Column::required(name, column_type, "the key"),
        _ => Column::optional(name, column_type, ""),
    };
    let columns = TYPES.into_iter().map(column).collect();
    Arc::new(TableSchema::new("thing", "a thing", columns).unwrap())
}

fn decoder(rows: usize) -> Decoder {
    Decoder::new(table(), BatchLimits { rows, bytes: usize::MAX })
}

const KEYS: [[u8; 16]; 2] = [[1; 16], [2; 16]];

/// A row with a value in each column, and one with keys only.
fn two_rows(buffer: &mut RowBuffer) {
    buffer.begin_row(12);
    buffer.key(1);
    buffer.text("é");
    buffer.source();
    buffer.boolean(true);
    buffer.date(-1);
    buffer.numeric("72.0").unwrap();
    buffer.timestamptz(1);
    buffer.time(3_600_000_000);
    buffer.text_array(&[Some("a"), None, Some("")]);
    buffer.integer_array(&[7, -8]);
    buffer.jsonb(&["{\"a\":", "1}"]);
    buffer.bytes(&[0, 255]);
    buffer.begin_row(12);
    buffer.key(0);
    buffer.nulls(11);
}

fn filled(write: impl Fn(&mut RowBuffer)) -> RowBuffer {
    let mut buffer = RowBuffer::default();
    write(&mut buffer);
    buffer.fill_keys(&[0, 1]);
    buffer.fill_source(3);
    buffer
}

fn decode_all(decoder: &mut Decoder, mut rows: &[u8]) -> Result<Vec<RecordBatch>, DecodeError> {
    let mut batches = Vec::new();
    while let Some(batch) = decoder.decode(&mut rows, Keys::Listed(&KEYS))? {
        batches.push(batch);
    }
    batches.extend(decoder.finish()?);
    Ok(batches)
}

#[test]
fn every_type_arrives_exactly() {
    let buffer = filled(two_rows);
    let batches = decode_all(&mut decoder(100), buffer.as_bytes()).unwrap();
    let [batch] = batches.as_slice() else { panic!("one batch") };
    assert_eq!(batch.num_rows(), 2);
    let schema = batch.schema();
    let column = |name: &str| batch.column(schema.index_of(name).unwrap());
    assert_eq!(
        column("id").as_binary::<i32>().iter().collect::<Vec<_>>(),
        [Some(&[2; 16][..]), Some(&[1; 16][..])]
    );
    assert_eq!(column("fhir_id").as_string::<i32>().value(0), "é");
    assert_eq!(column("source_id").as_primitive::<Int16Type>().value(0), 3);
    assert!(column("active").as_boolean().value(0));
    // 1999-12-31
    assert_eq!(column("birth_date").as_primitive::<Date32Type>().value(0), 10_956);
    assert_eq!(column("value").as_primitive::<Decimal128Type>().value_as_string(0), "72.000000000000000000");
    assert_eq!(column("value_text").as_string::<i32>().value(0), "72.0");
    assert_eq!(
        column("at").as_primitive::<TimestampMicrosecondType>().value(0),
        // date --date 2000-01-01Z +%s
        946_684_800_000_001
    );
    assert_eq!(column("opens").as_primitive::<Time64MicrosecondType>().value(0), 3_600_000_000);
    let names = column("names").as_list::<i32>().value(0);
    assert_eq!(names.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("")]);
    let numbers = column("numbers").as_list::<i32>().value(0);
    assert_eq!(numbers.as_primitive::<Int32Type>().values(), &[7, -8]);
    assert_eq!(column("extra").as_string::<i32>().value(0), "{\"a\":1}");
    assert_eq!(column("data").as_binary::<i32>().value(0), [0, 255]);
    for (number, field) in schema.fields().iter().enumerate().skip(1) {
        assert_eq!(batch.column(number).null_count(), 1, "{}", field.name());
    }
    assert_eq!(schema.metadata()["comment"], "a thing");
    assert_eq!(schema.field(0).metadata()["comment"], "the key");
}

#[test]
fn batches_end_by_rows_and_by_bytes() {
    let buffer = filled(|buffer| (0..5).for_each(|_| two_rows(buffer)));
    let counts = |mut decoder: Decoder| -> Vec<usize> {
        let batches = decode_all(&mut decoder, buffer.as_bytes()).unwrap();
        batches.iter().map(RecordBatch::num_rows).collect()
    };
    assert_eq!(counts(decoder(4)), [4, 4, 2]);
    // Each two rows take as much as they are long, and four digits.
    let limits = BatchLimits { rows: 100, bytes: 2 * (buffer.len() / 5 + 4) };
    assert_eq!(counts(Decoder::new(table(), limits)), [4, 4, 2]);
}

#[test]
fn a_number_that_fits_no_decimal_is_kept_as_text_and_counted() {
    let columns = vec![Column::optional("value", ColumnType::Numeric, "")];
    let table = Arc::new(TableSchema::new("thing", "", columns).unwrap());
    let buffer = filled(|buffer| {
        for written in ["1e60", "1", "0.1234567890123456789"] {
            buffer.begin_row(1);
            buffer.numeric(written).unwrap();
        }
    });
    let mut decoder = Decoder::new(table, BatchLimits::default());
    let batches = decode_all(&mut decoder, buffer.as_bytes()).unwrap();
    assert_eq!(batches[0].column(0).null_count(), 2);
    let texts = batches[0].column(1).as_string::<i32>();
    assert_eq!(texts.value(0), format!("1{}", "0".repeat(60)));
    assert_eq!(texts.value(2), "0.1234567890123456789");
    assert_eq!(decoder.unfit(), [Unfit { column: "value".to_owned(), count: 2 }]);
}

#[test]
fn errors_name_table_column_and_row_and_no_value() {
    let error = |write: &dyn Fn(&mut RowBuffer)| {
        let buffer = filled(|buffer| {
            two_rows(buffer);
            write(buffer);
        });
        decode_all(&mut decoder(2), buffer.as_bytes()).map(|_| ()).unwrap_err().to_string()
    };
    let row = |at: usize, value: &'static [u8]| {
        move |buffer: &mut RowBuffer| {
            buffer.begin_row(12);
            for number in 0..12 {
                match number {
                    number if number == at => buffer.bytes(value),
                    0 => buffer.key(0),
                    _ => buffer.null(),
                }
            }
        }
    };
    assert_eq!(error(&row(1, b"secret\xff")), "thing.fhir_id, row 3: a text that is not UTF-8");
    assert_eq!(error(&row(8, b"\0")), "thing.names, row 3: a value of an unexpected length");
    assert_eq!(
        error(&row(4, &[0x7f, 0xff, 0xff, 0xff])),
        "thing.birth_date, row 3: a date or time that is infinite or out of range"
    );
    assert_eq!(
        error(&row(10, b"{}")),
        "thing.extra, row 3: a value that is not in the binary form of its type"
    );
    assert_eq!(
        error(&row(0, &[0, 0, 0, 0, 0, 0, 0, 9])),
        "thing.id, row 3: a key that stands for no resource"
    );
    let no_key = |buffer: &mut RowBuffer| {
        buffer.begin_row(12);
        buffer.nulls(12);
    };
    assert_eq!(error(&no_key), "thing.id, row 3: null, where the column is declared as never null");
    let short = |buffer: &mut RowBuffer| {
        buffer.begin_row(1);
        buffer.null();
    };
    assert_eq!(error(&short), "thing, row 3: a row of another number of columns");
    let cut = |buffer: &mut RowBuffer| buffer.begin_row(12);
    assert_eq!(error(&cut), "thing, row 3: the data end within a row");
}

/// A stream of those rows, as Postgres sends it.
fn stream(buffer: &RowBuffer) -> Vec<u8> {
    [rows::HEADER, buffer.as_bytes(), rows::TRAILER].concat()
}

fn hashed_rows(count: usize) -> RowBuffer {
    filled(|buffer| {
        for number in 0..count {
            buffer.begin_row(12);
            buffer.bytes(&[number as u8; 16]);
            buffer.text(&"x".repeat(number % 7));
            buffer.nulls(3);
            buffer.numeric(&format!("{number}.50")).unwrap();
            buffer.nulls(2);
            buffer.text_array(&vec![Some("item"); number % 3]);
            buffer.nulls(3);
        }
    })
}

fn fed(pieces: impl Iterator<Item = Vec<u8>>, rows: usize) -> Result<Vec<RecordBatch>, String> {
    let mut copy = CopyStream::new(decoder(rows));
    let mut batches = Vec::new();
    for piece in pieces {
        let taken = copy.feed(&piece, |batch| {
            batches.push(batch);
            Ok::<(), Infallible>(())
        });
        taken.map_err(|error| error.to_string())?;
    }
    batches.extend(copy.finish().map_err(|error| error.to_string())?);
    Ok(batches)
}

proptest! {
    #[test]
    fn a_stream_may_be_split_anywhere(
        count in 0usize..40,
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..30),
        rows in 1usize..50,
    ) {
        let bytes = stream(&hashed_rows(count));
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let whole = fed(std::iter::once(bytes.clone()), rows).unwrap();
        let pieces = cuts.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec());
        prop_assert_eq!(fed(pieces, rows).unwrap(), whole.clone());
        prop_assert_eq!(fed(bytes.iter().map(|byte| vec![*byte]), rows).unwrap(), whole.clone());
        prop_assert_eq!(whole.iter().map(RecordBatch::num_rows).sum::<usize>(), count);
    }

    #[test]
    fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = fed(std::iter::once([rows::HEADER, &bytes].concat()), 10);
        let _ = decode_all(&mut decoder(10), &bytes);
    }

    #[test]
    fn a_changed_byte_never_panics(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = filled(two_rows).as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode_all(&mut decoder(10), &bytes);
    }
}

#[test]
fn a_stream_must_be_whole() {
    let bytes = stream(&hashed_rows(3));
    let cut = |end: usize| fed(std::iter::once(bytes[..end].to_vec()), 10).unwrap_err();
    assert_eq!(cut(5), "thing, row 1: the stream ended before its end was marked");
    assert_eq!(cut(bytes.len() - 2), "thing, row 4: the stream ended before its end was marked");
    let longer = [&bytes[..], b"x"].concat();
    assert_eq!(
        fed(std::iter::once(longer), 10).unwrap_err(),
        "thing, row 4: data after the end of the stream"
    );
    let text = b"id\tfhir_id\n".to_vec();
    assert_eq!(fed(std::iter::once(text), 10).unwrap_err(), "thing, row 1: not the binary format of COPY");
}

#[test]
fn bigint_keys_of_a_database_are_numbers() {
    let columns = vec![Column::required("id", ColumnType::BigInt, "")];
    let table = Arc::new(TableSchema::new("thing", "", columns).unwrap());
    let mut buffer = RowBuffer::default();
    buffer.begin_row(1);
    buffer.bigint(-5);
    let mut copy = CopyStream::new(Decoder::new(table, BatchLimits::default()));
    copy.feed(&stream(&buffer), |_| Ok::<(), Infallible>(())).unwrap();
    let batch = copy.finish().unwrap().unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().value(0), -5);
}

#[test]
fn every_declared_table_has_a_schema() {
    for table in model::tables() {
        let schema = TableSchema::of_model(&table, KeyForm::Hash).unwrap();
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name.as_str()).collect();
        let declared: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, declared);
        assert!(schema.arrow().fields().iter().all(|field| field.metadata().contains_key("comment")));
        let digits = schema.arrow().fields().iter().filter(|field| field.name().ends_with('_'));
        assert_eq!(digits.count(), 0, "{}: a column of digits takes another column's name", table.name);
    }
}

#[test]
fn a_type_without_counterpart_is_named() {
    let column = crate::PostgresColumn {
        name: "place".to_owned(),
        type_oid: 600,
        is_nullable: true,
        comment: String::new(),
    };
    let error = TableSchema::of_postgres("thing", "", &[column]).unwrap_err();
    assert!(matches!(&error, SchemaError::UnknownType { type_oid: 600, .. }), "{error}");
}
