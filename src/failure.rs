//! How an error that ends the program is reported to the operator.
//!
//! The chain of causes goes to standard error, one `error:` line each, then a
//! `hint:` line says what to do. The kind of the error determines the exit code.
//! Everything printed comes from our own error types, which contain no patient
//! data and no passwords.

use fhirmill::archive::ArchiveError;
use fhirmill::backup::BackupError;
use fhirmill::cli::ExitCode;
use fhirmill::command::Refusal;
use fhirmill::config::{EnvFileError, SettingsError};
use fhirmill::pipeline::PipelineError;
#[cfg(feature = "lake")]
use fhirmill::pipeline::convert::ConvertError;
use fhirmill::report::causes;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::{DatabaseError, Failure};

/// Prints the error; returns the exit code for it.
pub fn report(error: &anyhow::Error) -> ExitCode {
    for cause in causes(error.as_ref()) {
        eprintln!("error: {cause}");
    }
    if let Some(hint) = hint(error) {
        eprintln!("\nhint: {hint}");
    }
    exit_code(error)
}

fn hint(error: &anyhow::Error) -> Option<String> {
    for cause in error.chain() {
        if let Some(hint) = cause.downcast_ref().and_then(DatabaseError::hint) {
            return Some(hint);
        }
        if let Some(PipelineError::Move { .. }) = cause.downcast_ref() {
            return Some(
                "its data are in the tables, and it is still in the inbox: free some space, or check the permissions \
                 of the folder; the next scan moves it"
                    .into(),
            );
        }
        if cause.downcast_ref::<LoadError>().is_some_and(LoadError::is_account_broken) {
            return Some(
                "this is a defect of fhirmill; the file is in the inbox, and `fhirmill files` shows it as \
                 failed; please report it"
                    .into(),
            );
        }
        if let Some(ArchiveError::NoFolder { setting, .. } | ArchiveError::Missing { setting, .. }) =
            cause.downcast_ref()
        {
            return Some(format!(
                "if the files were moved or restored, set {setting} to the folder they are in"
            ));
        }
        if let Some(hint) = cause.downcast_ref().and_then(BackupError::hint) {
            return Some(hint);
        }
        #[cfg(feature = "lake")]
        if let Some(hint) = cause.downcast_ref().and_then(ConvertError::hint) {
            return Some(hint.to_owned());
        }
        if let Some(refusal) = cause.downcast_ref::<Refusal>() {
            return refusal.hint().map(str::to_owned);
        }
        #[cfg(feature = "lake")]
        if let Some(hint) =
            cause.downcast_ref::<fhirmill::snapshot::SnapshotError>().and_then(|failure| failure.hint())
        {
            return Some(hint);
        }
        if cause.is::<SettingsError>() {
            return Some(
                "settings are flags, environment variables, lines in .env or fhirmill.toml; `fhirmill --help` \
                 explains them"
                    .into(),
            );
        }
    }
    Failure::behind(error.as_ref()).and_then(Failure::hint).map(str::to_owned)
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        if cause.is::<SettingsError>() || cause.is::<EnvFileError>() || cause.is::<Refusal>() {
            return ExitCode::Usage;
        }
        if cause.downcast_ref().is_some_and(BackupError::is_refusal) {
            return ExitCode::Usage;
        }
        if cause.downcast_ref::<LoadError>().is_some_and(LoadError::is_account_broken) {
            return ExitCode::CheckFailed;
        }
        #[cfg(feature = "lake")]
        if cause
            .downcast_ref::<fhirmill::snapshot::SnapshotError>()
            .is_some_and(|failure| failure.is_refusal())
        {
            return ExitCode::Usage;
        }
        #[cfg(feature = "lake")]
        if cause.downcast_ref().is_some_and(ConvertError::is_usage) {
            return ExitCode::Usage;
        }
        #[cfg(feature = "server")]
        if cause.is::<fhirmill::server::ServerError>() {
            return ExitCode::Usage;
        }
        match cause.downcast_ref::<DatabaseError>() {
            None
            | Some(
                DatabaseError::Query { .. }
                | DatabaseError::Migration { .. }
                | DatabaseError::MigrationBlocked { .. },
            ) => {}
            Some(_) => return ExitCode::DatabaseUnavailable,
        }
    }
    match Failure::behind(error.as_ref()) {
        Some(Failure::ConnectionLost | Failure::PermissionDenied) => ExitCode::DatabaseUnavailable,
        _ => ExitCode::Unexpected,
    }
}
