//! Builds a [`Bundle`] while it is prescanned: which name in it means which
//! resource.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::bundle::{Bundle, SAME_AS_UUID, Target, is_transaction};
use super::full_url::{Key, key};
use super::unnamed::{GeneratedId, UnnamedEntries};
use crate::fhir::{Address, EntryNames, requested_base};

/// Number of Bundles that this process has read.
static BUNDLE_COUNT: AtomicU64 = AtomicU64::new(0);

/// A Bundle as far as it is known.
#[derive(Default)]
pub(super) struct BundleBuilder {
    bundle: Bundle,
    unnamed: UnnamedEntries,
    /// Entries whose identity depends on a type that is still to come.
    undecided: Vec<Undecided>,
    /// The base of the link `self`.
    self_base: Option<String>,
    /// Numbers of the servers that entries are from, by base URL without scheme.
    servers: HashMap<String, u32>,
    /// The entries named by REST URLs: the key of type and id, the number of the
    /// server, and the target.
    rest_entries: Vec<(Key, u32, usize)>,
}

/// An entry that would be another resource in a transaction.
struct Undecided {
    target: usize,
    id: String,
    alias: Key,
}

impl BundleBuilder {
    pub fn set_type(&mut self, bundle_type: Option<String>) {
        self.bundle.bundle_type = bundle_type;
    }

    pub fn set_timestamp(&mut self, timestamp: Option<String>) {
        self.bundle.timestamp = timestamp;
    }

    /// Notes the URL of the link `self`.
    pub fn set_self_link(&mut self, url: &str) {
        self.self_base = requested_base(url);
    }

    pub fn set_last_updated(&mut self, last_updated: Option<String>) {
        self.bundle.last_updated = last_updated;
    }

    /// Adds the entry with that number, from 1. Whether the Bundle is a
    /// transaction may still be unknown. An id of more than 65,535 bytes, and ids
    /// beyond 4 GiB in total, are not added: references to them remain unresolved.
    pub fn add(&mut self, entry: u32, names: EntryNames<'_>, is_transaction: Option<bool>, bytes: &[u8]) {
        let names =
            EntryNames { is_transaction: is_transaction.unwrap_or(names.if_none_exist.is_some()), ..names };
        let address = names.full_url.map(Address::parse);
        let Some(id) = names.identity() else { return self.add_unnamed(entry, names, address, bytes) };
        let resource_type = names.resource_type;
        let condition = names.condition();
        let is_conditional = condition.is_some();
        self.bundle.conditions.extend(condition.map(|condition| (condition, id.clone().into_owned())));
        if let Some(address) = &address {
            self.note_kind(address);
            self.note_base(address);
            let target = self.bundle.targets.len();
            let name = key(address);
            let same = matches!(address, Address::Uuid(uuid)
                if *uuid.as_hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()) == *id);
            let Some(offset) = (if same { Some(SAME_AS_UUID) } else { self.store(&id) }) else { return };
            self.bundle.targets.push(Target { key: name, id: offset, resource_type });
            self.note_server(address, &names, &id, target);
            if is_transaction.is_none() {
                self.note_undecided(target, names, &id);
            }
        }
        if let Some(own) = names.own_id().filter(|own| **own != *id || is_conditional)
            && let Some(offset) = self.store(&id)
        {
            self.bundle.names.has_aliases = true;
            self.bundle.targets.push(Target { key: alias(&names, own), id: offset, resource_type });
        }
    }

    fn add_unnamed(&mut self, entry: u32, names: EntryNames<'_>, address: Option<Address<'_>>, bytes: &[u8]) {
        let name = address.as_ref().map(key);
        if self.unnamed.add(entry, name, bytes)
            && let (Some(address), Some(key)) = (address, name)
        {
            self.note_kind(&address);
            self.bundle.targets.push(Target { key, id: 0, resource_type: names.resource_type });
        }
    }

    /// Notes what the entry would be in a transaction, if that is something else.
    fn note_undecided(&mut self, target: usize, names: EntryNames<'_>, id: &str) {
        let transacted = EntryNames { is_transaction: true, ..names };
        let Some(other) = transacted.identity().filter(|other| other != id) else { return };
        self.undecided.push(Undecided { target, id: other.into_owned(), alias: alias(&names, id) });
    }

    fn note_kind(&mut self, address: &Address<'_>) {
        let names = &mut self.bundle.names;
        match address {
            Address::Uuid(_) => {}
            Address::Rest { base: None, .. } | Address::Fragment(_) => names.has_aliases = true,
            _ => names.has_urls = true,
        }
    }

    fn note_base(&mut self, address: &Address<'_>) {
        if let Address::Rest { base: Some(base), .. } = address
            && self.bundle.base_url.is_none()
        {
            self.bundle.base_url = Some((*base).to_owned());
        }
    }

    /// Notes that an entry is named by a REST URL, and of which server.
    fn note_server(&mut self, address: &Address<'_>, names: &EntryNames<'_>, id: &str, target: usize) {
        let Address::Rest { base: Some(base), id: rest_id, .. } = address else { return };
        let bare = base.find("://").map_or(*base, |end| &base[end + 3..]).to_ascii_lowercase();
        let next = self.servers.len() as u32;
        let server = *self.servers.entry(bare).or_insert(next);
        if rest_id == id {
            self.rest_entries.push((alias(names, id), server, target));
        }
    }

    /// Names resources that several servers have by their whole URLs.
    fn separate_namesakes(&mut self) {
        let mut entries = std::mem::take(&mut self.rest_entries);
        entries.sort_unstable();
        let servers: HashMap<u32, &str> =
            self.servers.iter().map(|(base, number)| (*number, base.as_str())).collect();
        let mut renamed = Vec::new();
        for namesakes in entries.chunk_by(|one, other| one.0 == other.0) {
            if namesakes.iter().all(|(_, server, _)| *server == namesakes[0].1) {
                continue;
            }
            for (_, server, target) in namesakes {
                let Target { id, resource_type, .. } = self.bundle.targets[*target];
                let id = self.bundle.id_at(id).unwrap_or_default();
                renamed.push((*target, format!("https://{}{}/{id}", servers[server], resource_type.name())));
            }
        }
        self.bundle.names.has_namesakes |= !renamed.is_empty();
        for (target, id) in renamed {
            if let Some(offset) = self.store(&id) {
                self.bundle.targets[target].id = offset;
            }
        }
    }

    /// Stores an id; gives its offset.
    fn store(&mut self, id: &str) -> Option<u32> {
        let ids = &mut self.bundle.ids;
        let offset = u32::try_from(ids.len()).ok().filter(|offset| *offset != SAME_AS_UUID)?;
        let length = u16::try_from(id.len()).ok()?;
        ids.extend_from_slice(&length.to_le_bytes());
        ids.extend_from_slice(id.as_bytes());
        Some(offset)
    }

    /// The finished Bundle, nested in `outer`.
    pub fn finish(mut self, outer: Option<Arc<Bundle>>) -> Bundle {
        self.bundle.number = BUNDLE_COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(outer) = &outer {
            self.bundle.names.has_urls |= outer.names.has_urls;
            self.bundle.names.has_aliases |= outer.names.has_aliases;
            self.bundle.names.has_namesakes |= outer.names.has_namesakes;
        }
        self.bundle.outer = outer;
        self.bundle.base_url =
            self.bundle.base_url.or(self.self_base.take()).filter(|_| self.servers.len() <= 1);
        if is_transaction(self.bundle.bundle_type()) {
            self.decide();
        }
        if self.servers.len() > 1 {
            self.separate_namesakes();
        }
        // A stable sort, so that the last of equal keys stays the last.
        let targets = &mut self.bundle.targets;
        targets.sort_by_key(|target| target.key);
        targets.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                *earlier = *later;
            }
            is_same
        });
        targets.shrink_to_fit();
        if !self.unnamed.is_empty() {
            self.name_unnamed();
        }
        self.bundle
    }

    /// The type came after the entries, and it is a transaction.
    fn decide(&mut self) {
        for Undecided { target, id, alias } in std::mem::take(&mut self.undecided) {
            let Some(offset) = self.store(&id) else { continue };
            let target = &mut self.bundle.targets[target];
            target.id = offset;
            let alias = Target { key: alias, ..*target };
            self.bundle.targets.push(alias);
            self.bundle.names.has_aliases = true;
        }
    }

    /// Generates ids for the entries that nothing names, and gives them to the
    /// targets.
    fn name_unnamed(&mut self) {
        let mut unnamed = std::mem::take(&mut self.unnamed);
        let generated = unnamed.ids(&self.bundle);
        let mut offsets = Vec::with_capacity(generated.len());
        for GeneratedId { entry, id, is_of_content_alone } in generated {
            let offset = self.store(&id).unwrap_or(0);
            offsets.push(offset);
            if !is_of_content_alone {
                self.bundle.generated.push((entry, offset));
            }
        }
        for (key, index) in unnamed.names() {
            if let Ok(target) = self.bundle.targets.binary_search_by(|target| target.key.cmp(&key)) {
                self.bundle.targets[target].id = offsets[index];
            }
        }
    }
}

/// The key of a relative reference to the resource by its own id.
fn alias(names: &EntryNames<'_>, own_id: &str) -> Key {
    key(&Address::Rest {
        base: None,
        resource_type: names.resource_type,
        id: Cow::Borrowed(own_id),
        version: None,
    })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::fhir::ResourceType;

    const UUID: &str = "6f1df156-8793-56a0-6df1-570bca4dcc07";

    fn names<'e>(full_url: &'e str, resource_type: &str, id: Option<&'e str>) -> EntryNames<'e> {
        EntryNames {
            resource_type: ResourceType::named(resource_type).expect("a type"),
            id,
            full_url: Some(full_url),
            method: None,
            url: None,
            if_none_exist: None,
            location: None,
            is_transaction: false,
        }
    }

    fn resolved(bundle: &Bundle, full_url: &str) -> Option<(String, String)> {
        bundle.resolve(full_url).map(|(resource_type, id)| (resource_type.name().to_owned(), id.into_owned()))
    }

    fn pair(resource_type: &str, id: &str) -> Option<(String, String)> {
        Some((resource_type.to_owned(), id.to_owned()))
    }

    #[test]
    fn full_urls_of_every_form_resolve() {
        let mut builder = BundleBuilder::default();
        let urn = format!("urn:uuid:{UUID}");
        for (entry, names) in [
            names(&urn, "Patient", Some(UUID)),
            names("urn:uuid:00000000-0000-0000-0000-000000000001", "Encounter", Some("e1")),
            names("urn:uuid:00000000-0000-0000-0000-000000000002", "Encounter", None),
            names("https://a.example/r4/Condition/c1", "Condition", Some("c1")),
            names("https://a.example/r4/Condition/c2/_history/7", "Condition", None),
            names("urn:oid:1.2.3", "Device", Some("d1")),
            names("urn:oid:1.2.4", "Device", None),
            names("resource:0", "Device", Some("d2")),
            names("resource:1", "Device", None),
        ]
        .into_iter()
        .enumerate()
        {
            builder.add(entry as u32 + 1, names, Some(false), b"{}");
        }
        let bundle = builder.finish(None);
        for (written, expected) in [
            (urn.as_str(), pair("Patient", UUID)),
            (&urn.to_uppercase(), pair("Patient", UUID)),
            ("urn:uuid:00000000-0000-0000-0000-000000000001", pair("Encounter", "e1")),
            (
                "urn:uuid:00000000-0000-0000-0000-000000000002",
                pair("Encounter", "00000000-0000-0000-0000-000000000002"),
            ),
            ("https://a.example/r4/Condition/c1", pair("Condition", "c1")),
            ("https://a.example/r4/Condition/c2", pair("Condition", "c2")),
            ("urn:oid:1.2.3", pair("Device", "d1")),
            ("urn:oid:1.2.4", pair("Device", "1.2.4")),
            ("resource:0", pair("Device", "d2")),
            // SHA-256 of `{}`.
            ("resource:1", pair("Device", "gen-44136fa355b3678a1146ad16f7e8649e")),
            ("https://a.example/r4/Condition/c3", None),
            ("resource:2", None),
            ("Condition/c1", None),
        ] {
            assert_eq!(resolved(&bundle, written), expected, "{written}");
        }
        assert_eq!(bundle.base_url(), Some("https://a.example/r4/"));
        assert_eq!(bundle.generated_id(9), None);
    }

    #[test]
    fn the_last_of_equal_full_urls_wins_and_outer_bundles_are_searched() {
        let mut outer = BundleBuilder::default();
        outer.add(1, names("urn:oid:1.1", "Patient", Some("outer")), None, b"{}");
        outer.add(2, names("urn:oid:1.2", "Patient", Some("only-outer")), None, b"{}");
        let mut inner = BundleBuilder::default();
        inner.add(1, names("urn:oid:1.1", "Patient", Some("first")), None, b"{}");
        inner.add(2, names("urn:oid:1.1", "Group", Some("last")), None, b"{}");
        let inner = inner.finish(Some(Arc::new(outer.finish(None))));
        assert_eq!(resolved(&inner, "urn:oid:1.1"), pair("Group", "last"));
        assert_eq!(resolved(&inner, "urn:oid:1.2"), pair("Patient", "only-outer"));
    }

    #[test]
    fn the_type_may_come_after_the_entries() {
        let urn = format!("urn:uuid:{UUID}");
        let posted = EntryNames { method: Some("POST"), ..names(&urn, "Patient", Some("1")) };
        for (bundle_type, is_known, id) in [
            ("transaction", true, UUID),
            ("batch", false, UUID),
            ("history", false, "1"),
            ("history", true, "1"),
        ] {
            let mut builder = BundleBuilder::default();
            builder.add(1, posted, is_known.then_some(is_transaction(Some(bundle_type))), b"{}");
            builder.set_type(Some(bundle_type.to_owned()));
            let bundle = builder.finish(None);
            assert_eq!(resolved(&bundle, &urn), pair("Patient", id), "{bundle_type}");
            let alias = (id == UUID).then(|| pair("Patient", UUID)).flatten();
            assert_eq!(resolved(&bundle, "Patient/1"), alias, "{bundle_type}");
        }
    }

    #[test]
    fn entries_of_equal_content_differ_by_what_they_refer_to() {
        let ids = |family: &str| {
            let mut builder = BundleBuilder::default();
            let mut add = |entry, name, resource: &str| {
                builder.add(entry, names(name, "Basic", None), Some(false), resource.as_bytes());
            };
            add(1, "e:3", r#"{"of":{"reference":"e:2"}}"#);
            add(2, "e:2", r#"{"of":{"reference":"e:1"}}"#);
            add(3, "e:1", r#"{"of":{"reference":"e:3"},"for":{"reference":"e:0"}}"#);
            add(4, "e:0", &format!(r#"{{"family":"{family}"}}"#));
            let bundle = builder.finish(None);
            for entry in 1..=3 {
                let name = format!("e:{}", 4 - entry);
                assert_eq!(resolved(&bundle, &name).map(|(_, id)| id).as_deref(), bundle.generated_id(entry));
            }
            [1, 2, 3].map(|entry| bundle.generated_id(entry).map(str::to_owned))
        };
        let (ann, bob) = (ids("Ann"), ids("Bob"));
        assert_eq!(ids("Ann"), ann);
        for (one, other) in ann.iter().zip(&bob) {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn a_target_takes_24_bytes() {
        assert_eq!(size_of::<Target>(), 24);
    }
}
