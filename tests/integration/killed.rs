//! A process that dies at any step of loading a file, and is started again:
//! nothing is lost or duplicated.

use std::process::Command;
use std::sync::Mutex;
use std::thread;

use fhirmill_postgres::failpoint::Step;

use crate::delivery;
use crate::support::TestEnvironment;
use crate::support::state::{State, difference};

/// A death: at which step, and after how many passings of it.
#[derive(Clone, Copy, Debug)]
struct Death {
    step: Step,
    passings: u32,
}

impl Death {
    fn failpoints(self) -> String {
        let name = self.step.name();
        match self.passings {
            0 => format!("{name}=return"),
            passings => format!("{name}={passings}*off->return"),
        }
    }
}

fn command(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let mut command = environment.command(arguments);
    command.envs(delivery::SETTINGS);
    command
}

/// An environment in which the file before the delivery is loaded.
fn begin() -> TestEnvironment {
    let environment = TestEnvironment::new();
    delivery::put_first(&environment);
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    environment
}

/// The commands run on the delivery. A death before its rejects are retried is
/// detected before.
fn commands_until(step: Step) -> &'static [&'static str] {
    match step {
        Step::Dropped | Step::Retried => &["once", "retry"],
        _ => &["once"],
    }
}

/// Loads the delivery. The first command that reaches the step dies. A scan of
/// the inbox follows, as scheduled; a command that was not started is started
/// again. Returns whether a command died.
fn die(environment: &TestEnvironment, death: Death) -> bool {
    let mut has_died = false;
    delivery::put(environment);
    for name in commands_until(death.step) {
        if !has_died {
            let mut mortal = command(environment, &[name]);
            let run = environment.run_command(mortal.env("FAILPOINTS", death.failpoints()));
            has_died = run.code == -1;
            if !has_died {
                continue;
            }
            if death.step != Step::Dropped {
                environment.run_command(&mut command(environment, &["once"]));
                continue;
            }
        }
        environment.run_command(&mut command(environment, &[name]));
    }
    has_died
}

/// The states of an undisturbed environment after each of the commands.
struct Wanted {
    begun: TestEnvironment,
    loaded: State,
    retried: State,
}

impl Wanted {
    fn new() -> Self {
        let begun = begin();
        let environment = TestEnvironment::like(&begun);
        delivery::put(&environment);
        environment.run_command(&mut command(&environment, &["once"])).expect_code(3);
        let loaded = State::of(&environment);
        environment.run_command(&mut command(&environment, &["retry"])).expect_code(3);
        environment.run(&["check"]).expect_code(0);
        Self { begun, loaded, retried: State::of(&environment) }
    }

    fn of(&self, step: Step) -> &State {
        if commands_until(step).contains(&"retry") { &self.retried } else { &self.loaded }
    }
}

fn die_everywhere(passings: &[u32]) {
    let at = |step: &Step| {
        passings.iter().map(|passings| Death { step: *step, passings: *passings }).collect::<Vec<_>>()
    };
    let of_files = Step::ALL.iter().filter(|step| **step != Step::Migrated);
    let deaths: Vec<Death> = of_files.flat_map(at).collect();
    let wanted = Wanted::new();
    let next = Mutex::new(deaths.iter());
    let begun = Mutex::new(&wanted.begun);
    let failures = Mutex::new(Vec::new());
    let take = || next.lock().unwrap().next().copied();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(death) = take() {
                    // One at a time: a copy needs the original for itself.
                    let environment = TestEnvironment::like(*begun.lock().unwrap());
                    if death.step == Step::Indexed {
                        environment.run(&["indexes", "drop"]).expect_code(0);
                    }
                    if !die(&environment, death) && death.passings == 0 {
                        failures.lock().unwrap().push(format!("{:?} is never reached", death.step));
                    }
                    if let Some(difference) = difference(&State::of(&environment), wanted.of(death.step)) {
                        failures.lock().unwrap().push(format!("killed at {death:?}: {difference}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{} of {} deaths:\n{}", failures.len(), deaths.len(), failures.join("\n"));
}

#[test]
#[ignore = "takes minutes: make chaos"]
fn a_death_at_any_later_passing_loses_and_duplicates_nothing() {
    die_everywhere(&[1, 2, 3, 5]);
}

#[test]
fn a_death_at_any_step_loses_and_duplicates_nothing() {
    die_everywhere(&[0]);
}

#[test]
fn the_remaining_migrations_run_after_a_death_between_two() {
    const COLUMNS: &str = "select table_schema, table_name, column_name from information_schema.columns \
        where table_schema in ('public', 'etl', 'analytics') order by 1, 2, 3";
    let environment = TestEnvironment::new();
    let wanted = environment.query(COLUMNS);
    for passings in [0, 2] {
        environment.run(&["migrate", "down", "--all"]).expect_code(0);
        let mut mortal = environment.command(&["migrate", "up"]);
        let failpoints = Death { step: Step::Migrated, passings }.failpoints();
        environment.run_command(mortal.env("FAILPOINTS", failpoints)).expect_code(-1);
        assert_ne!(environment.query(COLUMNS), wanted);
        environment.run(&["migrate", "up"]).expect_code(0);
        assert_eq!(environment.query(COLUMNS), wanted);
    }
}

#[test]
fn a_file_that_repeats_another_one_is_entered_once_whenever_a_process_dies() {
    let patient = "{\"resourceType\":\"Patient\",\"id\":\"p\"}";
    let entries = "select path, status, move_error is null, archive_path from etl.load_file order by id";
    let wanted = |environment: &TestEnvironment, name: &str| {
        let found = environment.query(entries);
        let found: Vec<[&str; 3]> = found.iter().map(|row| [&*row[0], &*row[1], &*row[2]]).collect();
        assert_eq!(found, [["1.json", "loaded", "true"], ["2.json", "duplicate", "true"]], "{name}");
        assert!(!environment.path("inbox/2.json").exists(), "{name}");
        environment.run(&["check", "--archive"]).expect_code(0);
    };
    for step in [Step::Claimed, Step::Noted] {
        // Before both, and as the repetition of one that was loaded before.
        for is_known in [true, false] {
            let environment = TestEnvironment::new();
            environment.put("inbox/1.json", patient);
            if is_known {
                environment.run(&["once"]).expect_code(0);
            }
            environment.put("inbox/2.json", patient);
            let passings = if is_known || step == Step::Claimed { 0 } else { 1 };
            let mut mortal = environment.command(&["once"]);
            mortal.env("FAILPOINTS", Death { step, passings }.failpoints());
            environment.run_command(&mut mortal).expect_code(-1);
            let name = format!("{step:?}, {is_known}");
            environment.run(&["once"]).expect_code(0);
            wanted(&environment, &name);
            // The same file again is another delivery.
            environment.put("inbox/2.json", patient);
            environment.run(&["once"]).expect_code(0);
            assert_eq!(environment.value("select count(*) from etl.load_file"), "3", "{name}");
        }
    }
}
