//! Snapshots: pictures of the tables and views as files.

mod faults;
mod readers;
mod rows;
mod service;
mod unchanged;

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::Value;

use crate::support::{Run, TestEnvironment};

/// Takes a snapshot into the folder `lake`.
fn snapshot(environment: &TestEnvironment, more: &[&str]) -> Run {
    environment.run(&[&["snapshot", "--to", "lake", "--json"][..], more].concat())
}

/// The names of the snapshots that are there, oldest first.
fn names(environment: &TestEnvironment) -> Vec<String> {
    let Ok(entries) = fs::read_dir(environment.path("lake")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("20")).collect();
    names.sort();
    names
}

fn latest(environment: &TestEnvironment) -> String {
    fs::read_to_string(environment.path("lake/latest")).unwrap().trim_end().to_owned()
}

fn manifest(environment: &TestEnvironment, name: &str) -> Value {
    let text = fs::read(environment.path(&format!("lake/{name}/manifest.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// A table of a manifest.
#[track_caller]
fn table<'m>(manifest: &'m Value, schema: &str, name: &str) -> &'m Value {
    let tables = manifest["tables"].as_array().unwrap();
    let found = tables.iter().find(|table| table["schema"] == schema && table["name"] == name);
    found.unwrap_or_else(|| panic!("no {schema}.{name} in the manifest"))
}

/// The file of a table that has one.
fn file(environment: &TestEnvironment, name: &str, path: &str) -> std::path::PathBuf {
    environment.path(&format!("lake/{name}/{path}/part-0.parquet"))
}

fn inode(environment: &TestEnvironment, name: &str, path: &str) -> u64 {
    fs::metadata(file(environment, name, path)).unwrap().ino()
}

fn patient(id: &str, family: &str) -> String {
    let patient = serde_json::json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]});
    format!("{patient}\n")
}

/// Loads patients, each with a family name.
fn load(environment: &TestEnvironment, patients: &[(&str, &str)]) {
    let lines: String = patients.iter().map(|(id, family)| patient(id, family)).collect();
    environment.put("inbox/north/patients.ndjson", lines);
    environment.run(&["once"]).expect_code(0);
}
