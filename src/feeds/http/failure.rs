//! Why a call *failed*, and whether another may succeed.

use std::time::Duration;

use chrono::Utc;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::retry_after;
use crate::report::in_one_line;

/// Why something failed. Never contains values of patients, secrets or parameters of URLs.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It may succeed later.
    #[error("{reason}")]
    Transient {
        /// What went wrong.
        reason: String,
        /// When the server wants to be called again.
        after: Option<Duration>,
        /// Whether the server says that it cannot do what it was asked for.
        is_verdict: bool,
    },
    /// The server wants another token.
    #[error("the server does not accept the access token (status 401)")]
    Unauthorized,
    /// What was there is not there any more.
    #[error("what was asked for is not there any more (status {0})")]
    Gone(u16),
    /// It would fail again.
    #[error("{0}")]
    Permanent(String),
    /// The program ends.
    #[error("the program was told to stop")]
    Cancelled,
    /// The operator has to mend the settings or a secret.
    #[error("{0}")]
    Settings(String),
    /// The operator has paused the feed.
    #[error("the feed was paused")]
    Paused,
    /// The server wants to be called later, and the run does not wait for it.
    #[error("the server has not finished")]
    Waiting,
    /// A file of this machine.
    #[error("a file cannot be read or written")]
    File(#[from] std::io::Error),
    /// The ledger.
    #[error("the ledger cannot be read or written")]
    Ledger(#[from] diesel::result::Error),
}

impl Failure {
    /// A failure of the connection.
    pub fn transport(failure: &reqwest::Error) -> Self {
        // The URL may have secrets among its parameters; its causes do not name it.
        let cause = std::error::Error::source(failure).map_or_else(
            || if failure.is_timeout() { "time-out".to_owned() } else { "no answer".to_owned() },
            in_one_line,
        );
        if failure.is_builder() || is_refused(failure) {
            return Failure::Permanent(format!("the call cannot be made: {cause}"));
        }
        Failure::Transient {
            reason: format!("the server cannot be reached: {cause}"),
            after: None,
            is_verdict: false,
        }
    }

    /// What an operator can do about it, whose run of that feed has failed.
    pub fn advice(&self, feed: &str) -> String {
        match self {
            Failure::Transient { is_verdict: true, .. } => format!(
                "The server gave up. The next run asks anew; if it fails again, ask those who run the server, or ask \
                 for less (types, since). `fhirmill feeds run {feed}` tries at once."
            ),
            Failure::Transient { .. } | Failure::Waiting => format!(
                "The next run goes on where this one was, or asks anew. If it fails, too, see whether the server is \
                 up and can be reached from here: `fhirmill feeds test {feed}`."
            ),
            Failure::Unauthorized => format!(
                "The token or key is not accepted: it may have expired, or the server does not know it. Replace it; \
                 `fhirmill feeds test {feed}` tries it."
            ),
            Failure::Gone(_) => {
                "The server has dropped what it had prepared. The next run asks anew.".to_owned()
            }
            Failure::Settings(_) => format!(
                "Mend the setting or the secret that it names. A secret is read anew by the next run, a setting by \
                 the next start; `fhirmill feeds test {feed}` tries both."
            ),
            Failure::File(_) => {
                "See whether the disk of the inbox has room, and whether fhirmill may write there.".to_owned()
            }
            Failure::Ledger(_) => "See whether the database is well: `fhirmill status`.".to_owned(),
            Failure::Permanent(_) | Failure::Cancelled | Failure::Paused => format!(
                "It would fail again as it is. Mend what the reason names, and try by `fhirmill feeds test {feed}`; \
                 the next run asks anew."
            ),
        }
    }

    /// The failure that an answer stands for, which was asked for `what`.
    pub fn of_answer(what: &str, status: StatusCode, headers: &HeaderMap, said: Option<String>) -> Self {
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let reason = format!("{what} was answered with status {}{said}", status.as_u16());
        match status.as_u16() {
            401 => Failure::Unauthorized,
            404 | 410 => Failure::Gone(status.as_u16()),
            408 | 425 | 429 | 500..=599 => {
                Failure::Transient { reason, after: retry_after(headers, Utc::now()), is_verdict: false }
            }
            _ => Failure::Permanent(reason),
        }
    }
}

/// Whether the guard has refused the host.
fn is_refused(failure: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(failure);
    while let Some(error) = cause {
        if error.is::<super::guard::Refused>() {
            return true;
        }
        cause = error.source();
    }
    false
}
