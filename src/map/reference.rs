//! What a reference means: the rules of
//! <https://hl7.org/fhir/R4/references.html> and, within a Bundle, of
//! <https://hl7.org/fhir/R4/bundle.html#references>.

use std::borrow::Cow;

use memchr::{memchr, memchr3};

use super::batch::Targets;
use super::identifier::{IdentifierKey, KnownIdentifiers};
use super::route::contained_with_id;
use crate::json::{Name, Value};
use crate::kind::{Defect, DefectReason, MAX_INDEXED_BYTES, Referenced, References};
use crate::model::ResourceType;

/// The resources of a Bundle by their `fullUrl`.
pub trait FullUrls {
    /// Type and id of the entry with that `fullUrl`.
    fn resolve(&self, full_url: &str) -> Option<(ResourceType, Cow<'_, str>)>;
}

/// Resolves the references of one resource.
pub(super) struct Resolver<'r> {
    pub targets: &'r mut Targets,
    pub identifiers: &'r mut KnownIdentifiers,
    pub full_urls: Option<&'r dyn FullUrls>,
    /// The servers whose absolute references are as good as relative ones:
    /// what the resource's own `fullUrl` begins with, and the source's.
    pub base_urls: [Option<&'r str>; 2],
}

/// What a reference's text says, before anything is looked up.
enum Written<'w> {
    Identity(ResourceType, Cow<'w, str>),
    Bearer(IdentifierKey),
    /// A resource within the resource, of that type, which has no key.
    Contained(Option<ResourceType>),
    Nothing,
}

impl Written<'_> {
    /// The length of the longest text that the registry would look for.
    fn longest_text(&self) -> usize {
        match self {
            Written::Identity(_, fhir_id) => fhir_id.len(),
            Written::Bearer(IdentifierKey { system, value, .. }) => {
                value.len().max(system.as_ref().map_or(0, String::len))
            }
            Written::Contained(_) | Written::Nothing => 0,
        }
    }
}

impl<'r> Resolver<'r> {
    fn read<'w>(&self, written: &'w str, reference: Value<'_>, stated: Option<ResourceType>) -> Written<'w>
    where
        'r: 'w,
    {
        if let Some(id) = written.strip_prefix('#') {
            let contained = contained_with_id(reference.root(), id);
            let name =
                contained.and_then(|contained| contained.get(Name::RESOURCE_TYPE)).and_then(Value::as_text);
            return Written::Contained(name.and_then(|name| ResourceType::named(&name)).or(stated));
        }
        if let Some((resource_type, fhir_id)) = self.full_urls.and_then(|urls| urls.resolve(written)) {
            return Written::Identity(resource_type, fhir_id);
        }
        if let Some(value) = written.strip_prefix("urn:uuid:").or(written.strip_prefix("urn:oid:")) {
            let value = value.to_owned();
            return Written::Bearer(IdentifierKey { resource_type: stated, system: None, value });
        }
        if let Some((name, query)) = split_at_query(written) {
            let (system, value) = query.split_once('|').unwrap_or(("", query));
            return match ResourceType::named(name) {
                Some(resource_type) if !value.contains('&') => Written::Bearer(IdentifierKey {
                    resource_type: Some(resource_type),
                    system: Some(system.to_owned()),
                    value: value.to_owned(),
                }),
                _ => Written::Nothing,
            };
        }
        let of_server = |base: &&str| written.strip_prefix(base);
        let relative = self.base_urls.iter().flatten().find_map(of_server).unwrap_or(written);
        match relative_identity(relative) {
            Some((resource_type, fhir_id)) => Written::Identity(resource_type, Cow::Borrowed(fhir_id)),
            None => Written::Nothing,
        }
    }
}

/// Name and query of `Type?identifier=query`.
fn split_at_query(written: &str) -> Option<(&str, &str)> {
    let mark = memchr(b'?', written.as_bytes())?;
    Some((&written[..mark], written[mark + 1..].strip_prefix("identifier=")?))
}

/// `Type/id`, perhaps with `/_history/…` behind.
fn relative_identity(written: &str) -> Option<(ResourceType, &str)> {
    let slash = memchr(b'/', written.as_bytes())?;
    let resource_type = ResourceType::named(&written[..slash])?;
    let rest = &written[slash + 1..];
    let fhir_id = match memchr3(b'/', b'#', b'?', rest.as_bytes()) {
        None => rest,
        Some(end) if rest[end..].starts_with("/_history/") => &rest[..end],
        Some(_) => return None,
    };
    (!fhir_id.is_empty()).then_some((resource_type, fhir_id))
}

impl References for Resolver<'_> {
    fn resolve(
        &mut self,
        reference: Value<'_>,
        expected: Option<ResourceType>,
    ) -> Result<Referenced, Defect> {
        let stated = match text(reference.get(Name::TYPE))? {
            Some(name) => ResourceType::named(&name).or(expected),
            None => expected,
        };

        let by_identifier;
        let (written, meaning) = match reference.get(Name::REFERENCE) {
            Some(written) => {
                let text = written.as_text().ok_or(Defect::new(written, DefectReason::ExpectedString))?;
                (text, None)
            }
            None => {
                let Some(identifier) = reference.get(Name::IDENTIFIER) else {
                    let resource_type = stated.filter(|_| expected.is_none());
                    return Ok(Referenced { resource_type, ..Referenced::default() });
                };
                let system = text(identifier.get(Name::SYSTEM))?.unwrap_or_default().into_owned();
                let value = text(identifier.get(Name::VALUE))?.unwrap_or_default().into_owned();
                let name = stated.map(ResourceType::name).unwrap_or_default();
                by_identifier = format!("{name}?identifier={system}|{value}");
                let meaning = match stated {
                    Some(_) => {
                        Written::Bearer(IdentifierKey { resource_type: stated, system: Some(system), value })
                    }
                    None => Written::Nothing,
                };
                (Cow::Borrowed(by_identifier.as_str()), Some(meaning))
            }
        };
        let meaning = meaning.unwrap_or_else(|| self.read(&written, reference, stated));
        if meaning.longest_text() > MAX_INDEXED_BYTES {
            return Err(Defect::new(reference, DefectReason::TooLongForIndex));
        }

        let (resource_type, target) = match meaning {
            Written::Identity(resource_type, fhir_id) => {
                if expected.is_some_and(|expected| expected != resource_type) {
                    (Some(resource_type), None)
                } else {
                    (Some(resource_type), Some(self.targets.of_identity(resource_type, &fhir_id)))
                }
            }
            Written::Bearer(identifier) => match self.identifiers.bearer(&identifier) {
                Some((resource_type, key)) if expected.is_none_or(|expected| expected == resource_type) => {
                    (Some(resource_type), Some(self.targets.of_key(key)))
                }
                _ => {
                    let resource_type = identifier.resource_type;
                    self.targets.note_unresolved(identifier);
                    (resource_type, None)
                }
            },
            Written::Contained(resource_type) => (resource_type, None),
            Written::Nothing => (stated, None),
        };
        Ok(Referenced { target, resource_type, written: target.is_none().then(|| written.into_owned()) })
    }
}

/// A string's characters, if it is there.
fn text(value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, Defect> {
    let Some(value) = value else { return Ok(None) };
    value.as_text().map(Some).ok_or(Defect::new(value, DefectReason::ExpectedString))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_relative_reference_is_type_and_id() {
        let read = |written| {
            relative_identity(written).map(|(resource_type, fhir_id)| (resource_type.name(), fhir_id))
        };
        assert_eq!(read("Patient/1"), Some(("Patient", "1")));
        assert_eq!(read("Patient/a_b.c-d/_history/3"), Some(("Patient", "a_b.c-d")));
        for written in [
            "Patient",
            "Patient/",
            "Nobody/1",
            "#p",
            "http://x.org/Patient/1",
            "Patient/1/x",
            "Patient/1#y",
            "",
        ] {
            assert_eq!(read(written), None, "{written}");
        }
    }
}
