//! Clusters that are *prepared* once and copied for each environment with a server of its own:
//! making one takes seconds, and migrating its database takes more.
//!
//! Copies have the same password and system identifier. They do without fsync: tests kill servers,
//! not the machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use super::server::{self, execute, folder_of_this_run, password_of};
use super::{clean_command, verifier};

/// What is in the database of a prepared cluster.
#[derive(Clone, Copy)]
pub enum Prepared {
    /// Nothing, as before the first command.
    Empty,
    /// The tables, and all indexes.
    Migrated,
}

/// The settings of prepared clusters. Little is left of their logs of changes, which are copied, too.
const SETTINGS: [&str; 8] = [
    "fsync = off",
    "full_page_writes = off",
    "shared_buffers = '128MB'",
    "min_wal_size = '32MB'",
    "wal_compression = off",
    "wal_init_zero = off",
    "wal_recycle = off",
    "jit = off",
];

/// Puts a copy into a folder: its server is not running, and has the port that the folder says.
pub fn put(prepared: Prepared, folder: &Path, port: u16) {
    static EMPTY: LazyLock<PathBuf> = LazyLock::new(|| prepare(Prepared::Empty));
    static MIGRATED: LazyLock<PathBuf> = LazyLock::new(|| prepare(Prepared::Migrated));
    let original: &Path = match prepared {
        Prepared::Empty => &EMPTY,
        Prepared::Migrated => &MIGRATED,
    };
    let data = folder.join("data");
    fs::create_dir_all(&data).unwrap();
    let copied = Command::new("cp").arg("-a").arg(original).arg(&data).status().unwrap();
    assert!(copied.success(), "cannot copy a prepared cluster");
    fs::write(data.join("postgres/port"), format!("{port}\n")).unwrap();
}

/// Makes a cluster; returns its folder.
fn prepare(prepared: Prepared) -> PathBuf {
    let name = match prepared {
        Prepared::Empty => "empty",
        Prepared::Migrated => "migrated",
    };
    let folder = folder_of_this_run().join(name);
    fs::create_dir_all(&folder).unwrap();
    server::open_to_all(&folder);
    let run = |arguments: &[&str]| {
        let mut command = clean_command();
        command.args(arguments).current_dir(&folder);
        command.arg("--data-dir").arg(folder.join("data")).arg("--log-dir").arg(folder.join("logs"));
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "cannot prepare a cluster:\n{errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let home = folder.join("data/postgres");
    fs::create_dir_all(&home).unwrap();
    fs::write(home.join("port"), format!("{}\n", server::port_of_its_own())).unwrap();
    run(&["database", "start"]);
    let url = run(&["database", "url"]);
    for setting in SETTINGS {
        execute(&url, &format!("alter system set {setting}"));
    }
    let quick = verifier::quick(&password_of(&url));
    execute(&url, &format!("alter role current_user password '{quick}'"));
    run(&["database", "stop"]);
    if let Prepared::Migrated = prepared {
        run(&["database", "start"]);
        run(&["migrate", "up"]);
        run(&["indexes", "build"]);
        // Of hundreds of segments one is left.
        execute(&run(&["database", "url"]), "checkpoint");
        run(&["database", "stop"]);
    }
    home
}
