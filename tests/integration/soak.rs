//! A soak test: the service runs for hours, files arrive steadily, and every
//! few minutes a session, the server or the service itself dies. Memory and
//! open files stay flat, and the tables equal those of an undisturbed run.
//!
//! SOAK_MINUTES is the duration, SOAK_CSV the file for the samples. Run it with
//! `make soak`.

use std::fs::{self, File};
use std::io::Write as _;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::chaos::{Dice, Figures, command, end, hit_session, is_inbox_empty, number_of, put_wave};
use crate::support::TestEnvironment;
use crate::support::state::{State, assert_same};

/// The time between two samples.
const SAMPLE: Duration = Duration::from_secs(10);
/// The time between two waves.
const ARRIVAL: Duration = Duration::from_secs(15);
/// The time between two faults; every fourth one kills the service.
const FAULT: Duration = Duration::from_secs(150);
const PATIENTS: u64 = 2;

/// A measurement of one process of the service.
#[derive(Clone, Copy)]
struct Sample {
    life: u64,
    resident_kilobytes: u64,
    open_files: u64,
}

fn sample(life: u64, service: &Child) -> Option<Sample> {
    let folder = format!("/proc/{}", service.id());
    let status = fs::read_to_string(format!("{folder}/status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let resident_kilobytes = resident.trim().trim_end_matches("kB").trim().parse().ok()?;
    let open_files = fs::read_dir(format!("{folder}/fd")).ok()?.count() as u64;
    Some(Sample { life, resident_kilobytes, open_files })
}

fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[values.len() / 2]
}

/// Compares the second quarter of each process that lives long enough with the
/// last quarter, in which neither memory nor open files may be much higher.
fn verdicts(samples: &[Sample]) -> Vec<(String, bool)> {
    let mut verdicts = Vec::new();
    for life in samples.chunk_by(|one, other| one.life == other.life).filter(|life| life.len() >= 24) {
        let (early, late) = (&life[life.len() / 4..life.len() / 2], &life[life.len() * 3 / 4..]);
        let memory = |part: &[Sample]| median(part.iter().map(|sample| sample.resident_kilobytes));
        let files = |part: &[Sample]| median(part.iter().map(|sample| sample.open_files));
        let is_flat = memory(late) <= memory(early) * 5 / 4 + 8192 && files(late) <= files(early) + 4;
        verdicts.push((
            format!(
                "life {} of {} s: {} then {} kB, {} then {} open files",
                life[0].life,
                life.len() as u64 * SAMPLE.as_secs(),
                memory(early),
                memory(late),
                files(early),
                files(late)
            ),
            is_flat,
        ));
    }
    verdicts
}

fn start(environment: &TestEnvironment) -> Child {
    command(environment, &["run"]).env("BATCH_BYTES", "1MiB").spawn().unwrap()
}

#[test]
#[ignore = "takes as long as it is told: make soak HOURS=2"]
fn hours_under_faults_keep_memory_flat_and_lose_nothing() {
    let seed = number_of("CHAOS_SEED", 1);
    let length = Duration::from_secs(60 * number_of("SOAK_MINUTES", 120));
    let path = std::env::var("SOAK_CSV").unwrap_or_else(|_| "target/soak.csv".to_owned());
    let mut csv = File::create(&path).unwrap();
    writeln!(csv, "seconds,life,resident_kilobytes,open_files,waves,faults").unwrap();

    let mut dice = Dice::new(seed);
    let mut figures = Figures::default();
    let environment = TestEnvironment::with_private_server();
    let (mut life, mut waves) = (1, 0);
    let mut service = start(&environment);
    let mut samples = Vec::new();
    let since = Instant::now();
    let (mut next_sample, mut next_arrival, mut next_fault) = (SAMPLE, Duration::ZERO, FAULT);
    while since.elapsed() < length {
        thread::sleep(Duration::from_millis(200));
        let now = since.elapsed();
        if now >= next_arrival {
            next_arrival += ARRIVAL;
            waves += 1;
            put_wave(&environment, waves, PATIENTS);
        }
        if now >= next_sample {
            next_sample += SAMPLE;
            if let Some(sample) = sample(life, &service) {
                samples.push(sample);
                let Sample { resident_kilobytes, open_files, .. } = sample;
                let faults = figures.faults();
                writeln!(csv, "{},{life},{resident_kilobytes},{open_files},{waves},{faults}", now.as_secs())
                    .unwrap();
            }
        }
        if now >= next_fault {
            next_fault = now + FAULT;
            match figures.faults() % 4 {
                0 | 2 => hit_session(&environment, &mut dice, &mut figures),
                1 => {
                    environment.restart_server();
                    figures.servers_restarted += 1;
                }
                _ => {
                    end(service);
                    figures.processes_killed += 1;
                    life += 1;
                    service = start(&environment);
                }
            }
        }
        if let Some(status) = service.try_wait().unwrap() {
            panic!("the service ended by itself: {status}");
        }
    }
    let waiting = Instant::now();
    while !is_inbox_empty(&environment) && waiting.elapsed() < Duration::from_secs(300) {
        thread::sleep(Duration::from_secs(1));
    }
    kill(Pid::from_raw(service.id() as i32), Signal::SIGTERM).unwrap();
    assert!(service.wait().unwrap().success());
    environment.run_command(&mut command(&environment, &["once"])).expect_code(0);
    environment.run(&["check"]).expect_code(0);

    println!("{waves} waves in {} s, samples in {path}\n{figures:?}", length.as_secs());
    let verdicts = verdicts(&samples);
    for (words, is_flat) in &verdicts {
        println!("{words}: {}", if *is_flat { "flat" } else { "NOT FLAT" });
    }
    let undisturbed = TestEnvironment::new();
    for wave in 1..=waves {
        put_wave(&undisturbed, wave, PATIENTS);
        undisturbed.run_command(&mut command(&undisturbed, &["once"])).expect_code(0);
    }
    assert_same(&State::of(&environment), &State::of(&undisturbed), "after the soak");
    println!("the state is that of an undisturbed run");
    assert!(verdicts.iter().all(|(_, is_flat)| *is_flat), "memory or open files grow");
}
