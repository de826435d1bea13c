//! Files that change after the scan, or are still being written.

use std::fs::{self, File, FileTimes, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use pretty_assertions::assert_eq;
use serde_json::Value;

use super::{PATIENT, patient};
use crate::steps::{load, load_with_code};
use crate::support::{Outcome, TestEnvironment, wait_until};

/// The length of a narrative, which makes many batches of a few dozen lines.
const NARRATIVE_BYTES: usize = 32 << 10;

/// Patients a1, a2, … as NDJSON: three megabytes, of which the reader has read
/// little while the first batch is blocked.
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

/// Loads the inbox and disturbs it while the first batch is blocked. Returns
/// the summary.
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

/// The result of loading the files one after the other, undisturbed.
#[track_caller]
fn undisturbed(files: &[(&str, &str)]) -> TestEnvironment {
    let environment = TestEnvironment::new();
    for (name, content) in files {
        load(&environment, &[(name, content.as_bytes())]);
    }
    environment
}

/// The rows of the clinical tables.
#[track_caller]
fn clinical(environment: &TestEnvironment) -> Outcome {
    environment.tables().into_iter().filter(|(table, _)| table.starts_with("public.")).collect()
}

/// Path, status and number of records of each file in the ledger.
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
    // The content written meanwhile; the exit code of the next scan, which
    // finds a truncated last line in the half; and what is delivered then.
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

/// The number of files that are claimed together. Later ones are opened when
/// these have been read.
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
    // Not even a sender whose clock is ahead and who sets modification times can
    // make a file look settled.
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
            // Triggers a scan, which finds the file unsettled.
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
