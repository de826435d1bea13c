//! What a backup has: tables, files, roles and rights.

use std::fs;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use pretty_assertions::assert_eq;

use super::{patients, url, valid};
use crate::delivery;
use crate::support::state::{State, difference};
use crate::support::{TestEnvironment, execute, query};

/// Whether a user may run that statement.
fn may(url: &str, sql: &str) -> bool {
    PgConnection::establish(url).is_ok_and(|mut session| session.batch_execute(sql).is_ok())
}

/// What belongs to Maria, and what is set for her and the database.
const PEOPLE: &str = "\
create role maria login password 'maria' in role analyst connection limit 7;
comment on role maria is 'an analyst';
create role reports nologin; grant reports to maria with admin option;
grant usage on schema public to reports; grant select on patient to reports;
create role stranger login password 'stranger';
alter role maria in database fhirmill set statement_timeout = '77s';
alter database fhirmill set work_mem = '7MB';
revoke connect on database fhirmill from public; grant connect on database fhirmill to analyst";

#[test]
fn a_backup_is_restored_on_a_fresh_machine() {
    let environment = TestEnvironment::with_own_migrated_server();
    delivery::put_first(&environment);
    delivery::put(&environment);
    let settings = delivery::SETTINGS;
    environment.run_command(environment.command(&["once"]).envs(settings)).expect_code(3);
    execute(environment.database_url(), PEOPLE);
    let maria = url(&environment, Some("maria"), "fhirmill");
    execute(
        &maria,
        "create table workspace.mine as select id from patient; create view workspace.shown as select * from workspace.mine;
         create function workspace.one() returns int language sql as 'select 1'; create type workspace.mood as enum ('good')",
    );
    let to = environment.path("backups").display().to_string();
    let first = valid("backup", environment.run(&["backup", "--to", &to, "--json"]), 0);
    assert_eq!(first["copied_files"], first["files"], "{first}");

    // The second backup copies what is new only.
    environment.put("inbox/new.ndjson", patients(&["new"], "Quill"));
    environment.run_command(environment.command(&["once"]).envs(settings)).expect_code(0);
    let second = valid("backup", environment.run(&["backup", "--to", &to, "--json"]), 0);
    assert_eq!(second["copied_files"], 1, "{second}");
    assert_eq!(second["missing"], serde_json::json!([]));
    let listed = valid("backups", environment.run(&["backup", "--to", &to, "--list", "--json"]), 0);
    let names: Vec<&str> =
        listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, [second["name"].as_str().unwrap(), first["name"].as_str().unwrap()]);
    let verified = valid("backup-verify", environment.run(&["backup", "--to", &to, "--verify", "--json"]), 0);
    assert_eq!(verified["problems"], serde_json::json!([]));

    let fresh = TestEnvironment::with_own_server();
    let restored = valid("restore", fresh.run(&["restore", "--from", &to, "--json"]), 0);
    assert_eq!(restored["roles"], serde_json::json!(["analyst", "maria", "reports"]));
    assert_eq!(
        (&restored["migrations"], &restored["warnings"]),
        (&serde_json::json!([]), &serde_json::json!([]))
    );
    let without_folders = |environment: &TestEnvironment| State::of(environment).without(&["folders"]);
    assert_eq!(difference(&without_folders(&fresh), &without_folders(&environment)), None);
    let kept = |environment: &TestEnvironment| {
        let mut listing = environment.listing();
        listing.retain(|path| path.starts_with("archive/") || path.starts_with("rejects/"));
        listing
    };
    assert_eq!(kept(&fresh), kept(&environment));
    fresh.run(&["check"]).expect_code(0);
    fresh.run(&["check", "--archive"]).expect_code(0);
    let shown = fresh.run(&["show", "Patient/new"]).expect_code(0).stdout;
    assert_eq!(shown, environment.run(&["show", "Patient/new"]).expect_code(0).stdout);
    let tables = State::of(&fresh).tables();
    fresh.run_command(fresh.command(&["remap"]).envs(settings)).expect_code(0);
    assert_eq!(difference(&State::of(&fresh).tables(), &tables), None);
    let file = fresh.value("select id from etl.load_file where path = 'new.ndjson'");
    for undo in [&["undo", "--file", &file][..], &["undo", "--file", &file, "--redo"]] {
        fresh.run_command(fresh.command(undo).envs(settings)).expect_code(0);
    }
    assert_eq!(difference(&State::of(&fresh).tables(), &tables), None);
    fresh.run_command(fresh.command(&["once"]).envs(settings)).expect_code(0);

    let maria = url(&fresh, Some("maria"), "fhirmill");
    assert_eq!(
        query(&maria, "select workspace.one(), count(*) from workspace.shown"),
        [["1".to_owned(), fresh.value("select count(*) - 1 from patient")]]
    );
    assert!(
        may(&maria, "drop view workspace.shown; alter table workspace.mine add x workspace.mood"),
        "hers"
    );
    assert!(!may(&url(&fresh, Some("stranger"), "fhirmill"), "select 1"), "had nothing to do with it");
    assert_eq!(
        query(&maria, "select current_setting('statement_timeout'), current_setting('work_mem')"),
        [["77s", "7MB"]]
    );
    let of_maria = "select rolconnlimit::text, shobj_description(oid, 'pg_authid') from pg_roles where rolname = 'maria'";
    assert_eq!(query(&maria, of_maria), [["7", "an analyst"]]);
    execute(fresh.database_url(), "create role other login password 'other'");
    assert!(!may(&url(&fresh, Some("other"), "fhirmill"), "select 1"), "may connect");
    assert!(may(&maria, "grant reports to other"), "administers reports");
}

#[test]
fn one_server_may_have_the_original_and_the_copy() {
    let environment = TestEnvironment::with_own_migrated_server();
    environment.put("inbox/a.ndjson", patients(&["a"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    execute(
        environment.database_url(),
        "create role maria login password 'maria' in role analyst; create role owner login createrole password 'owner';
         create role plain login password 'plain'",
    );
    let to = environment.path("backups").display().to_string();
    environment.run(&["backup", "--to", &to]).expect_code(0);
    execute(&url(&environment, None, "postgres"), "create database copy owner owner");
    let copy = TestEnvironment::of_database(&url(&environment, Some("owner"), "copy"));

    // Neither a superuser nor the former owner restores it.
    copy.run(&["restore", "--from", &to]).expect_code(0);
    copy.run(&["check", "--archive"]).expect_code(0);
    copy.run(&["once"]).expect_code(0);
    let owners = "select distinct pg_get_userbyid(relowner)::text from pg_class where relnamespace in ('public'::regnamespace, 'etl'::regnamespace)";
    assert_eq!(query(copy.database_url(), owners), [["owner"]]);
    let readers = copy.run(&["status", "--json"]).expect_code(0).json()["readers"].clone();
    assert_eq!(readers, serde_json::json!({"role": "analyst_copy", "exists": true, "other_databases": []}));
    // Who read the original reads the copy as a member of its own role.
    assert!(may(&url(&environment, Some("maria"), "copy"), "select * from patient"));
    execute(environment.database_url(), "revoke analyst_copy from maria");
    assert!(!may(&url(&environment, Some("maria"), "copy"), "select * from patient"));
    assert!(may(&url(&environment, Some("maria"), "fhirmill"), "select * from patient"));

    // What is there is kept, unless somebody says otherwise.
    let refused = copy.run(&["restore", "--from", &to]).expect_code(2);
    assert!(refused.stderr.contains("the database copy is not empty"), "{}", refused.stderr);
    let session = PgConnection::establish(copy.database_url()).unwrap();
    let refused = copy.run(&["restore", "--from", &to, "--overwrite"]).expect_code(2);
    assert!(refused.stderr.contains("others are connected"), "{}", refused.stderr);
    drop(session);
    copy.put("inbox/b.ndjson", patients(&["b"], "Quill"));
    copy.run(&["once"]).expect_code(0);
    copy.run(&["restore", "--from", &to, "--overwrite"]).expect_code(0);
    assert_eq!(query(copy.database_url(), "select fhir_id from patient"), [["a"]]);

    // A user who may not create roles is told which are missing, and may do without them.
    execute(environment.database_url(), "create role gone; grant select on patient to gone");
    environment.run(&["backup", "--to", &to]).expect_code(0);
    execute(environment.database_url(), "drop owned by gone; drop role gone");
    execute(&url(&environment, None, "postgres"), "create database plain owner plain");
    let plain = TestEnvironment::of_database(&url(&environment, Some("plain"), "plain"));
    let refused = plain.run(&["restore", "--from", &to]).expect_code(2);
    assert!(refused.stderr.contains("create role gone nologin"), "{}", refused.stderr);
    plain.run(&["restore", "--from", &to, "--without-roles"]).expect_code(0);
    assert_eq!(query(plain.database_url(), "select count(*) from patient"), [["1"]]);
}

#[test]
fn files_that_are_missing_or_damaged_are_told() {
    let environment = TestEnvironment::with_own_readers();
    environment.put("inbox/a.ndjson", patients(&["a", "b"], "Quill"));
    environment.put("inbox/c.ndjson", patients(&["c"], "Quill"));
    environment.run(&["once"]).expect_code(0);
    let to = environment.path("backups").display().to_string();
    let archived = |name: &str| {
        let listing = environment.listing();
        let found = listing.iter().find(|path| path.starts_with("archive/") && path.ends_with(name));
        environment.path(found.unwrap())
    };
    let (first, second) = (archived("a.ndjson"), archived("c.ndjson"));
    let bytes = fs::read(&first).unwrap();
    fs::write(&first, "damaged").unwrap();
    fs::remove_file(&second).unwrap();
    let run = environment.run(&["backup", "--to", &to, "--json"]);
    let report = valid("backup", run, 5);
    assert_eq!((&report["files"], report["missing"].as_array().unwrap().len()), (&0.into(), 2));
    fs::write(&first, bytes).unwrap();
    let report = valid("backup", environment.run(&["backup", "--to", &to, "--json"]), 5);
    assert_eq!((&report["files"], report["missing"].as_array().unwrap().len()), (&1.into(), 1));

    // What the backup has is read again.
    let files: Vec<String> =
        environment.listing().into_iter().filter(|path| path.starts_with("backups/files/")).collect();
    assert_eq!(files.len(), 1);
    fs::write(environment.path(&files[0]), "other").unwrap();
    let verified = valid("backup-verify", environment.run(&["backup", "--to", &to, "--verify", "--json"]), 5);
    assert_eq!(verified["problems"][0]["problem"], "it has 5 bytes, and should have 128");
    environment.run(&["backup", "--to", &to]).expect_code(5);
    environment.run(&["backup", "--to", &to, "--verify"]).expect_code(0);
}
