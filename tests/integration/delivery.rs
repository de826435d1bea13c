//! A delivery with a little of everything: all formats, several sources,
//! rejects, versions, deletes, references across files, and unusable files.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::support::TestEnvironment;

/// The smallest batches, two worker threads, and the JSON kept in the database,
/// so that it is compared too.
pub const SETTINGS: [(&str, &str); 3] =
    [("WORKERS", "2"), ("BATCH_BYTES", "64KiB"), ("KEEP_BODIES", "database")];

/// The names of two files that have the same content.
pub const SAME_CONTENT: [&str; 2] = ["twin.json", "twin-too.json"];

fn patient(id: &str, version: u32, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "gender": "other",
        "meta": {"versionId": version.to_string(), "lastUpdated": format!("2024-01-{version:02}T00:00:00Z")},
        "name": [{"family": family, "given": ["Ada"]}, {"use": "nickname", "given": [id]}],
        "address": [{"city": "Springton", "line": [family]}],
        "managingOrganization": {"reference": "Organization/north"}})
}

fn observation(id: &str, version: u32, subject: Value) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final",
        "meta": {"versionId": version.to_string(), "lastUpdated": format!("2024-02-{version:02}T00:00:00Z")},
        "code": {"coding": [{"system": "urn:codes", "code": "weight"}], "text": format!("version {version}")},
        "subject": subject, "note": [{"text": "as told"}, {"text": id}]})
}

/// The same, so long that a batch holds fewer than ten of them.
fn long(mut observation: Value) -> Value {
    observation["note"] = json!([{"text": "long ".repeat(1500)}]);
    observation
}

fn of(patient: &str) -> Value {
    json!({"reference": format!("Patient/{patient}")})
}

fn lines(resources: impl IntoIterator<Item = Value>) -> String {
    resources.into_iter().map(|resource| format!("{resource}\n")).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in members {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Puts the file that is loaded before the delivery.
pub fn put_first(environment: &TestEnvironment) {
    let text = lines([
        patient("p1", 1, "Maiden"),
        patient("p2", 1, "Quill"),
        observation("gone", 1, of("p2")),
        observation("o1", 1, of("p1")),
        observation("o2", 5, of("p2")),
    ]);
    environment.put("inbox/first.ndjson", text);
}

/// See the module.
pub fn put(environment: &TestEnvironment) {
    let by_number = json!({"type": "Patient", "identifier": {"system": "urn:mrn", "value": "0007"}});
    let mut late = patient("late", 1, "Bell");
    late["identifier"] = json!([{"system": "urn:mrn", "value": "0007"}]);
    let mut wrong = observation("wrong", 1, of("p1"));
    wrong["effectiveDateTime"] = json!("2015-02-30");
    let mut newer_standard = observation("r5", 1, of("p2"));
    newer_standard["triggeredBy"] = json!([{"type": "reflex"}]);

    let mut many =
        lines([patient("p1", 2, "Married"), wrong, newer_standard, observation("o1", 2, of("p1"))]);
    many += "{\"resourceType\":\"Patient\",\"id\":\n";
    many += &lines((3..12).map(|number| patient(&format!("p{number}"), 1, "Quill")));
    many += &lines((0..12).map(|number| long(observation(&format!("n{number}"), 1, by_number.clone()))));
    environment.put("inbox/a-many.ndjson", many);

    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "timestamp": "2024-03-01T00:00:00Z", "entry": [
        {"fullUrl": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001",
         "resource": {"resourceType": "Patient", "id": "of-bundle"}, "request": {"method": "PUT", "url": "Patient/of-bundle"}},
        {"fullUrl": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000002",
         "resource": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001"}},
         "request": {"method": "POST", "url": "Encounter"}},
        {"request": {"method": "DELETE", "url": "Observation/gone"}},
        {"request": {"method": "GET", "url": "Patient/p1"}}]});
    environment.put("inbox/b-bundle.json", bundle.to_string());

    let first = lines((0..12).map(|number| long(observation(&format!("z{number}"), 1, of("of-bundle")))));
    let second = lines([observation("o1", 3, of("p1")), observation("o2", 4, of("p2"))]);
    environment.put("inbox/c-packed.zip", zip(&[("one.ndjson", &first), ("two.ndjson", &second)]));

    for number in 0..6 {
        let text = observation(&format!("small{number}"), 1, of(&format!("p{number}"))).to_string();
        environment.put(&format!("inbox/d-small-{number}.json"), text);
    }
    let north = lines((1..8).map(|number| patient(&format!("p{number}"), 9, "North")));
    environment.put("inbox/north/patients.ndjson.gz", gzip(&north));
    environment.put("inbox/north/again/patients.ndjson.gz", gzip(&lines([patient("p9", 9, "North")])));
    environment.put("inbox/e-page.html", "<html><body>Sign in</body></html>");
    environment.put("inbox/f-broken.json", r#"{"resourceType":"Patient","id":"#);
    for name in SAME_CONTENT {
        environment.put(&format!("inbox/{name}"), patient("twin", 1, "Gemini").to_string());
    }
    environment.put("inbox/z-late.json", late.to_string());
}
