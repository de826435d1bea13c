//! Files in which nothing can be used, and files with nothing to load.

use std::io::Write as _;

use pretty_assertions::assert_eq;
use zip::ZipWriter;
use zip::unstable::write::FileOptionsExt as _;
use zip::write::SimpleFileOptions;

use super::GOOD;
use crate::formats::{gzip, zip};
use crate::steps::{account, load_twice, load_with_code};
use crate::support::TestEnvironment;

/// A file that goes to the rejects.
struct RejectedFile {
    name: &'static str,
    content: Vec<u8>,
    /// The reason code of its reject; `unreadable` files have only a report.
    reason: &'static str,
    /// What the reject's message contains, or the report.
    message: &'static str,
}

fn rejected_files() -> Vec<RejectedFile> {
    let html = b"<!doctype html><html><body>Please log in</body></html>".to_vec();
    let utf_16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let zipped = zip(&[("a.json", GOOD.as_bytes())]);
    let mut deep = gzip(GOOD.as_bytes());
    for _ in 0..3 {
        deep = gzip(&deep);
    }
    vec![
        RejectedFile {
            name: "object.json",
            content: b"{}".to_vec(),
            reason: "no_resource_type",
            message: "no resourceType",
        },
        RejectedFile {
            name: "null.json",
            content: b"null".to_vec(),
            reason: "not_json",
            message: "plain text",
        },
        RejectedFile {
            name: "number.json",
            content: b"17".to_vec(),
            reason: "not_json",
            message: "plain text",
        },
        RejectedFile {
            name: "nulls.json",
            content: b"[null]".to_vec(),
            reason: "not_json",
            message: "expected a JSON object, found null",
        },
        RejectedFile {
            name: "entry.json",
            content: br#"{"resourceType":"Bundle","entry":{}}"#.to_vec(),
            reason: "unbalanced",
            message: "expected an array of entries",
        },
        RejectedFile {
            name: "page.json",
            content: html.clone(),
            reason: "not_json",
            message: "markup (HTML",
        },
        RejectedFile {
            name: "page.json.gz",
            content: gzip(&html),
            reason: "not_json",
            message: "markup (HTML",
        },
        RejectedFile {
            name: "table.json",
            content: b"id,name\n1,x\n".to_vec(),
            reason: "not_json",
            message: "plain text (CSV, perhaps)",
        },
        RejectedFile { name: "wide.json", content: utf_16, reason: "not_json", message: "UTF-16" },
        RejectedFile {
            name: "noise.json",
            content: (0..=255).collect(),
            reason: "not_json",
            message: "binary data",
        },
        RejectedFile {
            name: "cut.json",
            content: GOOD.as_bytes()[..20].to_vec(),
            reason: "truncated",
            message: "ends before its brackets",
        },
        RejectedFile {
            name: "cut.json.gz",
            content: gzip(GOOD.as_bytes())[..15].to_vec(),
            reason: "truncated",
            message: "the compressed data end too early",
        },
        RejectedFile {
            name: "cut.zip",
            content: zipped[..zipped.len() - 30].to_vec(),
            reason: "unreadable",
            message: "a zip archive that cannot be opened",
        },
        RejectedFile {
            name: "deep.gz",
            content: deep,
            reason: "too_deep",
            message: "archives nested deeper than the limit of 3",
        },
        RejectedFile {
            name: "secret.zip",
            content: encrypted_zip(),
            reason: "encrypted",
            message: "encrypted; send it without a password",
        },
    ]
}

/// Files with nothing to load, which go to the archive: names and contents.
fn empty_files() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("empty.json", Vec::new()),
        ("blank.json", b" \r\n\n".to_vec()),
        ("mark.json", b"\xef\xbb\xbf".to_vec()),
        ("list.json", b"[]".to_vec()),
        ("bundle.json", br#"{"resourceType":"Bundle"}"#.to_vec()),
        ("entries.json", br#"{"resourceType":"Bundle","entry":[]}"#.to_vec()),
        ("empty.zip", zip(&[])),
        ("empty.gz", gzip(b"")),
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

/// The path of the file of that name below one of the folders.
#[track_caller]
fn path_in(folder: &str, name: &str, listing: &[String]) -> String {
    let is_there = |path: &&String| path.starts_with(folder) && path.ends_with(&format!("/{name}"));
    listing.iter().find(is_there).unwrap_or_else(|| panic!("{name} is not in {folder}: {listing:?}")).clone()
}

#[test]
fn an_unusable_file_goes_to_the_rejects_with_a_report_and_an_empty_one_to_the_archive() {
    let environment = TestEnvironment::new();
    let (rejected, empty) = (rejected_files(), empty_files());
    let mut files: Vec<(&str, &[u8])> = empty.iter().map(|(name, content)| (*name, &content[..])).collect();
    files.extend(rejected.iter().map(|file| (file.name, &file.content[..])));
    files.push(("good.json", GOOD.as_bytes()));
    let summary = load_with_code(&environment, &files, 3);
    assert_eq!(summary["rejected_files"], rejected.len(), "{summary}");
    assert_eq!(environment.value("select fhir_id from patient"), "good");
    let listing = environment.listing();
    let rejects_of = |name: &str| {
        environment.query(&format!(
            "select r.reason, r.message from etl.rejected_record r join etl.load_file f on f.id = r.file_id \
             where f.path = '{name}'"
        ))
    };
    for (name, content) in &empty {
        let path = path_in("archive", name, &listing);
        assert_eq!(&std::fs::read(environment.path(&path)).unwrap(), content, "{name}");
        assert_eq!(rejects_of(name), [[""; 0]; 0], "{name}");
    }
    for RejectedFile { name, content, reason, message } in &rejected {
        let path = path_in("rejects", name, &listing);
        assert_eq!(&std::fs::read(environment.path(&path)).unwrap(), content, "{name}");
        let rows = rejects_of(name);
        let report = std::fs::read_to_string(environment.path(&format!("{path}.report.txt"))).unwrap();
        assert!(report.starts_with(&format!("{name}\n")), "{report}");
        if *reason == "unreadable" {
            assert!(report.contains(message), "{name}: {rows:?} {report}");
        } else {
            assert_eq!(rows.len(), 1, "{name}: {rows:?}");
            assert!(rows[0][1].contains(message), "{name}: {rows:?} {report}");
            assert_eq!(rows[0][0], *reason, "{name}");
        }
    }
    assert_eq!(listing.iter().filter(|path| path.starts_with("inbox/")).count(), 0);
}

#[test]
fn a_compression_bomb_costs_only_its_own_file() {
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

#[test]
fn byte_order_marks_between_concatenated_files_are_skipped() {
    let environment = TestEnvironment::new();
    let text = format!("\u{feff}{GOOD}\n\u{feff}{}\n", GOOD.replace("good", "second"));
    assert_eq!(account(&load_twice(&environment, &[("joined.ndjson", text.as_bytes())])), [("inserted", 2)]);
}
