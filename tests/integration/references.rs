//! What references resolve to.

use serde_json::{Value, json};

use crate::steps::{account, load_cases_twice, load_twice};
use crate::support::{NULL, TestEnvironment, execute};

/// What [`subject`] returns, of each case of [`load_cases_twice`].
fn subjects_of_cases(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select p.fhir_id, o.subject_type, o.subject_reference, o.subject_id is not distinct from o.patient_id as is_patient \
         from observation o join etl.source s on s.id = o.source_id left join patient p on p.id = o.subject_id \
         and p.source_id = o.source_id order by s.code, o.fhir_id",
    )
}

/// How the observation refers to its patient: the patient's ID, the type, the
/// text that is kept, and whether the key is set.
fn subject(environment: &TestEnvironment) -> Vec<String> {
    let rows = environment.query(
        "select r.fhir_id, o.subject_type, o.subject_reference, o.subject_id is not distinct from o.patient_id as same \
         from observation o left join etl.resource r on r.id = o.subject_id",
    );
    assert_eq!(rows.len(), 1);
    rows[0].clone()
}

fn observation(subject: Value) -> Value {
    json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": subject})
}

fn numbered_patient(id: &str, number: &str) -> String {
    json!({"resourceType": "Patient", "id": id, "identifier": [{"system": "urn:mrn", "value": number}]})
        .to_string()
}

#[test]
fn a_urn_resolves_backward_and_forward_in_its_bundle() {
    const UUID: &str = "urn:uuid:0a1b2c3d-0000-4000-8000-000000000001";
    let patient = json!({"fullUrl": UUID, "resource": {"resourceType": "Patient", "id": "named-otherwise"}});
    let observation = json!({"fullUrl": "urn:uuid:0a1b2c3d-0000-4000-8000-000000000002",
        "resource": observation(json!({"reference": UUID}))});
    for entries in [json!([patient, observation]), json!([observation, patient])] {
        let environment = TestEnvironment::new();
        let bundle = json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string();
        load_twice(&environment, &[("b.json", bundle.as_bytes())]);
        assert_eq!(subject(&environment), ["named-otherwise", "Patient", NULL, "true"]);
    }
}

#[test]
fn the_same_urn_may_mean_different_resources_in_different_bundles() {
    let urn = "urn:uuid:00000000-0000-4000-8000-000000000001";
    let bundle = |number: u32| {
        let observation = |id: &str| {
            json!({"resource": {"resourceType": "Observation", "id": format!("{id}{number}"), "status": "final",
                "subject": {"reference": urn}}})
        };
        let patient = json!({"resourceType": "Patient", "id": format!("p{number}")});
        json!({"resourceType": "Bundle", "type": "collection",
            "entry": [{"fullUrl": urn, "resource": patient}, observation("first"), observation("second")]})
    };
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("two.json", json!([bundle(1), bundle(2)]).to_string().as_bytes())]);
    let subjects = environment.query(
        "select o.fhir_id, p.fhir_id from observation o join patient p on p.id = o.patient_id order by 1",
    );
    assert_eq!(subjects, [["first1", "p1"], ["first2", "p2"], ["second1", "p1"], ["second2", "p2"]]);
}

#[test]
fn a_resource_without_an_id_is_identified_by_its_full_url() {
    let environment = TestEnvironment::new();
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": "urn:uuid:00000000-0000-4000-8000-000000000077", "resource": {"resourceType": "Patient"}, "request": {"method": "POST", "url": "Patient"}},
        {"resource": observation(json!({"reference": "urn:uuid:00000000-0000-4000-8000-000000000077"}))}]});
    load_twice(&environment, &[("b.json", bundle.to_string().as_bytes())]);
    let id = "00000000-0000-4000-8000-000000000077";
    assert_eq!(subject(&environment), [id, "Patient", NULL, "true"]);
    assert_eq!(environment.value("select o.patient_id = p.id from observation o, patient p"), "true");
}

#[test]
fn a_relative_reference_has_a_key_before_its_target_arrives() {
    let environment = TestEnvironment::new();
    let text = observation(json!({"reference": "Patient/late/_history/3"})).to_string();
    load_twice(&environment, &[("o.json", text.as_bytes())]);
    // The key does not say which version.
    assert_eq!(subject(&environment), ["late", "Patient", "Patient/late/_history/3", "true"]);
    let registered = "select revision, content_hash, file_id from etl.resource where fhir_id = 'late'";
    assert_eq!(environment.query(registered), [["0", NULL, NULL]]);
    assert_eq!(environment.value("select count(*) from patient"), "0");

    let patient = r#"{"resourceType":"Patient","id":"late"}"#;
    assert_eq!(account(&load_twice(&environment, &[("p.json", patient.as_bytes())])), [("inserted", 1)]);
    assert_eq!(
        environment.value("select count(*) from patient p join observation o on o.patient_id = p.id"),
        "1"
    );
}

#[test]
fn an_absolute_reference_resolves_by_the_full_urls_of_its_server() {
    let bundle = |reference: &str| {
        json!({"resourceType": "Bundle", "type": "searchset", "entry": [
            {"fullUrl": "https://here.example/fhir/Observation/o",
             "resource": observation(json!({"reference": reference}))}]})
        .to_string()
    };
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("b.json", bundle("https://here.example/fhir/Patient/p").as_bytes())]);
    assert_eq!(subject(&environment), ["p", "Patient", NULL, "true"]);

    let environment = TestEnvironment::new();
    load_twice(&environment, &[("b.json", bundle("https://there.example/fhir/Patient/p").as_bytes())]);
    let found = subject(&environment);
    assert_eq!((found[0].as_str(), found[2].as_str()), (NULL, "https://there.example/fhir/Patient/p"));
}

#[test]
fn an_absolute_reference_resolves_by_the_base_url_of_its_source() {
    let environment = TestEnvironment::new();
    execute(environment.database_url(), "update etl.source set base_url = 'https://there.example/fhir'");
    let text = observation(json!({"reference": "https://there.example/fhir/Patient/p"})).to_string();
    load_twice(&environment, &[("o.ndjson", text.as_bytes())]);
    assert_eq!(subject(&environment), ["p", "Patient", NULL, "true"]);
}

#[test]
fn an_identifier_resolves_to_its_owner() {
    let written = json!({"reference": "Patient?identifier=urn:mrn|7"});
    let logical = json!({"identifier": {"system": "urn:mrn", "value": "7"}, "type": "Patient"});
    let observations = [written, logical].map(|reference| observation(reference).to_string());
    let patients = [numbered_patient("p", "7"), numbered_patient("p", "7")];
    let resolved = [["p", "Patient", NULL, "true"]; 2];

    let earlier = TestEnvironment::new();
    load_cases_twice(&earlier, "1.json", &patients);
    let summary = load_cases_twice(&earlier, "2.json", &observations);
    assert_eq!(subjects_of_cases(&earlier), resolved, "earlier");
    assert_eq!(summary["resolved_late"], 0);

    let together = TestEnvironment::new();
    let lines = observations.each_ref().map(|observation| format!("{observation}\n{}\n", patients[0]));
    load_cases_twice(&together, "all.ndjson", &lines);
    assert_eq!(subjects_of_cases(&together), resolved, "together");

    let later = TestEnvironment::new();
    load_cases_twice(&later, "1.json", &observations);
    let words = [NULL, "Patient", "Patient?identifier=urn:mrn|7", "true"];
    assert_eq!(subjects_of_cases(&later), [words; 2], "before");
    assert_eq!(later.value("select count(*) from etl.unresolved_reference"), "2");
    let summary = load_cases_twice(&later, "2.json", &patients);
    assert_eq!(summary["resolved_late"], 2);
    assert_eq!(subjects_of_cases(&later), resolved, "later");
    assert_eq!(later.value("select count(*) from etl.unresolved_reference"), "0");
}

#[test]
fn an_identifier_with_two_owners_does_not_resolve() {
    let environment = TestEnvironment::new();
    let lines = [
        numbered_patient("p", "7"),
        numbered_patient("q", "7"),
        observation(json!({"reference": "Patient?identifier=urn:mrn|7"})).to_string(),
    ];
    load_twice(&environment, &[("all.ndjson", lines.join("\n").as_bytes())]);
    assert_eq!(subject(&environment), [NULL, "Patient", "Patient?identifier=urn:mrn|7", "true"]);
}

#[test]
fn an_identifier_resolves_within_its_own_source() {
    let environment = TestEnvironment::new();
    let text = observation(json!({"reference": "Patient?identifier=urn:mrn|7"})).to_string();
    load_twice(
        &environment,
        &[("north/p.json", numbered_patient("p", "7").as_bytes()), ("south/o.json", text.as_bytes())],
    );
    assert_eq!(subject(&environment), [NULL, "Patient", "Patient?identifier=urn:mrn|7", "true"]);
}

#[test]
fn two_sources_may_give_the_same_identifier_to_two_people() {
    let environment = TestEnvironment::new();
    let text = observation(json!({"reference": "Patient?identifier=urn:mrn|7"})).to_string();
    let files = |patient: &str| format!("{}\n{text}\n", numbered_patient(patient, "7"));
    let (north, south) = (files("p"), files("q"));
    load_twice(
        &environment,
        &[("north/all.ndjson", north.as_bytes()), ("south/all.ndjson", south.as_bytes())],
    );
    let rows = environment.query(
        "select s.code, p.fhir_id, p.source_id = o.source_id as is_own from observation o \
         join etl.source s on s.id = o.source_id left join patient p on p.id = o.patient_id order by 1",
    );
    assert_eq!(rows, [["north", "p", "true"], ["south", "q", "true"]]);
}

#[test]
fn a_urn_may_name_a_resource_of_another_file() {
    let environment = TestEnvironment::new();
    let urn = "urn:uuid:00000000-0000-4000-8000-000000000055";
    let condition =
        json!({"resourceType": "Condition", "id": "c", "subject": {"reference": urn}}).to_string();
    load_twice(&environment, &[("1.json", condition.as_bytes())]);
    assert_eq!(environment.query("select subject_id, subject_reference from condition"), [[NULL, urn]]);
    let patient = r#"{"resourceType":"Patient","id":"00000000-0000-4000-8000-000000000055"}"#;
    load_twice(&environment, &[("2.json", patient.as_bytes())]);
    // The type of the target is not stated, but FHIR allows a patient here.
    assert_eq!(
        environment.value("select count(*) from condition c join patient p on p.id = c.patient_id"),
        "1"
    );
}

#[test]
fn a_reference_to_a_contained_resource_has_its_key() {
    let environment = TestEnvironment::new();
    let text = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "contained": [{"resourceType": "Practitioner", "id": "x", "name": [{"family": "Inside"}]}],
        "participant": [{"individual": {"reference": "#x", "display": "Dr. Inside"}}]});
    load_twice(&environment, &[("e.json", text.to_string().as_bytes())]);
    let found = environment.query(
        "select t.individual_type, p.fhir_id, t.individual_display, t.individual_reference, t.practitioner_id = p.id as is_same \
         from encounter_participant t join practitioner p on p.id = t.individual_id",
    );
    assert_eq!(found, [["Practitioner", "Encounter/e#x", "Dr. Inside", NULL, "true"]]);
    assert_eq!(environment.value("select count(*) from etl.resource"), "2");
}

#[test]
fn a_reference_to_the_wrong_type_keeps_its_text() {
    let environment = TestEnvironment::new();
    let text = json!({"resourceType": "Patient", "id": "p",
        "managingOrganization": {"reference": "Practitioner/d", "display": "Dr. Bell"}});
    load_twice(&environment, &[("p.json", text.to_string().as_bytes())]);
    let found = environment.query(
        "select managing_organization_id, managing_organization_display, managing_organization_reference from patient",
    );
    assert_eq!(found, [[NULL, "Dr. Bell", "Practitioner/d"]]);
    // An observation may be of a device; that is no patient.
    let environment = TestEnvironment::new();
    let text = observation(json!({"reference": "Device/d"})).to_string();
    load_twice(&environment, &[("o.json", text.as_bytes())]);
    let found = environment.query(
        "select o.patient_id, o.subject_type, r.fhir_id, o.subject_reference from observation o join etl.resource r on r.id = o.subject_id",
    );
    assert_eq!(found, [[NULL, "Device", "d", NULL]]);
}

#[test]
fn a_reference_to_no_resource_keeps_its_text() {
    let words = ["Nobody/1", "Patient", "Patient?name=x", "some text"];
    let texts = words.map(|words| observation(json!({"reference": words})).to_string());
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "o.json", &texts);
    let found = subjects_of_cases(&environment);
    let found: Vec<(&str, &str)> = found.iter().map(|found| (found[0].as_str(), found[2].as_str())).collect();
    assert_eq!(found, words.map(|words| (NULL, words)));
}

#[test]
fn an_identifier_needs_no_type() {
    let by_number = json!({"identifier": {"system": "urn:mrn", "value": "9"}});
    let immunization = json!({"resourceType": "Immunization", "id": "i", "status": "completed",
        "vaccineCode": {"text": "x"}, "patient": by_number});
    let encounter = json!({"resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": "AMB"},
        "subject": by_number, "participant": [{"individual": by_number}]});
    let group = json!({"resourceType": "List", "id": "l", "status": "current", "mode": "working", "subject": by_number});
    let patient = numbered_patient("p", "9");
    let texts = [immunization.to_string(), encounter.to_string(), group.to_string()];
    let find = |environment: &TestEnvironment| {
        environment.query(
            "select 'immunization' as what, p.fhir_id, i.patient_reference as reference \
             from immunization i left join patient p on p.id = i.patient_id union all \
             select 'encounter', p.fhir_id, e.subject_reference from encounter e left join patient p on p.id = e.patient_id union all \
             select 'participant', p.fhir_id, i.individual_reference \
             from encounter_participant i left join patient p on p.id = i.individual_id order by 1",
        )
    };
    // A participant is no patient.
    let words = "?identifier=urn:mrn|9";
    let resolved = [["encounter", "p", NULL], ["immunization", "p", NULL], ["participant", NULL, words]];
    // In one file, before and after the patient; and in another one.
    for patient_first in [true, false] {
        let mut lines = texts.to_vec();
        lines.insert(if patient_first { 0 } else { 3 }, patient.clone());
        let environment = TestEnvironment::new();
        load_twice(&environment, &[("all.ndjson", lines.join("\n").as_bytes())]);
        let found = find(&environment);
        assert_eq!(found, resolved);
        assert_eq!(environment.value("select count(*) from etl.unresolved_reference"), "1");
    }
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("all.ndjson", texts.join("\n").as_bytes())]);
    assert_eq!(
        find(&environment),
        [
            ["encounter", NULL, words],
            ["immunization", NULL, "Patient?identifier=urn:mrn|9"],
            ["participant", NULL, words]
        ]
    );
    environment.run(&["check"]).expect_code(0);
    load_twice(&environment, &[("p.json", patient.as_bytes())]);
    assert_eq!(find(&environment), resolved);
    // A person of the same number is no patient, and takes none away.
    let person = patient.replace("Patient", "Person");
    load_twice(&environment, &[("q.json", person.as_bytes())]);
    load_twice(&environment, &[("e.json", encounter.to_string().replace("\"e\"", "\"f\"").as_bytes())]);
    assert_eq!(environment.value("select count(*) from encounter where patient_id is null"), "0");
}

#[test]
fn an_identifier_is_searched_for_as_fhir_writes_it() {
    let all_written = [
        "Patient?identifier=urn:mrn%7C9",
        "Patient?identifier=urn%3Amrn%7c9",
        "https://ehr.example.com/R4/Patient?identifier=urn:mrn|9",
        "/Patient?identifier=urn:mrn|9",
        " Patient?identifier=urn:mrn|9 ",
        "Patient?active=true&identifier=urn:mrn|9&_format=json",
        "Patient?identifier=9",
    ];
    let files = all_written.map(|written| {
        [observation(json!({"reference": written})).to_string(), numbered_patient("p", "9")].join("\n")
    });
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "all.ndjson", &files);
    let found: Vec<_> = all_written.into_iter().zip(subjects_of_cases(&environment)).collect();
    assert_eq!(
        found,
        all_written.map(|written| (written, ["p", "Patient", NULL, "true"].map(str::to_owned).to_vec()))
    );
}

#[test]
fn an_identifier_helps_a_reference_that_leads_nowhere() {
    let all_written = ["https://elsewhere.example/Patient/1", "somebody", "urn:uuid:patient-1"];
    let files = all_written.map(|written| {
        let reference = json!({"reference": written, "identifier": {"system": "urn:mrn", "value": "9"}});
        [observation(reference).to_string(), numbered_patient("p", "9")].join("\n")
    });
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "all.ndjson", &files);
    // The key does not say what is written.
    assert_eq!(subjects_of_cases(&environment), all_written.map(|written| ["p", "Patient", written, "true"]));
}

#[test]
fn blanks_slashes_and_encoding_do_not_hide_a_reference() {
    let all_written = [" Patient/a-b ", "/Patient/a-b", "Patient/a-b/", "Patient/a%2Db", "Patient/a-b\n"];
    let files = all_written.map(|written| {
        let patient = r#"{"resourceType":"Patient","id":"a-b"}"#.to_owned();
        [observation(json!({"reference": written})).to_string(), patient].join("\n")
    });
    let environment = TestEnvironment::new();
    load_cases_twice(&environment, "all.ndjson", &files);
    assert_eq!(subjects_of_cases(&environment), [["a-b", "Patient", NULL, "true"]; 5]);
}

#[test]
fn what_no_rule_resolves_is_counted() {
    let environment = TestEnvironment::new();
    let lines = [
        r#"{"resourceType":"Observation","id":"1","status":"final","subject":{"reference":"https://x.example/Patient/1"}}"#,
        r#"{"resourceType":"Observation","id":"2","status":"final","subject":{"reference":"resource:0"}}"#,
        r#"{"resourceType":"Observation","id":"3","status":"final","subject":{"display":"Ann"}}"#,
        r#"{"resourceType":"Observation","id":"4","status":"final","subject":{"type":"Patient"}}"#,
    ];
    let summary = load_twice(&environment, &[("all.ndjson", lines.join("\n").as_bytes())]);
    assert_eq!(summary["unresolved_references"], 2);
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!(status["unresolved_references"], 2);
    environment.run(&["check"]).expect_code(0);
}

/// Observations of a patient of a server, as a bulk export writes them.
fn exported(reference: &str) -> String {
    let lines = [
        r#"{"resourceType":"Patient","id":"ab1"}"#.to_owned(),
        observation(json!({"reference": reference})).to_string(),
    ];
    lines.join("\n")
}

const ON_SERVER: &str = "https://ehr.example.com/R4/Patient/ab1";

#[test]
fn the_server_of_a_source_is_learned_from_its_files() {
    let manifest = json!({"transactionTime": "2024-01-01T00:00:00Z", "requiresAccessToken": true, "output": [],
        "error": [], "request": "https://ehr.example.com/R4/Group/g/$export?_type=Patient,Observation"});
    let entry = json!({"fullUrl": "https://ehr.example.com/R4/Location/l", "resource": {"resourceType": "Location", "id": "l"}});
    let full_urls = json!({"resourceType": "Bundle", "type": "searchset", "entry": [entry]});
    let self_link = json!({"resourceType": "Bundle", "type": "searchset", "link": [
        {"relation": "self", "url": "https://ehr.example.com/R4/Location?name=x"}],
        "entry": [{"resource": {"resourceType": "Location", "id": "l"}}]});
    let learned_from = [manifest, full_urls, self_link].map(|learned_from| learned_from.to_string());
    let text = exported(ON_SERVER);
    let environment = TestEnvironment::new();
    // Each in a source of its own, read before and after what refers by it.
    let mut files = Vec::new();
    for (case, other) in learned_from.iter().enumerate() {
        for (first, names) in [["a.json", "b.ndjson"], ["b.json", "a.ndjson"]].iter().enumerate() {
            let source = format!("case-{:02}", 2 * case + first);
            files.push((format!("{source}/{}", names[0]), other.as_bytes()));
            files.push((format!("{source}/{}", names[1]), text.as_bytes()));
        }
    }
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    load_twice(&environment, &files);
    assert_eq!(subjects_of_cases(&environment), [["ab1", "Patient", NULL, "true"]; 6]);
    // In a later run too, by either scheme.
    let text = exported("http://EHR.example.com/R4/Patient/ab1").replace("\"o\"", "\"p\"");
    load_cases_twice(&environment, "c.ndjson", &vec![text; 6]);
    assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
    assert_eq!(environment.value("select count(*) from observation"), "12");
}

#[test]
fn a_server_that_is_not_known_is_told_and_can_be_set() {
    let environment = TestEnvironment::new();
    environment.put("inbox/north/o.ndjson", exported(ON_SERVER));
    let run = environment.run(&["once"]).expect_code(0);
    let command = "fhirmill sources set north --base-url https://ehr.example.com/R4/";
    assert!(run.stdout.contains(command), "{}", run.stdout);
    assert!(run.stderr.contains(command), "{}", run.stderr);
    assert!(environment.run(&["status"]).expect_code(0).stdout.contains(command));
    let listed = environment.run(&["sources", "list", "--json"]).expect_code(0).json();
    assert_eq!(listed[1]["code"], "north");
    assert_eq!(listed[1]["unresolved_references"], 1);

    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    environment.run(&arguments).expect_code(0);
    environment
        .run(&["sources", "set", "north", "--name", "St. Mary", "--description", "EHR"])
        .expect_code(0);
    assert_eq!(subject(&environment), ["ab1", "Patient", NULL, "true"]);
    assert!(!environment.run(&["status"]).expect_code(0).stdout.contains("sources set"));
    let shown = environment.run(&["sources", "show", "north"]).expect_code(0).stdout;
    for expected in ["north  St. Mary", "EHR", "https://ehr.example.com/R4/", "0 references without a key"] {
        assert!(shown.contains(expected), "{shown}");
    }
    environment.run(&["sources", "show", "south"]).expect_code(2);
    environment.run(&["sources", "set", "north", "--base-url", "ehr"]).expect_code(2);
}

#[test]
fn what_a_key_does_not_say_has_columns_in_every_reference() {
    const ELSEWHERE: &str = "https://elsewhere.example/Any/1";
    let named = |display: &str| json!({"reference": ELSEWHERE, "display": display});
    let lines = [
        json!({"resourceType": "Observation", "id": "o", "status": "final", "subject": named("Ann"),
            "encounter": named("visit"), "specimen": named("blood"), "device": named("monitor")}),
        json!({"resourceType": "MedicationRequest", "id": "m", "status": "active", "intent": "order",
            "subject": {"reference": "Patient/p", "display": "Ann"}, "recorder": named("Dr. R"),
            "dispenseRequest": {"performer": named("pharmacy")}, "priorPrescription": named("before")}),
        json!({"resourceType": "ExplanationOfBenefit", "id": "e", "status": "active", "patient": named("Ann"),
            "referral": named("referral"), "claimResponse": named("response")}),
    ];
    let text = lines.map(|line| line.to_string()).join("\n");
    let environment = TestEnvironment::new();
    load_twice(&environment, &[("all.ndjson", text.as_bytes())]);
    for (table, reference, display) in [
        ("observation", "subject", "Ann"),
        ("observation", "encounter", "visit"),
        ("observation", "specimen", "blood"),
        ("observation", "device", "monitor"),
        ("medication_request", "recorder", "Dr. R"),
        ("medication_request", "dispense_performer", "pharmacy"),
        ("medication_request", "prior_prescription", "before"),
        ("explanation_of_benefit", "patient", "Ann"),
        ("explanation_of_benefit", "referral", "referral"),
        ("explanation_of_benefit", "claim_response", "response"),
    ] {
        let query = format!("select {reference}_id, {reference}_display, {reference}_reference from {table}");
        assert_eq!(environment.query(&query), [[NULL, display, ELSEWHERE]], "{table}.{reference}");
    }
    let subject = "select subject_display, subject_reference, subject_id is not null as has_key from medication_request";
    assert_eq!(environment.query(subject), [["Ann", NULL, "true"]]);
    let in_view = "select count(*) from analytics.reference where reference = 'https://elsewhere.example/Any/1' \
                   and display is not null";
    assert_eq!(environment.value(in_view), "10");
    environment.run(&["check"]).expect_code(0);

    // The rule of check sees a reference that has lost its text.
    execute(
        environment.database_url(),
        "update explanation_of_benefit set patient_reference = null, \
             referral_reference = null, claim_response_reference = null",
    );
    let run = environment.run(&["check"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
}

/// A resource that owns the number 9.
fn owner(resource_type: &str, id: &str) -> String {
    json!({"resourceType": resource_type, "id": id, "identifier": [{"system": "urn:n", "value": "9"}]})
        .to_string()
}

#[test]
fn an_identifier_is_looked_up_among_the_types_that_the_element_allows() {
    let by_number = json!({"identifier": {"system": "urn:n", "value": "9"}});
    // The resource that refers, what its row has, types that the element does not
    // allow, and one that it allows.
    let cases = [
        (
            json!({"resourceType": "Observation", "id": "r", "status": "final", "code": {"text": "x"}, "performer": [by_number]}),
            "select r.fhir_id, t.reference from resource_reference t left join etl.resource r on r.id = t.target_id where t.element = 'performer'",
            ["Location", "Device"],
            "Organization",
        ),
        (
            json!({"resourceType": "Observation", "id": "rs", "status": "final", "code": {"text": "x"}, "subject": by_number}),
            "select r.fhir_id, o.subject_reference from observation o left join etl.resource r on r.id = o.subject_id where o.fhir_id = 'rs'",
            ["Organization", "Practitioner"],
            "Device",
        ),
        (
            json!({"resourceType": "Encounter", "id": "r", "status": "finished", "class": {"code": "AMB"}, "participant": [{"individual": by_number}]}),
            "select r.fhir_id, t.individual_reference from encounter_participant t left join etl.resource r on r.id = t.individual_id",
            ["Patient", "Organization"],
            "Practitioner",
        ),
        (
            json!({"resourceType": "Condition", "id": "r", "subject": {"reference": "Patient/x"}, "asserter": by_number}),
            "select r.fhir_id, c.asserter_reference from condition c left join etl.resource r on r.id = c.asserter_id where c.fhir_id = 'r'",
            ["Organization", "Device"],
            "RelatedPerson",
        ),
        (
            json!({"resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order",
                "medicationCodeableConcept": {"text": "x"}, "subject": {"reference": "Patient/x"}, "requester": by_number}),
            "select r.fhir_id, m.requester_reference from medication_request m left join etl.resource r on r.id = m.requester_id",
            ["Location", "CareTeam"],
            "Organization",
        ),
        (
            json!({"resourceType": "Claim", "id": "r", "status": "active", "use": "claim", "created": "2024-01-01",
                "patient": {"reference": "Patient/x"}, "provider": by_number}),
            "select r.fhir_id, c.provider_reference from claim c left join etl.resource r on r.id = c.provider_id",
            ["Location", "Patient"],
            "PractitionerRole",
        ),
        (
            // A reference of a table that all types share.
            json!({"resourceType": "Observation", "id": "r", "status": "final", "code": {"text": "x"}, "partOf": [by_number]}),
            "select r.fhir_id, t.reference from resource_reference t left join etl.resource r on r.id = t.target_id where t.element = 'partOf'",
            ["Encounter", "Condition"],
            "Procedure",
        ),
    ];
    let file = |number: usize, is_whole: bool| {
        let (referring, _, others, allowed) = &cases[number];
        let mut lines: Vec<String> = others.iter().map(|other| owner(other, "other")).collect();
        lines.push(referring.to_string());
        if is_whole {
            lines.push(owner(allowed, "it"));
        }
        lines.join("\n")
    };
    let assert_all = |environment: &TestEnvironment, wanted: [&str; 2], when: &str| {
        for (referring, query, others, allowed) in &cases {
            let name = &referring["resourceType"];
            assert_eq!(environment.query(query), [wanted], "{when}: {name}, {others:?}, {allowed}");
        }
    };
    // With what is not allowed alone the text stays.
    let environment = TestEnvironment::new();
    let first: Vec<String> = (0..cases.len()).map(|number| file(number, false)).collect();
    load_cases_twice(&environment, "1.ndjson", &first);
    assert_all(&environment, [NULL, "?identifier=urn:n|9"], "not allowed");
    environment.run(&["check"]).expect_code(0);
    // One that is allowed, in a later run; it leads there, and stays so.
    let second: Vec<String> = cases.iter().map(|(.., allowed)| owner(allowed, "it")).collect();
    load_cases_twice(&environment, "2.ndjson", &second);
    assert_all(&environment, ["it", NULL], "allowed");
    environment.run(&["remap"]).expect_code(0);
    assert_all(&environment, ["it", NULL], "remapped");
    // All in one file.
    let environment = TestEnvironment::new();
    let whole: Vec<String> = (0..cases.len()).map(|number| file(number, true)).collect();
    load_cases_twice(&environment, "1.ndjson", &whole);
    assert_all(&environment, ["it", NULL], "together");
    assert_eq!(
        environment.value("select count(*) from etl.unresolved_reference where system = 'urn:n'"),
        "0"
    );
}

#[test]
fn check_tells_a_text_that_was_lost_without_a_trace() {
    let environment = TestEnvironment::new();
    let immunization = json!({"resourceType": "Immunization", "id": "i", "status": "completed", "vaccineCode": {"text": "x"},
        "patient": {"identifier": {"system": "urn:mrn", "value": "9"}}});
    load_twice(&environment, &[("i.json", immunization.to_string().as_bytes())]);
    let told = environment.query("select patient_id, patient_reference, patient_display from immunization");
    assert_eq!(told, [[NULL, "Patient?identifier=urn:mrn|9", NULL]]);
    environment.run(&["check"]).expect_code(0);
    // Neither type nor display is left to tell that there was a reference.
    execute(environment.database_url(), "update immunization set patient_reference = null");
    let run = environment.run(&["check"]);
    assert_ne!(run.code, 0, "{}", run.stdout);
    let broken: Vec<&str> = run.stdout.lines().filter(|line| line.contains("every ")).collect();
    assert_eq!(broken.len(), 1, "{}", run.stdout);
    assert!(
        broken[0].contains("every Immunization with an unresolved reference has the text of one"),
        "{}",
        run.stdout
    );
}
