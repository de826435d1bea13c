//! The *key* of a resource where no database gives one.

use fhirmill_core::map::Identity;
use sha2::{Digest, Sha256};

/// A resource's key: a UUID of version 8.
pub type Key = [u8; 16];

/// The key of a resource: 122 bits of the SHA-256 of its source, type and id, as a UUID of
/// version 8. The same resource has the same key wherever and whenever it is computed, and
/// no two of 10¹² resources are likely to have the same one.
///
/// The bytes that are hashed are the source's name, a zero byte, and `Type/id`.
pub fn key_of(source: &str, identity: Identity<'_>) -> Key {
    let mut hash = Sha256::new();
    hash.update(source.as_bytes());
    hash.update([0]);
    hash.update(identity.resource_type.name().as_bytes());
    hash.update(b"/");
    hash.update(identity.fhir_id.as_bytes());
    let digest = hash.finalize();
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    key[6] = key[6] & 0x0f | 0x80;
    key[8] = key[8] & 0x3f | 0x80;
    key
}

/// The usual text of a UUID.
pub fn key_text(key: &Key) -> String {
    let mut text = String::with_capacity(36);
    for (number, byte) in key.iter().enumerate() {
        if matches!(number, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirmill_core::fhir::ResourceType;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_key_is_the_hash_of_source_type_and_id() {
        let Some(resource_type) = ResourceType::named("Patient") else { panic!("a type of R4") };
        let key = key_of("st-marys", Identity { resource_type, fhir_id: "p1" });
        // printf 'st-marys\0Patient/p1' | sha256sum, with the bits of version and variant.
        assert_eq!(key_text(&key), "a41aa3f4-e9b1-8bfd-8815-b51c072d7072");
    }
}
