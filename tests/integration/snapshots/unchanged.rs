//! Tables that have not changed share the files of the snapshot before, and those that have are
//! written anew, whoever has changed them. Old snapshots go, and the files of others stay.

use std::fs;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{file, inode, latest, load, manifest, names, snapshot, table};
use crate::support::{TestEnvironment, execute};

/// The tables that a snapshot has written anew.
fn anew(manifest: &Value) -> Vec<String> {
    let tables = manifest["tables"].as_array().unwrap().iter();
    let anew = tables.filter(|table| table["is_reused"] == false);
    anew.map(|table| table["name"].as_str().unwrap().to_owned()).collect()
}

/// Takes a snapshot of four tables after a statement; returns those that are written anew.
#[track_caller]
fn anew_after(environment: &TestEnvironment, statement: &str) -> Vec<String> {
    execute(environment.database_url(), statement);
    take(environment, &[])
}

fn take(environment: &TestEnvironment, more: &[&str]) -> Vec<String> {
    let tables = ["--tables", "patient,patient_name,encounter,etl.source"];
    snapshot(environment, &[&tables[..], more].concat()).expect_code(0);
    anew(&manifest(environment, &latest(environment)))
}

#[test]
fn only_what_has_changed_is_written_anew() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "a"), ("p2", "b")]);
    let all = ["source", "encounter", "patient", "patient_name"];
    assert_eq!(take(&environment, &[]), all);
    let first = latest(&environment);
    assert_eq!(take(&environment, &[]), [""; 0]);
    let second = latest(&environment);
    assert!(second > first, "{second} {first}");
    for table in ["patient", "etl/source", "encounter"] {
        assert_eq!(inode(&environment, &second, table), inode(&environment, &first, table));
    }
    let is_reused = |name| table(&manifest(&environment, &second), "public", name)["is_reused"].clone();
    assert_eq!(
        (is_reused("patient"), table(&manifest(&environment, &second), "public", "patient")["rows"].clone()),
        (true.into(), 2.into())
    );

    // A load that changes nothing, and one that does.
    load(&environment, &[("p1", "a"), ("p2", "b")]);
    assert_eq!(take(&environment, &[]), [""; 0]);
    load(&environment, &[("p1", "c")]);
    assert_eq!(take(&environment, &[]), ["patient", "patient_name"]);

    // Whoever writes, and also where the number of rows stays the same.
    let update = "update patient set gender = 'female' where ctid = (select min(ctid) from patient)";
    assert_eq!(anew_after(&environment, update), ["patient"]);
    assert_eq!(
        anew_after(
            &environment,
            "delete from patient_name where ctid = (select min(ctid) from patient_name)"
        ),
        ["patient_name"]
    );
    let swap = "begin; create temp table kept as select * from patient limit 1; delete from patient where id in (select id from kept); \
                insert into patient select * from kept; commit";
    // The same values are the same bytes, unless the order of the rows has changed.
    anew_after(&environment, swap);
    assert_eq!(anew_after(&environment, "begin; update patient set gender = 'male'; rollback"), [""; 0]);
    let column = "alter table encounter add column extra text default 'x'";
    assert_eq!(anew_after(&environment, column), ["encounter"]);
    assert_eq!(anew_after(&environment, "vacuum full patient"), [""; 0]);
    assert_eq!(anew_after(&environment, "vacuum (freeze) patient_name"), [""; 0]);
    assert_eq!(anew_after(&environment, "comment on table patient is 'people'"), ["patient"]);
    assert_eq!(anew_after(&environment, "truncate patient_name"), ["patient_name"]);

    // What was damaged is not shared; what is asked for is written anew.
    let damaged = file(&environment, &latest(&environment), "patient");
    fs::write(&damaged, fs::read(&damaged).unwrap().iter().rev().copied().collect::<Vec<u8>>()).unwrap();
    assert_eq!(take(&environment, &[]), ["patient"]);
    take(&environment, &["--whole"]);
    let reused = environment.value("select tables_reused from etl.snapshot order by id desc limit 1");
    assert_eq!(reused, "0", "--whole");
    assert_eq!(take(&environment, &[]), [""; 0]);

    // A database that was set back behind the snapshot does not have its token.
    execute(environment.database_url(), "update etl.snapshot set token = null");
    assert_eq!(take(&environment, &[]), all);
}

#[test]
fn older_snapshots_go_by_number_and_age_and_shared_files_stay() {
    let environment = TestEnvironment::new();
    load(&environment, &[("p1", "a")]);
    let take = |more: &[&str]| {
        let tables = ["--tables", "patient,etl.source"];
        snapshot(&environment, &[&tables[..], more].concat()).expect_code(0).json()
    };
    let first = take(&[])["folder"].as_str().unwrap().to_owned();
    let (second, third) = (take(&[]), take(&["--keep", "2"]));
    assert_eq!(third["removed"], serde_json::json!([first]));
    assert_eq!(names(&environment), [second["folder"].as_str().unwrap(), third["folder"].as_str().unwrap()]);
    let rows = fs::read(file(&environment, &latest(&environment), "patient")).unwrap();
    assert!(rows.ends_with(b"PAR1"));
    assert_eq!(take(&["--keep-for", "1d"])["removed"], serde_json::json!([]));
    // A folder of somebody else's, and one from long ago.
    fs::create_dir(environment.path("lake/2001-01-01")).unwrap();
    let old = environment.path("lake/2001-01-01T00-00-00Z");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("manifest.json"), "{}").unwrap();
    assert_eq!(take(&["--keep-for", "1d"])["removed"], serde_json::json!(["2001-01-01T00-00-00Z"]));
    assert!(environment.path("lake/2001-01-01").exists());
    assert_eq!(take(&["--keep", "1"])["removed"].as_array().unwrap().len(), 4);
    let listed = environment.run(&["snapshot", "list"]).expect_code(0).stdout;
    assert_eq!(
        (listed.matches("complete: 2 tables").count(), listed.matches("removed 20").count()),
        (1, 5),
        "{listed}"
    );
}
