//! Broken, truncated and oversized values, and what they cost.

use fhirmill_core::read::ReadLimits;
use pretty_assertions::assert_eq;

use super::support::{GROUP, PATIENT, framing, framing_in_two_passes, framing_with, limits};

#[test]
fn a_broken_line_costs_only_itself() {
    let cut = r#"{"resourceType":"Patient","id":"#;
    let unclosed = r#"{"resourceType":"Patient","id":"x}"#;
    let surplus = format!("{PATIENT}}}");
    for (broken, reason, lost) in [
        (cut, "ends before its brackets and strings are closed; it was probably truncated in transit", 0),
        (
            unclosed,
            "ends before its brackets and strings are closed; it was probably truncated in transit",
            0,
        ),
        ("name,birth", "not JSON: starts with plain text (CSV, perhaps)", 0),
        (surplus.as_str(), "not JSON: starts with a character that starts no JSON object", PATIENT.len()),
    ] {
        let before: Vec<_> = (lost > 0).then(|| format!("2 line 2: {PATIENT}")).into_iter().collect();
        let offset = GROUP.len() + 1 + lost;
        let length = broken.len() - lost;
        let mut expected = vec!["Ndjson".to_owned(), format!("1 line 1: {GROUP}")];
        expected.extend(before.clone());
        expected.push(format!("! line 2: {reason} ({offset}+{length})"));
        expected.push(format!("{} line 3: {GROUP}", 2 + before.len()));
        assert_eq!(framing(format!("{GROUP}\n{broken}\n{GROUP}\n")), expected);
    }
    // Also the first one and the last one.
    for broken in [cut, unclosed] {
        let text = format!("{broken}\n{GROUP}\n{GROUP}\n{broken}");
        let notes = framing(&text);
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
        framing_in_two_passes(&text),
        [
            "Bundle".to_owned(),
            format!("1 entry 1: {PATIENT}"),
            format!("! entry 2: invalid JSON: expected a value ({offset}+{})", broken.len()),
            format!("! entry 3: expected a JSON object, found null ({}+4)", text.find("null").unwrap()),
            format!("4 entry 4: {GROUP}"),
        ]
    );
    // One whose brackets do not: the rest is one defect.
    let open = text.replace(broken, r#"{"fullUrl":"x","resource":{"a":1}"#);
    let notes = framing_in_two_passes(open);
    assert_eq!(notes[1], format!("1 entry 1: {PATIENT}"));
    assert!(notes[2].starts_with("! entry 2: invalid JSON: expected a property name or `}`"), "{notes:?}");
    assert_eq!(notes.len(), 3);
}

#[test]
fn a_truncated_bundle_gives_its_complete_entries() {
    let whole = format!(
        "{{\n\"resourceType\":\"Bundle\",\n\"type\":\"history\",\n\"entry\":[{{\"resource\":{PATIENT}}},\n{{\"resource\":{PATIENT}}},\n{{\"resource\":{GROUP}}}]}}"
    );
    let third = whole.rfind("{\"resource\"").unwrap();
    for length in third + 1..third + 20 {
        assert_eq!(
            framing_in_two_passes(&whole[..length]),
            [
                "Bundle".to_owned(),
                format!("2 entry 1: {PATIENT}"),
                format!("1 entry 2: {PATIENT}"),
                format!(
                    "! entry 3: ends before its brackets and strings are closed; it was probably truncated in transit ({third}+?, the end)"
                ),
            ]
        );
    }
    for length in 1..whole.len() {
        let notes = framing(&whole[..length]);
        let defects = notes.iter().filter(|note| note.starts_with('!')).count();
        assert_eq!(defects, 1, "cut at {length}: {notes:?}");
    }
}

#[test]
fn values_beyond_a_limit_cost_only_themselves() {
    let large = format!(r#"{{"resourceType":"Binary","data":"{}"}}"#, "x".repeat(300));
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(60), "]".repeat(60));
    let too_large = "larger than the limit of 200 bytes per resource";
    let too_deep = "nested deeper than the limit of 50 brackets";
    for step in [1, 7, 64, 1000] {
        for memory_document_bytes in [0, 100, 10_000] {
            let limits =
                ReadLimits { resource_bytes: 200, json_depth: 50, memory_document_bytes, ..limits(step) };
            let text = format!("[{PATIENT}\n,{large}\n,{GROUP}]");
            assert_eq!(
                framing_with(text.as_bytes(), &limits),
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
                framing_with(text.as_bytes(), &limits),
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
            framing_with(format!("{PATIENT}\n{large}\n{deep}\n{GROUP}").as_bytes(), &limits),
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
