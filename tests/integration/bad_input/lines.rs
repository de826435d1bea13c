//! A line with a bad resource is rejected alone, with its reason and its bytes.

use pretty_assertions::assert_eq;

use super::{long_text, resource};
use crate::steps::{account, load_with_code};
use crate::support::TestEnvironment;

/// A line that is rejected.
struct RejectedLine {
    /// What is wrong with it.
    what: &'static str,
    line: Vec<u8>,
    /// The reason code; any if empty.
    reason: &'static str,
    /// What the message contains.
    message: &'static str,
}

const NOT_A_NUMBER: &str = "a number with more digits than Postgres' type numeric holds";

fn rejected_lines() -> Vec<RejectedLine> {
    [text(), structure(), numbers(), types_and_ids(), long_keys(), wrong_types(), dates_and_times()]
        .into_iter()
        .flatten()
        .collect()
}

fn patient(members: &str) -> Vec<u8> {
    resource("Patient", members).into_bytes()
}

fn observation(members: &str) -> Vec<u8> {
    resource("Observation", members).into_bytes()
}

#[test]
fn a_bad_line_is_rejected_alone_with_its_reason_and_bytes() {
    let environment = TestEnvironment::without_indexes();
    let cases = rejected_lines();
    let mut file = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        file.extend_from_slice(&case.line);
        let good = format!("\n{{\"resourceType\":\"Patient\",\"id\":\"good-{number}\"}}\n");
        file.extend_from_slice(good.as_bytes());
    }
    let summary = load_with_code(&environment, &[("p.ndjson", &file)], 3);
    let count = cases.len() as u64;
    let rows = environment.query(
        "select location, reason, message, encode(raw, 'hex') as raw from etl.rejected_record \
         order by substring(location, '[0-9]+')::integer",
    );
    for (RejectedLine { what, line, reason, message }, (number, row)) in
        cases.iter().zip(rows.iter().enumerate())
    {
        assert_eq!(row[0], format!("line {}", 2 * number + 1), "{what}: {}", row[2]);
        let is_expected = (reason.is_empty() || row[1] == *reason) && row[2].contains(message);
        assert!(is_expected, "{what}: {} {}", row[1], row[2]);
        let raw: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(row[3] == raw, "{what}: other bytes were kept");
    }
    assert_eq!(account(&summary), [("inserted", count), ("rejected", count)]);
    assert_eq!(
        environment.value("select count(*) from patient where fhir_id like 'good-%'"),
        count.to_string()
    );
    assert_eq!(environment.value("select status from etl.load_file"), "loaded");
    // The bad lines have left nothing else behind, and every index can be built.
    assert_eq!(environment.value("select count(*) from patient"), count.to_string());
    environment.run(&["check"]).expect_code(0);
    assert_eq!(
        environment.run(&["indexes", "build"]).expect_code(0).stderr.matches("cannot be built").count(),
        0
    );
}

/// Strings that are no valid Unicode text, or that Postgres cannot store.
fn text() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            what: "broken UTF-8",
            line: b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}".to_vec(),
            reason: "not_json",
            message: "not JSON: the bytes are not UTF-8, at byte 32",
        },
        RejectedLine {
            what: "an overlong form",
            line: b"{\"resourceType\":\"Patient\",\"id\":\"\xc0\xaf\"}".to_vec(),
            reason: "not_json",
            message: "not JSON: the bytes are not UTF-8, at byte 32",
        },
        RejectedLine {
            what: "a surrogate in UTF-8",
            line: b"{\"resourceType\":\"Patient\",\"id\":\"\xed\xa0\x80\"}".to_vec(),
            reason: "not_json",
            message: "not JSON: the bytes are not UTF-8, at byte 32",
        },
        RejectedLine {
            what: "a lone surrogate",
            line: patient(r#""language":"\ud800""#),
            reason: "not_json",
            message: "not JSON: a string contains a lone surrogate",
        },
        RejectedLine {
            what: "a surrogate pair in the wrong order",
            line: patient(r#""language":"\udc00\ud800""#),
            reason: "not_json",
            message: "not JSON: a string contains a lone surrogate",
        },
        RejectedLine {
            what: "U+0000",
            line: patient(r#""language":"\u0000""#),
            reason: "not_json",
            message: "not JSON: a string contains the character U+0000",
        },
        RejectedLine {
            what: "U+0000 in a name",
            line: patient(r#""a\u0000":1"#),
            reason: "not_json",
            message: "not JSON: a string contains the character U+0000",
        },
        RejectedLine {
            what: "a control character",
            line: patient("\"language\":\"a\u{1}\""),
            reason: "not_json",
            message: "not JSON: a string contains an unescaped control character",
        },
        RejectedLine {
            what: "a byte order mark inside",
            line: patient("\u{feff}\"language\":\"en\""),
            reason: "not_json",
            message: "",
        },
    ]
}

/// JSON with duplicate members or bad nesting.
fn structure() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            what: "a nested duplicate member",
            line: patient(r#""contact":[{"name":{"text":"a","text":"a"}}]"#),
            reason: "not_json",
            message: "not JSON: an object has two members of the same name",
        },
        RejectedLine {
            what: "a duplicate resourceType",
            line: patient(r#""resourceType":"Patient""#),
            reason: "not_json",
            message: "not JSON: an object has two members of the same name",
        },
        RejectedLine {
            what: "brackets 100,000 deep",
            line: patient(&format!(r#""a":{}{}"#, "[".repeat(100_000), "]".repeat(100_000))),
            reason: "too_deep",
            message: "nested deeper than the limit of 512 brackets",
        },
        RejectedLine { what: "mismatched brackets", line: patient(r#""a":[}"#), reason: "", message: "" },
    ]
}

/// What is no number in JSON, in FHIR or in Postgres.
fn numbers() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            what: "infinity",
            line: observation(r#""valueQuantity":{"value":Infinity}"#),
            reason: "not_json",
            message: "not JSON: expected a value",
        },
        RejectedLine {
            what: "NaN",
            line: observation(r#""valueQuantity":{"value":NaN}"#),
            reason: "not_json",
            message: "not JSON: expected a value",
        },
        RejectedLine {
            what: "a number with a leading zero",
            line: observation(r#""valueQuantity":{"value":007}"#),
            reason: "not_json",
            message: "not JSON: a number is not in JSON's notation",
        },
        RejectedLine {
            what: "a number with a plus sign",
            line: observation(r#""valueQuantity":{"value":+7}"#),
            reason: "not_json",
            message: "not JSON: expected a value",
        },
        RejectedLine {
            what: "a string that is no number for a number",
            line: observation(r#""valueQuantity":{"value":"007"}"#),
            reason: "invalid_value",
            message: "valueQuantity.value: expected a number",
        },
        RejectedLine {
            what: "an exponent out of range",
            line: observation(r#""valueQuantity":{"value":1e131072}"#),
            reason: "invalid_value",
            message: NOT_A_NUMBER,
        },
        RejectedLine {
            what: "the smallest exponent",
            line: observation(r#""valueQuantity":{"value":1e-9223372036854775808}"#),
            reason: "invalid_value",
            message: NOT_A_NUMBER,
        },
        RejectedLine {
            what: "too many digits",
            line: observation(&format!(r#""valueQuantity":{{"value":0.{}}}"#, "1".repeat(16_384))),
            reason: "invalid_value",
            message: NOT_A_NUMBER,
        },
        RejectedLine {
            what: "such a number in an extension",
            line: patient(r#""extension":[{"url":"u","valueDecimal":1e200000}]"#),
            reason: "invalid_value",
            message: "extension[0].valueDecimal: a number with",
        },
        RejectedLine {
            what: "such a number in a type without a table",
            line: resource("Basic", r#""a":[1,-1e-20000]"#).into_bytes(),
            reason: "invalid_value",
            message: "a[1]: a number with",
        },
        RejectedLine {
            what: "a decimal for an integer",
            line: patient(r#""multipleBirthInteger":1.0"#),
            reason: "invalid_value",
            message: "multipleBirthInteger: expected a whole number",
        },
        RejectedLine {
            what: "an integer out of range",
            line: patient(r#""multipleBirthInteger":2147483648"#),
            reason: "invalid_value",
            message: "multipleBirthInteger: expected a whole number",
        },
    ]
}

/// Resources without a usable type or ID.
fn types_and_ids() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            what: "a list for resourceType",
            line: br#"{"resourceType":["Patient"],"id":"x"}"#.to_vec(),
            reason: "no_resource_type",
            message: "no resourceType",
        },
        RejectedLine {
            what: "an unknown resourceType",
            line: br#"{"resourceType":"Patients","id":"x"}"#.to_vec(),
            reason: "unknown_resource_type",
            message: "resourceType is not one of FHIR R4",
        },
        RejectedLine {
            what: "an empty object",
            line: b"{}".to_vec(),
            reason: "no_resource_type",
            message: "no resourceType",
        },
        RejectedLine {
            what: "an object for an id",
            line: br#"{"resourceType":"Patient","id":{}}"#.to_vec(),
            reason: "invalid_value",
            message: "id: expected a string",
        },
    ]
}

/// Values that are indexed and too long for an index.
fn long_keys() -> Vec<RejectedLine> {
    let long = long_text(10_000);
    vec![
        RejectedLine {
            what: "an id of 10 kB",
            line: format!(r#"{{"resourceType":"Patient","id":"{long}"}}"#).into_bytes(),
            reason: "invalid_value",
            message: "id: longer than 1000 bytes",
        },
        RejectedLine {
            what: "a reference to an id of 10 kB",
            line: observation(&format!(r#""subject":{{"reference":"Patient/{long}"}}"#)),
            reason: "invalid_value",
            message: "subject: longer than 1000 bytes",
        },
        RejectedLine {
            what: "a reference to an identifier of 10 kB",
            line: observation(&format!(r#""subject":{{"reference":"Patient?identifier=s|{long}"}}"#)),
            reason: "invalid_value",
            message: "subject: longer than 1000 bytes",
        },
        RejectedLine {
            what: "an identifier of 10 kB",
            line: patient(&format!(r#""identifier":[{{"system":"s","value":"{long}"}}]"#)),
            reason: "invalid_value",
            message: "identifier[0]",
        },
        RejectedLine {
            what: "an organization's identifier of 10 kB",
            line: resource("Organization", &format!(r#""identifier":[{{"value":"{long}"}}]"#)).into_bytes(),
            reason: "invalid_value",
            message: "identifier[0].value: longer",
        },
        RejectedLine {
            what: "a code of 10 kB",
            line: resource("Condition", &format!(r#""code":{{"coding":[{{"code":"{long}"}}]}}"#))
                .into_bytes(),
            reason: "invalid_value",
            message: "code: longer than 1000 bytes",
        },
        RejectedLine {
            what: "a code of 10 kB in a list",
            line: resource("Encounter", &format!(r#""reasonCode":[{{"coding":[{{"code":"{long}"}}]}}]"#))
                .into_bytes(),
            reason: "invalid_value",
            message: "reasonCode[0].coding[0].code: longer",
        },
        RejectedLine {
            what: "a second code of 10 kB",
            line: resource(
                "Condition",
                &format!(r#""code":{{"coding":[{{"code":"a"}},{{"code":"{long}"}}]}}"#),
            )
            .into_bytes(),
            reason: "invalid_value",
            message: "code.coding[1].code: longer",
        },
        RejectedLine {
            what: "codes in an element with a name of 10 kB",
            line: patient(&format!(r#""{long}":{{"coding":[{{"code":"a"}},{{"code":"b"}}]}}"#)),
            reason: "invalid_value",
            message: "longer than 1000 bytes",
        },
        RejectedLine {
            what: "a family name of 10 kB",
            line: patient(&format!(r#""name":[{{"family":"{long}"}}]"#)),
            reason: "invalid_value",
            message: "name[0].family: longer",
        },
    ]
}

/// Values of another JSON type than their element has.
fn wrong_types() -> Vec<RejectedLine> {
    vec![
        RejectedLine {
            what: "a string for an object",
            line: patient(r#""name":"x""#),
            reason: "invalid_value",
            message: "name: expected an object",
        },
        RejectedLine {
            what: "a string for meta",
            line: patient(r#""meta":"x""#),
            reason: "invalid_value",
            message: "meta: expected an object",
        },
        RejectedLine {
            what: "an object for a string",
            line: patient(r#""name":[{"family":{"a":1}}]"#),
            reason: "invalid_value",
            message: "name[0].family: expected a string",
        },
        RejectedLine {
            what: "a boolean for a string",
            line: patient(r#""gender":true"#),
            reason: "invalid_value",
            message: "gender: expected a string",
        },
        RejectedLine {
            what: "a string that is no boolean for a boolean",
            line: patient(r#""active":"yes""#),
            reason: "invalid_value",
            message: "active: expected true or false",
        },
        RejectedLine {
            what: "a string for a reference",
            line: observation(r#""subject":"Patient/1""#),
            reason: "invalid_value",
            message: "subject: expected an object",
        },
        RejectedLine {
            what: "a number for a reference's string",
            line: observation(r#""subject":{"reference":5}"#),
            reason: "invalid_value",
            message: "subject.reference: expected a string",
        },
        RejectedLine {
            what: "a string for a concept",
            line: observation(r#""code":"x""#),
            reason: "invalid_value",
            message: "code: expected an object",
        },
        RejectedLine {
            what: "a string for an identifier",
            line: patient(r#""identifier":["x"]"#),
            reason: "invalid_value",
            message: "identifier[0]: expected an object",
        },
        RejectedLine {
            what: "a string for a period",
            line: resource("Encounter", r#""period":"2020""#).into_bytes(),
            reason: "invalid_value",
            message: "period: expected an object",
        },
        RejectedLine {
            what: "a number for a date",
            line: patient(r#""birthDate":20150207"#),
            reason: "invalid_value",
            message: "birthDate: expected a string",
        },
    ]
}

/// Dates and times that do not exist or are out of range.
fn dates_and_times() -> Vec<RejectedLine> {
    let dates = ["10000-01-01", "2015-2-3", "2015-02-07T00:00:00Z"];
    let days = ["2015-02-30", "2015-00-01", "0000", "0000-01-01", "2015-13"];
    let times = [
        "2015-02-07T24:00:00Z",
        "2015-02-07T23:59:61Z",
        "2015-02-07T23:60:00Z",
        "2015-02-07T12:00:00+14:01",
        "2015-02-07T12:00:00-15:00",
        "2015-02-07T12:00:00+99:99",
    ];
    let days_of_times = ["0000-01-01T00:00:00Z", "2015-02-30T00:00:00Z", "2015-02-30"];
    let dates = dates.iter().map(|date| RejectedLine {
        what: "an invalid date",
        line: patient(&format!(r#""birthDate":"{date}""#)),
        reason: "invalid_value",
        message: "birthDate: not a date: expected",
    });
    let times = times.iter().map(|time| RejectedLine {
        what: "an invalid time",
        line: observation(&format!(r#""effectiveDateTime":"{time}""#)),
        reason: "invalid_value",
        message: "effectiveDateTime: not a date and time: expected",
    });
    let days = days.iter().map(|day| RejectedLine {
        what: "a day that does not exist",
        line: patient(&format!(r#""birthDate":"{day}""#)),
        reason: "invalid_value",
        message: "birthDate: a day that does not exist",
    });
    let days_of_times = days_of_times.iter().map(|time| RejectedLine {
        what: "a time of a day that does not exist",
        line: observation(&format!(r#""effectiveDateTime":"{time}""#)),
        reason: "invalid_value",
        message: "effectiveDateTime: a day that does not exist",
    });
    dates.chain(times).chain(days).chain(days_of_times).collect()
}
