//! The promises of the generator, read back by another parser.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{Format, Plan, Written, generate};

fn run(out: &Path, patients: u64, format: Format) -> Written {
    let mut done = 0;
    let plan = Plan { patients, seed: 42, out: out.to_path_buf(), format };
    let written = generate(&plan, &mut |number| done = number).unwrap();
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

/// Every string under a member `reference`, however deep.
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
fn the_same_plan_writes_the_same_bytes() {
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

#[test]
fn a_patient_does_not_depend_on_how_many_there_are() {
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
fn references_of_a_transaction_resolve() {
    let out = tempfile::tempdir().unwrap();
    let written = run(out.path(), 1, Format::Bundles);
    let hospital = read_bundle(&out.path().join("hospitalInformation.json"));
    let patient = read_bundle(&out.path().join("patient-000001.json"));
    assert_eq!(written.resources, (hospital.len() + patient.len()) as u64);
    let mut known = HashSet::new();
    for entry in &hospital {
        let resource = &entry["resource"];
        let (kind, identifier) = (resource["resourceType"].as_str().unwrap(), &resource["identifier"][0]);
        let (system, value) = (identifier["system"].as_str().unwrap(), identifier["value"].as_str().unwrap());
        assert!(known.insert(format!("{kind}?identifier={system}|{value}")));
    }
    for entry in &patient {
        assert!(known.insert(entry["fullUrl"].as_str().unwrap().to_owned()), "an id stands twice");
    }
    let mut found = Vec::new();
    references(&Value::Array(hospital), &mut found);
    references(&Value::Array(patient), &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} resolves to nothing");
    }
}

#[test]
fn references_of_an_export_resolve() {
    let out = tempfile::tempdir().unwrap();
    let written = run(out.path(), 3, Format::Ndjson);
    let resources = read_export(out.path());
    assert_eq!(written.resources, resources.len() as u64);
    let mut known = HashSet::new();
    for resource in &resources {
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!(known.insert(format!("{kind}/{id}")), "an id stands twice");
    }
    let mut found = Vec::new();
    references(&Value::Array(resources), &mut found);
    assert!(found.len() > 100);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} resolves to nothing");
    }
}

#[test]
fn references_of_a_collection_resolve() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 2, Format::Bundle);
    let entries = read_bundle(&out.path().join("bundle.json"));
    let known: HashSet<_> =
        entries.iter().map(|entry| entry["fullUrl"].as_str().unwrap().to_owned()).collect();
    assert_eq!(known.len(), entries.len());
    let mut found = Vec::new();
    references(&Value::Array(entries), &mut found);
    for reference in found {
        assert!(known.contains(&reference) || reference == "#coverage", "{reference} resolves to nothing");
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
