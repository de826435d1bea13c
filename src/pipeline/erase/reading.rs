//! A *reading* of one record: what it is, and whom it mentions, wherever in it.

use std::ops::Range;
use std::sync::Arc;

use fhirmill_core::fhir::{Address, IdentifierToken, ResourceType, is_same_base};
use fhirmill_core::json::{Dictionary, JsonType, Parser, Value, path_of};
use fhirmill_core::read::Bundle;

use crate::pipeline::worker::Named;

/// What a reference means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A resource.
    Resource(Named),
    /// A resource of whatever type with that id.
    Id(String),
    /// Whoever has the identifier.
    Identifier { resource_type: Option<ResourceType>, system: Option<String>, value: String },
}

/// A place where a record mentions a resource.
#[derive(Clone, Debug)]
pub(super) struct Mention {
    /// The path of the reference, without indexes.
    pub path: String,
    /// What it means.
    pub meaning: Meaning,
    /// Where the object that holds it stands in the record.
    pub object: Range<usize>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// Its `resourceType`.
    pub resource_type: String,
    /// Its own `id`.
    pub id: Option<String>,
    /// What it mentions.
    pub mentions: Vec<Mention>,
    /// Systems and values of its own identifiers, if it is a person.
    pub identifiers: Vec<(String, String)>,
    /// Words of its names, if it is a person.
    pub names: Vec<String>,
}

/// What is around a record.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surroundings<'s> {
    /// The Bundle.
    pub bundle: Option<&'s Arc<Bundle>>,
    /// The `fullUrl` of its entry.
    pub full_url: Option<&'s str>,
    /// The servers of its source.
    pub base_urls: &'s [String],
}

impl Surroundings<'_> {
    /// What a reference means; `None` if it is no resource that can be known.
    pub fn meaning(&self, written: &str, stated: Option<ResourceType>) -> Option<Meaning> {
        let written = match written.split_once('#') {
            Some(("", _)) => return None,
            Some((container, _)) => container,
            None => written,
        };
        let own_base = self.full_url.and_then(|url| match Address::parse(url) {
            Address::Rest { base, .. } => base,
            _ => None,
        });
        let address = Address::parse(written);
        if let Some(bundle) = self.bundle {
            if bundle.has_namesakes()
                && let Address::Rest { base: None, resource_type, id, version } = &address
                && own_base.is_some()
            {
                let absolute = Address::Rest {
                    base: own_base,
                    resource_type: *resource_type,
                    id: id.clone(),
                    version: *version,
                };
                if let Some((resource_type, id)) = bundle.resolve_address(&absolute) {
                    return Some(Meaning::Resource((resource_type, id.into_owned())));
                }
            }
            if let Some((resource_type, id)) = bundle.resolve_address(&address) {
                return Some(Meaning::Resource((resource_type, id.into_owned())));
            }
        }
        let is_ours = |base: &str| {
            own_base
                .into_iter()
                .chain(self.base_urls.iter().map(String::as_str))
                .any(|one| is_same_base(one, base))
        };
        let with_id = |id: String| match stated {
            Some(resource_type) => Meaning::Resource((resource_type, id)),
            None => Meaning::Id(id),
        };
        match address {
            Address::Rest { base, resource_type, id, .. } if base.is_none_or(is_ours) => {
                Some(Meaning::Resource((resource_type, id.into_owned())))
            }
            Address::Uuid(uuid) => Some(with_id(uuid.to_string())),
            Address::Oid(oid) => Some(with_id(oid.to_owned())),
            Address::Search { resource_type, query, .. } => {
                let IdentifierToken { system, value } = IdentifierToken::of_query(query)?;
                Some(Meaning::Identifier {
                    resource_type: Some(resource_type),
                    system: system.map(|system| system.into_owned()),
                    value: value.into_owned(),
                })
            }
            _ => None,
        }
    }
}

/// Reads records.
pub(super) struct Reader(Parser);

impl Reader {
    pub fn new() -> Self {
        Reader(Parser::new(Dictionary::well_known()))
    }

    /// Reads a record; `None` if it is not JSON.
    pub fn read(&mut self, bytes: &[u8], around: &Surroundings<'_>) -> Option<Reading> {
        let tree = self.0.parse(bytes).ok()?;
        let root = tree.root();
        let text = |name: &str| root.get(name).and_then(Value::as_text).map(|text| text.trim().to_owned());
        let mut reading = Reading {
            resource_type: text("resourceType").unwrap_or_default(),
            id: text("id"),
            ..Reading::default()
        };
        let is_person = matches!(&*reading.resource_type, "Patient" | "RelatedPerson" | "Person");
        let mut walk = tree.walk();
        while let Some(member) = walk.next_member() {
            let (name, value) = (member.text(), member.value());
            let Some(object) = walk.enclosing().last().map(|last| last.value()) else { continue };
            let depth = walk.enclosing().len();
            let meaning = match (name, value.json_type()) {
                ("reference" | "url" | "uri", JsonType::String) => {
                    let stated = object.get("type").and_then(Value::as_text);
                    let stated = stated.and_then(|name| ResourceType::named(name.trim()));
                    value.as_text().and_then(|written| around.meaning(&written, stated))
                }
                // A logical reference; the identifiers of the resource itself are no references.
                ("identifier", JsonType::Object) if depth > 1 || root.get("reference").is_some() => {
                    identifier(value).map(|(system, value)| Meaning::Identifier {
                        resource_type: object
                            .get("type")
                            .and_then(Value::as_text)
                            .and_then(|name| ResourceType::named(name.trim())),
                        system: (!system.is_empty()).then_some(system),
                        value,
                    })
                }
                _ => None,
            };
            if let Some(meaning) = meaning {
                let path = without_indexes(&path_of(walk.enclosing()));
                // An element of the resource itself cannot be taken from it alone.
                let object = if depth > 1 { object } else { value };
                reading.mentions.push(Mention { path, meaning, object: object.span() });
            }
        }
        if is_person {
            let items = |name: &str| {
                let found = root.get(name).into_iter();
                found.flat_map(|value| match value.json_type() {
                    JsonType::Array => value.items().collect::<Vec<_>>(),
                    _ => vec![value],
                })
            };
            reading.identifiers = items("identifier").filter_map(identifier).collect();
            for named in items("name") {
                let family = named.get("family").into_iter();
                let given =
                    named.get("given").into_iter().flat_map(|given| given.items().collect::<Vec<_>>());
                let texts = family.chain(given).filter_map(Value::as_text);
                reading.names.extend(texts.map(|text| text.trim().to_lowercase()));
            }
        }
        Some(reading)
    }

    /// What all URLs in a Bundle entry mean that has no resource to load.
    pub fn urls(&mut self, bytes: &[u8], around: &Surroundings<'_>) -> Vec<Meaning> {
        let Ok(tree) = self.0.parse(bytes) else { return Vec::new() };
        let texts = tree
            .root()
            .all_members()
            .filter_map(|member| member.value().as_text().map(|text| text.into_owned()));
        texts.filter_map(|text| around.meaning(&text, None)).collect()
    }
}

/// System and value of an identifier.
fn identifier(value: Value<'_>) -> Option<(String, String)> {
    let text = |name: &str| value.get(name).and_then(Value::as_text).map(|text| text.trim().to_owned());
    Some((text("system").unwrap_or_default(), text("value").filter(|value| !value.is_empty())?))
}

fn without_indexes(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut is_index = false;
    for letter in path.chars() {
        match letter {
            '[' => is_index = true,
            ']' => is_index = false,
            _ if is_index => {}
            _ => plain.push(letter),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn mentions_are_found_with_their_places() {
        let record = br##"{"resourceType":"Appointment","identifier":[{"value":"7"}],
            "participant":[{"actor":{"reference":"Patient/1","display":"n"}},{"actor":{"identifier":{"system":"s","value":"v"}}}],
            "contained":[{"resourceType":"Binary","x":{"reference":"#1"}}],
            "supportingInformation":{"reference":"Patient?identifier=s|v"}}"##;
        let reading = Reader::new().read(record, &Surroundings::default()).expect("a reading");
        let found: Vec<(String, &str)> = reading
            .mentions
            .iter()
            .map(|mention| {
                (mention.path.clone(), std::str::from_utf8(&record[mention.object.clone()]).expect("text"))
            })
            .collect();
        let expected = [
            ("participant.actor", r#"{"reference":"Patient/1","display":"n"}"#),
            ("participant.actor", r#"{"identifier":{"system":"s","value":"v"}}"#),
            ("supportingInformation", r#"{"reference":"Patient?identifier=s|v"}"#),
        ];
        assert_eq!(found, expected.map(|(path, object)| (path.to_owned(), object)));
    }
}
