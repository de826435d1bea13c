//! What rows views have. The expected values were worked out by hand from the
//! specification of SQL on FHIR and of FHIRPath.

use fhirmill_core::map::ViewRunner;
use pretty_assertions::assert_eq;

use super::{rows, value, view};

const PATIENT: &str = r#"{"resourceType": "Patient", "id": "p", "active": true, "birthDate": "1970-06",
    "_birthDate": {"extension": [{"url": "http://x/time", "valueDateTime": "1970-06-01T10:00:00Z"}]},
    "gender": "male", "multipleBirthInteger": 2, "deceasedDateTime": "2020-02",
    "name": [{"use": "official", "family": "Ångström \"X\", Y", "given": ["A", "B"]}, {"use": "usual", "given": ["C"]}],
    "extension": [{"url": "http://x/height", "valueDecimal": 1.700},
                  {"url": "http://x/outer", "extension": [{"url": "inner", "valueCode": "deep"}]}]}"#;

#[test]
fn paths_literals_and_functions() {
    for (path, expected) in [
        ("id", "p"),
        ("Patient.id", "p"),
        ("active", "true"),
        ("name.family", r#""Ångström ""X"", Y""#),
        ("name.given.first()", "A"),
        ("name.given.last()", "C"),
        ("name.given[1]", "B"),
        ("name[1].given", "C"),
        ("name[5].given", ""),
        ("name.given.count()", "3"),
        ("name.where(use = 'usual').given", "C"),
        ("name.where(use = 'x').exists()", "false"),
        ("name.exists(use = 'usual')", "true"),
        ("contact.empty()", "true"),
        ("name.given.join('/')", "A/B/C"),
        ("contact.name.given.join('/')", ""),
        ("extension('http://x/height').value.ofType(decimal)", "1.700"),
        ("extension('http://x/outer').extension('inner').value.ofType(code)", "deep"),
        ("birthDate.extension('http://x/time').value.ofType(dateTime)", "1970-06-01T10:00:00Z"),
        ("birthDate", "1970-06"),
        ("birthDate.lowBoundary()", "1970-06-01"),
        ("birthDate.highBoundary()", "1970-06-30"),
        ("deceased.ofType(dateTime).highBoundary()", "2020-02-29T23:59:59.999-12:00"),
        ("deceased.ofType(boolean)", ""),
        ("deceased.exists()", "true"),
        ("multipleBirth.ofType(integer) + 1", "3"),
        ("multipleBirth.ofType(integer) / 3", "0.66666667"),
        ("7 div 2", "3"),
        ("7.5 mod 2", "1.5"),
        ("-multipleBirth.ofType(integer)", "-2"),
        ("gender & '/' & contact.gender.first()", "male/"),
        ("iif(active, 'yes', 'no')", "yes"),
        ("iif(active.not(), 'yes')", ""),
        ("birthDate < @1971", "true"),
        ("birthDate < @1970-06-15", ""),
        ("birthDate >= @1970-05-31", "true"),
        ("birthDate = '1970-06'", "true"),
        ("(active and gender = 'female').not()", "true"),
        ("active or contact.gender.first() = 'x'", "true"),
        ("active and contact.gender.first() = 'x'", ""),
        ("contact.gender.first() = 'x'", ""),
        ("active xor active", "false"),
        ("contact.exists() implies active", "true"),
        ("(name.use | name.use).count()", "2"),
        ("{}", ""),
        ("%resource.gender", "male"),
        ("name.where(use = 'usual').select", "!"),
    ] {
        if expected == "!" {
            assert!(ViewRunner::new(&view("Patient", &[("x", path)])).is_err(), "{path}");
            continue;
        }
        assert_eq!(value("Patient", path, PATIENT), expected, "{path}");
    }
}

#[test]
fn decimals_and_dates_keep_their_characters() {
    let observation = |written: &str| {
        format!(r#"{{"resourceType": "Observation", "id": "o", "valueQuantity": {{"value": {written}}}}}"#)
    };
    let path = "value.ofType(Quantity).value";
    for written in [
        "1.0",
        "1.50",
        "0.000000000000000000000000000000000000001",
        "1E3",
        "-0.0",
        "123456789012345678901234567890.5",
    ] {
        assert_eq!(value("Observation", path, &observation(written)), written);
    }
    assert_eq!(value("Observation", &format!("{path} = 1"), &observation("1.000")), "true");
    assert_eq!(value("Observation", &format!("{path}.lowBoundary()"), &observation("1.587")), "1.5865");
    assert_eq!(value("Observation", &format!("{path}.highBoundary()"), &observation("5")), "5.5");
    let long = format!("1.{}1", "0".repeat(50));
    assert_eq!(value("Observation", &format!("{path} > 1"), &observation(&long)), "true");
    assert_eq!(value("Observation", &format!("{path} + 1"), &observation(&long)), "");
}

#[test]
fn several_values_for_one_column_are_a_fault_with_the_path_of_the_expression() {
    assert_eq!(
        value("Patient", "name.given", PATIENT),
        "! select[0].column[0].path: several values for one column: add `.first()`, a `forEach`, or \
         `\"collection\": true`"
    );
    let view = r#"{"resource": "Patient", "select": [{"column": [{"name": "id", "path": "id"}]}],
        "where": [{"path": "name.given > 'A'"}]}"#;
    assert_eq!(
        rows(view, PATIENT),
        ["! where[0].path: several values where an operator or a function takes one"]
    );
}

#[test]
fn siblings_are_combined_and_the_row_index_is_that_of_the_innermost_list() {
    let view = r#"{"resource": "Patient", "select": [
        {"column": [{"name": "top", "path": "%rowIndex"}]},
        {"forEach": "name", "column": [{"name": "a", "path": "%rowIndex"}],
         "select": [{"forEach": "given", "column": [{"name": "given", "path": "$this"}, {"name": "b", "path": "%rowIndex"}]},
                    {"column": [{"name": "again", "path": "%rowIndex"}]}]},
        {"forEachOrNull": "contact", "column": [{"name": "c", "path": "%rowIndex"}, {"name": "none", "path": "gender"}]},
        {"unionAll": [{"column": [{"name": "u", "path": "%rowIndex"}]},
                      {"forEach": "extension", "column": [{"name": "u", "path": "%rowIndex"}]}]}]}"#;
    let expected = [
        "0,0,A,0,0,0,,0",
        "0,0,A,0,0,0,,0",
        "0,0,A,0,0,0,,1",
        "0,0,B,1,0,0,,0",
        "0,0,B,1,0,0,,0",
        "0,0,B,1,0,0,,1",
        "0,1,C,0,1,0,,0",
        "0,1,C,0,1,0,,0",
        "0,1,C,0,1,0,,1",
    ];
    assert_eq!(rows(view, PATIENT), expected);
    assert_eq!(value("Patient", "name[%rowIndex].use", PATIENT), "official");
}

#[test]
fn repeat_goes_to_any_depth_in_document_order() {
    let view = r#"{"resource": "QuestionnaireResponse", "select": [
        {"repeat": ["item", "answer.item"], "column": [{"name": "n", "path": "%rowIndex"}, {"name": "link", "path": "linkId"}]}]}"#;
    let response = r#"{"resourceType": "QuestionnaireResponse", "id": "q", "item": [
        {"linkId": "1", "item": [{"linkId": "1.1", "answer": [{"valueString": "x", "item": [{"linkId": "1.1.1"}]}]}, {"linkId": "1.2"}]},
        {"linkId": "2"}]}"#;
    assert_eq!(rows(view, response), ["0,1", "1,1.1", "2,1.1.1", "3,1.2", "4,2"]);
}

#[test]
fn collections_are_json_lists_and_empty_ones_are_empty() {
    let view = r#"{"resource": "Patient", "select": [{"column": [
        {"name": "a", "path": "name.given", "collection": true},
        {"name": "b", "path": "contact.gender", "collection": true},
        {"name": "c", "path": "multipleBirth.ofType(integer)", "collection": true}]}]}"#;
    assert_eq!(rows(view, PATIENT), [r#""[""A"",""B"",""C""]",[],[2]"#]);
}

#[test]
fn constants_of_every_type() {
    let constant = |member: &str, value: &str, path: &str| {
        let view = format!(
            r#"{{"resource": "Patient", "constant": [{{"name": "c", "{member}": {value}}}],
                "select": [{{"column": [{{"name": "x", "path": "{path}"}}]}}]}}"#
        );
        rows(&view, PATIENT).join("|")
    };
    for (member, value, path, expected) in [
        ("valueBase64Binary", r#""YQ==""#, "%c", "YQ=="),
        ("valueBoolean", "true", "active = %c", "true"),
        ("valueCanonical", r#""http://x|1""#, "%c", "http://x|1"),
        ("valueCode", r#""usual""#, "name.where(use = %c).given", "C"),
        ("valueDate", r#""1970-06""#, "birthDate = %c", "true"),
        ("valueDateTime", r#""2020-02""#, "deceased.ofType(dateTime) = %c", "true"),
        ("valueDecimal", "1.7", "extension('http://x/height').value.ofType(decimal) = %c", "true"),
        ("valueId", r#""p""#, "id = %c", "true"),
        ("valueInstant", r#""2020-01-01T00:00:00Z""#, "%c", "2020-01-01T00:00:00Z"),
        ("valueInteger", "1", "name[%c].given", "C"),
        ("valueInteger64", "\"9007199254740993\"", "%c", "9007199254740993"),
        ("valueOid", r#""urn:oid:1.2""#, "%c", "urn:oid:1.2"),
        ("valueString", r#""/""#, "name.given.join(%c)", "A/B/C"),
        ("valuePositiveInt", "2", "multipleBirth.ofType(integer) = %c", "true"),
        ("valueTime", r#""10:00:00""#, "%c", "10:00:00"),
        ("valueUnsignedInt", "0", "name[%c].use", "official"),
        ("valueUri", r#""http://x/height""#, "extension(%c).exists()", "true"),
        ("valueUrl", r#""http://x""#, "%c", "http://x"),
        (
            "valueUuid",
            r#""urn:uuid:c757873d-ec9a-4326-a141-556f43239520""#,
            "%c",
            "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
        ),
    ] {
        assert_eq!(constant(member, value, path), expected, "{member}");
    }
}

#[test]
fn reference_keys_equal_the_resource_keys_that_they_mean() {
    let view = r#"{"resource": "Observation", "select": [{"column": [
        {"name": "key", "path": "getResourceKey()"},
        {"name": "any", "path": "subject.getReferenceKey()"},
        {"name": "patient", "path": "subject.getReferenceKey(Patient)"}]}]}"#;
    let keys = |members: &str| {
        let json = format!(r#"{{"resourceType": "Observation", "id": "o", {members}}}"#);
        rows(view, &json).join("|")
    };
    let reference = |written: &str| keys(&format!(r#""subject": {{"reference": "{written}"}}"#));
    assert_eq!(reference("Patient/1"), "Observation/o,Patient/1,Patient/1");
    assert_eq!(reference("Patient/1/_history/2"), "Observation/o,Patient/1,Patient/1");
    assert_eq!(reference("Group/1"), "Observation/o,Group/1,");
    assert_eq!(reference("http://elsewhere.org/fhir/Patient/1"), "Observation/o,,");
    assert_eq!(reference("Patient?identifier=http://x|1"), "Observation/o,,");
    assert_eq!(reference("urn:uuid:c757873d-ec9a-4326-a141-556f43239520"), "Observation/o,,");
    let contained =
        r##""contained": [{"resourceType": "Patient", "id": "in"}], "subject": {"reference": "#in"}"##;
    assert_eq!(keys(contained), "Observation/o,Patient/Observation/o#in,Patient/Observation/o#in");
    assert_eq!(keys(r#""subject": {"display": "x"}"#), "Observation/o,,");
    assert_eq!(keys(r#""status": "final""#), "Observation/o,,");
}

#[test]
fn references_within_a_bundle_lead_to_its_entries() {
    let bundle = r#"{"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520", "resource": {"resourceType": "Patient", "id": "p"}},
        {"fullUrl": "http://s/fhir/Observation/o", "resource": {"resourceType": "Observation", "id": "o",
         "subject": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"},
         "performer": [{"reference": "http://s/fhir/Practitioner/d"}]}}]}"#;
    let patients = rows(&view("Patient", &[("key", "getResourceKey()")]), bundle);
    let columns =
        [("subject", "subject.getReferenceKey(Patient)"), ("performer", "performer.getReferenceKey()")];
    assert_eq!(rows(&view("Observation", &columns), bundle), [format!("{},Practitioner/d", patients[0])]);
}

#[test]
fn a_resource_without_an_id_has_the_key_that_its_content_gives() {
    let key = |json: &str| value("Patient", "getResourceKey()", json);
    let generated = key(r#"{"resourceType": "Patient", "gender": "male"}"#);
    assert_eq!(generated, key(r#"{"gender": "male", "resourceType": "Patient"}"#));
    assert_ne!(generated, key(r#"{"resourceType": "Patient", "gender": "female"}"#));
    assert!(generated.starts_with("Patient/") && generated.len() > 20);
}

#[test]
fn combinations_without_end_are_faults() {
    let names = vec![r#"{"use": "usual"}"#; 300].join(",");
    let patient = format!(r#"{{"resourceType": "Patient", "id": "p", "name": [{names}]}}"#);
    let many = r#"{"forEach": "name", "column": [{"name": "NAME", "path": "use"}]}"#;
    let selects: Vec<String> = ["a", "b", "c"].iter().map(|name| many.replace("NAME", name)).collect();
    let view = format!(r#"{{"resource": "Patient", "select": [{}]}}"#, selects.join(","));
    assert_eq!(rows(&view, &patient), ["! select: more than 250000 rows for one resource"]);
    let none = r#"{"forEach": "contact", "column": [{"name": "d", "path": "gender"}]}"#;
    let view = format!(r#"{{"resource": "Patient", "select": [{},{none}]}}"#, selects.join(","));
    assert_eq!(rows(&view, &patient), ["! select: more than 250000 rows for one resource"]);
    let endless = r#"{"resource": "Patient", "select": [{"repeat": ["$this"], "column": [{"name": "a", "path": "id"}]}]}"#;
    assert_eq!(rows(endless, &patient), ["! select[0].repeat[0]: `repeat` descends without end"]);
}

#[test]
fn what_is_not_as_defined_gives_nothing_and_no_panic() {
    for json in [
        r#"{"resourceType": "Patient"}"#,
        r#"{"resourceType": "Patient", "name": "x", "birthDate": {}, "deceasedBoolean": [true], "gender": 5}"#,
        r#"{"resourceType": "Patient", "name": [null, [], {"given": [null, {}]}], "extension": {"url": 1}}"#,
    ] {
        for path in
            ["name.given.first()", "birthDate.lowBoundary()", "extension('x').exists()", "gender & 'x'"]
        {
            value("Patient", path, json);
        }
    }
    // A single value where a list is defined counts as a list of one.
    assert_eq!(
        value("Patient", "name[0].family", r#"{"resourceType": "Patient", "name": {"family": "x"}}"#),
        "x"
    );
}
