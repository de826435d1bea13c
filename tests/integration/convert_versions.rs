//! Which version of each resource counts in a conversion: the same as in Postgres, and as the
//! rule says, whatever is missing, doubled or deleted, and however it is split into files.

use std::collections::BTreeMap;
use std::fs;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::TestEnvironment;
use crate::versions_order::{Version, model};

/// Numbers that look random, and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A version, or a deletion, and its content, of which there are few.
type Event = (Version, u64);

fn life(numbers: &mut Numbers) -> Vec<Event> {
    let (no_time, no_number) = (numbers.below(11), numbers.below(11));
    let mut life: Vec<Event> = Vec::new();
    for _ in 0..1 + numbers.below(6) {
        let mut optional = |missing: u64| (numbers.below(10) >= missing).then(|| 1 + numbers.below(4) as u32);
        let (time, number) = (optional(no_time), optional(no_number));
        let is_deleted = numbers.below(5) == 0;
        life.push(((time, number, is_deleted), numbers.below(3)));
        if numbers.below(4) == 0 {
            life.extend(life.last().copied());
        }
    }
    life
}

fn resource(id: usize, ((time, number, is_deleted), content): &Event) -> Value {
    let mut meta = json!({});
    if let Some(time) = time {
        meta["lastUpdated"] = format!("202{time}-01-01T00:00:00Z").into();
    }
    if let Some(number) = number {
        meta["versionId"] = number.to_string().into();
    }
    if *is_deleted {
        meta["deleted"] = true.into();
    }
    let name = json!([{"text": format!("{content} {}", "long ".repeat(200))}]);
    json!({"resourceType": "Patient", "id": format!("p{id}"), "meta": meta, "name": name})
}

/// The content that counts by id; `None` for a resource that is deleted.
type Contents = BTreeMap<String, Option<String>>;

/// Deals the events out to files, and says what counts by the rule.
fn deal(environment: &TestEnvironment, lives: &[Vec<Event>], numbers: &mut Numbers) -> Contents {
    let mut files: Vec<Vec<(usize, Event)>> = vec![Vec::new(); 5];
    for (id, event) in
        lives.iter().enumerate().flat_map(|(id, life)| life.iter().map(move |event| (id, *event)))
    {
        let file = &mut files[numbers.below(5) as usize];
        let at = numbers.below(file.len() as u64 + 1) as usize;
        file.insert(at, (id, event));
    }
    for (number, file) in files.iter().enumerate() {
        let lines: Vec<String> = file.iter().map(|(id, event)| resource(*id, event).to_string()).collect();
        environment.put(&format!("inbox/{number}.ndjson"), lines.join("\n"));
    }
    let by_rule = |id: usize| {
        let read: Vec<Event> =
            files.iter().flatten().filter(|(of, _)| *of == id).map(|(_, event)| *event).collect();
        let versions: Vec<Version> = read.iter().map(|(version, _)| *version).collect();
        let ((.., is_deleted), content) = read[model(&versions)];
        (format!("p{id}"), (!is_deleted).then(|| content.to_string()))
    };
    (0..lives.len()).map(by_rule).collect()
}

fn loaded(environment: &TestEnvironment) -> Contents {
    let rows = environment.query(
        "select r.fhir_id, coalesce(split_part(n.text, ' ', 1), '') from etl.resource r \
         left join patient_name n on n.patient_id = r.id",
    );
    let content = |content: &String| Some(content.clone()).filter(|content| !content.is_empty());
    rows.iter().map(|row| (row[0].clone(), content(&row[1]))).collect()
}

fn converted(environment: &TestEnvironment) -> Contents {
    let lines = |table: &str| -> Vec<Value> {
        let text = fs::read_to_string(environment.path(&format!("lake/{table}/part-00000.ndjson"))).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let names: BTreeMap<String, String> = lines("patient_name")
        .iter()
        .map(|row| {
            let content = row["text"].as_str().unwrap().split(' ').next().unwrap();
            (row["patient_id"].to_string(), content.to_owned())
        })
        .collect();
    let resources = lines("etl_resource");
    let content = |row: &Value| {
        let content = names.get(&row["id"].to_string()).cloned();
        assert_eq!(row["is_deleted"], content.is_none(), "{row}");
        (row["fhir_id"].as_str().unwrap().to_owned(), content)
    };
    let contents: Contents = resources.iter().map(content).collect();
    assert_eq!((contents.len(), names.len()), (resources.len(), lines("patient_name").len()));
    contents
}

#[test]
fn any_split_of_any_versions_counts_as_in_postgres_and_by_the_rule() {
    let mut numbers = Numbers(20);
    let environment = TestEnvironment::new();
    let lives: Vec<Vec<Event>> = (0..120).map(|_| life(&mut numbers)).collect();
    let wanted = deal(&environment, &lives, &mut numbers);
    let count = wanted.values().flatten().count();
    assert!(count > 60 && wanted.len() - count > 5, "some are there, and some deleted");
    let settings = [("BATCH_BYTES", "64KiB"), ("WORKERS", "2")];
    // The rows go through temporary files.
    let arguments = ["convert", "inbox", "--to", "lake", "--format", "ndjson", "--memory", "1", "--json"];
    let convert = environment.run_command(environment.command(&arguments).envs(settings)).expect_code(0);
    let account = &convert.json()["account"];
    let of = |name: &str| account[name].as_u64().unwrap() as usize;
    assert_eq!(of("seen"), lives.iter().map(Vec::len).sum::<usize>());
    assert_eq!((of("inserted"), of("deleted")), (count, wanted.len() - count), "{account}");
    assert_eq!(of("seen"), of("inserted") + of("deleted") + of("unchanged") + of("stale"));
    environment.run_command(environment.command(&["once"]).envs(settings)).expect_code(0);
    assert_eq!(loaded(&environment), wanted, "Postgres");
    assert_eq!(converted(&environment), wanted, "the conversion");
}
