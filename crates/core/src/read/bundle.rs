//! A *Bundle* here is what its entries need to know about the whole: its type,
//! its timestamp, and which resource each `fullUrl` in it identifies.
//!
//! The `fullUrl` index is a sorted list of 24 bytes per entry: 24 MB for a
//! Bundle of a million entries. An id equal to the UUID of its `fullUrl` is not
//! stored again.

use std::borrow::Cow;
use std::sync::Arc;

use super::full_url::{self, Key};
use crate::fhir::{Address, Condition, ResourceType};

/// What the entries of a Bundle need to know about it: type, timestamp and the
/// targets of its full URLs.
#[derive(Debug, Default)]
pub struct Bundle {
    pub(super) number: u64,
    pub(super) bundle_type: Option<String>,
    pub(super) timestamp: Option<String>,
    pub(super) last_updated: Option<String>,
    pub(super) base_url: Option<String>,
    pub(super) targets: Vec<Target>,
    /// What other kinds of names than UUIDs this Bundle or an outer one has.
    pub(super) names: NameKinds,
    /// The ids that differ from the UUID, each preceded by its length.
    pub(super) ids: Vec<u8>,
    /// The entries whose ids are generated, by their number from 1, each with its
    /// id's offset in `ids`.
    pub(super) generated: Vec<(u32, u32)>,
    /// The conditions of requests, each with the id of what it makes.
    pub(super) conditions: Vec<(Condition, String)>,
    pub(super) outer: Option<Arc<Bundle>>,
}

/// Kinds of names that entries have.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NameKinds {
    /// Anything but UUIDs.
    pub has_urls: bool,
    /// `Type/id` and `#id`, which usually mean something else.
    pub has_aliases: bool,
    /// Some resources have the same type and id on several servers.
    pub has_namesakes: bool,
}

/// The resource that a name identifies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub key: Key,
    /// Offset in `ids`, or [`SAME_AS_UUID`].
    pub id: u32,
    pub resource_type: ResourceType,
}

/// The id is the UUID of the key, in lower case.
pub(super) const SAME_AS_UUID: u32 = u32::MAX;

impl Bundle {
    /// A number unique to this Bundle in this process, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// `Bundle.type` as written.
    pub fn bundle_type(&self) -> Option<&str> {
        self.bundle_type.as_deref()
    }

    /// Whether it is a transaction or a batch.
    pub fn is_transaction(&self) -> bool {
        is_transaction(self.bundle_type())
    }

    /// Whether it has resources of the same type and id from several servers. Their
    /// ids are then their whole URLs, and relative references stay with the server
    /// that they are written on.
    pub fn has_namesakes(&self) -> bool {
        self.names.has_namesakes
    }

    /// `Bundle.timestamp` as written.
    pub fn timestamp(&self) -> Option<&str> {
        self.timestamp.as_deref()
    }

    /// `Bundle.meta.lastUpdated` as written.
    pub fn last_updated(&self) -> Option<&str> {
        self.last_updated.as_deref()
    }

    /// The base URL of the server that produced the Bundle, with a slash at the
    /// end: that of all `fullUrl`s that are REST URLs, else of the link `self`. `None`
    /// if entries are from several servers.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The conditions of its requests, each with the id that the resource has if no
    /// other has the identifier.
    pub fn conditions(&self) -> &[(Condition, String)] {
        &self.conditions
    }

    /// The Bundle that contains this one as an entry.
    pub fn outer(&self) -> Option<&Arc<Bundle>> {
        self.outer.as_ref()
    }

    /// Type and id of the resource that `url` names in this Bundle, or else in an
    /// outer one; `None` if there is none. When several entries of one Bundle have
    /// the same `fullUrl`, as the versions in a history do, the last one wins.
    pub fn resolve(&self, url: &str) -> Option<(ResourceType, Cow<'_, str>)> {
        self.resolve_address(&Address::parse(url))
    }

    /// Like [`Bundle::resolve`], for a URL that was parsed.
    pub fn resolve_address(&self, address: &Address<'_>) -> Option<(ResourceType, Cow<'_, str>)> {
        let may_be_named = match address {
            Address::Uuid(_) => true,
            Address::Rest { base: None, .. } | Address::Fragment(_) => self.names.has_aliases,
            _ => self.names.has_urls,
        };
        if !may_be_named {
            return None;
        }
        self.named(full_url::key(address))
    }

    /// Type and id of the resource whose name has that key.
    pub(super) fn named(&self, key: Key) -> Option<(ResourceType, Cow<'_, str>)> {
        let mut bundle = self;
        loop {
            if let Ok(index) = bundle.targets.binary_search_by(|target| target.key.cmp(&key)) {
                let target = bundle.targets[index];
                return Some((target.resource_type, bundle.id(target)?));
            }
            bundle = bundle.outer.as_deref()?;
        }
    }

    /// The id that was generated for the entry with that number, from 1; `None`
    /// for an entry that is named, or whose content alone tells its id.
    pub(super) fn generated_id(&self, entry: u32) -> Option<&str> {
        let found = self.generated.binary_search_by_key(&entry, |(number, _)| *number).ok()?;
        self.id_at(self.generated[found].1)
    }

    fn id(&self, target: Target) -> Option<Cow<'_, str>> {
        if target.id == SAME_AS_UUID {
            let number = u128::from(target.key[0]) << 64 | u128::from(target.key[1]);
            let mut buffer = uuid::Uuid::encode_buffer();
            let text: &str = uuid::Uuid::from_u128(number).as_hyphenated().encode_lower(&mut buffer);
            return Some(text.to_owned().into());
        }
        self.id_at(target.id).map(Cow::Borrowed)
    }

    pub(super) fn id_at(&self, offset: u32) -> Option<&str> {
        let start = offset as usize;
        let length = u16::from_le_bytes(*self.ids.get(start..)?.first_chunk()?);
        let id = self.ids.get(start + 2..start + 2 + usize::from(length))?;
        std::str::from_utf8(id).ok()
    }
}

/// Whether a Bundle of that type is a transaction or a batch.
pub(super) fn is_transaction(bundle_type: Option<&str>) -> bool {
    matches!(bundle_type, Some("transaction" | "batch"))
}
