//! Inputs larger than memory: they are rejected or read, and memory use stays
//! low. They are streamed through gzip, so that they take little disk space.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::TestEnvironment;

const BEFORE: &str = "{\"resourceType\":\"Patient\",\"id\":\"before\"}\n";
const AFTER: &str = "\n{\"resourceType\":\"Patient\",\"id\":\"after\"}\n";

/// The memory used by a run, and its results.
struct Peak {
    code: i32,
    /// The largest resident memory of the process, in MiB.
    mebibytes: u64,
}

/// Writes a gzip file with one patient before the content and one after it.
fn put(environment: &TestEnvironment, middle: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
    let file = BufWriter::new(File::create(environment.path("inbox/heavy.ndjson.gz")).unwrap());
    let mut encoder = GzEncoder::new(file, Compression::fast());
    encoder.write_all(BEFORE.as_bytes()).unwrap();
    middle(&mut encoder).unwrap();
    encoder.write_all(AFTER.as_bytes()).unwrap();
    encoder.finish().unwrap().flush().unwrap();
}

/// Writes the piece repeatedly, up to the size.
fn repeat(out: &mut dyn Write, piece: &[u8], bytes: u64) -> std::io::Result<()> {
    let block = piece.repeat((1 << 20) / piece.len() + 1);
    let mut left = bytes;
    while left > 0 {
        let length = left.min(block.len() as u64);
        out.write_all(&block[..length as usize])?;
        left -= length;
    }
    Ok(())
}

/// Runs `fhirmill once` with that additional setting, and samples its memory.
fn load(environment: &TestEnvironment, settings: &[(&str, &str)]) -> Peak {
    let mut command = environment.command(&["once", "--json"]);
    // What is looked at here is no bomb.
    command.env("MAX_ARCHIVE_RATIO", "1000000").envs(settings.iter().copied());
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let status_path = format!("/proc/{}/status", child.id());
    let mut kibibytes = 0;
    loop {
        // The peak only grows, so the last one seen is nearly the last.
        if let Ok(status) = std::fs::read_to_string(&status_path)
            && let Some(line) = status.lines().find(|line| line.starts_with("VmHWM:"))
        {
            kibibytes = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        }
        if let Some(status) = child.try_wait().unwrap() {
            return Peak { code: status.code().unwrap_or(-1), mebibytes: kibibytes / 1024 };
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What was loaded of the patients around the content, and how it was rejected.
#[track_caller]
fn expect_reject(environment: &TestEnvironment, peak: &Peak, reason: &str, most_mebibytes: u64) {
    println!("{reason}: {} MiB", peak.mebibytes);
    assert_eq!(peak.code, 3);
    assert_eq!(environment.query("select fhir_id from patient order by 1"), [["after"], ["before"]]);
    assert_eq!(environment.query("select location, reason from etl.rejected_record"), [["line 2", reason]]);
    assert!((1..=most_mebibytes).contains(&peak.mebibytes), "{} MiB", peak.mebibytes);
}

/// A resource with one string of that many bytes.
fn string(out: &mut dyn Write, bytes: u64) -> std::io::Result<()> {
    out.write_all(br#"{"resourceType":"Binary","id":"x","data":""#)?;
    repeat(out, b"a", bytes)?;
    out.write_all(br#""}"#)
}

/// A resource with that many members.
fn members(out: &mut dyn Write, count: u64) -> std::io::Result<()> {
    out.write_all(br#"{"resourceType":"Patient","id":"x""#)?;
    for number in 0..count {
        write!(out, ",\"{number:x}\":1")?;
    }
    out.write_all(b"}")
}

#[test]
fn a_string_of_300_megabytes_is_skipped() {
    let environment = TestEnvironment::new();
    put(&environment, |out| string(out, 300_000_000));
    let peak = load(&environment, &[("MAX_RESOURCE_BYTES", "16MiB")]);
    expect_reject(&environment, &peak, "too_large", 200);
}

#[test]
fn a_line_of_300_megabytes_that_is_not_json_is_skipped() {
    let environment = TestEnvironment::new();
    put(&environment, |out| repeat(out, b"a", 300_000_000));
    let peak = load(&environment, &[]);
    expect_reject(&environment, &peak, "not_json", 100);
}

#[test]
#[ignore = "takes minutes; make heavy-input"]
fn heavy_input_a_line_of_10_gigabytes() {
    for piece in [b'a', b' '] {
        let environment = TestEnvironment::new();
        put(&environment, |out| repeat(out, &[piece], 10_000_000_000));
        let peak = load(&environment, &[]);
        if piece == b'a' {
            expect_reject(&environment, &peak, "not_json", 100);
        } else {
            assert_eq!((peak.code, environment.value("select count(*) from patient").as_str()), (0, "2"));
            assert!(peak.mebibytes < 100, "{} MiB", peak.mebibytes);
        }
    }
}

#[test]
#[ignore = "takes minutes; make heavy-input"]
fn heavy_input_a_string_of_5_gigabytes() {
    let environment = TestEnvironment::new();
    put(&environment, |out| string(out, 5_000_000_000));
    let peak = load(&environment, &[]);
    expect_reject(&environment, &peak, "too_large", 300);
}

#[test]
#[ignore = "takes minutes; make heavy-input"]
fn heavy_input_10_million_members() {
    // Larger than a resource may be; and, where that is allowed, more values
    // than are taken.
    for (limit, reason, most_mebibytes) in [("64MiB", "too_large", 300), ("128MiB", "not_json", 700)] {
        let environment = TestEnvironment::new();
        put(&environment, |out| members(out, 10_000_000));
        let peak = load(&environment, &[("MAX_RESOURCE_BYTES", limit)]);
        expect_reject(&environment, &peak, reason, most_mebibytes);
    }
}

#[test]
#[ignore = "takes minutes; make heavy-input"]
fn heavy_input_values_by_the_million_in_one_resource() {
    // As many as are taken, in each of the ways that a table keeps them.
    for (name, open, piece, close) in [
        ("array", r#"{"resourceType":"Patient","id":"x","extension":[{"url":"u","a":[0"#, ",1", "]}]}"),
        ("whole", r#"{"resourceType":"Basic","id":"x","a":[0"#, ",1", "]}"),
        ("lists", r#"{"resourceType":"Basic","id":"x","a":[[]"#, ",[]", "]}"),
    ] {
        let environment = TestEnvironment::new();
        put(&environment, |out| {
            out.write_all(open.as_bytes())?;
            repeat(out, piece.as_bytes(), 3_900_000 * piece.len() as u64)?;
            out.write_all(close.as_bytes())
        });
        let peak = load(&environment, &[]);
        println!("{name}: {} MiB", peak.mebibytes);
        assert_eq!(peak.code, 0, "{name}");
        assert_eq!(environment.value("select count(*) from etl.resource where fhir_id = 'x'"), "1");
        assert!(peak.mebibytes < 300, "{name}: {} MiB", peak.mebibytes);
    }
    // The largest text, with as many numbers, in one jsonb.
    let environment = TestEnvironment::new();
    put(&environment, |out| {
        out.write_all(br#"{"resourceType":"Basic","id":"x","b":""#)?;
        repeat(out, b"a", 124_000_000)?;
        out.write_all(br#"","a":[0"#)?;
        repeat(out, b",1", 2 * 3_900_000)?;
        out.write_all(b"]}")
    });
    let peak = load(&environment, &[("MAX_RESOURCE_BYTES", "128MiB")]);
    println!("largest: {} MiB", peak.mebibytes);
    assert_eq!((peak.code, environment.value("select count(*) from other_resource").as_str()), (0, "1"));
    assert!(peak.mebibytes < 1000, "{} MiB", peak.mebibytes);
}

#[test]
#[ignore = "takes minutes; make heavy-input"]
fn heavy_input_that_would_grow_on_its_way() {
    // A row takes many times the bytes of `{}`, and a path stands beside every
    // extension and coding below it.
    let name = "n".repeat(900);
    let deep = format!(r#"{{"resourceType":"Patient","id":"x","{name}":{}"#, r#"{"a":"#.repeat(400));
    let closing = "}".repeat(400);
    for (what, open, piece, close) in [
        ("rows", r#"{"resourceType":"Patient","id":"x","name":[{}"#.to_owned(), ",{}", "]}".to_owned()),
        ("lists", format!(r#"{deep}[{{}}"#), r#",{"extension":[{}]}"#, format!("]{closing}}}")),
        (
            "paths",
            format!(r#"{{"resourceType":"Patient","id":"x","{name}":[{{}}"#),
            r#",{"extension":[{}]}"#,
            "]}".to_owned(),
        ),
        (
            "codings",
            format!(r#"{{"resourceType":"Patient","id":"x","{name}":{{"coding":[{{}}"#),
            ",{}",
            "]}}".to_owned(),
        ),
    ] {
        let environment = TestEnvironment::new();
        put(&environment, |out| {
            out.write_all(open.as_bytes())?;
            let values = piece.matches(['{', '[', '"']).count() as u64;
            repeat(out, piece.as_bytes(), 3_900_000 / values * piece.len() as u64)?;
            out.write_all(close.as_bytes())
        });
        let peak = load(&environment, &[]);
        print!("{what}: ");
        expect_reject(&environment, &peak, "invalid_value", 600);
    }
}
