//! The official test cases of SQL on FHIR
//! (<https://github.com/FHIR/sql-on-fhir-v2/tree/master/tests>), which are not part of
//! this repository: the folder with their files is in `SQL_ON_FHIR_TESTS`. Without it
//! there is nothing to test.
//!
//! With `SQL_ON_FHIR_REPORT`, the result is written to that file in the suite's own form
//! of report.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::views::{Format, RowWriter};
use serde_json::{Value, json};

#[test]
fn the_official_test_cases_pass() {
    let Some(folder) = env::var_os("SQL_ON_FHIR_TESTS") else {
        eprintln!("SQL_ON_FHIR_TESTS names no folder: the official test cases are left out");
        return;
    };
    let mut report = BTreeMap::new();
    let mut failures = Vec::new();
    let mut files: Vec<_> = fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    for path in files {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let suite: Value = serde_json::from_slice(&fs::read(&path).expect("the file")).expect("JSON");
        let tests = suite["tests"].as_array().expect("tests");
        let results = tests.iter().map(|test| {
            let outcome = outcome(&suite["resources"], test);
            if let Err(reason) = &outcome {
                failures.push(format!("{name}: {}: {reason}", test["title"]));
            }
            let result = match &outcome {
                Ok(()) => json!({"passed": true}),
                Err(reason) => json!({"passed": false, "reason": reason}),
            };
            json!({"name": test["title"], "result": result})
        });
        let results: Vec<Value> = results.collect();
        report.insert(name, json!({"tests": results}));
    }
    let count: usize = report.values().map(|file| file["tests"].as_array().map_or(0, Vec::len)).sum();
    if let Some(path) = env::var_os("SQL_ON_FHIR_REPORT") {
        let text = serde_json::to_string_pretty(&report).expect("a report");
        fs::write(Path::new(&path), text + "\n").expect("the report");
    }
    assert!(count > 0, "no tests in {}", folder.to_string_lossy());
    assert!(failures.is_empty(), "{} of {count} fail:\n{}", failures.len(), failures.join("\n"));
}

fn outcome(resources: &Value, test: &Value) -> Result<(), String> {
    let expects_error = test["expectError"].as_bool() == Some(true);
    let rows = rows(&test["view"].to_string(), resources);
    let (columns, rows) = match (rows, expects_error) {
        (Err(_), true) => return Ok(()),
        (Ok(_), true) => return Err("an error is expected".to_owned()),
        (rows, false) => rows?,
    };
    if let Some(expected) = test["expectColumns"].as_array()
        && columns != expected.iter().filter_map(Value::as_str).collect::<Vec<_>>()
    {
        return Err(format!("columns {columns:?} instead of {expected:?}"));
    }
    let sorted = |rows: &[Value]| {
        let mut rows: Vec<String> = rows.iter().map(canonical).collect();
        rows.sort();
        rows
    };
    let expected = test["expect"].as_array().cloned().unwrap_or_default();
    if sorted(&rows) == sorted(&expected) {
        return Ok(());
    }
    Err(format!("rows {} instead of {}", Value::Array(rows), Value::Array(expected)))
}

/// The columns and the rows of a view, or what is wrong.
fn rows(view: &str, resources: &Value) -> Result<(Vec<String>, Vec<Value>), String> {
    let mut runner = ViewRunner::new(view).map_err(|found| format!("{found:?}"))?;
    let columns = runner.view().columns.iter().map(|column| column.name.clone()).collect();
    let mut out = Vec::new();
    let mut writer = RowWriter::new(runner.view(), Format::Ndjson, &mut out);
    for resource in resources.as_array().expect("resources") {
        let bytes = resource.to_string().into_bytes();
        let input = Input {
            bytes: &bytes,
            id: None,
            full_url: None,
            full_urls: None,
            base_urls: &[],
            effective_at: None,
            earlier: None,
            wanted: None,
        };
        runner.run(&input, &mut writer).map_err(|error| error.to_string())?;
        writer.keep().expect("memory");
    }
    writer.flush().expect("memory");
    drop(writer);
    let lines = std::str::from_utf8(&out).expect("UTF-8").lines();
    Ok((columns, lines.map(|line| serde_json::from_str(line).expect("JSON")).collect()))
}

/// A value as text, in which numbers are equal if their values are.
fn canonical(value: &Value) -> String {
    match value {
        Value::Number(number) => number.as_f64().map_or_else(String::new, |number| number.to_string()),
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let sorted: BTreeMap<_, _> = members.iter().collect();
            let members = sorted.iter().map(|(name, value)| format!("{name:?}:{}", canonical(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        simple => simple.to_string(),
    }
}
