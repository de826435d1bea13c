//! What happens to bad input, case by case, as the table of
//! docs/OPERATIONS.md says it. What is bad costs its neighbours nothing.

use std::io::Write as _;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use zip::unstable::write::FileOptionsExt as _;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::forms::{gzip, zip};
use crate::road::{account, columns, load, load_twice, load_with_code};
use crate::support::{TestEnvironment, execute};

const GOOD: &str = r#"{"resourceType":"Patient","id":"good"}"#;

/// A resource of that type with the id `x` and these members more.
fn resource(resource_type: &str, members: &str) -> String {
    format!(r#"{{"resourceType":"{resource_type}","id":"x",{members}}}"#)
}

/// Characters that no compression makes short, so that an index row has them
/// all.
fn long_text(bytes: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    };
    (0..bytes).map(|_| next()).collect()
}

/// Lines that are rejected: what is wrong, the line, the reason, and the
/// message or its beginning.
fn rejected_lines() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str)> {
    let patient = |members: &str| resource("Patient", members).into_bytes();
    let observation = |members: &str| resource("Observation", members).into_bytes();
    let long = long_text(10_000);
    let not_a_date = "birthDate: not a date: expected";
    let not_a_time = "effectiveDateTime: not a date and time: expected";
    let not_a_number = "a number with more digits than Postgres' type numeric holds";
    let too_long = "longer than 1000 bytes";
    let mut cases = vec![
        (
            "broken UTF-8",
            b"{\"resourceType\":\"Patient\",\"id\":\"\xff\"}".to_vec(),
            "not_json",
            "not JSON: the bytes are not UTF-8, at byte 32",
        ),
        (
            "an overlong form",
            b"{\"resourceType\":\"Patient\",\"id\":\"\xc0\xaf\"}".to_vec(),
            "not_json",
            "not JSON: the bytes are not UTF-8, at byte 32",
        ),
        (
            "a surrogate in UTF-8",
            b"{\"resourceType\":\"Patient\",\"id\":\"\xed\xa0\x80\"}".to_vec(),
            "not_json",
            "not JSON: the bytes are not UTF-8, at byte 32",
        ),
        (
            "half a surrogate pair",
            patient(r#""language":"\ud800""#),
            "not_json",
            "not JSON: a string contains a lone surrogate",
        ),
        (
            "surrogates the wrong way round",
            patient(r#""language":"\udc00\ud800""#),
            "not_json",
            "not JSON: a string contains a lone surrogate",
        ),
        (
            "U+0000",
            patient(r#""language":"\u0000""#),
            "not_json",
            "not JSON: a string holds the character U+0000",
        ),
        (
            "U+0000 in a name",
            patient(r#""a\u0000":1"#),
            "not_json",
            "not JSON: a string holds the character U+0000",
        ),
        (
            "a control character",
            patient("\"language\":\"a\u{1}\""),
            "not_json",
            "not JSON: a string holds a control character",
        ),
        ("a mark of byte order inside", patient("\u{feff}\"language\":\"en\""), "not_json", ""),
        (
            "a member twice, deep inside",
            patient(r#""contact":[{"name":{"text":"a","text":"a"}}]"#),
            "not_json",
            "not JSON: an object has two members of the same name",
        ),
        (
            "resourceType twice",
            patient(r#""resourceType":"Patient""#),
            "not_json",
            "not JSON: an object has two members of the same name",
        ),
        (
            "brackets 100,000 deep",
            patient(&format!(r#""a":{}{}"#, "[".repeat(100_000), "]".repeat(100_000))),
            "too_deep",
            "nested deeper than the limit of 512 brackets",
        ),
        ("brackets that do not match", patient(r#""a":[}"#), "", ""),
        (
            "infinity",
            observation(r#""valueQuantity":{"value":Infinity}"#),
            "not_json",
            "not JSON: expected a value",
        ),
        ("NaN", observation(r#""valueQuantity":{"value":NaN}"#), "not_json", "not JSON: expected a value"),
        (
            "a zero before a number",
            observation(r#""valueQuantity":{"value":007}"#),
            "not_json",
            "not JSON: a number is not written",
        ),
        (
            "a plus before a number",
            observation(r#""valueQuantity":{"value":+7}"#),
            "not_json",
            "not JSON: expected a value",
        ),
        (
            "a number as text",
            observation(r#""valueQuantity":{"value":"7"}"#),
            "invalid_value",
            "valueQuantity.value: expected a number",
        ),
        (
            "an exponent out of range",
            observation(r#""valueQuantity":{"value":1e131072}"#),
            "invalid_value",
            not_a_number,
        ),
        (
            "the least exponent",
            observation(r#""valueQuantity":{"value":1e-9223372036854775808}"#),
            "invalid_value",
            not_a_number,
        ),
        (
            "too many digits",
            observation(&format!(r#""valueQuantity":{{"value":0.{}}}"#, "1".repeat(16_384))),
            "invalid_value",
            not_a_number,
        ),
        (
            "such a number in an extension",
            patient(r#""extension":[{"url":"u","valueDecimal":1e200000}]"#),
            "invalid_value",
            "extension[0].valueDecimal: a number with",
        ),
        (
            "such a number in a type without a table",
            resource("Basic", r#""a":[1,-1e-20000]"#).into_bytes(),
            "invalid_value",
            "a[1]: a number with",
        ),
        (
            "a fraction for a whole number",
            patient(r#""multipleBirthInteger":1.0"#),
            "invalid_value",
            "multipleBirthInteger: expected a whole number",
        ),
        (
            "too large a whole number",
            patient(r#""multipleBirthInteger":2147483648"#),
            "invalid_value",
            "multipleBirthInteger: expected a whole number",
        ),
        (
            "a hard-coded resourceType of another kind",
            br#"{"resourceType":["Patient"],"id":"x"}"#.to_vec(),
            "no_resource_type",
            "no resourceType",
        ),
        (
            "an unknown resourceType",
            br#"{"resourceType":"Patients","id":"x"}"#.to_vec(),
            "unknown_resource_type",
            "resourceType is not one of FHIR R4",
        ),
        ("an empty object", b"{}".to_vec(), "no_resource_type", "no resourceType"),
        (
            "a number for an id",
            br#"{"resourceType":"Patient","id":5}"#.to_vec(),
            "invalid_value",
            "id: expected a string",
        ),
        (
            "an id of 10 kB",
            format!(r#"{{"resourceType":"Patient","id":"{long}"}}"#).into_bytes(),
            "invalid_value",
            "id: longer than 1000 bytes",
        ),
        (
            "a reference to an id of 10 kB",
            observation(&format!(r#""subject":{{"reference":"Patient/{long}"}}"#)),
            "invalid_value",
            "subject: longer than 1000 bytes",
        ),
        (
            "a reference to a number of 10 kB",
            observation(&format!(r#""subject":{{"reference":"Patient?identifier=s|{long}"}}"#)),
            "invalid_value",
            "subject: longer than 1000 bytes",
        ),
        (
            "an identifier of 10 kB",
            patient(&format!(r#""identifier":[{{"system":"s","value":"{long}"}}]"#)),
            "invalid_value",
            "identifier[0]",
        ),
        (
            "an organization's identifier of 10 kB",
            resource("Organization", &format!(r#""identifier":[{{"value":"{long}"}}]"#)).into_bytes(),
            "invalid_value",
            "identifier[0].value: longer",
        ),
        (
            "a code of 10 kB",
            resource("Condition", &format!(r#""code":{{"coding":[{{"code":"{long}"}}]}}"#)).into_bytes(),
            "invalid_value",
            "code: longer than 1000 bytes",
        ),
        (
            "a code of 10 kB in a list",
            resource("Encounter", &format!(r#""reasonCode":[{{"coding":[{{"code":"{long}"}}]}}]"#))
                .into_bytes(),
            "invalid_value",
            "reasonCode[0].coding[0].code: longer",
        ),
        (
            "a second code of 10 kB",
            resource("Condition", &format!(r#""code":{{"coding":[{{"code":"a"}},{{"code":"{long}"}}]}}"#))
                .into_bytes(),
            "invalid_value",
            "code.coding[1].code: longer",
        ),
        (
            "codes at a path of 10 kB",
            patient(&format!(r#""{long}":{{"coding":[{{"code":"a"}},{{"code":"b"}}]}}"#)),
            "invalid_value",
            too_long,
        ),
        (
            "a family name of 10 kB",
            patient(&format!(r#""name":[{{"family":"{long}"}}]"#)),
            "invalid_value",
            "name[0].family: longer",
        ),
        ("a text for an object", patient(r#""name":"x""#), "invalid_value", "name: expected an object"),
        ("a text for meta", patient(r#""meta":"x""#), "invalid_value", "meta: expected an object"),
        (
            "an object for a text",
            patient(r#""name":[{"family":{"a":1}}]"#),
            "invalid_value",
            "name[0].family: expected a string",
        ),
        ("a flag for a text", patient(r#""gender":true"#), "invalid_value", "gender: expected a string"),
        (
            "a text for a flag",
            patient(r#""active":"true""#),
            "invalid_value",
            "active: expected true or false",
        ),
        (
            "a text for a reference",
            observation(r#""subject":"Patient/1""#),
            "invalid_value",
            "subject: expected an object",
        ),
        (
            "a number for a reference's text",
            observation(r#""subject":{"reference":5}"#),
            "invalid_value",
            "subject.reference: expected a string",
        ),
        ("a text for a concept", observation(r#""code":"x""#), "invalid_value", "code: expected an object"),
        (
            "a text for an identifier",
            patient(r#""identifier":["x"]"#),
            "invalid_value",
            "identifier[0]: expected an object",
        ),
        (
            "a text for a period",
            resource("Encounter", r#""period":"2020""#).into_bytes(),
            "invalid_value",
            "period: expected an object",
        ),
        (
            "a number for a date",
            patient(r#""birthDate":20150207"#),
            "invalid_value",
            "birthDate: expected a string",
        ),
    ];
    for date in [
        "2015-02-30",
        "2015-00-01",
        "0000",
        "0000-01-01",
        "10000-01-01",
        "2015-2-3",
        "2015-02-07T00:00:00Z",
        "",
    ] {
        cases.push((
            "a date that is none",
            patient(&format!(r#""birthDate":"{date}""#)),
            "invalid_value",
            not_a_date,
        ));
    }
    for time in [
        "2015-02-07T24:00:00Z",
        "2015-02-07T23:59:61Z",
        "2015-02-07T23:60:00Z",
        "2015-02-07T12:00:00+14:01",
        "2015-02-07T12:00:00-15:00",
        "2015-02-07T12:00:00+99:99",
        "0000-01-01T00:00:00Z",
    ] {
        cases.push((
            "a time that is none",
            observation(&format!(r#""effectiveDateTime":"{time}""#)),
            "invalid_value",
            not_a_time,
        ));
    }
    cases
}

#[test]
fn a_bad_line_is_rejected_alone_with_its_reason_and_bytes() {
    let environment = TestEnvironment::new();
    let cases = rejected_lines();
    let mut file = Vec::new();
    for (number, (_, line, ..)) in cases.iter().enumerate() {
        file.extend_from_slice(line);
        let good = format!("\n{{\"resourceType\":\"Patient\",\"id\":\"good-{number}\"}}\n");
        file.extend_from_slice(good.as_bytes());
    }
    let summary = load_with_code(&environment, &[("p.ndjson", &file)], 3);
    let count = cases.len() as u64;
    let rows = environment.query(
        "select location, reason, message, encode(raw, 'hex') as raw from etl.rejected_record \
         order by substring(location, '[0-9]+')::integer",
    );
    for ((what, line, reason, message), (number, row)) in cases.iter().zip(rows.iter().enumerate()) {
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
    // Nothing else has come of the bad ones, and all that must be indexed is.
    assert_eq!(environment.value("select count(*) from patient"), count.to_string());
    environment.run(&["check"]).expect_code(0);
    assert_eq!(
        environment.run(&["indexes", "build"]).expect_code(0).stderr.matches("cannot be built").count(),
        0
    );
}

/// What looks bad and is loaded: what, type, members, table, and what its
/// columns have.
type Odd = (&'static str, &'static str, String, &'static str, Vec<(&'static str, String)>);

fn odd_values() -> Vec<Odd> {
    let digits = "9".repeat(400);
    let text = str::to_owned;
    let number = |what, written: &str, value: &str| {
        let members = format!(r#""valueQuantity":{{"value":{written}}}"#);
        (what, "Observation", members, "observation", vec![("value_quantity_value", value.to_owned())])
    };
    let moment = |what, written: &str, value: &str| {
        let members = format!(r#""effectiveDateTime":"{written}""#);
        let columns = vec![
            ("effective_start at time zone 'UTC'", value.to_owned()),
            ("effective_start_text", written.to_owned()),
        ];
        (what, "Observation", members, "observation", columns)
    };
    vec![
        number("a large exponent", "1e400", &format!("1{}", "0".repeat(400))),
        number("a small one", "1e-400", &format!("0.{}1", "0".repeat(399))),
        number("minus zero", "-0", "0"),
        number("minus zero with places", "-0.00", "0.00"),
        number("400 digits", &digits, &digits),
        number("400 places", &format!("0.{digits}"), &format!("0.{digits}")),
        moment("a leap second", "2016-12-31T23:59:60Z", "2017-01-01 00:00:00"),
        moment("the first year, east", "0001-01-01T00:00:00+14:00", "0001-12-31 10:00:00 BC"),
        moment("the last year, west", "9999-12-31T23:59:59-14:00", "10000-01-01 13:59:59"),
        moment("the largest offset", "2015-02-07T12:00:00+14:00", "2015-02-06 22:00:00"),
        moment("the year 9999", "9999", "9999-01-01 00:00:00"),
        moment("nanoseconds", "2015-02-07T12:00:00.123456789Z", "2015-02-07 12:00:00.123456"),
        (
            "the end of 9999",
            "Encounter",
            text(r#""period":{"start":"9998","end":"9999"}"#),
            "encounter",
            vec![
                ("period_end at time zone 'UTC'", text("9999-12-31 23:59:59.999999")),
                ("period_end_text", text("9999")),
            ],
        ),
        (
            "a leap second of the day",
            "Observation",
            text(r#""valueTime":"23:59:60""#),
            "observation",
            vec![("value_time", text("24:00:00"))],
        ),
        (
            "a part of a leap second of the day",
            "Observation",
            text(r#""valueTime":"23:59:60.5""#),
            "observation",
            vec![("value_time", text("24:00:00"))],
        ),
        (
            "the first day",
            "Patient",
            text(r#""birthDate":"0001-01-01""#),
            "patient",
            vec![("birth_date", text("0001-01-01")), ("birth_date_text", text("0001-01-01"))],
        ),
        (
            "only a month",
            "Patient",
            text(r#""birthDate":"2015-02""#),
            "patient",
            vec![("birth_date", text("2015-02-01")), ("birth_date_text", text("2015-02"))],
        ),
        (
            "minus zero births",
            "Patient",
            text(r#""multipleBirthInteger":-0"#),
            "patient",
            vec![("multiple_birth_integer", text("0"))],
        ),
        (
            "null everywhere",
            "Patient",
            text(
                r#""meta":null,"name":[null,{"family":null,"given":[null,"Ann"]}],"contact":null,"extension":null,"birthDate":null,"gender":null"#,
            ),
            "patient join patient_name n on n.patient_id = patient.id",
            vec![
                ("birth_date is null and gender is null and family is null", text("true")),
                ("given[array_upper(given, 1)]", text("Ann")),
            ],
        ),
        (
            "an object for a list of one",
            "Patient",
            text(r#""name":{"family":"Lee"}"#),
            "patient join patient_name n on n.patient_id = patient.id",
            vec![("family", text("Lee"))],
        ),
        (
            "a text for a list of one",
            "Patient",
            text(r#""name":[{"given":"Ann"}]"#),
            "patient join patient_name n on n.patient_id = patient.id",
            vec![("given", text("{Ann}"))],
        ),
        (
            "a list of one for a text",
            "Patient",
            text(r#""gender":["male"]"#),
            "patient",
            vec![("gender", text("male"))],
        ),
        (
            "wrong types where nothing is read",
            "Patient",
            text(r#""extension":"x","contained":7,"text":[],"photos":true"#),
            "patient",
            vec![("extension is null", text("true"))],
        ),
        (
            "a number in an extension",
            "Patient",
            text(r#""extension":[{"url":"u","valueDecimal":1.50e2}]"#),
            "patient",
            vec![("extension #>> '{0,valueDecimal}'", text("150"))],
        ),
        (
            "brackets 510 deep",
            "Basic",
            format!(r#""a":{}{}"#, "[".repeat(510), "]".repeat(510)),
            "other_resource",
            vec![("fhir_id", text("x"))],
        ),
        (
            "a reference to itself",
            "Organization",
            text(r#""partOf":{"reference":"Organization/x"}"#),
            "organization",
            vec![("part_of_id = id", text("true"))],
        ),
        (
            "a contained resource that refers to itself",
            "Observation",
            text(
                r##""contained":[{"resourceType":"Patient","id":"a","link":[{"other":{"reference":"#a"}}]}],"subject":{"reference":"#a"}"##,
            ),
            "observation",
            vec![("patient_id is null", text("true")), ("subject_reference", text("#a"))],
        ),
        (
            "escaped quotes in names",
            "Patient",
            text(r#""a\"b":1,"_birthDate":{"extension":[{"url":"u","c\"d":1}]}"#),
            "patient",
            vec![("extension -> 0 ->> 'c\"d'", text("1"))],
        ),
    ]
}

#[test]
fn odd_values_are_loaded_as_they_are_meant() {
    let environment = TestEnvironment::new();
    let cases = odd_values();
    let mut files = Vec::new();
    for (number, (_, resource_type, members, ..)) in cases.iter().enumerate() {
        // Each in a source of its own, where it can be told by its id.
        files.push((format!("s{number:03}/x.json"), resource(resource_type, members)));
    }
    let files: Vec<(&str, &[u8])> =
        files.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let summary = load_twice(&environment, &files);
    assert_eq!(account(&summary), [("inserted", cases.len() as u64)]);
    for (number, (what, _, _, from, wanted)) in cases.iter().enumerate() {
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
fn ids_may_hold_what_fhir_does_not_allow() {
    let environment = TestEnvironment::new();
    let ids = ["a b", "a/b", "../../x", "é", "'; drop table patient; --", "\\\"", " ", &"i".repeat(1000)];
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

/// Files of which nothing can be used go to the rejects, those with nothing
/// to load to the archive: name, content, where it goes, reason and message.
fn whole_files() -> Vec<(&'static str, Vec<u8>, &'static str, &'static str, &'static str)> {
    let html = b"<!doctype html><html><body>Please log in</body></html>".to_vec();
    let utf_16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let zipped = zip(&[("a.json", GOOD.as_bytes())]);
    let mut deep = gzip(GOOD.as_bytes());
    for _ in 0..3 {
        deep = gzip(&deep);
    }
    vec![
        ("empty.json", Vec::new(), "archive", "", ""),
        ("blank.json", b" \r\n\n".to_vec(), "archive", "", ""),
        ("mark.json", b"\xef\xbb\xbf".to_vec(), "archive", "", ""),
        ("list.json", b"[]".to_vec(), "archive", "", ""),
        ("bundle.json", br#"{"resourceType":"Bundle"}"#.to_vec(), "archive", "", ""),
        ("entries.json", br#"{"resourceType":"Bundle","entry":[]}"#.to_vec(), "archive", "", ""),
        ("empty.zip", zip(&[]), "archive", "", ""),
        ("empty.gz", gzip(b""), "archive", "", ""),
        ("object.json", b"{}".to_vec(), "rejects", "no_resource_type", "no resourceType"),
        ("null.json", b"null".to_vec(), "rejects", "not_json", "plain text"),
        ("number.json", b"17".to_vec(), "rejects", "not_json", "plain text"),
        ("nulls.json", b"[null]".to_vec(), "rejects", "not_json", "expected a JSON object, found null"),
        (
            "entry.json",
            br#"{"resourceType":"Bundle","entry":{}}"#.to_vec(),
            "rejects",
            "unbalanced",
            "expected an array of entries",
        ),
        ("page.json", html.clone(), "rejects", "not_json", "markup (HTML"),
        ("page.json.gz", gzip(&html), "rejects", "not_json", "markup (HTML"),
        ("table.json", b"id,name\n1,x\n".to_vec(), "rejects", "not_json", "plain text (CSV, perhaps)"),
        ("wide.json", utf_16, "rejects", "not_json", "UTF-16"),
        ("noise.json", (0..=255).collect(), "rejects", "not_json", "binary data"),
        ("cut.json", GOOD.as_bytes()[..20].to_vec(), "rejects", "truncated", "ends before its brackets"),
        (
            "cut.json.gz",
            gzip(GOOD.as_bytes())[..15].to_vec(),
            "rejects",
            "truncated",
            "the compressed data end too early",
        ),
        (
            "cut.zip",
            zipped[..zipped.len() - 30].to_vec(),
            "rejects",
            "unreadable",
            "a zip archive that cannot be opened",
        ),
        ("deep.gz", deep, "rejects", "too_deep", "archives nested deeper than the limit of 3"),
        ("secret.zip", encrypted_zip(), "rejects", "encrypted", "encrypted; deliver it without a password"),
    ]
}

/// A zip with one member, encrypted as `zip --encrypt` does it.
fn encrypted_zip() -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().with_deprecated_encryption(b"secret").unwrap();
    writer.start_file("a.json", options).unwrap();
    writer.write_all(GOOD.as_bytes()).unwrap();
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_file_without_use_goes_to_the_rejects_with_a_report() {
    let environment = TestEnvironment::new();
    let cases = whole_files();
    let mut files: Vec<(&str, &[u8])> =
        cases.iter().map(|(name, content, ..)| (*name, &content[..])).collect();
    files.push(("good.json", GOOD.as_bytes()));
    let summary = load_with_code(&environment, &files, 3);
    let rejected = cases.iter().filter(|(_, _, place, ..)| *place == "rejects").count() as u64;
    assert_eq!(summary["rejected_files"], rejected, "{summary}");
    assert_eq!(environment.value("select fhir_id from patient"), "good");
    let listing = environment.listing();
    for (name, content, place, reason, message) in &cases {
        let is_there = |path: &&String| path.starts_with(place) && path.ends_with(&format!("/{name}"));
        let path =
            listing.iter().find(is_there).unwrap_or_else(|| panic!("{name} is not in {place}: {listing:?}"));
        assert_eq!(&std::fs::read(environment.path(path)).unwrap(), content, "{name}");
        let rows = environment.query(&format!(
            "select r.reason, r.message from etl.rejected_record r join etl.load_file f on f.id = r.file_id \
             where f.path = '{name}'"
        ));
        if *place == "archive" {
            assert_eq!(rows.len(), 0, "{name}: {rows:?}");
            continue;
        }
        let report = std::fs::read_to_string(environment.path(&format!("{path}.report.txt"))).unwrap();
        assert!(report.starts_with(&format!("{name}\n")), "{report}");
        let told = if *reason == "unreadable" { &report } else { &rows[0][1] };
        assert!(told.contains(message), "{name}: {rows:?} {report}");
        if *reason != "unreadable" {
            assert_eq!(rows.len(), 1, "{name}: {rows:?}");
            assert_eq!(rows[0][0], *reason, "{name}");
        }
    }
    assert_eq!(listing.iter().filter(|path| path.starts_with("inbox/")).count(), 0);
}

#[test]
fn bombs_cost_their_own_file_only() {
    let environment = TestEnvironment::new();
    let blanks = vec![b' '; 70 << 20];
    let members: Vec<(String, &[u8])> =
        (0..11).map(|number| (format!("{number}"), GOOD.as_bytes())).collect();
    let members: Vec<(&str, &[u8])> =
        members.iter().map(|(name, content)| (name.as_str(), *content)).collect();
    environment.put("inbox/ratio.gz", gzip(&blanks));
    environment.put("inbox/ratio.zip", zip(&[("first", GOOD.as_bytes()), ("second", &blanks)]));
    environment.put("inbox/members.zip", zip(&members));
    environment.put("inbox/good.json", r#"{"resourceType":"Patient","id":"other"}"#);
    let run = environment
        .run_command(environment.command(&["once", "--json"]).env("MAX_ARCHIVE_MEMBERS", "10"))
        .expect_code(3);
    assert_eq!(run.json()["rejected_files"], 3, "{}", run.stdout);
    let report = |name: &str| {
        std::fs::read_to_string(environment.path(&format!("rejects/default/{name}.report.txt"))).unwrap()
    };
    assert!(report("ratio.gz").contains("unpacks to more than 200 times its size"), "{}", report("ratio.gz"));
    assert!(report("ratio.zip").contains("unpacks to more than 200 times its size"));
    assert!(report("members.zip").contains("the archive has more than 10 members"));
    // What stands before the bomb is loaded.
    assert_eq!(environment.query("select fhir_id from patient order by 1"), [["good"], ["other"]]);
}

/// The last 22 bytes of a zip say how many entries its directory has, at two
/// places, how long it is, and where it begins.
fn with_directory(zip: &[u8], entries: u16, directory: &[u8]) -> Vec<u8> {
    let (rest, end) = zip.split_at(zip.len() - 22);
    let start = u32::from_le_bytes(end[16..20].try_into().unwrap()) as usize;
    let (count, length) = (entries.to_le_bytes(), (directory.len() as u32).to_le_bytes());
    [&rest[..start], directory, &end[..8], &count, &count, &length, &end[16..]].concat()
}

/// The entries of the directory of a zip with two members of equal names'
/// lengths.
fn entries(zip: &[u8]) -> (&[u8], &[u8]) {
    let end = zip.len() - 22;
    let start = u32::from_le_bytes(zip[end + 16..end + 20].try_into().unwrap()) as usize;
    zip[start..end].split_at((end - start) / 2)
}

/// A zip as programs write it that cannot seek: lengths stand behind members.
fn streamed_zip(names: &[&str]) -> Vec<u8> {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for name in names {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(GOOD.replace("good", name).as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn stored_zip(names: &[&str], options: SimpleFileOptions, comment: &str) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer.set_comment(comment).unwrap();
    for name in names {
        writer.start_file(*name, options.compression_method(CompressionMethod::Stored)).unwrap();
        writer.write_all(GOOD.replace("good", name).as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn what_a_zip_does_not_list_is_told_and_what_it_lists_is_loaded() {
    let plain = SimpleFileOptions::default();
    let two = stored_zip(&["a", "b"], plain, "");
    let streamed = streamed_zip(&["a", "b"]);
    let ((first, second), (first_streamed, _)) = (entries(&two), entries(&streamed));
    let other = stored_zip(&["b"], plain, "of yesterday");
    let inner = with_directory(&two, 1, first);
    let cases = [
        ("fewer than there are", with_directory(&two, 1, &[first, second].concat()), "a"),
        ("the second left out", inner.clone(), "a"),
        ("the first left out", with_directory(&two, 1, second), "b"),
        ("left out of a stream", with_directory(&streamed, 1, first_streamed), "a"),
        ("two joined", [stored_zip(&["a"], plain, ""), other.clone()].concat(), "b"),
        ("joined with one that is cut", [&other[..], &two[..40]].concat(), "b"),
        ("in another", zip(&[("inner.zip", &inner)]), "a"),
    ];
    let environment = TestEnvironment::new();
    for (name, content, _) in &cases {
        environment.put(&format!("inbox/{name}/x.zip"), content);
    }
    let summary = load_with_code(&environment, &[], 3);
    assert_eq!(account(&summary), [("inserted", 7), ("rejected", 7)]);
    let found = environment.query(
        "select s.code, p.fhir_id, f.status, r.reason, r.message ~ 'what begins at byte [0-9]+ of it' as is_told \
         from etl.load_file f join etl.source s on s.id = f.source_id \
         join etl.rejected_record r on r.file_id = f.id join patient p on p.source_id = s.id order by s.code",
    );
    let mut wanted: Vec<_> =
        cases.iter().map(|(name, _, id)| [*name, id, "loaded", "damaged", "true"]).collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn of_a_zip_that_lists_all_nothing_is_missed() {
    let plain = SimpleFileOptions::default();
    let two = stored_zip(&["a", "b"], plain, "");
    let (first, second) = entries(&two);
    let cases = [
        ("as usual", two.clone()),
        ("streamed", streamed_zip(&["a", "b"])),
        ("of long lengths", stored_zip(&["a", "b"], plain.large_file(true), "")),
        ("aligned", stored_zip(&["a", "b"], plain.with_alignment(4096), "")),
        ("with a comment", stored_zip(&["a", "b"], plain, "PK\u{3}\u{4}, of yesterday")),
        ("listed in another order", with_directory(&two, 2, &[second, first].concat())),
        (
            "with folders",
            zip(&[("f/", b""), ("f/a", GOOD.as_bytes()), ("b", b"{\"resourceType\":\"Basic\"}")]),
        ),
    ];
    let environment = TestEnvironment::new();
    for (name, content) in &cases {
        environment.put(&format!("inbox/{name}/x.zip"), content);
    }
    assert_eq!(account(&load_with_code(&environment, &[], 0)), [("inserted", 14)]);
}

#[test]
fn the_names_of_members_are_never_paths() {
    let environment = TestEnvironment::new();
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let names = ["../../escaped.json", "/tmp/fhirmill-escaped.json", "a\u{1b}[31m\nb.json"];
    for (number, name) in names.iter().enumerate() {
        writer.start_file(*name, stored).unwrap();
        write!(writer, "{{\"resourceType\":\"Patient\",\"id\":\"p{number}\"}}\n{{\"bad\":1}}\n").unwrap();
    }
    let archive = writer.finish().unwrap().into_inner();
    let before = environment.listing().len();
    let summary = load_with_code(&environment, &[("north/names.zip", &archive)], 3);
    assert_eq!(account(&summary), [("inserted", 3), ("rejected", 3)]);
    let places = environment.query("select location from etl.rejected_record order by id");
    let shown = ["../../escaped.json", "/tmp/fhirmill-escaped.json", "a\\u{1b}[31m\\nb.json"];
    assert_eq!(places, shown.map(|name| [format!("{name}, line 2")]));
    // The archived file and the log are all that is new.
    let listing = environment.listing();
    assert_eq!(listing.iter().filter(|path| path.contains("escaped")).count(), 0, "{listing:?}");
    assert_eq!(listing.iter().filter(|path| !path.starts_with("logs/")).count(), before + 1, "{listing:?}");
    assert!(!std::path::Path::new("/tmp/fhirmill-escaped.json").exists());
}

#[test]
fn a_bad_entry_costs_its_neighbours_nothing() {
    let environment = TestEnvironment::new();
    let mut nested = r#"{"resource":{"resourceType":"Patient","id":"deepest"}}"#.to_owned();
    for _ in 0..8 {
        // All of one id: a Bundle that seems to hold itself.
        nested = format!(r#"{{"resource":{{"resourceType":"Bundle","id":"circle","entry":[{nested}]}}}}"#);
    }
    let nul = r"\u0000";
    let entries = [
        (r#"{"resource":{"resourceType":"Patient","id":"first"}}"#.to_owned(), ""),
        ("null".to_owned(), "expected a JSON object, found null"),
        ("[]".to_owned(), "expected a JSON object, found an array"),
        ("{}".to_owned(), "skipped"),
        (r#"{"resource":null}"#.to_owned(), "skipped"),
        (r#"{"resource":"Patient/1"}"#.to_owned(), "skipped"),
        (nested.clone(), "Bundles nested deeper than the limit of 8"),
        (r#"{"resource":{"resourceType":"Bundle","entry":[]}}"#.to_owned(), "nothing"),
        (r#"{"resource":{"resourceType":"Bundle","id":"b","entry":[{"resource":{"resourceType":"Patient","id":"inner"}}]}}"#.to_owned(), ""),
        (r#"{"resource":{"resourceType":"Patient","id":"\ud800"}}"#.to_owned(), "not JSON: a string contains a lone surrogate"),
        (format!(r#"{{"fullUrl":"urn:uuid:{nul}","resource":{{"resourceType":"Patient","id":"named"}}}}"#), ""),
        (r#"{"fullUrl":7,"request":"PUT","response":[],"resource":{"resourceType":"Patient","id":"around"}}"#.to_owned(), ""),
        (format!(r#"{{"request":{{"method":"DELETE","url":"Patient/a{nul}"}}}}"#), "DELETE does not name one resource"),
        (format!(r#"{{"request":{{"method":"DELETE","url":"Patient/{}"}}}}"#, long_text(10_000)), "DELETE does not name one resource"),
        (format!(r#"{{"fullUrl":"urn:uuid:{}","resource":{{"resourceType":"Patient"}}}}"#, long_text(10_000)), "fullUrl: longer than 1000 bytes"),
        (r#"{"resource":{"resourceType":"Patient","id":"last"}}"#.to_owned(), ""),
    ];
    let texts: Vec<&str> = entries.iter().map(|(entry, _)| entry.as_str()).collect();
    let bundle = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{}]}}"#, texts.join(",\n"));
    let summary = load_with_code(&environment, &[("b.json", bundle.as_bytes())], 3);
    let rejected: Vec<(usize, &str)> = entries
        .iter()
        .enumerate()
        .filter(|(_, (_, message))| !["", "skipped", "nothing"].contains(message))
        .map(|(index, (_, message))| (index + 1, *message))
        .collect();
    assert_eq!(account(&summary), [("inserted", 5), ("rejected", rejected.len() as u64), ("skipped", 3)]);
    let found = environment.query(
        "select location, message from etl.rejected_record order by substring(location, '[0-9]+')::integer",
    );
    for ((number, message), row) in rejected.iter().zip(&found) {
        let is_place = row[0] == format!("entry {number}") || row[0].starts_with(&format!("entry {number}."));
        assert!(is_place && row[1].contains(message), "{row:?} is not {number}: {message}");
    }
    let ids = environment.query("select fhir_id from patient order by 1");
    assert_eq!(ids, [["around"], ["first"], ["inner"], ["last"], ["named"]]);
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn a_bundle_that_ends_too_early_gives_what_stands_before() {
    let environment = TestEnvironment::new();
    let entry = |id: &str| format!(r#"{{"resource":{{"resourceType":"Patient","id":"{id}"}}}}"#);
    let whole = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{},{},{}]}}"#,
        entry("a"),
        entry("b"),
        entry("c")
    );
    let cut = &whole[..whole.len() - 10];
    let summary = load_with_code(&environment, &[("b.json", cut.as_bytes())], 3);
    assert_eq!(account(&summary), [("inserted", 2), ("rejected", 1)]);
    let found = environment.query("select location, reason from etl.rejected_record");
    assert_eq!(found, [["entry 3", "truncated"]]);
    // The whole one, sent again, brings the rest.
    assert_eq!(
        account(&load(&environment, &[("b.json", whole.as_bytes())])),
        [("inserted", 1), ("unchanged", 2)]
    );
}

#[test]
fn marks_of_byte_order_between_joined_files_are_passed_over() {
    let environment = TestEnvironment::new();
    let text = format!("\u{feff}{GOOD}\n\u{feff}{}\n", GOOD.replace("good", "second"));
    assert_eq!(account(&load_twice(&environment, &[("joined.ndjson", text.as_bytes())])), [("inserted", 2)]);
}

#[test]
fn unknown_elements_are_counted_to_a_bound() {
    let environment = TestEnvironment::new();
    let names: String = (0..200_000).map(|number| format!(r#","k{number}":{number}"#)).collect();
    let long = long_text(10_000);
    let wide = format!(r#"{{"resourceType":"Patient","id":"wide"{names}}}"#);
    let named = format!(r#"{{"resourceType":"Organization","id":"named","{long}":1}}"#);
    let summary =
        load_twice(&environment, &[("wide.json", wide.as_bytes()), ("named.json", named.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 2)]);
    let found = environment.query(
        "select resource_type, count(*) as names, max(length(element)) as longest, \
                count(*) filter (where element = '…') as others \
         from etl.unmapped_element group by 1 order by 1",
    );
    assert_eq!(found, [["Organization", "1", "201", "0"], ["Patient", "100", "3", "1"]]);
}

#[test]
fn a_resource_of_many_parts_takes_no_more_time_than_they_do() {
    let environment = TestEnvironment::new();
    let many = |item: &str| vec![item; 15_000].join(",");
    let extension = r#""extension":[{"url":"u","valueString":"y"}]"#;
    let members = [
        ("Patient", format!(r#""name":[{}]"#, many(&format!(r#"{{"family":"x",{extension}}}"#)))),
        ("Patient", format!(r#""telecom":[{}]"#, many(&format!(r#"{{"value":"x",{extension}}}"#)))),
        ("Patient", format!(r#""photo":[{}]"#, many(&format!("{{{extension}}}")))),
        (
            "Encounter",
            format!(
                r#""type":[{}]"#,
                many(&format!(r#"{{{extension},"coding":[{{"code":"a"}},{{"code":"b"}}]}}"#))
            ),
        ),
        (
            "Encounter",
            format!(
                r##""contained":[{}],"reasonReference":[{}]"##,
                many(r#"{"resourceType":"Condition","id":"1"}"#),
                many(r##"{"reference":"#none"}"##)
            ),
        ),
    ];
    for (number, (resource_type, members)) in members.iter().enumerate() {
        environment.put(&format!("inbox/s{number}/x.json"), resource(resource_type, members));
    }
    let start = Instant::now();
    let summary = load_with_code(&environment, &[], 0);
    assert_eq!(account(&summary), [("inserted", 5)]);
    assert!(start.elapsed() < Duration::from_secs(40), "{:?}", start.elapsed());
    let rows = "select (select count(*) from patient_name) as names, \
                       (select count(*) from resource_coding) as codings, \
                       (select extension #>> '{14999,path}' from patient where extension is not null) as path";
    assert_eq!(environment.query(rows), [["15000", "30000", "photo[14999]"]]);
}

#[test]
fn what_was_too_large_is_tried_again_from_its_file_when_the_limit_is_raised() {
    let environment = TestEnvironment::new();
    let large = |id: &str| {
        resource("Patient", &format!(r#""text":{{"div":"{}"}}"#, "a".repeat(200_000))).replace("\"x\"", id)
    };
    let [line, entry, member, alone] = [r#""line""#, r#""entry""#, r#""member""#, r#""alone""#].map(large);
    let lines = format!("{GOOD}\n{line}\n{{\"resourceType\":\"Patient\",\"id\":7}}\n");
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"resource":{GOOD}}},{{"resource":{entry}}}]}}"#
    );
    let small_member = large(r#""other""#).replace(&"a".repeat(200_000), "");
    environment.put("inbox/north/p.ndjson", &lines);
    environment.put("inbox/north/b.json", &bundle);
    // Two members of one name, of which one is too large.
    environment.put("inbox/north/z.zip", {
        let both = zip(&[("m/1.json", small_member.as_bytes()), ("m/2.json", member.as_bytes())]);
        replaced(&both, b"m/2.json", b"m/1.json")
    });
    environment.put("inbox/north/alone.json", &alone);
    environment.put("inbox/north/cut.json.gz", &gzip(GOOD.as_bytes())[..15]);
    let small = |command: &[&str]| {
        environment.run_command(environment.command(command).env("MAX_RESOURCE_BYTES", "100kB"))
    };
    small(&["once"]).expect_code(3);
    let waiting = "select f.path, r.location, r.reason from etl.rejected_record r join etl.load_file f \
                   on f.id = r.file_id where r.retried_at is null order by 1, 2, 3";
    let before = environment.query(waiting);
    let of_large: Vec<_> = before.iter().filter(|row| row[2] == "too_large").collect();
    assert_eq!(
        of_large,
        [
            &["north/alone.json", "resource", "too_large"],
            &["north/b.json", "entry 2", "too_large"],
            &["north/p.ndjson", "line 2", "too_large"],
            &["north/z.zip", "m/1.json, resource", "too_large"]
        ]
    );
    // While the limit stands, they are not tried, and not forgotten either.
    let run = small(&["retry"]);
    assert!(run.stdout.contains("rejects are not whole"), "{}", run.stdout);
    assert_eq!(environment.query(waiting).iter().filter(|row| row[2] == "too_large").count(), 4);
    let run = environment.run(&["retry"]).expect_code(3);
    assert!(run.stdout.contains("1 reject is not whole"), "{}", run.stdout);
    assert_eq!(
        environment.query("select fhir_id from patient order by 1"),
        [["alone"], ["entry"], ["good"], ["line"], ["member"], ["other"]]
    );
    let left = environment.query(waiting);
    assert_eq!(left.iter().filter(|row| row[2] == "too_large").count(), 0, "{left:?}");
    assert!(left.iter().any(|row| row[0] == "north/cut.json.gz" && row[2] == "truncated"), "{left:?}");
    assert_eq!(environment.run(&["show", "Patient/line"]).expect_code(0).stdout.trim_end(), line);
    environment.run(&["check"]).expect_code(0);
}

#[test]
fn what_is_kept_whole_is_tried_again_as_it_was_mended() {
    let environment = TestEnvironment::new();
    let long =
        resource("Patient", &format!(r#""birthDate":"2024-1","text":{{"div":"{}"}}"#, "a".repeat(200_000)));
    load_with_code(&environment, &[("p.json", long.as_bytes())], 3);
    execute(
        environment.database_url(),
        "update etl.rejected_record set raw = convert_to(replace(convert_from(raw, 'UTF8'), '2024-1', '2024-01'), 'UTF8')",
    );
    environment.run(&["retry"]).expect_code(0);
    assert_eq!(environment.value("select birth_date_text from patient"), "2024-01");
}

/// The same bytes, with every `old` replaced by as long a `new`.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for start in 0..bytes.len() - old.len() {
        if bytes[start..].starts_with(old) {
            bytes[start..start + old.len()].copy_from_slice(new);
        }
    }
    bytes
}
