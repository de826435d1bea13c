//! The version rule as an order, through the program: whatever the split into
//! files, the batches and the workers.

use serde_json::{Value, json};

use crate::steps::{account, load_cases_twice, load_twice};
use crate::support::TestEnvironment;

fn deliver(environment: &TestEnvironment, name: &str, content: &Value) -> Vec<(&'static str, u64)> {
    account(&load_twice(environment, &[(name, content.to_string().as_bytes())]))
}

fn patient(time: Option<&str>, version: Option<&str>, gender: &str) -> Value {
    let mut meta = json!({});
    if let Some(time) = time {
        meta["lastUpdated"] = format!("{time}-01-01T00:00:00Z").into();
    }
    if let Some(version) = version {
        meta["versionId"] = version.into();
    }
    json!({"resourceType": "Patient", "id": "p", "meta": meta, "gender": gender})
}

fn gender(environment: &TestEnvironment) -> String {
    environment.value("select coalesce(string_agg(gender, ','), 'no row') from patient")
}

#[test]
fn an_undated_version_inherits_the_time_of_what_it_replaces() {
    let versions = [
        patient(Some("2020"), None, "male"),
        patient(None, None, "female"),
        patient(Some("2019"), None, "other"),
    ];
    let environment = TestEnvironment::new();
    assert_eq!(deliver(&environment, "1.json", &versions[0]), [("inserted", 1)]);
    assert_eq!(deliver(&environment, "2.json", &versions[1]), [("updated", 1)]);
    assert_eq!(deliver(&environment, "3.json", &versions[2]), [("stale", 1)]);
    assert_eq!(gender(&environment), "female");
    assert_eq!(deliver(&environment, "4.json", &patient(Some("2021"), None, "unknown")), [("updated", 1)]);
    // In one file.
    let environment = TestEnvironment::new();
    let lines = versions.iter().map(|version| format!("{version}\n")).collect::<String>();
    load_twice(&environment, &[("1.ndjson", lines.as_bytes())]);
    assert_eq!(gender(&environment), "female");
    // The number is inherited alike.
    let environment = TestEnvironment::new();
    for (number, version) in
        [patient(None, Some("5"), "male"), patient(None, None, "female"), patient(None, Some("4"), "other")]
            .iter()
            .enumerate()
    {
        deliver(&environment, &format!("{number}.json"), version);
    }
    assert_eq!(gender(&environment), "female");
}

/// The rule as it is documented, over versions in the order of reading: the last
/// one that counts.
pub fn model(versions: &[Version]) -> usize {
    let mut current = (None, None, 0);
    for (place, (time, number, _)) in versions.iter().enumerate() {
        let time = time.or(current.0);
        let number = number.or(current.1.filter(|_| time == current.0));
        current = current.max((time, number, place));
    }
    current.2
}

/// The year, the version number, and whether it is a deletion.
pub type Version = (Option<u32>, Option<u32>, bool);

#[test]
fn any_split_into_files_and_workers_ends_alike() {
    let mut seed = 7_u64;
    let mut below = move |limit: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % limit
    };
    // Many resources with a random life each, cut into files at random.
    let lives: Vec<Vec<Version>> = (0..60)
        .map(|_| {
            let (no_time, no_number) = (below(11), below(11));
            let mut one = || {
                let mut optional = |missing: u64| (below(10) >= missing).then(|| 1 + below(4) as u32);
                let (time, number) = (optional(no_time), optional(no_number));
                (time, number, below(5) == 0)
            };
            (0..6).map(|_| one()).collect()
        })
        .collect();
    let files: Vec<String> = (0..6)
        .map(|place| {
            let line = |(id, life): (usize, &Vec<Version>)| {
                let (time, number, is_deleted) = life[place];
                let mut meta = json!({});
                if let Some(time) = time {
                    meta["lastUpdated"] = format!("202{time}-01-01T00:00:00Z").into();
                }
                if let Some(number) = number {
                    meta["versionId"] = number.to_string().into();
                }
                if is_deleted {
                    meta["deleted"] = true.into();
                }
                // Every content comes twice.
                let name = json!([{"text": format!("{} {}", place / 2, "long ".repeat(300))}]);
                json!({"resourceType": "Patient", "id": format!("p{id}"), "meta": meta, "name": name})
                    .to_string()
                    + "\n"
            };
            lives.iter().enumerate().map(line).collect()
        })
        .collect();
    let wanted: Vec<String> = lives
        .iter()
        .map(|life| {
            let place = model(life);
            if life[place].2 { "none".to_owned() } else { (place / 2).to_string() }
        })
        .collect();
    for workers in ["1", "2", "2", "3"] {
        let environment = TestEnvironment::new();
        for (number, file) in files.iter().enumerate() {
            environment.put(&format!("inbox/{number}.ndjson"), file);
        }
        let mut once = environment.command(&["once", "--json"]);
        environment.run_command(once.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", workers)])).expect_code(0);
        let found: Vec<String> = environment
            .query(
                "select coalesce(split_part(n.text, ' ', 1), 'none') from etl.resource r \
                 left join patient_name n on n.patient_id = r.id order by substr(r.fhir_id, 2)::integer",
            )
            .into_iter()
            .flatten()
            .collect();
        assert_eq!(found, wanted, "{workers} workers");
        environment.run(&["check"]).expect_code(0);
    }
}

#[test]
fn equal_content_at_a_later_time_moves_last_updated() {
    let environment = TestEnvironment::new();
    deliver(&environment, "1.json", &patient(Some("2020"), Some("1"), "male"));
    assert_eq!(
        deliver(&environment, "2.json", &patient(Some("2021"), Some("2"), "male")),
        [("unchanged", 1)]
    );
    let updated = "select (t.last_updated at time zone 'UTC')::date::text from patient t";
    assert_eq!(environment.value(updated), "2021-01-01");
    assert_eq!(
        environment.value("select (last_updated at time zone 'UTC')::date::text from etl.resource"),
        "2021-01-01"
    );
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.value(updated), "2021-01-01");
    // In one file too, and for types without a table of their own.
    let binary = |year: u32| {
        json!({"resourceType": "Binary", "id": "b", "contentType": "text/plain",
        "meta": {"lastUpdated": format!("{year}-01-01T00:00:00Z")}})
    };
    deliver(&environment, "3.json", &binary(2020));
    deliver(&environment, "4.json", &binary(2022));
    assert_eq!(
        environment.value("select (last_updated at time zone 'UTC')::date::text from other_resource"),
        "2022-01-01"
    );
}

#[test]
fn an_unreadable_last_updated_counts_as_missing() {
    let written = [json!("yesterday"), json!("2024-13-01T00:00:00Z"), json!(17), json!({}), json!("")];
    let resources = written.map(|written| {
        let mut resource = patient(None, None, "male");
        resource["meta"]["lastUpdated"] = written;
        resource
    });
    let environment = TestEnvironment::new();
    let texts = resources.each_ref().map(Value::to_string);
    assert_eq!(account(&load_cases_twice(&environment, "1.json", &texts)), [("inserted", 5)]);
    assert_eq!(environment.value("select count(*) from patient where last_updated is null"), "5");
    // An empty text is none.
    assert_eq!(
        environment.query(
            "select resource_type, element, sum(resources)::text as resources from etl.unmapped_element group by 1, 2"
        ),
        [["Patient", "meta.lastUpdated", "4"]]
    );
    // The Bundle's time stands in.
    let bundles = resources.map(|resource| {
        json!({"resourceType": "Bundle", "type": "collection", "timestamp": "2024-02-02T00:00:00Z",
            "entry": [{"resource": resource}]})
        .to_string()
    });
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "1.json", &bundles);
    let days =
        environment.query("select (effective_at at time zone 'UTC')::date::text as day from etl.resource");
    assert_eq!(days, [["2024-02-02"]; 5]);
}
