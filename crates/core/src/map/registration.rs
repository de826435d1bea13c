//! What the registry keeps of a resource besides its rows.

use super::fingerprint::{self, owned_text};
use super::input::Input;
use crate::datatype::{Timezone, ValueDefect};
use crate::json::{NameId, Value};
use crate::rows::Target;

/// What the registry keeps of a resource.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// The resource itself, among the batch's targets.
    pub target: Target,
    /// The `fullUrl` of its Bundle entry, unless it merely repeats the id.
    pub full_url: Option<String>,
    /// `meta.versionId`
    pub version_id: Option<String>,
    /// `meta.lastUpdated`, in microseconds since 2000-01-01 UTC.
    pub last_updated: Option<i64>,
    /// When the version took effect: `meta.lastUpdated`, else what the Bundle
    /// or its entry says. In microseconds since 2000-01-01 UTC.
    pub effective_at: Option<i64>,
    /// `meta.source`
    pub meta_source: Option<String>,
    /// `meta.profile`
    pub profiles: Vec<String>,
    /// `meta.tag`, as a JSON array.
    pub tags: Option<String>,
    /// `meta.security`, as a JSON array.
    pub security: Option<String>,
    /// `language`
    pub language: Option<String>,
    /// SHA-256 of the canonical form; `None` for a delete.
    pub content_hash: Option<[u8; 32]>,
    /// The resource came without an id.
    pub is_id_generated: bool,
    /// `meta.lastUpdated` is not a time.
    pub is_time_unreadable: bool,
}

/// The identity of a resource, as far as it is known before its rows.
pub(super) struct Registered<'r> {
    pub target: Target,
    pub fhir_id: &'r str,
    pub is_id_generated: bool,
    pub content_hash: [u8; 32],
}

/// The registration of the resource `root`.
pub(super) fn registration(
    root: Value<'_>,
    input: &Input<'_>,
    registered: &Registered<'_>,
    timezone: Timezone,
) -> Result<Registration, ValueDefect> {
    let meta = root.get(NameId::META);
    let of_meta = |name: NameId| meta.and_then(|meta| meta.get(name));
    let version = fingerprint::version(root, input, timezone)?;
    let mut profiles = Vec::new();
    if let Some(list) = of_meta(NameId::PROFILE) {
        for profile in list.items() {
            profiles.extend(owned_text(Some(profile))?);
        }
    }
    let raw = |value: Option<Value<'_>>| value.map(|value| value.raw().to_owned());
    // The usual fullUrl repeats the id and is not stored twice.
    let repeats_id = input.full_url.and_then(|url| url.strip_prefix("urn:uuid:")) == Some(registered.fhir_id);
    Ok(Registration {
        target: registered.target,
        full_url: input.full_url.filter(|_| !repeats_id).map(str::to_owned),
        is_time_unreadable: version.is_time_unreadable,
        version_id: version.version_id,
        last_updated: version.last_updated,
        effective_at: version.effective_at,
        meta_source: owned_text(of_meta(NameId::SOURCE))?,
        profiles,
        tags: raw(of_meta(NameId::TAG)),
        security: raw(of_meta(NameId::SECURITY)),
        language: owned_text(root.get(NameId::LANGUAGE))?,
        content_hash: Some(registered.content_hash),
        is_id_generated: registered.is_id_generated,
    })
}
