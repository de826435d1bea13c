//! Tar and Zstandard: members are found again, nothing outside is touched, and
//! what is damaged is told. XML is told by name.

use flate2::Compression;
use flate2::write::GzEncoder;
use pretty_assertions::assert_eq;
use tar::{Builder, EntryType, Header};

use crate::formats::{gzip, tar, zip, zstandard};
use crate::steps::{account, load_twice, load_with_code};
use crate::support::{TestEnvironment, execute};

fn patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"gender\":\"male\"}}\n")
}

fn ids(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query("select fhir_id from patient order by 1")
}

/// A header of that kind, with what it links to.
fn special(builder: &mut Builder<Vec<u8>>, kind: EntryType, name: &str, link: &str) {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_size(0);
    header.set_mode(0o777);
    header.set_cksum();
    builder.append(&header, std::io::empty()).unwrap();
}

#[test]
fn members_of_tar_archives_are_found_again() {
    let long = format!("{}/p.ndjson", "folder/".repeat(40));
    for (name, pack) in [
        ("x.tar", (|bytes| bytes) as fn(Vec<u8>) -> Vec<u8>),
        ("x.tar.gz", |bytes| gzip(&bytes)),
        ("x.tar.zst", |bytes| zstandard(&bytes)),
    ] {
        let environment = TestEnvironment::new();
        let lines = format!("{}{}not json\n", patient("b"), patient("c"));
        let archive = tar(&[
            ("a.json", patient("a").as_bytes()),
            (&long, lines.as_bytes()),
            ("e.gz", &gzip(patient("e").as_bytes())),
            ("z.zip", &zip(&[("d.json", patient("d").as_bytes())])),
        ]);
        environment.put(&format!("inbox/{name}"), pack(archive));
        let summary = load_with_code(&environment, &[], 3);
        assert_eq!(account(&summary), [("inserted", 5), ("rejected", 1)], "{name}");
        assert_eq!(ids(&environment), [["a"], ["b"], ["c"], ["d"], ["e"]], "{name}");
        assert_eq!(
            environment.query("select right(location, 6) as location, reason from etl.rejected_record"),
            [["line 3", "not_json"]]
        );
        for id in ["a", "b", "c", "d", "e"] {
            let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0).stdout;
            assert!(shown.contains(&format!("\"{id}\"")), "{name}: {shown}");
        }
        environment.run(&["remap"]).expect_code(0);
        assert_eq!(ids(&environment), [["a"], ["b"], ["c"], ["d"], ["e"]], "{name}");
        let mended = r#"update etl.rejected_record set raw = '{"resourceType":"Patient","id":"f"}'"#;
        execute(environment.database_url(), mended);
        environment.run(&["retry"]).expect_code(0);
        assert_eq!(ids(&environment).len(), 6, "{name}");
        environment.run(&["check"]).expect_code(0);
    }
}

#[test]
fn what_is_no_file_in_a_tar_archive_is_ignored_and_names_are_no_paths() {
    let environment = TestEnvironment::new();
    let mut builder = Builder::new(Vec::new());
    for (kind, name, link) in [
        (EntryType::Symlink, "link", "/etc/passwd"),
        (EntryType::Link, "hard", "../../etc/passwd"),
        (EntryType::Char, "null", ""),
        (EntryType::Block, "disk", ""),
        (EntryType::Fifo, "pipe", ""),
        (EntryType::Directory, "folder/", ""),
    ] {
        special(&mut builder, kind, name, link);
    }
    for (name, id) in [("/tmp/absolute.json", "a"), ("../../outside.json", "b"), ("nl\n.json", "c")] {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(patient(id).len() as u64);
        header.set_cksum();
        builder.append(&header, patient(id).as_bytes()).unwrap();
    }
    let archive = builder.into_inner().unwrap();
    // Archives that were concatenated.
    let both = [&archive[..], &tar(&[("d.json", patient("d").as_bytes())])].concat();
    let summary = load_twice(&environment, &[("x.tar", &both)]);
    assert_eq!(account(&summary), [("inserted", 4)]);
    assert_eq!(ids(&environment), [["a"], ["b"], ["c"], ["d"]]);
    assert!(environment.listing().iter().all(|path| !path.contains("outside") && !path.contains("absolute")));
}

#[test]
fn damaged_archives_are_told_and_what_was_before_is_loaded() {
    let lines: String = (0..200).map(|number| patient(&format!("p{number}"))).collect();
    let whole = tar(&[("a.json", patient("a").as_bytes()), ("b.ndjson", lines.as_bytes())]);
    let (cut_between, cut_within) =
        (1024, 1536 + lines.find("{\"resourceType\":\"Patient\",\"id\":\"p9\"").unwrap());
    let mut no_header = whole.clone();
    no_header[1024..1536].fill(b'x');
    let mut no_checksum = zstandard(lines.as_bytes());
    let last = no_checksum.len() - 1;
    no_checksum[last] ^= 1;
    let packed = zstandard(lines.as_bytes());
    for (name, bytes, inserted, reason) in [
        ("between.tar", whole[..cut_between].to_vec(), 1, "truncated"),
        ("within.tar", whole[..cut_within].to_vec(), 10, "truncated"),
        ("within.tar.gz", gzip(&whole[..cut_within]), 10, "truncated"),
        ("header.tar", no_header.clone(), 1, "damaged"),
        ("header.tar.gz", gzip(&no_header), 1, "damaged"),
        ("cut.zst", packed[..packed.len() / 2].to_vec(), 0, "truncated"),
        ("checksum.zst", no_checksum, 200, "damaged"),
        ("frame.zst", [&zstandard(patient("a").as_bytes())[..], b"garbage"].concat(), 1, "damaged"),
        ("window.zst", b"\x28\xb5\x2f\xfd\x00\xf8\x01\0\0".to_vec(), 0, "unsupported_compression"),
        ("dictionary.zst", b"\x28\xb5\x2f\xfd\x21\x07\x00\x01\0\0".to_vec(), 0, "unsupported_compression"),
        (
            "fhir.xml",
            b"<Patient xmlns=\"http://hl7.org/fhir\"><id value=\"1\"/></Patient>".to_vec(),
            0,
            "xml",
        ),
        (
            "fhir.xml.gz",
            gzip(b"\n<?xml version=\"1.0\"?>\n<Bundle xmlns=\"http://hl7.org/fhir\"/>"),
            0,
            "xml",
        ),
    ] {
        let environment = TestEnvironment::new();
        environment.put(&format!("inbox/{name}"), &bytes);
        let summary = load_with_code(&environment, &[], 3);
        assert_eq!(summary["account"]["inserted"], inserted, "{name}");
        let reasons = environment.query("select distinct reason from etl.rejected_record");
        assert_eq!(reasons, [[reason]], "{name}");
        assert!(
            inserted > 0 || environment.listing().iter().any(|path| path.starts_with("rejects/")),
            "{name}"
        );
        if reason == "xml" {
            let message = environment.value("select message from etl.rejected_record");
            assert!(message.contains("FHIR as XML") && message.contains("as JSON or NDJSON"), "{message}");
        }
    }
}

#[test]
fn a_bomb_is_stopped() {
    let environment = TestEnvironment::new();
    let blanks = vec![b' '; 1 << 20];
    let mut frames = Vec::new();
    for _ in 0..80 {
        frames.extend(zstandard(&blanks));
    }
    environment.put("inbox/bomb.zst", &frames);
    let mut encoder = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    let mut header = Header::new_gnu();
    header.set_size(80 << 20);
    encoder.append_data(&mut header, "zeros", std::io::Read::take(std::io::repeat(b' '), 80 << 20)).unwrap();
    environment.put("inbox/bomb.tar.gz", encoder.into_inner().unwrap().finish().unwrap());
    let many: Vec<(String, String)> = (0..20).map(|number| (format!("{number}"), patient("a"))).collect();
    let members: Vec<(&str, &[u8])> =
        many.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    environment.put("inbox/many.tar", tar(&members));
    let mut command = environment.command(&["once", "--json"]);
    command.env("MAX_ARCHIVE_MEMBERS", "10");
    let summary = environment.run_command(&mut command).expect_code(3).json();
    assert_eq!(summary["rejected_files"], 3);
    for (name, text) in [
        ("bomb.tar.gz", "unpacks to more than 200 times"),
        ("bomb.zst", "unpacks to more than 200 times"),
        ("many.tar", "more than 10 members"),
    ] {
        let path = environment.path(&format!("rejects/default/{name}.report.txt"));
        let report = std::fs::read_to_string(path).unwrap();
        assert!(report.contains(text), "{name}: {report}");
    }
}
