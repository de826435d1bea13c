//! The binary in the *background*: a run that the test interferes with.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::TestEnvironment;

/// How long a test waits for an expected event.
const PATIENCE: Duration = Duration::from_secs(120);

/// A process that is killed when the test ends.
pub struct Background {
    child: Child,
    output: PathBuf,
    errors: PathBuf,
}

impl TestEnvironment {
    /// Starts a command, usually one of [`TestEnvironment::command`] with more settings.
    pub fn start(&self, command: &mut Command) -> Background {
        self.start_as("", command)
    }

    /// As [`TestEnvironment::start`], for one of several: its output is in files whose names
    /// begin with `prefix`.
    pub fn start_as(&self, prefix: &str, command: &mut Command) -> Background {
        let output = self.path(&format!("{prefix}output"));
        let errors = self.path(&format!("{prefix}errors"));
        let child = command
            .stdout(File::create(&output).unwrap())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        Background { child, output, errors }
    }

    /// Locks a table against everybody else until the returned connection is
    /// dropped.
    pub fn hold(&self, table: &str) -> PgConnection {
        let mut connection = PgConnection::establish(self.database_url()).unwrap();
        connection.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).unwrap();
        connection
    }

    /// Waits until a session waits for a lock, such as one taken by
    /// [`TestEnvironment::hold`].
    #[track_caller]
    pub fn wait_until_held_off(&self) {
        self.wait_until_waiting(1);
    }

    /// Waits until so many sessions wait for locks.
    #[track_caller]
    pub fn wait_until_waiting(&self, sessions: u32) {
        wait_until("sessions wait for locks", || {
            let waiting: u32 = self
                .value(
                    "select count(*) from pg_stat_activity \
                     where datname = current_database() and wait_event_type = 'Lock'",
                )
                .parse()
                .unwrap();
            waiting >= sessions
        });
    }

    /// Whether the inbox is empty.
    pub fn inbox_is_empty(&self) -> bool {
        !self.listing().iter().any(|path| path.starts_with("inbox/"))
    }
}

impl Background {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// Its standard output so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// Its standard error so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.errors).unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends the signal and requires the process to end within the ten seconds
    /// that container engines allow.
    #[track_caller]
    pub fn end(mut self, signal: Signal) -> ExitStatus {
        kill(self.pid(), signal).unwrap();
        self.ended_within(Duration::from_secs(10))
    }

    /// Waits until the process ends by itself; returns the exit code.
    #[track_caller]
    pub fn wait(&mut self) -> i32 {
        self.ended_within(PATIENCE).code().unwrap_or(-1)
    }

    #[track_caller]
    fn ended_within(&mut self, patience: Duration) -> ExitStatus {
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(since.elapsed() < patience, "the process did not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- stdout of the background\n{}--- its stderr\n{}---", self.stdout(), self.stderr());
        }
    }
}

#[track_caller]
pub fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(since.elapsed() < PATIENCE, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
