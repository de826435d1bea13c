//! A person is erased whose records came by HTTP: as uploaded files, and as updates that fhirmill wrote to
//! files itself.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use super::HttpService;
use super::updates::send;
use crate::operators::erase::{Deliveries, ID, MARK, PATIENT, observation, person, places_of_mark};
use crate::support::wait_until;

/// Where the mark is, without the output of the service, which is not in its log folder.
fn marked(service: &HttpService) -> Vec<String> {
    let mut places = places_of_mark(&service.environment);
    places.retain(|place| place != "output" && place != "errors");
    places
}

fn erase(service: &HttpService) -> Value {
    let command = ["erase", PATIENT, "--source", "north", "--yes", "--shared", "keep", "--json"];
    service.environment.run(&command).expect_code(0).json()
}

#[test]
fn nothing_is_left_of_a_person_that_came_by_http() {
    let mut service = HttpService::start();
    let deliveries = Deliveries { has_person: true };
    {
        let authorization = service.authorized("north");
        let call = |method: &str, path: &str, body: &str| {
            send(service.port, &authorization, (method, path), body, &[])
        };
        call("POST", "/fhir", &deliveries.transaction()).expect(200);
        for (name, content) in [
            (format!("Zqxmarkgiven_{ID}.ndjson"), deliveries.several()),
            (format!("{ID}.json"), person(ID, MARK, 6).to_string()),
        ] {
            let upload = service.begin(&authorization, &name, 1);
            service.put(&authorization, &upload, 1, content.as_bytes()).expect(204);
            let job = service.complete(&authorization, &upload).expect(202);
            let account = service.finished(&authorization, &job.header("content-location").unwrap());
            assert_eq!(account["status"], "loaded", "{account}");
        }
        for resource in [
            person(ID, MARK, 7),
            observation("o-zqxmark", ID, MARK),
            observation("o9-zqxmark", ID, MARK),
            person("a", "anna", 7),
            observation("oa9", "a", "anna"),
        ] {
            let path = format!(
                "/fhir/{}/{}",
                resource["resourceType"].as_str().unwrap(),
                resource["id"].as_str().unwrap()
            );
            let answer = call("PUT", &path, &resource.to_string());
            assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        }
        call("DELETE", "/fhir/Observation/o9-zqxmark", "").expect(204);
        // Refused, and kept for nobody.
        let another = format!("{{\"resourceType\":\"Patient\",\"id\":\"{MARK}\"}}");
        call("PUT", &format!("/fhir/{PATIENT}"), &another).expect(400);
    }
    // The service closes its file of updates when no more come. It remembers ids, until it ends.
    let open = "select count(*) from etl.load_file where archive_path is null or status = 'loading'";
    wait_until("all files are in the archive", || service.environment.value(open) == "0");
    let told = erase(&service);
    assert_eq!((&told["missing_files"], &told["files_in_inbox"]), (&json!([]), &json!([])), "{told:#}");
    assert_eq!(
        service.environment.value("select string_agg(fhir_id, ' ' order by fhir_id) from patient"),
        "a c"
    );
    drop(service.end());
    service.environment.run(&["erase", "--finish"]).expect_code(0);
    assert_eq!(marked(&service), Vec::<String>::new());
    service.environment.run(&["check", "--archive"]).expect_code(0);
    service.environment.run(&["remap"]).expect_code(0);
    service.environment.run(&["show", "Observation/oa9"]).expect_code(0);
    assert_eq!(marked(&service), Vec::<String>::new());
}
