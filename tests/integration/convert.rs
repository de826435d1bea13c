//! `fhirmill convert`: files to tables as files, without a database. What it writes equals
//! what a load of the same files stores.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use fhirmill_arrow::{key_of, key_text};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::Identity;
use fhirmill_postgres::failpoint::ConvertStep;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::delivery;
use crate::oracle_resources::RESOURCES;
use crate::support::{SmallDisk, TestEnvironment, violations};

/// The rows of each table, as sorted JSON texts in which keys are named by source, type and
/// id, and nulls are left out.
type Tables = BTreeMap<String, Vec<String>>;

/// Puts a little of everything into the inbox, all of one source.
fn put(environment: &TestEnvironment) {
    delivery::put_first(environment);
    delivery::put(environment);
    fs::remove_dir_all(environment.path("inbox/north")).unwrap();
    environment.put("inbox/every-type.json", RESOURCES);
    let number = |id: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{value}}}}}"#
        )
    };
    let numbers =
        [number("d1", "72.0"), number("d2", "112.41600000000001"), number("d3", "1.0000000000000000000001")];
    environment.put("inbox/numbers.ndjson", numbers.join("\n"));
}

#[test]
fn what_is_converted_equals_what_is_loaded() {
    let environment = TestEnvironment::new();
    put(&environment);
    environment.run(&["generate", "--patients", "2", "--seed", "5", "--out", "inbox"]).expect_code(0);
    // The rows go through temporary files, in several runs.
    let mut command = environment.command(&["convert", "inbox", "--to", "lake", "--memory", "1", "--json"]);
    let run =
        environment.run_command(command.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "2")])).expect_code(3);
    let manifest = run.json();
    let schema: Value =
        serde_json::from_str(&fs::read_to_string("docs/schemas/convert.json").unwrap()).unwrap();
    assert_eq!(violations(&schema, &manifest), Vec::<String>::new());
    let converted = read(&environment, &manifest);
    environment.run(&["once"]).expect_code(3);
    let names = names(&environment);
    let types = column_types(&environment);
    let loaded = loaded(&environment, &types);
    assert!(loaded.len() > 100 && loaded.values().filter(|rows| !rows.is_empty()).count() > 80);
    for (table, rows) in &loaded {
        let types = &types[table];
        let mut found: Vec<String> =
            converted[table].iter().flat_map(|batch| json_rows(batch, types, &names)).collect();
        found.sort();
        assert!(found == *rows, "{table}: {}", difference(&found, rows));
    }
    check_account(&environment, &manifest);
    let observation = &converted["observation"];
    assert!(is_sorted_by_patient(observation), "rows are sorted by patient");
    let tables = manifest["tables"].as_array().unwrap();
    let observation = tables.iter().find(|table| table["name"] == "observation").unwrap();
    assert_eq!(observation["text_only"], json!([{"column": "value_quantity_value", "values": 1}]));

    // The text formats say the same.
    environment.run(&["convert", "archive", "rejects", "--to", "text", "--format", "ndjson"]).expect_code(3);
    let text = fs::read_to_string(environment.path("text/observation/part-00000.ndjson")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), loaded["observation"].len());
    let number = lines.iter().find(|line| line["fhir_id"] == "d1").unwrap();
    assert!(text.contains("\"value_quantity_value\":72.0"), "{number}");
}

/// Every record is accounted for, and what is in the tables is what a load has.
fn check_account(environment: &TestEnvironment, manifest: &Value) {
    let account = &manifest["account"];
    let count = |name: &str| account[name].as_u64().unwrap();
    let counts = ["inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped"];
    assert_eq!(count("seen"), counts.map(count).iter().sum::<u64>());
    let resources = environment.value("select count(*) from etl.resource where content_hash is not null");
    assert_eq!(count("inserted").to_string(), resources);
    let rejects = environment.value("select sum(rejected) from etl.load_file");
    assert_eq!(count("rejected").to_string(), rejects);
}

/// Reads all tables with the parquet crate, and checks the manifest.
fn read(environment: &TestEnvironment, manifest: &Value) -> BTreeMap<String, Vec<RecordBatch>> {
    let mut tables = BTreeMap::new();
    for table in manifest["tables"].as_array().unwrap() {
        let mut batches = Vec::new();
        for file in table["files"].as_array().unwrap() {
            let path = environment.path("lake").join(file["path"].as_str().unwrap());
            let bytes = fs::read(&path).unwrap();
            assert_eq!(file["bytes"], bytes.len());
            let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(file["sha256"], hash);
            let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(path).unwrap()).unwrap();
            let of_file: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(file["rows"], of_file.iter().map(RecordBatch::num_rows).sum::<usize>());
            batches.extend(of_file);
        }
        tables.insert(table["name"].as_str().unwrap().to_owned(), batches);
    }
    tables
}

fn is_sorted_by_patient(batches: &[RecordBatch]) -> bool {
    let patients: Vec<Vec<u8>> = batches
        .iter()
        .flat_map(|batch| {
            let column = batch.column_by_name("patient_id").unwrap().as_binary::<i32>();
            column.iter().map(|key| key.unwrap_or_default().to_vec()).collect::<Vec<_>>()
        })
        .collect();
    patients.len() > 10 && patients.is_sorted()
}

/// The names of all keys that the database has given, by the keys of the conversion.
fn names(environment: &TestEnvironment) -> HashMap<Vec<u8>, String> {
    let keys = environment.query("select resource_type, fhir_id from etl.resource_key");
    let named = keys.into_iter().map(|key| {
        let identity = Identity { resource_type: ResourceType::named(&key[0]).unwrap(), fhir_id: &key[1] };
        (key_of("default", identity).to_vec(), format!("{}/{}", key[0], key[1]))
    });
    named.collect()
}

/// The types of the columns of all clinical tables in Postgres.
fn column_types(environment: &TestEnvironment) -> BTreeMap<String, HashMap<String, String>> {
    let columns = environment.query(
        "select c.table_name, c.column_name, c.data_type from information_schema.columns c \
         join pg_tables t on t.schemaname = c.table_schema and t.tablename = c.table_name \
         where c.table_schema = 'public' and t.tablename not like '\\_\\_%' and t.tablename not like '%\\_history'",
    );
    let mut types: BTreeMap<String, HashMap<String, String>> = BTreeMap::new();
    for column in columns {
        types.entry(column[0].clone()).or_default().insert(column[1].clone(), column[2].clone());
    }
    types
}

/// The rows of all clinical tables of the database.
fn loaded(environment: &TestEnvironment, types: &BTreeMap<String, HashMap<String, String>>) -> Tables {
    let of_table = |(table, types): (&String, &HashMap<String, String>)| {
        let mut columns: Vec<String> = Vec::new();
        for (column, data_type) in types.iter().filter(|(column, _)| *column != "loaded_at") {
            let value = match data_type.as_str() {
                "bigint" => format!(
                    "(select resource_type || '/' || fhir_id from etl.resource_key k where k.id = t.\"{column}\")"
                ),
                "numeric" => format!("t.\"{column}\"::text"),
                "timestamp with time zone" => format!("(t.\"{column}\" at time zone 'UTC')::text"),
                _ => format!("t.\"{column}\""),
            };
            columns.push(format!("('{column}', to_jsonb({value}))"));
        }
        format!(
            "select '{table}' as name, (select jsonb_object_agg(c, v) from (values {}) x (c, v) \
             where v is not null and v <> 'null')::text as line from \"{table}\" t",
            columns.join(", ")
        )
    };
    let parts: Vec<String> = types.iter().map(of_table).collect();
    let mut tables: Tables = types.keys().map(|table| (table.clone(), Vec::new())).collect();
    for row in environment.query(&parts.join(" union all ")) {
        tables.entry(row[0].clone()).or_default().push(sorted(&row[1]));
    }
    tables.values_mut().for_each(|rows| rows.sort());
    tables
}

/// A JSON object with the members of all objects in order.
fn sorted(object: &str) -> String {
    fn in_order(value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let members: BTreeMap<String, Value> =
                    members.into_iter().map(|(name, value)| (name, in_order(value))).collect();
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(in_order).collect()),
            simple => simple,
        }
    }
    in_order(serde_json::from_str(object).unwrap()).to_string()
}

fn json_rows(
    batch: &RecordBatch,
    types: &HashMap<String, String>,
    names: &HashMap<Vec<u8>, String>,
) -> Vec<String> {
    let schema = batch.schema();
    let row = |row: usize| {
        let mut object = Map::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if array.is_null(row) {
                continue;
            }
            let name = field.name().as_str();
            // A number is compared by its digits.
            match field.data_type() {
                DataType::Decimal128(..) => {}
                _ if !types.contains_key(name) => {
                    let number = name.strip_suffix("_text").unwrap_or_else(|| panic!("{name} is no column"));
                    object.insert(number.to_owned(), value(array, row, "", names));
                }
                _ => {
                    let value = value(array, row, &types[name], names);
                    if !value.is_null() {
                        object.insert(name.to_owned(), value);
                    }
                }
            }
        }
        sorted(&Value::Object(object).to_string())
    };
    (0..batch.num_rows()).map(row).collect()
}

fn value(array: &ArrayRef, row: usize, sql_type: &str, names: &HashMap<Vec<u8>, String>) -> Value {
    match array.data_type() {
        DataType::Binary => {
            let key = array.as_binary::<i32>().value(row);
            let name = names.get(key).cloned();
            json!(name.unwrap_or_else(|| format!("nobody: {}", key_text(&key.try_into().unwrap()))))
        }
        DataType::Utf8 if sql_type == "jsonb" => {
            serde_json::from_str(array.as_string::<i32>().value(row)).unwrap()
        }
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Int16 => json!(array.as_primitive::<Int16Type>().value(row)),
        DataType::Int32 => json!(array.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Date32 => json!(array.as_primitive::<Date32Type>().value_as_date(row).unwrap().to_string()),
        DataType::Time64(_) => {
            let time = array.as_primitive::<Time64MicrosecondType>().value_as_time(row).unwrap();
            json!(trimmed(&time.format("%H:%M:%S%.6f").to_string()))
        }
        DataType::Timestamp(..) => {
            let time = array.as_primitive::<TimestampMicrosecondType>().value_as_datetime(row).unwrap();
            json!(trimmed(&time.format("%Y-%m-%d %H:%M:%S%.6f").to_string()))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let item = |item: usize| match items.is_null(item) {
                true => Value::Null,
                false => value(&items, item, "", names),
            };
            Value::Array((0..items.len()).map(item).collect())
        }
        other => panic!("{other} is not expected"),
    }
}

/// Without zeros at the end of a fraction.
fn trimmed(text: &str) -> &str {
    text.trim_end_matches('0').trim_end_matches('.')
}

fn difference(found: &[String], wanted: &[String]) -> String {
    let only = |these: &[String], others: &[String]| {
        these.iter().find(|row| !others.contains(row)).cloned().unwrap_or_default()
    };
    format!(
        "{} rows instead of {}\nonly converted: {}\nonly loaded: {}",
        found.len(),
        wanted.len(),
        only(found, wanted),
        only(wanted, found)
    )
}

fn patient(id: &str, version: u32, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": family}],
        "meta": {"versionId": version.to_string(), "lastUpdated": format!("2024-01-{version:02}T00:00:00Z")}})
}

/// The lines of a table that was converted to NDJSON.
fn lines(folder: &Path, table: &str) -> Vec<Value> {
    let text = fs::read_to_string(folder.join(table).join("part-00000.ndjson")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn versions_are_kept_by_the_rule_or_all_of_them() {
    let environment = TestEnvironment::without_database();
    let history = json!({"resourceType": "Bundle", "type": "history", "entry": [
        {"request": {"method": "DELETE", "url": "Patient/gone/_history/3"},
         "response": {"status": "204", "lastModified": "2024-01-03T00:00:00Z"}},
        {"resource": patient("gone", 2, "Ash"), "request": {"method": "PUT", "url": "Patient/gone"}}]});
    environment.put("in/a.json", history.to_string());
    let versions =
        [patient("p", 2, "Oak"), patient("p", 3, "Elm"), patient("p", 1, "Yew"), patient("p", 3, "Elm")];
    environment.put("in/b.ndjson", versions.map(|version| version.to_string()).join("\n"));
    let convert = |more: &[&str]| {
        let arguments = [&["convert", "in", "--format", "ndjson", "--json", "--to"][..], more].concat();
        environment.run(&arguments).expect_code(0).json()["account"].clone()
    };
    let account = convert(&["latest"]);
    for (name, count) in [("seen", 6), ("inserted", 1), ("unchanged", 1), ("stale", 3), ("deleted", 1)] {
        assert_eq!(account[name], count, "{name}");
    }
    let families: Vec<Value> =
        lines(&environment.path("latest"), "patient_name").iter().map(|row| row["family"].clone()).collect();
    assert_eq!(families, ["Elm"]);
    let mut resources: Vec<(Value, Value)> = lines(&environment.path("latest"), "etl_resource")
        .iter()
        .map(|row| (row["fhir_id"].clone(), row["is_deleted"].clone()))
        .collect();
    resources.sort_by_key(|(id, _)| id.to_string());
    assert_eq!(resources, [(json!("gone"), json!(true)), (json!("p"), json!(false))]);

    convert(&["all", "--all-versions"]);
    let mut rows: Vec<(i64, String, bool)> = lines(&environment.path("all"), "patient_name")
        .iter()
        .map(|row| {
            let revision = row["revision"].as_i64().unwrap();
            (revision, row["family"].as_str().unwrap().to_owned(), row["is_current"].as_bool().unwrap())
        })
        .collect();
    rows.sort();
    let expected = [(1, "Ash", false), (1, "Yew", false), (2, "Oak", false), (3, "Elm", true)];
    assert_eq!(
        rows,
        expected.map(|(revision, family, is_current)| (revision, family.to_owned(), is_current))
    );
}

#[test]
fn a_folder_is_replaced_only_if_it_is_a_conversion_and_that_is_said() {
    let environment = TestEnvironment::without_database();
    environment.put("in.json", patient("p", 1, "Oak").to_string());
    environment.put("mine/notes.txt", "mine");
    let refused = environment.run(&["convert", "in.json", "--to", "mine", "--replace"]).expect_code(2);
    assert!(
        refused.stderr.contains("mine is not empty, and no conversion of fhirmill"),
        "{}",
        refused.stderr
    );
    environment.run(&["convert", "in.json", "--to", "lake"]).expect_code(0);
    environment.put("lake/patient/part-00007.parquet", "left by an earlier conversion");
    let refused = environment.run(&["convert", "in.json", "--to", "lake"]).expect_code(2);
    assert!(refused.stderr.contains("--replace"), "{}", refused.stderr);
    environment.run(&["convert", "in.json", "--to", "lake", "--replace"]).expect_code(0);
    let files = fs::read_dir(environment.path("lake/patient")).unwrap();
    let names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(names, ["part-00000.parquet"]);
    assert!(!environment.path("lake/.convert").exists());
    let refused = environment.run(&["convert", "absent.json", "--to", "other"]).expect_code(2);
    assert!(refused.stderr.contains("cannot read absent.json"), "{}", refused.stderr);
    let refused = environment
        .run(&["convert", "in.json", "--to", "other", "--resource-type", "Pateint"])
        .expect_code(2);
    assert!(refused.stderr.contains("did you mean Patient?"), "{}", refused.stderr);
    assert!(!environment.path("other").exists());
    let only = ["convert", "in.json", "--to", "none", "--resource-type", "Encounter", "--json"];
    assert_eq!(environment.run(&only).expect_code(0).json()["account"]["skipped"], 1);
}

#[test]
fn a_conversion_that_is_killed_leaves_none_and_is_repeated() {
    let environment = TestEnvironment::without_database();
    environment.put("in.json", patient("p", 1, "Oak").to_string());
    environment.put("other.json", patient("q", 1, "Elm").to_string());
    for step in ConvertStep::ALL {
        let folder = format!("at-{}", step.name());
        environment.run(&["convert", "in.json", "--to", &folder]).expect_code(0);
        let arguments = ["convert", "other.json", "--to", &folder, "--replace"];
        let mut mortal = environment.command(&arguments);
        let failpoints = format!("{}=return", step.name());
        environment.run_command(mortal.env("FAILPOINTS", failpoints)).expect_code(-1);
        let manifest = fs::read_to_string(environment.path(&folder).join("manifest.json")).ok();
        match step {
            // The old one is as it was.
            ConvertStep::Mapped | ConvertStep::TableWritten => assert!(manifest.is_some(), "{step:?}"),
            ConvertStep::Revoked | ConvertStep::TablePlaced => assert_eq!(manifest, None, "{step:?}"),
            ConvertStep::Complete => assert!(manifest.is_some(), "{step:?}"),
        }
        environment.run(&arguments).expect_code(0);
        let file = fs::File::open(environment.path(&folder).join("patient/part-00000.parquet")).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
        assert_eq!(batches[0].column_by_name("fhir_id").unwrap().as_string::<i32>().value(0), "q");
        assert!(!environment.path(&folder).join(".convert").exists());
    }
}

#[test]
fn a_full_disk_is_told_and_leaves_no_conversion() {
    let environment = TestEnvironment::without_database();
    let lines: Vec<String> = (0..2_000)
        .map(|number| patient(&format!("p{number}"), 1, &"long".repeat(number)).to_string())
        .collect();
    environment.put("in.ndjson", lines.join("\n"));
    fs::create_dir(environment.path("small")).unwrap();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("small"), 1_000) else { return };
    for memory in ["1", "64"] {
        let command =
            environment.command(&["convert", "in.ndjson", "--to", "small/lake", "--memory", memory]);
        let run = environment.run_command(&mut disk.inside(&command)).expect_code(1);
        assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
        assert!(run.stderr.contains("the disk is full"), "{}", run.stderr);
        disk.shell("test ! -e lake/manifest.json && test ! -e lake/patient");
    }
}
