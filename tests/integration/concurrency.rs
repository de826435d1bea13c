//! Concurrent processes: on one inbox, and on one database with files of the
//! same resources. The rules of order decide, not the timing.

use std::collections::BTreeSet;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use crate::chaos::Dice;
use crate::delivery;
use crate::support::state::{State, assert_same};
use crate::support::{TestEnvironment, execute};

/// More than a third of a batch, so that batches are short.
fn padding() -> String {
    "pad ".repeat(6000)
}

fn start(environment: &TestEnvironment, arguments: &[&str], settings: &[(&str, &str)]) -> Child {
    let mut command = environment.command(arguments);
    command.envs(delivery::SETTINGS).envs(settings.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Requires every process to end with one of the codes and without a deadlock.
#[track_caller]
fn expect_ends(children: Vec<Child>, codes: &[i32]) -> Vec<Output> {
    let outputs: Vec<Output> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
    for output in &outputs {
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code().is_some_and(|code| codes.contains(&code)), "{}: {told}", output.status);
        assert!(!told.contains("deadlock"), "{told}");
    }
    outputs
}

fn undisturbed() -> State {
    let environment = TestEnvironment::new();
    delivery::put_first(&environment);
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    delivery::put(&environment);
    expect_ends(vec![start(&environment, &["once"], &[])], &[3]);
    State::of(&environment)
}

/// Requires the state of an undisturbed run. Of two files with the same content
/// exactly one is loaded and kept in the archive, but either may be the one: a
/// process may claim the second file after another process has died with the
/// first.
#[track_caller]
fn assert_undisturbed(found: &State, wanted: &State, when: &str) {
    let [first, second] = delivery::SAME_CONTENT;
    if *found != wanted.with_names_swapped(first, second) {
        assert_same(found, wanted, when);
    }
}

#[test]
fn processes_share_an_inbox_and_one_of_them_dies() {
    let wanted = undisturbed();
    for processes in [2, 4] {
        let environment = TestEnvironment::new();
        delivery::put_first(&environment);
        expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
        delivery::put(&environment);
        // Whoever gets the files dies after its second batch.
        let mortal = [("FAILPOINTS", "committed=1*off->return")];
        let killed: Vec<Child> = (0..processes).map(|_| start(&environment, &["once"], &mortal)).collect();
        let killed: Vec<Output> = killed.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        assert!(killed.iter().any(|output| output.status.code().is_none()), "{killed:?}");
        let living = (0..processes).map(|_| start(&environment, &["once"], &[])).collect();
        expect_ends(living, &[0, 3]);
        expect_ends(vec![start(&environment, &["once"], &[])], &[0, 3]);
        assert_undisturbed(&State::of(&environment), &wanted, &format!("{processes} processes"));

        // What is loaded already is archived by whoever comes first.
        for number in 0..40 {
            environment.put(&format!("inbox/first-{number}.ndjson"), "");
            std::fs::copy(
                environment.path("archive").join(day(&environment)).join("default/a-many.ndjson"),
                environment.path(&format!("inbox/again-{number}.ndjson")),
            )
            .unwrap();
        }
        expect_ends((0..processes).map(|_| start(&environment, &["once"], &[])).collect(), &[0]);
        expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
        assert!(
            environment.listing().iter().all(|path| !path.starts_with("inbox/")),
            "{:?}",
            environment.listing()
        );
        assert_same(&State::of(&environment).tables(), &wanted.tables(), "after duplicates");
    }
}

fn day(environment: &TestEnvironment) -> String {
    let mut days = std::fs::read_dir(environment.path("archive")).unwrap();
    days.next().unwrap().unwrap().file_name().into_string().unwrap()
}

#[test]
fn once_may_run_beside_a_service_that_scans_every_second() {
    let wanted = undisturbed();
    let environment = TestEnvironment::new();
    delivery::put_first(&environment);
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    delivery::put(&environment);
    // Every batch takes long: several ticks come while the look goes on.
    let slow = [("SCHEDULE", "* * * * * *"), ("FAILPOINTS", "committed=sleep(700)")];
    let mut service = start(&environment, &["run"], &slow);
    thread::sleep(Duration::from_millis(1000));
    expect_ends(vec![start(&environment, &["once"], &[])], &[0, 3]);
    while environment.listing().iter().any(|path| path.starts_with("inbox/")) {
        assert!(service.try_wait().unwrap().is_none(), "the service ended");
        thread::sleep(Duration::from_millis(100));
    }
    thread::sleep(Duration::from_millis(500));
    kill(Pid::from_raw(service.id() as i32), Signal::SIGTERM).unwrap();
    expect_ends(vec![service], &[0]);
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    assert_undisturbed(&State::of(&environment), &wanted, "a service and once");
}

fn version(id: &str, number: u64, padding: &str) -> Value {
    json!({"resourceType": "Patient", "id": id,
        "meta": {"versionId": number.to_string(), "lastUpdated": format!("2024-01-01T{:02}:00:00Z", number / 2)},
        "name": [{"family": format!("{id}-{number}")}],
        "address": [{"text": padding}],
        "generalPractitioner": [{"reference": format!("Practitioner/d{number}")}]})
}

/// Versions 0 to 11 of eight patients in twelve files, which four processes
/// load concurrently from separate inboxes. At equal times the higher version
/// wins.
fn load_versions_at_once(seeds: std::ops::RangeInclusive<u64>) {
    for seed in seeds {
        let mut dice = Dice::new(seed);
        let environment = TestEnvironment::new();
        let padding = padding();
        let mut files = vec![Vec::new(); 12];
        for patient in 0..8 {
            let mut order: Vec<u64> = (0..12).collect();
            for (file, left) in (1..=12).rev().enumerate() {
                let number = order.remove(dice.below(left) as usize);
                let at = dice.below(files[file].len() as u64 + 1) as usize;
                files[file].insert(at, version(&format!("p{patient}"), number, &padding).to_string());
            }
        }
        for (number, lines) in files.iter().enumerate() {
            environment.put(&format!("inbox-{}/{number}.ndjson", number % 4), lines.join("\n"));
        }
        let inboxes: Vec<String> = (0..4).map(|number| format!("inbox-{number}")).collect();
        let start = |inbox: &String| start(&environment, &["once"], &[("INBOX_DIR", inbox)]);
        expect_ends(inboxes.iter().map(start).collect(), &[0]);

        let last: Vec<Vec<String>> =
            (0..8).map(|patient| vec![format!("p{patient}-11"), "11".to_owned()]).collect();
        let found = "select n.family, r.version_id from patient_name n join etl.resource r on r.id = n.patient_id order by 1";
        assert_eq!(environment.query(found), last, "seed {seed}");
        assert_eq!(
            environment
                .value("select sum(seen) || ' ' || sum(inserted + updated + stale) from etl.load_file"),
            "96 96"
        );
        // Every content that was in the tables and is no more is in the history, once.
        let history = "select r.fhir_id, r.revision - 1 as superseded, count(h.family) as kept, count(distinct h.family) as names \
            from etl.resource r left join patient_name_history h on h.patient_id = r.id \
            where r.resource_type = 'Patient' group by 1, 2 order by 1";
        for row in environment.query(history) {
            assert!(
                row[1] == row[2] && row[2] == row[3],
                "seed {seed}: patient, superseded, kept, names: {row:?}"
            );
        }
        environment.run(&["check"]).expect_code(0);
    }
}

#[test]
fn versions_loaded_concurrently_keep_their_order() {
    load_versions_at_once(1..=1);
}

#[test]
#[ignore = "takes minutes: make chaos"]
fn versions_loaded_concurrently_keep_their_order_with_many_seeds() {
    load_versions_at_once(2..=25);
}

/// Loads three files from separate inboxes. The second is delayed at that step
/// until the third is done or waits for it.
fn load_overtaken(environment: &TestEnvironment, step: &str, texts: [String; 3]) {
    for (number, text) in texts.iter().enumerate() {
        // A blank more makes it a file of its own, whatever the others say.
        environment.put(&format!("inbox-{number}/{number}.json"), text.clone() + &" ".repeat(number));
    }
    let start = |inbox: &str, failpoints: &str| {
        start(environment, &["once"], &[("INBOX_DIR", inbox), ("FAILPOINTS", failpoints)])
    };
    expect_ends(vec![start("inbox-0", "")], &[0]);
    let second = start("inbox-1", &format!("{step}=sleep(4000)"));
    let is_open = "select count(*) from etl.load_file where status = 'loading'";
    while environment.value(is_open) == "0" {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(Duration::from_millis(700));
    let third = start("inbox-2", "");
    expect_ends(vec![second, third], &[0]);
}

#[test]
fn the_latest_file_wins_even_if_it_repeats_the_first_and_overtook_the_second() {
    let environment = TestEnvironment::new();
    let patient = |gender: &str| json!({"resourceType": "Patient", "id": "p", "gender": gender}).to_string();
    load_overtaken(&environment, "keys-given", ["male", "female", "male"].map(patient));
    assert_eq!(environment.value("select gender from patient where fhir_id = 'p'"), "male");
    let file =
        "select f.path from etl.resource r join etl.load_file f on f.id = r.file_id where r.fhir_id = 'p'";
    assert_eq!(environment.value(file), "2.json");
}

#[test]
fn repeated_content_wins_over_a_batch_read_before_and_loaded_after_it() {
    let environment = TestEnvironment::new();
    let patient = |gender: &str| json!({"resourceType": "Patient", "id": "p", "gender": gender}).to_string();
    let filler = |id: &str, kilobytes: usize| {
        json!({"resourceType": "Basic", "id": id, "code": {"text": "pad ".repeat(256 * kilobytes)}})
            .to_string()
    };
    let known = [filler("known", 400), patient("male")].join("\n");
    environment.put("inbox/a.ndjson", &known);
    let settings = [("BATCH_BYTES", "1MiB"), ("WORKERS", "2")];
    expect_ends(vec![start(&environment, &["once"], &settings)], &[0]);
    // One batch each: the first is held up until the second is through, of which
    // nothing is written.
    environment.put("inbox/b.ndjson", [patient("female"), filler("new", 900)].join("\n"));
    environment.put("inbox/c.ndjson", format!("{known}\n\n"));
    let held = [settings[0], settings[1], ("FAILPOINTS", "keys-given=1*sleep(3000)")];
    expect_ends(vec![start(&environment, &["once"], &held)], &[0]);
    assert_eq!(environment.value("select gender from patient"), "male");
    assert_eq!(
        environment
            .query("select path, inserted, updated, unchanged, stale from etl.load_file order by path"),
        [
            ["a.ndjson", "2", "0", "0", "0"],
            ["b.ndjson", "1", "0", "0", "1"],
            ["c.ndjson", "0", "0", "2", "0"],
        ]
    );
    assert_eq!(environment.value("select max(file_id) from etl.resource where fhir_id = 'known'"), "1");
}

#[test]
fn a_version_replaced_while_the_next_one_waited_is_in_the_history() {
    let environment = TestEnvironment::new();
    load_overtaken(
        &environment,
        "decided",
        [0, 2, 4].map(|number| version("p", number, "Mill Road").to_string()),
    );
    assert_eq!(environment.value("select revision from etl.resource where fhir_id = 'p'"), "3");
    assert_eq!(environment.query("select family from patient_name"), [["p-4"]]);
    let history = "select family, (valid_from at time zone 'UTC')::time::text as since, \
        (valid_to at time zone 'UTC')::time::text as until from patient_name_history order by valid_from, family";
    assert_eq!(
        environment.query(history),
        [["p-0", "00:00:00", "01:00:00"], ["p-2", "01:00:00", "02:00:00"]]
    );
}

#[test]
fn a_file_that_replaces_one_being_loaded_is_loaded_too() {
    let environment = TestEnvironment::new();
    let named = |id: &str| json!({"resourceType": "Patient", "id": id}).to_string();
    environment.put("inbox/today.json", named("early"));
    let slow = start(&environment, &["once"], &[("FAILPOINTS", "finished=sleep(3000)")]);
    while environment.value("select count(*) from etl.load_file where status = 'loaded'") == "0" {
        thread::sleep(Duration::from_millis(50));
    }
    // Under the same name, as a nightly job does that is run twice.
    environment.put("today", named("late"));
    std::fs::rename(environment.path("today"), environment.path("inbox/today.json")).unwrap();
    expect_ends(vec![slow], &[0]);
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    assert_eq!(environment.query("select fhir_id from patient order by 1"), [["early"], ["late"]]);
    assert!(!environment.path("inbox/today.json").exists());
}

#[test]
fn files_with_equal_names_moved_by_two_processes_are_both_kept() {
    let environment = TestEnvironment::new();
    let named = |id: &str| json!({"resourceType": "Patient", "id": id}).to_string();
    // The second is overtaken when the ledger knows where it will lie.
    let second = |failpoints: &str| {
        start(&environment, &["once"], &[("INBOX_DIR", "inbox-2"), ("FAILPOINTS", failpoints)])
    };
    environment.put("inbox-2/north/today.json", named("second"));
    environment.put("inbox-2/north/broken.json", "no JSON");
    let slow = second("noted=1*sleep(3000)");
    while environment.value("select count(*) from etl.load_file where archive_path is not null") != "2" {
        thread::sleep(Duration::from_millis(50));
    }
    environment.put("inbox/north/today.json", named("first"));
    environment.put("inbox/north/broken.json", "no JSON either");
    expect_ends(vec![start(&environment, &["once"], &[])], &[3]);
    expect_ends(vec![slow], &[3]);
    for id in ["first", "second"] {
        let shown = environment.run(&["show", &format!("Patient/{id}")]).expect_code(0).stdout;
        assert_eq!(shown.trim_end(), named(id));
    }
    let places = environment
        .query("select id, 'rejects/' || archive_path from etl.load_file where path = 'north/broken.json'");
    let texts = places.iter().map(|row| {
        let report = std::fs::read_to_string(environment.path(&format!("{}.report.txt", row[1]))).unwrap();
        assert!(report.contains(&format!("rejects --file {}\n", row[0])), "{row:?}: {report}");
        std::fs::read_to_string(environment.path(&row[1])).unwrap()
    });
    assert_eq!(texts.collect::<BTreeSet<_>>(), ["no JSON", "no JSON either"].map(str::to_owned).into());
    let files = environment.listing().into_iter().filter(|path| !path.starts_with("logs/"));
    assert_eq!(files.count(), 6);
    // Nothing is left to be done.
    expect_ends(vec![start(&environment, &["once"], &[]), second("")], &[0]);
}

#[test]
fn a_file_removed_after_its_process_died_is_abandoned_after_a_day() {
    let environment = TestEnvironment::new();
    let patients = |letter: &str| -> String {
        let line = |number| version(&format!("{letter}{number}"), 1, &padding()).to_string() + "\n";
        (0..8).map(line).collect()
    };
    // One stays, one is taken away now, one was long ago; each has a part loaded.
    for name in ["stays", "new", "old"] {
        environment.put(&format!("inbox/{name}/%41 {name}.ndjson"), patients(name));
        start(&environment, &["once"], &[("FAILPOINTS", "committed=1*off->return")]).wait().unwrap();
        std::fs::rename(environment.path(&format!("inbox/{name}")), environment.path(name)).unwrap();
    }
    std::fs::create_dir(environment.path("inbox/stays")).unwrap();
    std::fs::rename(
        environment.path("stays/%41 stays.ndjson"),
        environment.path("inbox/stays/%41 stays.ndjson"),
    )
    .unwrap();
    let a_day_passes =
        "update etl.load_file set started_at = now() - interval '25 hours' where path !~ '^new'";
    execute(environment.database_url(), a_day_passes);
    let files = "select split_part(path, '/', 1) as source, status from etl.load_file order by id";
    assert_eq!(environment.query(files), [["stays", "loading"], ["new", "loading"], ["old", "loading"]]);
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    assert_eq!(environment.query(files), [["stays", "loaded"], ["new", "loading"], ["old", "abandoned"]]);
    // Both come back after all.
    for name in ["new", "old"] {
        std::fs::rename(environment.path(name), environment.path(&format!("inbox/{name}"))).unwrap();
    }
    expect_ends(vec![start(&environment, &["once"], &[])], &[0]);
    assert_eq!(environment.query(files)[1..], [["new", "loaded"], ["old", "abandoned"], ["old", "loaded"]]);
    assert_eq!(environment.value("select count(*) from patient"), "24");
    environment.run(&["check"]).expect_code(0);
}
