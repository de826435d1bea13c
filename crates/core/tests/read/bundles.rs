//! Bundles: what their entries learn from them, the order in which entries take
//! effect, and Bundles in Bundles.

use fhirmill_core::read::{Document, Frame, ReadDefect, ReadLimits, ResourceHandler, Stopped};
use pretty_assertions::assert_eq;

use super::support::{GROUP, PATIENT, framing, framing_in_two_passes, framing_with, limits, read_bytes};

#[test]
fn entries_bring_their_context_in_the_bundle() {
    struct Context(Vec<String>);
    impl ResourceHandler for Context {
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
        let mut handler = Context(Vec::new());
        read_bytes(text.as_bytes(), &limits, &mut handler).unwrap();
        assert_eq!(
            handler.0,
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
        framing_in_two_passes(text),
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
fn a_transaction_takes_effect_by_method() {
    let entry =
        |method: &str, id: u8| format!(r#"{{"resource":{{"id":{id}}},"request":{{"method":"{method}"}}}}"#);
    let methods = ["PUT", "GET", "POST", "DELETE", "PATCH", "POST", "HEAD"];
    let entries: Vec<_> = methods.iter().zip(1..).map(|(method, id)| entry(method, id)).collect();
    let text = |bundle_type: &str| {
        format!(r#"{{"resourceType":"Bundle","type":"{bundle_type}","entry":[{}]}}"#, entries.join(","))
    };
    assert_eq!(
        framing_in_two_passes(text("transaction")),
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
    let batch = framing_in_two_passes(text("batch"));
    for (line, position) in batch[1..].iter().zip(1..) {
        assert!(line.starts_with(&format!("{position} entry {position}:")), "{line}");
    }
}

#[test]
fn nested_bundles_are_opened_up_to_a_limit() {
    let mut text = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{PATIENT}}}]}}"#);
    for _ in 1..8 {
        text = format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{text}}}]}}"#);
    }
    assert_eq!(
        framing_in_two_passes(&text),
        ["Bundle".to_owned(), format!("1 entry 1.1.1.1.1.1.1.1: {PATIENT}")]
    );
    let deeper =
        format!(r#"{{"resourceType":"Bundle","entry":[{{"resource":{text}}},{{"resource":{GROUP}}}]}}"#);
    let notes = framing_in_two_passes(deeper);
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
        framing(format!("{}\n{}\n{PATIENT}\n", bundle(PATIENT), bundle(GROUP))),
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
        framing_with(format!("{}\n{}\n{PATIENT}\n", bundle(PATIENT), bundle(GROUP)).as_bytes(), &limits),
        [
            "Bundle".to_owned(),
            format!("1 entry 1: {PATIENT}"),
            format!("2 line 2, entry 1: {GROUP}"),
            format!("3 line 3: {PATIENT}")
        ]
    );
}
