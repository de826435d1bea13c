//! The check of the settings for the de-identified copy.

use fhirmill_core::datatype::Timezone;
use fhirmill_postgres::deidentified::{Deidentification, DeidentifiedSecret, Form};

use super::check::Check;
use super::settings::DeidentifiedSettings;
use super::values::Expectation;

impl Check<'_> {
    /// What the de-identified copy is to be. Times keep their time of day in `timezone`.
    pub(super) fn deidentified(&mut self, timezone: Option<Timezone>) -> DeidentifiedSettings {
        let form = self.value("DEIDENTIFIED", form);
        let secret = self.optional("DEIDENTIFIED_SECRET", secret);
        let from_file = self.optional("DEIDENTIFIED_SECRET_FILE", secret_file);
        let follows_runs = self.value("DEIDENTIFIED_REFRESH", follows_runs).unwrap_or_default();
        let code_systems = self.optional("DEIDENTIFIED_CODE_SYSTEMS", code_systems).unwrap_or_default();
        if secret.is_some() && from_file.is_some() {
            self.complain_of(
                "DEIDENTIFIED_SECRET",
                "is set, and so is DEIDENTIFIED_SECRET_FILE: only one may be",
            );
        }
        let secret = secret.or(from_file);
        if form.flatten().is_some() && secret.is_none() {
            self.complain_of(
                "DEIDENTIFIED_SECRET_FILE",
                "is not set, nor is DEIDENTIFIED_SECRET, but DEIDENTIFIED is on",
            );
        }
        let copy = match (form.flatten(), secret, timezone) {
            (Some(form), Some(secret), Some(timezone)) => {
                Some(Deidentification { form, secret, timezone, code_systems })
            }
            _ => None,
        };
        DeidentifiedSettings { copy, follows_runs }
    }
}

fn form(text: &str) -> Result<Option<Form>, Expectation> {
    match text {
        "off" => Ok(None),
        "views" => Ok(Some(Form::Views)),
        "tables" => Ok(Some(Form::Tables)),
        _ => Err("off, views or tables".to_owned()),
    }
}

fn follows_runs(text: &str) -> Result<bool, Expectation> {
    match text {
        "command" => Ok(false),
        "runs" => Ok(true),
        _ => Err("command or runs".to_owned()),
    }
}

const SECRET: &str = "32 bytes or more, such as `openssl rand -hex 32` prints";

fn secret(text: &str) -> Result<DeidentifiedSecret, Expectation> {
    DeidentifiedSecret::new(text.as_bytes()).ok_or_else(|| SECRET.to_owned())
}

/// The secret in a file, without white space around it.
fn secret_file(path: &str) -> Result<DeidentifiedSecret, Expectation> {
    let bytes = std::fs::read(path).map_err(|_| "a file that can be read".to_owned())?;
    DeidentifiedSecret::new(bytes.trim_ascii()).ok_or_else(|| format!("a file with {SECRET}"))
}

/// URIs, separated by commas.
fn code_systems(text: &str) -> Result<Vec<String>, Expectation> {
    let systems: Vec<&str> = text.split(',').map(str::trim).filter(|system| !system.is_empty()).collect();
    if systems.iter().any(|system| !system.contains(':') || system.contains(char::is_whitespace)) {
        return Err("URIs of code systems, separated by commas".to_owned());
    }
    Ok(systems.into_iter().map(str::to_owned).collect())
}
