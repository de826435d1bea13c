//! Which of several versions the tables contain, what happens to the rows of
//! the others, and what a delete does.

use serde_json::json;

use crate::steps::{account, load, load_twice, rows_as_written};
use crate::support::{NULL, TestEnvironment};

/// A patient whose gender identifies the version.
fn patient(meta: &str, gender: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"p",{meta}"gender":"{gender}"}}"#)
}

fn gender(environment: &TestEnvironment) -> String {
    environment.value("select coalesce(string_agg(gender, ','), 'no row') from patient")
}

/// Loads one text as a new file and returns the record counts.
fn deliver(environment: &TestEnvironment, name: &str, text: &str) -> Vec<(&'static str, u64)> {
    account(&load_twice(environment, &[(name, text.as_bytes())]))
}

#[test]
fn an_older_version_that_arrives_later_is_stale() {
    let environment = TestEnvironment::new();
    let newer = patient(r#""meta":{"lastUpdated":"2024-02-02T00:00:00Z","versionId":"1"},"#, "female");
    // Later by the clock on the wall there, earlier in truth, with a higher number.
    let older = patient(r#""meta":{"lastUpdated":"2024-02-02T01:00:00+02:00","versionId":"9"},"#, "male");
    assert_eq!(deliver(&environment, "1.json", &newer), [("inserted", 1)]);
    let before = rows_as_written(&environment);
    assert_eq!(deliver(&environment, "2.json", &older), [("stale", 1)]);
    assert_eq!(rows_as_written(&environment), before);
    assert_eq!(gender(&environment), "female");
    assert_eq!(environment.value("select version_id || ' ' || revision from etl.resource"), "1 1");
}

#[test]
fn a_newer_version_replaces_the_row_and_keeps_the_key() {
    let environment = TestEnvironment::new();
    deliver(&environment, "1.json", &patient(r#""meta":{"lastUpdated":"2024-01-01T00:00:00Z"},"#, "male"));
    let key = environment.value("select id from patient");
    let newer = patient(r#""meta":{"lastUpdated":"2024-01-01T00:00:00.001Z"},"#, "female");
    assert_eq!(deliver(&environment, "2.json", &newer), [("updated", 1)]);
    assert_eq!(gender(&environment), "female");
    assert_eq!(environment.value("select id from patient"), key);
    assert_eq!(environment.value("select revision from etl.resource"), "2");
}

#[test]
fn at_equal_times_the_higher_version_wins() {
    let environment = TestEnvironment::new();
    let at = |version: u32, gender: &str| {
        patient(
            &format!(r#""meta":{{"lastUpdated":"2024-01-01T00:00:00Z","versionId":"{version}"}},"#),
            gender,
        )
    };
    // As numbers: 10 is more than 9.
    assert_eq!(deliver(&environment, "1.json", &at(10, "female")), [("inserted", 1)]);
    assert_eq!(deliver(&environment, "2.json", &at(9, "male")), [("stale", 1)]);
    assert_eq!(gender(&environment), "female");
    assert_eq!(deliver(&environment, "3.json", &at(11, "other")), [("updated", 1)]);
    assert_eq!(gender(&environment), "other");
}

#[test]
fn without_a_time_the_later_file_wins() {
    let environment = TestEnvironment::new();
    assert_eq!(deliver(&environment, "z.json", &patient("", "male")), [("inserted", 1)]);
    assert_eq!(deliver(&environment, "a.json", &patient("", "female")), [("updated", 1)]);
    assert_eq!(gender(&environment), "female");
    // A version number alone decides too.
    let numbered =
        |version: u32, gender: &str| patient(&format!(r#""meta":{{"versionId":"{version}"}},"#), gender);
    assert_eq!(deliver(&environment, "b.json", &numbered(5, "other")), [("updated", 1)]);
    assert_eq!(deliver(&environment, "c.json", &numbered(4, "unknown")), [("stale", 1)]);
    assert_eq!(gender(&environment), "other");
}

#[test]
fn within_a_file_the_later_record_wins() {
    let environment = TestEnvironment::new();
    let lines = [patient("", "male"), patient("", "female"), patient("", "female")].join("\n");
    // The second and third say the same, the first is superseded.
    let found = deliver(&environment, "1.ndjson", &lines);
    assert_eq!(found, [("inserted", 1), ("unchanged", 1), ("stale", 1)]);
    assert_eq!(gender(&environment), "female");
    let by_time = [
        patient(r#""meta":{"lastUpdated":"2024-03-01T00:00:00Z"},"#, "other"),
        patient(r#""meta":{"lastUpdated":"2024-02-01T00:00:00Z"},"#, "unknown"),
    ];
    deliver(&environment, "2.ndjson", &by_time.join("\n"));
    assert_eq!(gender(&environment), "other");
}

#[test]
fn a_history_ends_with_its_newest_version() {
    let environment = TestEnvironment::new();
    let entry = |gender: &str| {
        json!({"resource": {"resourceType": "Patient", "id": "p", "gender": gender},
               "request": {"method": "PUT", "url": "Patient/p"}})
    };
    let history = json!({"resourceType": "Bundle", "type": "history",
        "entry": [entry("female"), entry("other"), entry("male")]});
    let found = deliver(&environment, "1.json", &history.to_string());
    assert_eq!(found, [("inserted", 1), ("stale", 2)]);
    assert_eq!(gender(&environment), "female");
}

#[test]
fn a_history_that_ends_with_a_delete_leaves_no_row() {
    let environment = TestEnvironment::new();
    let history = json!({"resourceType": "Bundle", "type": "history", "entry": [
        {"request": {"method": "DELETE", "url": "Patient/p"}, "response": {"status": "204", "lastModified": "2024-01-03T00:00:00Z"}},
        {"resource": {"resourceType": "Patient", "id": "p", "gender": "male"},
         "request": {"method": "PUT", "url": "Patient/p"}, "response": {"status": "200", "lastModified": "2024-01-02T00:00:00Z"}}]});
    assert_eq!(deliver(&environment, "1.json", &history.to_string()), [("stale", 1), ("deleted", 1)]);
    assert_eq!(gender(&environment), "no row");
}

#[test]
fn a_delete_removes_all_rows_and_only_a_newer_version_brings_them_back() {
    let environment = TestEnvironment::new();
    let named = |time: &str, family: &str| {
        json!({"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": time}, "name": [{"family": family}]})
            .to_string()
    };
    let delete = json!({"resourceType": "Bundle", "type": "transaction", "timestamp": "2024-01-10T00:00:00Z",
        "entry": [{"request": {"method": "DELETE", "url": "Patient/p"}}]});
    let other = r#"{"resourceType":"Patient","id":"q","name":[{"family":"Stays"}]}"#;
    load(&environment, &[("q.json", other.as_bytes())]);
    assert_eq!(deliver(&environment, "1.json", &named("2024-01-05T00:00:00Z", "Old")), [("inserted", 1)]);
    let key = environment.value("select id from patient where fhir_id = 'p'");

    assert_eq!(deliver(&environment, "2.json", &delete.to_string()), [("deleted", 1)]);
    assert_eq!(environment.query("select fhir_id from patient"), [["q"]]);
    assert_eq!(environment.query("select family from patient_name"), [["Stays"]]);
    let deleted = environment
        .value("select (deleted_at at time zone 'UTC')::text from etl.resource where fhir_id = 'p'");
    assert_eq!(deleted, "2024-01-10 00:00:00");

    assert_eq!(deliver(&environment, "3.json", &named("2024-01-06T00:00:00Z", "Older")), [("stale", 1)]);
    assert_eq!(environment.query("select fhir_id from patient"), [["q"]]);
    assert_eq!(deliver(&environment, "4.json", &named("2024-01-11T00:00:00Z", "New")), [("updated", 1)]);
    assert_eq!(
        environment.query(
            "select fhir_id, id = any(array[KEY]) as same from patient where fhir_id = 'p'"
                .replace("KEY", &key)
                .as_str()
        ),
        [["p", "true"]]
    );
    assert_eq!(environment.query("select family from patient_name order by 1"), [["New"], ["Stays"]]);
    assert_eq!(environment.value("select deleted_at from etl.resource where fhir_id = 'p'"), NULL);
    // The delete again, in other words: it is older than what is there.
    let again = delete.to_string().replacen("transaction", "batch", 1);
    assert_eq!(deliver(&environment, "5.json", &again), [("stale", 1)]);
    assert_eq!(environment.value("select count(*) from patient"), "2");
}

#[test]
fn a_delete_of_an_unknown_resource_is_recorded() {
    let environment = TestEnvironment::new();
    let delete = r#"{"resourceType":"Bundle","type":"batch","timestamp":"2024-01-10T00:00:00Z",
        "entry":[{"request":{"method":"DELETE","url":"Observation/o"}}]}"#;
    assert_eq!(deliver(&environment, "1.json", delete), [("deleted", 1)]);
    let late = r#"{"resourceType":"Observation","id":"o","meta":{"lastUpdated":"2024-01-01T00:00:00Z"},"status":"final"}"#;
    assert_eq!(deliver(&environment, "2.json", late), [("stale", 1)]);
    assert_eq!(environment.value("select count(*) from observation"), "0");
}

#[test]
fn a_second_delete_counts_from_its_own_time() {
    let environment = TestEnvironment::new();
    let delete = |day: u32| {
        format!(
            r#"{{"resourceType":"Bundle","type":"batch","timestamp":"2024-01-{day:02}T00:00:00Z",
            "entry":[{{"request":{{"method":"DELETE","url":"Patient/p"}}}}]}}"#
        )
    };
    assert_eq!(deliver(&environment, "1.json", &delete(2)), [("deleted", 1)]);
    assert_eq!(deliver(&environment, "2.json", &delete(4)), [("unchanged", 1)]);
    let between = patient(r#""meta":{"lastUpdated":"2024-01-03T00:00:00Z"},"#, "male");
    assert_eq!(deliver(&environment, "3.json", &between), [("stale", 1)]);
    assert_eq!(gender(&environment), "no row");
    assert_eq!(
        environment.value("select (deleted_at at time zone 'UTC')::date::text from etl.resource"),
        "2024-01-04"
    );
}

#[test]
fn a_transaction_deletes_before_it_writes() {
    let environment = TestEnvironment::new();
    let bundle = r#"{"resourceType":"Bundle","type":"transaction","entry":[
        {"resource":{"resourceType":"Patient","id":"p","gender":"male"},"request":{"method":"PUT","url":"Patient/p"}},
        {"request":{"method":"DELETE","url":"Patient/p"}}]}"#;
    deliver(&environment, "1.json", bundle);
    assert_eq!(gender(&environment), "male");
}

#[test]
fn removed_names_move_to_the_history() {
    let environment = TestEnvironment::new();
    let version = |day: &str, names: serde_json::Value| {
        json!({"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": format!("2024-01-{day}T00:00:00Z")},
               "name": names, "address": [{"city": "Springton"}]})
        .to_string()
    };
    let (maiden, married, nick) =
        (json!({"family": "Maiden"}), json!({"family": "Married"}), json!({"given": ["Nick"]}));
    const HISTORY: &str = "select family, (valid_from at time zone 'UTC')::text as since, \
        (valid_to at time zone 'UTC')::text as until from patient_name_history order by valid_to, family";

    deliver(&environment, "1.json", &version("01", json!([maiden, nick])));
    // Only put in another order: nothing has vanished.
    assert_eq!(deliver(&environment, "2.json", &version("02", json!([nick, maiden]))), [("updated", 1)]);
    assert_eq!(environment.query(HISTORY), Vec::<Vec<String>>::new());
    assert_eq!(
        environment.query("select ordinal, family from patient_name order by ordinal"),
        [["1", NULL], ["2", "Maiden"]]
    );

    deliver(&environment, "3.json", &version("03", json!([married, nick])));
    assert_eq!(environment.query(HISTORY), [["Maiden", "2024-01-01 00:00:00", "2024-01-03 00:00:00"]]);
    assert_eq!(environment.query("select family from patient_name where family is not null"), [["Married"]]);

    deliver(&environment, "4.json", &version("04", json!([])).replace("\"name\":[],", ""));
    assert_eq!(
        environment.query(HISTORY),
        [
            ["Maiden", "2024-01-01 00:00:00", "2024-01-03 00:00:00"],
            ["Married", "2024-01-03 00:00:00", "2024-01-04 00:00:00"],
            [NULL, "2024-01-01 00:00:00", "2024-01-04 00:00:00"],
        ]
    );
    assert_eq!(environment.value("select count(*) from patient_name"), "0");
    // The address stood in every version.
    assert_eq!(environment.value("select count(*) from patient_address_history"), "0");
    assert_eq!(environment.value("select count(*) from patient_address"), "1");
}

#[test]
fn rows_of_removed_list_items_are_deleted() {
    let environment = TestEnvironment::new();
    let encounter = |participants: &[&str]| {
        let participants: Vec<_> = participants
            .iter()
            .map(|id| json!({"individual": {"reference": format!("Practitioner/{id}")}}))
            .collect();
        json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
               "identifier": participants.iter().enumerate().map(|(number, _)| json!({"value": number.to_string()})).collect::<Vec<_>>(),
               "participant": participants})
        .to_string()
    };
    deliver(&environment, "1.json", &encounter(&["a", "b", "c"]));
    const ROWS: &str = "select p.ordinal, r.fhir_id from encounter_participant p \
        join etl.resource r on r.id = p.practitioner_id order by p.ordinal";
    assert_eq!(environment.query(ROWS), [["1", "a"], ["2", "b"], ["3", "c"]]);
    assert_eq!(environment.value("select count(*) from resource_identifier"), "3");
    assert_eq!(deliver(&environment, "2.json", &encounter(&["c"])), [("updated", 1)]);
    assert_eq!(environment.query(ROWS), [["1", "c"]]);
    assert_eq!(environment.value("select count(*) from resource_identifier"), "1");
}

#[test]
fn unchanged_content_is_not_mistaken_for_the_last_version_in_its_file() {
    let environment = TestEnvironment::new();
    let (first, second) = (patient("", "male"), patient("", "female"));
    assert_eq!(deliver(&environment, "1.json", &first), [("inserted", 1)]);
    // The first version comes last, so it stays; then the second one does.
    let both = format!("{second}\n{first}\n");
    assert_eq!(deliver(&environment, "2.ndjson", &both), [("unchanged", 1), ("stale", 1)]);
    assert_eq!(gender(&environment), "male");
    let both = format!("{first}\n{second}\n");
    assert_eq!(deliver(&environment, "3.ndjson", &both), [("updated", 1), ("stale", 1)]);
    assert_eq!(gender(&environment), "female");
}

#[test]
fn the_same_content_at_a_later_time_wins_over_what_lies_between() {
    let environment = TestEnvironment::new();
    let at = |day: u32, gender: &str| {
        patient(&format!(r#""meta":{{"lastUpdated":"2024-01-0{day}T00:00:00Z"}},"#), gender)
    };
    assert_eq!(deliver(&environment, "1.json", &at(1, "male")), [("inserted", 1)]);
    assert_eq!(deliver(&environment, "2.json", &at(3, "male")), [("unchanged", 1)]);
    assert_eq!(deliver(&environment, "3.json", &at(2, "female")), [("stale", 1)]);
    assert_eq!(gender(&environment), "male");
}

#[test]
fn known_resources_are_found_among_those_expected_to_be_new() {
    let at = |id: &str, day: u32, gender: &str| {
        json!({"resourceType": "Patient", "id": id, "gender": gender, "name": [{"text": "long ".repeat(1200)}],
            "meta": {"lastUpdated": format!("2024-01-0{day}T00:00:00Z")}})
    };
    // Some batches of nothing but new patients, ten in each, one of whom is
    // only referred to …
    let mut lines: Vec<String> =
        (0..60).map(|number| at(&format!("p{number}"), 2, "male").to_string()).collect();
    let subject = json!({"reference": "Patient/late"});
    lines.push(
        json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": subject}).to_string(),
    );
    // … and one in which they come newer, older, the same, at last, and new.
    for (id, day, gender) in [
        ("p0", 3, "female"),
        ("p1", 1, "female"),
        ("p2", 2, "male"),
        ("late", 2, "other"),
        ("new", 2, "other"),
    ] {
        lines.push(at(id, day, gender).to_string());
    }
    let environment = TestEnvironment::new();
    environment.put("inbox/a.ndjson", lines.join("\n"));
    let mut once = environment.command(&["once", "--json"]);
    let summary = environment.run_command(once.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "1")])).json();
    assert_eq!(account(&summary), [("inserted", 63), ("updated", 1), ("unchanged", 1), ("stale", 1)]);
    assert_eq!(
        environment.query(
            "select fhir_id, gender, revision::text from patient p join etl.resource using (id, fhir_id) \
             where fhir_id in ('p0', 'p1', 'p2', 'late') order by 1"
        ),
        [["late", "other", "1"], ["p0", "female", "2"], ["p1", "male", "1"], ["p2", "male", "1"]]
    );
    assert_eq!(environment.value("select count(*) || ' ' || count(distinct fhir_id) from patient"), "62 62");
    assert_eq!(
        environment.value("select p.fhir_id from observation o join patient p on p.id = o.patient_id"),
        "late"
    );
    environment.run(&["check"]).expect_code(0);
}
