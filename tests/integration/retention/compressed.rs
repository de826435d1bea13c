//! Files that are compressed in the archive, in one with others that are not.

use std::io::Read as _;

use fhirmill_postgres::failpoint::ArchiveStep;
use pretty_assertions::assert_eq;

use super::{archived, patient, run_with};
use crate::support::TestEnvironment;

const ZSTD: &[(&str, &str)] = &[("ARCHIVE_COMPRESSION", "zstd")];

/// Patients, each a kilobyte with the blanks behind it: 600 of them are more than one frame holds.
fn many(count: usize) -> String {
    (0..count).map(|number| format!("{:<999}\n", patient(&format!("m{number}"), "1990-01-01"))).collect()
}

fn gzip(content: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzEncoder::new(content.as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut bytes)
        .unwrap();
    bytes
}

/// What any decoder of Zstandard makes of a file.
fn decompressed(environment: &TestEnvironment, ending: &str) -> String {
    let path = environment.listing().into_iter().find(|path| path.ends_with(ending)).unwrap();
    let bytes = std::fs::read(environment.path(&path)).unwrap();
    let mut text = String::new();
    // Frame by frame, and the last two are skipped.
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        match ruzstd::decoding::StreamingDecoder::new(&mut rest) {
            Ok(mut frame) => drop(frame.read_to_string(&mut text).unwrap()),
            Err(_) => break,
        }
    }
    text
}

#[track_caller]
fn expect_sound(environment: &TestEnvironment, ids: &[&str]) {
    for id in ids {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
        assert!(shown.stdout.contains(&format!(r#""id":"{id}""#)), "{}", shown.stdout);
    }
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
fn both_kinds_of_files_are_read_written_and_taken_back_alike() {
    let environment = TestEnvironment::new();
    let lines = many(600);
    environment.put("inbox/many.ndjson", &lines);
    environment.put("inbox/packed.ndjson.gz", gzip(&patient("g1", "1991-01-01")));
    run_with(&environment, ZSTD, &["once"]).expect_code(0);
    environment.put("inbox/plain.json", patient("p1", "1992-01-01"));
    environment.run(&["once"]).expect_code(0);
    assert_eq!(archived(&environment), ["many.ndjson.zst", "packed.ndjson.gz", "plain.json"]);
    assert_eq!(decompressed(&environment, "many.ndjson.zst"), lines);
    let ids = ["m0", "m300", "m599", "g1", "p1"];
    expect_sound(&environment, &ids);

    // The ledger keeps what was sent, and what it takes.
    let files = environment.run(&["files", "--json"]).expect_code(0).json();
    for file in files.as_array().unwrap() {
        let (path, stored) = (file["archive_path"].as_str().unwrap(), &file["stored_bytes"]);
        let on_disk = std::fs::metadata(path).unwrap().len();
        match path.ends_with("many.ndjson.zst") {
            true => assert_eq!(
                (stored.as_u64(), file["size_bytes"].as_u64()),
                (Some(on_disk), Some(lines.len() as u64))
            ),
            false => assert!(stored.is_null() && file["size_bytes"] == on_disk, "{file}"),
        }
    }

    // Either kind comes again, under either setting, and is kept once.
    environment.put("inbox/again.ndjson", &lines);
    environment.run(&["once"]).expect_code(0);
    environment.put("inbox/plain2.json", patient("p1", "1992-01-01"));
    run_with(&environment, ZSTD, &["once"]).expect_code(0);
    assert_eq!(archived(&environment), ["many.ndjson.zst", "packed.ndjson.gz", "plain.json"]);

    // An undo reads the older file again, and a remap all of them.
    environment.put("inbox/newer.ndjson", patient("m300", "1993-01-01"));
    run_with(&environment, ZSTD, &["once"]).expect_code(0);
    let birth = "select birth_date from patient where fhir_id = 'm300'";
    let newest = environment.value("select max(id) from etl.load_file");
    for (flag, expected) in [("--json", "1990-01-01"), ("--redo", "1993-01-01"), ("--json", "1990-01-01")] {
        environment.run(&["undo", "--file", &newest, flag]).expect_code(0);
        assert_eq!(environment.value(birth), expected);
    }
    let remapped = environment.run(&["remap"]).expect_code(0);
    assert!(remapped.stdout.starts_with("602 resources rewritten"), "{}", remapped.stdout);
    expect_sound(&environment, &ids);
}

#[test]
fn damage_of_a_compressed_file_is_found() {
    let environment = TestEnvironment::without_indexes();
    environment.put("inbox/a.ndjson", many(20));
    run_with(&environment, ZSTD, &["once"]).expect_code(0);
    environment.run(&["check", "--archive"]).expect_code(0);
    let path = environment.listing().into_iter().find(|path| path.ends_with("a.ndjson.zst")).unwrap();
    let sound = std::fs::read(environment.path(&path)).unwrap();
    let mut flipped = sound.clone();
    flipped[40] ^= 1;
    let mut other = sound.clone();
    other.splice(0..0, [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0]);
    for damaged in [flipped, sound[..sound.len() - 1].to_vec(), other, Vec::new()] {
        std::fs::write(environment.path(&path), &damaged).unwrap();
        let checked = environment.run(&["check", "--archive"]).expect_code(5);
        assert!(checked.stdout.contains("a.ndjson"), "{}", checked.stdout);
    }
    std::fs::write(environment.path(&path), &sound).unwrap();
    environment.run(&["check", "--archive"]).expect_code(0);
    // It takes another number of bytes than the ledger has.
    crate::support::execute(
        environment.database_url(),
        "update etl.load_file set stored_bytes = stored_bytes + 1",
    );
    environment.run(&["check", "--archive"]).expect_code(5);
}

#[test]
fn what_lies_there_is_compressed_later_and_a_death_loses_nothing() {
    let environment = TestEnvironment::without_indexes();
    environment.put("inbox/a.ndjson", many(30));
    environment.put("inbox/b.json", patient("p1", "1991-01-01"));
    environment.put("inbox/c.json.gz", gzip(&patient("g1", "1991-01-01")));
    environment.put("inbox/broken.json", "no JSON");
    environment.run(&["once"]).expect_code(3);
    environment.put("inbox/b2.json", patient("p1", "1991-01-01"));
    environment.run(&["once"]).expect_code(0);
    let compress = ["archive", "compress", "--json"];
    let recent = environment.run(&["archive", "compress", "--older-than", "1d", "--json"]).expect_code(0);
    assert_eq!(recent.json()["files"], 0);

    for step in [ArchiveStep::Compressed, ArchiveStep::OriginalRemoved] {
        let deadly = format!("{}=return", step.name());
        let died = run_with(&environment, &[("FAILPOINTS", &deadly)], &compress);
        assert_ne!(died.code, 0, "{}", step.name());
        expect_sound(&environment, &["m0", "m29", "p1", "g1"]);
        // Whoever replays the delivery meanwhile adds no copy.
        environment.put("inbox/more.ndjson", many(30));
        environment.run(&["once"]).expect_code(0);
    }
    let done = environment.run(&compress).expect_code(0).json();
    assert_eq!(
        (&done["files"], &done["unsuitable_files"], &done["failed_files"]),
        (&2.into(), &1.into(), &0.into())
    );
    assert_eq!(archived(&environment), ["a.ndjson.zst", "b.json.zst", "c.json.gz"]);
    let again = environment.run(&compress).expect_code(0).json();
    assert_eq!((&again["files"], &again["unsuitable_files"]), (&0.into(), &1.into()));
    expect_sound(&environment, &["m0", "m29", "p1", "g1"]);
    // Every delivery knows; the rejected file is as it was sent.
    let kinds =
        "select path, (stored_bytes is not null)::text from etl.load_file where path !~ 'more' order by path";
    let kinds = environment.query(kinds);
    let expected = [
        ("a.ndjson", "true"),
        ("b.json", "true"),
        ("b2.json", "true"),
        ("broken.json", "false"),
        ("c.json.gz", "false"),
    ];
    assert_eq!(kinds, expected.map(|(path, is)| vec![path.to_owned(), is.to_owned()]));
}

#[test]
fn names_that_senders_give_are_not_confused_with_ours() {
    let environment = TestEnvironment::without_indexes();
    let zstandard = |text: &str| {
        ruzstd::encoding::compress_to_vec(text.as_bytes(), ruzstd::encoding::CompressionLevel::Fastest)
    };
    // Of each pair, the second would take the name of the first.
    for (first, second, settings) in [
        (
            ("a.json", patient("a", "1991-01-01").into_bytes()),
            ("a.json.zst", zstandard(&patient("az", "1991-01-01"))),
            ZSTD,
        ),
        (
            ("b.json.zst", zstandard(&patient("bz", "1991-01-01"))),
            ("b.json", patient("b", "1991-01-01").into_bytes()),
            ZSTD,
        ),
        (
            ("c.json.zst", zstandard(&patient("cz", "1991-01-01"))),
            ("c.json", patient("c", "1991-01-01").into_bytes()),
            &[],
        ),
    ] {
        for (name, content) in [first, second] {
            environment.put(&format!("inbox/{name}"), content);
            run_with(&environment, settings, &["once"]).expect_code(0);
        }
    }
    expect_sound(&environment, &["a", "az", "b", "bz", "c", "cz"]);
    let run = environment.run(&["archive", "compress"]).expect_code(5);
    assert!(run.stderr.contains("another file has the name"), "{}", run.stderr);
    expect_sound(&environment, &["a", "az", "b", "bz", "c", "cz"]);
    let names = archived(&environment);
    assert_eq!(names.len(), 6, "{names:?}");
}
