//! Runs `pg_dump` and `pg_restore`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use fhirmill_postgres::database::tools::{complaints, is_disk_full};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_util::sync::CancellationToken;

use super::error::BackupError;

/// How often it is looked whether the tool has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How much of what a tool says is kept.
const MOST_BYTES: usize = 64 << 10;

/// Runs a tool to its end, or ends it.
pub fn run(mut command: Command, tool: &'static str, cancel: &CancellationToken) -> Result<(), BackupError> {
    let failed = |complaint: String, is_disk_full| BackupError::Tool { tool, complaint, is_disk_full };
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string(), false))?;
    let mut errors = child.stderr.take();
    // Read all the time, because a full pipe would hold the tool back.
    let reading = thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        while let Some(Ok(length @ 1..)) = errors.as_mut().map(|errors| errors.read(&mut buffer)) {
            let room = MOST_BYTES.saturating_sub(text.len());
            text.extend_from_slice(&buffer[..length.min(room)]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let status = loop {
        if cancel.is_cancelled() {
            let _ = i32::try_from(child.id()).map(|id| kill(Pid::from_raw(id), Signal::SIGTERM));
            let _ = child.wait();
            return Err(BackupError::Cancelled);
        }
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => thread::sleep(LOOK_EVERY),
            Err(error) => return Err(failed(error.to_string(), false)),
        }
    };
    let said = reading.join().unwrap_or_default();
    if status.success() {
        return Ok(());
    }
    let lines = complaints(&said);
    let complaint = match lines.is_empty() {
        true => status.to_string(),
        false => lines.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("; "),
    };
    Err(failed(complaint, is_disk_full(&said)))
}
