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
        (Format::Bundles, "e6535904704bc1e19e126189133cc50dcbf2e8142c7d94db497ab882de3837d9"),
        (Format::Ndjson, "82e91381b99bdcfa7b33a22e08b68fd8a0331811adeceb7fddcb0f055f82b485"),
        (Format::Bundle, "aafee95e19281d038850f47f04f48db377fcb644b0f67903cc88ae5da25d3bb4"),
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
        assert!(known.contains(&reference), "{reference} does not resolve");
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
        assert!(known.contains(&reference), "{reference} does not resolve");
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
        assert!(known.contains(&reference), "{reference} does not resolve");
    }
}

#[test]
fn every_question_has_data() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 30, Format::Ndjson);
    let resources = read_export(out.path());
    let count =
        |is_one: &dyn Fn(&Value) -> bool| resources.iter().filter(|resource| is_one(resource)).count();
    let classes = |class: &str| count(&|resource| resource["class"]["code"] == class);
    assert!(classes("AMB") > 400 && classes("VR") > 20, "{} {}", classes("AMB"), classes("VR"));
    assert!(classes("EMER") > 40 && classes("IMP") > 20, "{} {}", classes("EMER"), classes("IMP"));
    let of_type = |name: &str| count(&|resource| resource["resourceType"] == name);
    assert!(of_type("MedicationDispense") > 200);
    assert!((30..=60).contains(&of_type("Coverage")), "{}", of_type("Coverage"));
    let with_doctor = count(&|resource| resource["generalPractitioner"].is_array());
    assert!((15..30).contains(&with_doctor), "{with_doctor}");
    let is_denied = |resource: &Value| resource.to_string().contains("denialreason");
    let (denied, bills) = (count(&is_denied), of_type("ExplanationOfBenefit"));
    assert!(denied * 100 / bills >= 5 && denied * 100 / bills <= 25, "{denied} of {bills}");
}

/// Nothing is observed twice at one time, except for what two laboratories measure.
#[test]
fn there_are_no_accidental_ties() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 60, Format::Ndjson);
    let mut seen = HashSet::new();
    let mut ties = HashSet::new();
    for resource in read_export(out.path()) {
        if resource["resourceType"] == "Observation" {
            let code = resource["code"]["coding"][0]["code"].to_string();
            let time = format!("{}{code}{}", resource["subject"], resource["effectiveDateTime"]);
            if !seen.insert(time) {
                ties.insert(code);
            }
        }
    }
    assert_eq!(ties, HashSet::from(["\"4548-4\"".to_owned()]));
}

#[test]
fn visits_of_a_person_do_not_overlap() {
    let out = tempfile::tempdir().unwrap();
    run(out.path(), 20, Format::Ndjson);
    let mut last: std::collections::HashMap<String, String> = std::collections::HashMap::new();
    for resource in read_export(out.path()).iter().filter(|one| one["resourceType"] == "Encounter") {
        let period = |end: &str| resource["period"][end].as_str().unwrap().to_owned();
        assert!(period("start") < period("end"), "{resource}");
        let before = last.insert(resource["subject"]["reference"].to_string(), period("end"));
        assert!(before.is_none_or(|before| before <= period("start")), "{resource}");
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
            let is_denied = parts[4]["reason"].is_object();
            let noncovered = if is_denied { cents(&parts[3]["amount"]) } else { 0 };
            assert_eq!(
                cents(&parts[1]["amount"]) + cents(&parts[2]["amount"]) + noncovered,
                cents(&item["net"])
            );
            paid += cents(&parts[2]["amount"]);
        }
        assert_eq!(cents(&bill["total"][0]["amount"]), items);
        assert_eq!(cents(&bill["total"][1]["amount"]), paid);
        assert_eq!(cents(&bill["payment"]["amount"]), paid);
    }
    assert!(bills >= 30);
}
