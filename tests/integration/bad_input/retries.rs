//! Rejects that load when they are retried.

use pretty_assertions::assert_eq;

use super::{GOOD, resource};
use crate::formats::{gzip, zip};
use crate::steps::load_with_code;
use crate::support::{TestEnvironment, execute};

#[test]
fn a_resource_that_was_too_large_is_retried_from_its_file_when_the_limit_is_raised() {
    let environment = TestEnvironment::new();
    let large = |id: &str| {
        resource("Patient", &format!(r#""text":{{"div":"{}"}}"#, "a".repeat(200_000))).replace("\"x\"", id)
    };
    let [line, entry, member, alone] = [r#""line""#, r#""entry""#, r#""member""#, r#""alone""#].map(large);
    let lines = format!("{GOOD}\n{line}\n{{\"resourceType\":\"Patient\",\"id\":{{}}}}\n");
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
    // While the limit stands, they are neither retried nor forgotten.
    let run = small(&["retry"]);
    assert!(run.stdout.contains("rejects are incomplete"), "{}", run.stdout);
    assert_eq!(environment.query(waiting).iter().filter(|row| row[2] == "too_large").count(), 4);
    let run = environment.run(&["retry"]).expect_code(3);
    assert!(run.stdout.contains("1 reject is incomplete"), "{}", run.stdout);
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
fn a_reject_that_is_stored_completely_is_retried_as_corrected() {
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

/// The bytes with every `old` replaced by a `new` of the same length.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for start in 0..bytes.len() - old.len() {
        if bytes[start..].starts_with(old) {
            bytes[start..start + old.len()].copy_from_slice(new);
        }
    }
    bytes
}
