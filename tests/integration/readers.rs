//! Readers: the members of a role may read the tables, at every start and on every
//! server, and each database has readers of its own.

use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use pretty_assertions::assert_eq;

use crate::support::{Run, TestEnvironment, execute, query};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1"}"#;

/// The URL of another database or another user of the server.
fn url(environment: &TestEnvironment, user: Option<&str>, database: &str) -> String {
    let own = environment.database_url();
    let (_, server) = own.rsplit_once('@').unwrap();
    let (server, _) = server.split_once('/').unwrap();
    let credentials = match user {
        Some(user) => format!("{user}:{user}"),
        None => own.split_once("://").unwrap().1.rsplit_once('@').unwrap().0.to_owned(),
    };
    format!("postgres://{credentials}@{server}/{database}")
}

/// Creates a person with a password, who may read what members of the role may.
fn person(environment: &TestEnvironment, name: &str, role: &str) {
    let sql = format!("create role {name} login password '{name}' in role \"{role}\"");
    execute(environment.database_url(), &sql);
}

/// Whether a user reads a table and a view of a database.
fn reads(environment: &TestEnvironment, user: &str, database: &str) -> bool {
    let mut session = PgConnection::establish(&url(environment, Some(user), database)).unwrap();
    let mut may = |table: &str| session.batch_execute(&format!("select * from {table} limit 1")).is_ok();
    let all =
        ["public.patient", "public.encounter", "analytics.patient_summary", "analytics.claim_financials"];
    let readable = all.iter().filter(|table| may(table)).count();
    assert!(readable == 0 || readable == all.len(), "{user} reads {readable} of {all:?} in {database}");
    readable > 0
}

fn run_in(environment: &TestEnvironment, database: &str, arguments: &[&str]) -> Run {
    environment.run_command(environment.command(arguments).env("DATABASE_URL", database))
}

#[test]
fn the_role_and_its_rights_are_restored_at_every_start() {
    let environment = TestEnvironment::with_own_migrated_server();
    environment.put("inbox/p.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    person(&environment, "maria", "analyst");
    assert!(reads(&environment, "maria", "fhirmill"));

    execute(environment.database_url(), "drop owned by analyst; drop role analyst");
    assert!(!reads(&environment, "maria", "fhirmill"));
    // No migration is pending, and no file is there.
    let run = environment.run(&["once"]).expect_code(0);
    assert!(!run.stderr.contains("WARN"), "{}", run.stderr);
    execute(environment.database_url(), "grant analyst to maria");
    assert!(reads(&environment, "maria", "fhirmill"));

    execute(
        environment.database_url(),
        "revoke select on patient, analytics.patient_summary from analyst; revoke usage on schema analytics from analyst",
    );
    environment.run(&["migrate", "up"]).expect_code(0);
    assert!(reads(&environment, "maria", "fhirmill"));
    // Somebody else's table is neither read nor a reason to complain.
    execute(
        environment.database_url(),
        "create role other; create table theirs (id int); alter table theirs owner to other; revoke all on theirs from analyst",
    );
    let run = environment.run(&["once"]).expect_code(0);
    assert!(!run.stderr.contains("WARN"), "{}", run.stderr);
    let forbidden = "select * from etl.resource_body";
    let mut session = PgConnection::establish(&url(&environment, Some("maria"), "fhirmill")).unwrap();
    session.batch_execute(forbidden).expect_err(forbidden);
}

#[test]
fn an_owner_who_may_not_create_roles_is_told_the_sql() {
    let environment = TestEnvironment::with_own_server();
    execute(environment.database_url(), "create role loader login password 'loader'");
    execute(environment.database_url(), "create database mill owner loader");
    let mill = url(&environment, Some("loader"), "mill");
    environment.put("inbox/p.json", PATIENT);
    let run = run_in(&environment, &mill, &["once"]).expect_code(0);
    assert!(run.stderr.contains("there is no role analyst"), "{}", run.stderr);
    assert!(run.stderr.contains("`create role analyst nologin`"), "{}", run.stderr);
    let status = run_in(&environment, &mill, &["status"]).expect_code(0).stdout;
    assert!(status.contains("there is no role analyst"), "{status}");

    execute(environment.database_url(), "create role analyst nologin");
    let run = run_in(&environment, &mill, &["once"]).expect_code(0);
    assert!(!run.stderr.contains("WARN"), "{}", run.stderr);
    person(&environment, "maria", "analyst");
    assert!(reads(&environment, "maria", "mill"));
}

#[test]
fn two_databases_of_a_server_have_readers_of_their_own() {
    let environment = TestEnvironment::with_own_migrated_server();
    let names = ["second", "St Mary's \"mill\"", &"long".repeat(15)];
    let roles = ["analyst_second", "analyst_St Mary's \"mill\"", "analyst_1fb35ee1fb7dee9809e3569d524325f7"];
    for (name, role) in names.iter().zip(roles) {
        // A copy is named alike, and need not be migrated.
        let template = if role == roles[0] { "" } else { "template fhirmill" };
        let quoted = name.replace('"', "\"\"");
        execute(&url(&environment, None, "postgres"), &format!("create database \"{quoted}\" {template}"));
        let encoded = name.replace(' ', "%20").replace('\'', "%27").replace('"', "%22");
        let database = url(&environment, None, &encoded);
        // The second time, nothing is pending.
        run_in(&environment, &database, &["migrate", "up"]).expect_code(0);
        run_in(&environment, &database, &["migrate", "up"]).expect_code(0);
        let readers =
            &run_in(&environment, &database, &["status", "--json"]).expect_code(0).json()["readers"];
        assert_eq!(*readers, serde_json::json!({"role": role, "exists": true, "other_databases": []}));
    }
    environment.run(&["migrate", "up"]).expect_code(0);
    person(&environment, "maria", "analyst");
    person(&environment, "nora", "analyst_second");
    for (user, database, expected) in [
        ("maria", "fhirmill", true),
        ("maria", "second", false),
        ("nora", "fhirmill", false),
        ("nora", "second", true),
    ] {
        assert_eq!(reads(&environment, user, database), expected, "{user} in {database}");
    }
    // What is granted later by hand to the other database's role is taken back.
    execute(&url(&environment, None, "second"), "grant select on patient to analyst");
    run_in(&environment, &url(&environment, None, "second"), &["once"]).expect_code(0);
    assert!(!reads(&environment, "maria", "second"));
}

#[test]
fn databases_that_share_readers_keep_them_until_one_gets_its_own() {
    let environment = TestEnvironment::with_own_migrated_server();
    person(&environment, "maria", "analyst");
    // As two databases of an earlier version have it, which noted nothing.
    execute(environment.database_url(), "delete from etl.reading_role");
    execute(&url(&environment, None, "postgres"), "create database second template fhirmill");
    let second = url(&environment, None, "second");
    run_in(&environment, &second, &["once"]).expect_code(0);
    assert!(reads(&environment, "maria", "second") && reads(&environment, "maria", "fhirmill"));
    let status = run_in(&environment, &second, &["status"]).expect_code(0).stdout;
    assert!(status.contains("members of the role analyst\n           who also read fhirmill\n"), "{status}");

    execute(&second, "create role analyst_second nologin");
    run_in(&environment, &second, &["once"]).expect_code(0);
    person(&environment, "nora", "analyst_second");
    assert!(!reads(&environment, "maria", "second") && reads(&environment, "maria", "fhirmill"));
    assert!(reads(&environment, "nora", "second") && !reads(&environment, "nora", "fhirmill"));
}

#[test]
fn a_copy_on_the_same_server_gets_readers_of_its_own() {
    let environment = TestEnvironment::with_own_migrated_server();
    person(&environment, "maria", "analyst");
    execute(&url(&environment, None, "postgres"), "create database \"second\"");
    let second = url(&environment, None, "second");
    run_in(&environment, &second, &["migrate", "up"]).expect_code(0);
    person(&environment, "nora", "analyst_second");
    let maintenance = url(&environment, None, "postgres");
    for (copy, original) in [("copy_of_the_first", "fhirmill"), ("copy_of_the_second", "second")] {
        execute(&maintenance, &format!("create database {copy} template {original}"));
        let database = url(&environment, None, copy);
        // Twice: what was decided stays.
        for _ in 0..2 {
            run_in(&environment, &database, &["migrate", "up"]).expect_code(0);
            for user in ["maria", "nora"] {
                assert!(!reads(&environment, user, copy), "{user} reads {copy}");
            }
        }
        let readers =
            &run_in(&environment, &database, &["status", "--json"]).expect_code(0).json()["readers"];
        assert_eq!(readers["role"], format!("analyst_{copy}"));
    }
    // The originals keep theirs.
    for database in ["fhirmill", "second"] {
        run_in(&environment, &url(&environment, None, database), &["migrate", "up"]).expect_code(0);
    }
    for (user, database, expected) in [
        ("maria", "fhirmill", true),
        ("maria", "second", false),
        ("nora", "fhirmill", false),
        ("nora", "second", true),
    ] {
        assert_eq!(reads(&environment, user, database), expected, "{user} in {database}");
    }
}

#[test]
fn a_dump_restored_on_another_server_gets_its_readers_back() {
    let environment = TestEnvironment::with_own_migrated_server();
    environment.put("inbox/p.json", PATIENT);
    environment.run(&["once"]).expect_code(0);
    let other = TestEnvironment::with_own_server();
    let mut dump =
        Command::new("pg_dump").arg(environment.database_url()).stdout(Stdio::piped()).spawn().unwrap();
    let restored = Command::new("psql")
        .args(["--quiet", "--dbname", other.database_url()])
        .stdin(dump.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(dump.wait().unwrap().success());
    let errors = String::from_utf8_lossy(&restored.stderr);
    assert!(errors.contains("role \"analyst\" does not exist"), "{errors}");
    assert_eq!(query(other.database_url(), "select count(*) from patient"), [["1"]]);

    other.run(&["once"]).expect_code(0);
    person(&other, "maria", "analyst");
    assert!(reads(&other, "maria", "fhirmill"));
}
