//! Bundles with bad entries, and one that ends too early.

use pretty_assertions::assert_eq;

use super::long_text;
use crate::steps::{account, load, load_with_code};
use crate::support::TestEnvironment;

#[test]
fn a_bad_entry_does_not_affect_the_others() {
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
        (format!(r#"{{"fullUrl":"https://a.example/Patient/{}","resource":{{"resourceType":"Patient"}}}}"#, long_text(10_000)), "fullUrl: longer than 1000 bytes"),
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
fn the_entries_before_the_end_of_a_truncated_bundle_are_loaded() {
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
