//! Whether what an argument names is *known*: a source, a file, a run, a resource
//! type. What is not known is refused with the nearest name that is.

use anyhow::Result;
use diesel::PgConnection;

use super::refusal::Refusal;
use crate::config::{self, nearest_name};
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::ledger::{self, Source};

/// How many names a refusal lists.
const MOST_NAMES: usize = 10;

/// Refuses the name of a source that the database does not have.
pub(super) fn source(connection: &mut PgConnection, name: &str) -> Result<()> {
    let sources = Source::codes(connection)?;
    if sources.iter().any(|source| source == name) {
        return Ok(());
    }
    let hint = match nearest_name(name, sources.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean {nearest}? `fhirmill sources list` shows all sources"),
        None if sources.is_empty() => "there are no sources yet".to_owned(),
        None => format!("the sources are {}", listed(&sources)),
    };
    Err(Refusal::new(format!("there is no source {name}")).with_hint(hint).into())
}

/// Refuses the number of a file that the ledger does not have.
pub(super) fn file(connection: &mut PgConnection, id: i64) -> Result<()> {
    if ledger::has_file(connection, id)? {
        return Ok(());
    }
    let hint = "`fhirmill files` shows the numbers of the files";
    Err(Refusal::new(format!("there is no file {id}")).with_hint(hint).into())
}

/// Refuses the number of a run that the ledger does not have.
pub(super) fn run(connection: &mut PgConnection, id: i64) -> Result<()> {
    if ledger::has_run(connection, id)? {
        return Ok(());
    }
    let hint = "`fhirmill runs` shows the numbers of the runs";
    Err(Refusal::new(format!("there is no run {id}")).with_hint(hint).into())
}

/// The resource type of that name; refuses one that FHIR R4 does not have.
pub(super) fn resource_type(name: &str) -> Result<ResourceType, Refusal> {
    let refused = |complaint| Refusal::new(complaint).with_hint("write types as in FHIR, such as Patient");
    config::resource_type(name).map_err(refused)
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MOST_NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST_NAMES {
        text.push_str(&format!(" and {} others", names.len() - MOST_NAMES));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..12).map(|number| format!("s{number}")).collect();
        assert!(listed(&names).ends_with("s8, s9 and 2 others"), "{}", listed(&names));
    }
}
