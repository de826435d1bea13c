//! `fhirmill show`: prints a resource's JSON, byte for byte as it was received. A
//! contained resource is printed as it stands in its container.

use std::io::Write;

use anyhow::{Context, Result, bail};
use chrono::SecondsFormat;
use diesel::PgConnection;
use serde::Serialize;
use serde_json::value::RawValue;

use super::refusal::Refusal;
use super::{known, reading};
use crate::archive::stored_json;
use crate::cli::{ExitCode, ShowArguments};
use crate::config::{Settings, nearest_name};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map;
use fhirmill_postgres::ledger::{ResourceSender, StoredResource};

/// A resource with where it came from.
#[derive(Serialize)]
struct Shown<'s> {
    resource_type: &'s str,
    id: &'s str,
    source: &'s str,
    version_id: Option<&'s str>,
    last_updated: Option<String>,
    loaded_at: String,
    run_id: Option<i64>,
    file_id: i64,
    /// The path that the file had in the inbox.
    path: Option<&'s str>,
    resource: Box<RawValue>,
}

/// Prints the resource, from the database or from the archived file.
pub fn run(settings: &Settings, arguments: &ShowArguments) -> Result<ExitCode> {
    let (resource_type, fhir_id) = type_and_id(&arguments.resource)?;
    let (_, mut connection) = reading::open(settings)?;
    let source = arguments.source.as_deref();
    if let Some(source) = source {
        known::source(&mut connection, source)?;
    }
    let found = StoredResource::find(&mut connection, resource_type.name(), fhir_id, source)?;
    let (stored, json) = match one(found)? {
        Some(stored) => {
            let json = stored_json(settings, &stored)?;
            (stored, json)
        }
        None => match contained(settings, &mut connection, resource_type, fhir_id, source)? {
            Some(found) => found,
            None => return Err(not_found(&mut connection, arguments, resource_type, fhir_id)?),
        },
    };
    let mut out = std::io::stdout().lock();
    if arguments.json {
        let shown = shown(resource_type, fhir_id, &stored, &json)?;
        serde_json::to_writer_pretty(&mut out, &shown)?;
    } else {
        out.write_all(&json)?;
    }
    out.write_all(b"\n")?;
    Ok(ExitCode::Success)
}

/// Reads `Patient/123`; the id of a contained resource has slashes itself.
fn type_and_id(written: &str) -> Result<(ResourceType, &str), Refusal> {
    let expected = || Refusal::new("expected TYPE/ID, such as Patient/123");
    if let Some((_, path)) = written.split_once("://") {
        let mut segments = path.trim_end_matches('/').rsplit('/');
        return match (segments.next(), segments.next()) {
            (Some(id), Some(name)) if ResourceType::named(name).is_some() => {
                Err(expected().with_hint(format!("did you mean {name}/{id}?")))
            }
            _ => Err(expected()),
        };
    }
    let (name, fhir_id) = written.split_once('/').ok_or_else(expected)?;
    if fhir_id.is_empty() {
        return Err(expected());
    }
    if let Some(resource_type) = ResourceType::named(name) {
        return Ok((resource_type, fhir_id));
    }
    match nearest_name(name, ResourceType::all().map(ResourceType::name)) {
        Some(nearest) => Err(Refusal::new(format!("FHIR R4 has no resource type {name:?}"))
            .with_hint(format!("did you mean {nearest}/{fhir_id}?"))),
        None => known::resource_type(name).map(|resource_type| (resource_type, fhir_id)),
    }
}

/// The contained resource of that id, with the container that it stands in.
fn contained(
    settings: &Settings,
    connection: &mut PgConnection,
    resource_type: ResourceType,
    fhir_id: &str,
    source: Option<&str>,
) -> Result<Option<(StoredResource, Vec<u8>)>> {
    let Some((container, local_id)) = fhir_id.split_once('#') else { return Ok(None) };
    let Some((container_type, container_id)) = container.split_once('/') else { return Ok(None) };
    let found = StoredResource::find(connection, container_type, container_id, source)?;
    let Some(container) = one(found)? else { return Ok(None) };
    let json = stored_json(settings, &container)?;
    let json = map::contained_json(&json, resource_type, local_id)?.map(String::into_bytes);
    Ok(json.map(|json| (container, json)))
}

/// Why there is no such resource, as far as the registry knows.
fn not_found(
    connection: &mut PgConnection,
    arguments: &ShowArguments,
    resource_type: ResourceType,
    fhir_id: &str,
) -> Result<anyhow::Error> {
    let written = &arguments.resource;
    let senders = ResourceSender::find(connection, resource_type.name(), fhir_id)?;
    let is_asked =
        |sender: &&ResourceSender| arguments.source.as_ref().is_none_or(|source| *source == sender.source);
    if let Some(ResourceSender { source, deleted_at: Some(time) }) =
        senders.iter().find(|sender| is_asked(sender) && sender.deleted_at.is_some())
    {
        let time = time.to_rfc3339_opts(SecondsFormat::Secs, true);
        return Ok(anyhow::anyhow!("{written} of source {source} was deleted at {time}"));
    }
    let others: Vec<&str> = senders
        .iter()
        .filter(|sender| !is_asked(sender) && sender.deleted_at.is_none())
        .map(|sender| sender.source.as_str())
        .collect();
    Ok(match (&arguments.source, others.as_slice()) {
        (Some(source), []) => anyhow::anyhow!("source {source} has no {written}"),
        (Some(source), others) => {
            anyhow::anyhow!("source {source} has no {written}; these have one: {}", others.join(", "))
        }
        (None, _) => anyhow::anyhow!("there is no {written}"),
    })
}

fn shown<'s>(
    resource_type: ResourceType,
    fhir_id: &'s str,
    stored: &'s StoredResource,
    json: &[u8],
) -> Result<Shown<'s>> {
    let text = |time: &chrono::DateTime<chrono::Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
    let json = String::from_utf8(json.to_vec()).context("the resource is not UTF-8")?;
    Ok(Shown {
        resource_type: resource_type.name(),
        id: fhir_id,
        source: &stored.source,
        version_id: stored.version_id.as_deref(),
        last_updated: stored.last_updated.as_ref().map(text),
        loaded_at: text(&stored.loaded_at),
        run_id: stored.run_id,
        file_id: stored.file_id,
        path: stored.path.as_deref(),
        resource: RawValue::from_string(json).context("the resource is not JSON")?,
    })
}

/// The only resource of these, if there is any.
fn one(mut found: Vec<StoredResource>) -> Result<Option<StoredResource>> {
    if found.len() > 1 {
        let sources: Vec<&str> = found.iter().map(|resource| resource.source.as_str()).collect();
        bail!("several sources have it: add --source with one of {}", sources.join(", "));
    }
    Ok(found.pop())
}
