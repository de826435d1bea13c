//! The inbox's oddities: files that change while they are read, names that
//! nobody should give, and what is no file at all. None may cost its
//! neighbours anything, stop the run, or leave other rows than a quiet inbox.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File, FileTimes, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, mkfifo};
use pretty_assertions::assert_eq;
use serde_json::Value;

use crate::road::{account, load, load_with_code};
use crate::support::{Outcome, TestEnvironment, wait_until};

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","gender":"female"}"#;

/// So long is a narrative that a few dozen lines are many batches.
const NARRATIVE_BYTES: usize = 32 << 10;

fn patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\"}}\n")
}

/// Patients a1, a2, … as NDJSON: three megabytes, of which the reader has
/// seen little when the first batch is held up.
fn long_file(letter: char) -> String {
    let narrative = "x".repeat(NARRATIVE_BYTES);
    let line = |number| {
        format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"{letter}{number}\",\
             \"text\":{{\"status\":\"generated\",\"div\":\"<div>{narrative}</div>\"}}}}\n"
        )
    };
    (1..=96).map(line).collect()
}

/// Loads the inbox, and does something to it while the first batch is held up.
/// Gives the summary.
#[track_caller]
fn load_disturbed(environment: &TestEnvironment, code: i32, disturb: impl FnOnce()) -> Value {
    let lock = environment.hold("patient");
    let mut run = environment.start(&mut environment.command(&[
        "once",
        "--json",
        "--workers",
        "1",
        "--batch-bytes",
        "64KiB",
    ]));
    environment.wait_until_held_off();
    disturb();
    drop(lock);
    assert_eq!(run.wait(), code, "{}{}", run.stdout(), run.stderr());
    serde_json::from_str(&run.stdout()).unwrap()
}

/// What a quiet inbox gives, into which the files are dropped one after the
/// other.
#[track_caller]
fn undisturbed(files: &[(&str, &str)]) -> TestEnvironment {
    let environment = TestEnvironment::new();
    for (name, content) in files {
        load(&environment, &[(name, content.as_bytes())]);
    }
    environment
}

/// The rows of the tables that analysts see.
#[track_caller]
fn clinical(environment: &TestEnvironment) -> Outcome {
    environment.tables().into_iter().filter(|(table, _)| table.starts_with("public.")).collect()
}

/// Path, status and records of the ledger's files.
#[track_caller]
fn ledger(environment: &TestEnvironment) -> Vec<Vec<String>> {
    environment.query("select path, status, seen from etl.load_file order by id")
}

#[test]
fn a_file_replaced_while_it_is_read_is_read_again() {
    let (old, new) = (long_file('a'), patient("b1"));
    let environment = TestEnvironment::new();
    environment.put("inbox/p.ndjson", &old);
    let summary = load_disturbed(&environment, 3, || {
        environment.put("next", &new);
        fs::rename(environment.path("next"), environment.path("inbox/p.ndjson")).unwrap();
    });
    assert_eq!((&summary["changed_files"], &summary["loaded_files"]), (&1.into(), &0.into()));
    assert_eq!(fs::read_to_string(environment.path("inbox/p.ndjson")).unwrap(), new);
    load(&environment, &[]);
    assert_eq!(ledger(&environment), [["p.ndjson", "abandoned", "0"], ["p.ndjson", "loaded", "1"]]);
    let quiet = undisturbed(&[("p.ndjson", &old), ("p.ndjson", &new)]);
    assert_eq!(clinical(&environment), clinical(&quiet));
    assert!(environment.inbox_is_empty());
}

#[test]
fn a_file_truncated_or_extended_while_it_is_read_is_read_again() {
    let whole = long_file('a');
    let (half, _) = whole.split_at(whole.len() / 2);
    let longer = whole.clone() + &patient("b1");
    // What is written to it meanwhile; the exit code of the next look, which
    // finds the half's last line broken; and what the sender delivers then.
    for (meanwhile, code, last) in [(half, 3, Some(whole.as_str())), (longer.as_str(), 0, None)] {
        let environment = TestEnvironment::new();
        let path = environment.put("inbox/p.ndjson", &whole);
        let summary = load_disturbed(&environment, 3, || {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.set_len(whole.len().min(meanwhile.len()) as u64).unwrap();
            file.write_all(&meanwhile.as_bytes()[whole.len().min(meanwhile.len())..]).unwrap();
        });
        assert_eq!(summary["changed_files"], 1);
        assert_eq!(fs::read_to_string(&path).unwrap(), meanwhile);
        load_with_code(&environment, &[], code);
        assert!(environment.inbox_is_empty());
        load(&environment, last.map(|content| ("p.ndjson", content.as_bytes())).as_slice());
        let quiet = undisturbed(&[("p.ndjson", last.unwrap_or(meanwhile))]);
        assert_eq!(clinical(&environment), clinical(&quiet));
        let statuses: Vec<String> = ledger(&environment).into_iter().map(|mut file| file.remove(1)).collect();
        let expected = ["abandoned", "loaded", "loaded"];
        assert_eq!(statuses, expected[..2 + usize::from(last.is_some())]);
    }
}

#[test]
fn a_file_deleted_or_renamed_while_it_is_read_loads_when_it_comes_back() {
    let content = long_file('a');
    let quiet = undisturbed(&[("again.ndjson", &content)]).outcome();
    for is_deleted in [true, false] {
        let environment = TestEnvironment::new();
        let path = environment.put("inbox/p.ndjson", &content);
        let again = environment.path("inbox/again.ndjson");
        let summary = load_disturbed(&environment, 3, || match is_deleted {
            true => fs::remove_file(&path).unwrap(),
            false => fs::rename(&path, &again).unwrap(),
        });
        assert_eq!(summary["changed_files"], 1);
        fs::write(&again, &content).unwrap();
        assert_eq!(load(&environment, &[])["loaded_files"], 1);
        assert_eq!(environment.outcome(), quiet);
    }
}

/// So many files are claimed together; those behind them are looked at when
/// the first are read.
const CLAIMED_TOGETHER: usize = 500;

#[test]
fn a_file_replaced_by_a_link_or_pipe_after_the_scan_is_not_opened() {
    let environment = TestEnvironment::new();
    environment.put("outside.json", PATIENT);
    environment.put("inbox/a.ndjson", long_file('a'));
    for number in 1..CLAIMED_TOGETHER {
        environment.put(&format!("inbox/b{number:03}.json"), patient(&format!("b{number}")));
    }
    let [gone, link, pipe, kept] = ["gone", "link", "pipe", "x"]
        .map(|name| environment.put(&format!("inbox/c-{name}.json"), patient(name)));
    let summary = load_disturbed(&environment, 3, || {
        for path in [&gone, &link, &pipe] {
            fs::remove_file(path).unwrap();
        }
        symlink(environment.path("outside.json"), &link).unwrap();
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    });
    assert_eq!((&summary["unreadable_files"], &summary["loaded_files"]), (&2.into(), &501.into()));
    assert_eq!(
        environment.value("select count(*) from patient where fhir_id in ('p1', 'gone', 'link', 'pipe')"),
        "0"
    );
    assert!(link.is_symlink() && pipe.exists() && !kept.exists());
}

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

/// Names in the inbox, as bytes, and how they are shown.
fn odd_names() -> Vec<(Vec<u8>, String)> {
    let longest = format!("{}.json", "n".repeat(250));
    vec![
        (b"caf\xe9.json".to_vec(), "caf%e9.json".to_owned()),
        (b"source\xff/p.json".to_vec(), "source%ff/p.json".to_owned()),
        (b"source\xfe/p.json".to_vec(), "source%fe/p.json".to_owned()),
        (
            b"a\n2026-01-01T00:00:00Z ERROR forged.json".to_vec(),
            "a%0a2026-01-01T00:00:00Z ERROR forged.json".to_owned(),
        ),
        (b"esc\x1b[2J.json".to_vec(), "esc%1b[2J.json".to_owned()),
        (b"it's \"quoted\" $(x); --.json".to_vec(), "it's \"quoted\" $(x); --.json".to_owned()),
        (longest.clone().into_bytes(), longest),
    ]
}

#[test]
fn files_with_unusual_names_load_and_stay_distinguishable() {
    let environment = TestEnvironment::new();
    for (number, (name, _)) in odd_names().iter().enumerate() {
        let path = environment.path("inbox").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, patient(&format!("p{number}"))).unwrap();
    }
    let summary = load(&environment, &[]);
    assert_eq!(summary["loaded_files"], odd_names().len());
    let mut expected: Vec<String> = odd_names().into_iter().map(|(_, shown)| shown).collect();
    expected.sort();
    let mut found: Vec<String> = environment.query("select path from etl.load_file").concat();
    found.sort();
    assert_eq!(found, expected);
    let sources = "select string_agg(code, ' ' order by code) from etl.source";
    assert_eq!(environment.value(sources), "default source%fe source%ff");
    assert!(environment.inbox_is_empty());
    let archived = environment.listing().iter().filter(|path| path.starts_with("archive/")).count();
    assert_eq!(archived, odd_names().len());
    let log = environment.listing().into_iter().find(|path| path.starts_with("logs/")).unwrap();
    let log = fs::read_to_string(environment.path(&log)).unwrap();
    assert!(log.contains("caf%e9.json") && !log.contains('\x1b'), "{log}");
    assert!(log.lines().all(|line| line.contains(" INFO fhirmill")), "{log}");
}

#[test]
fn rejects_from_a_folder_with_an_unusual_name_are_retried_from_there() {
    let environment = TestEnvironment::new();
    let folder = environment.path("inbox").join(OsStr::from_bytes(b"source\xff"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("p.json"), r#"{"resourceType":"Patient","id":"p1","birthDate":"soon"}"#).unwrap();
    environment.run(&["once"]).expect_code(3);
    environment.run(&["retry"]).expect_code(3);
    let files = "select string_agg(path, ' ' order by id) from etl.load_file";
    assert_eq!(environment.value(files), "source%ff/p.json source%ff/retry-1.json");
    assert_eq!(environment.value("select count(*) from etl.source"), "2");
}

#[test]
fn the_longest_names_leave_room_for_a_hash_and_a_report() {
    let name = format!("{}.json", "n".repeat(250));
    let environment = TestEnvironment::new();
    for folder in ["one", "two"] {
        environment.put(&format!("inbox/north/{folder}/{name}"), patient(folder));
        environment.put(&format!("inbox/south/{folder}/{name}"), format!("no JSON in {folder}"));
    }
    let summary = load_with_code(&environment, &[], 3);
    assert_eq!((&summary["loaded_files"], &summary["rejected_files"]), (&2.into(), &2.into()));
    assert!(environment.inbox_is_empty());
    let count = |folder: &str| environment.listing().iter().filter(|path| path.starts_with(folder)).count();
    assert_eq!((count("archive/"), count("rejects/south/")), (2, 4));
}

#[test]
fn files_with_equal_names_and_different_content_are_all_kept() {
    let environment = TestEnvironment::new();
    let contents = ["one", "two", "three"].map(patient);
    environment.put("inbox/north/a/p.json", &contents[0]);
    environment.put("inbox/north/b/p.json", &contents[1]);
    load(&environment, &[]);
    load(&environment, &[("north/a/p.json", contents[2].as_bytes())]);
    assert_eq!(environment.value("select count(*) from patient"), "3");
    let archived: Vec<PathBuf> = environment
        .query("select 'archive/' || archive_path from etl.load_file order by id")
        .concat()
        .into_iter()
        .map(|path| environment.path(&path))
        .collect();
    let found = archived.iter().map(|path| fs::read_to_string(path).unwrap()).collect::<Vec<_>>();
    assert_eq!(found, contents);
    for id in ["one", "two", "three"] {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0);
        assert_eq!(shown.stdout, patient(id));
    }
}

/// A user who is not root, and owns nothing.
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
    // Root may read everything, so the program runs as somebody else.
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
    assert!(run.stderr.contains("closed.json cannot be read and stays in the inbox: Permission denied"));
    assert!(run.stderr.contains("the folder closed of the inbox cannot be read: Permission denied"));
    close(0o755);
    let run = environment.run_command(&mut once).expect_code(0);
    assert_eq!((&run.json()["loaded_files"], &run.json()["unreadable_files"]), (&2.into(), &0.into()));
    assert!(environment.inbox_is_empty());
    assert_eq!(environment.value("select string_agg(fhir_id, ' ' order by fhir_id) from patient"), "a b c d");
}

/// Where root built it, others may be unable to get at the binary.
fn copy_for_everybody(environment: &TestEnvironment) -> PathBuf {
    let binary = environment.path("binary");
    fs::copy(crate::support::BINARY, &binary).unwrap();
    binary
}

/// The same command, of somebody who is not root.
fn as_nobody(command: std::process::Command, binary: &Path) -> std::process::Command {
    let mut other = std::process::Command::new(binary);
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
        eprintln!("not tried: there is no other file system at hand");
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

#[test]
fn a_file_dated_in_the_future_or_past_is_not_held_back() {
    let environment = TestEnvironment::new();
    let day = Duration::from_secs(24 * 60 * 60);
    let times = [
        ("future", SystemTime::now() + 400 * day),
        ("past", SystemTime::UNIX_EPOCH + day),
        ("before-1970", SystemTime::UNIX_EPOCH - 1000 * day),
    ];
    for (name, time) in times {
        let path = environment.put(&format!("inbox/{name}.json"), patient(name));
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_times(FileTimes::new().set_modified(time))
            .unwrap();
    }
    let mut command = environment.command(&["run", "--settle-seconds", "1", "--watch", "off"]);
    let service = environment.start(&mut command);
    wait_until("all are taken", || environment.inbox_is_empty());
    assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
    assert_eq!(environment.value("select count(*) from patient"), "3");
}

#[test]
fn a_file_that_is_still_being_written_is_loaded_when_it_is_complete() {
    // A sender whose clock is ahead, and who sets the times of what it writes,
    // cannot make a file look settled.
    for is_ahead in [false, true] {
        let environment = TestEnvironment::new();
        let service = environment.start(&mut environment.command(&["run", "--settle-seconds", "1"]));
        wait_until("the service watches", || service.stdout().contains("watching"));
        let mut file = File::create(environment.path("inbox/p.ndjson")).unwrap();
        let mut written = String::new();
        for number in 1..=10 {
            let line = patient(&format!("p{number}"));
            let (one, other) = line.split_at(line.len() / 2);
            for part in [one, other] {
                file.write_all(part.as_bytes()).unwrap();
                if is_ahead {
                    let ahead = SystemTime::now() + Duration::from_secs(3600);
                    file.set_times(FileTimes::new().set_modified(ahead)).unwrap();
                }
                thread::sleep(Duration::from_millis(150));
            }
            written += &line;
            // Looks that find it unsettled: another file closes beside it.
            environment.put(&format!("inbox/other{number}.json"), patient(&format!("other{number}")));
        }
        drop(file);
        wait_until("it is taken", || environment.inbox_is_empty());
        assert_eq!(service.end(Signal::SIGTERM).code(), Some(0));
        let account = "select seen, inserted, rejected from etl.load_file where path = 'p.ndjson'";
        assert_eq!(environment.query(account), [["10", "10", "0"]]);
        let archive_path =
            environment.value("select 'archive/' || archive_path from etl.load_file where path = 'p.ndjson'");
        assert_eq!(fs::read_to_string(environment.path(&archive_path)).unwrap(), written);
    }
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
