//! A person is erased as if nothing of it had ever come: no file and no table has any of it.

use std::fs;
use std::io::{Cursor, Read, Write};

use fhirmill_postgres::failpoint::EraseStep;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::state::{State, assert_same};
use crate::support::{TestEnvironment, violations};

/// Stands in everything that is of the person, and nowhere else.
pub const MARK: &str = "zqxmark";
/// The person's id.
pub const ID: &str = "p-zqxmark-1";
pub const PATIENT: &str = "Patient/p-zqxmark-1";

pub fn lines(values: &[Value]) -> String {
    values.iter().map(|value| format!("{value}\n")).collect()
}

/// A patient with all that patients have.
pub fn person(id: &str, word: &str, day: u32) -> Value {
    json!({"resourceType": "Patient", "id": id, "meta": {"lastUpdated": format!("2024-01-{day:02}T00:00:00Z")},
        "text": {"status": "generated", "div": format!("<div>{word} narrative</div>")},
        "identifier": [{"system": "urn:mrn", "value": format!("{word}-number")}],
        "name": [{"family": format!("{word}{day}"), "given": [format!("{word}given")]}],
        "telecom": [{"system": "phone", "value": format!("{word}-phone")}],
        "address": [{"line": [format!("{word} street {day}")], "city": format!("{word}ton{day}")}],
        "extension": [{"url": "urn:x", "valueString": format!("{word} extension")}],
        "contact": [{"name": {"family": format!("{word} contact")}}]})
}

pub fn observation(id: &str, patient: &str, word: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": format!("{word} code")},
        "subject": {"reference": format!("Patient/{patient}"), "display": format!("{word} display")},
        "valueString": format!("{word} value"), "note": [{"text": format!("{word} note")}],
        "contained": [{"resourceType": "Practitioner", "id": "c", "name": [{"family": format!("{word} contained")}]}],
        "performer": [{"reference": "#c"}],
        "component": [{"code": {"text": format!("{word} part")}, "valueString": format!("{word} part value")}]})
}

/// What the person has, which is left out where it never came.
pub struct Deliveries {
    pub has_person: bool,
}

impl Deliveries {
    fn own(&self, values: Vec<Value>) -> Vec<Value> {
        if self.has_person { values } else { Vec::new() }
    }

    pub fn several(&self) -> String {
        let mut all = vec![person("a", "anna", 1), observation("oa", "a", "anna")];
        all.extend(self.own(vec![person(ID, MARK, 1), observation("o-zqxmark", ID, MARK)]));
        all.extend([person("c", "carl", 1), observation("oc", "c", "carl")]);
        lines(&all)
    }

    /// A transaction in which others have places behind the person's.
    pub fn transaction(&self) -> String {
        let put = |resource: Value| {
            let url = format!(
                "{}/{}",
                resource["resourceType"].as_str().unwrap(),
                resource["id"].as_str().unwrap()
            );
            json!({"fullUrl": format!("https://hospital.example/{url}"), "resource": resource,
                   "request": {"method": "PUT", "url": url}})
        };
        let mut entries = self.own(vec![
            put(person(ID, MARK, 3)),
            put(json!({"resourceType": "Encounter", "id": "e-zqxmark", "status": "finished",
                "class": {"code": "AMB"}, "subject": {"reference": format!("Patient/{ID}")},
                "reasonCode": [{"text": format!("{MARK} reason")}]})),
            json!({"fullUrl": "urn:uuid:9b2b1b9c-0000-4000-8000-000000000001",
                "resource": {"resourceType": "Condition", "subject": {"reference": format!("Patient/{ID}")},
                             "code": {"text": format!("{MARK} condition")}},
                "request": {"method": "POST", "url": "Condition", "ifNoneExist": format!("identifier=urn:c|{MARK}")}}),
            json!({"request": {"method": "DELETE", "url": "Observation/o-zqxmark"}}),
        ]);
        entries.extend([put(person("a", "anna", 2)), put(observation("oa2", "a", "anna"))]);
        let link = if self.has_person {
            format!("https://hospital.example/Patient/{ID}/$everything")
        } else {
            "u".into()
        };
        let bundle = json!({"resourceType": "Bundle", "type": "transaction",
            "link": [{"relation": "self", "url": link}], "entry": entries});
        serde_json::to_string_pretty(&bundle).unwrap()
    }

    fn packed(&self) -> Vec<u8> {
        let mut all = self.own(vec![observation("o2-zqxmark", ID, MARK)]);
        all.push(observation("oc2", "c", "carl"));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(lines(&all).as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(&self) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, text: String| {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        };
        if self.has_person {
            add("Zqxmarkgiven_p.json", observation("o3-zqxmark", ID, MARK).to_string());
        } else {
            add("other.json", "{\"resourceType\":\"Erased\"}".to_owned());
        }
        add("c.json", observation("oc3", "c", "carl").to_string());
        writer.finish().unwrap().into_inner()
    }

    /// Records that are rejected, in three ways.
    fn rejected(&self) -> String {
        let mut bad = person(ID, MARK, 4);
        bad["birthDate"] = format!("{MARK} is no date").into();
        let mut all = lines(&self.own(vec![bad]));
        if self.has_person {
            all += &format!(
                "{{\"resourceType\":\"Observation\",\"subject\":{{\"reference\":\"Patient/{ID}\"}},{MARK}\n"
            );
        }
        all + &lines(&[person("c", "carl", 2)])
    }

    /// What mentions the person and stays.
    fn mentions(&self) -> String {
        let reference = |own: &str| match self.has_person {
            true => json!({"reference": format!("Patient/{ID}"), "display": format!("{MARK} {own}")}),
            false => json!({}),
        };
        let mut focused = observation("of", "a", "anna");
        focused["focus"] = json!([reference("focus")]);
        let group = json!({"resourceType": "Group", "id": "g", "type": "person", "actual": true,
            "member": [{"entity": {"reference": "Patient/a"}}, {"entity": reference("member")}]});
        lines(&[focused, group])
    }

    pub fn deliver(&self, environment: &TestEnvironment) {
        self.deliver_by(environment, &|| once(environment));
    }

    /// Puts files into the inbox, and has them loaded by `once` three times.
    pub fn deliver_by(&self, environment: &TestEnvironment, once: &dyn Fn()) {
        let put = |name: &str, content: &[u8]| environment.put(&format!("inbox/north/{name}"), content);
        put("1.ndjson", self.several().as_bytes());
        once();
        put("2.json", self.transaction().as_bytes());
        put("3.ndjson.gz", &self.packed());
        put("4.zip", &self.zip());
        if self.has_person {
            put("Zqxmarkgiven_Zqxmark_p-zqxmark-1.json", person(ID, MARK, 5).to_string().as_bytes());
            put("6.json", format!("{{\"resourceType\":\"Patient\",\"id\":\"{ID}\",").as_bytes());
        }
        once();
        put("7.ndjson", self.rejected().as_bytes());
        put("8.ndjson", self.mentions().as_bytes());
        put("9.ndjson", self.several().as_bytes());
        once();
    }
}

fn once(environment: &TestEnvironment) {
    let run = environment.run_command(environment.command(&["once"]).env("KEEP_BODIES", "database"));
    assert!(run.code == 0 || run.code == 3, "{}", run.stderr);
}

/// Hashes of former names include keys.
fn without_hash(row: &str) -> String {
    match row.split_once("\"content_hash\": \"") {
        Some((before, hash)) => format!("{before}{}", hash.trim_start_matches(|letter| letter != '"')),
        None => row.to_owned(),
    }
}

/// Whether a file has the mark in its path or, unpacked, in its content.
pub fn has_mark(path: &str, bytes: Vec<u8>) -> bool {
    let mut texts = vec![path.to_owned().into_bytes(), bytes.clone()];
    if bytes.starts_with(b"\x1f\x8b") {
        let mut text = Vec::new();
        MultiGzDecoder::new(&bytes[..]).read_to_end(&mut text).unwrap();
        texts.push(text);
    }
    #[cfg(feature = "compression")]
    if path.ends_with(".zst") {
        let mut text = Vec::new();
        zstd::Decoder::new(&bytes[..]).unwrap().read_to_end(&mut text).unwrap();
        texts.push(text);
    }
    if bytes.starts_with(b"PK") {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
        for number in 0..archive.len() {
            let mut text = Vec::new();
            archive.by_index(number).unwrap().read_to_end(&mut text).unwrap();
            texts.push(text);
        }
    }
    texts.iter().any(|text| String::from_utf8_lossy(text).to_lowercase().contains(MARK))
}

/// Every file of the folder and every table that has the mark.
pub fn places_of_mark(environment: &TestEnvironment) -> Vec<String> {
    let mut places = environment.listing();
    places.retain(|path| !path.starts_with("data/"));
    places.retain(|path| has_mark(path, fs::read(environment.path(path)).unwrap()));
    let tables = environment.query(
        "select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') and c.relkind in ('r', 'm')
            and pg_relation_size(c.oid) > 0",
    );
    let hexadecimal: String = MARK.bytes().map(|byte| format!("{byte:02x}")).collect();
    let queries: Vec<String> = tables
        .iter()
        .map(|table| {
            let table = &table[0];
            format!(
                "select '{table}', count(*)::text from {table} t where lower(t::text) like '%{MARK}%' \
                     or t::text like '%{hexadecimal}%'"
            )
        })
        .collect();
    let statistics = format!(
        "select 'statistics of ' || tablename, '1' from pg_stats where most_common_vals::text || \
         histogram_bounds::text ilike '%{MARK}%'"
    );
    let rows = environment.query(&format!("{} union all {statistics}", queries.join(" union all ")));
    places.extend(rows.into_iter().filter(|row| row[1] != "0").map(|row| row[0].clone()));
    places
}

fn erase(environment: &TestEnvironment, arguments: &[&str]) -> Value {
    let command = [&["erase", PATIENT, "--source", "north", "--json"], arguments].concat();
    let run = environment.run_command(environment.command(&command).env("KEEP_BODIES", "database"));
    let told = run.expect_code(0).json();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/erase.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    assert_eq!(violations(&schema, &told), Vec::<String>::new(), "{told:#}");
    told
}

#[test]
fn nothing_of_a_person_is_left_anywhere_and_everything_of_others_is() {
    let environment = TestEnvironment::new();
    let deliveries = Deliveries { has_person: true };
    deliveries.deliver(&environment);
    assert!(!places_of_mark(&environment).is_empty());

    // Nobody can be asked, and the group has not been decided on.
    let loaded = State::of(&environment);
    let command = ["erase", PATIENT, "--source", "north"];
    environment.run(&[&command[..], &["--shared", "keep"]].concat()).expect_code(2);
    let refused = environment.run(&[&command[..], &["--yes"]].concat()).expect_code(2);
    assert!(refused.stderr.contains("--shared"), "{}", refused.stderr);
    let dry = erase(&environment, &["--dry-run"]);
    assert_eq!(dry["shared"], json!(["Group/g"]));
    assert_same(&State::of(&environment), &loaded, "a dry run");
    assert_eq!(environment.value("select count(*) from etl.erasure"), "0");

    let dry = erase(&environment, &["--dry-run", "--shared", "keep"]);
    let told = erase(&environment, &["--yes", "--shared", "keep"]);
    assert_eq!(places_of_mark(&environment), Vec::<String>::new());
    for part in ["patients", "resources", "tables", "files", "counts"] {
        assert_eq!(told[part], dry[part], "{part}");
    }
    // By hand: one patient, three observations of which one was deleted, an encounter and a condition.
    let expected = json!({"Patient": 1, "Observation": 3, "Encounter": 1, "Condition": 1});
    assert_eq!(told["resources"], expected);
    assert_eq!(told["counts"]["rejects"], 3);
    assert_eq!(told["counts"]["removed_references"], 2);
    assert_eq!(told["erasure_id"].to_string(), environment.value("select max(id) from etl.erasure"));

    let never = TestEnvironment::new();
    Deliveries { has_person: false }.deliver(&never);
    let tables = |of: &TestEnvironment| State::of(of).tables().rewritten(without_hash);
    assert_same(&tables(&environment), &tables(&never), "never came");
    environment.run(&["check", "--archive"]).expect_code(0);
    environment.run(&["show", "Observation/oa2"]).expect_code(0);
    let before = State::of(&environment);
    let remap = environment.run_command(environment.command(&["remap"]).env("KEEP_BODIES", "database"));
    remap.expect_code(0);
    assert_same(&State::of(&environment), &before, "remapped");

    // Another delivery is taken back, and brought back.
    let file = environment.value("select id::text from etl.load_file where path = 'north/2.json'");
    for (arguments, what) in
        [(vec!["undo", "--file", &file], "undone"), (vec!["undo", "--redo", "--file", &file], "redone")]
    {
        let run = environment.run_command(environment.command(&arguments).env("KEEP_BODIES", "database"));
        run.expect_code(0);
        assert_eq!(places_of_mark(&environment), Vec::<String>::new(), "{what}");
    }
    assert_same(&tables(&environment), &before.tables().rewritten(without_hash), "redone");

    // The second time nothing is there.
    let again = erase(&environment, &["--yes"]);
    assert_eq!(again["erasure_id"], Value::Null);
    assert_eq!(again["counts"]["resources"], 0);
    let list = environment.run(&["erase", "--list", "--json"]).expect_code(0);
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas/erasures.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    assert_eq!(violations(&schema, &list.json()), Vec::<String>::new());
    assert_eq!(list.json().as_array().unwrap().len(), 1);
    assert_eq!(list.json()[0]["state"], "finished");
    assert!(!list.stdout.contains(MARK));

    // What comes again is a new delivery.
    environment.put("inbox/north/1.ndjson", deliveries.several());
    once(&environment);
    assert_eq!(
        environment.value(&format!("select count(*) from patient_name where family = '{MARK}1'")),
        "1"
    );
}

#[test]
fn whatever_step_it_dies_at_the_next_process_finishes_it() {
    let environment = TestEnvironment::new();
    let deliveries = Deliveries { has_person: true };
    deliveries.deliver(&environment);
    for (number, step) in EraseStep::ALL.iter().enumerate() {
        if number > 0 {
            environment.put(
                "inbox/north/again.ndjson",
                lines(&[person(ID, MARK, 9), person("c", "carl", number as u32 + 3)]),
            );
            once(&environment);
            assert!(!places_of_mark(&environment).is_empty(), "{}", step.name());
        }
        let arguments = ["erase", PATIENT, "--source", "north", "--yes", "--shared", "keep"];
        let mut command = environment.command(&arguments);
        let run = environment.run_command(command.env("FAILPOINTS", format!("{}=return", step.name())));
        assert_ne!(run.code, 0, "{}: {}", step.name(), run.stderr);
        match number % 2 {
            0 => environment.run(&["once"]).expect_code(0),
            _ => environment.run(&["erase", "--finish"]).expect_code(0),
        };
        assert_eq!(places_of_mark(&environment), Vec::<String>::new(), "{}", step.name());
        let state = "select string_agg(distinct state, ',') from etl.erasure";
        assert_eq!(environment.value(state), "finished", "{}", step.name());
        assert_eq!(environment.value("select count(*) from etl.erasure_subject"), "0");
    }
    environment.run(&["check", "--archive"]).expect_code(0);
}
