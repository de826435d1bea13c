//! What an operator does and sees, through the doors that an operator has: folders,
//! commands, exit codes, logs and reports.

mod archive_check;
pub mod erase;
mod erase_beside;
mod heartbeat;
#[cfg(feature = "server")]
mod notifications;
mod reject_states;
mod skipped_paths;
mod skipped_types;
mod undo;

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

use crate::support::TestEnvironment;

/// A patient with that ID, as a line.
fn patient(id: &str) -> String {
    format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"gender\":\"female\"}}\n")
}

/// An observation of that patient, as a line.
fn observation(id: &str, patient: &str) -> String {
    format!(
        "{{\"resourceType\":\"Observation\",\"id\":\"{id}\",\"status\":\"final\",\
         \"code\":{{\"text\":\"c\"}},\"subject\":{{\"reference\":\"Patient/{patient}\"}}}}\n"
    )
}

/// A user who is not root and owns nothing.
const NOBODY: u32 = 65534;

/// A command that is run by a user whom permissions restrict.
fn restricted(environment: &TestEnvironment, arguments: &[&str]) -> Command {
    let command = environment.command(arguments);
    if !Uid::effective().is_root() {
        return command;
    }
    // If root built it, other users may be unable to reach it.
    let binary = environment.path("binary");
    if !binary.exists() {
        fs::copy(crate::support::BINARY, &binary).unwrap();
    }
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

/// Gives everything in the environment's folders to that user.
fn hand_over(environment: &TestEnvironment) {
    fn all(folder: &Path) {
        chown(folder, Some(NOBODY), Some(NOBODY)).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { all(&path) } else { chown(&path, Some(NOBODY), Some(NOBODY)).unwrap() }
        }
    }
    if Uid::effective().is_root() {
        ["inbox", "archive", "rejects", "logs"].iter().for_each(|name| all(&environment.path(name)));
    }
}
