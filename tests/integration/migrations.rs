//! Migrations: up, down, and up again.

use std::thread;

use crate::support::TestEnvironment;

const TABLES: &str = "select table_schema, table_name, column_name, data_type \
    from information_schema.columns where table_schema not in ('pg_catalog', 'information_schema') \
    order by table_schema, table_name, ordinal_position";

#[test]
fn down_removes_everything_and_up_restores_it() {
    let environment = TestEnvironment::new();
    let before = environment.query(TABLES);
    assert!(before.len() > 1000, "{} columns", before.len());

    let status = environment.run(&["migrate", "status", "--json"]).expect_code(0).json();
    let migrations = status.as_array().unwrap();
    assert!(!migrations.is_empty());
    assert!(migrations.iter().all(|migration| migration["is_applied"] == true), "{status}");

    let down = environment.run(&["migrate", "down", "--all"]).expect_code(0);
    assert_eq!(down.stdout.lines().count(), migrations.len(), "{}", down.stdout);
    let left = environment.query(TABLES);
    assert!(left.iter().all(|row| row[1] == "__diesel_schema_migrations"), "{left:?}");
    let schemas = environment.query(
        "select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'",
    );
    assert_eq!(schemas, [["public"]]);

    let status = environment.run(&["migrate", "status"]).expect_code(0);
    assert_eq!(status.stdout.matches("pending").count(), migrations.len(), "{}", status.stdout);

    environment.run(&["migrate", "up"]).expect_code(0);
    assert_eq!(environment.query(TABLES), before);
    assert_eq!(environment.run(&["migrate", "up"]).expect_code(0).stdout, "nothing to do\n");
}

#[test]
fn only_the_newest_migration_is_reverted() {
    let environment = TestEnvironment::new();
    let down = environment.run(&["migrate", "down"]).expect_code(0);
    assert_eq!(down.stdout.lines().count(), 1, "{}", down.stdout);
    let status = environment.run(&["migrate", "status"]).expect_code(0);
    assert!(status.stdout.lines().last().unwrap().ends_with("pending"), "{}", status.stdout);
    assert_eq!(status.stdout.matches("pending").count(), 1, "{}", status.stdout);
}

#[test]
fn several_processes_may_migrate_at_once() {
    let environment = TestEnvironment::new();
    environment.run(&["migrate", "down", "--all"]).expect_code(0);
    let outputs: Vec<_> = thread::scope(|scope| {
        let up = || environment.command(&["migrate", "up"]).output().unwrap();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(up)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut applied = 0;
    for output in &outputs {
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        applied += String::from_utf8_lossy(&output.stdout).matches("applied ").count();
    }
    let known = environment.run(&["migrate", "status", "--json"]).json().as_array().unwrap().len();
    assert_eq!(applied, known);
}

#[test]
fn missing_privileges_are_named() {
    let environment = TestEnvironment::new();
    let role = format!("fhirmill_test_{}_guest", std::process::id());
    let password = "guest";
    let url = environment.database_url().to_owned();
    let (_, server) = url.rsplit_once('@').unwrap();
    let guest_url = format!("postgres://{role}:{password}@{server}");
    crate::support::execute(&url, &format!("create role {role} login password '{password}'"));
    let run =
        environment.run_command(environment.command(&["migrate", "up"]).env("DATABASE_URL", &guest_url));
    crate::support::execute(&url, &format!("drop role {role}"));
    assert!(run.stderr.contains(&format!("user {role} may not create schemas")), "{}", run.stderr);
    assert!(run.stderr.contains("hint: as the database's owner: grant create on database"), "{}", run.stderr);
    run.expect_code(4);
}
