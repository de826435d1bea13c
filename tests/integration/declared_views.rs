//! Views that users declare: their tables are made, filled from the archive, kept
//! current by every load, changed and dropped.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::steps::{load, load_twice};
use crate::support::{NULL, TestEnvironment};

fn view(columns: &serde_json::Value) -> String {
    json!({"resourceType": "ViewDefinition", "name": "weights", "description": "body weights", "status": "active",
        "resource": "Observation", "select": [{"column": columns}]})
    .to_string()
}

fn columns() -> serde_json::Value {
    json!([
        {"name": "id", "path": "getResourceKey()"},
        {"name": "patient_id", "path": "subject.getReferenceKey(Patient)", "description": "key of the patient"},
        {"name": "weight", "path": "value.ofType(Quantity).value", "type": "decimal"},
        {"name": "status", "path": "status", "type": "code", "tag": [{"name": "fhirmill/index", "value": "true"}]},
        {"name": "taken", "path": "effective.ofType(dateTime)", "tag": [{"name": "ansi/type", "value": "DATE"}]}
    ])
}

fn observation(id: &str, weight: &str) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","subject":{{"reference":"Patient/p"}},"effectiveDateTime":"2020-05","valueQuantity":{{"value":{weight}}}}}"#
    )
}

const ROWS: &str = "select o.fhir_id, p.fhir_id, v.weight, v.status, v.taken from views.weights v \
                    join observation o on o.id = v.id left join patient p on p.id = v.patient_id order by 1";

#[test]
fn a_view_is_filled_kept_current_changed_and_dropped() {
    let environment = TestEnvironment::new();
    let file = format!("{}\n{}", r#"{"resourceType":"Patient","id":"p"}"#, observation("a", "70.50"));
    load_twice(&environment, &[("1.ndjson", file.as_bytes())]);
    let path = environment.put("weights.json", view(&columns()));
    let path = path.to_str().unwrap();

    // Filled from the archive, and not touched by applying it again.
    environment.run(&["views", "apply", path]).expect_code(0);
    assert_eq!(environment.query(ROWS), [["a", "p", "70.50", "final", "2020-05-01"]]);
    let again = environment.run(&["views", "apply", path]).expect_code(0);
    assert_eq!(again.stdout, "weights: unchanged\n");
    let comments = "select obj_description('views.weights'::regclass), \
                    col_description('views.weights'::regclass, (select attnum from pg_attribute \
                      where attrelid = 'views.weights'::regclass and attname = 'patient_id'))";
    assert_eq!(environment.query(comments), [["body weights", "key of the patient"]]);

    // Inserts, replacements and deletes.
    load_twice(
        &environment,
        &[("2.ndjson", format!("{}\n{}", observation("a", "71"), observation("b", "60.0")).as_bytes())],
    );
    let expected = [["a", "p", "71", "final", "2020-05-01"], ["b", "p", "60.0", "final", "2020-05-01"]];
    assert_eq!(environment.query(ROWS), expected);
    let delete = r#"{"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Observation/b"}}]}"#;
    load(&environment, &[("3.json", delete.as_bytes())]);
    assert_eq!(environment.query(ROWS), expected[..1]);
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.query(ROWS), expected[..1]);
    environment.run(&["check"]).expect_code(0);

    // A changed view replaces the old one.
    let mut changed = columns();
    changed.as_array_mut().unwrap().push(json!({"name": "unit", "path": "value.ofType(Quantity).unit"}));
    environment.put("weights.json", view(&changed));
    environment.run(&["views", "apply", path]).expect_code(0);
    assert_eq!(environment.query(ROWS), expected[..1]);
    assert_eq!(environment.value("select unit from views.weights"), NULL);
    let listed = environment.run(&["views", "list", "--json"]).expect_code(0).json();
    assert_eq!(listed[0]["name"], "weights");
    assert_eq!((&listed[0]["version"], &listed[0]["state"]), (&json!(2), &json!("ready")));
    assert_eq!(environment.value("select count(*) from pg_tables where schemaname = 'views'"), "1");

    // A resource that does not fit the view is loaded all the same.
    let broken =
        observation("c", "1").replace("\"final\"", "\"final\",\"note\":[{\"text\":\"x\"},{\"text\":\"y\"}]");
    let mut several = columns();
    several.as_array_mut().unwrap().push(json!({"name": "note", "path": "note.text"}));
    environment.put("weights.json", view(&several));
    environment.run(&["views", "apply", path]).expect_code(0);
    load(&environment, &[("4.ndjson", broken.as_bytes())]);
    assert_eq!(environment.value("select count(*) from observation"), "2");
    assert_eq!(environment.query(ROWS), expected[..1]);

    environment.run(&["views", "drop", "weights"]).expect_code(0);
    environment.run(&["views", "drop", "weights"]).expect_code(2);
    assert_eq!(environment.value("select count(*) from pg_tables where schemaname = 'views'"), "0");
    load(&environment, &[("5.ndjson", observation("d", "1").as_bytes())]);
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_mistake_is_told_with_its_place_and_nothing_is_applied() {
    let environment = TestEnvironment::without_database();
    let text = view(&json!([{"name": "x", "path": "valu.ofType(Quantity)"}]));
    let path = environment.put("wrong.json", &text);
    let path = path.to_str().unwrap();
    let found = environment.run(&["views", "check", path]).expect_code(5);
    assert!(found.stdout.contains("error: Observation has no element `valu`"), "{}", found.stdout);
    assert!(found.stdout.contains("help: did you mean `value`?"), "{}", found.stdout);
    let json = environment.run(&["views", "check", "--json", path]).expect_code(5).json();
    assert_eq!((&json[0]["path"], &json[0]["line"]), (&json!("select[0].column[0].path"), &json!(1)));
    environment.run(&["views", "run", "--view", path, path]).expect_code(2);
}

#[test]
fn rows_of_files_are_printed_without_a_database() {
    let environment = TestEnvironment::without_database();
    let view = environment.put("weights.json", view(&columns()));
    let input = environment
        .put("in/1.ndjson", format!("{}\n{{broken\n{}\n", observation("a", "1.0"), observation("b", "2")));
    let folder = input.parent().unwrap().to_str().unwrap();
    let arguments = ["views", "run", "--view", view.to_str().unwrap(), folder];
    let printed = environment.run(&arguments).expect_code(3);
    let expected = "id,patient_id,weight,status,taken\nObservation/a,Patient/p,1.0,final,2020-05\n\
                    Observation/b,Patient/p,2,final,2020-05\n";
    assert_eq!(printed.stdout, expected);
    assert!(printed.stderr.contains("line 2"), "{}", printed.stderr);
    let printed = environment.run(&[&arguments[..], &["--format", "ndjson"]].concat()).expect_code(3);
    let first = printed.stdout.lines().next().unwrap();
    let expected =
        r#"{"id":"Observation/a","patient_id":"Patient/p","weight":1.0,"status":"final","taken":"2020-05"}"#;
    assert_eq!(first, expected);
}
