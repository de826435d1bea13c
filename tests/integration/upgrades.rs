//! Upgrades: a database and an archive as each released version left them (`scripts/released-database`)
//! are migrated, and everything holds; and what a version says of the tables of a later one.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pretty_assertions::assert_eq;

use crate::support::state::{State, difference};
use crate::support::{TestEnvironment, execute, query};

const RELEASED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/released");

/// A folder and a database as that version left them.
fn released(version: &Path, name: &str, server: &TestEnvironment) -> TestEnvironment {
    execute(server.database_url(), &format!("create database {name}"));
    let (address, _) = server.database_url().rsplit_once('/').unwrap();
    let environment = TestEnvironment::of_database(&format!("{address}/{name}"));
    let mut sql = Vec::new();
    let dump = fs::File::open(version.join("database.sql.zst")).unwrap();
    ruzstd::decoding::StreamingDecoder::new(dump).unwrap().read_to_end(&mut sql).unwrap();
    let mut psql = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--single-transaction", "--dbname"])
        .arg(environment.database_url())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    psql.stdin.take().unwrap().write_all(&sql).unwrap();
    assert!(psql.wait().unwrap().success());
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--gzip", "--file"]).arg(version.join("files.tar.gz"));
    assert!(tar.current_dir(environment.path("")).status().unwrap().success());
    environment
}

/// What is known of the people, visits and measurements of the deliveries.
fn facts(environment: &TestEnvironment) -> Vec<Vec<String>> {
    let facts = "select 'patient', k.fhir_id || ' ' || s.code, n.family from patient p
          join etl.resource_key k on k.id = p.id join etl.source s on s.id = k.source_id
          join patient_name n on n.patient_id = p.id
        union all select 'encounter', k.fhir_id, coalesce(o.name, '-') from encounter e join etl.resource_key k on k.id = e.id
          left join organization o on o.id = e.service_provider_id
        union all select 'observation', k.fhir_id, o.value_quantity_value::text from observation o join etl.resource_key k on k.id = o.id
        union all select 'location', k.fhir_id, l.name from location l join etl.resource_key k on k.id = l.id
        union all select 'other', o.resource_type, '' from other_resource o order by 1, 2, 3";
    query(environment.database_url(), facts)
}

fn rows(rows: &[[&str; 3]]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|value| (*value).to_owned()).collect()).collect()
}

const AFTER_ALL: [[&str; 3]; 7] = [
    ["encounter", "e1", "North"],
    ["encounter", "e2", "-"],
    ["location", "Encounter/e2#l", "Ward 7"],
    ["other", "Basic", ""],
    ["patient", "p1 north", "Northam"],
    ["patient", "p1 st-marys", "Quillon"],
    ["patient", "p2 st-marys", "Ember"],
];

#[test]
fn the_database_of_each_release_is_migrated_and_everything_holds() {
    let server = TestEnvironment::new();
    let mut versions: Vec<PathBuf> =
        fs::read_dir(RELEASED).unwrap().map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    assert!(!versions.is_empty());
    for (number, version) in versions.iter().enumerate() {
        let name = format!("fhirmill_test_{}_released_{number}", std::process::id());
        let environment = released(version, &name, &server);
        println!("{}", version.display());
        holds(&environment);
        execute(server.database_url(), &format!("drop database {name} with (force)"));
    }
}

fn holds(environment: &TestEnvironment) {
    environment.run(&["migrate", "up"]).expect_code(0);
    assert_eq!(facts(environment), rows(&AFTER_ALL));
    environment.run(&["check"]).expect_code(0);
    environment.run(&["check", "--archive"]).expect_code(0);
    let shown = environment.run(&["show", "Patient/p1", "--source", "st-marys"]).expect_code(0).stdout;
    assert!(shown.contains("\"Quillon\""), "{shown}");
    let tables = State::of(environment).tables();
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(difference(&State::of(environment).tables(), &tables), None);

    // A new load, over what the older version loaded.
    let changed = r#"{"resourceType":"Patient","id":"p2","meta":{"lastUpdated":"2024-05-01T00:00:00Z"},"name":[{"family":"Umber"}]}"#;
    environment.put("inbox/st-marys/new.json", changed);
    environment.run(&["once"]).expect_code(0);
    let mut expected = AFTER_ALL;
    expected[6][2] = "Umber";
    assert_eq!(facts(environment), rows(&expected));
    let tables = State::of(environment).tables();

    // What the older version loaded is taken back, and what this one loaded.
    let file =
        |path: &str| environment.value(&format!("select id from etl.load_file where path like '%{path}'"));
    environment
        .run(&["undo", "--file", &file("new.json"), "--file", &file("changes.json.gz")])
        .expect_code(0);
    let before = [
        ["encounter", "e1", "-"],
        ["encounter", "e2", "-"],
        ["location", "Encounter/e2#l", "Ward 7"],
        ["observation", "o1", "72.50"],
        ["other", "Basic", ""],
        ["patient", "p1 north", "Northam"],
        ["patient", "p1 st-marys", "Quill"],
        ["patient", "p2 st-marys", "Ember"],
    ];
    assert_eq!(facts(environment), rows(&before));
    let redo = ["undo", "--redo", "--file", &file("new.json"), "--file", &file("changes.json.gz")];
    environment.run(&redo).expect_code(0);
    assert_eq!(difference(&State::of(environment).tables(), &tables), None);
    environment.run(&["check", "--archive"]).expect_code(0);
}

#[test]
fn an_older_version_refuses_the_tables_of_a_newer_one() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", r#"{"resourceType":"Patient","id":"a"}"#);
    environment.run(&["once"]).expect_code(0);
    execute(
        environment.database_url(),
        "insert into __diesel_schema_migrations (version) values ('99991231000001'), ('99991231000002');
         insert into etl.load_run (program_version, command, status) values ('7.5.0', 'once', 'finished')",
    );
    environment.put("inbox/b.json", r#"{"resourceType":"Patient","id":"b"}"#);
    for refused in [
        &["once"][..],
        &["migrate", "up"],
        &["status"],
        &["files"],
        &["show", "Patient/a"],
        &["check"],
        &["run"],
    ] {
        let run = environment.run(refused).expect_code(4);
        assert!(
            run.stderr
                .contains("newer version of fhirmill, 7.5.0: 2 of its migrations are unknown to this one"),
            "{refused:?}: {}",
            run.stderr
        );
    }
    let listed = environment.run(&["migrate", "status"]).expect_code(0).stdout;
    assert!(listed.contains("99991231000002  applied by a newer version of fhirmill"), "{listed}");
    assert_eq!(environment.value("select count(*) from patient"), "1");
    assert!(environment.path("inbox/b.json").exists());
    // A backup is of whatever is there; an older version does not restore it.
    environment.run(&["backup", "--to", "backups"]).expect_code(0);
    let run = environment.run(&["restore", "--from", "backups", "--overwrite"]).expect_code(1);
    assert!(run.stderr.contains("a newer version of fhirmill"), "{}", run.stderr);
}
