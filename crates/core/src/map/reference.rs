//! What a reference means: the rules of
//! <https://hl7.org/fhir/R4/references.html> and, within a Bundle, of
//! <https://hl7.org/fhir/R4/bundle.html#references>.

use std::borrow::Cow;

use super::contained::{Contained, contained_id};
use super::earlier::EarlierReferences;
use super::identifier::{ANY_SYSTEM, ID_SYSTEM, IdentifierCache, REFERENCE_SYSTEM, WrittenIdentifier};
use super::shape::{AllowedTargets, Structure, allowed_targets};
use super::target::Targets;
use crate::datatype::{Expected, MAX_INDEXED_BYTES, Referenced, References, ValueDefect, ValueDefectReason};
use crate::fhir::{Address, IdentifierToken, ResourceType, is_same_base, trimmed};
use crate::json::{NameId, Tree, Value};
use crate::read::Bundle;
use crate::rows::Target;

/// The resources of a Bundle by their `fullUrl`.
pub trait FullUrls {
    /// A number that is unique among the Bundles of the process, and not 0.
    fn bundle(&self) -> u64;

    /// Type and id of the entry that the URL names within the Bundle.
    fn resolve(&self, address: &Address<'_>) -> Option<(ResourceType, Cow<'_, str>)>;

    /// Whether entries of several servers have the same type and id, so that a
    /// relative reference means that of its own server.
    fn has_namesakes(&self) -> bool;
}

impl FullUrls for Bundle {
    fn bundle(&self) -> u64 {
        self.number()
    }

    fn resolve(&self, address: &Address<'_>) -> Option<(ResourceType, Cow<'_, str>)> {
        self.resolve_address(address)
    }

    fn has_namesakes(&self) -> bool {
        Bundle::has_namesakes(self)
    }
}

/// Resolves the references of one resource.
pub(super) struct Resolver<'r> {
    pub targets: &'r mut Targets,
    pub identifiers: &'r mut IdentifierCache,
    pub full_urls: Option<&'r dyn FullUrls>,
    /// The server that the resource's own `fullUrl` is of.
    pub own_base: Option<&'r str>,
    /// The servers of the source. Absolute references to them, and to `own_base`,
    /// mean the same as relative ones.
    pub base_urls: &'r [String],
    pub resolved: &'r mut Vec<ResolvedReference>,
    /// What the resource's references may lead to.
    pub allowed: Allowed<'r>,
    /// What `#id` means.
    pub contained: &'r Contained<'r>,
    /// In a remap, what the references of the resource led to before.
    pub earlier: Option<&'r EarlierReferences>,
}

/// The types that the elements of a resource allow their references to lead to. Found
/// when the first reference needs it: most state a type or an id.
pub(super) struct Allowed<'r> {
    tree: &'r Tree<'r>,
    structure: &'r Structure,
    found: Option<AllowedTargets>,
}

impl<'r> Allowed<'r> {
    pub fn of(tree: &'r Tree<'r>, structure: &'r Structure) -> Self {
        Allowed { tree, structure, found: None }
    }

    /// The types that a reference may lead to, with bars between them; empty for any.
    fn types(&mut self, reference: Value<'_>) -> &'static str {
        let found = self.found.get_or_insert_with(|| allowed_targets(self.tree, self.structure));
        found.get(&reference.index()).copied().unwrap_or_default()
    }
}

/// What a reference's text says, before anything is looked up.
enum Meaning<'w> {
    /// A resource. `says_more` than that: its version.
    Identity { resource_type: ResourceType, fhir_id: Cow<'w, str>, says_more: bool, is_absolute: bool },
    /// The resource that has this identifier.
    Identifier { resource_type: Option<ResourceType>, system: Cow<'w, str>, value: Cow<'w, str> },
    /// A resource within the resource, or the resource itself.
    Contained(ResourceType, Target),
    /// What no rule resolves: a resource on another server, or just words.
    Unknown(Option<ResourceType>),
}

impl Meaning<'_> {
    /// The length of the longest text that the registry would look for.
    fn longest_text(&self) -> usize {
        match self {
            Meaning::Identity { fhir_id, .. } => fhir_id.len(),
            Meaning::Identifier { system, value, .. } => value.len().max(system.len()),
            Meaning::Contained(..) | Meaning::Unknown(_) => 0,
        }
    }
}

/// What was found of a reference.
#[derive(Clone, Copy, Default)]
struct Found {
    resource_type: Option<ResourceType>,
    target: Option<Target>,
    /// The key does not say all that is written.
    says_more: bool,
}

impl Found {
    fn nothing(resource_type: Option<ResourceType>) -> Self {
        Found { resource_type, ..Found::default() }
    }

    /// As a reference that is written in these words.
    fn referenced<'t>(self, words: Cow<'t, str>) -> Referenced<'t> {
        let is_told = self.target.is_some() && !self.says_more;
        let written = (!is_told).then_some(words);
        Referenced { target: self.target, resource_type: self.resource_type, written }
    }
}

impl<'r> Resolver<'r> {
    /// What is written, apart from any identifier beside it.
    fn literal<'w>(&self, written: &'w str, stated: Option<ResourceType>) -> Meaning<'w>
    where
        'r: 'w,
    {
        if let Some(meaning) = self.inside_another(written, stated) {
            return meaning;
        }
        let address = Address::parse(written);
        if let Address::Fragment(id) = address
            && let Some((resource_type, target)) = self.contained.named(id)
        {
            return Meaning::Contained(resource_type, target);
        }
        let says_more = matches!(address, Address::Rest { version: Some(_), .. });
        if let Some((resource_type, fhir_id)) = self.on_own_server(&address) {
            return Meaning::Identity { resource_type, fhir_id, says_more, is_absolute: true };
        }
        if let Some(full_urls) = self.full_urls
            && let Some((resource_type, fhir_id)) = full_urls.resolve(&address)
        {
            return Meaning::Identity { resource_type, fhir_id, says_more, is_absolute: false };
        }
        match address {
            Address::Rest { base, resource_type, id: fhir_id, .. } if self.is_ours(base) => {
                Meaning::Identity { resource_type, fhir_id, says_more, is_absolute: base.is_some() }
            }
            Address::Rest { resource_type, .. } => Meaning::Unknown(Some(resource_type)),
            Address::Uuid(uuid) => with_id(stated, uuid.to_string().into()),
            Address::Oid(oid) => with_id(stated, oid.into()),
            Address::Search { resource_type, query, .. } => match IdentifierToken::of_query(query) {
                Some(IdentifierToken { system, value }) => Meaning::Identifier {
                    resource_type: Some(resource_type),
                    system: system.unwrap_or(Cow::Borrowed(ANY_SYSTEM)),
                    value,
                },
                None => Meaning::Unknown(Some(resource_type)),
            },
            Address::Fragment(_) | Address::Local(_) => Meaning::Unknown(stated),
        }
    }

    /// What `Type/id#local` means: a resource that another one contains.
    fn inside_another<'w>(&self, written: &'w str, stated: Option<ResourceType>) -> Option<Meaning<'w>>
    where
        'r: 'w,
    {
        // Most references have none.
        memchr::memchr(b'#', written.as_bytes())?;
        let (container, local_id) = trimmed(written).split_once('#')?;
        if container.is_empty() || local_id.is_empty() {
            return None;
        }
        let Meaning::Identity { resource_type, fhir_id, .. } = self.literal(container, None) else {
            return None;
        };
        let fhir_id = contained_id(resource_type, &fhir_id, local_id).into();
        Some(match stated {
            // A server's base may mean something else for the next resource.
            Some(resource_type) => {
                Meaning::Identity { resource_type, fhir_id, says_more: false, is_absolute: true }
            }
            None => with_id(None, fhir_id),
        })
    }

    /// What a relative URL means in a Bundle in which that depends on the server.
    fn on_own_server(&self, address: &Address<'_>) -> Option<(ResourceType, Cow<'r, str>)> {
        let full_urls = self.full_urls.filter(|full_urls| full_urls.has_namesakes())?;
        let Address::Rest { base: None, resource_type, id, version } = address else { return None };
        full_urls.resolve(&Address::Rest {
            base: Some(self.own_base?),
            resource_type: *resource_type,
            id: id.clone(),
            version: *version,
        })
    }

    /// Whether that base is one of ours, as is that of a relative URL.
    fn is_ours(&self, base: Option<&str>) -> bool {
        base.is_none_or(|base| {
            let mut known = self.own_base.into_iter().chain(self.base_urls.iter().map(String::as_str));
            known.any(|known| is_same_base(known, base))
        })
    }

    /// The type and target of what a reference means.
    fn find(
        &mut self,
        meaning: Meaning<'_>,
        reference: Value<'_>,
        expected: Expected,
    ) -> Result<Found, ValueDefect> {
        if meaning.longest_text() > MAX_INDEXED_BYTES {
            return Err(ValueDefect::new(reference, ValueDefectReason::TooLongForIndex));
        }
        let (resource_type, target, says_more) = match meaning {
            Meaning::Identity { resource_type, .. } | Meaning::Contained(resource_type, _)
                if !expected.admits(resource_type) =>
            {
                return Ok(Found::nothing(Some(resource_type)));
            }
            Meaning::Identity { resource_type, fhir_id, says_more, .. } => {
                (resource_type, self.targets.of_identity(resource_type, &fhir_id), says_more)
            }
            Meaning::Identifier { resource_type, system, value } => {
                let Some((resource_type, key)) =
                    self.owner(reference, resource_type, (&system, &value), expected)
                else {
                    return Ok(Found::nothing(resource_type));
                };
                (resource_type, self.targets.of_key(key), false)
            }
            Meaning::Contained(resource_type, target) => (resource_type, target, false),
            Meaning::Unknown(resource_type) => return Ok(Found::nothing(resource_type)),
        };
        self.resolved.push(ResolvedReference {
            reference: reference.index(),
            resource_type,
            target,
            says_more,
        });
        Ok(Found { resource_type: Some(resource_type), target: Some(target), says_more })
    }

    /// The one resource that has the identifier. If no type is stated, it is of one of
    /// those that the element allows; of these the preferred one goes before all
    /// others.
    fn owner(
        &mut self,
        reference: Value<'_>,
        resource_type: Option<ResourceType>,
        (system, value): (&str, &str),
        expected: Expected,
    ) -> Option<(ResourceType, i64)> {
        let types = match resource_type.or(expected.only()) {
            Some(resource_type) => resource_type.name(),
            None => self.allowed.types(reference),
        };
        let identifier = WrittenIdentifier { types, system, value };
        let is_allowed = |preferred: &ResourceType| {
            types.is_empty() || types.split('|').any(|name| name == preferred.name())
        };
        let preferred = expected.preferred().filter(is_allowed).map(ResourceType::name);
        let preferred = preferred.filter(|preferred| *preferred != types);
        let owner = preferred
            .and_then(|preferred| {
                self.identifiers.owner(&WrittenIdentifier { types: preferred, ..identifier })
            })
            .or_else(|| self.identifiers.owner(&identifier))
            .filter(|(found, _)| expected.admits(*found));
        let owner = match self.earlier {
            Some(earlier) => {
                let identifiers = &*self.identifiers;
                let of_preferred = preferred.map(|types| WrittenIdentifier { types, ..identifier });
                let candidates = of_preferred
                    .iter()
                    .chain([&identifier])
                    .flat_map(|identifier| identifiers.candidates(identifier))
                    .filter(|(found, _)| expected.admits(*found));
                earlier.owner(&identifier, candidates, owner)
            }
            None => owner,
        };
        if owner.is_none() && expected.is_stored() {
            self.targets.note_unresolved(&identifier);
        }
        owner
    }

    /// What the identifier of a reference leads to, and the identifier in words;
    /// `None` if there is none.
    fn logical(
        &mut self,
        reference: Value<'_>,
        stated: Option<ResourceType>,
        expected: Expected,
    ) -> Result<Option<(Found, String)>, ValueDefect> {
        let Some(identifier) = reference.get(NameId::IDENTIFIER) else { return Ok(None) };
        let system = text(identifier.get(NameId::SYSTEM))?;
        let value = text(identifier.get(NameId::VALUE))?;
        let stated = stated.or(expected.only());
        let found = match (&system, &value) {
            (None, None) => return Ok(None),
            (_, None) => Found::nothing(stated),
            (system, Some(value)) => {
                let system = Cow::Borrowed(system.as_deref().unwrap_or(ANY_SYSTEM));
                let value = Cow::Borrowed(&**value);
                self.find(Meaning::Identifier { resource_type: stated, system, value }, reference, expected)?
            }
        };
        let name = stated.map(ResourceType::name).unwrap_or_default();
        let bar = if system.is_some() { "|" } else { "" };
        let (system, value) = (system.unwrap_or_default(), value.unwrap_or_default());
        Ok(Some((found, format!("{name}?identifier={system}{bar}{value}"))))
    }

    /// Notes a literal reference that leads nowhere.
    fn note_unknown(&mut self, written: &str, resource_type: Option<ResourceType>, expected: Expected) {
        if expected.is_stored() {
            let value = &written[..written.floor_char_boundary(MAX_NOTED_BYTES)];
            let types = resource_type.map_or("", ResourceType::name);
            let reference = WrittenIdentifier { types, system: REFERENCE_SYSTEM, value };
            self.targets.note_unresolved(&reference);
        }
    }

    /// What a reference with these words means, which may also have an identifier.
    fn written(
        &mut self,
        written: &str,
        reference: Value<'_>,
        expected: Expected,
    ) -> Result<Found, ValueDefect> {
        let bundle = self.full_urls.map_or(0, FullUrls::bundle);
        let is_absolute = is_absolute(written) && expected.is_stored();
        self.targets.absolute.count += u64::from(is_absolute);
        if let Some((resource_type, target)) = self.targets.recent(written, bundle)
            && expected.admits(resource_type)
        {
            let (reference, says_more) = (reference.index(), false);
            self.resolved.push(ResolvedReference { reference, resource_type, target, says_more });
            return Ok(Found { resource_type: Some(resource_type), target: Some(target), says_more });
        }
        let stated = stated_type(reference)?;
        let meaning = self.literal(written, stated.or(expected.only()));
        // What a server's base or an identifier means may change from one resource
        // to the next.
        let is_lasting = matches!(meaning, Meaning::Identity { is_absolute: false, says_more: false, .. });
        let is_unknown = matches!(meaning, Meaning::Unknown(_));
        let is_contained = matches!(meaning, Meaning::Contained(..));
        let found = self.find(meaning, reference, expected)?;
        if let (true, Some(resource_type), Some(target)) = (is_lasting, found.resource_type, found.target) {
            self.targets.note_recent(written, bundle, (resource_type, target));
        }
        if found.target.is_some() || is_contained {
            return Ok(found);
        }
        match self.logical(reference, stated, expected)? {
            Some((logical, _)) if logical.target.is_some() => {
                // The key does not say what is written beside the identifier.
                if let Some(last) = self.resolved.last_mut() {
                    last.says_more = true;
                }
                Ok(Found { says_more: true, ..logical })
            }
            _ => {
                self.targets.absolute.unresolved += u64::from(is_absolute && is_unknown);
                if is_unknown {
                    self.note_unknown(written, found.resource_type, expected);
                }
                Ok(found)
            }
        }
    }
}

/// Whether a reference begins as a URL of a server does.
fn is_absolute(written: &str) -> bool {
    written.starts_with(['h', 'H']) && written.contains("://")
}

/// The most bytes of a literal reference that are noted as unresolved.
const MAX_NOTED_BYTES: usize = 1000;

/// The resource with that id, if there is exactly one of the stated type.
fn with_id(stated: Option<ResourceType>, value: Cow<'_, str>) -> Meaning<'_> {
    Meaning::Identifier { resource_type: stated, system: Cow::Borrowed(ID_SYSTEM), value }
}

/// A reference of the resource that is resolved already: most are needed more
/// than once.
#[derive(Clone, Copy, Debug)]
pub(super) struct ResolvedReference {
    /// The index of its node in the tree.
    reference: u32,
    resource_type: ResourceType,
    target: Target,
    says_more: bool,
}

/// The number of the latest resolved references that are searched.
const MOST_KNOWN: usize = 8;

impl References for Resolver<'_> {
    fn resolve<'t>(
        &mut self,
        reference: Value<'t>,
        expected: Expected,
    ) -> Result<Referenced<'t>, ValueDefect> {
        let mut known = self.resolved.iter().rev().take(MOST_KNOWN);
        if let Some(known) = known.find(|known| known.reference == reference.index())
            && expected.admits(known.resource_type)
            && !known.says_more
        {
            let ResolvedReference { resource_type, target, .. } = *known;
            return Ok(Referenced {
                target: Some(target),
                resource_type: Some(resource_type),
                written: None,
            });
        }
        if let Some(written) = text(reference.get(NameId::REFERENCE))? {
            let found = self.written(&written, reference, expected)?;
            return Ok(found.referenced(written));
        }
        let stated = stated_type(reference)?;
        Ok(match self.logical(reference, stated, expected)? {
            Some((found, words)) => found.referenced(words.into()),
            // A type without anything else names nothing.
            None => Referenced {
                resource_type: stated.filter(|_| reference.get(NameId::DISPLAY).is_some()),
                ..Referenced::default()
            },
        })
    }
}

/// The characters of a string without blanks around them, if there are any.
fn text(value: Option<Value<'_>>) -> Result<Option<Cow<'_, str>>, ValueDefect> {
    let Some(value) = value else { return Ok(None) };
    let text = value.as_text().ok_or(ValueDefect::new(value, ValueDefectReason::ExpectedString))?;
    Ok(match text {
        text if trimmed(&text).is_empty() => None,
        text if trimmed(&text).len() == text.len() => Some(text),
        Cow::Borrowed(text) => Some(Cow::Borrowed(trimmed(text))),
        Cow::Owned(text) => Some(Cow::Owned(trimmed(&text).to_owned())),
    })
}

/// The type that `Reference.type` states, perhaps by the URL of its definition.
fn stated_type(reference: Value<'_>) -> Result<Option<ResourceType>, ValueDefect> {
    let name = text(reference.get(NameId::TYPE))?;
    Ok(name.and_then(|name| ResourceType::named(name.rsplit('/').next()?)))
}

/// The server that a `fullUrl` is of, with a slash at the end.
pub(super) fn base_url(full_url: &str) -> Option<&str> {
    match Address::parse(full_url) {
        Address::Rest { base, .. } => base,
        _ => None,
    }
}
