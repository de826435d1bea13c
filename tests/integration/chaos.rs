//! Storms: processes, sessions and the whole server are killed at random
//! moments under load, repeatedly, and the tables must still be the same.
//!
//! CHAOS_SEED repeats the choices of a storm, but not its timing; CHAOS_SECONDS
//! is the duration of all storms. `make chaos` prints the figures.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::delivery;
use crate::support::TestEnvironment;
use crate::support::state::{State, difference};

/// Reproducible random numbers (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

/// What was done to the environments of all storms, and the results.
#[derive(Debug, Default)]
pub struct Figures {
    pub processes_killed: u64,
    pub sessions_ended: u64,
    pub backends_killed: u64,
    pub servers_restarted: u64,
    rows_compared: usize,
    lost: usize,
    doubled: usize,
}

impl Figures {
    pub fn faults(&self) -> u64 {
        self.processes_killed + self.sessions_ended + self.backends_killed + self.servers_restarted
    }
}

pub fn number_of(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

pub fn command(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let mut command = environment.command(arguments);
    command.envs(delivery::SETTINGS).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Synthetic patients, in files with unique names that appear in the inbox
/// atomically. A wave is the same in every environment, and comes from its own
/// sources: which practitioner owns an identifier must not depend on earlier
/// waves.
pub fn put_wave(environment: &TestEnvironment, wave: u64, patients: u64) {
    for format in ["bundles", "ndjson"] {
        let made = environment.path("made");
        let _ = fs::remove_dir_all(&made);
        let arguments = ["generate", "--patients", &patients.to_string(), "--seed", &wave.to_string()];
        let mut generate = environment.command(&arguments);
        let output = generate.args(["--format", format, "--out"]).arg(&made).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let inbox = environment.path(&format!("inbox/{format}-{wave}"));
        fs::create_dir_all(&inbox).unwrap();
        for file in fs::read_dir(&made).unwrap() {
            let file = file.unwrap();
            fs::rename(file.path(), inbox.join(file.file_name())).unwrap();
        }
        fs::remove_dir(&made).unwrap();
    }
}

pub fn is_inbox_empty(environment: &TestEnvironment) -> bool {
    environment.listing().iter().all(|path| !path.starts_with("inbox/"))
}

/// Terminates a session of fhirmill, or kills its backend process, which makes
/// the server end all sessions.
pub fn hit_session(environment: &TestEnvironment, dice: &mut Dice, figures: &mut Figures) {
    let sessions = environment.query(
        "select pid from pg_stat_activity where application_name = 'fhirmill' and pid <> pg_backend_pid() order by 1",
    );
    if sessions.is_empty() {
        return;
    }
    let session = &sessions[dice.below(sessions.len() as u64) as usize][0];
    if dice.below(2) == 0 {
        environment.query(&format!("select pg_terminate_backend({session}) as is_ended"));
        figures.sessions_ended += 1;
    } else {
        // It may have ended by itself.
        let process = nix::unistd::Pid::from_raw(session.parse().unwrap());
        let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
        figures.backends_killed += 1;
        wait_for_server(environment);
    }
}

/// Waits until the server has recovered, which it does by itself after a
/// backend was killed.
fn wait_for_server(environment: &TestEnvironment) {
    let since = Instant::now();
    while environment.command(&["migrate", "status"]).output().is_ok_and(|output| !output.status.success()) {
        assert!(since.elapsed() < Duration::from_secs(60), "the server does not recover");
        thread::sleep(Duration::from_millis(100));
    }
}

fn pause(dice: &mut Dice, milliseconds: u64) {
    thread::sleep(Duration::from_millis(dice.below(milliseconds)));
}

pub fn end(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// One fault while the inbox is being loaded.
fn strike(environment: &TestEnvironment, dice: &mut Dice, figures: &mut Figures, patients: u64) {
    let mut child = command(environment, &["once"]).spawn().unwrap();
    pause(dice, 500 + 250 * patients);
    match dice.below(10) {
        0..=5 => {
            if child.try_wait().unwrap().is_none() {
                figures.processes_killed += 1;
            }
            end(child);
        }
        6..=8 => {
            hit_session(environment, dice, figures);
            let _ = child.wait();
        }
        _ => {
            environment.restart_server();
            figures.servers_restarted += 1;
            let _ = child.wait();
        }
    }
}

/// Loads waves under that many faults, and compares the result with an
/// undisturbed environment.
fn storm(seed: u64, faults: u64, patients: u64, figures: &mut Figures) {
    let since = Instant::now();
    let mut dice = Dice::new(seed);
    let environment = TestEnvironment::with_private_server();
    delivery::put_first(&environment);
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    delivery::put(&environment);
    let until = figures.faults() + faults;
    let mut waves = 0;
    let number = |wave: u64| seed % 1000 * 1000 + wave;
    while figures.faults() < until {
        if is_inbox_empty(&environment) || waves == 0 {
            waves += 1;
            put_wave(&environment, number(waves), patients);
        }
        strike(&environment, &mut dice, figures, patients);
    }
    println!("{} s: {waves} waves, the inbox is loaded undisturbed", since.elapsed().as_secs());
    let last = environment.run_command(&mut command(&environment, &["once"]));
    assert!(matches!(last.code, 0 | 3), "seed {seed}: the last run ended with {}", last.code);
    environment.run(&["check"]).expect_code(0);

    println!("{} s: the same into another database", since.elapsed().as_secs());
    let undisturbed = TestEnvironment::new();
    delivery::put_first(&undisturbed);
    undisturbed.run_command(&mut command(&undisturbed, &["once"])).expect_code(0);
    delivery::put(&undisturbed);
    for wave in 1..=waves {
        put_wave(&undisturbed, number(wave), patients);
        undisturbed.run_command(&mut command(&undisturbed, &["once"]));
    }
    println!("{} s: comparing", since.elapsed().as_secs());
    let (found, wanted) = (State::of(&environment), State::of(&undisturbed));
    let (lost, doubled) = found.lost_and_doubled(&wanted);
    figures.rows_compared += wanted.row_count();
    figures.lost += lost;
    figures.doubled += doubled;
    if let Some(difference) = difference(&found, &wanted) {
        eprintln!("seed {seed}, {waves} waves: {difference}");
    }
}

fn storms(seconds: u64, faults: u64, patients: u64) {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let first = number_of("CHAOS_SEED", clock);
    let since = Instant::now();
    let mut figures = Figures::default();
    for seed in first.. {
        println!("storm with CHAOS_SEED={seed}");
        storm(seed, faults, patients, &mut figures);
        println!("{} s: {figures:?}", since.elapsed().as_secs());
        if since.elapsed().as_secs() >= seconds {
            break;
        }
    }
    assert_eq!((figures.lost, figures.doubled), (0, 0), "CHAOS_SEED={first}: {figures:?}");
}

#[test]
fn a_short_storm_loses_and_duplicates_nothing() {
    storms(0, 10, 1);
}

#[test]
#[ignore = "takes as long as it is told: make chaos SECONDS=300"]
fn storms_lose_and_duplicate_nothing() {
    storms(number_of("CHAOS_SECONDS", 300), 25, 4);
}
