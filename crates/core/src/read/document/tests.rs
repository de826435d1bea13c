//! Documents written by hand and what must be cut out of them, each read in
//! steps of 1, 2, 7 and more bytes.

use std::io::Read;

use pretty_assertions::assert_eq;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::read::{Frame, Payload};

/// Gives at most so many bytes at a time.
struct Trickle {
    bytes: Vec<u8>,
    position: usize,
    step: usize,
}

impl Read for Trickle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = &self.bytes[self.position..];
        let length = left.len().min(self.step).min(buffer.len());
        buffer[..length].copy_from_slice(&left[..length]);
        self.position += length;
        Ok(length)
    }
}

/// Writes down what it gets, a line each.
#[derive(Default)]
struct Notes(Vec<String>);

impl ResourceHandler for Notes {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        self.0.push(format!("{:?}", document.format));
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        let content = match frame.payload {
            Payload::Resource => String::new(),
            other => format!("{other:?} "),
        };
        let bytes = String::from_utf8_lossy(frame.bytes);
        self.0.push(format!("{} {}: {content}{bytes}", frame.position, frame.location));
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        let length = defect.length.map_or("?".to_owned(), |length| length.to_string());
        let ends = if defect.ends_document { ", the end" } else { "" };
        self.0.push(format!("! {}: {} ({}+{length}{ends})", defect.location, defect.reason, defect.offset));
        Ok(())
    }
}

fn read_with(bytes: &[u8], limits: &ReadLimits, step: usize) -> Vec<String> {
    let mut notes = Notes::default();
    let open = |offset: u64| -> io::Result<Stream> {
        Ok(Box::new(Trickle { bytes: bytes.to_vec(), position: offset as usize, step }))
    };
    let mut next_position = 1;
    let stream = open(0).unwrap();
    let mut reader = Reader::new(0, "", limits, &mut notes, &mut next_position, &open);
    reader.read(stream).unwrap();
    notes.0
}

fn limits(step: usize) -> ReadLimits {
    ReadLimits { read_bytes: step, ..ReadLimits::default() }
}

/// Reads in several steps, which must not matter.
fn notes(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = bytes.as_ref();
    let whole = read_with(bytes, &limits(1 << 16), 1 << 16);
    for step in [1, 2, 7, 64, 65] {
        assert_eq!(read_with(bytes, &limits(step), step), whole, "in steps of {step}");
    }
    whole
}

/// As [`notes`], and also with nothing held longer than it must be, so that
/// every Bundle is read twice.
fn notes_and_twice(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let held = notes(&bytes);
    for (step, memory_document_bytes) in [(1, 0), (1, 8), (7, 16), (64, 1)] {
        let limits = ReadLimits { memory_document_bytes, ..limits(step) };
        assert_eq!(read_with(bytes.as_ref(), &limits, step), held, "holding {memory_document_bytes} bytes");
    }
    held
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p"}"#;
const GROUP: &str = r#"{"resourceType":"Group","id":"g"}"#;

#[test]
fn one_resource_in_every_dress() {
    let expected = ["Resource".to_owned(), format!("1 resource: {PATIENT}")];
    for text in [
        PATIENT.to_owned(),
        format!("{PATIENT}\n"),
        format!("{PATIENT}\r\n"),
        format!("\u{feff}{PATIENT}"),
        format!("\n \r\n\t{PATIENT}\n\n\n"),
    ] {
        assert_eq!(notes_and_twice(text), expected);
    }
    let pretty = "{\n  \"resourceType\": \"Patient\",\n  \"id\": \"p\"\n}";
    let expected = ["Resource".to_owned(), format!("1 resource: {pretty}")];
    for text in [pretty.to_owned(), format!("{pretty}\n"), format!("\u{feff}\r\n{pretty}\r\n")] {
        assert_eq!(notes_and_twice(text), expected);
    }
}

#[test]
fn ndjson_in_every_dress() {
    let expected = ["Ndjson".to_owned(), format!("1 line 1: {PATIENT}"), format!("2 line 2: {GROUP}")];
    for text in [
        format!("{PATIENT}\n{GROUP}"),
        format!("{PATIENT}\n{GROUP}\n"),
        format!("{PATIENT}\r\n{GROUP}\r\n"),
        format!("\u{feff}{PATIENT}\n{GROUP}\n \n\n"),
        format!("{PATIENT} \n \u{feff}{GROUP}"),
    ] {
        assert_eq!(notes(text), expected);
    }
    assert_eq!(
        notes(format!("\n{PATIENT}\n\n{GROUP}{PATIENT}\n")),
        [
            "Ndjson".to_owned(),
            format!("1 line 2: {PATIENT}"),
            format!("2 line 4: {GROUP}"),
            format!("3 line 4: {PATIENT}")
        ]
    );
}

#[test]
fn strings_may_hold_anything() {
    for tricky in [r#"}"#, r#"\""#, r#"\\"#, r#"\\\"}{"#, r#"]},{\u0022"#, "é{", r#"a\nb"#] {
        let one = format!(r#"{{"resourceType":"Basic","id":"{tricky}","{tricky}":["{tricky}"]}}"#);
        let two = format!(r#"{{"{tricky}":"{tricky}","resourceType":"Basic"}}"#);
        assert_eq!(
            notes(format!("{one}\n{two}\n")),
            ["Ndjson".to_owned(), format!("1 line 1: {one}"), format!("2 line 2: {two}")]
        );
        assert_eq!(
            notes_and_twice(format!(
                r#"{{"resourceType":"Bundle","{tricky}":"{tricky}","entry":[{{"{tricky}":1,"resource":{one}}},{{"resource":{two}}}]}}"#
            )),
            ["Bundle".to_owned(), format!("1 entry 1: {one}"), format!("2 entry 2: {two}")]
        );
    }
}

#[test]
fn an_array_of_resources_and_bundles() {
    let bundle = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{GROUP}}}]}}"#);
    let expected = [
        "Array".to_owned(),
        format!("1 item 1: {PATIENT}"),
        format!("2 item 2, entry 1: {GROUP}"),
        "! item 3: expected a JSON object, found a number (LENGTH)".to_owned(),
        format!("3 item 4: {GROUP}"),
    ];
    for text in [
        format!("[{PATIENT},{bundle},17,{GROUP}]"),
        format!("[\n  {PATIENT},\n  {bundle},\n  17,\n  {GROUP}\n]\n"),
        format!("\u{feff}[{PATIENT}\n,{bundle}\n,17\n,{GROUP}]"),
    ] {
        let place = format!("{}+2", text.find("17").unwrap());
        let expected = expected.clone().map(|line| line.replace("LENGTH", &place));
        assert_eq!(notes_and_twice(text), expected);
    }
    assert_eq!(notes("[]"), ["Array"]);
}

#[test]
fn values_one_after_the_other() {
    let pretty = "{\n\"resourceType\":\"Patient\"\n}";
    assert_eq!(
        notes(format!("{pretty}\n{pretty}{GROUP}\n")),
        [
            "Sequence".to_owned(),
            format!("1 item 1: {pretty}"),
            format!("2 item 2: {pretty}"),
            format!("3 item 3: {GROUP}")
        ]
    );
    assert_eq!(
        notes(format!("{pretty}\n}}\n")),
        [
            "Sequence".to_owned(),
            format!("1 item 1: {pretty}"),
            "! item 2: broken JSON: more data after the end of the value (29+?, the end)".to_owned(),
        ]
    );
}

#[test]
fn a_bundle_brings_what_stands_around_its_resources() {
    struct Around(Vec<String>);
    impl ResourceHandler for Around {
        fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
            Ok(())
        }
        fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
            let bundle = frame.bundle.expect("an entry is in a Bundle");
            let target = bundle.resolve("urn:uuid:00000000-0000-0000-0000-00000000000b");
            let target = target.map(|(resource_type, id)| (resource_type.name(), id));
            self.0.push(format!(
                "{:?} {:?} {:?} {:?} {:?} {target:?}",
                frame.full_url,
                frame.request,
                frame.last_modified,
                bundle.bundle_type(),
                bundle.timestamp()
            ));
            Ok(())
        }
        fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
            Err(Stopped)
        }
    }
    let text = r#"{ "entry" : [
        { "resource": {"resourceType":"Patient"}, "fullUrl": "http:\/\/x\/Patient\/1",
          "request" : {"url": "Patient\u002f1", "method": "PUT"}, "response": {"lastModified": "2024-01-01T00:00:00Z"} },
        { "fullUrl": "urn:uuid:00000000-0000-0000-0000-00000000000b", "resource": {"resourceType":"Group"} }
      ], "timestamp": "2024-02-02T00:00:00Z", "type": "batch", "resourceType": "Bundle" }"#;
    for memory_document_bytes in [0, 1 << 20] {
        let limits = ReadLimits { memory_document_bytes, read_bytes: 3, ..ReadLimits::default() };
        let mut sink = Around(Vec::new());
        let open = |offset: u64| -> io::Result<Stream> {
            Ok(Box::new(io::Cursor::new(text.as_bytes()[offset as usize..].to_vec())))
        };
        let mut next_position = 1;
        Reader::new(0, "", &limits, &mut sink, &mut next_position, &open).read(open(0).unwrap()).unwrap();
        assert_eq!(
            sink.0,
            [
                r#"Some("http://x/Patient/1") Some(Request { method: "PUT", url: "Patient/1" }) Some("2024-01-01T00:00:00Z") Some("batch") Some("2024-02-02T00:00:00Z") Some(("Group", "00000000-0000-0000-0000-00000000000b"))"#,
                r#"Some("urn:uuid:00000000-0000-0000-0000-00000000000b") None None Some("batch") Some("2024-02-02T00:00:00Z") Some(("Group", "00000000-0000-0000-0000-00000000000b"))"#,
            ]
        );
    }
}

#[test]
fn a_history_takes_effect_from_last_to_first() {
    let nested = r#"{"resourceType":"Bundle","type":"collection","entry":[{"resource":{"a":1}},{"resource":{"b":2}}]}"#;
    let text = format!(
        r#"{{"resourceType":"Bundle","type":"history","entry":[
{{"resource":{PATIENT}}},
{{"resource":{nested}}},
{{"request":{{"method":"DELETE","url":"Patient/p"}}}},
{{"resource":{GROUP}}}
]}}"#
    );
    assert_eq!(
        notes_and_twice(text),
        [
            "Bundle".to_owned(),
            format!("5 entry 1: {PATIENT}"),
            r#"3 entry 2.1: {"a":1}"#.to_owned(),
            r#"4 entry 2.2: {"b":2}"#.to_owned(),
            r#"2 entry 3: Delete {"request":{"method":"DELETE","url":"Patient/p"}}"#.to_owned(),
            format!("1 entry 4: {GROUP}"),
        ]
    );
}

#[test]
fn a_transaction_deletes_before_it_posts_before_it_puts() {
    let entry =
        |method: &str, id: u8| format!(r#"{{"resource":{{"id":{id}}},"request":{{"method":"{method}"}}}}"#);
    let methods = ["PUT", "GET", "POST", "DELETE", "PATCH", "POST", "HEAD"];
    let entries: Vec<_> = methods.iter().zip(1..).map(|(method, id)| entry(method, id)).collect();
    let text = |bundle_type: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"{bundle_type}","entry":[{}]}}"#, entries.join(","))
    };
    assert_eq!(
        notes_and_twice(text("transaction")),
        [
            "Bundle".to_owned(),
            r#"4 entry 1: {"id":1}"#.to_owned(),
            format!("6 entry 2: None {}", entries[1]),
            r#"2 entry 3: {"id":3}"#.to_owned(),
            format!("1 entry 4: Delete {}", entries[3]),
            format!("5 entry 5: Patch {}", entries[4]),
            r#"3 entry 6: {"id":6}"#.to_owned(),
            format!("7 entry 7: None {}", entries[6]),
        ]
    );
    let batch = notes_and_twice(text("batch"));
    for (line, position) in batch[1..].iter().zip(1..) {
        assert!(line.starts_with(&format!("{position} entry {position}:")), "{line}");
    }
}

#[test]
fn bundles_in_bundles_are_opened_to_a_bound() {
    let mut text = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{PATIENT}}}]}}"#);
    for _ in 1..8 {
        text = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{text}}}]}}"#);
    }
    assert_eq!(notes_and_twice(&text), ["Bundle".to_owned(), format!("1 entry 1.1.1.1.1.1.1.1: {PATIENT}")]);
    let deeper =
        format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{text}}},{{"resource":{GROUP}}}]}}"#);
    let notes = notes_and_twice(deeper);
    assert!(
        notes[1].starts_with("! entry 1.1.1.1.1.1.1.1: Bundles nested deeper than the limit of 8"),
        "{notes:?}"
    );
    assert_eq!(notes[2], format!("2 entry 2: {GROUP}"));
}

#[test]
fn lines_may_be_bundles() {
    let bundle = |resource: &str| {
        format!(r#"{{"type":"batch","entry":[{{"resource":{resource}}}],"resourceType":"Bundle"}}"#)
    };
    assert_eq!(
        notes(format!("{}\n{}\n{PATIENT}\n", bundle(PATIENT), bundle(GROUP))),
        [
            "Ndjson".to_owned(),
            format!("1 line 1, entry 1: {PATIENT}"),
            format!("2 line 2, entry 1: {GROUP}"),
            format!("3 line 3: {PATIENT}")
        ]
    );
    // With nothing held, the lines are read as values: the same frames.
    let limits = ReadLimits { memory_document_bytes: 0, ..limits(5) };
    assert_eq!(
        read_with(format!("{}\n{}\n{PATIENT}\n", bundle(PATIENT), bundle(GROUP)).as_bytes(), &limits, 5),
        [
            "Bundle".to_owned(),
            format!("1 entry 1: {PATIENT}"),
            format!("2 line 2, entry 1: {GROUP}"),
            format!("3 line 3: {PATIENT}")
        ]
    );
}

#[test]
fn a_broken_line_costs_only_itself() {
    let cut = r#"{"resourceType":"Patient","id":"#;
    let unclosed = r#"{"resourceType":"Patient","id":"x}"#;
    let surplus = format!("{PATIENT}}}");
    for (broken, reason, lost) in [
        (cut, "ends before its brackets and strings are closed; it may have been cut off on its way", 0),
        (unclosed, "ends before its brackets and strings are closed; it may have been cut off on its way", 0),
        ("name,birth", "not JSON: begins with plain text (CSV, perhaps)", 0),
        (surplus.as_str(), "not JSON: begins with a character that begins no JSON object", PATIENT.len()),
    ] {
        let before: Vec<_> = (lost > 0).then(|| format!("2 line 2: {PATIENT}")).into_iter().collect();
        let offset = GROUP.len() + 1 + lost;
        let length = broken.len() - lost;
        let mut expected = vec!["Ndjson".to_owned(), format!("1 line 1: {GROUP}")];
        expected.extend(before.clone());
        expected.push(format!("! line 2: {reason} ({offset}+{length})"));
        expected.push(format!("{} line 3: {GROUP}", 2 + before.len()));
        assert_eq!(notes(format!("{GROUP}\n{broken}\n{GROUP}\n")), expected);
    }
    // Also the first one and the last one.
    for broken in [cut, unclosed] {
        let text = format!("{broken}\n{GROUP}\n{GROUP}\n{broken}");
        let notes = notes(&text);
        assert_eq!(notes[0], "Ndjson");
        assert!(notes[1].starts_with("! line 1: ends before"), "{notes:?}");
        assert_eq!(notes[2], format!("1 line 2: {GROUP}"));
        assert_eq!(notes[3], format!("2 line 3: {GROUP}"));
        assert!(notes[4].starts_with("! line 4: ends before"), "{notes:?}");
        assert_eq!(notes.len(), 5);
    }
}

#[test]
fn a_broken_entry_costs_only_itself_where_its_brackets_match() {
    let broken = r#"{"fullUrl":,"resource":{}}"#;
    let text = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"resource":{PATIENT}}},{broken},null,{{"resource":{GROUP}}},]}}"#
    );
    let offset = text.find(broken).unwrap();
    assert_eq!(
        notes_and_twice(&text),
        [
            "Bundle".to_owned(),
            format!("1 entry 1: {PATIENT}"),
            format!("! entry 2: broken JSON: expected a value ({offset}+{})", broken.len()),
            format!("! entry 3: expected a JSON object, found null ({}+4)", text.find("null").unwrap()),
            format!("4 entry 4: {GROUP}"),
        ]
    );
    // One whose brackets do not: the rest is one defect.
    let open = text.replace(broken, r#"{"fullUrl":"x","resource":{"a":1}"#);
    let notes = notes_and_twice(open);
    assert_eq!(notes[1], format!("1 entry 1: {PATIENT}"));
    assert!(notes[2].starts_with("! entry 2: broken JSON: expected a member's name or `}`"), "{notes:?}");
    assert_eq!(notes.len(), 3);
}

#[test]
fn a_truncated_bundle_delivers_what_came() {
    let whole = format!(
        "{{\n\"resourceType\":\"Bundle\",\n\"type\":\"history\",\n\"entry\":[{{\"resource\":{PATIENT}}},\n{{\"resource\":{PATIENT}}},\n{{\"resource\":{GROUP}}}]}}"
    );
    let third = whole.rfind("{\"resource\"").unwrap();
    for length in third + 1..third + 20 {
        assert_eq!(
            notes_and_twice(&whole[..length]),
            [
                "Bundle".to_owned(),
                format!("2 entry 1: {PATIENT}"),
                format!("1 entry 2: {PATIENT}"),
                format!(
                    "! entry 3: ends before its brackets and strings are closed; it may have been cut off on its way ({third}+?, the end)"
                ),
            ]
        );
    }
    for length in 1..whole.len() {
        let notes = notes(&whole[..length]);
        let defects = notes.iter().filter(|note| note.starts_with('!')).count();
        assert_eq!(defects, 1, "cut at {length}: {notes:?}");
    }
}

#[test]
fn what_is_too_large_or_too_deep_costs_only_itself() {
    let large = format!(r#"{{"resourceType":"Binary","data":"{}"}}"#, "x".repeat(300));
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(60), "]".repeat(60));
    let too_large = "larger than the limit of 200 bytes for one resource";
    let too_deep = "nested deeper than the limit of 50 brackets";
    for step in [1, 7, 64, 1000] {
        for memory_document_bytes in [0, 100, 10_000] {
            let limits =
                ReadLimits { resource_bytes: 200, json_depth: 50, memory_document_bytes, ..limits(step) };
            let text = format!("[{PATIENT}\n,{large}\n,{GROUP}]");
            assert_eq!(
                read_with(text.as_bytes(), &limits, step),
                [
                    "Array".to_owned(),
                    format!("1 item 1: {PATIENT}"),
                    format!("! item 2: {too_large} ({}+{})", text.find(&large).unwrap(), large.len()),
                    format!("3 item 3: {GROUP}")
                ]
            );
            let text = format!(
                r#"{{"resourceType":"Bundle","entry":[{{"resource":{PATIENT}}},{{"resource":{large}}},{{"resource":{deep}}},{{"resource":{GROUP}}}]}}"#
            );
            let at = |part: &str| text.find(part).unwrap() - r#"{"resource":"#.len();
            assert_eq!(
                read_with(text.as_bytes(), &limits, step),
                [
                    "Bundle".to_owned(),
                    format!("1 entry 1: {PATIENT}"),
                    format!("! entry 2: {too_large} ({}+{})", at(&large), large.len() + 13),
                    format!("! entry 3: {too_deep} ({}+{})", at(&deep), deep.len() + 13),
                    format!("4 entry 4: {GROUP}")
                ]
            );
        }
        let limits = ReadLimits { resource_bytes: 200, json_depth: 50, ..limits(step) };
        assert_eq!(
            read_with(format!("{PATIENT}\n{large}\n{deep}\n{GROUP}").as_bytes(), &limits, step),
            [
                "Ndjson".to_owned(),
                format!("1 line 1: {PATIENT}"),
                format!("! line 2: {too_large} (36+{})", large.len()),
                format!("! line 3: {too_deep} ({}+{})", 37 + large.len(), deep.len()),
                format!("3 line 4: {GROUP}")
            ]
        );
    }
}

#[test]
fn a_resource_that_says_late_what_it_is_is_read_again() {
    let late = format!(r#"{{"data":"{}","resourceType":"Binary"}}"#, "x".repeat(300));
    let expected = ["Array".to_owned(), format!("1 item 1: {late}"), format!("2 item 2: {GROUP}")];
    assert_eq!(notes_and_twice(format!("[{late},{GROUP}]")), expected);
}

#[test]
fn companions_are_told_and_not_delivered() {
    let log = r#"{"exportId":"1","eventId":"kickoff","eventDetail":{}}"#;
    assert_eq!(notes(format!("{log}\n{log}\n")), ["Companion(ExportLog)"]);
    let manifest = "{\n\"transactionTime\":\"2024-01-01T00:00:00Z\",\n\"output\":[{\"type\":\"Patient\"}]}";
    assert_eq!(
        notes_and_twice(manifest),
        [r#"Companion(ExportManifest { transaction_time: Some("2024-01-01T00:00:00Z") })"#]
    );
    // A resource among the lines of a log is not lost.
    assert_eq!(notes(format!("{log}\n{PATIENT}\n"))[1], format!("1 line 2: {PATIENT}"));
}

#[test]
fn what_is_no_json_is_named() {
    assert_eq!(notes(""), ["Empty"]);
    assert_eq!(notes(" \r\n\n"), ["Empty"]);
    assert_eq!(notes("\u{feff}"), ["Empty"]);
    let html = notes("<html>\n<body>{}</body>\n");
    assert_eq!(html.len(), 2);
    assert!(html[1].starts_with("! resource: not JSON: begins with markup"), "{html:?}");
    let csv = notes("id,name\n1,x\n");
    assert!(csv[1].starts_with("! resource: not JSON: begins with plain text"), "{csv:?}");
    let number = notes("17");
    assert!(number[1].starts_with("! resource: not JSON"), "{number:?}");
}

/// The resources of a document, as an independent reader finds them.
fn expected_resources(value: &Value, found: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| expected_resources(item, found)),
        Value::Object(object) if object.get("resourceType") == Some(&Value::from("Bundle")) => {
            for entry in object["entry"].as_array().into_iter().flatten() {
                if let Some(resource) = entry.get("resource").filter(|resource| resource.is_object()) {
                    expected_resources(resource, found);
                }
            }
        }
        other => found.push(other.clone()),
    }
}

#[derive(Default)]
struct Resources(Vec<Value>);

impl ResourceHandler for Resources {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload == Payload::Resource {
            self.0.push(serde_json::from_slice(frame.bytes).expect("a frame of valid JSON is valid JSON"));
        }
        Ok(())
    }
    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        panic!("{defect:?}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        r#"[a-z{}\[\]",:\\ \nü]{0,12}"#.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(r#"[a-z"\\{]{1,8}"#, inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_resource() -> impl Strategy<Value = Value> {
    (prop::collection::btree_map("[a-z]{1,4}", any_json(), 0..5), any::<prop::sample::Index>()).prop_map(
        |(members, place)| {
            let mut members: Vec<_> = members.into_iter().filter(|(name, _)| name != "type").collect();
            let place = place.index(members.len() + 1);
            members.insert(place, ("resourceType".to_owned(), "Basic".into()));
            Value::Object(members.into_iter().collect())
        },
    )
}

fn any_bundle() -> impl Strategy<Value = Value> {
    let bundle = |resources: Vec<Value>, is_late: bool| {
        let entries: Vec<_> = resources
            .into_iter()
            .map(|resource| serde_json::json!({"fullUrl": "urn:oid:1", "resource": resource, "search": {"mode": "match"}}))
            .collect();
        match is_late {
            true => serde_json::json!({"entry": entries, "type": "batch", "resourceType": "Bundle"}),
            false => serde_json::json!({"resourceType": "Bundle", "meta": {"tag": []}, "entry": entries}),
        }
    };
    let flat = (prop::collection::vec(any_resource(), 0..6), any::<bool>())
        .prop_map(move |(resources, is_late)| bundle(resources, is_late));
    let inner = prop_oneof![3 => any_resource(), 1 => flat];
    (prop::collection::vec(inner, 0..6), any::<bool>())
        .prop_map(move |(resources, is_late)| bundle(resources, is_late))
}

fn any_document() -> impl Strategy<Value = (Value, String)> {
    let value = prop_oneof![
        any_resource(),
        any_bundle(),
        prop::collection::vec(prop_oneof![any_resource(), any_bundle()], 0..5).prop_map(Value::from),
    ];
    (value, 0..3).prop_map(|(value, dress)| {
        let text = match (&value, dress) {
            (Value::Array(items), 0) if !items.is_empty() => {
                items.iter().map(|item| format!("{item}\n")).collect()
            }
            (_, 1) => value.to_string(),
            _ => serde_json::to_string_pretty(&value).unwrap(),
        };
        (value, text)
    })
}

proptest! {
    #[test]
    fn frames_are_what_an_independent_reader_finds(
        (value, text) in any_document(),
        step in 1usize..100,
        memory_document_bytes in prop_oneof![Just(0usize), 1..2000usize],
    ) {
        let mut expected = Vec::new();
        expected_resources(&value, &mut expected);
        let limits = ReadLimits { memory_document_bytes, ..limits(step) };
        let open = |offset: u64| -> io::Result<Stream> {
            Ok(Box::new(Trickle { bytes: text.clone().into_bytes(), position: offset as usize, step }))
        };
        let mut sink = Resources::default();
        let mut next_position = 1;
        Reader::new(0, "", &limits, &mut sink, &mut next_position, &open).read(open(0).unwrap()).unwrap();
        prop_assert_eq!(sink.0, expected);
    }

    #[test]
    fn no_bytes_make_it_panic_or_disagree_with_itself(
        bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..300),
            prop::collection::vec(prop::sample::select(&b"{}[]\",:\\ \n1aB\xef\xbb\xbf"[..]), 0..300),
            prop::collection::vec(prop::sample::select(&[
                "{", "}", "[", "]", ",", ":", "\n", "\"", "\"entry\"", "\"resource\"", "\"resourceType\"",
                "\"Bundle\"", "\"id\"", "\"x\"", "1", "\"request\"", "\"method\"", "\"DELETE\"", "\"type\"", "\"history\"",
                "{\"resourceType\":\"Bundle\",\"entry\":[", "{\"resource\":{", "]}",
            ][..]), 0..60).prop_map(|words| words.concat().into_bytes()),
        ],
        step in 1usize..100,
    ) {
        let small = ReadLimits { resource_bytes: 50, json_depth: 10, defect_bytes: 8, memory_document_bytes: 30, ..limits(step) };
        let one = read_with(&bytes, &small, step);
        // Positions are unique.
        let mut positions: Vec<_> = one.iter().filter_map(|note| note.split(' ').next()?.parse::<u64>().ok()).collect();
        positions.sort_unstable();
        let count = positions.len();
        positions.dedup();
        prop_assert_eq!(positions.len(), count);
        let held = ReadLimits { read_bytes: 1 << 16, ..ReadLimits::default() };
        prop_assert_eq!(read_with(&bytes, &held, 1 << 16), read_with(&bytes, &ReadLimits { read_bytes: step, ..held }, step));
    }
}
