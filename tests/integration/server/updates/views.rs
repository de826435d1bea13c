//! ViewDefinitions through HTTP: by `PUT`, in a transaction, and as files beside them.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::Client;
use crate::server::HttpService;
use crate::support::{TestEnvironment, wait_until};

fn definition(id: &str, path: &str) -> Value {
    json!({"resourceType": "ViewDefinition", "id": id, "name": id, "status": "active", "resource": "Patient",
        "select": [{"column": [{"name": "id", "path": "getResourceKey()"}, {"name": "value", "path": path}]}]})
}

const TABLES: &str = "select coalesce(string_agg(tablename, ' ' order by tablename), '') from pg_tables \
                      where schemaname = 'views'";

fn transaction(entries: &[(&str, &str, Value)]) -> Value {
    let entry = entries.iter().map(|(method, url, resource)| {
        let mut entry = json!({"request": {"method": method, "url": url}});
        if !resource.is_null() {
            entry["resource"] = resource.clone();
        }
        entry
    });
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entry.collect::<Vec<_>>()})
}

/// Waits until a query gives that value. A table may come at any time.
fn wait_for(environment: &TestEnvironment, table: &str, sql: &str, value: &str) {
    let is_there = format!("select to_regclass('views.{table}') is not null");
    wait_until(&format!("{sql} gives {value}"), || {
        environment.value(&is_there) == "true" && environment.value(sql) == value
    });
}

#[test]
fn definitions_are_taken_of_sources_that_may_send_them_and_refused_of_others() {
    let environment = TestEnvironment::new();
    environment.put("fhirmill.toml", "[[source]]\nname = \"clinic\"\nviews = true\n");
    let service = HttpService::start_in(environment, &[]);
    let environment = &service.environment;
    let (clinic, other) = (Client::new(&service, "clinic"), Client::new(&service, "other"));
    let patient =
        json!({"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-01-02"});
    clinic.put("/fhir/Patient/p", &patient.to_string()).expect(201);

    // Not allowed, alone and in a transaction, which stores nothing then.
    let put = |client: &Client<'_>, id: &str, path: &str| {
        client.put(&format!("/fhir/ViewDefinition/{id}"), &definition(id, path).to_string())
    };
    let refused = put(&other, "theirs", "gender").expect(422).json();
    let diagnostics = refused["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(diagnostics.contains("views = true"), "{refused}");
    let entries = [
        ("PUT", "Patient/x", json!({"resourceType": "Patient", "id": "x"})),
        ("PUT", "ViewDefinition/theirs", definition("theirs", "gender")),
    ];
    let refused = other.post(&transaction(&entries)).expect(422).json();
    assert_eq!(refused["issue"][0]["expression"][0], "Bundle.entry[1]", "{refused}");
    assert_eq!(environment.value("select count(*) from patient"), "1");

    // A mistake is told with its place.
    let faulty = put(&clinic, "genders", "gander").expect(422).json();
    let diagnostics = faulty["issue"][0]["diagnostics"].as_str().unwrap();
    assert!(
        diagnostics.contains("Patient has no element `gander`") && diagnostics.contains("^^^^^^"),
        "{faulty}"
    );
    assert_eq!(environment.value(TABLES), "");

    // Allowed, alone, in a transaction, and in the inbox: it is a resource, and soon a table.
    put(&clinic, "genders", "gender").expect(201);
    let entries = [
        ("PUT", "Patient/q", json!({"resourceType": "Patient", "id": "q", "birthDate": "1980"})),
        ("PUT", "ViewDefinition/births", definition("births", "birthDate")),
        ("PUT", "ViewDefinition/genders", definition("genders", "gender & '!'")),
    ];
    let answer = clinic.post(&transaction(&entries)).expect(200).json();
    let answers = answer["entry"].as_array().unwrap().iter();
    let statuses: Vec<&str> =
        answers.map(|entry| &entry["response"]["status"].as_str().unwrap()[..3]).collect();
    assert_eq!(statuses, ["201", "201", "200"]);
    environment.put("inbox/clinic/1.ndjson", definition("from_inbox", "id").to_string());
    let births = "select string_agg(value, ',' order by value) from views.births";
    wait_for(environment, "births", births, "1970-01-02,1980");
    let genders = "select string_agg(value, ',' order by value) from views.genders";
    wait_for(environment, "genders", genders, "!,female!");
    let ids = "select string_agg(value, ',' order by value) from views.from_inbox";
    wait_for(environment, "from_inbox", ids, "p,q");

    // Rows follow updates as they are answered, and a table goes with its definition.
    clinic.delete("/fhir/Patient/q").expect(204);
    assert_eq!(environment.value(births), "1970-01-02");
    clinic.delete("/fhir/ViewDefinition/genders").expect(204);
    wait_until("the table is dropped", || environment.value(TABLES) == "births from_inbox");
}
