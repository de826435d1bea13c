//! The *identity* of a resource: the id by which it is known within its source,
//! from whatever names it. Sources:
//! <https://hl7.org/fhir/R4/bundle.html#references>,
//! <https://hl7.org/fhir/R4/http.html#trules>.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use super::address::{self, Address};
use super::identifier::IdentifierToken;
use super::resource_type::ResourceType;
use super::trimmed::trimmed;

/// What names the resource of a Bundle entry.
#[derive(Clone, Copy, Debug)]
pub struct EntryNames<'e> {
    /// The resource's type.
    pub resource_type: ResourceType,
    /// `resource.id`
    pub id: Option<&'e str>,
    /// `fullUrl`
    pub full_url: Option<&'e str>,
    /// `request.method`
    pub method: Option<&'e str>,
    /// `request.url`
    pub url: Option<&'e str>,
    /// `request.ifNoneExist`
    pub if_none_exist: Option<&'e str>,
    /// `response.location`
    pub location: Option<&'e str>,
    /// Whether the Bundle is a transaction or a batch, in which the id of a
    /// resource that is posted is for the server to choose.
    pub is_transaction: bool,
}

/// A request that names its resource by identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The type of the resource.
    pub resource_type: ResourceType,
    /// The identifier's system, empty for an identifier that has none; `None` for
    /// any.
    pub system: Option<String>,
    /// The identifier's value.
    pub value: String,
    /// It creates the resource if there is none, and otherwise does nothing.
    pub is_create: bool,
    /// The id that the resource keeps if none has the identifier: one that it was
    /// updated with, or a UUID.
    pub own_id: Option<String>,
}

impl Condition {
    /// The id of the resource that the request makes, the same however often.
    fn default_id(&self) -> String {
        if let Some(own_id) = &self.own_id {
            return own_id.clone();
        }
        let mut sha256 = Sha256::new();
        for part in [self.resource_type.name(), self.system.as_deref().unwrap_or("*"), &self.value] {
            sha256.update((part.len() as u64).to_be_bytes());
            sha256.update(part);
        }
        generated_id(&sha256.finalize().into())
    }
}

impl<'e> EntryNames<'e> {
    /// The condition of the request, if it names its resource by identifier.
    pub fn condition(&self) -> Option<Condition> {
        let method = trimmed(self.method?);
        let is_create = method.eq_ignore_ascii_case("POST");
        let query = match self.if_none_exist {
            Some(criteria) if is_create && self.is_transaction => criteria.rsplit('?').next()?,
            _ if !is_create && method.eq_ignore_ascii_case("PUT") => match Address::parse(self.url?) {
                Address::Search { resource_type, query, .. } if resource_type == self.resource_type => query,
                _ => return None,
            },
            _ => return None,
        };
        let token = IdentifierToken::of_query(query)?;
        let own_id = self.own_id().filter(|id| !is_create || address::uuid(id).is_some());
        Some(Condition {
            resource_type: self.resource_type,
            system: token.system.map(Cow::into_owned),
            value: token.value.into_owned(),
            is_create,
            own_id: own_id.map(str::to_owned),
        })
    }

    /// The resource's own id, if it has one.
    pub fn own_id(&self) -> Option<&'e str> {
        self.id.map(trimmed).filter(|id| !id.is_empty())
    }

    /// The id of the resource; `None` if nothing names it outside of its Bundle:
    /// one is then generated from its content.
    pub fn identity(&self) -> Option<Cow<'e, str>> {
        let is_method =
            |name: &str| self.method.is_some_and(|method| trimmed(method).eq_ignore_ascii_case(name));
        if is_method("PUT")
            && let Some(id) = self.url.and_then(|url| self.rest_id(url))
        {
            return Some(id);
        }
        if let Some(condition) = self.condition() {
            return Some(condition.default_id().into());
        }
        let global = || Address::parse(self.full_url?).global_id(self.resource_type);
        match self.own_id() {
            Some(own) if self.is_transaction && is_method("POST") && address::uuid(own).is_none() => {
                Some(global().unwrap_or(Cow::Borrowed(own)))
            }
            Some(own) => Some(Cow::Borrowed(own)),
            None => global().or_else(|| self.rest_id(self.location?)),
        }
    }

    /// The id in the url of a request or response, if it is of the type.
    fn rest_id(&self, url: &'e str) -> Option<Cow<'e, str>> {
        match Address::parse(url) {
            Address::Rest { resource_type, id, .. } if resource_type == self.resource_type => Some(id),
            _ => None,
        }
    }
}

/// An id that another load of the same content generates again.
pub fn generated_id(content_hash: &[u8; 32]) -> String {
    let hexadecimal: String = content_hash[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("gen-{hexadecimal}")
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    const UUID: &str = "6f1df156-8793-56a0-6df1-570bca4dcc07";
    const URN: &str = "urn:uuid:6F1DF156-8793-56A0-6DF1-570BCA4DCC07";

    fn names<'e>(id: Option<&'e str>, full_url: Option<&'e str>) -> EntryNames<'e> {
        EntryNames {
            resource_type: ResourceType::named("Patient").expect("a type"),
            id,
            full_url,
            method: None,
            url: None,
            if_none_exist: None,
            location: None,
            is_transaction: false,
        }
    }

    fn identity(names: EntryNames<'_>) -> Option<String> {
        names.identity().map(Cow::into_owned)
    }

    #[test]
    fn an_entry_is_named_by_its_own_id_or_a_global_url() {
        for (id, full_url, expected) in [
            (Some("a"), Some(URN), Some("a")),
            (Some(" a "), None, Some("a")),
            (Some(""), Some(URN), Some(UUID)),
            (None, Some(URN), Some(UUID)),
            (None, Some("urn:oid:1.2.3"), Some("1.2.3")),
            (None, Some("https://a.example/Patient/1/_history/3"), Some("1")),
            (None, Some("https://a.example/Encounter/1"), None),
            (None, Some("Patient/1"), None),
            (None, Some("resource:0"), None),
            (None, None, None),
        ] {
            assert_eq!(identity(names(id, full_url)).as_deref(), expected, "{id:?} {full_url:?}");
        }
    }

    #[test]
    fn requests_name_what_they_write() {
        let request = |names: EntryNames<'static>, method, url| EntryNames {
            method: Some(method),
            url: Some(url),
            is_transaction: true,
            ..names
        };
        for (names, expected) in [
            (request(names(None, Some(URN)), "PUT", "Patient/z9"), Some("z9")),
            (request(names(Some("a"), None), "PUT", "/Patient/z9"), Some("z9")),
            (request(names(Some("a"), None), "PUT", "Patient?identifier=9"), Some("a")),
            (request(names(Some("a"), None), "PUT", "Encounter/z9"), Some("a")),
            (request(names(Some("1"), Some(URN)), "POST", "Patient"), Some(UUID)),
            (request(names(Some("1"), Some("resource:0")), "POST", "Patient"), Some("1")),
            (request(names(Some(UUID), Some("https://a.example/Patient/1")), "POST", "Patient"), Some(UUID)),
            (request(names(None, None), "POST", "Patient"), None),
        ] {
            assert_eq!(identity(names).as_deref(), expected, "{names:?}");
        }
        let history =
            EntryNames { is_transaction: false, ..request(names(Some("1"), Some(URN)), "POST", "Patient") };
        assert_eq!(identity(history).as_deref(), Some("1"));
        let response = EntryNames { location: Some("Patient/7/_history/1"), ..names(None, None) };
        assert_eq!(identity(response).as_deref(), Some("7"));
    }
}
