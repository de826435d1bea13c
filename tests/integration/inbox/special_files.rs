//! What is not a regular file, what cannot be read, an archive on another file
//! system, and very many files.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{PATIENT, patient};
use crate::steps::{account, load_with_code};
use crate::support::TestEnvironment;

#[test]
fn links_pipes_sockets_and_devices_are_ignored() {
    let environment = TestEnvironment::new();
    environment.put("outside/p.json", PATIENT);
    fs::create_dir_all(environment.path("inbox/folder.json/empty")).unwrap();
    symlink(environment.path("outside/p.json"), environment.path("inbox/link.json")).unwrap();
    symlink(environment.path("outside"), environment.path("inbox/folder-link")).unwrap();
    symlink(environment.path("nowhere"), environment.path("inbox/broken-link.json")).unwrap();
    symlink(".", environment.path("inbox/itself")).unwrap();
    mkfifo(&environment.path("inbox/pipe.json"), Mode::S_IRWXU).unwrap();
    let _socket = UnixListener::bind(environment.path("inbox/socket.json")).unwrap();
    if Uid::effective().is_root() {
        use nix::sys::stat::{SFlag, makedev, mknod};
        let zeros = makedev(1, 5);
        mknod(&environment.path("inbox/zeros.json"), SFlag::S_IFCHR, Mode::S_IRUSR, zeros).unwrap();
    }
    let names = || {
        let entries = fs::read_dir(environment.path("inbox")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
    };
    let before = names();
    let mut run = environment.start(&mut environment.command(&["once", "--json"]));
    assert_eq!(run.wait(), 0);
    let summary: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(summary["run_id"], Value::Null);
    assert_eq!(names(), before);
}

/// A user who is not root and owns nothing.
const NOBODY: u32 = 65534;

#[test]
fn unreadable_files_do_not_affect_the_others() {
    let environment = TestEnvironment::new();
    environment.put("inbox/a.json", patient("a"));
    environment.put("inbox/closed.json", patient("b"));
    environment.put("inbox/closed/c.json", patient("c"));
    environment.put("inbox/d.json", patient("d"));
    let close = |mode: u32| {
        for path in ["inbox/closed.json", "inbox/closed"] {
            fs::set_permissions(environment.path(path), Permissions::from_mode(mode)).unwrap();
        }
    };
    close(0);
    // Root can read everything, so the program runs as another user.
    let mut once = environment.command(&["once", "--json"]);
    if Uid::effective().is_root() {
        for path in ["inbox", "archive", "rejects", "logs"] {
            std::os::unix::fs::chown(environment.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        for path in ["inbox/closed.json", "inbox/closed", "inbox/closed/c.json"] {
            std::os::unix::fs::chown(environment.path(path), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let binary = copy_for_everybody(&environment);
        once = as_nobody(once, &binary);
    }
    let run = environment.run_command(&mut once).expect_code(3);
    assert_eq!((&run.json()["loaded_files"], &run.json()["unreadable_files"]), (&2.into(), &2.into()));
    assert!(run.stderr.contains(
        "skipped closed.json in the inbox: it cannot be read and stays in the inbox: Permission denied"
    ));
    assert!(run.stderr.contains("skipped closed in the inbox: the folder cannot be read: Permission denied"));
    close(0o755);
    let run = environment.run_command(&mut once).expect_code(0);
    assert_eq!((&run.json()["loaded_files"], &run.json()["unreadable_files"]), (&2.into(), &0.into()));
    assert!(environment.inbox_is_empty());
    assert_eq!(environment.value("select string_agg(fhir_id, ' ' order by fhir_id) from patient"), "a b c d");
}

/// Copies the binary: if root built it, other users may be unable to reach it.
fn copy_for_everybody(environment: &TestEnvironment) -> PathBuf {
    let binary = environment.path("binary");
    fs::copy(crate::support::BINARY, &binary).unwrap();
    binary
}

/// The same command, run by a user who is not root.
fn as_nobody(command: Command, binary: &Path) -> Command {
    let mut other = Command::new(binary);
    other.args(command.get_args()).current_dir(command.get_current_dir().unwrap());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    other.uid(NOBODY).gid(NOBODY);
    other
}

#[test]
fn files_are_copied_to_an_archive_on_another_file_system() {
    let shared_memory = Path::new("/dev/shm");
    let environment = TestEnvironment::new();
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    if device(shared_memory).is_none() || device(shared_memory) == device(&environment.path("inbox")) {
        eprintln!("not tested: there is no other file system");
        return;
    }
    let elsewhere = tempfile::tempdir_in(shared_memory).unwrap();
    for folder in ["archive", "rejects"] {
        fs::remove_dir(environment.path(folder)).unwrap();
        fs::create_dir(elsewhere.path().join(folder)).unwrap();
        symlink(elsewhere.path().join(folder), environment.path(folder)).unwrap();
    }
    let quiet = TestEnvironment::new();
    let longest = format!("{}.json", "n".repeat(250));
    let (one, two) = (patient("one"), patient("two"));
    let files = [
        ("p.json", one.as_bytes()),
        (longest.as_str(), two.as_bytes()),
        ("broken.json", b"no JSON".as_slice()),
    ];
    for environment in [&environment, &quiet] {
        load_with_code(environment, &files, 3);
        // Delivered again, it is copied over itself.
        load_with_code(environment, &files[..1], 0);
    }
    assert_eq!(environment.outcome(), quiet.outcome());
    assert_eq!(environment.run(&["show", "Patient/one"]).expect_code(0).stdout, one);
}

/// `make many-files`: a scan, and every step after it, takes little memory for
/// each file.
#[test]
#[ignore = "takes minutes: make many-files"]
fn a_great_many_files_take_little_memory() {
    const FILES: usize = 200_000;
    let environment = TestEnvironment::new();
    for number in 0..FILES {
        // Every hundredth has a patient, the others are empty.
        let content = if number % 100 == 0 { patient(&format!("p{number}")) } else { String::new() };
        fs::write(environment.path(&format!("inbox/delivery-{number:07}.json")), content).unwrap();
    }
    let mut run = environment.start(&mut environment.command(&["once", "--json"]));
    let status = format!("/proc/{}/status", run.pid());
    let mut peak = 0;
    while run.is_running() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        peak = peak.max(line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap_or_default());
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(run.wait(), 0);
    let summary: Value = serde_json::from_str(&run.stdout()).unwrap();
    assert_eq!(account(&summary), [("inserted", FILES as u64 / 100)]);
    assert!(environment.inbox_is_empty());
    eprintln!("{FILES} files took at most {} MB", peak / 1024);
    assert!(peak < 200 << 10, "{peak} kB for {FILES} files");
}
