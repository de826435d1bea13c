//! Values that look bad and are loaded.

use pretty_assertions::assert_eq;

use super::resource;
use crate::steps::{account, columns, load_twice};
use crate::support::TestEnvironment;

/// A resource with an unusual value that is loaded.
struct UnusualValue {
    /// What is unusual.
    what: &'static str,
    resource_type: &'static str,
    /// The members of the resource besides its type and ID.
    members: String,
    /// The table that it is loaded into, first, and the tables joined to it.
    from: &'static str,
    /// Expressions on the columns, and their values.
    columns: Vec<(&'static str, String)>,
}

fn text(value: &str) -> String {
    value.to_owned()
}

fn unusual_values() -> Vec<UnusualValue> {
    [numbers(), times(), dates_and_times_of_day(), shapes(), references()].into_iter().flatten().collect()
}

#[test]
fn unusual_values_are_loaded_with_their_meaning() {
    let environment = TestEnvironment::new();
    let cases = unusual_values();
    let mut files = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        // Each from a source of its own, which identifies it.
        files.push((format!("s{number:03}/x.json"), resource(case.resource_type, &case.members)));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", cases.len() as u64)]);
    for (number, UnusualValue { what, from, columns: wanted, .. }) in cases.iter().enumerate() {
        let table = from.split(' ').next().unwrap();
        let of_source = format!(
            "{from} where {table}.source_id = (select id from etl.source where code = 's{number:03}')"
        );
        println!("{what}");
        let wanted: Vec<(&str, &str)> =
            wanted.iter().map(|(column, value)| (*column, value.as_str())).collect();
        columns(&environment, &of_source, &wanted);
    }
}

#[test]
fn ids_may_contain_what_fhir_does_not_allow() {
    let environment = TestEnvironment::new();
    let ids = ["a b", "a/b", "../../x", "é", "'; drop table patient; --", "\\\"", &"i".repeat(1000)];
    let mut text = String::new();
    for id in ids {
        let id = serde_json::to_string(id).unwrap();
        text.push_str(&format!("{{\"resourceType\":\"Patient\",\"id\":{id}}}\n"));
    }
    let summary = load_twice(&environment, &[("p.ndjson", text.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", ids.len() as u64)]);
    let mut found: Vec<String> =
        environment.query("select fhir_id from patient").into_iter().flatten().collect();
    let mut ids: Vec<String> = ids.map(str::to_owned).to_vec();
    found.sort();
    ids.sort();
    assert_eq!(found, ids);
}

/// Numbers that keep every digit.
fn numbers() -> Vec<UnusualValue> {
    let digits = "9".repeat(400);
    let number = |what, written: &str, value: &str| UnusualValue {
        what,
        resource_type: "Observation",
        members: format!(r#""valueQuantity":{{"value":{written}}}"#),
        from: "observation",
        columns: vec![("value_quantity_value", value.to_owned())],
    };
    vec![
        number("a large exponent", "1e400", &format!("1{}", "0".repeat(400))),
        number("a small exponent", "1e-400", &format!("0.{}1", "0".repeat(399))),
        number("minus zero", "-0", "0"),
        number("minus zero with decimal places", "-0.00", "0.00"),
        number("400 digits", &digits, &digits),
        number("400 decimal places", &format!("0.{digits}"), &format!("0.{digits}")),
        UnusualValue {
            what: "minus zero births",
            resource_type: "Patient",
            members: text(r#""multipleBirthInteger":-0"#),
            from: "patient",
            columns: vec![("multiple_birth_integer", text("0"))],
        },
    ]
}

/// Points in time at the limits of what is accepted.
fn times() -> Vec<UnusualValue> {
    let moment = |what, written: &str, value: &str| UnusualValue {
        what,
        resource_type: "Observation",
        members: format!(r#""effectiveDateTime":"{written}""#),
        from: "observation",
        columns: vec![
            ("effective_start at time zone 'UTC'", value.to_owned()),
            ("effective_start_text", written.to_owned()),
        ],
    };
    vec![
        moment("a leap second", "2016-12-31T23:59:60Z", "2017-01-01 00:00:00"),
        moment("the first year, east of UTC", "0001-01-01T00:00:00+14:00", "0001-12-31 10:00:00 BC"),
        moment("the last year, west of UTC", "9999-12-31T23:59:59-14:00", "10000-01-01 13:59:59"),
        moment("the largest offset", "2015-02-07T12:00:00+14:00", "2015-02-06 22:00:00"),
        moment("the year 9999", "9999", "9999-01-01 00:00:00"),
        moment("no seconds", "2015-02-07T12:00+02:00", "2015-02-07 10:00:00"),
        moment("no colon in the offset", "2015-02-07T12:00:00+0200", "2015-02-07 10:00:00"),
        moment("a blank for T", "2015-02-07 12:00:00Z", "2015-02-07 12:00:00"),
        moment("nanoseconds", "2015-02-07T12:00:00.123456789Z", "2015-02-07 12:00:00.123456"),
    ]
}

/// Partial dates and leap seconds.
fn dates_and_times_of_day() -> Vec<UnusualValue> {
    vec![
        UnusualValue {
            what: "the end of 9999",
            resource_type: "Encounter",
            members: text(r#""period":{"start":"9998","end":"9999"}"#),
            from: "encounter",
            columns: vec![
                ("period_end at time zone 'UTC'", text("9999-12-31 23:59:59.999999")),
                ("period_end_text", text("9999")),
            ],
        },
        UnusualValue {
            what: "a leap second as a time of day",
            resource_type: "Observation",
            members: text(r#""valueTime":"23:59:60""#),
            from: "observation",
            columns: vec![("value_time", text("24:00:00"))],
        },
        UnusualValue {
            what: "a fraction of a leap second as a time of day",
            resource_type: "Observation",
            members: text(r#""valueTime":"23:59:60.5""#),
            from: "observation",
            columns: vec![("value_time", text("24:00:00"))],
        },
        UnusualValue {
            what: "the first day",
            resource_type: "Patient",
            members: text(r#""birthDate":"0001-01-01""#),
            from: "patient",
            columns: vec![("birth_date", text("0001-01-01")), ("birth_date_text", text("0001-01-01"))],
        },
        UnusualValue {
            what: "only a month",
            resource_type: "Patient",
            members: text(r#""birthDate":"2015-02""#),
            from: "patient",
            columns: vec![("birth_date", text("2015-02-01")), ("birth_date_text", text("2015-02"))],
        },
    ]
}

/// Unusual JSON whose meaning is clear.
fn shapes() -> Vec<UnusualValue> {
    vec![
        UnusualValue {
            what: "null everywhere",
            resource_type: "Patient",
            members: text(
                r#""meta":null,"name":[null,{"family":null,"given":[null,"Ann"]}],"contact":null,"extension":null,"birthDate":null,"gender":null"#,
            ),
            from: "patient join patient_name n on n.patient_id = patient.id",
            columns: vec![
                ("birth_date is null and gender is null and family is null", text("true")),
                ("given[array_upper(given, 1)]", text("Ann")),
            ],
        },
        UnusualValue {
            what: "an object for a list",
            resource_type: "Patient",
            members: text(r#""name":{"family":"Lee"}"#),
            from: "patient join patient_name n on n.patient_id = patient.id",
            columns: vec![("family", text("Lee"))],
        },
        UnusualValue {
            what: "a string for a list",
            resource_type: "Patient",
            members: text(r#""name":[{"given":"Ann"}]"#),
            from: "patient join patient_name n on n.patient_id = patient.id",
            columns: vec![("given", text("{Ann}"))],
        },
        UnusualValue {
            what: "a list of one for a string",
            resource_type: "Patient",
            members: text(r#""gender":["male"]"#),
            from: "patient",
            columns: vec![("gender", text("male"))],
        },
        UnusualValue {
            what: "wrong types in elements without a column",
            resource_type: "Patient",
            members: text(r#""extension":"x","contained":7,"text":[],"photos":true"#),
            from: "patient",
            columns: vec![("extension is null", text("true"))],
        },
        UnusualValue {
            what: "empty strings",
            resource_type: "Patient",
            members: text(r#""birthDate":"","gender":"","name":[{"family":"","given":["","Ann"]}]"#),
            from: "patient join patient_name n on n.patient_id = patient.id",
            columns: vec![
                ("birth_date is null and gender is null and family is null", text("true")),
                ("given[array_upper(given, 1)]", text("Ann")),
            ],
        },
        UnusualValue {
            what: "a number and a boolean in quotes",
            resource_type: "Patient",
            members: text(r#""active":"true","telecom":[{"value":5551234,"rank":"1"}]"#),
            from: "patient join patient_telecom t on t.patient_id = patient.id",
            columns: vec![("active", text("true")), ("value", text("5551234")), ("rank", text("1"))],
        },
        UnusualValue {
            what: "a coding for a list of concepts",
            resource_type: "Condition",
            members: text(r#""category":{"code":"problem"},"clinicalStatus":{"coding":{"code":"active"}}"#),
            from: "condition",
            columns: vec![("category_code", text("problem")), ("clinical_status", text("active"))],
        },
        UnusualValue {
            what: "several subjects and two variants of a choice",
            resource_type: "Observation",
            members: text(
                r#""status":["final","amended"],"valueString":"high","valueQuantity":{"value":"7"},"effectiveDateTime":"2020","effectivePeriod":{"end":"2021"}"#,
            ),
            from: "observation",
            columns: vec![
                ("status", text("final")),
                ("value_type", text("Quantity")),
                ("value_string", text("high")),
                ("value_quantity_value", text("7")),
                ("effective_type", text("dateTime")),
                ("effective_start_text", text("2020")),
                ("effective_end is null", text("true")),
            ],
        },
        UnusualValue {
            what: "blanks around codes",
            resource_type: "Observation",
            members: text(r#""status":" final ","code":{"coding":[{"code":"1\n","display":" One "}]}"#),
            from: "observation",
            columns: vec![("status", text("final")), ("code", text("1")), ("code_display", text(" One "))],
        },
        UnusualValue {
            what: "escaped letters in names",
            resource_type: "Observation",
            members: text(r#""value\u0051uantity":{"v\u0061lue":7}"#),
            from: "observation",
            columns: vec![("value_quantity_value", text("7"))],
        },
        UnusualValue {
            what: "a number in an extension",
            resource_type: "Patient",
            members: text(r#""extension":[{"url":"u","valueDecimal":1.50e2}]"#),
            from: "patient",
            columns: vec![("extension #>> '{0,valueDecimal}'", text("150"))],
        },
        UnusualValue {
            what: "brackets 510 deep",
            resource_type: "Basic",
            members: format!(r#""a":{}{}"#, "[".repeat(510), "]".repeat(510)),
            from: "other_resource",
            columns: vec![("fhir_id", text("x"))],
        },
        UnusualValue {
            what: "escaped quotes in names",
            resource_type: "Patient",
            members: text(r#""a\"b":1,"_birthDate":{"extension":[{"url":"u","c\"d":1}]}"#),
            from: "patient",
            columns: vec![("extension -> 0 ->> 'c\"d'", text("1"))],
        },
    ]
}

/// Resources that refer to themselves.
fn references() -> Vec<UnusualValue> {
    vec![
        UnusualValue {
            what: "a reference to itself",
            resource_type: "Organization",
            members: text(r#""partOf":{"reference":"Organization/x"}"#),
            from: "organization",
            columns: vec![("part_of_id = id", text("true"))],
        },
        UnusualValue {
            what: "a contained resource that refers to itself",
            resource_type: "Observation",
            members: text(
                r##""contained":[{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"#a"}}]}],"subject":{"reference":"#a"}"##,
            ),
            from: "observation join patient_link l using (patient_id)",
            columns: vec![
                ("l.other_id = l.patient_id", text("true")),
                ("subject_reference is null", text("true")),
            ],
        },
    ]
}
