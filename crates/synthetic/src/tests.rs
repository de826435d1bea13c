//! The generator's output, read back with another JSON parser.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Folder, Format, Options, Written, generate};

fn run(out: &Path, patients: u64, format: Format) -> Written {
    let mut done = 0;
    let options = Options { patients, seed: 42, format };
    let written = generate(&options, &mut Folder::new(out).unwrap(), &mut |number| done = number).unwrap();
    assert_eq!(done, patients);
    written
}

fn read_bundle(path: &Path) -> Vec<Value> {
    let bundle: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    bundle["entry"].as_array().unwrap().clone()
}

fn read_export(out: &Path) -> Vec<Value> {
    let mut resources = Vec::new();
    for file in fs::read_dir(out).unwrap() {
        let path = file.unwrap().path();
        for line in fs::read_to_string(&path).unwrap().lines() {
            let resource: Value = serde_json::from_str(line).unwrap();
            assert_eq!(resource["resourceType"], path.file_stem().unwrap().to_str().unwrap());
            resources.push(resource);
        }
    }
    resources
}

/// Collects the value of every member `reference`, at any depth.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "reference" => found.push(text.clone()),
                    _ => references(member, found),
                }
            }
        }
        _ => (),
    }
}

#[test]
fn the_same_options_give_the_same_bytes() {
    for format in [Format::Bundles, Format::Ndjson, Format::Bundle] {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let written = run(first.path(), 2, format);
        assert_eq!(run(second.path(), 2, format), written);
        let (mut files, mut bytes) = (0, 0);
        for file in fs::read_dir(first.path()).unwrap() {
            let file = file.unwrap();
            let content = fs::read(file.path()).unwrap();
            assert!(content == fs::read(second.path().join(file.file_name())).unwrap());
            files += 1;
            bytes += content.len() as u64;
        }
        assert_eq!((written.files, written.bytes), (files, bytes));
    }
}

/// Benchmarks and demos rely on these exact bytes. If this fails, the order or
/// the number of random draws has changed.
#[test]
fn the_bytes_of_a_seed_never_change() {
    let expected = [
        (Format::Bundles, "8f0493fab5a51da73e7ac6017703ee46cd1ccfe133f4e3e451ceacdfc6e40cf7"),
        (Format::Ndjson, "8e51b61ec46ffc54b526d4b75da016af34224ead7309de557ff46f22fadb7b46"),
        (Format::Bundle, "55a23c107a073107f372b6e91897968bdc2902f08f295a004ce30d2adeb6688f"),
    ];
    for (format, hash) in expected {
        let out = tempfile::tempdir().unwrap();
        let options = Options { patients: 3, seed: 7, format };
        generate(&options, &mut Folder::new(out.path()).unwrap(), &mut |_| ()).unwrap();
        let mut paths: Vec<_> = fs::read_dir(out.path()).unwrap().map(|file| file.unwrap().path()).collect();
        paths.sort();
        let mut hasher = Sha256::new();
        for path in paths {
            hasher.update(path.file_name().unwrap().as_encoded_bytes());
            hasher.update(fs::read(&path).unwrap());
        }
        let found: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, hash, "{format:?}");
    }
}

#[test]
fn a_patient_does_not_depend_on_the_number_of_patients() {
    let (one, three) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(one.path(), 1, Format::Bundles);
    run(three.path(), 3, Format::Bundles);
    for name in ["hospitalInformation.json", "patient-000001.json"] {
        assert!(fs::read(one.path().join(name)).unwrap() == fs::read(three.path().join(name)).unwrap());
    }
    let first = fs::read(three.path().join("patient-000001.json")).unwrap();
    assert!(first != fs::read(three.path().join("patient-000002.json")).unwrap());
}

#[test]
fn references_in_transactions_resolve() {
    let out = tempfile::tempdir().unwrap();
    let written = run(out.path(), 1, Format::Bundles);
    let hospital = read_bundle(&out.path().join("hospitalInformation.json"));
    let patient = read_bundle(&out.path().join("patient-000001.json"));
    assert_eq!(written.resources, (hospital.len() + patient.len()) as u64);
    let mut known = HashSet::new();
    for entry in &hospital {
        let resource = &entry["resource"];
        let (resource_type, identifier) =
            (resource["resourceType"].as_str().unwrap(), &resource["identifier"][0]);
        let (system, value) = (identifier["system"].as_str().unwrap(), identifier["value"].as_str().unwrap());
        assert!(known.insert(format!("{resource_type}?identifier={system}|{value}")));
    }
    for entry in &patient {
        assert!(known.insert(entry["fullUrl"].as_str().unwrap().to_owned()), "an ID occurs twice");
    }
    let mut found = Vec::new();
    references(&Value::Array(hospital), &mut found);
    references(&Value::Array(patient), &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} does not resolve");
    }
}

#[test]
fn references_in_an_export_resolve() {
    let out = tempfile::tempdir().unwrap();
    let written = run(out.path(), 3, Format::Ndjson);
    let resources = read_export(out.path());
    assert_eq!(written.resources, resources.len() as u64);
    let mut known = HashSet::new();
    for resource in &resources {
        let (resource_type, id) =
            (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!(known.insert(format!("{resource_type}/{id}")), "an ID occurs twice");
    }
    let mut found = Vec::new();
    references(&Value::Array(resources), &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} does not resolve");
    }
}

#[test]
fn references_in_a_collection_resolve() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 2, Format::Bundle);
    let entries = read_bundle(&out.path().join("bundle.json"));
    let known: HashSet<_> =
        entries.iter().map(|entry| entry["fullUrl"].as_str().unwrap().to_owned()).collect();
    assert_eq!(known.len(), entries.len());
    let mut found = Vec::new();
    references(&Value::Array(entries), &mut found);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} does not resolve");
    }
}

#[test]
fn bills_add_up() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 3, Format::Ndjson);
    let cents = |money: &Value| (money["value"].as_f64().unwrap() * 100.0).round() as i64;
    let mut bills = 0;
    for bill in read_export(out.path()) {
        let items: i64 = match bill["resourceType"].as_str().unwrap() {
            "Claim" | "ExplanationOfBenefit" => {
                bill["item"].as_array().unwrap().iter().map(|item| cents(&item["net"])).sum()
            }
            _ => continue,
        };
        bills += 1;
        if bill["resourceType"] == "Claim" {
            assert_eq!(cents(&bill["total"]), items);
            continue;
        }
        let mut paid = 0;
        for item in bill["item"].as_array().unwrap() {
            let parts = &item["adjudication"];
            assert_eq!(cents(&parts[0]["amount"]), cents(&item["net"]));
            assert_eq!(cents(&parts[1]["amount"]) + cents(&parts[2]["amount"]), cents(&item["net"]));
            paid += cents(&parts[2]["amount"]);
        }
        assert_eq!(cents(&bill["total"][0]["amount"]), items);
        assert_eq!(cents(&bill["total"][1]["amount"]), paid);
        assert_eq!(cents(&bill["payment"]["amount"]), paid);
    }
    assert!(bills >= 30);
}
