//! A process that dies at any step of a file's road, and is started again:
//! nothing is lost, nothing is there twice.

use std::process::Command;
use std::sync::Mutex;
use std::thread;

use fhirmill::failpoint::Step;

use crate::delivery;
use crate::support::Mill;
use crate::support::state::{State, difference};

/// A death: at which step, and how often it was passed before.
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

fn command(mill: &Mill, arguments: &[&str]) -> Command {
    let mut command = mill.command(arguments);
    command.envs(delivery::SETTINGS);
    command
}

/// Loads the delivery and tries its rejects again. The first command that
/// comes by the death dies. A look at the inbox follows, as it would by the
/// schedule; what was never begun is begun again. Gives whether one died.
fn story(mill: &Mill, death: Option<Death>) -> bool {
    if death.is_some_and(|death| death.step == Step::Migrated) {
        mill.run(&["migrate", "down", "--all"]).expect_code(0);
    } else {
        delivery::put_first(mill);
        mill.run_command(&mut command(mill, &["once"])).expect_code(0);
    }
    if death.is_some_and(|death| death.step == Step::Indexed) {
        mill.run(&["indexes", "drop"]).expect_code(0);
    }
    let mut death = death;
    let mut has_died = false;
    let mut run = |arguments: &[&str], code: i32| {
        if let Some(Death { step, .. }) = death {
            let mut mortal = command(mill, arguments);
            let run = mill.run_command(mortal.env("FAILPOINTS", death.unwrap().failpoints()));
            if run.code == code {
                return;
            }
            assert_eq!(run.code, -1, "{step:?}: {}", run.stderr);
            has_died = true;
            death = None;
            if !matches!(step, Step::Migrated | Step::Dropped) {
                mill.run_command(&mut command(mill, &["once"]));
                return;
            }
        }
        mill.run_command(&mut command(mill, arguments));
    };
    if mill.listing().iter().all(|path| !path.starts_with("archive/")) {
        run(&["migrate", "up"], 0);
        delivery::put_first(mill);
        mill.run_command(&mut command(mill, &["once"])).expect_code(0);
    }
    delivery::put(mill);
    run(&["once"], 3);
    run(&["retry"], 3);
    mill.run(&["check"]).expect_code(0);
    has_died
}

fn die_everywhere(deaths: &[Death]) {
    let undisturbed = Mill::new();
    assert!(!story(&undisturbed, None));
    let wanted = State::of(&undisturbed);
    let next = Mutex::new(deaths.iter());
    let failures = Mutex::new(Vec::new());
    let take = || next.lock().unwrap().next().copied();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(death) = take() {
                    let mill = Mill::new();
                    if !story(&mill, Some(death)) && death.passings == 0 {
                        failures.lock().unwrap().push(format!("{:?} is never reached", death.step));
                    }
                    if let Some(difference) = difference(&State::of(&mill), &wanted) {
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
fn a_death_at_any_later_passing_loses_and_doubles_nothing() {
    let at = |step: &Step| [1, 2, 3, 5].map(|passings| Death { step: *step, passings });
    die_everywhere(&Step::ALL.iter().flat_map(at).collect::<Vec<_>>());
}

#[test]
fn a_death_at_any_step_loses_and_doubles_nothing() {
    let deaths: Vec<Death> = Step::ALL.iter().map(|step| Death { step: *step, passings: 0 }).collect();
    die_everywhere(&deaths);
}
