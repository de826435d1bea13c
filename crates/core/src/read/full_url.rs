//! A *full URL* is `Bundle.entry.fullUrl`, by which the entries of a Bundle
//! refer to each other.

use sha2::{Digest, Sha256};

/// The id that a full URL implies for a resource without one: `X` for
/// `urn:uuid:X`, and the last path segment of an absolute URL, not counting
/// `/_history/…`. `None` for any other URL, and for a URL with a query or a
/// fragment.
pub fn id_from_full_url(full_url: &str) -> Option<&str> {
    if let Some(uuid) = full_url.strip_prefix("urn:uuid:") {
        return (!uuid.is_empty()).then_some(uuid);
    }
    let (_, path) = full_url.split_once("://")?;
    let current = path.split_once("/_history/").map_or(path, |(current, _)| current);
    let (_, id) = current.rsplit_once('/')?;
    (!id.is_empty() && !id.contains(['?', '#'])).then_some(id)
}

/// Length of the part of a full URL before `/Type/id`, if it ends with that.
pub(super) fn base_length(full_url: &str, resource_type: &str, id: &str) -> Option<usize> {
    let before =
        full_url.strip_suffix(id)?.strip_suffix('/')?.strip_suffix(resource_type)?.strip_suffix('/')?;
    before.contains("://").then_some(before.len())
}

/// A 128-bit key for a full URL: the UUID itself for `urn:uuid:`, otherwise the
/// first half of the URL's SHA-256, so that no sender can construct a
/// collision.
pub(super) fn key(full_url: &str) -> [u64; 2] {
    if let Some(uuid) = uuid(full_url) {
        return [(uuid.as_u128() >> 64) as u64, uuid.as_u128() as u64];
    }
    let digest = Sha256::digest(full_url.as_bytes());
    let half = |range: std::ops::Range<usize>| {
        digest[range].iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte))
    };
    [half(0..8), half(8..16)]
}

/// The UUID of a `urn:uuid:` URL in the canonical form of 36 characters.
pub(super) fn uuid(full_url: &str) -> Option<uuid::Uuid> {
    let text = full_url.strip_prefix("urn:uuid:")?;
    if text.len() != 36 {
        return None;
    }
    uuid::Uuid::try_parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_urls_imply_ids() {
        let uuid = "6f1df156-8793-56a0-6df1-570bca4dcc07";
        assert_eq!(id_from_full_url(&format!("urn:uuid:{uuid}")), Some(uuid));
        assert_eq!(id_from_full_url("https://fhir.example.org/r4/Patient/17"), Some("17"));
        assert_eq!(id_from_full_url("https://fhir.example.org/r4/Patient/17/_history/3"), Some("17"));
        assert_eq!(id_from_full_url("https://fhir.example.org/r4/Patient?name=x"), None);
        assert_eq!(id_from_full_url("https://fhir.example.org/"), None);
        assert_eq!(id_from_full_url("urn:oid:1.2.3"), None);
        assert_eq!(id_from_full_url("Patient/17"), None);
        assert_eq!(id_from_full_url("urn:uuid:"), None);
    }

    #[test]
    fn a_uuid_is_its_own_key_regardless_of_case() {
        let lower = key("urn:uuid:6f1df156-8793-56a0-6df1-570bca4dcc07");
        assert_eq!(lower, [0x6f1d_f156_8793_56a0, 0x6df1_570b_ca4d_cc07]);
        assert_eq!(key("urn:uuid:6F1DF156-8793-56A0-6DF1-570BCA4DCC07"), lower);
        assert_ne!(key("urn:uuid:6f1df156"), lower);
    }

    #[test]
    fn the_base_is_the_part_before_type_and_id() {
        assert_eq!(
            base_length("https://a.example/r4/Patient/17", "Patient", "17"),
            Some("https://a.example/r4".len())
        );
        assert_eq!(base_length("https://a.example/r4/Patient/17", "Patient", "7"), None);
        assert_eq!(base_length("urn:uuid:17", "Patient", "17"), None);
    }
}
