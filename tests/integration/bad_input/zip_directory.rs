//! Zip archives whose directory does not list all members, and names of
//! members that look like paths.

use std::io::Write as _;

use pretty_assertions::assert_eq;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::GOOD;
use crate::formats::zip;
use crate::steps::{account, load_with_code};
use crate::support::TestEnvironment;

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
fn members_missing_from_the_directory_are_reported_and_the_listed_ones_loaded() {
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
        "select s.code, p.fhir_id, f.status, r.reason, r.message ~ 'the data at byte [0-9]+ were not loaded' as is_told \
         from etl.load_file f join etl.source s on s.id = f.source_id \
         join etl.rejected_record r on r.file_id = f.id join patient p on p.source_id = s.id order by s.code",
    );
    let mut wanted: Vec<_> =
        cases.iter().map(|(name, _, id)| [*name, id, "loaded", "damaged", "true"]).collect();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
}

#[test]
fn a_zip_with_a_complete_directory_is_loaded_completely() {
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
fn member_names_are_never_used_as_paths() {
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
    // The archived file, the report to the sender and the log are all that is new.
    let listing = environment.listing();
    assert_eq!(listing.iter().filter(|path| path.contains("escaped")).count(), 0, "{listing:?}");
    assert_eq!(listing.iter().filter(|path| !path.starts_with("logs/")).count(), before + 2, "{listing:?}");
    assert!(!std::path::Path::new("/tmp/fhirmill-escaped.json").exists());
}
