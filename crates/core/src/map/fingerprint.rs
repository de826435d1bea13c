//! A *fingerprint* identifies one version of a resource: its identity, a hash of
//! its content, and when it took effect. It is read without mapping the resource,
//! so that versions that the registry already has need not be mapped.

use super::input::Input;
use super::target::Identity;
use crate::datatype::{Timezone, ValueDefect, ValueDefectReason, moment};
use crate::fhir::{ResourceType, generated_id, trimmed};
use crate::json::{Canonical, JsonError, JsonType, NameId, Tree, Value};
use crate::read::content_hash;

/// What identifies one version of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// The resource's type.
    pub resource_type: ResourceType,
    /// Its logical id, generated from the content where it came without one.
    pub fhir_id: String,
    /// SHA-256 of the canonical form.
    pub content_hash: [u8; 32],
    /// When the version took effect, in microseconds since 2000-01-01 UTC.
    pub effective_at: Option<i64>,
    /// `meta.versionId`
    pub version_id: Option<String>,
    /// Its sender marks it as deleted.
    pub is_deleted: bool,
}

impl Fingerprint {
    /// The resource within its source.
    pub fn identity(&self) -> Identity<'_> {
        Identity { resource_type: self.resource_type, fhir_id: &self.fhir_id }
    }
}

/// A resource's identity and content.
pub(super) struct Identified {
    pub resource_type: ResourceType,
    pub fhir_id: String,
    pub is_id_generated: bool,
    pub content_hash: [u8; 32],
}

/// A resource's version.
pub(super) struct Version {
    pub version_id: Option<String>,
    /// `meta.lastUpdated` is there and is not a time. It counts as missing.
    pub is_time_unreadable: bool,
    pub last_updated: Option<i64>,
    /// `meta.lastUpdated`, else what the Bundle or its entry says.
    pub effective_at: Option<i64>,
}

/// Reads a resource's identity and hashes its content as received, which is
/// `written`.
pub(super) fn identify(
    tree: &Tree<'_>,
    resource_type: ResourceType,
    written: &Tree<'_>,
    canonical: &mut Canonical,
    input: &Input<'_>,
) -> Result<Identified, JsonError> {
    let root = tree.root();
    let content_hash = content_hash(written.root(), canonical)?;
    let written_id = root.get(NameId::ID).and_then(Value::as_text).filter(|id| !trimmed(id).is_empty());
    let is_id_generated = written_id.is_none();
    let fhir_id = match (input.id, written_id) {
        (Some(id), _) => id.to_owned(),
        (None, Some(id)) if trimmed(&id).len() < id.len() => trimmed(&id).to_owned(),
        (None, Some(id)) => id.into_owned(),
        (None, None) => generated_id(&content_hash),
    };
    Ok(Identified { resource_type, fhir_id, is_id_generated, content_hash })
}

/// Reads what a resource, or else its Bundle, says of its version.
pub(super) fn version(
    root: Value<'_>,
    input: &Input<'_>,
    timezone: Timezone,
) -> Result<Version, ValueDefect> {
    let meta = root.get(NameId::META);
    let of_meta = |name: NameId| meta.and_then(|meta| meta.get(name));
    let written = of_meta(NameId::LAST_UPDATED).filter(|value| !value.is_null());
    let text = written.and_then(Value::as_text);
    let last_updated = text.as_ref().and_then(|text| moment::date_time(trimmed(text), timezone));
    let last_updated = last_updated.map(|span| span.start);
    let is_empty = text.as_ref().is_some_and(|text| trimmed(text).is_empty());
    let of_bundle = || Some(moment::date_time(input.effective_at?, timezone)?.start);
    Ok(Version {
        version_id: owned_text(of_meta(NameId::VERSION_ID))?,
        is_time_unreadable: written.is_some() && last_updated.is_none() && !is_empty,
        last_updated,
        effective_at: last_updated.or_else(of_bundle),
    })
}

/// The extension by which Azure's FHIR service marks deleted resources in exports.
/// Source: <https://learn.microsoft.com/azure/healthcare-apis/fhir/export-data>.
const DELETED_STATE: &str = "http://azurehealthcareapis.com/data-extensions/deleted-state";

/// Whether the sender marks the resource as deleted: by `meta.deleted`, which is
/// `true` or a time, or by Azure's extension of `meta`.
pub(super) fn is_marked_deleted(root: Value<'_>) -> bool {
    let Some(meta) = root.get(NameId::META) else { return false };
    let is_set = |value: Value<'_>| match value.json_type() {
        JsonType::True => true,
        JsonType::String => value.as_text().is_some_and(|text| !matches!(&*text, "" | "false")),
        _ => false,
    };
    let is_text = |value: Option<Value<'_>>, expected: &str| {
        value.and_then(Value::as_text).is_some_and(|text| text == expected)
    };
    let is_soft_deleted = |extension: Value<'_>| {
        is_text(extension.get(NameId::URL), DELETED_STATE)
            && is_text(extension.get(NameId::VALUE_STRING), "soft-deleted")
    };
    meta.get(NameId::DELETED).is_some_and(is_set)
        || meta.get(NameId::EXTENSION).is_some_and(|extensions| extensions.items().any(is_soft_deleted))
}

/// A string's characters, if it is there.
pub(super) fn owned_text(value: Option<Value<'_>>) -> Result<Option<String>, ValueDefect> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_text().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedString))?;
    Ok(Some(text.into_owned()))
}
