//! Backups in an object store, and tools that are missing.

use crate::support::TestEnvironment;

#[test]
fn a_missing_tool_is_told_with_what_to_install() {
    let environment = TestEnvironment::with_own_readers();
    environment.run(&["migrate", "up"]).expect_code(0);
    let mut command = environment.command(&["backup", "--to", "backups"]);
    // A server of the next century.
    command.env("FAILPOINTS", "tool-version=return(99)");
    let run = environment.run_command(&mut command).expect_code(4);
    assert!(run.stderr.contains("there is no pg_dump of PostgreSQL 99 or later"), "{}", run.stderr);
    assert!(run.stderr.contains("apt-get install postgresql-client-99"), "{}", run.stderr);
}

#[test]
fn nothing_is_backed_up_where_nothing_is() {
    let environment = TestEnvironment::without_database();
    let run = environment.run(&["backup", "--to", "backups"]).expect_code(4);
    assert!(run.stderr.contains("there is no private server"), "{}", run.stderr);
    let run = environment.run(&["restore", "--from", "backups"]).expect_code(2);
    assert!(run.stderr.contains("there is no backup in"), "{}", run.stderr);
    assert!(!environment.path("data").exists(), "a server was made");
    let run = environment.run(&["backup", "--to", "ftp://a/b"]).expect_code(2);
    assert!(run.stderr.contains("--to must be a folder"), "{}", run.stderr);
}
