//! A *Bundle* here is what its entries need to know about the whole: its type,
//! its timestamp, and which resource each `fullUrl` in it identifies.
//!
//! The `fullUrl` index is a sorted list of 24 bytes per entry: 24 MB for a
//! Bundle of a million entries. An id equal to the UUID of its `fullUrl` is not
//! stored again.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::full_url;
use crate::fhir::ResourceType;

/// What the entries of a Bundle need to know about it: type, timestamp and the
/// targets of its full URLs.
#[derive(Debug, Default)]
pub struct Bundle {
    number: u64,
    bundle_type: Option<String>,
    timestamp: Option<String>,
    base_url: Option<String>,
    targets: Vec<Target>,
    /// Some `fullUrl` of this Bundle or of an outer one is not a UUID.
    has_urls: bool,
    /// The ids that differ from the UUID, each preceded by its length.
    ids: Vec<u8>,
    outer: Option<Arc<Bundle>>,
}

/// The resource that a `fullUrl` identifies.
#[derive(Clone, Copy, Debug)]
struct Target {
    key: [u64; 2],
    /// Offset in `ids`, or [`SAME_AS_UUID`].
    id: u32,
    resource_type: ResourceType,
}

/// The id is the UUID of the key, in lower case.
const SAME_AS_UUID: u32 = u32::MAX;

/// Number of Bundles that this process has read.
static BUNDLE_COUNT: AtomicU64 = AtomicU64::new(0);

impl Bundle {
    /// A number unique to this Bundle in this process, from 1.
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

    /// The base URL of the server that produced the Bundle: the part before
    /// `/Type/id` of the first `fullUrl` that ends with its resource's type and
    /// id.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The Bundle that contains this one as an entry.
    pub fn outer(&self) -> Option<&Arc<Bundle>> {
        self.outer.as_ref()
    }

    /// Type and id of the resource that `full_url` identifies in this Bundle,
    /// or else in an outer one; `None` if there is none. For a resource without
    /// an id, the id is that of [`id_from_full_url`](super::id_from_full_url).
    /// When several entries of one Bundle have the same `fullUrl`, as the
    /// versions in a history do, the last one wins. UUIDs match regardless of
    /// case.
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

    /// Type and id of the target that `full_url` led to.
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

/// Builds a [`Bundle`] while it is being prescanned.
#[derive(Debug, Default)]
pub(super) struct BundleBuilder {
    bundle: Bundle,
}

impl BundleBuilder {
    pub fn set_type(&mut self, bundle_type: Option<String>) {
        self.bundle.bundle_type = bundle_type;
    }

    pub fn set_timestamp(&mut self, timestamp: Option<String>) {
        self.bundle.timestamp = timestamp;
    }

    /// Adds the resource that `full_url` identifies. A type unknown to R4, an
    /// id of more than 65,535 bytes, and ids beyond 4 GiB in total are not
    /// added: references to them remain unresolved.
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
        let id_offset = if same {
            SAME_AS_UUID
        } else {
            let (Ok(offset), Ok(length)) = (u32::try_from(self.bundle.ids.len()), u16::try_from(id.len()))
            else {
                return;
            };
            if offset == SAME_AS_UUID {
                return;
            }
            self.bundle.ids.extend_from_slice(&length.to_le_bytes());
            self.bundle.ids.extend_from_slice(id.as_bytes());
            offset
        };
        if self.bundle.base_url.is_none() {
            let base = full_url::base_length(full_url, resource_type, id);
            self.bundle.base_url = base.map(|length| full_url[..length].to_owned());
        }
        let key = full_url::key(full_url);
        self.bundle.targets.push(Target { key, id: id_offset, resource_type: known_type });
    }

    /// The finished Bundle, nested in `outer`.
    pub fn finish(mut self, outer: Option<Arc<Bundle>>) -> Bundle {
        let targets = &mut self.bundle.targets;
        // A stable sort, so that the last of equal keys stays the last.
        targets.sort_by_key(|target| target.key);
        targets.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        targets.shrink_to_fit();
        self.bundle.number = BUNDLE_COUNT.fetch_add(1, Ordering::Relaxed) + 1;
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
        let mut builder = BundleBuilder::default();
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
    fn the_last_of_equal_full_urls_wins_and_outer_bundles_are_searched() {
        let mut outer = BundleBuilder::default();
        outer.add("urn:oid:1", "Patient", Some("outer"));
        outer.add("urn:oid:2", "Patient", Some("only-outer"));
        let mut inner = BundleBuilder::default();
        inner.add("urn:oid:1", "Patient", Some("first"));
        inner.add("urn:oid:1", "Group", Some("last"));
        let inner = inner.finish(Some(Arc::new(outer.finish(None))));
        assert_eq!(resolved(&inner, "urn:oid:1"), pair("Group", "last"));
        assert_eq!(resolved(&inner, "urn:oid:2"), pair("Patient", "only-outer"));
    }

    #[test]
    fn a_target_takes_24_bytes() {
        assert_eq!(size_of::<Target>(), 24);
    }
}
