//! A failure: how an error that ends the program is told to the operator.
//!
//! The chain of causes goes to standard error, one `error:` line each, then
//! `hint:` lines that say what to do. The kind of the error gives the exit
//! code. Everything printed comes from our own error types, which hold no
//! patient's values and no passwords.

use std::error::Error;

use fhirmill::cli::ExitCode;
use fhirmill::config::{EnvFileError, SettingsError};
use fhirmill::database::DatabaseError;
use fhirmill::load::LoadError;

/// Prints the error and tells the exit code that goes with it.
pub fn report(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        eprintln!("error: {cause}");
    }
    for cause in error.chain() {
        if let Some(hint) = hint(cause) {
            eprintln!("\nhint: {hint}");
            break;
        }
    }
    exit_code(error)
}

fn hint(cause: &(dyn Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<DatabaseError>() {
        return error.hint();
    }
    if cause.downcast_ref::<LoadError>().is_some_and(LoadError::is_account_broken) {
        return Some(
            "this is a defect of fhirmill; the file is in the inbox, and `fhirmill files` shows it as failed; \
             please report it"
                .into(),
        );
    }
    if cause.is::<SettingsError>() {
        return Some(
            "settings are flags, environment variables or lines in .env; see `fhirmill help once`".into(),
        );
    }
    None
}

fn exit_code(error: &anyhow::Error) -> ExitCode {
    for cause in error.chain() {
        if cause.is::<SettingsError>() || cause.is::<EnvFileError>() {
            return ExitCode::Usage;
        }
        if cause.downcast_ref::<LoadError>().is_some_and(LoadError::is_account_broken) {
            return ExitCode::CheckFailed;
        }
        match cause.downcast_ref::<DatabaseError>() {
            None => {}
            Some(DatabaseError::Query { .. } | DatabaseError::Migration { .. }) => {
                return ExitCode::Unexpected;
            }
            Some(_) => return ExitCode::DatabaseUnavailable,
        }
    }
    ExitCode::Unexpected
}
