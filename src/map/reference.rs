//! What a reference means: the rules of
//! <https://hl7.org/fhir/R4/references.html> and, within a Bundle, of
//! <https://hl7.org/fhir/R4/bundle.html#references>.

use super::batch::{Batch, Identity};
use super::identifier::{IdentifierKey, KnownIdentifiers};
use super::route::contained_with_id;
use crate::json::Value;
use crate::kind::{Defect, DefectReason, Referenced, References};
use crate::model::ResourceType;

/// The resources of a Bundle by their `fullUrl`.
pub trait FullUrls {
    /// Type and id of the entry with that `fullUrl`.
    fn resolve(&self, full_url: &str) -> Option<(ResourceType, String)>;
}

/// Resolves the references of one resource.
pub(super) struct Resolver<'r> {
    pub batch: &'r mut Batch,
    pub identifiers: &'r mut KnownIdentifiers,
    pub full_urls: Option<&'r dyn FullUrls>,
    /// What the resource's own absolute `fullUrl` begins with, before its
    /// type: the server that relative references are relative to.
    pub base_url: Option<&'r str>,
}

/// What a reference's text says, before anything is looked up.
enum Written {
    Identity(Identity),
    Bearer(IdentifierKey),
    Nothing,
}

impl Resolver<'_> {
    fn read(&self, written: &str, stated: Option<ResourceType>) -> Written {
        if let Some((resource_type, fhir_id)) = self.full_urls.and_then(|urls| urls.resolve(written)) {
            return Written::Identity(Identity { resource_type, fhir_id });
        }
        if let Some(value) = written.strip_prefix("urn:uuid:").or(written.strip_prefix("urn:oid:")) {
            let value = value.to_owned();
            return Written::Bearer(IdentifierKey { resource_type: stated, system: None, value });
        }
        if let Some((name, query)) = written.split_once("?identifier=") {
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
        let relative = match self.base_url {
            Some(base) => written.strip_prefix(base).unwrap_or(written),
            None => written,
        };
        match relative_identity(relative) {
            Some(identity) => Written::Identity(identity),
            None => Written::Nothing,
        }
    }
}

/// `Type/id`, perhaps with `/_history/…` behind.
fn relative_identity(written: &str) -> Option<Identity> {
    let (name, rest) = written.split_once('/')?;
    let resource_type = ResourceType::named(name)?;
    let fhir_id = rest.split_once("/_history/").map_or(rest, |(id, _)| id);
    if fhir_id.is_empty() || fhir_id.contains(['/', '#', '?']) {
        return None;
    }
    Some(Identity { resource_type, fhir_id: fhir_id.to_owned() })
}

impl References for Resolver<'_> {
    fn resolve(&mut self, reference: Value<'_>, expected: Option<&str>) -> Result<Referenced, Defect> {
        let member = |value: Value<'_>, name: &str| match value.get(name) {
            Some(member) => match member.as_text() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(Defect::new(member, DefectReason::ExpectedString)),
            },
            None => Ok(None),
        };
        let expected = expected.and_then(ResourceType::named);
        let stated = member(reference, "type")?.and_then(|name| ResourceType::named(&name)).or(expected);

        let (meaning, written) = match reference.get("reference") {
            Some(written) => {
                let text = written.as_text().ok_or(Defect::new(written, DefectReason::ExpectedString))?;
                if let Some(id) = text.strip_prefix('#') {
                    let contained = contained_with_id(reference.root(), id);
                    let name = contained
                        .and_then(|contained| contained.get("resourceType"))
                        .and_then(Value::as_text);
                    let resource_type = name.and_then(|name| ResourceType::named(&name)).or(stated);
                    return Ok(Referenced {
                        target: None,
                        resource_type: resource_type.map(ResourceType::name),
                        written: Some(text.into_owned()),
                    });
                }
                (self.read(&text, stated), text.into_owned())
            }
            None => {
                let Some(identifier) = reference.get("identifier") else {
                    let resource_type = stated.filter(|_| expected.is_none()).map(ResourceType::name);
                    return Ok(Referenced { resource_type, ..Referenced::default() });
                };
                let system = member(identifier, "system")?.unwrap_or_default();
                let value = member(identifier, "value")?.unwrap_or_default();
                let name = stated.map(ResourceType::name).unwrap_or_default();
                let written = format!("{name}?identifier={system}|{value}");
                let meaning = match stated {
                    Some(_) => {
                        Written::Bearer(IdentifierKey { resource_type: stated, system: Some(system), value })
                    }
                    None => Written::Nothing,
                };
                (meaning, written)
            }
        };

        let (resource_type, target) = match meaning {
            Written::Identity(identity) => {
                let resource_type = identity.resource_type;
                if expected.is_some_and(|expected| expected != resource_type) {
                    (Some(resource_type), None)
                } else {
                    (Some(resource_type), Some(self.batch.target(identity)))
                }
            }
            Written::Bearer(identifier) => match self.identifiers.bearer(&identifier) {
                Some((resource_type, key)) if expected.is_none_or(|expected| expected == resource_type) => {
                    (Some(resource_type), Some(self.batch.target_of_key(key)))
                }
                _ => {
                    let resource_type = identifier.resource_type;
                    self.batch.note_unresolved(identifier);
                    (resource_type, None)
                }
            },
            Written::Nothing => (stated, None),
        };
        Ok(Referenced {
            target,
            resource_type: resource_type.map(ResourceType::name),
            written: target.is_none().then_some(written),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_relative_reference_is_type_and_id() {
        let read = |written| {
            relative_identity(written).map(|identity| (identity.resource_type.name(), identity.fhir_id))
        };
        assert_eq!(read("Patient/1"), Some(("Patient", "1".to_owned())));
        assert_eq!(read("Patient/a_b.c-d/_history/3"), Some(("Patient", "a_b.c-d".to_owned())));
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
