//! The private server: a Postgres that fhirmill runs itself, for users who have
//! none.
//!
//! It uses the server binaries installed on the machine, is started when first
//! needed, and keeps running so that the results can be queried. It listens on
//! 127.0.0.1 and on a socket, and requires a password, since other users of the
//! machine can reach that address too. Its data is as safe as in any Postgres: no
//! durability is traded for speed.

mod account;
mod binaries;
mod home;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query, sql_types};
use tracing::info;

use super::connection::connect;
use super::error::DatabaseError;
use super::settings::DatabaseSettings;
use super::url::DatabaseUrl;
use binaries::Binaries;
pub(super) use binaries::{known_folders, major_version};
use home::{Home, failure};

/// The superuser of the cluster, and the name of its database.
const NAME: &str = "fhirmill";

/// Ports for new clusters: next to Postgres' usual one, so that people recognize
/// them.
const PORTS: std::ops::Range<u16> = 5433..5533;

/// The longest folder of a socket: a socket's path is limited, and Postgres appends
/// its file name.
const LONGEST_SOCKET_FOLDER: usize = 107 - "/.s.PGSQL.65535".len();

/// How long a running server may take to answer. After a crash of the machine it
/// first replays its log.
const RECOVERY_PATIENCE: Duration = Duration::from_secs(300);

/// How long starting is retried.
const START_PATIENCE: Duration = Duration::from_secs(5);

/// The server of one DATA_DIR, which may not be running, or not exist yet.
#[derive(Debug, Clone)]
pub struct PrivateServer {
    home: Home,
    chosen_binaries: Option<PathBuf>,
    workers: usize,
    tell: fn(&str),
}

impl PrivateServer {
    /// The private server of the settings. Starts and creates nothing.
    pub fn of(settings: &DatabaseSettings) -> Result<Self, DatabaseError> {
        Ok(Self {
            home: Home::of(&settings.data_dir)?,
            chosen_binaries: settings.server_binaries_dir.clone(),
            workers: settings.workers,
            tell: settings.tell,
        })
    }

    /// Creates the cluster if there is none, and starts the server if it is not
    /// running. Returns the URL of its database, and the connection by which it was
    /// found running, if it was.
    pub fn start(mut self) -> Result<(DatabaseUrl, Option<PgConnection>), DatabaseError> {
        self.home.close_to_others()?;
        if self.home.has_cluster()
            && let Ok(url) = self.url()
            && let Ok(connection) = connect(&url)
        {
            return Ok((url, Some(connection)));
        }
        let lock = self.home.lock()?;
        self.home.make()?;
        let binaries = if self.home.has_cluster() {
            self.cluster_binaries()?
        } else {
            let binaries = Binaries::find(self.chosen_binaries.as_deref(), None, &self.home.account)?;
            self.make_cluster(&binaries)?;
            binaries
        };
        self.bring_up(&binaries)?;
        drop(lock);
        Ok((self.url()?, None))
    }

    /// Starts the server and waits until its database answers. Each retry checks
    /// again whether it runs: a server that was killed seems to run for a moment and
    /// keeps a new one from starting, and another process may take its port.
    fn bring_up(&self, binaries: &Binaries) -> Result<(), DatabaseError> {
        let since = Instant::now();
        loop {
            let is_running = self.is_running(binaries)?;
            let started = if is_running { Ok(()) } else { self.start_server(binaries) };
            let Err(error) = started.and_then(|()| self.make_database()) else {
                return Ok(());
            };
            let patience = if is_running { RECOVERY_PATIENCE } else { START_PATIENCE };
            if since.elapsed() > patience {
                return Err(error);
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// Stops the server. Returns false if it was not running.
    pub fn stop(&self) -> Result<bool, DatabaseError> {
        if !self.home.has_cluster() {
            return Ok(false);
        }
        let _lock = self.home.lock()?;
        self.stop_server("fast")
    }

    /// Stops the server and deletes its cluster. Returns false if there was none.
    pub fn reset(&self) -> Result<bool, DatabaseError> {
        if !self.home.path.exists() {
            return Ok(false);
        }
        let _lock = self.home.lock()?;
        if self.home.has_cluster() {
            self.stop_server("immediate")?;
        }
        self.home.delete()?;
        Ok(true)
    }

    /// Whether there is a cluster, running or not.
    pub fn exists(&self) -> bool {
        self.home.has_cluster()
    }

    /// The folder that it is in, or would be.
    pub fn folder(&self) -> &Path {
        &self.home.path
    }

    /// The URL of its database, whether or not the server is running.
    pub fn url(&self) -> Result<DatabaseUrl, DatabaseError> {
        self.url_of(NAME)
    }

    fn url_of(&self, database: &str) -> Result<DatabaseUrl, DatabaseError> {
        let no_cluster = || DatabaseError::NoCluster { home: self.home.path.clone() };
        if !self.home.has_cluster() {
            return Err(no_cluster());
        }
        let password = self.home.password()?;
        let port = self.home.port().ok_or_else(no_cluster)?;
        let text = format!("postgres://{NAME}:{password}@127.0.0.1:{port}/{database}");
        Ok(DatabaseUrl::from_str(&text).expect("a URL made of letters and digits"))
    }

    /// The binaries of the version that created the cluster.
    fn cluster_binaries(&self) -> Result<Binaries, DatabaseError> {
        let path = self.home.cluster().join("PG_VERSION");
        let text = fs::read_to_string(&path).map_err(failure("read", &path))?;
        Binaries::find(self.chosen_binaries.as_deref(), text.trim().parse().ok(), &self.home.account)
    }

    /// Creates the cluster under another name and renames it when it is complete, so
    /// that a crash leaves no incomplete one.
    fn make_cluster(&self, binaries: &Binaries) -> Result<(), DatabaseError> {
        let making = self.home.path.join("cluster.making");
        if making.exists() {
            fs::remove_dir_all(&making).map_err(failure("delete", &making))?;
        }
        let line = format!(
            "creating the private Postgres {} server in {}",
            binaries.version,
            self.home.path.display()
        );
        (self.tell)(&line);
        info!("{line}");
        self.home.make_password()?;
        let mut initdb = Command::new(binaries.program("initdb"));
        initdb
            .args(["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", NAME])
            .arg("--pwfile")
            .arg(self.home.password_file())
            .arg("--pgdata")
            .arg(&making);
        self.run("initdb", &mut initdb)?;
        let include = "\n# Written at each start.\ninclude = 'fhirmill.conf'\n";
        let path = making.join("postgresql.conf");
        let mut configuration = fs::read_to_string(&path).map_err(failure("read", &path))?;
        configuration.push_str(include);
        fs::write(&path, configuration).map_err(failure("write", &path))?;
        let cluster = self.home.cluster();
        fs::rename(&making, &cluster).map_err(failure("make", &cluster))
    }

    fn start_server(&self, binaries: &Binaries) -> Result<(), DatabaseError> {
        let mut port = self.home.port().filter(|port| is_free(*port));
        let mut failed = None;
        // Another process may take the port before the server does.
        for _ in 0..3 {
            let chosen = port.take().unwrap_or_else(free_port);
            self.home.remember_port(chosen)?;
            self.home.write("cluster/fhirmill.conf", &self.configuration(binaries, chosen))?;
            let mut start = self.pg_ctl(binaries, "start");
            start.args(["--wait", "--timeout=300", "--log"]).arg(self.home.log());
            match self.run("pg_ctl start", &mut start) {
                Ok(_) => {
                    info!(port = chosen, "started the private Postgres server on 127.0.0.1:{chosen}");
                    return Ok(());
                }
                Err(error) => failed = Some(error),
            }
            if is_free(chosen) {
                break;
            }
        }
        Err(failed.expect("the loop ran at least once"))
    }

    /// The settings that differ from Postgres' defaults.
    fn configuration(&self, binaries: &Binaries, port: u16) -> String {
        let socket_folder = self.home.path.to_string_lossy().replace('\'', "''");
        let socket_folder = if socket_folder.len() <= LONGEST_SOCKET_FOLDER { &socket_folder } else { "" };
        let shared_buffers = shared_buffers_mebibytes(memory_mebibytes());
        let max_connections = 100.max(self.workers * 3);
        let wal_compression = self.wal_compression(binaries);
        format!(
            "listen_addresses = '127.0.0.1'\n\
             port = {port}\n\
             unix_socket_directories = '{socket_folder}'\n\
             max_connections = {max_connections}\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             shared_buffers = '{shared_buffers}MB'\n\
             maintenance_work_mem = '256MB'\n\
             # Loading writes a lot of WAL: less frequent checkpoints keep it smaller.\n\
             max_wal_size = '4GB'\n\
             checkpoint_timeout = '15min'\n\
             wal_compression = {wal_compression}\n\
             log_checkpoints = off\n\
             # A failed statement and its message may quote patients' values.\n\
             log_min_messages = log\n\
             log_min_error_statement = panic\n\
             log_error_verbosity = terse\n"
        )
    }

    /// The compression of the WAL: LZ4 takes a tenth of the time of the algorithm that
    /// every server has, but not every server is built with it.
    fn wal_compression(&self, binaries: &Binaries) -> &'static str {
        let mut ask = Command::new(binaries.program("postgres"));
        ask.args(["-C", "wal_compression", "-c", "wal_compression=lz4", "-c", "config_file=/dev/null", "-D"])
            .arg(self.home.cluster());
        match self.output("postgres", &mut ask) {
            Ok(output) if output.status.success() => "lz4",
            _ => "on",
        }
    }

    /// Creates the database unless it exists: a crash may have come right after the
    /// cluster was created.
    fn make_database(&self) -> Result<(), DatabaseError> {
        let maintenance = self.url_of("postgres")?;
        let mut connection = connect(&maintenance)?;
        if !has_database(&mut connection)? {
            connection
                .batch_execute(&format!("create database {NAME}"))
                .map_err(|source| DatabaseError::Query { action: "create the database", source })?;
        }
        Ok(())
    }

    fn is_running(&self, binaries: &Binaries) -> Result<bool, DatabaseError> {
        let mut status = self.pg_ctl(binaries, "status");
        // Exit code 3 means that no server runs.
        let output = self.output("pg_ctl status", &mut status)?;
        Ok(output.status.success())
    }

    fn stop_server(&self, mode: &str) -> Result<bool, DatabaseError> {
        if !self.home.cluster().join("postmaster.pid").exists() {
            return Ok(false);
        }
        let binaries = self.cluster_binaries()?;
        if !self.is_running(&binaries)? {
            return Ok(false);
        }
        let mut stop = self.pg_ctl(&binaries, "stop");
        stop.args(["--wait", "--timeout=120", "--mode", mode]);
        self.run("pg_ctl stop", &mut stop)?;
        info!("stopped the private Postgres server");
        Ok(true)
    }

    fn pg_ctl(&self, binaries: &Binaries, action: &str) -> Command {
        let mut command = Command::new(binaries.program("pg_ctl"));
        command.arg(action).arg("--pgdata").arg(self.home.cluster());
        command
    }

    /// Runs a program of the server; an error if it fails.
    fn run(&self, program: &'static str, command: &mut Command) -> Result<(), DatabaseError> {
        let output = self.output(program, command)?;
        if output.status.success() {
            return Ok(());
        }
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text).trim().to_owned();
        Err(DatabaseError::Program { program, output: text, log: self.home.log() })
    }

    fn output(&self, program: &'static str, command: &mut Command) -> Result<Output, DatabaseError> {
        command.current_dir(&self.home.path).env("LC_ALL", "C").stdin(Stdio::null());
        let output = self.home.account.run_as(command).output();
        output.map_err(failure("run", Path::new(program)))
    }
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::Bool)]
    found: bool,
}

fn has_database(connection: &mut PgConnection) -> Result<bool, DatabaseError> {
    let question = format!("select exists (select from pg_database where datname = '{NAME}') as found");
    let answer: Found = sql_query(question)
        .get_result(connection)
        .map_err(|source| DatabaseError::Query { action: "check for the database", source })?;
    Ok(answer.found)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A free port: a recognizable one, or any.
fn free_port() -> u16 {
    for port in PORTS {
        if is_free(port) {
            return port;
        }
    }
    let any = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    any.map_or(PORTS.end, |address| address.port())
}

/// The machine's memory; 1 GiB where the kernel does not say.
fn memory_mebibytes() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kibibytes.unwrap_or(1 << 20) / 1024
}

/// A quarter of the memory, as the Postgres manual recommends, but no more than
/// 4 GB: the server shares the machine with the loader and with whatever else runs
/// on a laptop. It uses them as its tables grow.
fn shared_buffers_mebibytes(memory_mebibytes: u64) -> u64 {
    (memory_mebibytes / 4).clamp(128, 4096)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_grow_with_the_memory_within_bounds() {
        assert_eq!(shared_buffers_mebibytes(512), 128);
        assert_eq!(shared_buffers_mebibytes(8192), 2048);
        assert_eq!(shared_buffers_mebibytes(65_536), 4096);
        assert!(memory_mebibytes() > 0);
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
