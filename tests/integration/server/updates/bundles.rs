//! `POST /fhir`: transactions, batches and other Bundles.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::{Client, expression};
use crate::server::HttpService;
use crate::support::wait_until;

fn put(id: &str, more: &Value) -> Value {
    let mut resource = json!({"resourceType": "Patient", "id": id});
    for (name, value) in more.as_object().unwrap() {
        resource[name] = value.clone();
    }
    json!({"request": {"method": "PUT", "url": format!("Patient/{id}")}, "resource": resource})
}

fn delete(id: &str) -> Value {
    json!({"request": {"method": "DELETE", "url": format!("Patient/{id}")}})
}

fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}

/// The statuses of the entries of a response, without phrases.
fn statuses(response: &Value) -> String {
    let entries = response["entry"].as_array().unwrap();
    let status = |entry: &Value| entry["response"]["status"].as_str().unwrap()[..3].to_owned();
    entries.iter().map(status).collect::<Vec<_>>().join(" ")
}

const COUNT: &str = "select count(*) from patient";

#[test]
fn a_transaction_is_stored_whole_or_not_at_all() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let database = &service.environment;
    let visit = json!({
        "fullUrl": "urn:uuid:6f1df156-8793-46a0-9df1-570bca4dcc07",
        "request": {"method": "POST", "url": "Encounter"},
        "resource": {"resourceType": "Encounter", "status": "finished", "class": {"code": "AMB"},
            "subject": {"reference": "urn:uuid:7f1df156-8793-46a0-9df1-570bca4dcc07"}},
    });
    let person = json!({
        "fullUrl": "urn:uuid:7f1df156-8793-46a0-9df1-570bca4dcc07",
        "request": {"method": "POST", "url": "Patient"},
        "resource": {"resourceType": "Patient", "gender": "female"},
    });
    let whole = bundle("transaction", &[visit, put("p1", &json!({})), person, delete("gone")]);
    let response = client.post(&whole).expect(200).json();
    assert_eq!(
        (&response["resourceType"], &response["type"]),
        (&"Bundle".into(), &"transaction-response".into())
    );
    assert_eq!(statuses(&response), "201 201 201 204");
    assert_eq!(response["entry"][1]["response"]["location"], "Patient/p1/_history/1");
    assert_eq!(response["entry"][1]["response"]["etag"], "W/\"1\"");
    let joined =
        "select count(*) from encounter e join patient p on p.id = e.patient_id where p.gender = 'female'";
    assert_eq!(database.value(joined), "1");
    assert_eq!(statuses(&client.post(&whole).expect(200).json()), "200 200 200 204");
    // One entry that cannot be keeps all others out.
    let wrong = put("p2", &json!({"birthDate": "soon"}));
    let refused = client.post(&bundle("transaction", &[put("p3", &json!({})), wrong])).expect(422);
    assert_eq!(expression(&refused), "Bundle.entry[1].resource.birthDate");
    let dated = |year: &str, gender: &str| json!({"gender": gender, "meta": {"lastUpdated": format!("{year}-01-01T00:00:00Z")}});
    client.post(&bundle("transaction", &[put("p4", &dated("2020", "male"))])).expect(200);
    let stale = bundle("transaction", &[put("p5", &json!({})), put("p4", &dated("2019", "other"))]);
    assert_eq!(expression(&client.post(&stale).expect(409)), "Bundle.entry[1]");
    let mut conditional = put("p1", &json!({"gender": "male"}));
    conditional["request"]["ifMatch"] = json!("W/\"7\"");
    let unmatched = bundle("transaction", &[put("p6", &json!({})), conditional]);
    assert_eq!(expression(&client.post(&unmatched).expect(412)), "Bundle.entry[1]");
    assert_eq!(database.value(COUNT), "3");
    // What makes no sense.
    let nameless = json!({"resource": {"resourceType": "Patient", "id": "p7"}});
    let get = json!({"request": {"method": "GET", "url": "Patient/p1"}});
    for (entries, path) in [
        (vec![put("p7", &json!({})), nameless], "Bundle.entry[1].request"),
        (vec![get], "Bundle.entry[0].request.method"),
        (vec![put("p7", &json!({})), put("p7", &json!({}))], "Bundle.entry[1]"),
    ] {
        assert_eq!(expression(&client.post(&bundle("transaction", &entries)).expect(400)), path);
    }
    for body in [json!({"resourceType": "Bundle"}), json!({"resourceType": "Patient"}), json!([])] {
        client.post(&body).expect(400);
    }
    assert_eq!(client.post(&bundle("transaction", &[])).expect(200).json()["type"], "transaction-response");
    assert_eq!(database.value(COUNT), "3");
}

#[test]
fn the_entries_of_a_batch_and_of_other_bundles_stand_for_themselves() {
    let service = HttpService::start();
    let client = Client::new(&service, "st-marys");
    let wrong = put("p2", &json!({"birthDate": "soon"}));
    let get = json!({"request": {"method": "GET", "url": "Patient/p1"}});
    let entries =
        [put("p1", &json!({})), wrong.clone(), put("p1", &json!({"gender": "male"})), delete("p0"), get];
    let response = client.post(&bundle("batch", &entries)).expect(200).json();
    assert_eq!(response["type"], "batch-response");
    assert_eq!(statuses(&response), "201 422 200 204 400");
    let outcome = &response["entry"][1]["response"]["outcome"];
    assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[1].resource.birthDate");
    assert_eq!(service.environment.value("select string_agg(gender, ',') from patient"), "male");
    // A Bundle without requests, by either call.
    let resources = [put("p3", &json!({})), wrong].map(|entry| json!({"resource": entry["resource"]}));
    let collection = bundle("collection", &resources);
    let response = client.call("POST", "/api/update", &collection.to_string(), &[]).expect(200).json();
    assert_eq!(statuses(&response), "201 422");
    let outcome = &response["entry"][1]["response"]["outcome"];
    assert_eq!(outcome["issue"][0]["expression"][0], "Bundle.entry[1].resource.birthDate");
    assert_eq!(service.environment.value(COUNT), "2");
    client.post(&bundle("collection", &resources[1..])).expect(422);
    // The files of record hold what was stored, and the reject of the collection.
    let sums = "select concat_ws(' ', sum(seen), sum(inserted), sum(updated), sum(deleted), sum(rejected)) \
                from etl.load_file where status = 'loaded'";
    wait_until("the files are complete", || service.environment.value(sums) == "5 2 1 1 1");
}
