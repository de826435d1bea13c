//! What keeps archive, rejects and ledger small over the years.

mod compressed;
mod pruned;

use crate::support::{Run, TestEnvironment};

/// Runs a command with a setting.
fn run_with(environment: &TestEnvironment, settings: &[(&str, &str)], arguments: &[&str]) -> Run {
    environment.run_command(environment.command(arguments).envs(settings.iter().copied()))
}

fn patient(id: &str, birth: &str) -> String {
    format!(r#"{{"resourceType":"Patient","id":"{id}","gender":"other","birthDate":"{birth}"}}"#)
}

/// The names of the files in the archive, without their folders.
fn archived(environment: &TestEnvironment) -> Vec<String> {
    let names = environment.listing().into_iter().filter(|path| path.starts_with("archive/"));
    let mut names: Vec<String> =
        names.map(|path| path.rsplit('/').next().unwrap_or_default().to_owned()).collect();
    names.sort();
    names
}
