//! Resolves references by the rules of
//! <https://hl7.org/fhir/R4/references.html> and, within a Bundle, of
//! <https://hl7.org/fhir/R4/bundle.html#references>.

use std::borrow::Cow;

use memchr::memchr3;

use super::contained::Contained;
use super::identifier::{IdentifierCache, WrittenIdentifier};
use super::target::Targets;
use crate::datatype::{MAX_INDEXED_BYTES, Referenced, References, ValueDefect, ValueDefectReason};
use crate::fhir::ResourceType;
use crate::json::{NameId, Value};
use crate::read::Bundle;
use crate::rows::Target;

/// The resources of a Bundle by their `fullUrl`.
pub trait FullUrls {
    /// A number that no other Bundle of the process has, and that is not 0.
    fn bundle(&self) -> u64;

    /// Type and id of the entry with that `fullUrl`.
    fn resolve<'u>(&'u self, full_url: &'u str) -> Option<(ResourceType, Cow<'u, str>)>;
}

impl FullUrls for Bundle {
    fn bundle(&self) -> u64 {
        self.number()
    }

    fn resolve<'u>(&'u self, full_url: &'u str) -> Option<(ResourceType, Cow<'u, str>)> {
        Bundle::resolve(self, full_url)
    }
}

/// Resolves the references of one resource.
pub(super) struct Resolver<'r> {
    pub targets: &'r mut Targets,
    pub identifiers: &'r mut IdentifierCache,
    pub full_urls: Option<&'r dyn FullUrls>,
    /// The servers whose absolute references are treated as relative ones: that of
    /// the resource's own `fullUrl`, and the source's.
    pub base_urls: [Option<&'r str>; 2],
    pub resolved: &'r mut Vec<ResolvedReference>,
    /// What `#id` means.
    pub contained: &'r Contained<'r>,
}

/// What a reference says, before anything is looked up.
enum Written<'w> {
    Identity(ResourceType, Cow<'w, str>),
    Identifier(WrittenIdentifier<'w>),
    /// A resource within the resource, or the resource itself.
    Contained(ResourceType, Target),
    Nothing,
}

impl Written<'_> {
    /// The length of the longest text that the registry would search for.
    fn longest_text(&self) -> usize {
        match self {
            Written::Identity(_, fhir_id) => fhir_id.len(),
            Written::Identifier(WrittenIdentifier { system, value, .. }) => {
                value.len().max(system.map_or(0, str::len))
            }
            Written::Contained(..) | Written::Nothing => 0,
        }
    }
}

impl<'r> Resolver<'r> {
    /// The base URL that an absolute reference begins with, if it is one of these.
    fn base_of(&self, written: &str) -> Option<&'r str> {
        self.base_urls.into_iter().flatten().find(|base| written.starts_with(base))
    }

    fn read<'w>(&self, written: &'w str, stated: Option<ResourceType>) -> Written<'w>
    where
        'r: 'w,
    {
        if let Some(id) = written.strip_prefix('#') {
            let contained = self.contained.named(id);
            return contained.map_or(Written::Nothing, |(of, target)| Written::Contained(of, target));
        }
        if let Some((resource_type, fhir_id)) = self.full_urls.and_then(|urls| urls.resolve(written)) {
            return Written::Identity(resource_type, fhir_id);
        }
        if let Some(value) = written.strip_prefix("urn:uuid:").or(written.strip_prefix("urn:oid:")) {
            return Written::Identifier(WrittenIdentifier { resource_type: stated, system: None, value });
        }
        if let Some((name, query)) = type_and_rest(written, b'?')
            && let Some(query) = query.strip_prefix("identifier=")
        {
            let (system, value) = query.split_once('|').unwrap_or(("", query));
            return match ResourceType::named(name) {
                Some(resource_type) if !value.contains('&') => Written::Identifier(WrittenIdentifier {
                    resource_type: Some(resource_type),
                    system: Some(system),
                    value,
                }),
                _ => Written::Nothing,
            };
        }
        let relative = self.base_of(written).map_or(written, |base| &written[base.len()..]);
        match relative_identity(relative) {
            Some((resource_type, fhir_id)) => Written::Identity(resource_type, Cow::Borrowed(fhir_id)),
            None => Written::Nothing,
        }
    }

    /// Resolves a reference that has an identifier instead of an address.
    fn resolve_identifier<'t>(
        &mut self,
        reference: Value<'t>,
        stated: Option<ResourceType>,
        expected: Option<ResourceType>,
    ) -> Result<Referenced<'t>, ValueDefect> {
        let Some(identifier) = reference.get(NameId::IDENTIFIER) else {
            let resource_type = stated.filter(|_| expected.is_none());
            return Ok(Referenced { resource_type, ..Referenced::default() });
        };
        let system = text(identifier.get(NameId::SYSTEM))?.unwrap_or_default();
        let value = text(identifier.get(NameId::VALUE))?.unwrap_or_default();
        let meaning = match stated {
            Some(_) => Written::Identifier(WrittenIdentifier {
                resource_type: stated,
                system: Some(&system),
                value: &value,
            }),
            None => Written::Nothing,
        };
        let (resource_type, target) = self.target(meaning, reference, stated, expected)?;
        let written = target.is_none().then(|| {
            let name = stated.map(ResourceType::name).unwrap_or_default();
            Cow::Owned(format!("{name}?identifier={system}|{value}"))
        });
        Ok(Referenced { target, resource_type, written })
    }

    /// The type and target of what a reference means.
    fn target(
        &mut self,
        meaning: Written<'_>,
        reference: Value<'_>,
        stated: Option<ResourceType>,
        expected: Option<ResourceType>,
    ) -> Result<(Option<ResourceType>, Option<Target>), ValueDefect> {
        if meaning.longest_text() > MAX_INDEXED_BYTES {
            return Err(ValueDefect::new(reference, ValueDefectReason::TooLongForIndex));
        }
        let is_expected =
            |resource_type: ResourceType| expected.is_none_or(|expected| expected == resource_type);
        let (resource_type, target) = match meaning {
            Written::Identity(resource_type, _) | Written::Contained(resource_type, _)
                if !is_expected(resource_type) =>
            {
                return Ok((Some(resource_type), None));
            }
            Written::Identity(resource_type, fhir_id) => {
                (resource_type, self.targets.of_identity(resource_type, &fhir_id))
            }
            Written::Identifier(identifier) => match self.identifiers.owner(&identifier) {
                Some((resource_type, key)) if is_expected(resource_type) => {
                    (resource_type, self.targets.of_key(key))
                }
                _ => {
                    self.targets.note_unresolved(&identifier);
                    return Ok((identifier.resource_type, None));
                }
            },
            Written::Contained(resource_type, target) => (resource_type, target),
            Written::Nothing => return Ok((stated, None)),
        };
        self.resolved.push(ResolvedReference { reference: reference.index(), resource_type, target });
        Ok((Some(resource_type), Some(target)))
    }
}

/// A reference of the resource that is resolved already: most are needed more
/// than once.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResolvedReference {
    /// Its index in the tree.
    reference: u32,
    resource_type: ResourceType,
    target: Target,
}

/// The number of the latest resolved references that are searched.
const SEARCHED: usize = 8;

/// What is before and after `mark`, if only letters are before it.
fn type_and_rest(written: &str, mark: u8) -> Option<(&str, &str)> {
    let end = written.bytes().position(|byte| !byte.is_ascii_alphabetic())?;
    (written.as_bytes()[end] == mark).then(|| (&written[..end], &written[end + 1..]))
}

/// The identity in `Type/id` or `Type/id/_history/…`.
fn relative_identity(written: &str) -> Option<(ResourceType, &str)> {
    let (name, rest) = type_and_rest(written, b'/')?;
    let resource_type = ResourceType::named(name)?;
    let fhir_id = match memchr3(b'/', b'#', b'?', rest.as_bytes()) {
        None => rest,
        Some(end) if rest[end..].starts_with("/_history/") => &rest[..end],
        Some(_) => return None,
    };
    (!fhir_id.is_empty()).then_some((resource_type, fhir_id))
}

impl References for Resolver<'_> {
    fn resolve<'t>(
        &mut self,
        reference: Value<'t>,
        expected: Option<ResourceType>,
    ) -> Result<Referenced<'t>, ValueDefect> {
        if let Some(known) =
            self.resolved.iter().rev().take(SEARCHED).find(|known| known.reference == reference.index())
            && expected.is_none_or(|expected| expected == known.resource_type)
        {
            let ResolvedReference { resource_type, target, .. } = *known;
            return Ok(Referenced {
                target: Some(target),
                resource_type: Some(resource_type),
                written: None,
            });
        }
        let stated = match text(reference.get(NameId::TYPE))? {
            Some(name) => ResourceType::named(&name).or(expected),
            None => expected,
        };
        let Some(written) = reference.get(NameId::REFERENCE) else {
            return self.resolve_identifier(reference, stated, expected);
        };
        let written =
            written.as_text().ok_or(ValueDefect::new(written, ValueDefectReason::ExpectedString))?;
        let bundle = self.full_urls.map_or(0, FullUrls::bundle);
        if let Some((resource_type, target)) = self.targets.recent(&written, bundle)
            && expected.is_none_or(|expected| expected == resource_type)
        {
            self.resolved.push(ResolvedReference { reference: reference.index(), resource_type, target });
            return Ok(Referenced {
                target: Some(target),
                resource_type: Some(resource_type),
                written: None,
            });
        }
        let meaning = self.read(&written, stated);
        // The meaning of a server's base URL or an identifier may change from one
        // resource to the next.
        let is_lasting = matches!(meaning, Written::Identity(..)) && self.base_of(&written).is_none();
        let (resource_type, target) = self.target(meaning, reference, stated, expected)?;
        if let (true, Some(resource_type), Some(target)) = (is_lasting, resource_type, target) {
            self.targets.note_recent(&written, bundle, (resource_type, target));
        }
        Ok(Referenced { target, resource_type, written: target.is_none().then_some(written) })
    }
}

/// The characters of a string, if there is one.
fn text(value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, ValueDefect> {
    let Some(value) = value else { return Ok(None) };
    value.as_text().map(Some).ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedString))
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
