//! Every format in which senders write FHIR gives the same rows, in every
//! packaging.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use tar::EntryType;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::steps::{account, load, load_twice, rows_as_written};
use crate::support::TestEnvironment;

const FIRST: &str = r#"{"resourceType":"Patient","id":"a","gender":"male"}"#;
const SECOND: &str = r#"{"resourceType":"Patient","id":"b","gender":"female"}"#;

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Two gzip members that together are one file.
fn gzip_in_two(bytes: &[u8]) -> Vec<u8> {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    [gzip(head), gzip(tail)].concat()
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        if name.ends_with('/') {
            writer.add_directory(*name, SimpleFileOptions::default()).unwrap();
            continue;
        }
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub fn zstandard(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

/// Two frames that together are one file, with one between them that is skipped.
fn zstandard_in_two(bytes: &[u8]) -> Vec<u8> {
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    [&zstandard(head)[..], b"\x50\x2a\x4d\x18\x03\0\0\0abc", &zstandard(tail)].concat()
}

pub fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(if name.ends_with('/') { EntryType::Directory } else { EntryType::Regular });
        header.set_mode(0o644);
        header.set_size(bytes.len() as u64);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// A zip whose one member is compressed by method 93, Zstandard.
fn zip_by_zstandard(name: &str, bytes: &[u8]) -> Vec<u8> {
    let packed = zstandard(bytes);
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    let mut common = vec![63, 0, 0, 0, 93, 0, 0, 0, 0, 0];
    for number in [crc.sum(), packed.len() as u32, bytes.len() as u32] {
        common.extend(number.to_le_bytes());
    }
    common.extend((name.len() as u16).to_le_bytes());
    common.extend([0, 0]);
    let mut archive = [b"PK\x03\x04", &common[..], name.as_bytes(), &packed].concat();
    let directory = [b"PK\x01\x02\x3f\0", &common[..], &[0; 14], name.as_bytes()].concat();
    let end = [directory.len() as u32, archive.len() as u32].map(u32::to_le_bytes).concat();
    archive.extend([&directory[..], b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &end, b"\0\0"].concat());
    archive
}

fn patients(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query("select fhir_id, gender from patient order by fhir_id")
}

/// The two patients in every format, by name.
fn forms() -> Vec<(&'static str, String)> {
    let pretty = |text: &str| text.replace(',', ",\n  ").replace('{', "{\n  ");
    let (first, second) = (FIRST, SECOND);
    let bundle = |kind: &str| {
        format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"resource":{first}}},{{"resource":{second}}}]}}"#
        )
    };
    let mut forms = vec![
        ("array", format!("[{first},{second}]")),
        ("array of one a line", format!("[\n{first}\n,\n{second}\n]\n")),
        ("pretty array", format!("[ {} , {} ]", pretty(first), pretty(second))),
        ("NDJSON", format!("{first}\n{second}\n")),
        ("NDJSON without a last newline", format!("{first}\n{second}")),
        ("NDJSON with CRLF", format!("{first}\r\n{second}\r\n")),
        ("NDJSON with a byte order mark", format!("\u{feff}{first}\n{second}\n")),
        ("NDJSON with blank lines", format!("\n\n{first}\n  \n\r\n{second}\n\n")),
        ("pretty values one after the other", format!("{}\n{}", pretty(first), pretty(second))),
        (
            "Bundle with its type last",
            format!(
                r#"{{"entry":[{{"resource":{first}}},{{"resource":{second}}}],"type":"collection","resourceType":"Bundle"}}"#
            ),
        ),
        ("pretty Bundle", pretty(&bundle("collection"))),
        ("Bundle with a byte order mark", format!("\u{feff}{}", bundle("collection"))),
        (
            "Bundle in a Bundle",
            format!(
                r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{first}}},
               {{"resource":{{"resourceType":"Bundle","type":"searchset","entry":[{{"resource":{second}}}]}}}}]}}"#
            ),
        ),
        (
            "a Bundle a line",
            format!(
                "{{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{{\"resource\":{first}}}]}}\n{second}\n"
            ),
        ),
    ];
    for kind in [
        "document",
        "message",
        "transaction",
        "transaction-response",
        "batch",
        "batch-response",
        "history",
        "searchset",
        "collection",
    ] {
        forms.push((kind, bundle(kind)));
    }
    forms
}

#[test]
fn every_format_in_every_packaging_gives_the_same_rows() {
    let environment = TestEnvironment::new();
    let mut expected_rows = Vec::new();
    for (form, text) in forms() {
        let bytes = text.as_bytes();
        for (packing, packed) in [
            ("plain", bytes.to_vec()),
            ("gzip", gzip(bytes)),
            ("gzip of two members", gzip_in_two(bytes)),
            ("zip", zip(&[("folder/", b""), ("folder/data.bin", bytes)])),
            ("zip of a gzip", zip(&[("data.gz", &gzip(bytes))])),
            ("zip in a zip", zip(&[("inner.zip", &zip(&[("x", bytes)]))])),
            ("Zstandard", zstandard(bytes)),
            ("Zstandard in two frames", zstandard_in_two(bytes)),
            ("tar", tar(&[("folder/", b""), ("folder/data.bin", bytes)])),
            ("tar.gz", gzip(&tar(&[("data.json", bytes)]))),
            ("tar.zst", zstandard(&tar(&[("data.json", bytes)]))),
            ("tar.gz of a gzip", gzip(&tar(&[("data.gz", &gzip(bytes))]))),
            ("tar.gz of a zip", gzip(&tar(&[("data.zip", &zip(&[("x", bytes)]))]))),
            ("tar in a tar.zst", zstandard(&tar(&[("in.tar", &tar(&[("x", bytes)]))]))),
            ("zip of a tar", zip(&[("data.tar", &tar(&[("x", bytes)]))])),
            ("zip of Zstandard", zip(&[("data.zst", &zstandard(bytes))])),
            ("zip by Zstandard", zip_by_zstandard("data.json", bytes)),
        ] {
            // Each in a source of its own: each has to bring its own rows.
            let source = format!("{form}, {packing}");
            environment.put(&format!("inbox/{source}/data"), &packed);
            expected_rows.push([source, "a male, b female".to_owned()]);
        }
    }
    let summary = load(&environment, &[]);
    assert_eq!(account(&summary), [("inserted", 2 * expected_rows.len() as u64)]);
    expected_rows.sort();
    let rows = environment.query(
        "select s.code collate \"C\" as code, string_agg(fhir_id || ' ' || gender, ', ' order by fhir_id) as patients \
         from patient p join etl.source s on s.id = p.source_id group by 1 order by 1",
    );
    assert_eq!(rows, expected_rows);
}

#[test]
fn a_single_resource_may_span_one_or_many_lines() {
    let environment = TestEnvironment::new();
    let pretty = "{\n  \"resourceType\": \"Patient\",\n  \"id\": \"b\",\n  \"gender\": \"female\"\n}\n";
    let summary = load_twice(&environment, &[("a.json", FIRST.as_bytes()), ("b.json", pretty.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 2)]);
    assert_eq!(patients(&environment), [["a", "male"], ["b", "female"]]);
    let forms =
        environment.query("select form, seen from etl.load_file where status = 'loaded' order by path");
    assert_eq!(forms, [["resource", "1"], ["resource", "1"]]);
}

#[test]
fn a_zip_may_contain_files_of_different_formats() {
    let environment = TestEnvironment::new();
    let bundle =
        format!(r#"{{"resourceType":"Bundle","type":"collection","entry":[{{"resource":{SECOND}}}]}}"#);
    let packed = zip(&[
        ("export/", b""),
        ("export/Patient.ndjson", FIRST.as_bytes()),
        ("export/deep/bundle.json", bundle.as_bytes()),
        ("export/log.ndjson", br#"{"exportId":"x","timestamp":"2024-01-01T00:00:00Z","eventId":"kickoff"}"#),
        ("export/empty.ndjson", b""),
    ]);
    let summary = load_twice(&environment, &[("export.zip", &packed)]);
    assert_eq!(account(&summary), [("inserted", 2)]);
    assert_eq!(patients(&environment), [["a", "male"], ["b", "female"]]);
    // Where each stands in the archive is known.
    let places = environment
        .query("select fhir_id, member, byte_offset, byte_length from etl.resource order by fhir_id");
    let before = bundle.find(SECOND).unwrap().to_string();
    let (first, second) = (FIRST.len().to_string(), SECOND.len().to_string());
    assert_eq!(places, [["a", "0", "0", &first], ["b", "1", &before, &second]]);
}

#[test]
fn files_that_accompany_an_export_are_not_rejected() {
    let environment = TestEnvironment::new();
    let log = br#"{"exportId":"x","timestamp":"2024-01-01T00:00:00Z","eventId":"kickoff","eventDetail":{}}
{"exportId":"x","timestamp":"2024-01-01T00:00:01Z","eventId":"export_complete","eventDetail":{}}
"#;
    let manifest = br#"{"transactionTime":"2024-01-01T00:00:00Z","request":"https://x.example/$export",
        "requiresAccessToken":true,"output":[{"type":"Patient","url":"https://x.example/1"}],"error":[]}"#;
    let files: [(&str, &[u8]); 5] = [
        ("Patient.ndjson", FIRST.as_bytes()),
        ("log.ndjson", log),
        ("manifest.json", manifest),
        ("Patient.ndjson.crc", b"crc\x00\x00\x00\x02\x00\xde\xad\xbe\xef"),
        ("Group.ndjson", b""),
    ];
    let summary = load(&environment, &files);
    assert_eq!(account(&summary), [("inserted", 1)]);
    assert_eq!(summary["rejected_files"], 0);
    assert_eq!(environment.value("select count(*) from etl.rejected_record"), "0");
    let forms = environment.query("select path, form, status from etl.load_file order by path collate \"C\"");
    assert_eq!(
        forms,
        [
            ["Group.ndjson", "empty", "loaded"],
            ["Patient.ndjson", "resource", "loaded"],
            ["Patient.ndjson.crc", "checksum", "loaded"],
            ["log.ndjson", "log of a bulk export", "loaded"],
            ["manifest.json", "manifest of a bulk export", "loaded"],
        ]
    );
    let before = rows_as_written(&environment);
    assert_eq!(load(&environment, &files)["duplicate_files"], 5);
    assert_eq!(rows_as_written(&environment), before);
    assert!(
        environment.listing().iter().all(|path| !path.starts_with("inbox/") && !path.starts_with("rejects/"))
    );
}

#[test]
fn a_folder_of_the_inbox_is_a_source_of_its_own() {
    let environment = TestEnvironment::new();
    let one = r#"{"resourceType":"Patient","id":"1","gender":"male"}"#;
    let other = r#"{"resourceType":"Patient","id":"1","gender":"female"}"#;
    let summary = load_twice(
        &environment,
        &[
            ("north/deep/down/p.json", one.as_bytes()),
            ("south/p.json", other.as_bytes()),
            ("p.json", one.as_bytes()),
        ],
    );
    assert_eq!(account(&summary), [("inserted", 3)]);
    let rows = environment.query(
        "select s.code, p.fhir_id, p.gender from patient p join etl.source s on s.id = p.source_id order by s.code",
    );
    assert_eq!(rows, [["default", "1", "male"], ["north", "1", "male"], ["south", "1", "female"]]);
    assert_eq!(environment.value("select count(distinct id) from patient"), "3");
}

#[test]
fn entries_without_a_resource_are_skipped() {
    let environment = TestEnvironment::new();
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[
            {{"request":{{"method":"GET","url":"Patient/9"}}}},
            {{"response":{{"status":"201"}}}},
            {{"resource":{FIRST},"request":{{"method":"PUT","url":"Patient/a"}}}}]}}"#
    );
    let summary = load_twice(&environment, &[("b.json", bundle.as_bytes())]);
    assert_eq!(account(&summary), [("inserted", 1), ("skipped", 2)]);
    assert_eq!(summary["seen"], 3);
}

#[test]
fn a_resource_without_an_id_is_recognized_when_it_comes_again() {
    let environment = TestEnvironment::new();
    let first = load_twice(&environment, &[("a.json", br#"{"resourceType":"Patient","gender":"male"}"#)]);
    assert_eq!(account(&first), [("inserted", 1)]);
    let again = load(&environment, &[("b.json", b"[{\"gender\":\"male\", \"resourceType\":\"Patient\"}]")]);
    assert_eq!(account(&again), [("unchanged", 1)]);
    assert_eq!(environment.value("select is_id_generated from etl.resource"), "true");
}
