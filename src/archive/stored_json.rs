//! The JSON of a *stored* resource, byte for byte as it was received.

use anyhow::{Context, Result, bail};
use fhirmill_core::read;
use fhirmill_postgres::ledger::StoredResource;

use super::{ArchiveError, Location, Storage};
use crate::config::Settings;

/// The JSON of a resource, from the database or from the archived file.
pub fn stored_json(settings: &Settings, resource: &StoredResource) -> Result<Vec<u8>> {
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
    if let Some(at) = resource.removed_at {
        return Err(ArchiveError::removed(stored, at).into());
    }
    let (Some(member), Some(offset), Some(length)) =
        (resource.member, resource.byte_offset, resource.byte_length)
    else {
        bail!("the registry does not record its position in {stored}");
    };
    let (storage, location) = (Storage::of(settings), Location::stored(stored));
    let archive = storage.of_status(resource.status.as_deref().unwrap_or_default());
    let file = archive.open(&location)?;
    read::read_range_of(file, &settings.read_limits(), member as u32, offset as u64, length as u64)
        .with_context(|| format!("{} cannot be read", archive.address(&location)))
}
