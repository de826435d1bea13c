//! Unusual file names: not UTF-8, with control characters, too long, or equal.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use pretty_assertions::assert_eq;

use super::patient;
use crate::steps::{load, load_with_code};
use crate::support::TestEnvironment;

/// Names in the inbox, as bytes and as they are shown.
fn unusual_names() -> Vec<(Vec<u8>, String)> {
    let longest = format!("{}.json", "n".repeat(250));
    vec![
        (b"caf\xe9.json".to_vec(), "caf%e9.json".to_owned()),
        (b"source\xff/p.json".to_vec(), "source%ff/p.json".to_owned()),
        (b"source\xfe/p.json".to_vec(), "source%fe/p.json".to_owned()),
        (
            b"a\n2026-01-01T00:00:00Z ERROR forged.json".to_vec(),
            "a%0a2026-01-01T00:00:00Z ERROR forged.json".to_owned(),
        ),
        (b"esc\x1b[2J.json".to_vec(), "esc%1b[2J.json".to_owned()),
        (b"it's \"quoted\" $(x); --.json".to_vec(), "it's \"quoted\" $(x); --.json".to_owned()),
        (longest.clone().into_bytes(), longest),
    ]
}

#[test]
fn files_with_unusual_names_load_and_stay_distinguishable() {
    let environment = TestEnvironment::new();
    for (number, (name, _)) in unusual_names().iter().enumerate() {
        let path = environment.path("inbox").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, patient(&format!("p{number}"))).unwrap();
    }
    let summary = load(&environment, &[]);
    assert_eq!(summary["loaded_files"], unusual_names().len());
    let mut expected: Vec<String> = unusual_names().into_iter().map(|(_, shown)| shown).collect();
    expected.sort();
    let mut found: Vec<String> = environment.query("select path from etl.load_file").concat();
    found.sort();
    assert_eq!(found, expected);
    let sources = "select string_agg(code, ' ' order by code) from etl.source";
    assert_eq!(environment.value(sources), "default source%fe source%ff");
    assert!(environment.inbox_is_empty());
    let archived = environment.listing().iter().filter(|path| path.starts_with("archive/")).count();
    assert_eq!(archived, unusual_names().len());
    let log = environment.listing().into_iter().find(|path| path.starts_with("logs/")).unwrap();
    let log = fs::read_to_string(environment.path(&log)).unwrap();
    assert!(log.contains("caf%e9.json") && !log.contains('\x1b'), "{log}");
    assert!(log.lines().all(|line| line.contains(" INFO fhirmill")), "{log}");
}

#[test]
fn rejects_from_a_folder_with_an_unusual_name_are_retried_from_there() {
    let environment = TestEnvironment::new();
    let folder = environment.path("inbox").join(OsStr::from_bytes(b"source\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("p.json"), r#"{"resourceType":"Patient","id":"p1","birthDate":"soon"}"#).unwrap();
    environment.run(&["once"]).expect_code(3);
    environment.run(&["retry"]).expect_code(3);
    let files = "select string_agg(path, ' ' order by id) from etl.load_file";
    assert_eq!(environment.value(files), "source%ff/p.json source%ff/retry-1.json");
    assert_eq!(environment.value("select count(*) from etl.source"), "2");
}

#[test]
fn the_longest_names_leave_room_for_a_hash_and_a_report() {
    let name = format!("{}.json", "n".repeat(250));
    let environment = TestEnvironment::new();
    for folder in ["one", "two"] {
        environment.put(&format!("inbox/north/{folder}/{name}"), patient(folder));
        environment.put(&format!("inbox/south/{folder}/{name}"), format!("no JSON in {folder}"));
    }
    let summary = load_with_code(&environment, &[], 3);
    assert_eq!((&summary["loaded_files"], &summary["rejected_files"]), (&2.into(), &2.into()));
    assert!(environment.inbox_is_empty());
    let count = |folder: &str| environment.listing().iter().filter(|path| path.starts_with(folder)).count();
    assert_eq!((count("archive/"), count("rejects/south/")), (2, 4));
}

#[test]
fn files_with_equal_names_and_different_content_are_all_kept() {
    let environment = TestEnvironment::new();
    let contents = ["one", "two", "three"].map(patient);
    environment.put("inbox/north/a/p.json", &contents[0]);
    environment.put("inbox/north/b/p.json", &contents[1]);
    load(&environment, &[]);
    load(&environment, &[("north/a/p.json", contents[2].as_bytes())]);
    assert_eq!(environment.value("select count(*) from patient"), "3");
    let archived: Vec<PathBuf> = environment
        .query("select 'archive/' || archive_path from etl.load_file order by id")
        .concat()
        .into_iter()
        .map(|path| environment.path(&path))
        .collect();
    let found = archived.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>();
    assert_eq!(found, contents);
    for id in ["one", "two", "three"] {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
        assert_eq!(shown.stdout, patient(id));
    }
}
