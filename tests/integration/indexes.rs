//! The secondary indexes: built at the end of a run, and kept afterwards.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::TestEnvironment;

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","name":[{"family":"Quill"}]}"#;

/// Every index of the clinical tables with the number of its file, which
/// changes when the index is rebuilt.
fn built(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query(
        "select c.relname, c.relfilenode, i.indisvalid from pg_class c join pg_index i on i.indexrelid = c.oid \
         where c.relnamespace = 'public'::regnamespace and not i.indisprimary order by 1",
    )
}

#[test]
fn the_first_load_builds_all_indexes_and_the_next_one_none() {
    let environment = TestEnvironment::without_indexes();
    let before = built(&environment).len();
    environment.put("inbox/a.json", PATIENT);
    let summary = environment.run(&["once", "--json"]).expect_code(0).json();
    let after = built(&environment);
    assert!(summary["indexes_built"].as_u64().unwrap() > 100, "{summary}");
    assert_eq!(after.len() - before, summary["indexes_built"].as_u64().unwrap() as usize);
    assert_eq!(after.iter().filter(|index| index[2] != "true").count(), 0);
    let status = environment.run(&["indexes", "status", "--json"]).expect_code(0).json();
    assert_eq!(
        (&status["built"], status["missing"].as_array().unwrap().len()),
        (&summary["indexes_built"], 0)
    );

    environment.put("inbox/b.json", PATIENT.replace("Quill", "Loom"));
    let summary = environment.run(&["once", "--json"]).expect_code(0).json();
    assert_eq!(summary["indexes_built"], 0);
    assert_eq!(built(&environment), after);
}

#[test]
fn every_reference_and_code_has_an_index_that_begins_with_it() {
    let environment = TestEnvironment::without_indexes();
    // By the names that the tables' columns go by, and not by the declarations.
    let without = || {
        environment.query(
        "select c.table_name, c.column_name from information_schema.columns c \
         where c.table_schema = 'public' and c.table_name not like '%\\_history' and c.is_nullable = 'YES' \
           and (c.column_name in ('encounter_id', 'practitioner_id', 'organization_id', 'medication_id', 'location_id', \
                                  'managing_organization_id', 'service_provider_id', 'based_on_id', 'claim_id') \
                or c.column_name = 'code' and c.data_type = 'text') \
           and c.table_name in (select table_name from information_schema.columns where column_name = 'fhir_id') \
           and c.column_name not like 'patient%' \
           and c.data_type in ('bigint', 'text') \
           and not exists ( \
             select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] \
              where i.indrelid = c.table_name::regclass and a.attname = c.column_name) \
         order by 1, 2",
        )
    };
    assert!(!without().is_empty());
    environment.run(&["indexes", "build"]).expect_code(0);
    assert_eq!(without(), Vec::<Vec<String>>::new());
}

#[test]
fn the_next_load_rebuilds_dropped_indexes() {
    let environment = TestEnvironment::new();
    environment.run(&["indexes", "build"]).expect_code(0);
    let all = built(&environment).len();
    let run = environment.run(&["indexes", "drop"]).expect_code(0);
    let dropped: usize = run.stdout.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(built(&environment).len(), all - dropped);
    assert!(dropped > 100, "{}", run.stdout);
    environment.put("inbox/a.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    assert_eq!(built(&environment).len(), all);
}

#[test]
fn two_processes_build_each_index_once() {
    let environment = TestEnvironment::without_indexes();
    let start = || environment.command(&["indexes", "build"]).stdout(Stdio::piped()).spawn().unwrap();
    let (first, second) = (start(), start());
    for process in [first, second] {
        let output = process.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
    environment.run(&["indexes", "build"]).expect_code(0);
    assert_eq!(built(&environment).iter().filter(|index| index[2] != "true").count(), 0);
    assert_eq!(missing(&environment), 0);
}

fn missing(environment: &TestEnvironment) -> u64 {
    let status = environment.run(&["status", "--json"]).expect_code(0).json();
    let of_command = environment.run(&["indexes", "status", "--json"]).expect_code(0).json();
    let missing = status["indexes_missing"].as_u64().unwrap();
    assert_eq!(of_command["missing"].as_array().unwrap().len() as u64, missing);
    assert_eq!(of_command["built"], status["indexes_built"]);
    missing
}

/// A process that is killed when the test ends.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_next_run_builds_what_a_killed_process_left_even_with_an_empty_inbox() {
    let environment = TestEnvironment::without_indexes();
    environment.put("inbox/a.json", PATIENT);
    // As somebody who writes into the table: rows can be loaded, but an index
    // has to wait.
    let mut writer = PgConnection::establish(environment.database_url()).unwrap();
    writer.batch_execute("begin; lock table imaging_study in row exclusive mode").unwrap();
    let process = Killed(environment.command(&["once"]).env("WORKERS", "1").spawn().unwrap());
    let wait_for = |builders: &str| {
        let waits = "select count(*) as waiting from pg_stat_activity \
                     where datname = current_database() and wait_event_type = 'Lock' and query like 'create index%'";
        let since = Instant::now();
        while environment.value(waits) != builders {
            assert!(since.elapsed() < Duration::from_secs(20), "{builders} builders were waited for");
            thread::sleep(Duration::from_millis(20));
        }
    };
    wait_for("1");
    drop(process);
    assert!(missing(&environment) > 10);
    assert_eq!(environment.listing().iter().filter(|path| path.starts_with("inbox/")).count(), 0);

    // The killed process' connection is still at its last index, which the
    // next process begins, too.
    let mut next = environment.command(&["once"]);
    let next = next.env("WORKERS", "1").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("2");
    writer.batch_execute("rollback").unwrap();
    let output = next.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.starts_with(b"nothing to load"), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(missing(&environment), 0);
    assert_eq!(built(&environment).iter().filter(|index| index[2] != "true").count(), 0);
}

#[test]
fn indexes_of_empty_tables_wait_for_the_onboarding() {
    let environment = TestEnvironment::without_indexes();
    environment.run(&["once"]).expect_code(0);
    environment.run(&["remap"]).expect_code(0);
    assert!(missing(&environment) > 100);
}

#[test]
fn remap_builds_missing_indexes() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    environment.run(&["indexes", "drop"]).expect_code(0);
    assert!(missing(&environment) > 100);
    environment.run(&["remap"]).expect_code(0);
    assert_eq!(missing(&environment), 0);
}

#[test]
fn an_index_that_cannot_be_built_affects_neither_the_run_nor_the_others() {
    let environment = TestEnvironment::without_indexes();
    environment.put("inbox/a.json", PATIENT);
    execute_in(&environment, "alter table patient rename column birth_date to birth_day");
    let run = environment.run(&["indexes", "build"]).expect_code(1);
    assert!(run.stderr.contains("patient_birth_date"), "{}", run.stderr);
    assert_eq!(missing(&environment), 1);
    execute_in(&environment, "alter table patient rename column birth_day to birth_date");
    environment.run(&["once"]).expect_code(0);
    assert_eq!(missing(&environment), 0);
}

fn execute_in(environment: &TestEnvironment, sql: &str) {
    PgConnection::establish(environment.database_url()).unwrap().batch_execute(sql).unwrap();
}

#[test]
fn all_clinical_tables_are_analyzed_after_an_onboarding() {
    let environment = TestEnvironment::without_indexes();
    environment.put("inbox/a.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    assert_eq!(
        environment.query(
            "select relname from pg_stat_user_tables where last_analyze is null and schemaname = 'public' \
               and relname not like '\\_\\_%' order by 1"
        ),
        Vec::<Vec<String>>::new()
    );
}

/// The keys as the migration declares them, on servers with and without NOT
/// ENFORCED constraints.
const FOREIGN_KEYS: &str = include_str!("../../migrations/2026-11-21-000003_foreign_keys/up.sql");

#[test]
fn every_foreign_key_has_an_index_that_begins_with_it() {
    let environment = TestEnvironment::new();
    environment.run(&["indexes", "build"]).expect_code(0);
    let led: BTreeSet<(String, String)> = environment
        .query(
            "select i.indrelid::regclass::text as table_name, a.attname from pg_index i \
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0] and i.indisvalid",
        )
        .into_iter()
        .map(|row| (row[0].clone(), row[1].clone()))
        .collect();
    let resources: BTreeSet<String> = environment
        .query("select table_name from information_schema.columns where table_schema = 'public' and column_name = 'fhir_id'")
        .into_iter()
        .map(|row| row[0].clone())
        .collect();
    let mut keys = 0;
    let mut without = Vec::new();
    for line in FOREIGN_KEYS.lines() {
        let words: Vec<&str> = line.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
        let [
            "alter",
            "table",
            table,
            "add",
            "constraint",
            _,
            "foreign",
            "key",
            column,
            "references",
            target,
            ..,
        ] = words[..]
        else {
            continue;
        };
        keys += 1;
        // The sources are few, history is read by patient, and the rows of a
        // list are found by their resource, whose table knows the patient.
        let is_of_list = column == "patient_id" && !resources.contains(table);
        if target == "etl.source" || table.ends_with("_history") || is_of_list {
            continue;
        }
        if !led.contains(&(table.to_owned(), column.to_owned())) {
            without.push(format!("{table}.{column}"));
        }
    }
    assert!(keys > 200, "{keys}");
    assert_eq!(without, Vec::<String>::new());
}

#[test]
fn dropping_a_table_drops_its_indexes() {
    let environment = TestEnvironment::new();
    environment.run(&["indexes", "build"]).expect_code(0);
    environment.run(&["migrate", "down", "--all"]).expect_code(0);
    environment.run(&["migrate", "up"]).expect_code(0);
    assert!(missing(&environment) > 100);
    environment.run(&["indexes", "build"]).expect_code(0);
    assert_eq!(missing(&environment), 0);
}
