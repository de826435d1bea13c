//! `PUT`, `DELETE` and `POST /api/update` of one resource.

use pretty_assertions::assert_eq;

use super::{Client, expression, patient};
use crate::server::HttpService;
use crate::support::{execute, wait_until};

const GENDERS: &str = "select string_agg(gender, ',' order by gender) from patient";

#[test]
fn a_resource_is_in_the_tables_when_its_update_is_answered() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let database = &service.environment;
    let created = client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"female\"")).expect(201);
    assert_eq!(database.value(GENDERS), "female");
    assert_eq!(created.header("etag").as_deref(), Some("W/\"1\""));
    assert_eq!(created.header("location").as_deref(), Some("/fhir/Patient/p1/_history/1"));
    assert!(created.header("last-modified").unwrap().ends_with(" GMT"));
    assert!(created.header("x-request-id").is_some());
    assert_eq!(created.text(), "");
    // Line breaks are as good as blanks.
    let updated = client
        .put("/fhir/Patient/p1", "{\n\"resourceType\":\"Patient\",\r\n\"id\":\"p1\",\"gender\":\"male\"}");
    assert_eq!(updated.expect(200).header("etag").as_deref(), Some("W/\"2\""));
    assert_eq!(database.value(GENDERS), "male");
    let again = client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"male\"")).expect(200);
    assert_eq!(again.header("etag").as_deref(), Some("W/\"2\""));
    client.delete("/fhir/Patient/p1").expect(204);
    assert_eq!(database.value("select count(*) from patient"), "0");
    client.delete("/fhir/Patient/p1").expect(204);
    client.delete("/fhir/Patient/never-seen").expect(204);
    let revived = client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"other\"")).expect(201);
    assert_eq!(revived.header("etag").as_deref(), Some("W/\"4\""));
    let by_update = client.call("POST", "/api/update", &patient("p1", ",\"gender\":\"unknown\""), &[]);
    assert_eq!(by_update.expect(200).header("etag").as_deref(), Some("W/\"5\""));
    let outcome = client
        .call(
            "PUT",
            "/fhir/Patient/p1",
            &patient("p1", ",\"gender\":\"male\""),
            &["Prefer: return=OperationOutcome"],
        )
        .expect(200)
        .json();
    assert_eq!(outcome["issue"][0]["severity"], "information");
    client
        .call("POST", "/fhir/Patient", "{\"resourceType\":\"Patient\",\"gender\":\"male\"}", &[])
        .expect(201);
    assert_eq!(database.value("select count(*) from patient"), "2");
    // The file of record has the source, is accounted for, and lies in the archive.
    let account = "select string_agg(concat_ws(' ', s.code, f.status, f.seen, f.inserted, f.updated, f.unchanged, \
                   f.stale, f.deleted, f.rejected), ';') \
                   from etl.load_file f join etl.source s on s.id = f.source_id";
    wait_until("the file of record is complete", || {
        database.value(account) == "st-marys loaded 10 2 4 2 0 2 0"
            && database.value("select archive_path is not null from etl.load_file") == "true"
    });
    let actions = "select string_agg(distinct action, ',' order by action) from etl.audit_event \
                   where target = 'Patient'";
    assert_eq!(
        database.value(actions),
        "DELETE /fhir/{type}/{id},POST /api/update,POST /fhir/{type},PUT /fhir/{type}/{id}"
    );
}

#[test]
fn what_cannot_be_stored_is_refused_with_its_path_and_without_values() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let refused = client.put("/fhir/Patient/p1", &patient("p1", ",\"birthDate\":\"secret\"")).expect(422);
    assert_eq!(expression(&refused), "Patient.birthDate");
    assert!(!refused.text().contains("secret"), "{}", refused.text());
    let path = |answer, status| expression(&super::Answer::expect(answer, status));
    assert_eq!(path(client.put("/fhir/Patient/p1", &patient("p2", "")), 400), "Patient.id");
    assert_eq!(path(client.put("/fhir/Patient/p1", "{\"resourceType\":\"Patient\"}"), 400), "Patient.id");
    assert_eq!(path(client.put("/fhir/Encounter/p1", &patient("p1", "")), 400), "Encounter.resourceType");
    for (path, body, status) in [
        ("/fhir/Patient/p1", "{\"resourceType\":\"Patient\",\"id\":\"p1\"", 400),
        ("/fhir/Patient/p1", "[]", 400),
        ("/fhir/Patient/p1", "{\"id\":\"p1\"}", 400),
        ("/fhir/Patient/p1", "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"id\":\"p1\"}", 400),
        ("/fhir/Patient/p1", "{\"resourceType\":\"Patient\",\"id\":\"p1\",\"a\":1,\"a\":2}", 400),
        ("/fhir/Patient/p%201", &patient("p 1", ""), 400),
        ("/fhir/Patien/p1", &patient("p1", ""), 404),
        ("/fhir/Bundle/p1", "{\"resourceType\":\"Bundle\",\"id\":\"p1\"}", 404),
        ("/fhir/Patient/p1", "", 400),
    ] {
        client.put(path, body).expect(status);
    }
    client
        .call("PUT", "/fhir/Patient/p1", &patient("p1", ""), &["Content-Type: application/fhir+xml"])
        .expect(415);
    client.call("PUT", "/fhir/Patient/p1", &patient("p1", ""), &["Content-Encoding: gzip"]).expect(415);
    client.put("/fhir/Patient/p1", &patient("p1", &" ".repeat(8_000_001))).expect(413);
    client.call("POST", "/api/update", "{\"resourceType\":\"Patient\"}", &[]).expect(400);
    // Nothing of all that is anywhere.
    assert_eq!(service.environment.value("select count(*) from etl.load_file"), "0");
    // Who may not, and who is nobody.
    let pusher = service.sender("pusher", &["--scope", "push"]);
    let pusher = Client { service: &service, authorization: service.authorization(&pusher) };
    pusher.put("/fhir/Patient/p1", &patient("p1", "")).expect(403);
    pusher.delete("/fhir/Patient/p1").expect(403);
    let nobody = Client { service: &service, authorization: "Authorization: Bearer no".to_owned() };
    nobody.put("/fhir/Patient/p1", &patient("p1", "")).expect(401);
}

#[test]
fn what_is_older_than_the_tables_is_refused_and_what_comes_later_counts() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let dated = |year: &str, gender: &str| {
        patient(
            "p1",
            &format!(",\"gender\":\"{gender}\",\"meta\":{{\"lastUpdated\":\"{year}-01-01T00:00:00Z\"}}"),
        )
    };
    client.put("/fhir/Patient/p1", &dated("2020", "female")).expect(201);
    client.put("/fhir/Patient/p1", &dated("2019", "male")).expect(409);
    assert_eq!(service.environment.value(GENDERS), "female");
    client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"other\"")).expect(200);
    // A file that comes in between is later than what was updated before it, and earlier
    // than what is updated after it.
    service.environment.put("inbox/st-marys/a.ndjson", patient("p1", ",\"gender\":\"unknown\""));
    wait_until("the file is loaded", || service.environment.value(GENDERS) == "unknown");
    client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"male\"")).expect(200);
    assert_eq!(service.environment.value(GENDERS), "male");
    // Other sources have resources of their own.
    let county = Client::new(&service, "county");
    county.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"female\"")).expect(201);
    assert_eq!(service.environment.value(GENDERS), "female,male");
}

#[test]
fn what_the_database_refuses_keeps_nothing_else_out() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let database = &service.environment;
    let check = "alter table patient add constraint no_unknown check (gender is distinct from 'unknown')";
    execute(database.database_url(), check);
    let refused = client.put("/fhir/Patient/p1", &patient("p1", ",\"gender\":\"unknown\"")).expect(422);
    assert!(refused.text().contains("no_unknown") && !refused.text().contains("p1"), "{}", refused.text());
    let entry = |id: &str, gender: &str| {
        let resource = patient(id, &format!(",\"gender\":\"{gender}\""));
        format!("{{\"request\":{{\"method\":\"PUT\",\"url\":\"Patient/{id}\"}},\"resource\":{resource}}}")
    };
    let bundle = |kind: &str| {
        let entries = [entry("p2", "male"), entry("p3", "unknown"), entry("p4", "male")].join(",");
        format!("{{\"resourceType\":\"Bundle\",\"type\":\"{kind}\",\"entry\":[{entries}]}}")
    };
    client.call("POST", "/fhir", &bundle("transaction"), &[]).expect(422);
    assert_eq!(database.value("select count(*) from patient"), "0");
    let response = client.call("POST", "/fhir", &bundle("batch"), &[]).expect(200).json();
    let statuses: Vec<&str> =
        (0..3).map(|entry| &response["entry"][entry]["response"]["status"].as_str().unwrap()[..3]).collect();
    assert_eq!(statuses, ["201", "422", "201"]);
    assert_eq!(database.value("select string_agg(fhir_id, ',' order by fhir_id) from patient"), "p2,p4");
    let statement = client.call("GET", "/fhir/metadata", "", &[]).expect(200).json();
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    let of_patients = resources.iter().find(|resource| resource["type"] == "Patient").unwrap();
    assert_eq!(of_patients["interaction"][1]["code"], "update");
    assert!(resources.iter().all(|resource| resource["type"] != "Bundle"));
    client.call("GET", "/fhir/Patient/p2", "", &[]).expect(405);
}

#[test]
fn an_update_resolves_a_reject_of_a_file_when_it_is_answered() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let database = &service.environment;
    // A file of updates is open before the reject comes, and one after.
    client.put("/fhir/Patient/other", &patient("other", "")).expect(201);
    let bad = patient("p1", ",\"birthDate\":\"2015-02-30\"");
    database.put("inbox/st-marys/bad.json", &bad);
    let open = "select count(*) from etl.rejected_record where resolved_at is null";
    wait_until("the file is rejected", || database.value(open) == "1");
    client.put("/fhir/Patient/other", &patient("other", ",\"gender\":\"male\"")).expect(200);
    assert_eq!(database.value(open), "1");
    client.put("/fhir/Patient/p1", &patient("p1", "")).expect(201);
    assert_eq!(database.value(open), "0");
}
