//! *Exit codes*: how a command ends, for scripts.

/// How a command ends, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Success: everything that was read is loaded.
    Success = 0,
    /// An error without a code of its own.
    Unexpected = 1,
    /// An invalid flag, argument or setting; nothing was done.
    Usage = 2,
    /// Done, but some resources or files were rejected or could not be read.
    Rejected = 3,
    /// No database: unreachable, missing privileges, or no server to start.
    DatabaseUnavailable = 4,
    /// Record counts do not reconcile, or a check found a problem.
    CheckFailed = 5,
    /// SIGINT or SIGTERM arrived before the work was finished.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
