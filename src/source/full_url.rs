//! The entries of a Bundle by their `fullUrl`, at 24 bytes an entry in the
//! usual case, so that even a Bundle of millions of entries can be surveyed.

use sha2::{Digest, Sha256};

use crate::model::ResourceType;

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The first half of the SHA-256 of the URL.
    hash: [u64; 2],
    resource_type: ResourceType,
    /// Where the id stands in `ids`; `FROM_URL` where the URL has it.
    id: u32,
}

const FROM_URL: u32 = u32::MAX;

/// Type and id of each entry, found by its `fullUrl`. Where two entries have
/// one URL, the later one counts.
#[derive(Debug, Default)]
pub struct FullUrlIndex {
    entries: Vec<Entry>,
    ids: Vec<Box<str>>,
}

impl FullUrlIndex {
    pub(super) fn add(&mut self, full_url: &str, resource_type: ResourceType, fhir_id: Option<&str>) {
        let of_url = id_in(full_url);
        let id = match fhir_id {
            Some(id) if Some(id) != of_url => {
                self.ids.push(id.into());
                self.ids.len() as u32 - 1
            }
            _ => FROM_URL,
        };
        self.entries.push(Entry { hash: hash(full_url), resource_type, id });
    }

    /// Makes it ready for `resolve`.
    pub(super) fn finish(&mut self) {
        // Stable, so that the last of equal ones stands last.
        self.entries.sort_by_key(|entry| entry.hash);
        self.entries.shrink_to_fit();
    }

    /// Type and id of the entry with that URL.
    pub fn resolve(&self, full_url: &str) -> Option<(ResourceType, String)> {
        if self.entries.is_empty() {
            return None;
        }
        let wanted = hash(full_url);
        let after = self.entries.partition_point(|entry| entry.hash <= wanted);
        let entry = self.entries[..after].last().filter(|entry| entry.hash == wanted)?;
        let id = match entry.id {
            FROM_URL => id_in(full_url)?,
            index => &self.ids[index as usize],
        };
        Some((entry.resource_type, id.to_owned()))
    }
}

/// `urn:uuid:X` → X, an absolute URL → its last segment.
fn id_in(full_url: &str) -> Option<&str> {
    let id = match full_url.strip_prefix("urn:uuid:").or(full_url.strip_prefix("urn:oid:")) {
        Some(id) => id,
        None => full_url.rsplit('/').next()?,
    };
    (!id.is_empty()).then_some(id)
}

fn hash(full_url: &str) -> [u64; 2] {
    let digest = Sha256::digest(full_url.as_bytes());
    let half = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&digest[at..at + 8]);
        u64::from_be_bytes(bytes)
    };
    [half(0), half(8)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn urls_lead_to_type_and_id_and_the_last_one_counts() {
        let patient = ResourceType::named("Patient").expect("a type");
        let device = ResourceType::named("Device").expect("a type");
        let mut index = FullUrlIndex::default();
        index.add("urn:uuid:a", patient, Some("a"));
        index.add("urn:uuid:b", patient, Some("other"));
        index.add("https://x.example/fhir/Patient/7", patient, None);
        index.add("urn:uuid:a", device, Some("a"));
        index.finish();
        assert_eq!(index.resolve("urn:uuid:a"), Some((device, "a".to_owned())));
        assert_eq!(index.resolve("urn:uuid:b"), Some((patient, "other".to_owned())));
        assert_eq!(index.resolve("https://x.example/fhir/Patient/7"), Some((patient, "7".to_owned())));
        assert_eq!(index.resolve("urn:uuid:c"), None);
    }
}
