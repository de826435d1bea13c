//! The *content* of an entry that nothing names: what an id is generated from.

use super::full_url::{Key, key};
use crate::fhir::Address;
use crate::json::{Canonical, Dictionary, JsonError, NameId, Parser, Value};

/// SHA-256 of the canonical form of a resource, without what changes when it is
/// stored again: `meta.lastUpdated` and `meta.versionId`. `canonical` is of the
/// dictionary that the resource was parsed with.
///
/// # Errors
/// An object has two members of the same name.
pub fn content_hash(resource: Value<'_>, canonical: &mut Canonical) -> Result<[u8; 32], JsonError> {
    canonical.hash(resource, |parent, name| {
        parent == Some(NameId::META) && matches!(name, NameId::LAST_UPDATED | NameId::VERSION_ID)
    })
}

/// What an id is generated from.
pub(super) struct Content {
    pub hash: [u8; 32],
    /// What the resource refers to, as far as the content does not tell.
    pub references: Vec<ContentReference>,
}

/// A reference of the resource.
#[derive(Clone, Copy)]
pub(super) struct ContentReference {
    pub name: Key,
    /// Its text means the same in every Bundle, unless the Bundle gives that name
    /// to an entry that has no other.
    pub is_global: bool,
}

/// Reads the content of resources.
pub(super) struct ContentReader {
    parser: Parser,
    canonical: Canonical,
}

impl Default for ContentReader {
    fn default() -> Self {
        ContentReader { parser: Parser::default(), canonical: Canonical::new(&Dictionary::well_known()) }
    }
}

impl ContentReader {
    /// The content of a resource; `None` if it is not JSON.
    pub fn read(&mut self, resource: &[u8]) -> Option<Content> {
        let tree = self.parser.parse(resource).ok()?;
        let hash = content_hash(tree.root(), &mut self.canonical).ok()?;
        let mut references = Vec::new();
        for member in tree.root().all_members().filter(|member| member.name() == NameId::REFERENCE) {
            let Some(written) = member.value().as_text() else { continue };
            let address = Address::parse(&written);
            let is_global = matches!(address, Address::Rest { base: Some(_), .. });
            if !matches!(address, Address::Uuid(_) | Address::Oid(_)) {
                references.push(ContentReference { name: key(&address), is_global });
            }
        }
        Some(Content { hash, references })
    }
}
