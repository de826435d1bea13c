//! Deletes: when they take effect, in which forms they are written, and what
//! they leave behind.

use serde_json::{Value, json};

use crate::steps::{account, load_cases_twice, load_twice};
use crate::support::{NULL, TestEnvironment};

fn deliver(environment: &TestEnvironment, name: &str, content: &Value) -> Vec<(&'static str, u64)> {
    account(&load_twice(environment, &[(name, content.to_string().as_bytes())]))
}

/// Delivers a file for each case; see [`load_cases_twice`].
fn deliver_cases(environment: &TestEnvironment, name: &str, contents: &[Value]) -> Vec<(&'static str, u64)> {
    let contents: Vec<String> = contents.iter().map(Value::to_string).collect();
    account(&load_cases_twice(environment, name, &contents))
}

/// The patients of each case.
fn patients_of_cases(environment: &TestEnvironment) -> Vec<String> {
    environment
        .query(
            "select coalesce(string_agg(p.fhir_id, ' ' order by p.fhir_id), 'none') as ids from etl.source s \
             left join patient p on p.source_id = s.id where s.code like 'case-%' group by s.code order by s.code",
        )
        .concat()
}

/// When the resource `p` of each case was deleted.
fn deleted_at_of_cases(environment: &TestEnvironment) -> Vec<String> {
    environment
        .query(
            "select (r.deleted_at at time zone 'UTC')::text as deleted_at from etl.resource r \
             join etl.resource_key k using (id) join etl.source s on s.id = k.source_id \
             where k.fhir_id = 'p' order by s.code",
        )
        .concat()
}

fn patient(id: &str, meta: &Value) -> Value {
    json!({"resourceType": "Patient", "id": id, "meta": meta, "gender": "male"})
}

/// A Bundle of that type with one DELETE entry.
fn delete(bundle: &Value, url: &str) -> Value {
    let mut bundle = bundle.clone();
    bundle["resourceType"] = "Bundle".into();
    bundle["entry"] = json!([{"request": {"method": "DELETE", "url": url}}]);
    bundle
}

fn patients(environment: &TestEnvironment) -> String {
    environment.value("select coalesce(string_agg(fhir_id, ' ' order by fhir_id), 'none') from patient")
}

fn deleted_at(environment: &TestEnvironment) -> String {
    environment.value("select (deleted_at at time zone 'UTC')::text from etl.resource where fhir_id = 'p'")
}

#[test]
fn a_delete_takes_its_time_from_its_entry_or_bundle() {
    // Bulk Data's files of deletions have `meta.lastUpdated` only.
    let mut of_entry =
        delete(&json!({"type": "history", "meta": {"lastUpdated": "2024-01-03T00:00:00Z"}}), "Patient/p");
    of_entry["entry"][0]["response"] = json!({"status": "204", "lastModified": "2024-01-04T00:00:00Z"});
    let mut unreadable = of_entry.clone();
    unreadable["entry"][0]["response"]["lastModified"] = "yesterday".into();
    let cases = [
        (
            delete(
                &json!({"type": "transaction", "meta": {"lastUpdated": "2024-01-03T00:00:00Z"}}),
                "Patient/p",
            ),
            "2024-01-03",
        ),
        (delete(&json!({"type": "batch", "timestamp": "2024-01-03T00:00:00Z"}), "Patient/p"), "2024-01-03"),
        (of_entry, "2024-01-04"),
        (unreadable, "2024-01-03"),
    ];
    let (bundles, times): (Vec<Value>, Vec<&str>) = cases.into_iter().unzip();
    let of_day = |day: u32| {
        vec![patient("p", &json!({"lastUpdated": format!("2024-01-{day:02}T00:00:00Z")})); bundles.len()]
    };
    let environment = TestEnvironment::new();
    deliver_cases(&environment, "1.json", &of_day(1));
    assert_eq!(deliver_cases(&environment, "2.json", &bundles), [("deleted", 4)]);
    let times: Vec<String> = times.iter().map(|time| format!("{time} 00:00:00")).collect();
    assert_eq!(deleted_at_of_cases(&environment), times);
    assert_eq!(deliver_cases(&environment, "3.json", &of_day(2)), [("stale", 4)]);
    assert_eq!(patients_of_cases(&environment), ["none"; 4]);
    assert_eq!(deliver_cases(&environment, "4.json", &of_day(5)), [("updated", 4)]);
    assert_eq!(patients_of_cases(&environment), ["p"; 4]);
}

#[test]
fn a_delete_without_a_time_holds_the_time_of_what_it_deletes() {
    let environment = TestEnvironment::new();
    deliver(&environment, "1.json", &patient("p", &json!({"lastUpdated": "2024-01-02T00:00:00Z"})));
    assert_eq!(
        deliver(&environment, "2.json", &delete(&json!({"type": "batch"}), "Patient/p")),
        [("deleted", 1)]
    );
    // Older than what was deleted, in two contents.
    for day in ["2024-01-01", "2023-12-31"] {
        let older = patient("p", &json!({"lastUpdated": format!("{day}T00:00:00Z"), "source": day}));
        assert_eq!(deliver(&environment, &format!("{day}.json"), &older), [("stale", 1)]);
        assert_eq!(patients(&environment), "none");
    }
    assert_ne!(deleted_at(&environment), NULL);
    let newer = patient("p", &json!({"lastUpdated": "2024-01-03T00:00:00Z"}));
    assert_eq!(deliver(&environment, "4.json", &newer), [("updated", 1)]);
    assert_eq!(patients(&environment), "p");
}

#[test]
fn a_delete_names_one_resource_in_many_forms() {
    let urls = [
        "Patient/p",
        "/Patient/p",
        "Patient/p/",
        " Patient/p ",
        "patient/p",
        "PATIENT/p",
        "Patient/p/_history/2",
        "/Patient/p/_history/2/",
        "Patient/p?_cascade=delete",
        "Patient/p?_hardDelete=true&_pretty=true",
        "Patient/p/?_cascade=delete",
        "Patient/p/_history/2?_cascade=delete",
        "Patient/%70",
        "https://ehr.example.com/r4/Patient/p",
        "https://ehr.example.com/r4/Patient/p/_history/2?_cascade=delete",
        "./Patient/p",
    ];
    let environment = TestEnvironment::new();
    let first = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": patient("p", &json!({}))}, {"resource": patient("2", &json!({}))}]});
    deliver_cases(&environment, "1.json", &vec![first; urls.len()]);
    let deletes: Vec<Value> = urls.iter().map(|url| delete(&json!({"type": "batch"}), url)).collect();
    let found = deliver_cases(&environment, "2.json", &deletes);
    let left: Vec<(&str, String)> = urls.into_iter().zip(patients_of_cases(&environment)).collect();
    assert_eq!(left, urls.map(|url| (url, "2".to_owned())));
    assert_eq!(found, [("deleted", urls.len() as u64)]);
}

#[test]
fn a_mark_in_meta_deletes() {
    let azure = json!([{"url": "http://azurehealthcareapis.com/data-extensions/deleted-state", "valueString": "soft-deleted"}]);
    let marks = [
        json!({"extension": azure}),
        json!({"deleted": true}),
        json!({"deleted": "true"}),
        json!({"deleted": "2024-01-02T00:00:00Z"}),
    ];
    let environment = TestEnvironment::new();
    let other = patient("q", &json!({}));
    let lines = [patient("p", &json!({"lastUpdated": "2024-01-01T00:00:00Z"})), other.clone()];
    let text = lines.map(|line| line.to_string()).join("\n");
    load_cases_twice(&environment, "1.ndjson", &vec![text; marks.len()]);
    let deletes = marks.each_ref().map(|mark| {
        let mut meta = mark.clone();
        meta["lastUpdated"] = "2024-01-02T00:00:00Z".into();
        meta["versionId"] = "2".into();
        // Not all servers keep the content.
        format!("{}\n{other}\n", json!({"resourceType": "Patient", "id": "p", "meta": meta}))
    });
    let found = account(&load_cases_twice(&environment, "2.ndjson", &deletes));
    assert_eq!(patients_of_cases(&environment), ["q"; 4]);
    assert_eq!(found, [("unchanged", 4), ("deleted", 4)]);
    assert_eq!(deleted_at_of_cases(&environment), ["2024-01-02 00:00:00"; 4]);
    let older = patient("p", &json!({"lastUpdated": "2024-01-01T12:00:00Z"}));
    assert_eq!(deliver_cases(&environment, "3.json", &vec![older; marks.len()]), [("stale", 4)]);
    environment.run(&["check"]).expect_code(0);

    let no_marks = [
        json!({"deleted": false}),
        json!({"deleted": "false"}),
        json!({"extension": [{
        "url": "http://azurehealthcareapis.com/data-extensions/deleted-state", "valueString": "active"}]}),
    ];
    let environment = TestEnvironment::new();
    let patients = no_marks.map(|meta| patient("p", &meta));
    assert_eq!(deliver_cases(&environment, "1.json", &patients), [("inserted", 3)]);
}

#[test]
fn a_deleted_patient_leaves_no_names_or_addresses() {
    let environment = TestEnvironment::new();
    let version = |id: &str, day: u32, family: &str| {
        json!({"resourceType": "Patient", "id": id, "meta": {"lastUpdated": format!("2024-01-{day:02}T00:00:00Z")},
               "name": [{"family": family}], "address": [{"city": family}]})
    };
    for id in ["p", "q"] {
        deliver(&environment, &format!("1{id}.json"), &version(id, 1, "Maiden"));
        deliver(&environment, &format!("2{id}.json"), &version(id, 2, "Married"));
    }
    const LEFT: &str = "select (select count(*) from patient_name) || ' ' || (select count(*) from patient_name_history) || ' ' || \
        (select count(*) from patient_address) || ' ' || (select count(*) from patient_address_history)";
    assert_eq!(environment.value(LEFT), "2 2 2 2");
    let bundle = delete(&json!({"type": "batch", "timestamp": "2024-01-03T00:00:00Z"}), "Patient/p");
    assert_eq!(deliver(&environment, "3.json", &bundle), [("deleted", 1)]);
    assert_eq!(environment.value(LEFT), "1 1 1 1");
    // A new life begins without the old names.
    deliver(&environment, "4.json", &version("p", 4, "Reborn"));
    deliver(&environment, "5.json", &version("p", 5, "Renamed"));
    assert_eq!(
        environment.query("select n.family from patient_name_history n join patient p on p.id = n.patient_id where p.fhir_id = 'p'"),
        [["Reborn"]]
    );
    // A history in one Bundle, with a delete in between.
    let entry = |day: u32, family: &str| json!({"resource": version("r", day, family), "request": {"method": "PUT", "url": "Patient/r"}});
    let history = json!({"resourceType": "Bundle", "type": "history", "entry": [
        entry(4, "Third"),
        {"request": {"method": "DELETE", "url": "Patient/r/_history/3"}, "response": {"status": "204", "lastModified": "2024-01-03T00:00:00Z"}},
        entry(2, "Second"), entry(1, "First")]});
    deliver(&environment, "6.json", &history);
    assert_eq!(
        environment.query("select n.family from patient_name_history n join patient p on p.id = n.patient_id where p.fhir_id = 'r'"),
        Vec::<Vec<String>>::new()
    );
}

#[test]
fn the_version_in_the_url_of_a_delete_is_its_number() {
    let environment = TestEnvironment::new();
    deliver(&environment, "1.json", &patient("p", &json!({"versionId": "3"})));
    let found = deliver(&environment, "2.json", &delete(&json!({"type": "history"}), "Patient/p/_history/2"));
    assert_eq!(found, [("stale", 1)]);
    assert_eq!(patients(&environment), "p");
    let found = deliver(&environment, "3.json", &delete(&json!({"type": "history"}), "Patient/p/_history/4"));
    assert_eq!(found, [("deleted", 1)]);
    let found = deliver(&environment, "4.json", &patient("p", &json!({"versionId": "3", "source": "again"})));
    assert_eq!(found, [("stale", 1)]);
    let found = deliver(&environment, "5.json", &patient("p", &json!({"versionId": "5"})));
    assert_eq!(found, [("updated", 1)]);
    assert_eq!(patients(&environment), "p");
}

#[test]
fn a_delete_that_is_no_history_deletes_whatever_version_there_is() {
    let kinds =
        [json!({"type": "transaction"}), json!({"type": "batch"}), json!({"type": "collection"}), json!({})];
    let dated = [json!({"versionId": "3", "lastUpdated": "2024-01-03T00:00:00Z"}), json!({"versionId": "3"})];
    // Four kinds over a version with a time, then four over one without.
    let first: Vec<Value> = dated.iter().flat_map(|meta| vec![patient("p", meta); kinds.len()]).collect();
    let deletes: Vec<Value> =
        kinds.iter().chain(&kinds).map(|kind| delete(kind, "Patient/p/_history/2")).collect();
    let environment = TestEnvironment::new();
    deliver_cases(&environment, "1.json", &first);
    let found = deliver_cases(&environment, "2.json", &deletes);
    assert_eq!(patients_of_cases(&environment), ["none"; 8]);
    assert_eq!(found, [("deleted", 8)]);
    // What was deleted stays so, whatever older version comes.
    let older = patient("p", &json!({"versionId": "2", "lastUpdated": "2024-01-02T00:00:00Z"}));
    assert_eq!(deliver_cases(&environment, "3.json", &vec![older; 4]), [("stale", 4)]);
    let newer = patient("p", &json!({"versionId": "5", "lastUpdated": "2024-01-05T00:00:00Z"}));
    assert_eq!(deliver_cases(&environment, "4.json", &vec![newer; 8]), [("updated", 8)]);
    // The time of a Bundle still decides.
    let environment = TestEnvironment::new();
    deliver(
        &environment,
        "1.json",
        &patient("p", &json!({"versionId": "3", "lastUpdated": "2024-01-03T00:00:00Z"})),
    );
    let early = json!({"type": "transaction", "timestamp": "2024-01-02T00:00:00Z"});
    let found = deliver(&environment, "2.json", &delete(&early, "Patient/p/_history/9"));
    assert_eq!(found, [("stale", 1)]);
}
