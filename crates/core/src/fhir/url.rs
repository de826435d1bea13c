//! Resources named by URL.

use super::ResourceType;

/// Type and id of the one resource that a URL names, relative (`Patient/1`) or
/// absolute; `None` for any other URL, such as one with search parameters.
/// `Type/id` are its last two segments.
pub fn identity_in_url(url: &str) -> Option<(ResourceType, &str)> {
    let (before, fhir_id) = url.rsplit_once('/')?;
    let resource_type = ResourceType::named(before.rsplit('/').next()?)?;
    (!fhir_id.is_empty() && !fhir_id.contains(['?', '#'])).then_some((resource_type, fhir_id))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_url_names_a_resource_by_its_last_two_segments() {
        let read = |url| identity_in_url(url).map(|(resource_type, fhir_id)| (resource_type.name(), fhir_id));
        assert_eq!(read("Patient/1"), Some(("Patient", "1")));
        assert_eq!(read("https://example.org/fhir/Patient/a-b"), Some(("Patient", "a-b")));
        for url in ["", "Patient", "Patient/", "Patient?name=x", "Patient/1?x", "Patient/1#x", "Nobody/1"] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
