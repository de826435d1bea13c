//! Keys in views are the keys of the tables, for every kind of reference, whether a view is
//! filled while files are loaded or afterwards from the archive.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::steps::load;
use crate::support::TestEnvironment;

fn view(name: &str) -> String {
    json!({"resourceType": "ViewDefinition", "name": name, "status": "active", "resource": "Observation",
        "select": [{"column": [
            {"name": "id", "path": "getResourceKey()"},
            {"name": "any", "path": "subject.getReferenceKey()"},
            {"name": "patient", "path": "subject.getReferenceKey(Patient)"},
            {"name": "device", "path": "device.getReferenceKey(Device)"},
            {"name": "code", "path": "code.text"}]}]})
    .to_string()
}

fn observation(id: &str, subject: &Value) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "code": {"text": id}, "subject": subject})
}

fn by_reference(id: &str, reference: &str) -> Value {
    observation(id, &json!({"reference": reference}))
}

const URN: &str = "urn:uuid:c757873d-ec9a-4326-a141-556f43239520";

/// A file with all kinds of references, and one that resolves what is open after it.
fn files() -> [String; 2] {
    let mut contained = by_reference("contained", "#inside");
    contained["contained"] = json!([{"resourceType": "Patient", "id": "inside", "gender": "male"}]);
    let mut device = by_reference("relative", "Patient/p");
    device["device"] = json!({"reference": "Device/d"});
    let entries = [
        ("http://clinic.example/fhir/Patient/p", json!({"resourceType": "Patient", "id": "p"})),
        (URN, json!({"resourceType": "Patient", "id": "u"})),
        ("http://clinic.example/fhir/Observation/relative", device),
        (
            "http://clinic.example/fhir/Observation/versioned",
            by_reference("versioned", "Patient/p/_history/3"),
        ),
        (
            "http://clinic.example/fhir/Observation/absolute",
            by_reference("absolute", "http://clinic.example/fhir/Patient/p"),
        ),
        (
            "http://clinic.example/fhir/Observation/foreign",
            by_reference("foreign", "http://elsewhere.example/fhir/Patient/p"),
        ),
        ("http://clinic.example/fhir/Observation/urn", by_reference("urn", URN)),
        (
            "http://clinic.example/fhir/Observation/conditional",
            by_reference("conditional", "Patient?identifier=http://ids|7"),
        ),
        (
            "http://clinic.example/fhir/Observation/logical",
            observation("logical", &json!({"identifier": {"system": "http://ids", "value": "7"}})),
        ),
        ("http://clinic.example/fhir/Observation/group", by_reference("group", "Group/g")),
        ("http://clinic.example/fhir/Observation/contained", contained),
        ("http://clinic.example/fhir/Observation/none", observation("none", &json!({"display": "nobody"}))),
    ];
    let entries: Vec<Value> =
        entries.iter().map(|(url, resource)| json!({"fullUrl": url, "resource": resource})).collect();
    let owner = json!({"resourceType": "Patient", "id": "owner", "identifier": [{"system": "http://ids", "value": "7"}]});
    [json!({"resourceType": "Bundle", "type": "collection", "entry": entries}).to_string(), owner.to_string()]
}

/// What each reference means: the type and id of the key in each column.
const KEYS: &str = "select v.code, coalesce(a.resource_type || '/' || a.fhir_id, '-') as any_key, \
                           coalesce(p.fhir_id, '-') as patient, coalesce(d.fhir_id, '-') as device \
                      from views.TABLE v left join etl.resource_key a on a.id = v.any \
                      left join etl.resource_key p on p.id = v.patient left join etl.resource_key d on d.id = v.device \
                     order by v.code";

#[test]
fn reference_keys_are_those_of_the_tables() {
    let environment = TestEnvironment::new();
    let apply = |name: &str| {
        let path = environment.put(&format!("{name}.json"), view(name));
        environment.run(&["views", "apply", path.to_str().unwrap()]).expect_code(0);
    };
    apply("before");
    let [first, second] = files();
    load(&environment, &[("1.json", first.as_bytes())]);
    let open =
        "select count(*) from views.before where code in ('conditional', 'logical') and \"any\" is null";
    assert_eq!(environment.value(open), "2");
    load(&environment, &[("2.json", second.as_bytes())]);
    apply("after");

    let row =
        |code: &str, any: &str, patient: &str, device: &str| [code, any, patient, device].map(str::to_owned);
    let foreign = environment.query(&KEYS.replace("TABLE", "after"))[3].clone();
    let expected = [
        row("absolute", "Patient/p", "p", "-"),
        row("conditional", "Patient/owner", "owner", "-"),
        row("contained", "Patient/Observation/contained#inside", "Observation/contained#inside", "-"),
        // Whatever the tables make of it.
        [foreign[0].clone(), foreign[1].clone(), foreign[2].clone(), foreign[3].clone()],
        row("group", "Group/g", "-", "-"),
        row("logical", "Patient/owner", "owner", "-"),
        row("none", "-", "-", "-"),
        row("relative", "Patient/p", "p", "d"),
        row("urn", "Patient/u", "u", "-"),
        row("versioned", "Patient/p", "p", "-"),
    ];
    for table in ["before", "after"] {
        let found = environment.query(&KEYS.replace("TABLE", table));
        assert_eq!(found, expected, "{table}");
    }
    // The same numbers as in the tables, contained resources included.
    let other = "select count(*) from observation o join views.after v on v.id = o.id \
                 where v.patient is distinct from o.patient_id or v.id <> v._resource_id";
    assert_eq!(environment.value(other), "0");
    let contained =
        "select p.gender from views.after v join patient p on p.id = v.patient where v.code = 'contained'";
    assert_eq!(environment.value(contained), "male");
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn odd_names_and_wide_rows_are_tables_like_others() {
    let environment = TestEnvironment::new();
    let words = ["select", "from", "user", "order", "Group", "null", "end"];
    let column = |name: &str| json!({"name": name, "path": "name.family.first()"});
    let odd = json!({"resourceType": "ViewDefinition", "name": "Select", "status": "active", "resource": "Patient",
        "description": "it's; -- \"odd\"", "select": [{"column": words.map(column)}]});
    let wide: Vec<Value> = (0..900).map(|number| column(&format!("c{number}"))).collect();
    let wide = json!({"resourceType": "ViewDefinition", "name": "wide", "status": "active", "resource": "Patient",
        "select": [{"column": wide}]});
    for (file, view) in [("odd.json", &odd), ("wide.json", &wide)] {
        let path = environment.put(file, view.to_string());
        environment.run(&["views", "apply", path.to_str().unwrap()]).expect_code(0);
    }
    let patient = |id: &str, more: &str| format!(r#"{{"resourceType":"Patient","id":"{id}"{more}}}"#);
    // No table of Postgres has room for 900 texts of 30 characters.
    let family = r#","name":[{"family":"a family of thirty characters."}]"#;
    let file = [patient("bare", ""), patient("named", family)].join("\n");
    load(&environment, &[("1.ndjson", file.as_bytes())]);
    assert_eq!(environment.value("select count(*) from patient"), "2");
    let count = |table: &str| environment.value(&format!("select count(*) from views.\"{table}\""));
    assert_eq!((count("select"), count("wide")), ("2".into(), "1".into()));
    let value = "select \"order\" || \"group\" from views.\"select\" where \"null\" is not null";
    assert_eq!(environment.value(value), "a family of thirty characters.".repeat(2));
    environment.run(&["check"]).expect_code(0);
    environment.run(&["views", "drop", "SELECT", "wide"]).expect_code(0);
}
