//! Resources of another shape than R4 defines are loaded, and what deviates is
//! counted by element, in the ledger and for people.

use pretty_assertions::assert_eq;
use serde_json::json;

use crate::steps::{account, load_twice};
use crate::support::{NULL, TestEnvironment};

#[test]
fn what_deviates_is_counted_in_the_ledger_the_summary_and_the_status() {
    let environment = TestEnvironment::new();
    let file = br##"{"resourceType":"Patient","id":"1","active":"true","name":{"family":["Quill","Bell"]}}
{"resourceType":"Patient","id":"2","active":"false","modifierExtension":[{"url":"u","valueBoolean":true}]}
{"resourceType":"Encounter","id":"3","class":[{"code":"AMB"}],"participant":[{"actor":{"reference":"#p"}}]}
{"resourceType":"Procedure","id":"4","performedDateTime":"2020","performedPeriod":{"end":"2021"},"status":7}
{"resourceType":"Patient","id":"5","photo":["x"]}
{"resourceType":"Patient","id":"6","active":"true","birthDate":"2015-02-30"}
"##;
    environment.put("inbox/p.ndjson", file.as_slice());
    let summary = environment.run(&["once", "--json"]).expect_code(3).json();
    assert_eq!(account(&summary), [("inserted", 5), ("rejected", 1)]);
    let expected = [
        ["Encounter", "class", "coerced", "1"],
        ["Patient", "active", "coerced", "2"],
        ["Patient", "modifierExtension", "modifier", "1"],
        ["Patient", "name", "coerced", "1"],
        ["Patient", "name.family", "several", "1"],
        ["Patient", "photo", "unreadable", "1"],
        ["Procedure", "performed[x]", "variants", "1"],
        ["Procedure", "status", "coerced", "1"],
    ];
    let counted = "select resource_type, element, deviation, resources::text from etl.deviating_element \
                   order by 1, 2, 3";
    assert_eq!(environment.query(counted), expected);
    let of_summary = json!({
        "coerced": {"Encounter.class": 1, "Patient.active": 2, "Patient.name": 1, "Procedure.status": 1},
        "modifier": {"Patient.modifierExtension": 1},
        "several": {"Patient.name.family": 1},
        "unreadable": {"Patient.photo": 1},
        "variants": {"Procedure.performed[x]": 1},
    });
    assert_eq!(summary["deviations"], of_summary);
    assert_eq!(
        environment.query("select resource_type, element, resources::text from etl.unmapped_element"),
        [["Encounter", "participant.actor", "1"]]
    );
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    assert_eq!((&status["deviating_elements"], &status["unmapped_elements"]), (&json!(8), &json!(1)));
    let path = environment.put("p.ndjson", file.as_slice());
    let inspected = environment.run(&["inspect", "--json", path.to_str().unwrap()]).expect_code(3).json();
    assert_eq!(inspected[0]["deviations"], of_summary);
    assert_eq!(inspected[0]["unmapped"], json!({"Encounter.participant.actor": 1}));
    // The same content again is counted once.
    environment.put("inbox/p.ndjson", file.as_slice());
    environment.run(&["once", "--json"]);
    assert_eq!(environment.query(counted), expected);
}

#[test]
fn resources_are_found_in_parameters_in_bare_entries_and_in_wrappers() {
    let environment = TestEnvironment::new();
    let parameters = br#"{"resourceType":"Parameters","id":"p","parameter":[
        {"name":"a","resource":{"resourceType":"Patient","id":"a","gender":"male"}},
        {"name":"b","part":[{"name":"b","resource":{"resourceType":"Patient","id":"b","gender":"male"}}]}]}"#;
    let bundle = br#"{"resourceType":"Bundle","type":"collection","entry":[
        {"resourceType":"Patient","id":"c","gender":"male"},
        {"resource":{"resource":{"resourceType":"Patient","id":"d","gender":"male"}}},
        {"resource":{"resourceType":"Parameters","id":"q","parameter":[
            {"name":"e","resource":{"resourceType":"Patient","id":"e","gender":"male"}}]}}]}"#;
    let manifest = br#"{"transactionTime":"2024-01-01T00:00:00Z","requiresAccessToken":true,"error":[]}"#;
    let files: [(&str, &[u8]); 3] =
        [("parameters.json", parameters), ("bundle.json", bundle), ("manifest.json", manifest)];
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", 7)]);
    let patients = "select fhir_id, gender from patient order by 1";
    let expected = [["a", "male"], ["b", "male"], ["c", "male"], ["d", "male"], ["e", "male"]];
    assert_eq!(environment.query(patients), expected);
    assert_eq!(environment.query("select fhir_id from other_resource order by 1"), [["p"], ["q"]]);
    // Each is found again in the archive.
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.query(patients), expected);
    for id in ["a", "b", "c", "d", "e"] {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0).stdout;
        assert!(shown.contains(&format!("\"{id}\"")) && !shown.contains("parameter"), "{shown}");
    }
}

#[test]
fn a_resource_of_another_shape_is_the_same_resource_when_it_comes_again() {
    let environment = TestEnvironment::new();
    let one = br#"{"resourceType":"Patient","id":" p ","active":"true","name":{"family":"Quill"}}"#;
    load_twice(&environment, &[("a.json", one.as_slice())]);
    let again = br#" {"resourceType":"Patient","id":" p ","name":{"family":"Quill"},"active":"true"} "#;
    let summary = load_twice(&environment, &[("b.json", again.as_slice())]);
    assert_eq!(account(&summary), [("unchanged", 1)]);
    let other = br#"{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"Bell"}]}"#;
    let summary = load_twice(&environment, &[("c.json", other.as_slice())]);
    assert_eq!(account(&summary), [("updated", 1)]);
    assert_eq!(
        environment.query("select fhir_id, family from patient join patient_name on patient_id = id"),
        [["p", "Bell"]]
    );
}

/// A Patient of that id.
fn patient(id: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"male"}}"#)
}

#[test]
fn bundles_of_another_shape_lose_no_resource() {
    let environment = TestEnvironment::new();
    let [a, b, c, d, e, f, g, h, i, j, k] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"].map(patient);
    let inner = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":{{"resource":[{k}]}}}}"#);
    let bundle = format!(
        r#"{{"resourceType":" Bundle ","type":["transaction"],"entry":[
            {{"resource":[{a},{b}],"request":[{{"method":" put ","url":"Patient/a"}}]}},
            [{{"resource":{{"resource":[{c}]}}}},[{{"resource":[[{d}],null]}}]],
            {{"fullUrl":["urn:uuid:11111111-1111-4111-8111-111111111111"],"resource":{{"resourceType":"Patient","id":["e2"],"gender":["male"]}}}},
            {{"resource":{{"resourceType":"Parameters","id":"p","parameter":{{"name":"x","part":{{"name":"y","resource":[{f},{g}],
                "part":[[{{"name":"z","resource":{{"resource":{h}}}}}]]}}}}}}}},
            {{"resource":[{inner},{i}]}},
            {{"fullUrl":"urn:uuid:22222222-2222-4222-8222-222222222222","resourceType":"Patient","gender":"male"}}]}}"#
    );
    let single = format!(r#"{{"resourceType":"Bundle","type":"collection","entry":{{"resource":{j}}}}}"#);
    let files = [("a.json", bundle.as_bytes()), ("b.json", single.as_bytes()), ("c.json", e.as_bytes())];
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", 14)]);
    let patients = "select fhir_id, gender from patient order by 1";
    let expected =
        ["22222222-2222-4222-8222-222222222222", "a", "b", "c", "d", "e", "e2", "f", "g", "h", "i", "j", "k"];
    assert_eq!(environment.query(patients), expected.map(|id| [id, "male"]));
    // Each is found again in the archive.
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.query(patients), expected.map(|id| [id, "male"]));
    for id in expected {
        environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
    }
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn entries_without_a_resource_are_rejected_if_something_else_is_in_them() {
    let environment = TestEnvironment::new();
    let patient = patient("a");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"resource":{patient}}},{{"Resource":{patient}}},
            {{"resource":"Patient/a"}},{{"fullUrl":"urn:x","resource":[7]}},{{"link":[],"resource":null}},
            {{"response":{{"status":"201"}},"note":"x"}},{{}}]}}"#
    );
    environment.put("inbox/b.json", bundle.as_bytes());
    let summary = environment.run(&["once", "--json"]).expect_code(3).json();
    assert_eq!(account(&summary), [("inserted", 1), ("rejected", 1), ("skipped", 5)]);
    assert_eq!(
        environment.query("select location, reason from etl.rejected_record order by 1"),
        [["entry 2", "no_resource"]]
    );
}

#[test]
fn names_with_escape_sequences_are_the_same_names() {
    let environment = TestEnvironment::new();
    let bundle = r#"{"resourceT\u0079pe":"B\u0075ndle","t\u0079pe":"history","\u0065ntry":[
        {"fu\u006clUrl":"urn:uuid:33333333-3333-4333-8333-333333333333","\u0072esource":{"resourceT\u0079pe":"P\u0061tient",
            "\u0067ender":"male","\u005fgender":{"\u0065xtension":[{"\u0075rl":"u","valueStrin\u0067":"x"}]}}},
        {"\u0072equest":{"\u006dethod":"DELETE","\u0075rl":"Patient/gone"}}]}"#;
    let line = r#"{"resourceT\u0079pe":"Patient","\u0069d":"n","n\u0061me":{"famil\u0079":"Quill"}}"#;
    let summary = load_twice(
        &environment,
        &[("b.json", bundle.as_bytes()), ("n.ndjson", format!("{line}\n{line}\n").as_bytes())],
    );
    assert_eq!(account(&summary), [("inserted", 2), ("unchanged", 1), ("deleted", 1)]);
    let patients = "select p.fhir_id, gender, family from patient p left join patient_name n on n.patient_id = p.id order by 1";
    let expected = [["33333333-3333-4333-8333-333333333333", "male", NULL], ["n", NULL, "Quill"]];
    assert_eq!(environment.query(patients), expected);
    assert_eq!(environment.value("select count(*) from etl.unmapped_element"), "0");
    // The same content with plain names.
    let plain = r#"{"resourceType":"Patient","id":"n","name":{"family":"Quill"}}"#;
    let summary = load_twice(&environment, &[("plain.json", plain.as_bytes())]);
    assert_eq!(account(&summary), [("unchanged", 1)]);
    // The same name twice, once with an escape sequence.
    environment.put("inbox/twice.json", br#"{"resourceType":"Patient","id":"t","\u0069d":"u"}"#);
    assert_eq!(environment.run(&["once", "--json"]).expect_code(3).json()["account"]["rejected"], 1);
}

#[test]
fn blanks_that_are_no_spaces_are_removed_too() {
    for blank in ["\u{a0}", "\u{3000}", "\u{200b}", "\u{feff}", "\\u00a0", "\\u200b", "\\ufeff", "\\t"] {
        let environment = TestEnvironment::new();
        let lines = format!(
            r#"{{"resourceType":"{blank}Patient","id":"{blank}p{blank}","gender":"male{blank}","birthDate":"{blank}1980-02-03","name":[{{"family":"Quill{blank}"}}],"identifier":[{{"system":"urn:mrn{blank}","value":"{blank}9"}}]}}
{{"resourceType":"Condition","id":"c{blank}","subject":{{"reference":"{blank}Patient/p{blank}"}},"code":{{"coding":[{{"system":"{blank}http://snomed.info/sct{blank}","code":"38341003{blank}"}}]}}}}
{{"resourceType":"Condition","id":"d","subject":{{"identifier":{{"system":"{blank}urn:mrn","value":"9{blank}"}}}},"recordedDate":"2020-01-02{blank}"}}
"#
        );
        load_twice(&environment, &[("a.ndjson", lines.as_bytes())]);
        assert_eq!(
            environment.query("select fhir_id, gender, birth_date::text, mrn.value from patient p join patient_identifier mrn on mrn.patient_id = p.id and mrn.system = 'urn:mrn'"),
            [["p", "male", "1980-02-03", "9"]],
            "{blank:?}"
        );
        assert_eq!(
            environment.query("select c.fhir_id, p.fhir_id as patient, code_system, code, recorded_date::date::text from condition c join patient p on p.id = c.patient_id order by 1"),
            [["c", "p", "http://snomed.info/sct", "38341003", NULL], ["d", "p", NULL, NULL, "2020-01-02"]],
            "{blank:?}"
        );
        // Other strings keep theirs.
        assert_eq!(environment.value("select length(family)::text from patient_name"), "6", "{blank:?}");
    }
}

#[test]
fn resources_of_bundles_within_bundles_are_loaded() {
    let environment = TestEnvironment::new();
    let bundle = |entries: &[String]| {
        let entries: Vec<String> =
            entries.iter().map(|resource| format!(r#"{{"resource":{resource}}}"#)).collect();
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#, entries.join(","))
    };
    let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(patient);
    let deepest = bundle(&[c]);
    let deep = bundle(&[b, deepest, d]);
    let parameters = format!(
        r#"{{"resourceType":"Parameters","id":"p","parameter":[{{"name":"x","resource":{}}}]}}"#,
        bundle(&[e])
    );
    let summary = load_twice(&environment, &[("b.json", bundle(&[a, deep, parameters]).as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 6)]);
    let patients = "select fhir_id from patient order by 1";
    assert_eq!(environment.query(patients), [["a"], ["b"], ["c"], ["d"], ["e"]]);
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(environment.query(patients), [["a"], ["b"], ["c"], ["d"], ["e"]]);
}
