//! Which deliveries are one resource, and which are several: what a `fullUrl`, a
//! request, an ID and the content say about a resource's identity
//! (<https://hl7.org/fhir/R4/bundle.html#references>,
//! <https://hl7.org/fhir/R4/http.html#trules>).

use serde_json::{Value, json};

use crate::steps::{account, load_cases_twice, load_twice};
use crate::support::TestEnvironment;

const UUID: &str = "0a1b2c3d-0000-4000-8000-00000000000a";

fn bundle(bundle_type: &str, entries: Value) -> String {
    json!({"resourceType": "Bundle", "type": bundle_type, "entry": entries}).to_string()
}

fn person(family: &str) -> Value {
    json!({"resourceType": "Patient", "name": [{"family": family}]})
}

fn observation_of(subject: &str) -> Value {
    json!({"resourceType": "Observation", "status": "final", "code": {"text": "Weight"},
        "subject": {"reference": subject}})
}

fn numbered(family: &str, number: &str) -> Value {
    json!({"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": number}],
        "name": [{"family": family}]})
}

/// Family names of the patients, each with the number of its observations.
fn people(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select n.family, count(o.id) as observations \
         from patient p join patient_name n on n.patient_id = p.id \
         left join observation o on o.patient_id = p.id group by p.id, 1 order by 1, 2",
    )
}

/// What [`people`] returns, of each case of [`load_cases_twice`].
fn people_of_cases(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select string_agg(concat_ws(' ', family, observations), ', ' order by family) as people from ( \
             select s.code, n.family, count(o.id) as observations from patient p \
             join etl.source s on s.id = p.source_id join patient_name n on n.patient_id = p.id \
             left join observation o on o.patient_id = p.id group by s.code, p.id, n.family) as person \
         group by code order by code",
    )
}

/// The IDs of the patients of each case.
fn patient_ids_of_cases(environment: &TestEnvironment) -> Vec<String> {
    let ids = "select string_agg(p.fhir_id, ' ') as ids from patient p join etl.source s on s.id = p.source_id \
               group by s.code order by s.code";
    environment.query(ids).concat()
}

fn patient_ids(environment: &TestEnvironment) -> Vec<String> {
    environment.query("select fhir_id from patient order by 1").concat()
}

/// Loads files one after another; returns the outcome of the last.
fn load_each(environment: &TestEnvironment, files: &[String]) -> Vec<(&'static str, u64)> {
    let mut last = Vec::new();
    for (number, file) in files.iter().enumerate() {
        last = account(&load_twice(environment, &[(&format!("{number}.json"), file.as_bytes())]));
    }
    last
}

#[test]
fn a_full_url_that_is_not_global_names_an_entry_of_its_bundle_only() {
    let full_urls = [
        "resource:0",
        "urn:example:p",
        "urn:uuid:patient-1",
        "urn:uuid:",
        "urn:uuid:0a1b2c3d00004000800000000000000a",
        "urn:oid:patient",
        "0a1b2c3d-0000-4000-8000-00000000000a",
        "#p",
        "Patient/1",
        "p",
        "https://ehr.example.com/export/patient-1",
        "https://ehr.example.com/Encounter/1",
    ];
    let environment = TestEnvironment::new();
    for (number, family) in ["Ann", "Bob"].into_iter().enumerate() {
        let bundles = full_urls.map(|full_url| {
            bundle(
                "collection",
                json!([{"resource": observation_of(full_url)}, {"fullUrl": full_url, "resource": person(family)}]),
            )
        });
        load_cases_twice(&environment, &format!("{number}.json"), &bundles);
    }
    let found: Vec<_> = full_urls.into_iter().zip(people_of_cases(&environment).concat()).collect();
    assert_eq!(found, full_urls.map(|full_url| (full_url, "Ann 1, Bob 1".to_owned())));
}

#[test]
fn resources_that_differ_only_in_whom_they_mean_are_several() {
    let of = |family: &str| {
        let report = json!({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"},
            "result": [{"reference": "resource:1"}]});
        bundle(
            "collection",
            json!([{"fullUrl": "resource:2", "resource": report},
                {"fullUrl": "resource:1", "resource": observation_of("resource:0")},
                {"fullUrl": "resource:0", "resource": person(family)}]),
        )
    };
    let environment = TestEnvironment::new();
    load_each(&environment, &[of("Ann"), of("Bob")]);
    assert_eq!(people(&environment), [["Ann", "1"], ["Bob", "1"]]);
    assert_eq!(environment.value("select count(*) from diagnostic_report"), "2");
    // The same Bundle with another entry brings nothing new but that.
    let mut again: Value = serde_json::from_str(&of("Ann")).unwrap();
    again["entry"].as_array_mut().unwrap().push(json!({"fullUrl": "resource:9", "resource": person("Cid")}));
    assert_eq!(load_each(&environment, &[again.to_string()]), [("inserted", 1), ("unchanged", 3)]);
}

#[test]
fn entries_of_one_bundle_with_equal_local_full_urls_are_several() {
    let environment = TestEnvironment::new();
    let text = bundle(
        "collection",
        json!([{"fullUrl": "resource:0", "resource": person("Ann")}, {"fullUrl": "resource:0", "resource": person("Bob")}]),
    );
    assert_eq!(load_each(&environment, &[text]), [("inserted", 2)]);
    assert_eq!(people(&environment), [["Ann", "0"], ["Bob", "0"]]);
}

#[test]
fn a_global_full_url_names_its_resource_in_every_bundle() {
    let upper = UUID.to_uppercase();
    let (full_urls, ids): (Vec<String>, Vec<&str>) = [
        (format!("urn:uuid:{UUID}"), UUID),
        (format!("urn:uuid:{upper}"), UUID),
        (format!("URN:UUID:{upper}"), UUID),
        ("urn:oid:1.2.840.113619".to_owned(), "1.2.840.113619"),
        ("https://ehr.example.com/R4/Patient/17".to_owned(), "17"),
        ("https://ehr.example.com/R4/Patient/17/_history/3".to_owned(), "17"),
        ("http://localhost:8080/Patient/17/".to_owned(), "17"),
        (" https://ehr.example.com/R4/Patient/17 ".to_owned(), "17"),
    ]
    .into_iter()
    .unzip();
    let environment = TestEnvironment::new();
    let mut found = Vec::new();
    for (number, family) in ["Ann", "Bob"].into_iter().enumerate() {
        let of = |full_url: &String| {
            bundle(
                "collection",
                json!([{"resource": observation_of(full_url)}, {"fullUrl": full_url, "resource": person(family)}]),
            )
        };
        let bundles: Vec<String> = full_urls.iter().map(of).collect();
        found = account(&load_cases_twice(&environment, &format!("{number}.json"), &bundles));
    }
    assert_eq!(patient_ids_of_cases(&environment), ids);
    assert_eq!(people_of_cases(&environment), vec![["Bob 1"]; ids.len()]);
    assert_eq!(found, [("updated", 8), ("unchanged", 8)]);
}

#[test]
fn an_id_of_its_own_names_a_resource_whatever_its_local_full_url() {
    let environment = TestEnvironment::new();
    let of = |id: &str, family: &str| {
        let mut patient = person(family);
        patient["id"] = json!(id);
        bundle(
            "collection",
            json!([{"fullUrl": "resource:0", "resource": patient}, {"resource": observation_of("resource:0")}]),
        )
    };
    load_each(&environment, &[of("a", "Ann"), of("b", "Bob")]);
    assert_eq!(people(&environment), [["Ann", "1"], ["Bob", "1"]]);
    assert_eq!(patient_ids(&environment), ["a", "b"]);
}

#[test]
fn the_url_of_a_put_is_the_identity() {
    let urls = ["Patient/z9", "/Patient/z9", "https://ehr.example.com/R4/Patient/z9", "Patient/z9/"];
    let of = |(kind, url): (&str, &str)| {
        bundle(
            kind,
            json!([{"fullUrl": format!("urn:uuid:{UUID}"), "resource": person("Ann"), "request": {"method": "PUT", "url": url}},
            {"resource": observation_of(&format!("urn:uuid:{UUID}")), "request": {"method": "POST", "url": "Observation"}},
            ]),
        )
    };
    let cases = urls.into_iter().flat_map(|url| [("transaction", url), ("batch", url)]);
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "1.json", &cases.map(of).collect::<Vec<_>>());
    assert_eq!(patient_ids_of_cases(&environment), ["z9"; 8]);
    assert_eq!(people_of_cases(&environment), [["Ann 1"]; 8]);
}

#[test]
fn the_inner_id_of_a_post_is_an_alias_where_the_full_url_is_global() {
    let of = |family: &str, full_url: &str| {
        let mut patient = person(family);
        patient["id"] = json!("1");
        bundle(
            "transaction",
            json!([{"resource": observation_of("Patient/1"), "request": {"method": "POST", "url": "Observation"}},
                {"fullUrl": full_url, "resource": patient, "request": {"method": "POST", "url": "Patient"}}]),
        )
    };
    let environment = TestEnvironment::new();
    let uuids = ["0a1b2c3d-0000-4000-8000-000000000001", "0a1b2c3d-0000-4000-8000-000000000002"];
    load_each(
        &environment,
        &[of("Ann", &format!("urn:uuid:{}", uuids[0])), of("Bob", &format!("urn:uuid:{}", uuids[1]))],
    );
    assert_eq!(patient_ids(&environment), uuids);
    assert_eq!(people(&environment), [["Ann", "1"], ["Bob", "1"]]);
}

#[test]
fn an_inner_id_of_a_post_that_is_a_uuid_stays_the_identity() {
    let of = |full_url: &str| {
        let mut patient = person("Ann");
        patient["id"] = json!(UUID);
        bundle(
            "transaction",
            json!([{"fullUrl": full_url, "resource": patient, "request": {"method": "POST", "url": "Patient"}},
                {"resource": observation_of(full_url), "request": {"method": "POST", "url": "Observation"}}]),
        )
    };
    let environment = TestEnvironment::new();
    let rolled =
        ["urn:uuid:0a1b2c3d-0000-4000-8000-000000000001", "urn:uuid:0a1b2c3d-0000-4000-8000-000000000002"];
    load_each(&environment, &[of(rolled[0]), of(rolled[1])]);
    assert_eq!(patient_ids(&environment), [UUID]);
    assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
}

/// A Bundle with a patient by number, in one of the conditional forms, and an
/// observation that refers to its entry.
fn conditional(form: &str, family: &str, number: &str, full_url: &str) -> String {
    let request = match form {
        "create" => {
            json!({"method": "POST", "url": "Patient", "ifNoneExist": format!("identifier=urn:mrn|{number}")})
        }
        _ => json!({"method": "PUT", "url": format!("Patient?identifier=urn:mrn%7C{number}")}),
    };
    bundle(
        "transaction",
        json!([{"fullUrl": full_url, "resource": numbered(family, number), "request": request},
            {"resource": observation_of(full_url), "request": {"method": "POST", "url": "Observation"}}]),
    )
}

#[test]
fn a_conditional_request_means_the_owner_of_the_number() {
    let mut owner = numbered("Ann", "9");
    owner["id"] = json!("p");
    for (form, family) in [("create", "Ann"), ("update", "Ann-Marie")] {
        let later = conditional(form, "Ann-Marie", "9", &format!("urn:uuid:{UUID}"));
        let environment = TestEnvironment::new();
        load_each(&environment, &[owner.to_string(), later.clone()]);
        assert_eq!(patient_ids(&environment), ["p"], "{form}");
        // A conditional create leaves the owner as it is; an update replaces it.
        assert_eq!(people(&environment), [[family, "1"]], "{form}");

        // In the same batch, and in another file of the same run.
        let lines = format!("{owner}\n{later}\n");
        let environment = TestEnvironment::new();
        load_twice(&environment, &[("all.ndjson", lines.as_bytes())]);
        assert_eq!(patient_ids(&environment), ["p"], "{form}, together");
        assert_eq!(people(&environment), [[family, "1"]], "{form}, together");
    }
}

#[test]
fn a_conditional_request_without_an_owner_makes_one_resource_once() {
    for form in ["create", "update"] {
        let environment = TestEnvironment::new();
        let of = |number: u32| {
            conditional(form, "Ann", "9", &format!("urn:uuid:0a1b2c3d-0000-4000-8000-00000000000{number}"))
        };
        load_each(&environment, &[of(1), of(2)]);
        assert_eq!(environment.value("select count(*) from patient"), "1", "{form}");
        assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
        // Many at the same moment.
        let environment = TestEnvironment::new();
        let files: Vec<(String, String)> =
            (0..8).map(|number| (format!("{number}.json"), of(number))).collect();
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
        load_twice(&environment, &files);
        assert_eq!(environment.value("select count(*) from patient"), "1", "{form}, together");
        assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
    }
}

#[test]
fn a_delete_by_identifier_deletes_the_one_owner() {
    let delete = bundle(
        "transaction",
        json!([{"request": {"method": "DELETE", "url": "Patient?identifier=urn:mrn|9"}}]),
    );
    let with_id = |id: &str, number: &str| {
        let mut patient = numbered("Ann", number);
        patient["id"] = json!(id);
        patient.to_string()
    };
    let environment = TestEnvironment::new();
    let found = load_each(&environment, &[with_id("p", "9"), with_id("q", "8"), delete.clone()]);
    assert_eq!(found, [("deleted", 1)]);
    assert_eq!(patient_ids(&environment), ["q"]);
}

#[test]
fn equal_ids_of_two_servers_in_one_bundle_are_two_resources() {
    let of = |server: &str, family: &str| {
        let mut patient = person(family);
        patient["id"] = json!("1");
        let mut observation = observation_of("Patient/1");
        observation["id"] = json!("1");
        observation["valueString"] = json!(family);
        [
            json!({"fullUrl": format!("https://{server}/fhir/Patient/1"), "resource": patient}),
            json!({"fullUrl": format!("https://{server}/fhir/Observation/1"), "resource": observation}),
        ]
    };
    let (north, south) = (of("north.example", "Ann"), of("south.example", "Bob"));
    let mut entries = [north[0].clone(), south[0].clone(), south[1].clone(), north[1].clone()];
    let environment = TestEnvironment::new();
    assert_eq!(load_each(&environment, &[bundle("searchset", json!(entries))]), [("inserted", 4)]);
    entries.reverse();
    assert_eq!(load_each(&environment, &[bundle("collection", json!(entries))]), [("unchanged", 4)]);
    assert_eq!(people(&environment), [["Ann", "1"], ["Bob", "1"]]);
    assert_eq!(
        environment.query(
            "select n.family = o.value_string as same from observation o join patient_name n on n.patient_id = o.patient_id"
        ),
        [["true"], ["true"]]
    );
}

#[test]
fn a_conditional_request_finds_an_owner_that_another_worker_is_loading() {
    let files: Vec<(String, String)> = (0..12)
        .flat_map(|number| {
            let mut owner = numbered("Ann", &number.to_string());
            owner["id"] = json!(format!("p{number}"));
            let request = conditional("update", "Ann", &number.to_string(), &format!("urn:uuid:{UUID}"));
            [(format!("{number:02}-a.json"), owner.to_string()), (format!("{number:02}-b.json"), request)]
        })
        .collect();
    let environment = TestEnvironment::new();
    for (name, text) in &files {
        environment.put(&format!("inbox/{name}"), text);
    }
    let mut command = environment.command(&["once"]);
    environment.run_command(command.env("WORKERS", "4").env("BATCH_BYTES", "64KiB")).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient where fhir_id like 'p%'"), "12");
    assert_eq!(environment.value("select count(*) from patient"), "12");
    assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
}
