//! Resources named by URL.

use std::borrow::Cow;

use super::ResourceType;

/// Type and id of the one resource that the URL of a request names, such as that
/// of a DELETE entry; `None` for any other URL, such as one with search
/// parameters.
///
/// `Type/id` may stand behind a server's URL and be followed by `/_history/v` and
/// by parameters that say how to delete. Blanks and slashes around it, the case of
/// the type's name and percent-encoding of the id are ignored.
pub fn identity_in_url(url: &str) -> Option<(ResourceType, Cow<'_, str>)> {
    let path = url.trim().split(['?', '#']).next()?.trim_end_matches('/');
    let path = match path.rsplit_once('/') {
        Some((before, _)) if before.ends_with("/_history") => before.trim_end_matches("/_history"),
        _ => path.strip_suffix("/_history").unwrap_or(path),
    };
    let (before, fhir_id) = path.trim_end_matches('/').rsplit_once('/')?;
    let name = before.trim_end_matches('/').rsplit('/').next()?;
    let fhir_id = percent_decoded(fhir_id)?;
    (!fhir_id.is_empty()).then_some((resource_type(name)?, fhir_id))
}

fn resource_type(name: &str) -> Option<ResourceType> {
    let is_named = |resource_type: &ResourceType| resource_type.name().eq_ignore_ascii_case(name);
    ResourceType::named(name).or_else(|| ResourceType::all().find(is_named))
}

/// `None` if that is not UTF-8. A percent sign that begins no code stays.
fn percent_decoded(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(text.into());
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.first_chunk::<2>().filter(|_| *first == b'%');
        let code = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        decoded.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_url_names_one_resource_in_many_forms() {
        let read = |url| identity_in_url(url).map(|(resource_type, fhir_id)| (resource_type.name(), fhir_id));
        for url in [
            "Patient/1",
            " Patient/1 ",
            "/Patient/1",
            "./Patient/1/",
            "patient/1",
            "PATIENT/%31",
            "Patient/1/_history/2",
            "Patient/1/_history",
            "Patient/1/_history/2/",
            "Patient/1?_cascade=delete",
            "Patient/1/?_cascade=delete",
            "Patient/1#x",
            "https://example.org/fhir/Patient/1",
            "https://example.org/fhir/Patient/1/_history/2?_cascade=delete&x=/y/z",
        ] {
            assert_eq!(read(url), Some(("Patient", "1".into())), "{url}");
        }
        assert_eq!(
            read("https://example.org/fhir/medicationrequest/a-b"),
            Some(("MedicationRequest", "a-b".into()))
        );
        for url in [
            "",
            "Patient",
            "Patient/",
            "Patient?name=x",
            "Patient/?identifier=x",
            "Nobody/1",
            "/1",
            "Patient/_history/1",
        ] {
            assert_eq!(read(url), None, "{url}");
        }
    }
}
