//! A *full URL* is `Bundle.entry.fullUrl`, by which the entries of a Bundle
//! refer to each other.

use sha2::{Digest, Sha256};

use crate::fhir::{Address, bare_uuid};

/// 128 bits that stand for a name within a Bundle.
pub(super) type Key = [u64; 2];

/// The key of a URL: the UUID itself for `urn:uuid:`, otherwise the first half of
/// a SHA-256, so that no sender can construct a collision. URLs of the versions
/// of a resource have the same key, as have a UUID with and without `urn:uuid:`, and
/// the URLs of one server.
pub(super) fn key(address: &Address<'_>) -> Key {
    if let Address::Uuid(uuid) = address {
        return of_uuid(uuid.as_u128());
    }
    if let Address::Local(written) = address
        && let Some(uuid) = bare_uuid(written)
    {
        return of_uuid(uuid.as_u128());
    }
    let base = match address {
        Address::Rest { base: Some(base), .. } | Address::Search { base: Some(base), .. } => {
            base.find("://").map_or(*base, |end| &base[end + 3..]).to_ascii_lowercase()
        }
        _ => String::new(),
    };
    let parts: &[&str] = match address {
        Address::Uuid(_) => &[],
        Address::Oid(oid) => &["urn:oid:", oid],
        Address::Rest { resource_type, id, .. } => &[&base, resource_type.name(), "/", id],
        Address::Search { resource_type, query, .. } => &[&base, resource_type.name(), "?", query],
        Address::Fragment(id) => &["#", id],
        Address::Local(written) => &[written],
    };
    let mut sha256 = Sha256::new();
    for part in parts {
        sha256.update(part);
    }
    let digest: [u8; 32] = sha256.finalize().into();
    let half = |bytes: &[u8]| bytes.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
    [half(&digest[..8]), half(&digest[8..16])]
}

fn of_uuid(number: u128) -> Key {
    [(number >> 64) as u64, number as u64]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_one_thing_have_one_key() {
        let key = |written| key(&Address::parse(written));
        let lower = key("urn:uuid:6f1df156-8793-56a0-6df1-570bca4dcc07");
        assert_eq!(lower, [0x6f1d_f156_8793_56a0, 0x6df1_570b_ca4d_cc07]);
        assert_eq!(key("urn:uuid:6F1DF156-8793-56A0-6DF1-570BCA4DCC07"), lower);
        assert_eq!(key("6f1df156-8793-56a0-6df1-570bca4dcc07"), lower);
        assert_eq!(key("HTTPS://A.example/Patient/1"), key("http://a.example/Patient/1"));
        assert_ne!(key("urn:uuid:6f1df156"), lower);
        assert_eq!(key("https://a.example/Patient/1"), key("https://a.example/Patient/1/_history/2"));
        assert_ne!(key("https://a.example/Patient/1"), key("https://b.example/Patient/1"));
        assert_ne!(key("Patient/1"), key("https://b.example/Patient/1"));
    }
}
