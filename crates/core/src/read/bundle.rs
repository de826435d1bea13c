//! A *Bundle* here is what its entries need to know of the whole: its type,
//! its timestamp, and which resource each `fullUrl` in it names.
//!
//! The names are kept as a sorted list of 24 bytes an entry, so that the
//! index of a Bundle of a million entries is 24 MB; an id that equals the
//! UUID of its `fullUrl` is not kept twice.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::full_url;
use crate::fhir::ResourceType;

/// A Bundle around frames; see the module.
#[derive(Debug, Default)]
pub struct Bundle {
    number: u64,
    bundle_type: Option<String>,
    timestamp: Option<String>,
    base_url: Option<String>,
    targets: Vec<Target>,
    /// Some `fullUrl`, of this Bundle or of one around it, is no UUID.
    has_urls: bool,
    /// The ids that no UUID gives, each with its length before it.
    ids: Vec<u8>,
    outer: Option<Arc<Bundle>>,
}

/// What a `fullUrl` names.
#[derive(Clone, Copy, Debug)]
struct Target {
    key: [u64; 2],
    /// Offset in `ids`, or [`SAME_AS_UUID`].
    id: u32,
    resource_type: ResourceType,
}

/// The id is the UUID of the key, in lower case.
const SAME_AS_UUID: u32 = u32::MAX;

/// How many Bundles were read by the process.
static BUNDLES: AtomicU64 = AtomicU64::new(0);

impl Bundle {
    /// A number that no other Bundle has in this process, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// `Bundle.type` as written.
    pub fn bundle_type(&self) -> Option<&str> {
        self.bundle_type.as_deref()
    }

    /// `Bundle.timestamp` as written.
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// The base of the server that the Bundle came from: what stands before
    /// `/Type/id` in the first `fullUrl` that ends so.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The Bundle that this one is an entry of.
    pub fn outer(&self) -> Option<&Arc<Bundle>> {
        self.outer.as_ref()
    }

    /// Type and id of the resource that a `fullUrl` of this Bundle, or of one
    /// around it, names; the id is [`super::id_from_full_url`]'s where the
    /// resource has none. When entries of one Bundle have the same `fullUrl`
    /// (as the versions in a history have), the last of them is meant. A UUID
    /// matches in upper and lower case.
    pub fn resolve<'b>(&'b self, full_url: &'b str) -> Option<(ResourceType, Cow<'b, str>)> {
        if !self.has_urls && full_url::uuid(full_url).is_none() {
            return None;
        }
        let key = full_url::key(full_url);
        let mut bundle = self;
        loop {
            if let Ok(index) = bundle.targets.binary_search_by(|target| target.key.cmp(&key)) {
                return bundle.target(bundle.targets[index], full_url);
            }
            bundle = bundle.outer.as_deref()?;
        }
    }

    /// What the target stands for, which `full_url` names.
    fn target<'b>(&'b self, target: Target, full_url: &'b str) -> Option<(ResourceType, Cow<'b, str>)> {
        if target.id == SAME_AS_UUID {
            let written = full_url.strip_prefix("urn:uuid:")?;
            if !written.bytes().any(|byte| byte.is_ascii_uppercase()) {
                return Some((target.resource_type, written.into()));
            }
            let number = u128::from(target.key[0]) << 64 | u128::from(target.key[1]);
            return Some((target.resource_type, uuid::Uuid::from_u128(number).to_string().into()));
        }
        let start = target.id as usize;
        let length = u16::from_le_bytes(*self.ids.get(start..)?.first_chunk()?);
        let id = self.ids.get(start + 2..start + 2 + usize::from(length))?;
        Some((target.resource_type, std::str::from_utf8(id).ok()?.into()))
    }
}

/// Collects what a [`Bundle`] says.
#[derive(Debug, Default)]
pub(super) struct Builder {
    bundle: Bundle,
}

impl Builder {
    pub fn set_type(&mut self, bundle_type: Option<String>) {
        self.bundle.bundle_type = bundle_type;
    }

    pub fn set_timestamp(&mut self, timestamp: Option<String>) {
        self.bundle.timestamp = timestamp;
    }

    /// Notes that `full_url` names the resource of this type and id. A type that
    /// R4 does not know, an id of more than 65,535 bytes, and ids past 4 GiB of
    /// them are not noted: a reference to them stays unresolved.
    pub fn add(&mut self, full_url: &str, resource_type: &str, id: Option<&str>) {
        let Some(id) = id.or_else(|| full_url::id_from_full_url(full_url)) else {
            return;
        };
        let Some(known_type) = ResourceType::named(resource_type) else {
            return;
        };
        let uuid = full_url::uuid(full_url);
        self.bundle.has_urls |= uuid.is_none();
        let same = uuid
            .is_some_and(|uuid| uuid.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == id);
        let id_place = if same {
            SAME_AS_UUID
        } else {
            let (Ok(place), Ok(length)) = (u32::try_from(self.bundle.ids.len()), u16::try_from(id.len()))
            else {
                return;
            };
            if place == SAME_AS_UUID {
                return;
            }
            self.bundle.ids.extend_from_slice(&length.to_le_bytes());
            self.bundle.ids.extend_from_slice(id.as_bytes());
            place
        };
        if self.bundle.base_url.is_none() {
            let base = full_url::base(full_url, resource_type, id);
            self.bundle.base_url = base.map(|length| full_url[..length].to_owned());
        }
        let key = full_url::key(full_url);
        self.bundle.targets.push(Target { key, id: id_place, resource_type: known_type });
    }

    pub fn finish(mut self, outer: Option<Arc<Bundle>>) -> Bundle {
        let targets = &mut self.bundle.targets;
        // Stable, so that of equal keys the last stays the last.
        targets.sort_by_key(|target| target.key);
        targets.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        targets.shrink_to_fit();
        self.bundle.number = BUNDLES.fetch_add(1, Ordering::Relaxed) + 1;
        self.bundle.has_urls |= outer.as_ref().is_some_and(|outer| outer.has_urls);
        self.bundle.outer = outer;
        self.bundle
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(bundle: &Bundle, full_url: &str) -> Option<(String, String)> {
        bundle.resolve(full_url).map(|(resource_type, id)| (resource_type.name().to_owned(), id.into_owned()))
    }

    fn pair(resource_type: &str, id: &str) -> Option<(String, String)> {
        Some((resource_type.to_owned(), id.to_owned()))
    }

    #[test]
    fn full_urls_of_every_form_resolve() {
        let uuid = "6f1df156-8793-56a0-6df1-570bca4dcc07";
        let mut builder = Builder::default();
        builder.add(&format!("urn:uuid:{uuid}"), "Patient", Some(uuid));
        builder.add("urn:uuid:00000000-0000-0000-0000-000000000001", "Encounter", Some("e1"));
        builder.add("urn:uuid:00000000-0000-0000-0000-000000000002", "Encounter", None);
        builder.add("https://a.example/r4/Condition/c1", "Condition", Some("c1"));
        builder.add("https://a.example/r4/Condition/c2", "Condition", None);
        builder.add("urn:oid:1.2.3", "Device", Some("d1"));
        builder.add("urn:oid:1.2.4", "Device", None);
        let bundle = builder.finish(None);
        assert_eq!(resolved(&bundle, &format!("urn:uuid:{uuid}")), pair("Patient", uuid));
        assert_eq!(resolved(&bundle, &format!("urn:uuid:{}", uuid.to_uppercase())), pair("Patient", uuid));
        assert_eq!(
            resolved(&bundle, "urn:uuid:00000000-0000-0000-0000-000000000001"),
            pair("Encounter", "e1")
        );
        assert_eq!(
            resolved(&bundle, "urn:uuid:00000000-0000-0000-0000-000000000002"),
            pair("Encounter", "00000000-0000-0000-0000-000000000002")
        );
        assert_eq!(resolved(&bundle, "https://a.example/r4/Condition/c1"), pair("Condition", "c1"));
        assert_eq!(resolved(&bundle, "https://a.example/r4/Condition/c2"), pair("Condition", "c2"));
        assert_eq!(resolved(&bundle, "urn:oid:1.2.3"), pair("Device", "d1"));
        assert_eq!(resolved(&bundle, "urn:oid:1.2.4"), None);
        assert_eq!(resolved(&bundle, "https://a.example/r4/Condition/c3"), None);
        assert_eq!(bundle.base_url(), Some("https://a.example/r4"));
    }

    #[test]
    fn the_last_of_equal_full_urls_is_meant_and_outer_bundles_are_asked() {
        let mut outer = Builder::default();
        outer.add("urn:oid:1", "Patient", Some("outer"));
        outer.add("urn:oid:2", "Patient", Some("only-outer"));
        let mut inner = Builder::default();
        inner.add("urn:oid:1", "Patient", Some("first"));
        inner.add("urn:oid:1", "Group", Some("last"));
        let inner = inner.finish(Some(Arc::new(outer.finish(None))));
        assert_eq!(resolved(&inner, "urn:oid:1"), pair("Group", "last"));
        assert_eq!(resolved(&inner, "urn:oid:2"), pair("Patient", "only-outer"));
    }

    #[test]
    fn an_entry_takes_24_bytes() {
        assert_eq!(size_of::<Target>(), 24);
    }
}
