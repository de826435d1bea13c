//! *Unnamed entries* of a Bundle are those that nothing names outside of it. Their
//! ids are generated from their content and from what they refer to, so that
//! another load of the same Bundle gives the same ones.

use sha2::{Digest, Sha256};

use super::bundle::Bundle;
use super::content::{Content, ContentReader, ContentReference};
use super::full_url::Key;
use crate::fhir::generated_id;

/// An entry is told from another of the same content by the resources that it
/// refers to, and by those that these refer to, up to this distance.
const REFERENCE_DISTANCE: usize = 6;

/// The unnamed entries of one Bundle.
#[derive(Default)]
pub(super) struct UnnamedEntries {
    entries: Vec<Unnamed>,
    /// The names that they have within the Bundle, with their indexes; of equal
    /// names the last counts.
    names: Vec<(Key, u32)>,
    contents: Option<Box<ContentReader>>,
}

struct Unnamed {
    /// Its number, from 1.
    entry: u32,
    content: Content,
}

/// The id that an entry gets.
pub(super) struct GeneratedId {
    /// The entry's number, from 1.
    pub entry: u32,
    pub id: String,
    /// The id is the one that its content alone would give it.
    pub is_of_content_alone: bool,
}

/// What a reference of an unnamed entry leads to.
enum Referred {
    /// The unnamed entry of that index.
    Unnamed(usize),
    /// A resource that has a name.
    Named([u8; 32]),
}

impl UnnamedEntries {
    /// Adds the entry with that number, its name within the Bundle and its
    /// resource. False if that is no resource, or if the resource's content alone
    /// tells it from all others.
    pub fn add(&mut self, entry: u32, name: Option<Key>, bytes: &[u8]) -> bool {
        let Some(content) = self.contents.get_or_insert_default().read(bytes) else { return false };
        if name.is_none() && content.references.is_empty() {
            return false;
        }
        if let Some(name) = name {
            self.names.push((name, self.entries.len() as u32));
        }
        self.entries.push(Unnamed { entry, content });
        true
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The names that entries have within the Bundle, with their indexes; of equal
    /// names the last counts.
    pub fn names(&self) -> impl Iterator<Item = (Key, usize)> {
        self.names.iter().map(|(name, index)| (*name, *index as usize))
    }

    /// The ids of all entries, in the order in which they were added. `bundle` has
    /// the named ones, sorted.
    pub fn ids(&mut self, bundle: &Bundle) -> Vec<GeneratedId> {
        self.names.sort_by_key(|(name, _)| *name);
        let labels = self.labels(bundle);
        let labelled = self.entries.iter().zip(&labels);
        labelled
            .map(|(Unnamed { entry, content }, label)| GeneratedId {
                entry: *entry,
                id: generated_id(label),
                is_of_content_alone: *label == content.hash,
            })
            .collect()
    }

    /// For each entry a hash of its content and of what it refers to.
    fn labels(&self, bundle: &Bundle) -> Vec<[u8; 32]> {
        let referred = |content: &Content| {
            content.references.iter().filter_map(|reference| self.referred(*reference, bundle)).collect()
        };
        let referred: Vec<Vec<Referred>> =
            self.entries.iter().map(|Unnamed { content, .. }| referred(content)).collect();
        let contents = || self.entries.iter().map(|Unnamed { content, .. }| content.hash);
        let mut labels: Vec<[u8; 32]> = contents().collect();
        if referred.iter().all(Vec::is_empty) {
            return labels;
        }
        for _ in 0..REFERENCE_DISTANCE {
            labels =
                contents().zip(&referred).map(|(hash, referred)| label(hash, referred, &labels)).collect();
        }
        labels
    }

    fn referred(&self, reference: ContentReference, bundle: &Bundle) -> Option<Referred> {
        let key = reference.name;
        let end = self.names.partition_point(|(name, _)| *name <= key);
        if let Some((name, index)) = end.checked_sub(1).map(|last| self.names[last])
            && name == key
        {
            return Some(Referred::Unnamed(index as usize));
        }
        let (resource_type, id) = bundle.named(key).filter(|_| !reference.is_global)?;
        let digest = Sha256::new().chain_update(resource_type.name()).chain_update("/").chain_update(&*id);
        Some(Referred::Named(digest.finalize().into()))
    }
}

fn label(content_hash: [u8; 32], referred: &[Referred], labels: &[[u8; 32]]) -> [u8; 32] {
    if referred.is_empty() {
        return content_hash;
    }
    let mut sha256 = Sha256::new_with_prefix(content_hash);
    for referred in referred {
        match referred {
            Referred::Unnamed(index) => sha256.update(labels[*index]),
            Referred::Named(hash) => sha256.update(hash),
        }
    }
    sha256.finalize().into()
}
