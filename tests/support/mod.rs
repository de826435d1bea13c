//! The test harness: fhirmill as a user would run it, in a fresh folder.
//!
//! A [`TestEnvironment`] is a fresh folder with an inbox and its own database,
//! a copy of one that was migrated once ([`server`]). Tests put files into it,
//! run the built binary in it, and query the database. If a test fails, the
//! last run and the files in the folder are printed.

mod background;
mod json_schema;
mod outcome;
mod prepared;
#[cfg(feature = "server")]
pub mod prometheus;
mod server;
mod small_disk;
pub mod state;
mod terminal;
mod verifier;

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

pub use background::{Background, wait_until};
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use fhirmill::config::VARIABLES;
pub use json_schema::violations;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
pub use outcome::Outcome;
use prepared::Prepared;
pub use server::{execute, port_of_its_own};
pub use small_disk::SmallDisk;
use tempfile::TempDir;

/// The binary under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_fhirmill");

/// How the harness prints a null.
pub const NULL: &str = "NULL";

/// A fresh folder, and a fresh database unless created without one.
pub struct TestEnvironment {
    folder: TempDir,
    database: Option<server::TestDatabase>,
    /// The URL of the private server in this folder, if there is one.
    own_server: Option<String>,
    last_run: Mutex<String>,
}

impl TestEnvironment {
    /// With an empty, migrated database that has its indexes, which DATABASE_URL names
    /// in every run.
    pub fn new() -> Self {
        let mut environment = Self::without_database();
        environment.database = Some(server::TestDatabase::new());
        environment
    }

    /// Like [`TestEnvironment::new`], but no other test's database has the same readers: for backups,
    /// which have the members of the role, too.
    pub fn with_own_readers() -> Self {
        let mut environment = Self::without_database();
        environment.database = Some(server::TestDatabase::with_own_readers());
        environment
    }

    /// Like [`TestEnvironment::new`], but the secondary indexes are missing, as they are
    /// before the first load.
    pub fn without_indexes() -> Self {
        let environment = Self::new();
        environment.run(&["indexes", "drop"]).expect_code(0);
        environment
    }

    /// Without DATABASE_URL: a command that needs a database starts a private
    /// server in this folder, which ends with the test environment.
    pub fn without_database() -> Self {
        let folder = tempfile::Builder::new().prefix("fhirmill-test-").tempdir().unwrap();
        server::open_to_all(folder.path());
        for name in ["inbox", "archive", "rejects", "logs"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, database: None, own_server: None, last_run: Mutex::default() }
    }

    /// Like [`TestEnvironment::without_database`], for a private server that goes
    /// down and comes back: of the ports that private servers choose, another test's
    /// may take its one meanwhile.
    pub fn on_a_port_of_its_own() -> Self {
        let environment = Self::without_database();
        fs::create_dir(environment.path("data")).unwrap();
        fs::DirBuilder::new().mode(0o700).create(environment.path("data/postgres")).unwrap();
        environment.put("data/postgres/port", format!("{}\n", server::port_of_its_own()));
        environment
    }

    /// With a server of its own, which a test may stop, kill and configure.
    /// DATABASE_URL names it in every run, so fhirmill treats it as a foreign
    /// server.
    pub fn with_own_server() -> Self {
        Self::with_server(Prepared::Empty)
    }

    /// Like [`TestEnvironment::with_own_server`], with a database that is migrated and has its
    /// indexes.
    pub fn with_own_migrated_server() -> Self {
        Self::with_server(Prepared::Migrated)
    }

    fn with_server(prepared: Prepared) -> Self {
        let mut environment = Self::without_database();
        prepared::put(prepared, &environment.path(""), server::port_of_its_own());
        environment.start_server();
        let url = environment.run(&["database", "url"]).expect_code(0).stdout;
        environment.own_server = Some(url.trim().to_owned());
        environment
    }

    /// A fresh folder for a database that a test has made.
    pub fn of_database(url: &str) -> Self {
        let mut environment = Self::without_database();
        environment.own_server = Some(url.to_owned());
        environment
    }

    /// Starts the environment's own server.
    #[track_caller]
    pub fn start_server(&self) {
        self.run_command(&mut self.server_command("start")).expect_code(0);
    }

    /// A command that starts, stops or resets the environment's own server.
    pub fn server_command(&self, action: &str) -> Command {
        let mut command = self.command(&["database", action]);
        command.env_remove("DATABASE_URL");
        command
    }

    /// Stops the environment's own server as a crash of the machine would.
    pub fn crash_server(&self) {
        let pid = self.signal_server();
        wait_until("the server is gone", || kill(pid, None).is_err());
    }

    /// A copy of another environment: its tables and folders, except for the
    /// logs.
    pub fn like(other: &Self) -> Self {
        let mut environment = Self::without_database();
        for path in other.listing().iter().filter(|path| !path.starts_with("logs/")) {
            environment.put(path, fs::read(other.path(path)).unwrap());
        }
        environment.database = other.database.as_ref().map(server::TestDatabase::like);
        environment
    }

    /// With a private server of fhirmill, which a test may kill.
    pub fn with_private_server() -> Self {
        let environment = Self::without_database();
        prepared::put(Prepared::Migrated, &environment.path(""), server::port_of_its_own());
        environment.start_server();
        environment
    }

    /// Stops the environment's own server as a power failure would, and starts
    /// it again.
    pub fn restart_server(&self) {
        self.signal_server();
        self.start_server();
    }

    /// The process ID of the server in this folder.
    pub fn server_pid(&self) -> Pid {
        let pid_file = fs::read_to_string(self.path("data/postgres/cluster/postmaster.pid")).unwrap();
        Pid::from_raw(pid_file.lines().next().unwrap().parse().unwrap())
    }

    /// Asks Postgres for an immediate shutdown.
    fn signal_server(&self) -> Pid {
        let pid = self.server_pid();
        kill(pid, Signal::SIGQUIT).unwrap();
        pid
    }

    /// The path of the folder, or of a file in it.
    pub fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    /// Writes a file, and creates the folders above it.
    pub fn put(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub fn database_url(&self) -> &str {
        let url = || self.database.as_ref().map(|database| database.url.as_str());
        self.own_server.as_deref().or_else(url).expect("this test environment was made without a database")
    }

    /// The URL of the environment's own server, if it has one.
    pub fn own_url(&self) -> Option<&str> {
        self.own_server.as_deref()
    }

    /// A command of the binary in this folder. Every setting has its default,
    /// except for the database and for SETTLE_SECONDS, which is 0.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = clean_command();
        command.args(arguments).current_dir(self.folder.path()).env("SETTLE_SECONDS", "0");
        if self.own_server.is_some() || self.database.is_some() {
            command.env("DATABASE_URL", self.database_url());
        }
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_command(&mut self.command(arguments))
    }

    /// Runs a command, usually one of [`TestEnvironment::command`] with more settings.
    pub fn run_command(&self, command: &mut Command) -> Run {
        let output = command.output().unwrap();
        let run = Run::new(command, output);
        *self.last_run.lock().unwrap() = run.report.clone();
        run
    }

    /// The rows that a query returns, each value as text.
    #[track_caller]
    pub fn query(&self, sql: &str) -> Vec<Vec<String>> {
        query(&self.current_url(), sql)
    }

    /// The URL of the database, also of a private server that was started again and may have
    /// another port.
    pub fn current_url(&self) -> String {
        match &self.database {
            Some(database) => database.url.clone(),
            None => self.run(&["database", "url"]).expect_code(0).stdout.trim().to_owned(),
        }
    }

    /// The single value that a query returns.
    #[track_caller]
    pub fn value(&self, sql: &str) -> String {
        let rows = self.query(sql);
        assert_eq!((rows.len(), rows.first().map(Vec::len)), (1, Some(1)), "rows of {sql}: {rows:?}");
        rows[0][0].clone()
    }

    /// The role whose members may read the database: other databases of the server have others.
    pub fn readers_role(&self) -> String {
        self.value("select role from etl.reading_role where kind = 'analyst'")
    }

    /// The relative paths of all files in the folder, sorted, without those of
    /// the private server.
    pub fn listing(&self) -> Vec<String> {
        let mut paths = Vec::new();
        list_files(self.folder.path(), self.folder.path(), &mut paths);
        paths.sort();
        paths
    }
}

impl Drop for TestEnvironment {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\n{}\nfiles in {}:", self.last_run.lock().unwrap(), self.folder.path().display());
            for path in self.listing() {
                eprintln!("  {path}");
            }
        }
        if self.database.is_none() && self.path("data").exists() {
            // Also where the test failed before it came to its own stop.
            let _ = self.server_command("reset").arg("--yes").output();
        }
    }
}

fn list_files(root: &Path, folder: &Path, paths: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let relative = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        if relative == "data/postgres" {
            continue;
        }
        if path.is_dir() {
            list_files(root, &path, paths);
        } else {
            paths.push(relative);
        }
    }
}

/// The binary with none of this process' settings, except for the server
/// binaries that the whole run is to use.
pub fn clean_command() -> Command {
    let mut command = Command::new(BINARY);
    for variable in VARIABLES {
        if variable.name != "PG_BIN_DIR" {
            command.env_remove(variable.name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// The result of a run of the binary.
#[derive(Debug)]
pub struct Run {
    /// -1 if a signal ended it.
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    report: String,
}

impl Run {
    fn new(command: &Command, output: Output) -> Self {
        let code = output.status.code().unwrap_or(-1);
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut report = String::new();
        let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
        let _ = writeln!(report, "command: fhirmill {}", arguments.join(" "));
        let _ = writeln!(report, "ended with: {}", output.status);
        let _ = writeln!(report, "--- stdout\n{stdout}--- stderr\n{stderr}---");
        Self { code, stdout, stderr, report }
    }

    /// Requires the exit code; returns the run for further checks.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "the exit code of\n{}", self.report);
        self
    }

    /// Standard output parsed as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        match serde_json::from_str(&self.stdout) {
            Ok(document) => document,
            Err(error) => panic!("standard output is no JSON: {error}\n{}", self.report),
        }
    }
}

#[derive(QueryableByName)]
struct Fields {
    #[diesel(sql_type = sql_types::Array<sql_types::Text>)]
    fields: Vec<String>,
}

/// The rows that a query returns on any database, each value as text. Column
/// names must differ.
#[track_caller]
pub fn query(url: &str, sql: &str) -> Vec<Vec<String>> {
    let as_text = format!(
        "select array(
             select coalesce(value, '{NULL}')
             from json_each_text(row_to_json(answer)) with ordinality as field (name, value, position)
             order by position
         ) as fields
         from ({sql}) as answer"
    );
    let mut connection = PgConnection::establish(url).unwrap();
    // Compiling a question over all tables takes longer than answering it.
    sql_query("set jit = off").execute(&mut connection).unwrap();
    match sql_query(as_text).load::<Fields>(&mut connection) {
        Ok(rows) => rows.into_iter().map(|row| row.fields).collect(),
        Err(error) => panic!("{error}\nin {sql}"),
    }
}

/// The tables of schema `public` that have rows, or had some: of hundreds of tables a test fills
/// a few, and a question over all of them takes ten times as long to plan as over these.
#[track_caller]
pub fn tables_with_pages(url: &str) -> Vec<String> {
    let tables = query(
        url,
        "select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' \
            and relname not like '\\_\\_%' and pg_relation_size(oid) > 0 order by relname",
    );
    tables.into_iter().flatten().collect()
}
