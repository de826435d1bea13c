//! The binary in the *background*: a run that the test disturbs meanwhile.

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

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process that is killed with the test.
pub struct Background {
    child: Child,
    output: PathBuf,
    errors: PathBuf,
}

impl TestEnvironment {
    /// Starts a command, usually one of [`TestEnvironment::command`] with more settings.
    pub fn start(&self, command: &mut Command) -> Background {
        let (output, errors) = (self.path("output"), self.path("errors"));
        let child = command
            .stdout(File::create(&output).unwrap())
            .stderr(File::create(&errors).unwrap())
            .spawn()
            .unwrap();
        Background { child, output, errors }
    }

    /// Holds everybody off a table, until what is returned is dropped.
    pub fn hold(&self, table: &str) -> PgConnection {
        let mut connection = PgConnection::establish(self.database_url()).unwrap();
        connection.batch_execute(&format!("begin; lock table {table} in access exclusive mode")).unwrap();
        connection
    }

    /// Waits until a session waits for a lock, as one does on a held table.
    #[track_caller]
    pub fn wait_until_held_off(&self) {
        wait_until("a session waits for a lock", || {
            self.value(
                "select count(*) > 0 as waits from pg_stat_activity \
                 where datname = current_database() and wait_event_type = 'Lock'",
            ) == "true"
        });
    }

    /// Whether nothing is left in the inbox.
    pub fn inbox_is_empty(&self) -> bool {
        !self.listing().iter().any(|path| path.starts_with("inbox/"))
    }
}

impl Background {
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id() as i32)
    }

    /// What it has printed so far.
    pub fn stdout(&self) -> String {
        fs::read_to_string(&self.output).unwrap()
    }

    /// What it has complained of so far.
    pub fn stderr(&self) -> String {
        fs::read_to_string(&self.errors).unwrap()
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends the signal and demands an end within the ten seconds that
    /// container engines give.
    #[track_caller]
    pub fn end(mut self, signal: Signal) -> ExitStatus {
        kill(self.pid(), signal).unwrap();
        self.ended_within(Duration::from_secs(10))
    }

    /// Waits for its own end; gives the exit code.
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
