//! *Definitions* that are applied without a command: files of VIEWS_DIR, and
//! ViewDefinition resources of sources that may declare views. Each is applied when it is
//! new or has changed, and its view is dropped when it is gone.

use std::path::Path;

use diesel::PgConnection;
use fhirmill_core::json::Dictionary;
use fhirmill_core::views::{View, render};
use fhirmill_postgres::database::Readers;
use fhirmill_postgres::ledger::{
    self, AppliedView, DefinitionResource, NewVersion, StoredResource, ViewOrigin, definition_resources,
};
use sha2::{Digest, Sha256};
use tracing::{info, warn};

use crate::archive::stored_json;
use crate::pipeline::error::PipelineError;
use crate::pipeline::job::Job;
use crate::report::in_one_line;

/// Definitions are small; a larger file is something else.
pub const MAX_DEFINITION_BYTES: u64 = 4 << 20;

const FOLDER: &str = "folder";
const RESOURCE: &str = "resource";

/// A definition as it is now.
struct Found {
    key: String,
    /// What it is called, for people.
    label: String,
    fingerprint: String,
    /// Its text, or why it has none.
    text: Result<String, String>,
}

/// Applies definitions that are new or have changed, and drops the views of those that
/// are gone.
pub fn follow_definitions(job: &Job<'_>, connection: &mut PgConnection) -> Result<(), PipelineError> {
    if let Some(folder) = &job.settings.views_dir {
        // A folder that is missing, as one that is not mounted, says nothing of its files.
        if let Some(found) = files(folder) {
            follow(connection, FOLDER, found)?;
        }
    }
    let sources: Vec<&str> = job.settings.view_sources().collect();
    if !sources.is_empty() {
        let found = resources(job, connection, &sources)?;
        follow(connection, RESOURCE, found)?;
    }
    Ok(())
}

/// The definitions in a folder; none if it cannot be listed.
fn files(folder: &Path) -> Option<Vec<Found>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_file = entry.metadata().is_ok_and(|metadata| metadata.is_file());
        if !is_file || name.starts_with('.') || !name.ends_with(".json") {
            continue;
        }
        let text = read_definition(&entry.path());
        let hash = text.as_ref().map_or_else(Clone::clone, |text| hex(&Sha256::digest(text)));
        found.push(Found { label: name.clone(), key: name, fingerprint: hash, text });
    }
    found.sort_by(|one, other| one.key.cmp(&other.key));
    Some(found)
}

/// The text of the file with a definition, or why there is none.
pub fn read_definition(path: &Path) -> Result<String, String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("not a file".to_owned());
    }
    if metadata.len() > MAX_DEFINITION_BYTES {
        return Err(format!(
            "larger than {} MB, the most that a ViewDefinition may have",
            MAX_DEFINITION_BYTES >> 20
        ));
    }
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())
}

/// The ViewDefinitions of sources. Those that are not in the archive yet are left as they
/// were.
fn resources(
    job: &Job<'_>,
    connection: &mut PgConnection,
    sources: &[&str],
) -> Result<Vec<Found>, PipelineError> {
    let known = ViewOrigin::list(connection, Some(RESOURCE))?;
    let mut found = Vec::new();
    for resource in definition_resources(connection, sources)? {
        let DefinitionResource { id, fhir_id, source, revision, archive_path } = resource;
        let (key, label) = (id.to_string(), format!("ViewDefinition/{fhir_id} of source {source}"));
        let mut fingerprint = revision.to_string();
        let before = known.iter().find(|origin| origin.key == key);
        let text = match before {
            Some(before) if before.fingerprint == fingerprint => Err(String::new()),
            _ => {
                let stored = StoredResource::find(connection, "ViewDefinition", &fhir_id, Some(&source))?;
                match stored.first().map(|stored| stored_json(job.settings, stored)) {
                    Some(Ok(json)) => String::from_utf8(json).map_err(|_| "it is not UTF-8".to_owned()),
                    Some(Err(error)) if archive_path.is_some() => Err(in_one_line(&*error)),
                    // The next look finds it.
                    _ => {
                        fingerprint = before.map_or_else(String::new, |before| before.fingerprint.clone());
                        Err("it is not in the archive yet".to_owned())
                    }
                }
            }
        };
        found.push(Found { key, label, fingerprint, text });
    }
    Ok(found)
}

fn follow(connection: &mut PgConnection, origin: &str, found: Vec<Found>) -> Result<(), PipelineError> {
    let known = ViewOrigin::list(connection, Some(origin))?;
    for gone in known.iter().filter(|known| found.iter().all(|found| found.key != known.key)) {
        drop_view(connection, gone.name.as_deref())?;
        gone.forget(connection)?;
    }
    for definition in found {
        let before = known.iter().find(|known| known.key == definition.key);
        if before.is_some_and(|before| before.fingerprint == definition.fingerprint)
            || definition.fingerprint.is_empty()
        {
            continue;
        }
        let name = before.and_then(|before| before.name.clone());
        let applied = apply(connection, &definition, name.as_deref())?;
        if let Err(problem) = &applied {
            warn!("{} is not applied: {problem}", definition.label);
        }
        let Found { key, fingerprint, .. } = definition;
        let (name, problem) = match applied {
            Ok(applied) => (Some(applied), None),
            // What it was applied as before stays.
            Err(problem) => (name, Some(problem)),
        };
        ViewOrigin { origin: origin.to_owned(), key, fingerprint, name, problem }.save(connection)?;
    }
    Ok(())
}

/// Applies a definition, which was applied under another name before. Returns its name, or
/// why it is not applied.
fn apply(
    connection: &mut PgConnection,
    definition: &Found,
    before: Option<&str>,
) -> Result<Result<String, String>, PipelineError> {
    let text = match &definition.text {
        Ok(text) => text,
        Err(problem) => return Ok(Err(problem.clone())),
    };
    let view = match View::compile(text, &mut Dictionary::new()) {
        Ok(view) => view,
        Err(found) => {
            let first = found.first().map(|first| render(first, &definition.label, text));
            return Ok(Err(first.unwrap_or_default()));
        }
    };
    let Some(name) = view.name.clone() else { return Ok(Err("the view has no name".to_owned())) };
    let is_own = before.is_some_and(|before| before.eq_ignore_ascii_case(&name));
    if !is_own {
        let applied = AppliedView::list(connection)?;
        if applied.iter().any(|applied| applied.name.eq_ignore_ascii_case(&name)) {
            return Ok(Err(format!("another definition was applied as {name} before")));
        }
        drop_view(connection, before)?;
    }
    NewVersion::begin(connection, (&name, &view), text)?;
    // Readers may read the new table.
    Readers::of(connection)?.ensure(connection)?;
    info!("{} is applied as the view {name}", definition.label);
    Ok(Ok(name))
}

fn drop_view(connection: &mut PgConnection, name: Option<&str>) -> Result<(), PipelineError> {
    if let Some(name) = name
        && ledger::remove_view(connection, name)?
    {
        info!("the definition of the view {name} is gone: it is dropped");
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
