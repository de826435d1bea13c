//! *Known keys* are the keys of resources that were referred to before, kept
//! so that the registry is not asked again in every batch for the same
//! hospital. An identity is remembered by 128 bits of its SHA-256, so that a
//! key takes the same few bytes however long the ids are.

use rustc_hash::FxHashMap;
use sha2::{Digest, Sha256};

use crate::map::Identity;

/// The most keys that are remembered, in about 9 MB.
const MAX_KNOWN_KEYS: usize = 200_000;

#[derive(Default)]
pub(super) struct KnownKeys(FxHashMap<u128, i64>);

impl KnownKeys {
    pub fn get(&self, source_id: i16, identity: &Identity) -> Option<i64> {
        self.0.get(&hash(source_id, identity)).copied()
    }

    /// Remembers a key; forgets all others where they have become too many.
    pub fn insert(&mut self, source_id: i16, identity: &Identity, key: i64) {
        if self.0.len() >= MAX_KNOWN_KEYS {
            self.0.clear();
        }
        self.0.insert(hash(source_id, identity), key);
    }
}

fn hash(source_id: i16, identity: &Identity) -> u128 {
    let mut sha256 = Sha256::new();
    sha256.update(source_id.to_be_bytes());
    sha256.update(identity.resource_type.name());
    sha256.update("/");
    sha256.update(&identity.fhir_id);
    let digest = sha256.finalize();
    digest[..16].iter().fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}
