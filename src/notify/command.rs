//! Notifying by a *command*: a program gets the notification as JSON on standard input.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// How long it may run.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs the program; `notification` is its event, which is also in FHIRMILL_EVENT, and its
/// JSON. The program has failed unless it ends with 0 within a minute.
pub(super) fn run(
    program: &Path,
    (event, json): (&str, &str),
    cancel: &CancellationToken,
) -> Result<(), String> {
    let mut child = Command::new(program)
        .env("FHIRMILL_EVENT", event)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("NOTIFY_COMMAND cannot be started: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may not want to read; what fits into the pipe does not block.
        match stdin.write_all(json.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                return Err(format!("NOTIFY_COMMAND cannot be told: {error}"));
            }
            _ => {}
        }
    }
    let since = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("NOTIFY_COMMAND failed ({status})")),
            Ok(None) if since.elapsed() < LONGEST && !cancel.is_cancelled() => std::thread::sleep(LOOK_EVERY),
            Ok(None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("NOTIFY_COMMAND did not end within {} seconds", LONGEST.as_secs()));
            }
            Err(error) => return Err(format!("NOTIFY_COMMAND was lost: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_missing_or_fails_is_told() {
        let run = |program: &str| run(Path::new(program), ("file.failed", "{}"), &CancellationToken::new());
        assert_eq!(run("/bin/true"), Ok(()));
        assert!(run("/bin/false").unwrap_err().starts_with("NOTIFY_COMMAND failed"));
        assert!(run("/nowhere/at/all").unwrap_err().contains("cannot be started"));
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_the_service() {
        let cancel = CancellationToken::new();
        cancel.cancel();
        // Reads its input for ever if nobody closes it; here until its end.
        let ended = run(Path::new("/usr/bin/yes"), ("file.failed", "{}"), &cancel);
        assert!(ended.is_err(), "{ended:?}");
    }
}
