//! Updates that depend on versions or identifiers, and those that are queued.

use pretty_assertions::assert_eq;
use serde_json::json;

use super::{Client, patient, send};
use crate::server::HttpService;
use crate::support::wait_until;

#[test]
fn an_update_depends_on_the_version_that_it_names() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let put = |gender: &str, header: &str| {
        let body = patient("p1", &format!(",\"gender\":\"{gender}\""));
        client.call("PUT", "/fhir/Patient/p1", &body, &[header])
    };
    put("male", "If-Match: W/\"1\"").expect(412);
    put("male", "If-Match: *").expect(412);
    put("male", "If-Match: 1").expect(400);
    put("male", "If-None-Match: *").expect(201);
    put("female", "If-None-Match: *").expect(412);
    put("female", "If-Match: W/\"2\"").expect(412);
    put("female", "If-Match: W/\"1\"").expect(200);
    put("female", "If-Match: W/\"2\"").expect(200);
    put("female", "If-Match: \"1\", W/\"2\"").expect(200);
    client.call("DELETE", "/fhir/Patient/p1", "", &["If-Match: W/\"1\""]).expect(412);
    client.call("DELETE", "/fhir/Patient/p1", "", &["If-Match: W/\"2\""]).expect(204);
    put("other", "If-Match: W/\"3\"").expect(412);
    put("other", "If-None-Match: *").expect(201);
    assert_eq!(service.environment.value("select gender from patient"), "other");
}

#[test]
fn an_identifier_names_the_one_resource_that_has_it() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let with = |id: &str, value: &str, gender: &str| {
        let mut resource = json!({"resourceType": "Patient", "gender": gender,
            "identifier": [{"system": "urn:mrn", "value": value}]});
        if !id.is_empty() {
            resource["id"] = json!(id);
        }
        resource.to_string()
    };
    client.put("/fhir/Patient/a", &with("a", "1", "male")).expect(201);
    let updated = client.put("/fhir/Patient?identifier=urn:mrn%7C1", &with("", "1", "female")).expect(200);
    assert_eq!(updated.header("location").as_deref(), Some("/fhir/Patient/a/_history/2"));
    client.put("/fhir/Patient?identifier=urn:mrn%7C1", &with("b", "1", "female")).expect(400);
    client.put("/fhir/Patient?identifier=urn:mrn%7C2", &with("c", "2", "female")).expect(201);
    client.put("/fhir/Patient?name=x", &with("c", "2", "female")).expect(400);
    client.put("/fhir/Patient?identifier=urn:mrn%7C2&active=true", &with("c", "2", "female")).expect(400);
    let create = |value: &str| {
        let criteria = format!("If-None-Exist: identifier=urn:mrn|{value}");
        client.call("POST", "/fhir/Patient", &with("", value, "other"), &[&criteria])
    };
    create("1").expect(200);
    create("3").expect(201);
    create("3").expect(200);
    client.put("/fhir/Patient/d", &with("d", "1", "male")).expect(201);
    client.put("/fhir/Patient?identifier=urn:mrn%7C1", &with("", "1", "female")).expect(412);
    client.delete("/fhir/Patient?identifier=urn:mrn%7C1").expect(412);
    client.delete("/fhir/Patient?identifier=urn:mrn%7C2").expect(204);
    client.delete("/fhir/Patient?identifier=urn:mrn%7C9").expect(204);
    client.delete("/fhir/Patient").expect(400);
    let genders = "select string_agg(gender, ',' order by gender) from patient";
    assert_eq!(service.environment.value(genders), "female,male,other");
}

/// Files wait for as long as this process lives.
const NOTHING_LOADS: (&str, &str) = ("FAILPOINTS", "claimed=pause");

#[test]
fn updates_are_queued_where_too_many_wait_and_what_comes_later_waits_behind_them() {
    let mut service = HttpService::start_with(&[NOTHING_LOADS, ("MAX_QUEUED_FILES", "3")]);
    let authorization = service.authorized("st-marys");
    let put = |service: &HttpService, id: &str, headers: &[&str]| {
        let path = format!("/fhir/Patient/{id}");
        send(service.port, &authorization, ("PUT", &path), &patient(id, ""), headers)
    };
    put(&service, "a", &[]).expect(201);
    let queued = put(&service, "a", &["Prefer: respond-async"]).expect(202);
    let job = queued.header("content-location").unwrap();
    put(&service, "b", &[]).expect(202);
    let refused = put(&service, "b", &["If-Match: W/\"1\""]).expect(429);
    assert!(refused.header("retry-after").is_some());
    put(&service, "c", &["Prefer: respond-async"]).expect(202);
    assert!(put(&service, "d", &["Prefer: respond-async"]).expect(429).header("retry-after").is_some());
    // What is wrong is refused at once.
    let wrong = patient("e", ",\"birthDate\":\"soon\"");
    send(service.port, &authorization, ("PUT", "/fhir/Patient/e"), &wrong, &["Prefer: respond-async"])
        .expect(422);
    service.settings = vec![("MAX_WAITING_UPDATES".to_owned(), "0".to_owned())];
    service.restart();
    let account = service.finished(&authorization, &job);
    assert_eq!((&account["seen"], &account["unchanged"]), (&1.into(), &1.into()), "{account}");
    let job = put(&service, "d", &[]).expect(202).header("content-location").unwrap();
    assert_eq!(service.finished(&authorization, &job)["inserted"], 1);
    wait_until("all are loaded", || service.environment.value("select count(*) from patient") == "4");
}
