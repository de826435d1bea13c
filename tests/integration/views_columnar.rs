//! `fhirmill views run` as Parquet and Arrow: what other programs read is what the definition
//! says, with types and comments.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::process::{Command, Stdio};

use arrow_schema::{DataType, TimeUnit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::{Run, TestEnvironment};

const RESOURCES: &str = r#"{"resourceType":"Observation","id":"o","status":"final","subject":{"reference":"Patient/p"},"effectiveDateTime":"2020-05","issued":"2020-05-06T07:08:09+02:00","valueQuantity":{"value":1.50},"note":[{"text":"ä \"q\""},{"text":"b"}],"component":[{"valueInteger":7},{"valueTime":"12:30:00"}]}
{"resourceType":"Observation","id":"none","status":"final"}
{"resourceType":"Patient","id":"p"}
{"resourceType":"Observation","id":"long","status":"final","valueQuantity":{"value":123456789012345678901234567890.5}}
{"resourceType":"Observation","id":"faulty","status":"final","component":[{"valueInteger":99999999999}]}
{"resourceType":"Observation","id":"local","status":"final","issued":"2020-05-06T07:08:09.123456","valueQuantity":{"value":-0.000000000000000001}}
"#;

/// Each column: its name, path, and tag `ansi/type`.
const COLUMNS: [(&str, &str, &str); 13] = [
    ("Key", "getResourceKey()", ""),
    ("patient_id", "subject.getReferenceKey(Patient)", ""),
    ("is_final", "status = 'final'", ""),
    ("counted", "component.value.ofType(integer).first()", ""),
    ("amount", "value.ofType(Quantity).value", ""),
    ("effective", "effective.ofType(dateTime)", ""),
    ("day", "effective.ofType(dateTime)", "DATE"),
    ("issued", "issued", ""),
    ("clock", "component.value.ofType(time).first()", "TIME"),
    ("quantity", "value.ofType(Quantity)", ""),
    ("notes", "note.text", "collection"),
    ("numbers", "component.value.ofType(integer)", "collection"),
    ("absent", "bodySite.text", ""),
];

fn view() -> String {
    let columns = COLUMNS.iter().map(|(name, path, tag)| {
        let mut column = json!({"name": name, "path": path, "description": format!("the {name} – ü")});
        match *tag {
            "" => {}
            "collection" => column["collection"] = json!(true),
            tag => column["tag"] = json!([{"name": "ansi/type", "value": tag}]),
        }
        column
    });
    json!({"resourceType": "ViewDefinition", "name": "everything", "status": "active",
        "description": "all of \"it\"", "resource": "Observation", "select": [{"column": columns.collect::<Vec<_>>()}]})
    .to_string()
}

/// Runs the view over the folder `in`, into a file.
fn run(environment: &TestEnvironment, format: &str, file: &str) -> Run {
    let out = File::create(environment.path(file)).unwrap();
    let mut command = environment.command(&["views", "run", "--view", "view.json", "--format", format, "in"]);
    environment.run_command(command.env("ASSUME_TIMEZONE", "America/New_York").stdout(Stdio::from(out)))
}

/// Columns by name, each with the value in every row, as the reader of rows shows it. That
/// reader has no part in Arrow.
fn rows(file: File) -> Vec<BTreeMap<String, String>> {
    let reader = SerializedFileReader::new(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let shown = |field: &Field| match field {
            Field::Str(text) => text.clone(),
            other => other.to_string(),
        };
        row.get_column_iter().map(|(name, field)| (name.clone(), shown(field))).collect()
    });
    rows.collect()
}

#[test]
fn parquet_has_the_declared_types_comments_and_exact_values() {
    let environment = TestEnvironment::without_database();
    environment.put("view.json", view());
    environment.put("in/1.ndjson", RESOURCES);
    let printed = run(&environment, "parquet", "rows.parquet").expect_code(3);
    // What does not fit is said, and never lost in silence.
    let stderr = &printed.stderr;
    assert!(stderr.contains("line 5: select[0].column[3]: a value does not have the type"), "{stderr}");
    assert!(
        stderr.contains("amount: 1 number has too many digits for a decimal: see amount_text"),
        "{stderr}"
    );

    let open = || File::open(environment.path("rows.parquet")).unwrap();
    let found = rows(open());
    assert_eq!(found.len(), 4);
    let check = |row: usize, values: &[(&str, &str)]| {
        for (name, value) in values {
            assert_eq!(found[row][*name], *value, "{name} in row {row}");
        }
    };
    check(
        0,
        &[
            ("Key", "Observation/o"),
            ("patient_id", "Patient/p"),
            ("is_final", "true"),
            ("counted", "7"),
            ("amount", "1.500000000000000000"),
            ("amount_text", "1.50"),
            ("effective", "2020-05"),
            ("day", "2020-05-01"),
            ("issued", "2020-05-06 05:08:09.000000 +00:00"),
            ("clock", "12:30:00.000000"),
            ("quantity", r#"{"value":1.50}"#),
            ("numbers", "[7]"),
            ("absent", "null"),
        ],
    );
    let nulls =
        ["patient_id", "counted", "amount", "amount_text", "effective", "day", "issued", "clock", "quantity"];
    check(1, &nulls.map(|name| (name, "null")));
    check(1, &[("Key", "Observation/none"), ("numbers", "[]"), ("notes", "[]")]);
    check(2, &[("amount", "null"), ("amount_text", "123456789012345678901234567890.5")]);
    check(3, &[("issued", "2020-05-06 11:08:09.123456 +00:00"), ("amount", "-0.000000000000000001")]);

    let builder = ParquetRecordBatchReaderBuilder::try_new(open()).unwrap();
    let schema = builder.schema().clone();
    assert_eq!(schema.metadata().get("comment").map(String::as_str), Some("all of \"it\""));
    let comment = |name: &str| schema.field_with_name(name).unwrap().metadata().get("comment").cloned();
    assert_eq!(comment("Key").as_deref(), Some("the Key – ü"));
    assert_eq!(comment("amount_text").as_deref(), Some("the digits of amount as they were written"));
    let types: Vec<DataType> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    let list = DataType::List(match schema.field_with_name("notes").unwrap().data_type() {
        DataType::List(item) if *item.data_type() == DataType::Utf8 => item.clone(),
        other => panic!("{other}"),
    });
    let expected = [
        DataType::Utf8,
        DataType::Utf8,
        DataType::Boolean,
        DataType::Int32,
        DataType::Decimal128(38, 18),
        DataType::Utf8,
        DataType::Utf8,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Time64(TimeUnit::Microsecond),
        DataType::Utf8,
        list,
        DataType::Utf8,
        DataType::Utf8,
    ];
    assert_eq!(types, expected);

    // The same again is the same file, and Arrow has the same columns.
    run(&environment, "parquet", "again.parquet").expect_code(3);
    let bytes = |file: &str| fs::read(environment.path(file)).unwrap();
    assert!(bytes("again.parquet") == bytes("rows.parquet"));
    run(&environment, "arrow", "rows.arrow").expect_code(3);
    let arrow = bytes("rows.arrow");
    assert!(arrow.starts_with(b"ARROW1") && arrow.ends_with(b"ARROW1"));
    let mut batches =
        arrow_ipc::reader::FileReader::try_new(File::open(environment.path("rows.arrow")).unwrap(), None)
            .unwrap();
    assert_eq!(batches.schema().fields(), schema.fields());
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    let of_parquet = builder.build().unwrap().next().unwrap().unwrap();
    assert_eq!(batch.columns(), of_parquet.columns());
}

/// Prints the rows that DuckDB and Polars find.
const READ: &str = r#"
import json, sys
import duckdb, polars
columns = ["Key", "amount", "amount_text", "day", "issued", "clock", "is_final", "counted", "notes", "numbers"]
shown = lambda rows: [[v if isinstance(v, (list, bool, type(None))) else str(v) for v in row] for row in rows]
names = ", ".join(f'"{name}"' for name in columns)
duckdb.sql("set timezone = 'UTC'")
print(json.dumps([
    shown(duckdb.sql(f"select {names} from read_parquet('{sys.argv[1]}')").fetchall()),
    shown(polars.read_parquet(sys.argv[1]).select(columns).rows()),
    duckdb.sql(f"select decode(value) from parquet_kv_metadata('{sys.argv[1]}') where decode(key) = 'comment'").fetchall(),
]))
"#;

#[test]
#[ignore = "needs DuckDB and Polars: make lake-readers"]
fn lake_readers_read_what_the_view_says() {
    let environment = TestEnvironment::without_database();
    environment.put("view.json", view());
    environment.put("in/1.ndjson", RESOURCES);
    run(&environment, "parquet", "rows.parquet").expect_code(3);
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/lake-readers/bin/python");
    let read =
        Command::new(python).arg("-c").arg(READ).arg(environment.path("rows.parquet")).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let found: Value = serde_json::from_slice(&read.stdout).unwrap();
    let rows = json!([
        [
            "Observation/o",
            "1.500000000000000000",
            "1.50",
            "2020-05-01",
            "2020-05-06 05:08:09+00:00",
            "12:30:00",
            true,
            "7",
            ["ä \"q\"", "b"],
            "[7]"
        ],
        ["Observation/none", null, null, null, null, null, true, null, [], "[]"],
        [
            "Observation/long",
            null,
            "123456789012345678901234567890.5",
            null,
            null,
            null,
            true,
            null,
            [],
            "[]"
        ],
        [
            "Observation/local",
            "-1E-18",
            "-0.000000000000000001",
            null,
            "2020-05-06 11:08:09.123456+00:00",
            null,
            true,
            null,
            [],
            "[]"
        ],
    ]);
    assert_eq!(found[0], rows, "DuckDB");
    assert_eq!(found[1], rows, "Polars");
    assert_eq!(found[2], json!([["all of \"it\""]]));
}

#[test]
fn a_file_without_rows_and_a_view_without_a_name_are_files_of_columns() {
    let environment = TestEnvironment::without_database();
    environment.put(
        "view.json",
        r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "gender"}]}]}"#,
    );
    environment.put("in/1.ndjson", r#"{"resourceType":"Observation","id":"o","status":"final"}"#);
    run(&environment, "parquet", "rows.parquet").expect_code(0);
    let reader = SerializedFileReader::new(File::open(environment.path("rows.parquet")).unwrap()).unwrap();
    let metadata = reader.metadata().file_metadata();
    assert_eq!((metadata.num_rows(), metadata.schema_descr().num_columns()), (0, 1));
}
