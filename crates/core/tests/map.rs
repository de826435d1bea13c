//! Resources become rows, seen through the public interface: rows are decoded
//! from COPY's binary form and compared by column name.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod mapped;

use fhirmill_core::map::{Input, MapSettings, Mapper, Plan};
use fhirmill_core::read::{self, ReadLimits, Stopped};
use mapped::map;
use pretty_assertions::assert_eq;

#[test]
fn repeating_elements_become_rows_of_child_tables() {
    let mapped = map(r#"{"resourceType":"Patient","id":"p","gender":"female","birthDate":"1970-01",
        "name":[{"use":"official","family":"Quill","given":["Ada","Bea"]},{"use":"maiden","family":"Bell"}],
        "identifier":[{"system":"urn:mrn","value":"1"}]}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("patient", "fhir_id"), ["p"]);
    assert_eq!(mapped.texts("patient", "gender"), ["female"]);
    assert_eq!(mapped.texts("patient", "birth_date_text"), ["1970-01"]);
    assert_eq!(mapped.texts("patient_name", "family"), ["Quill", "Bell"]);
    assert_eq!(mapped.identities("patient_name", "patient_id"), ["Patient/p", "Patient/p"]);
    assert_eq!(mapped.rows("patient")[0]["source_id"], Some(7_i16.to_be_bytes().to_vec()));
    // Days since 2000-01-01.
    assert_eq!(mapped.rows("patient")[0]["birth_date"], Some((-10_957_i32).to_be_bytes().to_vec()));
}

#[test]
fn a_standard_code_is_shown_before_the_senders_own() {
    let code = |codings: &str| {
        let mapped = map(&format!(
            r#"{{"resourceType":"Condition","id":"c","subject":{{"reference":"Patient/p"}},"code":{{"coding":[{codings}]}}}}"#
        ));
        assert_eq!(mapped.errors, []);
        mapped.texts("condition", "code").concat()
    };
    let local = r#"{"system":"urn:oid:1.2.840.114350.1.13.0.1.7.2.696580","code":"own","userSelected":true}"#;
    for system in [
        "http://snomed.info/sct",
        "http://hl7.org/fhir/sid/icd-10-cm",
        "http://hl7.org/fhir/sid/icd-9-cm",
        "http://www.nlm.nih.gov/research/umls/rxnorm",
        "http://www.ama-assn.org/go/cpt",
        "http://hl7.org/fhir/sid/cvx",
        "http://hl7.org/fhir/sid/ndc",
        "http://loinc.org",
        "urn:oid:2.16.840.1.113883.6.90",
    ] {
        let standard = format!(r#"{{"system":"{system}","code":"shared"}}"#);
        assert_eq!(code(&format!("{local},{standard}")), "shared", "{system}");
        assert_eq!(code(&format!("{standard},{local}")), "shared", "{system}");
    }
    // Of two standards the one that the user selected, else the first.
    let snomed = r#"{"system":"http://snomed.info/sct","code":"s"}"#;
    let icd = r#"{"system":"http://hl7.org/fhir/sid/icd-10-cm","code":"i","userSelected":true}"#;
    assert_eq!(code(&format!("{local},{snomed},{icd}")), "i");
    assert_eq!(code(&format!("{snomed},{},{local}", icd.replace("true", "false"))), "s");
    // Neither a standard without a code nor a mark of a missing one is better than a code.
    let none = r#"{"system":"http://snomed.info/sct","display":"words"}"#;
    let unknown = r#"{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"unknown"}"#;
    assert_eq!(code(&format!("{none},{unknown},{local}")), "own");
}

#[test]
fn references_become_keys_of_their_targets() {
    let mapped = map(r##"[
        {"resourceType":"Observation","id":"relative","subject":{"reference":"Patient/p"}},
        {"resourceType":"Observation","id":"versioned","subject":{"reference":"Patient/p/_history/2"}},
        {"resourceType":"Observation","id":"contained","contained":[{"resourceType":"Patient","id":"c"}],
         "subject":{"reference":"#c"}},
        {"resourceType":"Observation","id":"none","subject":{"reference":"somebody"}}]"##);
    assert_eq!(mapped.errors, []);
    assert_eq!(
        mapped.identities("observation", "patient_id"),
        ["Patient/p", "Patient/p", "Patient/Observation/contained#c", ""]
    );
    assert_eq!(
        mapped.texts("observation", "subject_reference"),
        ["", "Patient/p/_history/2", "", "somebody"]
    );
}

#[test]
fn urns_resolve_within_their_bundle_before_and_after_the_target() {
    let urn = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
    let observation = |id: &str| {
        format!(
            r#"{{"resource":{{"resourceType":"Observation","id":"{id}","subject":{{"reference":"{urn}"}}}}}}"#
        )
    };
    let mapped = map(&format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{},
            {{"fullUrl":"{urn}","resource":{{"resourceType":"Patient","id":"p"}}}},{}]}}"#,
        observation("before"),
        observation("after")
    ));
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.identities("observation", "patient_id"), ["Patient/p", "Patient/p"]);
}

#[test]
fn an_identifier_without_a_known_owner_is_reported_as_unresolved() {
    let mapped = map(r#"{"resourceType":"Observation","id":"o",
        "subject":{"reference":"Patient?identifier=urn:mrn|0007"}}"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.identities("observation", "patient_id"), [""]);
    assert_eq!(mapped.batch.unresolved().map(|(resource, _)| resource).collect::<Vec<_>>(), [0]);
}

#[test]
fn a_type_without_a_table_and_unknown_elements_are_kept_track_of() {
    let mapped = map(r#"[{"resourceType":"Basic","id":"b","code":{"text":"note"}},
        {"resourceType":"Patient","id":"p","shoeSize":43},{"resourceType":"Patient","id":"q","shoeSize":44}]"#);
    assert_eq!(mapped.errors, []);
    assert_eq!(mapped.texts("other_resource", "fhir_id"), ["b"]);
    let unmapped = mapped.batch.unmapped();
    assert_eq!(unmapped.len(), 1);
    assert_eq!((unmapped[0].element, unmapped[0].resources, unmapped[0].last_resource), ("shoeSize", 2, 2));
}

#[test]
fn a_bad_resource_leaves_no_rows_and_does_not_affect_the_others() {
    let mapped = map(r#"[{"resourceType":"Patient","id":"a","name":[{"family":"A"}]},
        {"resourceType":"Patient","id":"bad","name":[{"family":"Secret"},{"family":{}}]},
        {"resourceType":"Patient","id":"bad","shoeSize":1,"birthDate":"soon"},
        {"resourceType":"Patients","id":"bad"},
        {"id":"bad"},
        {"resourceType":"Patient","id":"b","name":[{"family":"B"}]}]"#);
    let found: Vec<(&str, String)> =
        mapped.errors.iter().map(|error| (error.reason(), error.to_string())).collect();
    let reasons: Vec<&str> = found.iter().map(|(reason, _)| *reason).collect();
    assert_eq!(reasons, ["invalid_value", "invalid_value", "unknown_resource_type", "no_resource_type"]);
    assert!(found[0].1.starts_with("name[1].family: "), "{}", found[0].1);
    assert!(found[1].1.starts_with("birthDate: "), "{}", found[1].1);
    assert_eq!(mapped.errors[0].resource(), (Some("Patient"), Some("bad")));
    assert!(found.iter().all(|(_, message)| !message.contains("Secret") && !message.contains("soon")));
    assert_eq!(mapped.texts("patient", "fhir_id"), ["a", "b"]);
    assert_eq!(mapped.texts("patient_name", "family"), ["A", "B"]);
    assert_eq!(mapped.batch.resources().len(), 2);
    assert_eq!(mapped.batch.unmapped().len(), 0);
}

#[test]
fn the_order_of_members_does_not_change_the_fingerprint_and_a_value_does() {
    let mut mapper = Mapper::new(Plan::built_in(), MapSettings::default());
    let mut fingerprint = |text: &str| {
        let mut found = None;
        read::read_each(text.as_bytes().to_vec(), &ReadLimits::default(), |frame| {
            found = mapper.fingerprint(&Input::from(&frame.map_err(|_| Stopped)?));
            Ok(())
        })
        .unwrap();
        found.unwrap()
    };
    let one = fingerprint(r#"{"resourceType":"Patient","id":"p","gender":"male","active":true}"#);
    let same = fingerprint(r#"{ "active": true, "id": "p", "gender": "male", "resourceType": "Patient" }"#);
    let other = fingerprint(r#"{"resourceType":"Patient","id":"p","gender":"male","active":false}"#);
    assert_eq!(one, same);
    assert_eq!(one.identity(), other.identity());
    assert_ne!(one.content_hash, other.content_hash);
}
