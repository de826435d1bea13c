//! What a file brought is taken back as if it had never come, and brought back.

use std::fs;

use fhirmill_postgres::failpoint::UndoStep;
use serde_json::{Value, json};

use super::{observation, patient};
use crate::support::state::{State, assert_same};
use crate::support::{TestEnvironment, violations};

/// A patient whose version is of that day.
fn dated(id: &str, day: u32, family: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "meta": {"lastUpdated": format!("2024-01-{day:02}T00:00:00Z")},
           "name": [{"family": family}], "address": [{"city": format!("{family}ton")}]})
}

fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

fn bundle(kind: &str, entries: &[Value]) -> String {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries}).to_string()
}

fn put(resource: &Value) -> Value {
    let url = format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    json!({"resource": resource, "request": {"method": "PUT", "url": url}})
}

fn delete(url: &str) -> Value {
    json!({"request": {"method": "DELETE", "url": url}})
}

fn pressure(id: &str, systolic: u32) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p"},
           "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
           "component": [{"code": {"text": "systolic"}, "valueQuantity": {"value": systolic}},
                         {"code": {"text": "diastolic"}, "valueQuantity": {"value": 80}}]})
}

/// Somebody who is known by a number, and what refers to that number.
fn numbered(id: Option<&str>, number: &str) -> Value {
    let mut person =
        json!({"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": number}]});
    if let Some(id) = id {
        person["id"] = id.into();
    }
    person
}

fn by_number(id: &str, number: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": "c"},
           "subject": {"identifier": {"system": "urn:mrn", "value": number}}})
}

/// A request that makes the person of a number if there is none, and a reference to them.
fn create(number: &str, code: &str) -> String {
    let refers = json!({"resourceType": "Observation", "status": "final", "code": {"text": code},
        "subject": {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}});
    bundle(
        "transaction",
        &[
            json!({"fullUrl": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0", "resource": numbered(None, number),
                   "request": {"method": "POST", "url": "Patient", "ifNoneExist": format!("identifier=urn:mrn|{number}")}}),
            json!({"fullUrl": format!("urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6{code}"), "resource": refers,
                   "request": {"method": "POST", "url": "Observation"}}),
        ],
    )
}

/// Ten deliveries of one sender: versions that overlap, with and without times, deletes,
/// children, contained resources, names, numbers, requests by number, the same bytes again.
fn deliveries() -> Vec<(&'static str, String)> {
    let medication = json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
        "subject": {"reference": "Patient/q"}, "medicationReference": {"reference": "#1"},
        "contained": [{"resourceType": "Medication", "id": "1", "code": {"text": "aspirin"}}]});
    let mut changed = medication.clone();
    changed["contained"][0]["code"]["text"] = "ibuprofen".into();
    let plain = |id: &str, gender: &str| json!({"resourceType": "Patient", "id": id, "gender": gender});
    let first =
        lines(&[dated("p", 1, "Maiden"), plain("q", "male"), pressure("o1", 120), by_number("b", "7")]);
    let old = lines(&[dated("p", 2, "Between"), plain("q", "female"), medication]);
    vec![
        ("01.ndjson", first.clone()),
        ("02.json", bundle("transaction", &[put(&dated("p", 5, "Married")), put(&pressure("o2", 110))])),
        ("03.ndjson", old.clone()),
        ("04.json", bundle("transaction", &[delete("Observation/o1"), delete("Patient/q"), put(&changed)])),
        ("05.ndjson", lines(&[pressure("o1", 140), numbered(Some("n"), "7"), dated("p", 3, "Late")])),
        ("06.ndjson", old),
        ("07.ndjson", format!("{}not json\n", lines(&[dated("p", 9, "Widowed"), dated("r", 1, "New")]))),
        ("08.json", create("9", "e1")),
        ("09.ndjson", lines(&[numbered(Some("owner"), "9"), by_number("b2", "9")])),
        ("10.ndjson", first),
    ]
}

const SENDERS: usize = 10;

/// Delivers to each sender, in runs of some deliveries, all but those that are left out.
fn deliver(environment: &TestEnvironment, is_left_out: impl Fn(usize, usize) -> bool) {
    let deliveries: Vec<(usize, (&str, String))> = deliveries().into_iter().enumerate().collect();
    for deliveries in deliveries.chunks(4) {
        for (number, (name, content)) in deliveries {
            for sender in (0..SENDERS).filter(|sender| !is_left_out(*sender, *number)) {
                environment.put(&format!("inbox/s{sender}/{name}"), content);
            }
        }
        let run = environment.run_command(environment.command(&["once"]).env("KEEP_BODIES", "database"));
        assert!(run.code == 0 || run.code == 3, "{}", run.stderr);
    }
}

fn file(environment: &TestEnvironment, sender: usize, number: usize) -> String {
    let path = format!("s{sender}/{}", deliveries()[number].0);
    environment.value(&format!("select id from etl.load_file where path = '{path}'"))
}

/// What files are there, and what was counted of their elements, is not compared.
const NOT_UNDONE: [&str; 5] = ["ledger", "folders", "rejects", "unmapped elements", "deviating elements"];

fn undo(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Value {
    let run = environment.run(&[&["undo", "--json"], arguments].concat()).expect_code(code);
    if code == 0 { run.json() } else { Value::Null }
}

/// The same where bodies are kept.
fn undo_with_bodies(environment: &TestEnvironment, arguments: &[&str]) {
    let mut command = environment.command(&[&["undo"], arguments].concat());
    environment.run_command(command.env("KEEP_BODIES", "database")).expect_code(0);
}

#[test]
fn each_of_ten_deliveries_is_taken_back_as_if_it_had_never_come() {
    let environment = TestEnvironment::new();
    deliver(&environment, |_, _| false);
    let before = State::of(&environment).rewritten(comparable);
    let without = TestEnvironment::new();
    // Of the sender with that number, the delivery with that number never comes.
    deliver(&without, |sender, number| sender == number);
    for number in 0..SENDERS {
        let id = file(&environment, number, number);
        undo_with_bodies(&environment, &["--file", &id]);
    }
    let compared = |of: &TestEnvironment| State::of(of).without(&NOT_UNDONE).rewritten(comparable);
    assert_same(&compared(&environment), &compared(&without), "undone");
    assert_eq!(
        environment.value("select count(*) from etl.resource_version"),
        without.value("select count(*) from etl.resource_version")
    );
    assert_eq!(environment.value("select count(*) from etl.load_file where status = 'undone'"), "10");
    environment.run(&["check", "--archive"]).expect_code(0);

    let ids: Vec<String> = (0..SENDERS).map(|number| file(&environment, number, number)).collect();
    let mut arguments = vec!["--redo"];
    ids.iter().for_each(|id| arguments.extend(["--file", id]));
    undo_with_bodies(&environment, &arguments);
    assert_same(&State::of(&environment).rewritten(comparable), &before, "redone");
    environment.run(&["check", "--archive"]).expect_code(0);
    let mut remap = environment.command(&["remap"]);
    environment.run_command(remap.env("KEEP_BODIES", "database")).expect_code(0);
    assert_same(&State::of(&environment).rewritten(comparable), &before, "remapped");
}

/// A row without what depends on the database. Of two deliveries with the same bytes, records
/// of either may be noted; hashes of former names include keys.
fn comparable(row: &str) -> String {
    let row = row.replace("06.ndjson", "03.ndjson").replace("10.ndjson", "01.ndjson");
    match row.split_once("\"content_hash\": \"") {
        Some((before, hash)) => format!("{before}{}", hash.trim_start_matches(|letter| letter != '"')),
        None => row,
    }
}

/// What is exact: keys, times, histories.
fn exactly(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select 'history' as what, to_jsonb(h)::text as row from patient_name_history h
         union all select 'name', to_jsonb(n)::text from patient_name n
         union all select 'version', (to_jsonb(v) - 'revision' - 'first_file_id' - 'deleted_at')::text from etl.resource_version v
         union all select 'key', to_jsonb(k)::text from etl.resource_key k
         order by 1, 2",
    )
}

#[test]
fn what_came_without_a_time_keeps_the_time_at_which_it_came() {
    let environment = TestEnvironment::new();
    let named = |family: &str| json!({"resourceType": "Patient", "id": "p", "name": [{"family": family}]});
    let mut states = Vec::new();
    for (number, family) in ["One", "Two", "Three"].iter().enumerate() {
        environment.put(&format!("inbox/{number}.json"), named(family).to_string());
        environment.run(&["once"]).expect_code(0);
        states.push(exactly(&environment));
    }
    undo(&environment, &["--file", "3"], 0);
    assert_eq!(exactly(&environment), states[1], "the last is taken back");
    undo(&environment, &["--file", "3", "--redo"], 0);
    assert_eq!(exactly(&environment), states[2], "the last is brought back");
    undo(&environment, &["--file", "2"], 0);
    let history = environment.query(
        "select h.family, h.valid_to = v.loaded_at as is_followed from patient_name_history h, etl.resource_version v",
    );
    assert_eq!(history, [["One", "true"]]);
    undo(&environment, &["--file", "2", "--redo"], 0);
    assert_eq!(exactly(&environment), states[2]);

    // A deletion, too; the same bytes are loaded again while they are taken back.
    environment.put("inbox/4.json", bundle("transaction", &[delete("Patient/p")]));
    environment.run(&["once"]).expect_code(0);
    let deleted = exactly(&environment);
    undo(&environment, &["--file", "4"], 0);
    assert_eq!(exactly(&environment), states[2]);
    undo(&environment, &["--file", "4", "--redo"], 0);
    assert_eq!(exactly(&environment), deleted);
    undo(&environment, &["--file", "4"], 0);
    environment.put("inbox/again.json", bundle("transaction", &[delete("Patient/p")]));
    assert_eq!(environment.run(&["once", "--json"]).expect_code(0).json()["account"]["deleted"], 1);
}

#[test]
fn a_dry_run_tells_what_an_undo_does_and_a_run_is_undone_whole() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/undo.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    let environment = TestEnvironment::new();
    environment.put("inbox/a/1.ndjson", patient("p") + &observation("o", "p"));
    environment.run(&["once"]).expect_code(0);
    let before = State::of(&environment).without(&NOT_UNDONE);
    environment
        .put("inbox/a/2.ndjson", patient("p").replace("female", "male") + &patient("new") + "broken\n");
    environment.put("inbox/b/2.ndjson", patient("p"));
    environment.run(&["once"]).expect_code(3);
    let loaded = State::of(&environment);
    let run = environment.value("select max(id) from etl.load_run");

    let dry = undo(&environment, &["--run", &run, "--dry-run"], 0);
    assert_same(&State::of(&environment), &loaded, "a dry run");
    assert_eq!(violations(&schema, &dry), Vec::<String>::new(), "{dry:#}");
    let told = undo(&environment, &["--run", &run], 0);
    assert_eq!(violations(&schema, &told), Vec::<String>::new(), "{told:#}");
    assert_same(&State::of(&environment).without(&NOT_UNDONE), &before, "undone");
    assert_eq!(told["resources"], dry["resources"]);
    assert_eq!(told["tables"], dry["tables"]);
    let patients = json!({"resource_type": "Patient", "removed": 2, "replaced": 1, "revived": 0, "added": 0,
                          "deleted": 0, "unchanged": 0});
    assert_eq!(told["resources"], json!([patients]));
    assert_eq!(told["tables"]["patient"], json!({"removed": 3, "written": 1}));
    assert_eq!(told["dismissed_rejects"], 1);
    let statuses = "select path, status from etl.load_file order by id";
    assert_eq!(
        environment.query(statuses),
        [["a/1.ndjson", "loaded"], ["a/2.ndjson", "undone"], ["b/2.ndjson", "undone"]]
    );
    let listed = environment.run(&["files", "--status", "undone", "--json"]).expect_code(0).json();
    assert_eq!(listed.as_array().unwrap().len(), 2);
    assert_eq!(environment.run(&["rejects", "--json"]).expect_code(0).json(), json!([]));

    // Once is enough.
    let again = environment.run(&["undo", "--run", &run]).expect_code(0).stdout;
    assert!(again.starts_with("nothing to do"), "{again}");
    undo(&environment, &["--run", &run, "--redo"], 0);
    assert_same(&State::of(&environment), &loaded, "redone");
    environment.run(&["undo", "--file", "99"]).expect_code(2);
    environment.run(&["undo"]).expect_code(2);
}

#[test]
fn nothing_is_changed_without_the_archive() {
    let environment = TestEnvironment::new();
    for (name, gender) in [("1.ndjson", "female"), ("2.ndjson", "male")] {
        environment.put(&format!("inbox/{name}"), patient("p").replace("female", gender));
        environment.run(&["once"]).expect_code(0);
    }
    let before = State::of(&environment);
    let archived = |name: &str| {
        let ends = |path: &String| path.starts_with("archive/") && path.ends_with(name);
        environment.path(&environment.listing().into_iter().find(ends).unwrap())
    };
    for name in ["1.ndjson", "2.ndjson"] {
        let path = archived(name);
        let content = fs::read(&path).unwrap();
        for wrong in [None, Some(content.to_ascii_uppercase())] {
            fs::remove_file(&path).unwrap();
            if let Some(wrong) = wrong {
                fs::write(&path, wrong).unwrap();
            }
            for more in [&[][..], &["--dry-run"]] {
                let run = environment.run(&[&["undo", "--file", "2"], more].concat()).expect_code(1);
                assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
            }
            fs::write(&path, &content).unwrap();
            assert_same(&State::of(&environment), &before, name);
        }
    }
    // A file that brought only what nothing else has needs no other one.
    environment.put("inbox/3.ndjson", patient("q"));
    environment.run(&["once"]).expect_code(0);
    fs::remove_file(archived("1.ndjson")).unwrap();
    undo(&environment, &["--file", "3"], 0);
    assert_eq!(environment.query("select fhir_id, gender from patient"), [["p", "male"]]);
}

#[test]
fn a_death_at_any_step_changes_nothing_or_all() {
    let begun = TestEnvironment::new();
    let referring = json!({"resourceType": "Observation", "id": "late", "status": "final", "code": {"text": "c"},
        "subject": {"identifier": {"system": "urn:mrn", "value": "7"}}});
    begun.put("inbox/1.ndjson", lines(&[numbered(Some("a"), "7"), dated("p", 1, "One"), referring]));
    begun.run(&["once"]).expect_code(0);
    begun.put("inbox/2.ndjson", lines(&[numbered(Some("b"), "7"), dated("p", 2, "Two")]));
    begun.run(&["once"]).expect_code(0);
    let before = State::of(&begun);
    let undone = TestEnvironment::like(&begun);
    undo(&undone, &["--file", "2"], 0);
    let after = State::of(&undone);
    for step in UndoStep::ALL {
        let environment = TestEnvironment::like(&begun);
        let mut mortal = environment.command(&["undo", "--file", "2"]);
        mortal.env("FAILPOINTS", format!("{}=return", step.name()));
        environment.run_command(&mut mortal).expect_code(-1);
        let state = if *step == UndoStep::Committed { &after } else { &before };
        assert_same(&State::of(&environment), state, step.name());
        environment.run(&["once"]).expect_code(0);
        environment.run(&["undo", "--file", "2"]).expect_code(0);
        assert_same(&State::of(&environment), &after, step.name());
    }
}

#[test]
fn files_in_progress_are_not_undone() {
    let environment = TestEnvironment::new();
    environment.put("inbox/1.ndjson", patient("p"));
    environment.run(&["once"]).expect_code(0);
    environment.put("inbox/2.ndjson", patient("q"));
    let mut mortal = environment.command(&["once"]);
    environment.run_command(mortal.env("FAILPOINTS", "committed=return")).expect_code(-1);
    let refused = environment.run(&["undo", "--file", "1"]).expect_code(1).stderr;
    assert!(refused.contains("file 2") && refused.contains("fhirmill once"), "{refused}");
    environment.run(&["undo", "--file", "2"]).expect_code(2);
    environment.run(&["once"]).expect_code(0);
    undo(&environment, &["--file", "1"], 0);
    assert_eq!(environment.query("select fhir_id from patient"), [["q"]]);
}
