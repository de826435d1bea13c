//! Requests by identifier whose owner comes later, or at the same moment in another
//! process: it is one resource, whoever is first
//! (<https://hl7.org/fhir/R4/http.html#ccreate>).

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::steps::{load, load_cases_twice, load_twice};
use crate::support::TestEnvironment;
use crate::support::state::{State, assert_same};

const UUID: &str = "0a1b2c3d-0000-4000-8000-0000000000";

fn patient(id: Option<&str>, number: &str, family: &str) -> Value {
    let mut patient = json!({"resourceType": "Patient", "name": [{"family": family}],
        "identifier": [{"system": "urn:mrn", "value": number}]});
    if let Some(id) = id {
        patient["id"] = id.into();
    }
    patient
}

fn observation(id: &str, subject: &Value) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": subject})
}

/// A transaction that names the patient by number, in one of the conditional forms,
/// with an observation of it.
fn conditional(form: &str, resource: &Value, number: &str, suffix: u32) -> Value {
    let full_url = format!("urn:uuid:{UUID}{suffix:02}");
    let request = match form {
        "create" => {
            json!({"method": "POST", "url": "Patient", "ifNoneExist": format!("identifier=urn:mrn|{number}")})
        }
        _ => json!({"method": "PUT", "url": format!("Patient?identifier=urn:mrn%7C{number}")}),
    };
    let of_it = observation(&format!("bundle-{suffix}"), &json!({"reference": full_url}));
    json!({"resourceType": "Bundle", "type": "transaction", "entry": [
        {"fullUrl": full_url, "resource": resource, "request": request},
        {"resource": of_it, "request": {"method": "PUT", "url": format!("Observation/bundle-{suffix}")}}]})
}

const SUBJECTS: &str = "select o.fhir_id, p.fhir_id, o.subject_reference \
                        from observation o left join patient p on p.id = o.patient_id and p.source_id = o.source_id order by 1";

fn patients(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select p.fhir_id, n.family from patient p join patient_name n on n.patient_id = p.id order by 1, 2",
    )
}

fn assert_all_lead_to(environment: &TestEnvironment, id: &str, count: usize, when: &str) {
    let subjects = environment.query(SUBJECTS);
    assert_eq!(subjects.len(), count, "{when}: {subjects:?}");
    assert!(subjects.iter().all(|subject| subject[1] == id), "{when}: {subjects:?}");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn an_owner_that_is_read_later_takes_the_place_of_what_the_request_made() {
    let by_number = json!({"identifier": {"system": "urn:mrn", "value": "9"}});
    let observations = |ids: &[(&str, Value)]| {
        let lines: Vec<String> =
            ids.iter().map(|(id, subject)| observation(id, subject).to_string()).collect();
        lines.join("\n")
    };
    // Each form, with and without an ID of its own, is a source.
    let forms = ["create", "create", "update", "update"];
    let own_ids = [None, Some("0a1b2c3d-0000-4000-8000-00000000abcd")];
    let deliveries: [(&str, Vec<String>); 4] = [
        (
            "1.ndjson",
            vec![
                observations(&[
                    ("by-id", json!({"reference": "Patient/p"})),
                    ("by-number", by_number.clone())
                ]);
                4
            ],
        ),
        (
            "2.json",
            forms
                .iter()
                .zip(own_ids.into_iter().cycle())
                .map(|(form, own_id)| conditional(form, &patient(own_id, "9", "Maiden"), "9", 1).to_string())
                .collect(),
        ),
        ("3.json", vec![patient(Some("p"), "9", "Married").to_string(); 4]),
        ("4.json", vec![observations(&[("later", by_number)]); 4]),
    ];
    for files_at_once in [1, 2, 4] {
        let when = format!("{files_at_once} files at once");
        let environment = TestEnvironment::new();
        for deliveries in deliveries.chunks(files_at_once) {
            let mut files = Vec::new();
            for (name, contents) in deliveries {
                for (case, content) in contents.iter().enumerate() {
                    files.push((format!("case-{case:02}/{name}"), content.as_bytes()));
                }
            }
            let files: Vec<(&str, &[u8])> =
                files.iter().map(|(path, content)| (path.as_str(), *content)).collect();
            // Of two contents without a time the one read last counts, so both
            // files are read again.
            load(&environment, &files);
            load(&environment, &files);
        }
        assert_eq!(patients(&environment), [["p", "Married"]; 4], "{when}");
        assert_all_lead_to(&environment, "p", 4 * 4, &when);
        // However often it is delivered, and in whatever Bundle.
        let again = forms.map(|form| conditional(form, &patient(None, "9", "Married"), "9", 2).to_string());
        load_cases_twice(&environment, "5.json", &again);
        assert_eq!(patients(&environment), [["p", "Married"]; 4], "{when}, again");
        assert_all_lead_to(&environment, "p", 4 * 5, &when);
        let before = State::of(&environment);
        environment.run(&["remap"]).expect_code(0);
        assert_same(&State::of(&environment), &before, &when);
    }
}

#[test]
fn the_order_of_versions_holds_for_what_a_request_made() {
    // The transaction is of 2024, the export of 2020, and read later.
    let mut bundle = conditional("update", &patient(None, "9", "Married"), "9", 1);
    bundle["timestamp"] = "2024-01-01T00:00:00Z".into();
    let mut owner = patient(Some("p"), "9", "Maiden");
    owner["meta"] = json!({"lastUpdated": "2020-01-01T00:00:00Z"});
    for names in [["1.json", "2.json"], ["2.json", "1.json"]] {
        let environment = TestEnvironment::new();
        let (bundle, owner) = (bundle.to_string(), owner.to_string());
        load_twice(&environment, &[(names[0], bundle.as_bytes()), (names[1], owner.as_bytes())]);
        assert_eq!(patients(&environment), [["p", "Married"]], "{names:?}");
        assert_all_lead_to(&environment, "p", 1, "two versions");
    }
}

#[test]
fn what_was_delivered_by_its_id_is_no_makeshift() {
    // A request made `a`, which then came as itself. `b` is another one.
    let environment = TestEnvironment::new();
    let bundle = conditional("update", &patient(Some("a"), "9", "Ann"), "9", 1).to_string();
    load_twice(&environment, &[("1.json", bundle.as_bytes())]);
    load_twice(&environment, &[("2.json", patient(Some("a"), "9", "Anna").to_string().as_bytes())]);
    load_twice(&environment, &[("3.json", patient(Some("b"), "9", "Bob").to_string().as_bytes())]);
    assert_eq!(patients(&environment), [["a", "Anna"], ["b", "Bob"]]);
    // Two that come at once are ambiguous: neither takes the place.
    let environment = TestEnvironment::new();
    let bundle = conditional("create", &patient(None, "9", "Cid"), "9", 1).to_string();
    load(&environment, &[("1.json", bundle.as_bytes())]);
    let two = [patient(Some("a"), "9", "Ann"), patient(Some("b"), "9", "Bob")];
    load(&environment, &[("2.ndjson", two.map(|line| line.to_string()).join("\n").as_bytes())]);
    assert_eq!(environment.value("select count(*) from patient"), "3");
}

#[test]
fn requests_by_two_numbers_of_one_person_make_one() {
    let mut person = patient(None, "9", "Ann");
    person["identifier"].as_array_mut().unwrap().push(json!({"system": "urn:mrn", "value": "8"}));
    for form in ["create", "update"] {
        let (one, two) = (conditional(form, &person, "9", 1), conditional(form, &person, "8", 2));
        let environment = TestEnvironment::new();
        let (one, two) = (one.to_string(), two.to_string());
        load_twice(&environment, &[("1.json", one.as_bytes()), ("2.json", two.as_bytes())]);
        assert_eq!(environment.value("select count(*) from patient"), "1", "{form}");
        assert_eq!(environment.value("select count(*) from observation where patient_id is null"), "0");
        environment.run(&["check"]).expect_code(0);
    }
}

const INBOXES: [&str; 2] = ["inbox", "other-inbox"];

fn start(environment: &TestEnvironment, inbox: &str) -> Child {
    let mut command = environment.command(&["once"]);
    command.envs([("BATCH_BYTES", "64KiB"), ("WORKERS", "3"), ("INBOX_DIR", inbox)]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn expect_end(child: Child) {
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{}: {told}", output.status);
    assert!(!told.contains("deadlock"), "{told}");
}

#[test]
fn processes_at_the_same_moment_make_one_resource_of_a_number() {
    // More than half a batch, so that every file is one.
    let padding = "pad ".repeat(10_000);
    for round in 0..3 {
        let environment = TestEnvironment::new();
        let put = |inbox: usize, name: &str, content: &Value| {
            environment.put(&format!("{}/{name}.json", INBOXES[inbox]), content.to_string());
        };
        for number in 0..24_u32 {
            let form = if number % 2 == 0 { "create" } else { "update" };
            let text = number.to_string();
            let mut bundle = conditional(form, &patient(None, &text, "Ann"), &text, number);
            bundle["entry"][1]["resource"]["note"] = json!([{"text": padding}]);
            let mut owner = patient(Some(&format!("p{number}")), &text, "Ann");
            owner["name"][0]["text"] = padding.clone().into();
            let by_number = json!({"identifier": {"system": "urn:mrn", "value": text}});
            let other = observation(&format!("other-{number}"), &by_number);
            // Who comes first differs.
            let place = (number + round) as usize % 2;
            put(place, &format!("{number:02}-a"), &bundle);
            put(place, &format!("{number:02}-b"), &other);
            // A third of the numbers is in no other file.
            if number % 3 > 0 {
                put(1 - place, &format!("{number:02}-c"), &owner);
            } else {
                let again = conditional(form, &patient(None, &text, "Ann"), &text, number + 50);
                put(1 - place, &format!("{number:02}-c"), &again);
            }
        }
        for child in INBOXES.map(|inbox| start(&environment, inbox)) {
            expect_end(child);
        }
        let ids = environment.query("select fhir_id from patient where fhir_id like 'p%' order by 1");
        assert_eq!(ids.len(), 16, "{ids:?}");
        assert_eq!(environment.value("select count(*) from patient"), "24");
        let lost = "select o.fhir_id from observation o left join patient p on p.id = o.patient_id where p.id is null";
        assert_eq!(environment.query(lost), Vec::<Vec<String>>::new());
        environment.run(&["check"]).expect_code(0);
    }
}
