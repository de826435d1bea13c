//! Why an upload did not go on. Messages are for the sender, and have no values.

use std::io;

use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::ledger::Upload;
use nix::libc;

/// Why an upload did not go on.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The sender has no upload with that id.
    #[error("there is no upload with this id")]
    NotFound,
    /// Its time is over, or it was aborted.
    #[error("the upload {0}")]
    Gone(&'static str),
    /// What is asked for contradicts what was received before.
    #[error("{0}")]
    Conflict(String),
    /// Parts are missing.
    #[error("parts are missing: {}", list(.0))]
    Missing(Vec<i32>),
    /// The size differs from what was announced.
    #[error("{0} bytes were received, which is not the number announced")]
    WrongSize(u64),
    /// A checksum differs from what was announced.
    #[error("{0}")]
    WrongSum(String),
    /// The whole file differs from what was announced.
    #[error("{0}")]
    WrongWhole(String),
    /// What is asked for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// More bytes than are ever taken.
    #[error("no more than {most} bytes are taken")]
    TooLarge { most: u64 },
    /// It may work later.
    #[error("{0}")]
    Busy(String),
    /// The disk is full.
    #[error("there is no space left to store this")]
    DiskFull,
    /// The spool or the inbox could not be written.
    #[error("the spool could not be written")]
    Io(#[source] io::Error),
    /// The ledger is unavailable.
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    /// The ledger could not be read or written.
    #[error("the database did not answer")]
    Database(#[from] diesel::result::Error),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(libc::ENOSPC | libc::EDQUOT) => UploadError::DiskFull,
            _ => UploadError::Io(error),
        }
    }
}

/// The upload can take parts; otherwise the reason that it cannot.
pub(super) fn require_open(upload: &Upload) -> Result<(), UploadError> {
    match upload.status.as_str() {
        "open" => Ok(()),
        "expired" => Err(UploadError::Gone("has expired")),
        "aborted" => Err(UploadError::Gone("was aborted")),
        _ => Err(UploadError::Conflict("the upload is complete".to_owned())),
    }
}

/// Numbers of parts, shortened.
fn list(numbers: &[i32]) -> String {
    const SHOWN: usize = 20;
    let mut text = numbers.iter().take(SHOWN).map(i32::to_string).collect::<Vec<_>>().join(", ");
    if numbers.len() > SHOWN {
        text.push_str(&format!(" and {} more", numbers.len() - SHOWN));
    }
    text
}
