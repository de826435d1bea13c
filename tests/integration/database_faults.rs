//! Faults of the database, of the network to it and of the disks: the result is
//! the same as without them, and messages name the cause.

use std::fs;
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use nix::sys::signal::{Signal, kill};
use pretty_assertions::assert_eq;

use crate::steps::load;
use crate::support::{Outcome, SmallDisk, TestEnvironment, execute, query, wait_until};

/// Small batches, so that a small file has many of them.
const IN_PARTS: [&str; 4] = ["--workers", "1", "--batch-bytes", "64KiB"];

/// Three megabytes: patients with narratives, and resources that refer to them.
fn delivery() -> String {
    let narrative = "x".repeat(32 << 10);
    let line = |number: u32| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"p{number}\",\"name\":[{{\"family\":\"Rook{number}\"}}],\
             \"text\":{{\"status\":\"generated\",\"div\":\"<div>{narrative}</div>\"}}}}\n\
             {{\"resourceType\":\"Encounter\",\"id\":\"e{number}\",\"status\":\"finished\",\
             \"subject\":{{\"reference\":\"Patient/p{number}\"}}}}\n"
        )
    };
    (1..=96).map(line).collect()
}

/// The outcome of loading the delivery undisturbed.
fn undisturbed() -> Outcome {
    let environment = TestEnvironment::new();
    load(&environment, &[("d.ndjson", delivery().as_bytes())]);
    environment.outcome()
}

/// A command that loads in small parts.
fn in_parts(environment: &TestEnvironment, command: &str) -> Command {
    let mut command = environment.command(&[command]);
    command.args(IN_PARTS);
    command
}

/// Waits until a part of the file is committed and the next one is blocked;
/// returns the connection that blocks it.
#[track_caller]
fn hold_midway(environment: &TestEnvironment) -> diesel::PgConnection {
    wait_until("a part is committed", || {
        environment.value("select count(*) > 0 as part from etl.load_batch") == "true"
    });
    let lock = environment.hold("patient");
    environment.wait_until_held_off();
    assert_eq!(environment.value("select status from etl.load_file"), "loading");
    lock
}

#[test]
fn a_load_resumes_after_the_server_crashes() {
    let environment = TestEnvironment::with_own_migrated_server();
    environment.put("inbox/d.ndjson", delivery());
    environment.run_command(&mut environment.server_command("stop")).expect_code(0);
    let once = environment.run(&["once"]).expect_code(4);
    assert!(once.stderr.contains("cannot be reached"), "{}", once.stderr);

    let service = environment.start(&mut in_parts(&environment, "run"));
    wait_until("it waits for the server", || service.stdout().contains("cannot be reached"));
    environment.start_server();
    let lock = hold_midway(&environment);
    environment.crash_server();
    drop(lock);
    wait_until("it tells", || {
        service.stdout().contains("the inbox could not be loaded, and will be scanned again")
    });
    environment.start_server();
    wait_until("the file is loaded", || environment.inbox_is_empty());
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert!(
        service_log_has_one_line_a_message(&environment),
        "{}",
        fs::read_to_string(environment.path("output")).unwrap()
    );
    assert_eq!(environment.outcome(), undisturbed());
    environment.run(&["check"]).expect_code(0);
}

fn service_log_has_one_line_a_message(environment: &TestEnvironment) -> bool {
    let text = fs::read_to_string(environment.path("output")).unwrap();
    text.lines().all(|line| line.starts_with("20"))
}

#[test]
fn the_service_restarts_a_killed_private_server() {
    let environment = TestEnvironment::with_private_server();
    let service = environment.start(&mut environment.command(&["run", "--watch", "poll"]));
    wait_until("it watches", || service.stdout().contains("watching"));
    environment.crash_server();
    environment.put("inbox/d.ndjson", delivery());
    wait_until("the file is loaded", || environment.inbox_is_empty());
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    let url = environment.run(&["database", "url"]).expect_code(0).stdout;
    assert_eq!(query(url.trim(), "select count(*) from patient"), [["96"]]);
}

#[test]
fn a_terminated_session_loses_nothing() {
    let quiet = undisturbed();
    // The service tries again by itself; `once` tells, and is to be run again.
    for command in ["run", "once"] {
        let environment = TestEnvironment::new();
        environment.put("inbox/d.ndjson", delivery());
        let mut run = environment.start(&mut in_parts(&environment, command));
        let lock = hold_midway(&environment);
        let terminate = "select pg_terminate_backend(pid) from pg_stat_activity \
             where datname = current_database() and wait_event_type = 'Lock'";
        assert_eq!(environment.query(terminate), [["true"]]);
        if command == "run" {
            wait_until("it tells", || run.stdout().contains("no connection to the server"));
            drop(lock);
            wait_until("the file is loaded", || environment.inbox_is_empty());
            assert_eq!(run.end(Signal::SIGTERM).code(), Some(0));
        } else {
            assert_eq!(run.wait(), 4, "{}", run.stderr());
            assert!(run.stderr().contains("hint: the database ended the session"), "{}", run.stderr());
            drop(lock);
            load(&environment, &[]);
        }
        assert_eq!(environment.outcome(), quiet);
    }
}

/// A database user whose password is its name; dropped when the test ends.
struct User<'m> {
    environment: &'m TestEnvironment,
    name: String,
}

impl<'m> User<'m> {
    fn new(environment: &'m TestEnvironment, options: &str) -> Self {
        let name = format!("{}_user", environment.value("select current_database() as name"));
        execute(environment.database_url(), &format!("create role {name} login password '{name}' {options}"));
        User { environment, name }
    }

    /// Grants all privileges that the owner of the tables has.
    fn owner(environment: &'m TestEnvironment, options: &str) -> Self {
        let user = Self::new(environment, options);
        let owner = environment.value("select current_user as name");
        execute(environment.database_url(), &format!("grant \"{owner}\" to {}", user.name));
        user
    }

    fn url(&self) -> String {
        let url = self.environment.database_url();
        let (_, server) = url.split_once('@').unwrap();
        format!("postgres://{0}:{0}@{server}", self.name)
    }

    fn once(&self) -> Command {
        let mut command = self.environment.command(&["once"]);
        command.env("DATABASE_URL", self.url());
        command
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        let name = &self.name;
        let url = self.environment.database_url();
        query(
            url,
            &format!("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}'"),
        );
        execute(url, &format!("drop owned by {name}; drop role {name}"));
    }
}

#[test]
fn missing_privileges_are_reported_with_the_grant() {
    let environment = TestEnvironment::new();
    environment.put("inbox/p.json", r#"{"resourceType":"Patient","id":"p1"}"#);
    let database = environment.value("select current_database() as name");
    let user = User::new(&environment, "");
    let name = &user.name;
    // What is granted on the way, and what is said before.
    let steps = [
        (
            format!("revoke connect on database {database} from public"),
            format!("hint: as the database's owner: grant connect on database {database} to {name}"),
        ),
        (
            format!("grant connect on database {database} to {name}"),
            format!("grant create on database {database} to {name}; grant create on schema public to {name}"),
        ),
        (
            format!("grant create on database {database} to {name}; grant create on schema public to {name}"),
            "hint: the tables belong to another user".to_owned(),
        ),
    ];
    for (grant, hint) in steps {
        execute(environment.database_url(), &grant);
        let run = environment.run_command(&mut user.once()).expect_code(4);
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
        assert!(
            run.stderr.contains("permission denied") || run.stderr.contains(" may not "),
            "{}",
            run.stderr
        );
    }
    assert_eq!(environment.listing().iter().filter(|path| path.starts_with("inbox/")).count(), 1);
    let owner = environment.value("select current_user as name");
    execute(environment.database_url(), &format!("grant \"{owner}\" to {name}"));
    environment.run_command(&mut user.once()).expect_code(0);
    assert_eq!(environment.value("select count(*) from patient"), "1");
}

#[test]
fn a_lack_of_connection_slots_is_reported_and_retried() {
    let environment = TestEnvironment::new();
    environment.put("inbox/d.ndjson", delivery());
    let user = User::owner(&environment, "connection limit 1");
    let run = environment.run_command(user.once().args(["--workers", "4"])).expect_code(4);
    assert!(run.stderr.contains("has no connection left"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: lower WORKERS, or raise max_connections"), "{}", run.stderr);
    let mut command = environment.command(&["run", "--workers", "4"]);
    let service = environment.start(command.env("DATABASE_URL", user.url()));
    wait_until("it tells", || service.stdout().contains("has no connection left"));
    execute(environment.database_url(), &format!("alter role {} connection limit 10", user.name));
    wait_until("the file is loaded", || environment.inbox_is_empty());
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(environment.outcome(), undisturbed());
}

#[test]
fn a_locked_table_is_waited_for_up_to_a_limit() {
    let environment = TestEnvironment::new();
    environment.put("inbox/d.ndjson", delivery());
    // Within the bound, which is five minutes unless the database says more or
    // less, it waits.
    let mut run = environment.start(&mut in_parts(&environment, "once"));
    let lock = hold_midway(&environment);
    let database = environment.value("select current_database() as name");
    execute(environment.database_url(), &format!("alter database {database} set lock_timeout = '300ms'"));
    assert_eq!(
        environment.query(
            "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        )
        .len(),
        1
    );
    drop(lock);
    assert_eq!(run.wait(), 0);
    assert_eq!(environment.outcome(), undisturbed());

    let lock = environment.hold("patient");
    environment.put("inbox/more.json", r#"{"resourceType":"Patient","id":"more"}"#);
    let run = environment.run(&["once"]).expect_code(1);
    assert!(run.stderr.contains("holds AccessExclusiveLock on patient"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: another session holds a lock"), "{}", run.stderr);
    drop(lock);
    load(&environment, &[]);
    assert_eq!(environment.value("select count(*) from patient"), "97");
}

#[test]
fn an_interrupted_migration_is_run_again() {
    let environment = TestEnvironment::new();
    environment.run(&["migrate", "down", "--all"]).expect_code(0);
    // The last migration makes this schema; another session is about to.
    let database = environment.database_url();
    let mut other = <diesel::PgConnection as diesel::Connection>::establish(database).unwrap();
    diesel::connection::SimpleConnection::batch_execute(&mut other, "begin; create schema analytics")
        .unwrap();
    let mut run = environment.start(&mut environment.command(&["once"]));
    environment.wait_until_held_off();
    kill(run.pid(), Signal::SIGKILL).unwrap();
    assert_eq!(run.wait(), -1);
    drop(other);
    load(&environment, &[("d.ndjson", delivery().as_bytes())]);
    assert!(!environment.run(&["migrate", "status"]).expect_code(0).stdout.contains("pending"));
    assert_eq!(environment.outcome(), undisturbed());
}

#[test]
fn files_stay_in_the_inbox_while_the_archive_is_full() {
    let environment = TestEnvironment::new();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("archive"), 1024) else { return };
    environment.put("inbox/d.ndjson", delivery());
    let mut once = disk.inside(&environment.command(&["once"]));
    let run = environment.run_command(&mut once).expect_code(1);
    assert!(run.stderr.contains("a loaded file cannot be moved to "), "{}", run.stderr);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: its data are in the tables"), "{}", run.stderr);
    assert!(!environment.inbox_is_empty());
    // The part that could be copied does not take the room.
    disk.shell("test -z \"$(find . -type f)\"");
    disk.resize(8192);
    environment.run_command(&mut once).expect_code(0);
    assert!(environment.inbox_is_empty());
    // What lies on the disk is seen by those inside only.
    disk.shell("mkdir ../kept && cp -R . ../kept");
    drop(disk);
    fs::remove_dir(environment.path("archive")).unwrap();
    fs::rename(environment.path("kept"), environment.path("archive")).unwrap();
    assert_eq!(environment.outcome(), undisturbed());
}

#[test]
fn loading_continues_when_the_log_disk_is_full() {
    let environment = TestEnvironment::new();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("logs"), 64) else { return };
    disk.fill();
    environment.put("inbox/d.ndjson", delivery());
    let service = environment.start(&mut disk.inside(&environment.command(&["run"])));
    wait_until("the file is loaded", || environment.inbox_is_empty());
    // Standard output has what the files have no room for.
    wait_until("it tells", || service.stdout().contains("loaded d.ndjson"));
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(environment.outcome(), undisturbed());
}

#[test]
fn a_full_database_disk_is_reported_and_loses_nothing() {
    let environment = TestEnvironment::without_database();
    fs::create_dir(environment.path("disk")).unwrap();
    let Some(disk) = SmallDisk::mounted_on(&environment.path("disk"), 40 << 10) else { return };
    // A server that has the disk must be started by root, and run by another.
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("not tried: only root can start a server that has the disk");
        return;
    }
    environment.run_command(&mut disk.inside(&environment.command(&["database", "start"]))).expect_code(0);
    disk.shell("chown --reference=../data/postgres/cluster . && chmod 700 .");
    let server = environment.run(&["database", "url"]).expect_code(0).stdout;
    let server = server.trim();
    execute(server, &format!("create tablespace small location '{}'", environment.path("disk").display()));
    execute(server, "create database on_small_disk tablespace small");
    let url = format!("{}/on_small_disk", server.rsplit_once('/').unwrap().0);
    environment.put("inbox/d.ndjson", delivery());
    let once = |arguments: &[&str]| {
        let mut command = environment.command(&["once"]);
        command.args(arguments).env("DATABASE_URL", &url);
        command
    };
    environment.run_command(environment.command(&["migrate", "up"]).env("DATABASE_URL", &url)).expect_code(0);
    disk.fill();
    let run = environment.run_command(&mut once(&IN_PARTS)).expect_code(1);
    assert!(run.stderr.contains("No space left on device"), "{}", run.stderr);
    assert!(run.stderr.contains("hint: the database's disk is full"), "{}", run.stderr);
    assert!(!environment.inbox_is_empty());
    disk.resize(400 << 10);
    environment.run_command(&mut once(&IN_PARTS)).expect_code(0);
    assert_eq!(environment.outcome_of(&url), undisturbed());
}

/// Makes the server report in German, if this machine has the locale and
/// messages.
fn teach_german(environment: &TestEnvironment) -> bool {
    let locales = environment.path("locales");
    fs::create_dir(&locales).unwrap();
    let mut make = Command::new("localedef");
    make.args(["-i", "de_DE", "-f", "UTF-8"]).arg(locales.join("de_DE.UTF-8"));
    if !make.output().is_ok_and(|output| output.status.success()) {
        return false;
    }
    environment.run_command(&mut environment.server_command("stop")).expect_code(0);
    environment.run_command(environment.server_command("start").env("LOCPATH", &locales)).expect_code(0);
    true
}

#[test]
fn a_deadlock_reported_in_another_language_is_retried() {
    let environment = TestEnvironment::with_own_migrated_server();
    let is_german = teach_german(&environment);
    // Cannot choose the language; and finds the deadlock, before the other does.
    let user = User::owner(&environment, "");
    let set = |setting: &str| {
        execute(environment.database_url(), &format!("alter role {} set {setting}", user.name))
    };
    set("deadlock_timeout = '4s'");
    let mut other = environment.hold("patient_name");
    other.batch_execute("set local deadlock_timeout = '1min'").unwrap();
    let mut asked = PgConnection::establish(&user.url()).unwrap();
    if is_german {
        set("lc_messages = 'de_DE.UTF-8'");
        execute(environment.database_url(), "alter role current_user set lc_messages = 'de_DE.UTF-8'");
        asked = PgConnection::establish(&user.url()).unwrap();
    }
    let refusal = asked.batch_execute("select 1 / 0").unwrap_err().to_string();
    if refusal != "Division durch Null" {
        eprintln!("tried in English only: the server has no other language: {refusal}");
    }
    environment.put("inbox/p.json", r#"{"resourceType":"Patient","id":"p","name":[{"family":"Moss"}]}"#);
    let mut run = environment.start(&mut user.once());
    environment.wait_until_held_off();
    // It has written to the first table and waits for the second.
    other.batch_execute("lock table patient in access exclusive mode; rollback").unwrap();
    assert_eq!(run.wait(), 0, "{}{}", run.stdout(), run.stderr());
    assert_eq!(environment.query("select family from patient_name"), [["Moss"]]);
    // A refusal is still found to be the record's fault.
    execute(
        environment.database_url(),
        "create function refuse() returns trigger language plpgsql as $$ \
        begin raise exception 'nein'; end $$",
    );
    execute(
        environment.database_url(),
        "create trigger refuse before insert on patient for each row \
        when (new.fhir_id = 'q') execute function refuse()",
    );
    environment
        .put("inbox/q.json", r#"[{"resourceType":"Patient","id":"q"},{"resourceType":"Patient","id":"r"}]"#);
    environment.run_command(&mut user.once()).expect_code(3);
    assert_eq!(
        environment.query("select fhir_id, reason from etl.rejected_record"),
        [["q", "refused_by_database"]]
    );
    assert_eq!(environment.query("select fhir_id from patient order by 1"), [["p"], ["r"]]);
    assert_eq!(
        environment.value("select deadlocks from pg_stat_database where datname = current_database()"),
        "1"
    );
    // A lock that is not to be had is no record's fault; and who may choose the
    // language is told what is wrong.
    set("lock_timeout = '1s'");
    execute(environment.database_url(), "alter role current_user set lock_timeout = '1s'");
    let _holder = environment.hold("patient");
    environment.put("inbox/s.json", r#"{"resourceType":"Patient","id":"s"}"#);
    environment.run_command(&mut user.once()).expect_code(1);
    assert_eq!(environment.value("select count(*) from etl.rejected_record"), "1");
    let run = environment.run(&["once"]).expect_code(1);
    assert!(run.stderr.contains("hint: another session holds a lock"), "{}", run.stderr);
}
