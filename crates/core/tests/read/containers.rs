//! Containers: compression, archives and archives in archives, intact and
//! damaged; and files that cannot be opened.

use std::fs;
use std::path::Path;

use fhirmill_core::read::{
    self, Document, Frame, ReadDefect, ReadError, ReadLimits, ResourceHandler, Stopped, read_file, read_range,
};
use pretty_assertions::assert_eq;
use zip::CompressionMethod;

use super::support::{GROUP, Inbox, PATIENT, Recorder, gzip, large_bundle, zip, zip_by};

/// Reads a file, and its first resources again by their offsets.
pub fn read_with(path: &Path, limits: &ReadLimits) -> (Vec<String>, Result<(), ReadError>) {
    let mut recorder = Recorder::default();
    let result = read::read(path, limits, &mut recorder);
    for frame in recorder.frames.iter().take(20) {
        let length = frame.bytes.len() as u64;
        let again = read_range(path, limits, frame.member, frame.offset, length).unwrap();
        assert_eq!(String::from_utf8_lossy(&again), String::from_utf8_lossy(&frame.bytes));
    }
    (recorder.documents(), result)
}

fn read(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let (lines, result) = read_with(&Inbox::new().file(bytes), &ReadLimits::default());
    result.unwrap();
    lines
}

/// Documents of every format, and the frames in them.
fn formats() -> Vec<(&'static str, String, Vec<String>)> {
    let frames = |places: &[&str]| -> Vec<String> {
        let resources = [PATIENT, GROUP];
        places.iter().enumerate().map(|(i, place)| format!("  {} {place}: {}", i + 1, resources[i])).collect()
    };
    let bundle = format!(
        r#"{{"resourceType":"Bundle","entry":[{{"resource":{PATIENT}}},{{"resource":{GROUP}}}],"type":"batch"}}"#
    );
    vec![
        ("Resource", PATIENT.to_owned(), frames(&["resource"])),
        ("Ndjson", format!("{PATIENT}\n{GROUP}\n"), frames(&["line 1", "line 2"])),
        ("Ndjson", format!("\u{feff}{PATIENT}\r\n\r\n{GROUP}"), frames(&["line 1", "line 3"])),
        ("Array", format!("[\n{PATIENT},\n{GROUP}\n]\n"), frames(&["item 1", "item 2"])),
        ("Bundle", bundle.clone(), frames(&["entry 1", "entry 2"])),
        (
            "Bundle",
            format!("\u{feff}{}", bundle.replace(",{\"res", "\r\n,{\"res")),
            frames(&["entry 1", "entry 2"]),
        ),
        ("Empty", "\n".to_owned(), Vec::new()),
    ]
}

#[test]
fn every_format_is_read_from_every_container() {
    for (format, text, frames) in formats() {
        let expected = |name: &str| {
            let mut lines = vec![format!("0 {name:?} {format}")];
            lines.extend(frames.clone());
            lines
        };
        assert_eq!(read(&text), expected(""));
        assert_eq!(read(gzip(&text)), expected(""));
        assert_eq!(read(gzip(gzip(&text))), expected(""));
        let (first, second) = text.split_at(text.len() / 3);
        if text.is_char_boundary(text.len() / 3) {
            assert_eq!(read([gzip(first), gzip(""), gzip(second)].concat()), expected(""));
        }
        let member = ("folder/x.json", text.as_bytes());
        assert_eq!(read(zip(&[member])), expected("folder/x.json"));
        assert_eq!(
            read(zip_by(CompressionMethod::Stored, &[("folder/", b""), member])),
            expected("folder/x.json")
        );
        assert_eq!(read(zip(&[("x.gz", &gzip(&text))])), expected("x.gz"));
        assert_eq!(read(gzip(zip(&[member]))), expected("folder/x.json"));
        assert_eq!(read(zip(&[("a.zip", &zip(&[member]))])), expected("a.zip/folder/x.json"));
    }
}

#[test]
fn members_are_numbered_and_positions_continue() {
    let inner = zip(&[("b.json", GROUP.as_bytes()), ("c.json", PATIENT.as_bytes())]);
    let lines = format!("{PATIENT}\n{GROUP}\n");
    let outer = zip(&[
        ("folder/", b""),
        ("a.ndjson", lines.as_bytes()),
        ("inner.zip", &inner),
        ("_SUCCESS", b""),
        (".a.ndjson.crc", b"crc\0\0\0\x02\0"),
        ("__MACOSX/._a", b"\x00\x05\x16\x07"),
        ("../../d.json", GROUP.as_bytes()),
    ]);
    assert_eq!(
        read(outer),
        [
            "0 \"a.ndjson\" Ndjson".to_owned(),
            format!("  1 line 1: {PATIENT}"),
            format!("  2 line 2: {GROUP}"),
            "1 \"inner.zip/b.json\" Resource".to_owned(),
            format!("  3 resource: {GROUP}"),
            "2 \"inner.zip/c.json\" Resource".to_owned(),
            format!("  4 resource: {PATIENT}"),
            "3 \"_SUCCESS\" Companion(Marker)".to_owned(),
            "4 \".a.ndjson.crc\" Companion(Checksum)".to_owned(),
            "5 \"__MACOSX/._a\" Companion(Marker)".to_owned(),
            "6 \"../../d.json\" Resource".to_owned(),
            format!("  5 resource: {GROUP}"),
        ]
    );
}

#[test]
fn two_members_with_the_same_name_are_both_read() {
    let mut archive = zip(&[("a.json", PATIENT.as_bytes()), ("b.json", GROUP.as_bytes())]);
    while let Some(place) = archive.windows(6).position(|name| name == b"b.json") {
        archive[place] = b'a';
    }
    let lines = read(archive);
    assert_eq!(lines[1], format!("  1 resource: {PATIENT}"));
    assert_eq!(lines[3], format!("  2 resource: {GROUP}"));
}

#[test]
fn names_are_escaped_for_display() {
    let long = "x".repeat(600);
    let lines = read(zip(&[("a\nb\u{1b}.json", PATIENT.as_bytes()), (&long, GROUP.as_bytes())]));
    assert_eq!(lines[0], format!("0 {:?} Resource", r"a\nb\u{1b}.json"));
    assert_eq!(lines[2], format!("1 {:?} Resource", format!("{}…", "x".repeat(500))));
}

#[test]
fn a_bundle_too_large_to_hold_is_read_twice_from_every_container() {
    struct Check(u64, u64);
    impl ResourceHandler for Check {
        fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
            Ok(())
        }
        fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
            let number = self.0;
            self.0 += 1;
            assert_eq!(frame.position, self.1 - number);
            let bundle = frame.bundle.unwrap();
            assert_eq!(bundle.bundle_type(), Some("history"));
            // One before it and one after it.
            for other in [number / 2, (number + self.1) / 2] {
                let full_url = format!("urn:oid:{other}");
                let (resource_type, id) = bundle.resolve(&full_url).unwrap();
                assert_eq!((resource_type.name(), id.as_ref()), ("Basic", format!("i{other}").as_str()));
            }
            let id = format!("\"i{number}\"");
            assert!(frame.bytes.windows(id.len()).any(|bytes| bytes == id.as_bytes()));
            Ok(())
        }
        fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
            panic!("{defect:?}")
        }
    }
    let count = 2000;
    let text = large_bundle(count, "history");
    let bytes = text.as_bytes();
    let inbox = Inbox::new();
    // Small enough for two readings, for a spooled archive, and for slides.
    let limits = ReadLimits { memory_document_bytes: 10_000, read_bytes: 4096, ..ReadLimits::default() };
    for delivery in [
        bytes.to_vec(),
        gzip(bytes),
        zip(&[("x", bytes)]),
        zip(&[("x.zip", &zip(&[("x.gz", &gzip(bytes))]))]),
    ] {
        let path = inbox.file(delivery);
        let mut check = Check(0, count);
        read::read(&path, &limits, &mut check).unwrap();
        assert_eq!(check.0, count);
    }
}

#[test]
fn truncated_and_damaged_files_give_what_comes_before() {
    let text = format!("{PATIENT}\n").repeat(20_000);
    let whole = gzip(&text);
    let cut = read(&whole[..whole.len() - 20]);
    assert_eq!(cut[0], "0 \"\" Ndjson");
    assert_eq!(cut[1], format!("  1 line 1: {PATIENT}"));
    assert!(cut.len() > 1000, "{} lines", cut.len());
    assert!(cut.last().unwrap().contains("the compressed data end too early"), "{:?}", cut.last());

    // A wrong checksum costs only its own member.
    let mut damaged = zip_by(
        CompressionMethod::Stored,
        &[("a.json", PATIENT.as_bytes()), ("b.json", GROUP.as_bytes()), ("c.json", PATIENT.as_bytes())],
    );
    let place = damaged.windows(GROUP.len()).position(|bytes| bytes == GROUP.as_bytes()).unwrap();
    damaged[place + 3] ^= 1;
    let lines = read(damaged);
    assert_eq!(lines[1], format!("  1 resource: {PATIENT}"));
    assert!(lines.iter().any(|line| line.contains("the checksum does not match")), "{lines:?}");
    assert!(lines.last().unwrap().ends_with(&format!("resource: {PATIENT}")));

    // Garbage after a gzip file.
    let lines = read([gzip(PATIENT), b"garbage after the end".to_vec()].concat());
    assert!(lines.iter().any(|line| line.ends_with(&format!(": {PATIENT}"))), "{lines:?}");
    assert!(lines.last().unwrap().contains("the compressed data are damaged"), "{lines:?}");

    // A truncated zip has no directory.
    let whole = zip(&[("a.json", PATIENT.as_bytes())]);
    let (_, result) = read_with(&Inbox::new().file(&whole[..whole.len() - 30]), &ReadLimits::default());
    assert!(matches!(result, Err(ReadError::Archive(_))), "{result:?}");
    // One whose directory claims to be empty although there is a member; found by
    // fuzzing.
    let directory = whole.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let emptied = [&whole[..directory], &zip(&[])].concat();
    let (lines, result) = read_with(&Inbox::new().file(emptied), &ReadLimits::default());
    assert!(matches!(result, Err(ReadError::Archive(_))), "{result:?} {lines:?}");
    // In another archive, it costs only itself.
    let lines = read(zip(&[("a.zip", &whole[..whole.len() - 30]), ("b.json", GROUP.as_bytes())]));
    assert!(lines[1].contains("an archive that cannot be opened"), "{lines:?}");
    assert_eq!(lines[3], format!("  1 resource: {GROUP}"));
}

#[test]
fn members_that_cannot_be_unpacked_say_why() {
    // Bytes 6 and 8 of a local header, 8 and 10 of its entry in the directory:
    // flags and method.
    let patched = |offset: usize, value: u8| {
        let mut archive = zip(&[("a.json", PATIENT.as_bytes()), ("b.json", GROUP.as_bytes())]);
        let entry = archive.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
        archive[offset] = value;
        archive[entry + 2 + offset] = value;
        read(archive)
    };
    let encrypted = patched(6, 1);
    assert_eq!(
        encrypted[..2],
        ["0 \"a.json\" Unreadable", "  ! resource: encrypted; send it without a password"]
    );
    assert_eq!(encrypted[3], format!("  1 resource: {GROUP}"));
    let unsupported = patched(8, 12);
    assert!(
        unsupported[1].contains("only stored, deflate, Zstandard and gzip are supported"),
        "{unsupported:?}"
    );
    assert_eq!(unsupported[3], format!("  1 resource: {GROUP}"));
}

#[test]
fn decompression_bombs_are_stopped() {
    let inbox = Inbox::new();
    let limits = ReadLimits { archive_ratio_free_bytes: 1 << 20, ..ReadLimits::default() };
    let blanks = vec![b' '; 2 << 20];
    for bomb in [gzip(&blanks), zip(&[("a", &blanks)]), gzip(zip(&[("a.gz", &gzip(&blanks))]))] {
        let (_, result) = read_with(&inbox.file(bomb), &limits);
        assert!(matches!(result, Err(ReadError::RatioTooHigh(200))), "{result:?}");
    }
    let (_, result) = read_with(
        &inbox.file(gzip(PATIENT)),
        &ReadLimits { archive_output_bytes: PATIENT.len() as u64 - 1, ..ReadLimits::default() },
    );
    assert!(matches!(result, Err(ReadError::OutputTooLarge(_))), "{result:?}");

    let members = [("a", PATIENT.as_bytes()), ("b", GROUP.as_bytes())];
    let (_, result) =
        read_with(&inbox.file(zip(&members)), &ReadLimits { archive_members: 1, ..ReadLimits::default() });
    assert!(matches!(result, Err(ReadError::TooManyMembers(1))), "{result:?}");

    let mut nested = gzip(PATIENT);
    for _ in 0..3 {
        nested = gzip(nested);
    }
    assert!(read(nested)[1].contains("archives nested deeper than the limit of 3"));
    let limits = ReadLimits { nested_archive_bytes: 100, memory_document_bytes: 10, ..ReadLimits::default() };
    let (lines, result) = read_with(&inbox.file(zip(&[("a.zip", &zip(&members))])), &limits);
    result.unwrap();
    assert!(lines[1].contains("a nested archive larger than the limit of 100 bytes"), "{lines:?}");
}

#[test]
fn other_formats_and_encodings_are_described_in_files() {
    let utf_16: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(read(&utf_16)[1].contains("a UTF-16 byte order mark; save it as UTF-8"));
    assert!(read(&utf_16[2..])[1].contains("UTF-16 text; save it as UTF-8"));
    assert!(read("<!DOCTYPE html>\n<html>")[1].contains("not JSON: starts with markup"));
    assert!(read("%PDF-1.7 {}")[1].contains("the signature of a PDF document"));
    assert_eq!(read(""), ["0 \"\" Empty"]);
}

#[test]
fn only_regular_files_are_opened() {
    let inbox = Inbox::new();
    let directory = read::read(inbox.0.path(), &ReadLimits::default(), &mut Recorder::default());
    assert!(matches!(directory, Err(ReadError::NotAFile)), "{directory:?}");
    let fifo = inbox.0.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let fifo = read::read(&fifo, &ReadLimits::default(), &mut Recorder::default());
    assert!(matches!(fifo, Err(ReadError::NotAFile)), "{fifo:?}");
    let missing = read::read(&inbox.0.path().join("none"), &ReadLimits::default(), &mut Recorder::default());
    assert!(matches!(missing, Err(ReadError::Open(_))), "{missing:?}");
}

#[test]
fn a_handler_may_stop_the_reading() {
    let inbox = Inbox::new();
    let path = inbox.file(zip(&[("a", PATIENT.as_bytes()), ("b", format!("{GROUP}\n{GROUP}\n").as_bytes())]));
    let mut recorder = Recorder { stop_after: Some(2), ..Recorder::default() };
    let result = read_file(fs::File::open(path).unwrap(), &ReadLimits::default(), &mut recorder);
    assert!(matches!(result, Err(ReadError::Stopped(Stopped))), "{result:?}");
    assert_eq!(recorder.frames.len(), 2);
}

#[test]
fn a_range_that_does_not_exist_is_an_error() {
    let inbox = Inbox::new();
    let path = inbox.file(gzip(PATIENT));
    let limits = ReadLimits::default();
    assert_eq!(read_range(&path, &limits, 0, 1, 14).unwrap(), b"\"resourceType\"");
    for (member, offset, length) in [(1, 0, 1), (0, 30, 100), (0, u64::MAX, 1), (0, 0, u64::MAX)] {
        let result = read_range(&path, &limits, member, offset, length);
        assert!(matches!(result, Err(ReadError::NoSuchRange { .. })), "{result:?}");
    }
}
