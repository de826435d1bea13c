//! The history of names and addresses: since when each was there.

use serde_json::{Value, json};

use crate::steps::{account, load_twice};
use crate::support::TestEnvironment;

fn version(day: u32, more: &Value) -> Value {
    let mut version = json!({"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": format!("2024-01-{day:02}T00:00:00Z")}});
    for (name, value) in more.as_object().unwrap() {
        version[name] = value.clone();
    }
    version
}

fn deliver(environment: &TestEnvironment, name: &str, content: &Value) -> Vec<(&'static str, u64)> {
    account(&load_twice(environment, &[(name, content.to_string().as_bytes())]))
}

const NAMES: &str = "select coalesce(family, given[1]), (valid_from at time zone 'UTC')::date::text, \
    (valid_to at time zone 'UTC')::date::text from patient_name_history order by valid_to, 1";
const CITIES: &str = "select city, (valid_from at time zone 'UTC')::date::text, \
    (valid_to at time zone 'UTC')::date::text from patient_address_history order by valid_to, 1";

/// Versions with what history they leave.
fn life() -> Vec<Value> {
    let (maiden, married, nick) =
        (json!({"family": "Maiden"}), json!({"family": "Married"}), json!({"given": ["Nick"]}));
    let (home, away) = (json!([{"city": "Springton"}]), json!([{"city": "Shelbyton"}]));
    vec![
        version(1, &json!({"name": [maiden, nick], "address": home})),
        // Unrelated, then only in another order, then the same at a later time.
        version(2, &json!({"name": [maiden, nick], "address": home, "gender": "female"})),
        version(3, &json!({"name": [nick, maiden], "address": home, "gender": "female"})),
        version(4, &json!({"name": [nick, maiden], "address": home, "gender": "female"})),
        version(5, &json!({"name": [nick, married], "address": home, "gender": "female"})),
        version(6, &json!({"name": [nick, married], "address": away, "gender": "female"})),
        version(7, &json!({"name": [maiden], "address": home, "gender": "female"})),
        version(8, &json!({"address": home, "gender": "female"})),
    ]
}

fn names() -> Vec<[&'static str; 3]> {
    vec![
        ["Maiden", "2024-01-01", "2024-01-05"],
        ["Married", "2024-01-05", "2024-01-07"],
        ["Nick", "2024-01-01", "2024-01-07"],
        ["Maiden", "2024-01-07", "2024-01-08"],
    ]
}

fn cities() -> Vec<[&'static str; 3]> {
    vec![["Springton", "2024-01-01", "2024-01-06"], ["Shelbyton", "2024-01-06", "2024-01-07"]]
}

#[test]
fn a_name_is_valid_from_the_version_that_first_had_it() {
    let environment = TestEnvironment::new();
    for (number, version) in life().iter().enumerate() {
        deliver(&environment, &format!("{number}.json"), version);
    }
    assert_eq!(environment.query(NAMES), names());
    assert_eq!(environment.query(CITIES), cities());
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn versions_in_one_file_leave_the_same_history() {
    let life = life();
    let lines =
        |versions: &[Value]| versions.iter().map(|version| format!("{version}\n")).collect::<String>();
    // A source for each place where the life is cut in two.
    let environment = TestEnvironment::new();
    for part in [0, 1] {
        let mut files = Vec::new();
        for split in 0..=life.len() {
            let (first, second) = life.split_at(split);
            let versions = [first, second][part];
            if !versions.is_empty() {
                files.push((format!("after-{split}/{part}.ndjson"), lines(versions)));
            }
        }
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_bytes())).collect();
        load_twice(&environment, &files);
    }
    for split in 0..=life.len() {
        let of_source = |query: &str, table: &str| {
            let of_patients = format!(
                "from (select h.* from {table} h join patient p on p.id = h.patient_id \
                 join etl.source s on s.id = p.source_id where s.code = 'after-{split}') as {table}"
            );
            environment.query(&query.replace(&format!("from {table}"), &of_patients))
        };
        assert_eq!(of_source(NAMES, "patient_name_history"), names(), "after {split} versions");
        assert_eq!(of_source(CITIES, "patient_address_history"), cities(), "after {split} versions");
        let count = of_source("select count(*) from patient_address", "patient_address");
        assert_eq!(count, [["1"]], "after {split} versions");
    }
    let entry =
        |version: &Value| json!({"resource": version, "request": {"method": "PUT", "url": "Patient/p"}});
    let entries: Vec<Value> = life.iter().rev().map(entry).collect();
    let history = json!({"resourceType": "Bundle", "type": "history", "entry": entries});
    let environment = TestEnvironment::new();
    assert_eq!(deliver(&environment, "1.json", &history), [("inserted", 1), ("stale", 7)]);
    assert_eq!(environment.query(NAMES), names());
    assert_eq!(environment.query(CITIES), cities());
}

#[test]
fn versions_that_several_workers_load_leave_the_same_history() {
    let narrative = json!({"status": "generated", "div": format!("<div>{}</div>", "long ".repeat(16_000))});
    // The worker that takes the first batch, or the third, is slower than the others.
    for slow in ["mapped=1*sleep(700)", "mapped=2*off->1*sleep(700)", "keys-given=1*sleep(700)"] {
        let environment = TestEnvironment::new();
        for (number, mut version) in life().into_iter().enumerate() {
            version["text"] = narrative.clone();
            environment.put(&format!("inbox/{number}.json"), version.to_string());
        }
        let mut once = environment.command(&["once"]);
        once.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "3"), ("FAILPOINTS", slow)]);
        environment.run_command(&mut once).expect_code(0);
        assert_eq!(environment.query(NAMES), names(), "{slow}");
        assert_eq!(environment.query(CITIES), cities(), "{slow}");
        environment.run(&["check"]).expect_code(0);
    }
}
