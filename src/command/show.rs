//! `fhirmill show`: prints a resource's JSON, byte for byte as it was received. A
//! contained resource is printed as it stands in its container.

use std::io::Write;

use anyhow::{Context, Result, bail};

use crate::archive::{ArchiveError, Location, Storage};
use crate::cli::{ExitCode, ShowArguments};
use crate::config::Settings;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::{map, read};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::StoredResource;

/// Prints the resource, from the database or from the archived file.
pub fn run(settings: &Settings, arguments: &ShowArguments) -> Result<ExitCode> {
    let Some((resource_type, fhir_id)) = arguments.resource.split_once('/') else {
        eprintln!("error: expected TYPE/ID, such as Patient/123");
        return Ok(ExitCode::Usage);
    };
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let mut find = |resource_type: &str, fhir_id: &str| {
        StoredResource::find(&mut connection, resource_type, fhir_id, arguments.source.as_deref())
    };
    let mut json = match one(&find(resource_type, fhir_id)?)? {
        Some(resource) => Some(json_of(settings, resource)?),
        None => None,
    };
    if json.is_none()
        && let Some((container, local_id)) = fhir_id.split_once('#')
        && let Some((container_type, container_id)) = container.split_once('/')
        && let Some(resource_type) = ResourceType::named(resource_type)
        && let Some(container) = one(&find(container_type, container_id)?)?
    {
        let container = json_of(settings, container)?;
        json = map::contained_json(&container, resource_type, local_id)?.map(String::into_bytes);
    }
    let Some(json) = json else { bail!("there is no {}", arguments.resource) };
    let mut out = std::io::stdout().lock();
    out.write_all(&json)?;
    out.write_all(b"\n")?;
    Ok(ExitCode::Success)
}

/// The only resource of these, if there is any.
fn one(found: &[StoredResource]) -> Result<Option<&StoredResource>> {
    match found {
        [] => Ok(None),
        [resource] => Ok(Some(resource)),
        several => {
            let sources: Vec<&str> = several.iter().map(|resource| resource.source.as_str()).collect();
            bail!("several sources have it: add --source with one of {}", sources.join(", "))
        }
    }
}

fn json_of(settings: &Settings, resource: &StoredResource) -> Result<Vec<u8>> {
    match &resource.body {
        Some(body) => Ok(body.clone().into_bytes()),
        None => from_archive(settings, resource),
    }
}

fn from_archive(settings: &Settings, resource: &StoredResource) -> Result<Vec<u8>> {
    let path = resource.path.clone().unwrap_or_default();
    let Some(stored) = &resource.archive_path else {
        return Err(ArchiveError::NotYet { path }.into());
    };
    let (Some(member), Some(offset), Some(length)) =
        (resource.member, resource.byte_offset, resource.byte_length)
    else {
        bail!("the registry does not record its position in {stored}");
    };
    let (storage, location) = (Storage::of(settings), Location::stored(stored));
    let archive = storage.of_status(resource.status.as_deref().unwrap_or_default());
    let file = archive.open(&location)?;
    read::read_range_of(file, &settings.read_limits(), member as u32, offset as u64, length as u64)
        .with_context(|| format!("{} cannot be read", archive.address(&location).display()))
}
