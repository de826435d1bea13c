use std::io;
use std::sync::Arc;

use arrow_array::RecordBatch;
use fhirmill_core::rows::RowBuffer;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pretty_assertions::assert_eq;
use sha2::{Digest, Sha256};

use super::*;
use crate::{BatchLimits, Column, ColumnType, Decoder, Keys};

fn table() -> Arc<TableSchema> {
    let columns = vec![
        Column::required("id", ColumnType::Key, "the key"),
        Column::optional("name", ColumnType::Text, "the name"),
        Column::optional("value", ColumnType::Numeric, ""),
        Column::optional("at", ColumnType::Timestamptz, ""),
        Column::optional("born", ColumnType::Date, ""),
        Column::optional("parts", ColumnType::TextArray, ""),
        Column::optional("extra", ColumnType::Jsonb, ""),
        Column::optional("active", ColumnType::Boolean, ""),
    ];
    Arc::new(TableSchema::new("thing", "a thing", columns).unwrap())
}

fn batch() -> RecordBatch {
    let mut buffer = RowBuffer::default();
    buffer.begin_row(8);
    buffer.bytes(&[0xab; 16]);
    buffer.text("says \"no\", twice");
    buffer.numeric("72.0").unwrap();
    buffer.timestamptz(1_500_000);
    buffer.date(0);
    buffer.text_array(&[Some("a\"b"), None]);
    buffer.jsonb(&["{\"a\": \n[1]}"]);
    buffer.boolean(false);
    buffer.begin_row(8);
    buffer.bytes(&[0; 16]);
    buffer.text("");
    buffer.nulls(6);
    let mut decoder = Decoder::new(table(), BatchLimits::default());
    let mut rows = buffer.as_bytes();
    assert!(decoder.decode(&mut rows, Keys::InRows).unwrap().is_none());
    decoder.finish().unwrap().unwrap()
}

fn written(format: Format) -> Vec<u8> {
    let options =
        WriteOptions { metadata: [("run".to_owned(), "7".to_owned())].into(), ..WriteOptions::default() };
    let mut writer = TableWriter::new(format, &table(), Checked::new(Vec::new()), options).unwrap();
    writer.write(&batch()).unwrap();
    let Written { rows, out } = writer.finish().unwrap();
    let (bytes, length, hash) = out.finish().unwrap();
    assert_eq!((rows, length), (2, bytes.len() as u64));
    assert_eq!(hash, <[u8; 32]>::from(Sha256::digest(&bytes)));
    bytes
}

#[test]
fn parquet_gives_back_what_was_written() {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(written(Format::Parquet))).unwrap();
    let metadata = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let entry =
        |name: &str| metadata.iter().find(|entry| entry.key == name).and_then(|entry| entry.value.clone());
    assert_eq!((entry("run").as_deref(), entry("comment").as_deref()), (Some("7"), Some("a thing")));
    let column = reader.metadata().row_group(0).column(1);
    assert!(matches!(column.compression(), Compression::ZSTD(_)));
    assert!(column.statistics().is_some());
    assert_eq!(reader.schema().field(1).metadata()["comment"], "the name");
    let batches: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.iter().map(|batch| batch.columns().to_vec()).collect::<Vec<_>>(), [batch().columns()]);
}

#[test]
fn arrow_gives_back_what_was_written() {
    let bytes = written(Format::Arrow);
    let reader = arrow_ipc::reader::FileReader::try_new(io::Cursor::new(bytes), None).unwrap();
    assert_eq!(reader.schema().field(0).metadata()["comment"], "the key");
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    assert_eq!(batches[0].columns(), batch().columns());
}

#[test]
fn text_formats_are_readable() {
    assert_eq!(
        String::from_utf8(written(Format::Csv)).unwrap(),
        "id,name,value,at,born,parts,extra,active\n\
         abababab-abab-abab-abab-abababababab,\"says \"\"no\"\", twice\",72.0,2000-01-01T00:00:01.500Z,\
         2000-01-01,\"[\"\"a\\\"\"b\"\",null]\",\"{\"\"a\"\": \n[1]}\",false\n\
         00000000-0000-0000-0000-000000000000,\"\",,,,,,\n"
    );
    assert_eq!(
        String::from_utf8(written(Format::Ndjson)).unwrap(),
        "{\"id\":\"abababab-abab-abab-abab-abababababab\",\"name\":\"says \\\"no\\\", twice\",\"value\":72.0,\
         \"at\":\"2000-01-01T00:00:01.500Z\",\"born\":\"2000-01-01\",\"parts\":[\"a\\\"b\",null],\
         \"extra\":{\"a\": [1]},\"active\":false}\n\
         {\"id\":\"00000000-0000-0000-0000-000000000000\",\"name\":\"\"}\n"
    );
}

#[test]
fn a_full_disk_is_an_error_of_the_file() {
    struct Full(usize);
    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for format in [Format::Parquet, Format::Arrow, Format::Csv, Format::Ndjson] {
        let write = || -> Result<(), WriteError> {
            let mut writer = TableWriter::new(format, &table(), Full(100), WriteOptions::default())?;
            writer.write(&batch())?;
            writer.finish().map(|_| ())
        };
        let error = write().unwrap_err();
        assert!(
            matches!(&error, WriteError::Io(error) if error.kind() == io::ErrorKind::StorageFull),
            "{format:?}: {error:?}"
        );
    }
}
