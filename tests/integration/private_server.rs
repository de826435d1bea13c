//! The private server: creating, starting, stopping and resetting it; and the
//! messages if it is unavailable.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use nix::unistd::Uid;

use crate::support::{TestEnvironment, query};

/// Whether the server's program is linked with LZ4's library.
fn is_linked_with_lz4(environment: &TestEnvironment) -> bool {
    let pid = environment.server_pid();
    let program = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    let libraries = Command::new("ldd").arg(program).output().unwrap();
    String::from_utf8_lossy(&libraries.stdout).contains("liblz4")
}

#[test]
fn wal_is_compressed_by_lz4_where_the_server_has_it() {
    let environment = TestEnvironment::without_database();
    environment.run(&["database", "start"]).expect_code(0);
    let url = environment.run(&["database", "url"]).expect_code(0).stdout;
    let compression = if is_linked_with_lz4(&environment) { "lz4" } else { "pglz" };
    assert_eq!(query(url.trim(), "select current_setting('wal_compression')"), [[compression]]);
}

#[test]
fn data_survive_a_stop_and_a_reset_deletes_them() {
    let environment = TestEnvironment::on_a_port_of_its_own();
    environment.run(&["database", "start"]).expect_code(0);
    let url = environment.run(&["database", "url"]).expect_code(0).stdout;
    let url = url.trim();
    query(url, "select 1");
    let mode = fs::metadata(environment.path("data/postgres/password")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    environment.run(&["migrate", "up"]).expect_code(0);
    let tables = "select count(*) as tables from pg_tables where schemaname in ('public', 'etl')";
    let before = query(url, tables);
    assert_eq!(environment.run(&["database", "stop"]).expect_code(0).stdout, "stopped\n");
    assert_eq!(environment.run(&["database", "stop"]).expect_code(0).stdout, "was not running\n");
    // A command that needs the database starts it.
    environment.run(&["migrate", "status"]).expect_code(0);
    assert_eq!(environment.run(&["database", "url"]).expect_code(0).stdout.trim(), url);
    assert_eq!(query(url, tables), before);

    environment.run(&["database", "reset"]).expect_code(2);
    query(url, "select 1");
    environment.run(&["database", "reset", "--yes"]).expect_code(0);
    assert!(!environment.path("data/postgres").exists());
    let run = environment.run(&["database", "url"]).expect_code(4);
    assert!(run.stderr.contains("hint: `fhirmill database start` creates it"), "{}", run.stderr);
}

#[test]
fn two_processes_that_start_at_once_share_one_server() {
    let environment = TestEnvironment::without_database();
    let runs: Vec<_> = thread::scope(|scope| {
        let start = || environment.command(&["database", "start"]).output().unwrap();
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for run in &runs {
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        assert_eq!(run.stdout, runs[0].stdout);
    }
}

#[test]
fn a_killed_server_is_restarted_with_its_data() {
    let environment = TestEnvironment::with_private_server();
    nix::sys::signal::kill(environment.server_pid(), nix::sys::signal::SIGKILL).unwrap();
    let run = environment.run(&["migrate", "status"]).expect_code(0);
    assert!(run.stdout.contains("applied") && !run.stdout.contains("pending"), "{}", run.stdout);
}

#[test]
fn a_wrong_password_is_reported_without_the_password() {
    let environment = TestEnvironment::with_own_server();
    let url = environment.database_url();
    let server = url.rsplit_once('@').unwrap().1;
    let wrong_password = format!("postgres://fhirmill:tunafish@{server}");
    let run = environment
        .run_command(environment.command(&["migrate", "status"]).env("DATABASE_URL", wrong_password));
    assert!(run.stderr.contains("rejects user fhirmill: wrong password or unknown user"), "{}", run.stderr);
    assert!(!run.stderr.contains("tunafish"), "{}", run.stderr);
    run.expect_code(4);

    let wrong_name = format!("{}/elsewhere", url.rsplit_once('/').unwrap().0);
    let run =
        environment.run_command(environment.command(&["migrate", "status"]).env("DATABASE_URL", wrong_name));
    assert!(run.stderr.contains("has no database elsewhere"), "{}", run.stderr);
    run.expect_code(4);
}

#[test]
fn an_unreachable_server_is_reported_with_its_address() {
    let environment = TestEnvironment::without_database();
    let away = "postgres://fhirmill:tunafish@127.0.0.1:1/fhirmill";
    let run = environment
        .run_command(environment.command(&["migrate", "up"]).env("DATABASE_URL", away))
        .expect_code(4);
    assert!(
        run.stderr.starts_with("error: the database server 127.0.0.1:1 cannot be reached"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("tunafish"), "{}", run.stderr);
}

#[test]
fn missing_binaries_are_reported_with_what_to_install() {
    let environment = TestEnvironment::without_database();
    let empty = environment.path("inbox");
    let run = environment
        .run_command(environment.command(&["migrate", "up"]).env("PG_BIN_DIR", &empty))
        .expect_code(4);
    let expected = format!("were not found in {}", empty.display());
    assert!(run.stderr.contains(&expected), "{}", run.stderr);
    assert!(run.stderr.contains("apt-get install postgresql"), "{}", run.stderr);
}

#[test]
fn a_foreign_server_is_neither_stopped_nor_reset() {
    let environment = TestEnvironment::new();
    for action in ["start", "stop"] {
        environment.run(&["database", action]).expect_code(2);
    }
    environment.run(&["database", "reset", "--yes"]).expect_code(2);
    assert_eq!(
        environment.value("select count(*) as databases from pg_database where datname = current_database()"),
        "1"
    );
    assert_eq!(
        environment.run(&["database", "url"]).expect_code(0).stdout.trim(),
        environment.database_url()
    );
}

#[test]
fn root_keeps_the_cluster_elsewhere_if_the_servers_user_cannot_enter_the_folder() {
    if !Uid::effective().is_root() {
        return;
    }
    let environment = TestEnvironment::without_database();
    fs::set_permissions(environment.path(""), Permissions::from_mode(0o700)).unwrap();
    let run = environment.run(&["database", "start"]).expect_code(0);
    assert!(run.stderr.contains("cannot enter"), "{}", run.stderr);
    let location = fs::read_to_string(environment.path("data/postgres.location")).unwrap();
    let home = PathBuf::from(location.trim());
    assert!(home.starts_with("/var/lib/fhirmill") && home.join("cluster/PG_VERSION").exists());
    let url = environment.run(&["database", "url"]).expect_code(0).stdout;
    query(url.trim(), "select 1");
    // Once made, the cluster is found there even if the folder is opened.
    fs::set_permissions(environment.path(""), Permissions::from_mode(0o755)).unwrap();
    assert_eq!(environment.run(&["database", "url"]).expect_code(0).stdout, url);
    environment.run(&["database", "reset", "--yes"]).expect_code(0);
    assert!(!home.exists());
}
