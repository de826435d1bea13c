//! The server that the tests of one run share, and its databases.
//!
//! TEST_DATABASE_URL names a server to use; its user must be allowed to create
//! databases. Otherwise the run starts a private server of fhirmill, with the
//! binaries in PG_BIN_DIR if that is set, and without fsync. Its folder is in
//! memory where there is enough of it, because every test creates and deletes more
//! than a thousand files, and in the folder for temporary files otherwise. The server
//! ends with this process, however that ends: a child process waits for the closing
//! of a pipe that only this process holds open. Leftovers of earlier runs are removed
//! at the start.
//!
//! A template database is migrated and gets its indexes once; each test works on a
//! copy of it.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use nix::sys::statvfs::statvfs;

use super::{BINARY, clean_command, query, verifier};

/// The prefix of the folders and databases of test runs, followed by the
/// process ID.
const PREFIX: &str = "fhirmill_test_";

/// A file system in memory, on Linux.
const MEMORY: &str = "/dev/shm";

/// How much of it must be free: twice what the server needs for its log of changes
/// and the databases of a dozen tests.
const ENOUGH: u64 = 2 << 30;

/// What the server does without: tests lose nothing with it. Looking through a large
/// cache takes longer than what the tests keep in it, and compiling a query longer than
/// answering it.
const SERVER_SETTINGS: [&str; 6] = [
    "fsync = off",
    "full_page_writes = off",
    "shared_buffers = '256MB'",
    "max_wal_size = '512MB'",
    "wal_compression = off",
    "jit = off",
];

/// Makes a copy keep the role of the template's readers: one that notes another database gets a role of
/// its own at its first start, with the rights on hundreds of tables and views.
const KEEP_READERS: &str = "update etl.reading_role set place = (select system_identifier from pg_control_system()) \
    || '/' || (select oid from pg_database where datname = current_database())";

struct Server {
    url: String,
}

fn server() -> &'static Server {
    // If it is unavailable, the first test says why; later tests do not try again.
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let server = match std::env::var("TEST_DATABASE_URL") {
            Ok(url) if !url.is_empty() => {
                sweep_databases(&url);
                Server { url }
            }
            _ => start_server(),
        };
        make_template(&server.url);
        server
    });
    &SERVER
}

/// The folders in which runs keep their servers: the one of this run, then others.
fn places() -> Vec<PathBuf> {
    let mut places = vec![std::env::temp_dir()];
    if let Ok(memory) = statvfs(MEMORY) {
        let free = memory.blocks_available() * memory.fragment_size();
        places.insert(usize::from(free < ENOUGH), PathBuf::from(MEMORY));
    }
    places
}

fn start_server() -> Server {
    places().iter().for_each(|place| sweep_folders(place));
    let folder = folder_of_this_run();
    let data_dir = folder.join("data");
    let log_dir = folder.join("logs");
    let database = |action: &[&str]| {
        let mut command = clean_command();
        command.arg("database").args(action).current_dir(folder);
        command.arg("--data-dir").arg(&data_dir).arg("--log-dir").arg(&log_dir);
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cannot start a server for the tests:\n{errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    database(&["start"]);
    let url = database(&["url"]);
    for setting in SERVER_SETTINGS {
        execute(&url, &format!("alter system set {setting}"));
    }
    let quick = verifier::quick(&password_of(&url));
    execute(&url, &format!("alter role current_user password '{quick}'"));
    database(&["stop"]);
    database(&["start"]);
    Server { url: database(&["url"]) }
}

/// The folder of what the tests of this run share. It is removed, with the shared server, when this
/// process ends.
pub fn folder_of_this_run() -> &'static Path {
    static FOLDER: LazyLock<(PathBuf, ChildStdin)> = LazyLock::new(|| {
        let folder = places()[0].join(format!("{PREFIX}{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        open_to_all(&folder);
        let pipe = watch(&folder);
        (folder, pipe)
    });
    &FOLDER.0
}

/// Starts a child that deletes the server when this process ends, which closes its input. It has its
/// own process group, so that Ctrl-C does not reach it.
#[expect(clippy::zombie_processes, reason = "the watchdog outlives this process on purpose")]
fn watch(folder: &Path) -> ChildStdin {
    let script = "read -r _; \"$1\" database reset --yes --data-dir data --log-dir logs; cd /; rm -rf \"$2\"";
    let mut child = Command::new("/bin/sh")
        .args(["-c", script, "watch", BINARY])
        .arg(folder)
        .current_dir(folder)
        .env_remove("DATABASE_URL")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap()
}

/// The password in `postgres://user:password@host`.
pub fn password_of(url: &str) -> String {
    let (credentials, _) = url.split_once("://").unwrap().1.split_once('@').unwrap();
    credentials.split_once(':').unwrap().1.to_owned()
}

/// Deletes the servers of runs that have ended.
fn sweep_folders(place: &Path) {
    for entry in fs::read_dir(place).unwrap().flatten() {
        let is_left_over =
            entry.file_name().to_str().and_then(process_of).is_some_and(|process| !is_alive(process));
        if is_left_over {
            let folder = entry.path();
            let mut reset = clean_command();
            reset.args(["database", "reset", "--yes", "--data-dir", "data", "--log-dir", "logs"]);
            let _ = reset.current_dir(&folder).output();
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Drops the databases of runs that have ended.
fn sweep_databases(url: &str) {
    let names = query(url, &format!("select datname from pg_database where datname like '{PREFIX}%'"));
    for name in names.into_iter().flatten() {
        if process_of(&name).is_some_and(|process| !is_alive(process)) {
            execute(url, &format!("drop database if exists {name} with (force)"));
        }
    }
}

/// The process that a folder or database belongs to: `fhirmill_test_4711_…`.
fn process_of(name: &str) -> Option<i32> {
    name.strip_prefix(PREFIX)?.split('_').next()?.parse().ok()
}

fn is_alive(process: i32) -> bool {
    let process = nix::unistd::Pid::from_raw(process);
    nix::sys::signal::kill(process, None) != Err(nix::errno::Errno::ESRCH)
}

fn template() -> String {
    format!("{PREFIX}{}_template", std::process::id())
}

fn make_template(server_url: &str) {
    let name = template();
    execute(server_url, &format!("drop database if exists {name}"));
    execute(server_url, &format!("create database {name}"));
    // Both: with `indexes build` alone, no test would need `migrate up`.
    for arguments in [["migrate", "up"], ["indexes", "build"]] {
        let mut command = clean_command();
        command.args(arguments).env("DATABASE_URL", url_of_database(server_url, &name));
        command.current_dir(std::env::temp_dir()).env("LOG_DIR", "/dev/null/none");
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cannot make the template database:\n{errors}");
    }
}

/// The database of one test, dropped with this value.
pub struct TestDatabase {
    pub url: String,
    name: String,
}

impl TestDatabase {
    pub fn new() -> Self {
        let database = Self::with_own_readers();
        execute(&database.url, KEEP_READERS);
        database
    }

    /// Like [`TestDatabase::new`], but its first start gives it readers of its own.
    pub fn with_own_readers() -> Self {
        Self::copy_of(&template())
    }

    /// A copy of another database, to which nobody may be connected.
    pub fn like(other: &Self) -> Self {
        Self::copy_of(&other.name)
    }

    fn copy_of(original: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("{PREFIX}{}_{number}", std::process::id());
        // Copying files takes less than half the time of logging what is in them.
        execute(&server.url, &format!("create database {name} template {original} strategy file_copy"));
        Self { url: url_of_database(&server.url, &name), name }
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Ok(mut connection) = PgConnection::establish(&server().url) {
            let _ = connection.batch_execute(&format!("drop database if exists {} with (force)", self.name));
        }
    }
}

/// The URL with another database name: `postgres://u:p@h:1/this?x=y` →
/// `…/that?x=y`.
fn url_of_database(url: &str, name: &str) -> String {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let server = rest.split('/').next().unwrap();
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{server}/{name}{separator}{parameters}")
}

/// Runs statements that return no rows.
pub fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::establish(url).unwrap();
    if let Err(error) = connection.batch_execute(sql) {
        panic!("{error}\nin {sql}");
    }
}

/// Lets other users into the folder: if root runs the tests, the server runs as
/// another user.
pub fn open_to_all(folder: &Path) {
    fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
}

/// A free port that nothing else in this run gets: below the kernel's ephemeral
/// ports, and outside the range that private servers choose from.
pub fn port_of_its_own() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Two runs at once begin at different places.
    let first = (std::process::id() % 100) as u16 * 100;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
