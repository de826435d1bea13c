//! What a FHIR reference means: a resource, by type and ID, or the text that
//! could not be resolved. The rules, in order: the Bundle's `fullUrl`s,
//! `Type/id`, an absolute URL below a known base, an identifier that exactly
//! one resource has, a `urn:uuid:` that is a known ID.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::FixedOffset;

use super::json::Json;
use super::path::contained;

const RESOURCE_TYPES: &str = include_str!("../../../crates/core/src/fhir/resource_types.txt");

/// A resource by type and logical id, within one source.
pub type ResourceName = (String, String);

/// What the oracle must know besides the resource itself.
#[derive(Debug, Clone)]
pub struct Context {
    /// Key of the source in `etl.source`.
    pub source_id: i16,
    /// The `fullUrl` of the resource's own entry.
    pub full_url: Option<String>,
    /// The offset of dates and times that carry none.
    pub assumed_offset: FixedOffset,
    /// `fullUrl`s of the Bundle that the resource stands in.
    pub full_urls: BTreeMap<String, ResourceName>,
    /// Bases of absolute URLs, without the last slash, that mean this source.
    pub bases: BTreeSet<String>,
    /// System and holder's id by resource type and value of an identifier.
    pub identifiers: BTreeMap<(String, String), BTreeSet<(String, String)>>,
    /// Every resource that has arrived.
    pub known: BTreeSet<ResourceName>,
    /// The resource whose rows are made, which `#` means and its contained ones are named after.
    pub container: RefCell<Option<ResourceName>>,
}

impl Default for Context {
    fn default() -> Context {
        Context {
            source_id: 1,
            full_url: None,
            assumed_offset: FixedOffset::east_opt(0).expect("zero is an offset"),
            full_urls: BTreeMap::new(),
            bases: BTreeSet::new(),
            identifiers: BTreeMap::new(),
            known: BTreeSet::new(),
            container: RefCell::new(None),
        }
    }
}

impl Context {
    /// Notes that a resource has arrived, with its identifiers.
    pub fn learn(&mut self, resource: &Json, id: &str) {
        let Some(resource_type) = resource.string("resourceType") else {
            return;
        };
        self.known.insert((resource_type.to_owned(), id.to_owned()));
        for identifier in resource.get("identifier").map_or(&[][..], Json::items) {
            let Some(value) = identifier.string("value") else {
                continue;
            };
            let system = identifier.string("system").unwrap_or("");
            self.identifiers
                .entry((resource_type.to_owned(), value.to_owned()))
                .or_default()
                .insert((system.to_owned(), id.to_owned()));
        }
    }

    /// Notes the `fullUrl`s of a Bundle and the bases that they show, in place of those of the
    /// Bundle before. Entries without an id of their own are named by their `fullUrl`.
    pub fn enter_bundle(&mut self, bundle: &Json) {
        self.full_urls.clear();
        for entry in bundle.get("entry").map_or(&[][..], Json::items) {
            let (Some(full_url), Some(resource)) = (entry.string("fullUrl"), entry.get("resource")) else {
                continue;
            };
            let Some(resource_type) = resource.string("resourceType") else {
                continue;
            };
            if let Some(base) = full_url.strip_suffix(&format!("/{resource_type}/{}", last_segment(full_url)))
                && full_url.contains("://")
            {
                self.bases.insert(base.to_owned());
            }
            let Some(id) = id_of_entry(entry, bundle.string("type").unwrap_or("")) else {
                continue;
            };
            self.full_urls.insert(full_url.to_owned(), (resource_type.to_owned(), id));
        }
    }

    /// The one resource with the identifier: of that type, or of any.
    fn by_identifier(
        &self,
        resource_type: Option<&str>,
        system: Option<&str>,
        value: &str,
    ) -> Option<ResourceName> {
        let mut found: BTreeSet<ResourceName> = BTreeSet::new();
        for ((holder_type, known), holders) in &self.identifiers {
            if known != value || resource_type.is_some_and(|wanted| wanted != holder_type) {
                continue;
            }
            for (known_system, id) in holders {
                if system.is_none_or(|system| system == known_system) {
                    found.insert((holder_type.clone(), id.clone()));
                }
            }
        }
        if found.len() == 1 { found.pop_first() } else { None }
    }
}

fn last_segment(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// Whether a text is a UUID: hexadecimal digits in groups of 8, 4, 4, 4 and 12.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The id that a `fullUrl` gives to a resource of that type wherever it is: `urn:uuid:` of a
/// UUID, `urn:oid:`, or an absolute URL that ends in `Type/id`, perhaps with a version.
pub fn id_of_full_url(full_url: &str, resource_type: &str) -> Option<String> {
    let lower = full_url.to_ascii_lowercase();
    if let Some(uuid) = lower.strip_prefix("urn:uuid:") {
        return is_uuid(uuid).then(|| uuid.to_owned());
    }
    if let Some(oid) = lower.strip_prefix("urn:oid:") {
        let is_oid = oid.starts_with(['0', '1', '2']) && oid.contains('.');
        return (is_oid && oid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'))
            .then(|| oid.to_owned());
    }
    let (_, path) = full_url.split_once("://")?;
    let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    let current = match segments.as_slice() {
        [current @ .., "_history", _] => current,
        all => all,
    };
    match current {
        [_, .., name, id] if *name == resource_type && !id.is_empty() => Some((*id).to_owned()),
        _ => None,
    }
}

/// The id of an entry's resource (bundle.html#references, http.html#trules); nothing for one that
/// has a name within its Bundle only, and whose id is made from its content.
fn id_of_entry(entry: &Json, bundle_type: &str) -> Option<String> {
    let resource = entry.get("resource")?;
    let resource_type = resource.string("resourceType")?;
    let global = || id_of_full_url(entry.string("fullUrl")?, resource_type);
    let request = |name: &str| entry.get("request")?.string(name).map(str::to_owned);
    let method = request("method").unwrap_or_default();
    if method == "PUT"
        && let Some(url) = request("url")
        && let Some((name, id)) = url.split_once('/')
        && name == resource_type
    {
        return Some(id.to_owned());
    }
    let own = resource.string("id").filter(|id| !id.is_empty());
    let is_posted = method == "POST" && matches!(bundle_type, "transaction" | "batch");
    match own {
        Some(own) if is_posted && !is_uuid(own) => Some(global().unwrap_or_else(|| own.to_owned())),
        Some(own) => Some(own.to_owned()),
        None => global(),
    }
}

/// Whether FHIR R4 has such a type.
pub fn is_resource_type(name: &str) -> bool {
    RESOURCE_TYPES.lines().any(|known| known == name)
}

/// The name of what a container holds under that local id.
pub fn name_within(container: &ResourceName, resource_type: &str, local: &str) -> ResourceName {
    (resource_type.to_owned(), format!("{}/{}#{local}", container.0, container.1))
}

/// What a reference says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Meaning {
    /// The resource, if it is certain which.
    pub target: Option<ResourceName>,
    /// The type of the target, as far as the reference tells.
    pub target_type: Option<String>,
    /// The reference in words: as written, or `Type?identifier=system|value` of a logical one.
    pub written: Option<String>,
}

impl Meaning {
    /// Takes the target away if it is not of the one type that is allowed.
    pub fn restricted(mut self, allowed: Option<&str>) -> Meaning {
        if let (Some(allowed), Some((found, _))) = (allowed, &self.target)
            && found != allowed
        {
            self.target = None;
        }
        self
    }
}

/// Reads a reference. `allowed` is the one type that its element may refer to, if there is one.
pub fn read(reference: &Json, resource: &Json, context: &Context, allowed: Option<&str>) -> Meaning {
    let stated_type = reference.string("type");
    let identifier = reference.get("identifier");
    let identifier_type = stated_type.or(allowed);
    let logical = |context: &Context| -> Option<ResourceName> {
        let identifier = identifier?;
        let value = identifier.string("value")?;
        context.by_identifier(identifier_type, identifier.string("system"), value)
    };
    let Some(written) = reference.string("reference") else {
        let written = identifier.map(|identifier| {
            let name = identifier_type.unwrap_or("");
            let value = identifier.string("value").unwrap_or("");
            match identifier.string("system") {
                Some(system) => format!("{name}?identifier={system}|{value}"),
                None => format!("{name}?identifier={value}"),
            }
        });
        let target = logical(context);
        return Meaning { target_type: stated_type.map(str::to_owned), target, written }.restricted(allowed);
    };
    let mut meaning = literal(written, context);
    if meaning.target.is_none() && !written.starts_with('#') {
        meaning.target = logical(context);
        if let Some((found, _)) = &meaning.target {
            meaning.target_type = Some(found.clone());
        }
    }
    if let Some(container) = &*context.container.borrow() {
        if written == "#" {
            meaning.target = Some(container.clone());
            meaning.target_type = Some(container.0.clone());
        } else if let Some(inner) = contained(reference, resource) {
            let inner_type = inner.string("resourceType").unwrap_or("");
            let local = inner.string("id").unwrap_or("");
            meaning.target = Some(name_within(container, inner_type, local));
            meaning.target_type = Some(inner_type.to_owned());
        }
    }
    if meaning.target_type.is_none() {
        meaning.target_type = stated_type.map(str::to_owned);
    }
    if meaning.target.is_none()
        && let Some(uuid) = written.strip_prefix("urn:uuid:")
    {
        meaning.target = known_uuid(uuid, meaning.target_type.as_deref().or(allowed), context);
        if let Some((found, _)) = &meaning.target {
            meaning.target_type = Some(found.clone());
        }
    }
    meaning.restricted(allowed)
}

fn literal(written: &str, context: &Context) -> Meaning {
    let mut meaning = Meaning { written: Some(written.to_owned()), ..Meaning::default() };
    let current = written.split("/_history/").next().unwrap_or(written);
    let target = context.full_urls.get(written).or_else(|| context.full_urls.get(current));
    if let Some(target) = target {
        meaning.target = Some(target.clone());
        meaning.target_type = Some(target.0.clone());
        return meaning;
    }
    if let Some((name, query)) = current.split_once('?') {
        if !is_resource_type(name) {
            return meaning;
        }
        meaning.target_type = Some(name.to_owned());
        if let Some(token) = query.strip_prefix("identifier=") {
            let (system, value) = match token.split_once('|') {
                Some((system, value)) => (Some(system), value),
                None => (None, token),
            };
            meaning.target = context.by_identifier(Some(name), system, value);
        }
        return meaning;
    }
    let mut segments = current.rsplitn(3, '/');
    let (Some(id), Some(name)) = (segments.next(), segments.next()) else {
        return meaning;
    };
    if !is_resource_type(name) || id.is_empty() {
        return meaning;
    }
    meaning.target_type = Some(name.to_owned());
    let is_here = match segments.next() {
        None => true,
        Some(base) => context.bases.contains(base),
    };
    if is_here {
        meaning.target = Some((name.to_owned(), id.to_owned()));
    }
    meaning
}

/// The one known resource with that id, of the type that the reference asks for.
fn known_uuid(uuid: &str, wanted: Option<&str>, context: &Context) -> Option<ResourceName> {
    let mut found = Vec::new();
    for name in &context.known {
        if name.1 == uuid && wanted.is_none_or(|wanted| wanted == name.0) {
            found.push(name.clone());
        }
    }
    match found.len() {
        1 => found.pop(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(reference: &str, context: &Context, allowed: Option<&str>) -> Meaning {
        let resource = Json::parse(r#"{"contained":[{"resourceType":"Coverage","id":"c"}]}"#).unwrap();
        read(&Json::parse(reference).unwrap(), &resource, context, allowed)
    }

    fn name(resource_type: &str, id: &str) -> Option<ResourceName> {
        Some((resource_type.to_owned(), id.to_owned()))
    }

    #[test]
    fn a_relative_reference_names_its_target() {
        let context = Context::default();

        let found = meaning(r#"{"reference":"Patient/1/_history/2"}"#, &context, None);

        assert_eq!(found.target, name("Patient", "1"));
        assert_eq!(found.target_type.as_deref(), Some("Patient"));
        let other = meaning(r#"{"reference":"Group/1"}"#, &context, Some("Patient"));
        assert_eq!(other.target, None);
        assert_eq!(other.written.as_deref(), Some("Group/1"));
    }

    #[test]
    fn absolute_urls_need_a_known_base() {
        let mut context = Context::default();
        let reference = r#"{"reference":"https://here/fhir/Patient/1"}"#;
        assert_eq!(meaning(reference, &context, None).target, None);

        context.bases.insert("https://here/fhir".to_owned());

        assert_eq!(meaning(reference, &context, None).target, name("Patient", "1"));
    }

    #[test]
    fn full_urls_of_the_bundle_come_first() {
        let bundle = Json::parse(
            r#"{"entry":[{"fullUrl":"urn:uuid:AAAAAAAA-0000-4000-8000-000000000001","resource":{"resourceType":"Patient"}},
                         {"fullUrl":"urn:uuid:b","resource":{"resourceType":"Location","id":"9"}},
                         {"fullUrl":"urn:uuid:c","resource":{"resourceType":"Patient"}}]}"#,
        )
        .unwrap();
        let mut context = Context::default();
        context.enter_bundle(&bundle);

        let patient = r#"{"reference":"urn:uuid:AAAAAAAA-0000-4000-8000-000000000001"}"#;
        let patient = meaning(patient, &context, None);
        let location = meaning(r#"{"reference":"urn:uuid:b"}"#, &context, None);

        assert_eq!(patient.target, name("Patient", "aaaaaaaa-0000-4000-8000-000000000001"));
        // A name within the Bundle gives no id.
        assert_eq!(meaning(r#"{"reference":"urn:uuid:c"}"#, &context, None).target, None);
        assert_eq!(location.target, name("Location", "9"));
    }

    #[test]
    fn full_urls_give_ids_only_if_they_are_global() {
        for (full_url, expected) in [
            ("https://a.example/fhir/Patient/1", Some("1")),
            ("https://a.example/fhir/Patient/1/_history/7", Some("1")),
            ("https://a.example/fhir/Group/1", None),
            ("https://a.example/1", None),
            ("urn:uuid:0B0C0D0E-1111-4222-8333-444455556666", Some("0b0c0d0e-1111-4222-8333-444455556666")),
            ("urn:uuid:patient-1", None),
            ("urn:oid:1.2.840", Some("1.2.840")),
            ("urn:example:p", None),
            ("resource:0", None),
            ("Patient/1", None),
        ] {
            assert_eq!(id_of_full_url(full_url, "Patient").as_deref(), expected, "{full_url}");
        }
    }

    #[test]
    fn identifiers_must_be_unique() {
        let mut context = Context::default();
        let practitioner =
            Json::parse(r#"{"resourceType":"Practitioner","identifier":[{"system":"s","value":"7"}]}"#)
                .unwrap();
        context.learn(&practitioner, "p");
        let conditional = r#"{"reference":"Practitioner?identifier=s|7"}"#;
        let logical = r#"{"type":"Practitioner","identifier":{"system":"s","value":"7"}}"#;
        assert_eq!(meaning(conditional, &context, None).target, name("Practitioner", "p"));
        assert_eq!(meaning(logical, &context, None).target, name("Practitioner", "p"));

        context.learn(&practitioner, "q");

        let found = meaning(logical, &context, None);
        assert_eq!(found.target, None);
        assert_eq!(found.written.as_deref(), Some("Practitioner?identifier=s|7"));
    }

    #[test]
    fn contained_resources_are_named_after_their_container() {
        let context = Context::default();
        context.container.replace(name("Claim", "1"));

        let found = meaning(r##"{"reference":"#c"}"##, &context, None);

        assert_eq!(found.target, name("Coverage", "Claim/1#c"));
        assert_eq!(found.target_type.as_deref(), Some("Coverage"));
        assert_eq!(meaning(r##"{"reference":"#"}"##, &context, None).target, name("Claim", "1"));
        let absent = meaning(r##"{"reference":"#d"}"##, &context, None);
        assert_eq!(absent.target, None);
        assert_eq!(absent.written.as_deref(), Some("#d"));
        let other = meaning(r##"{"reference":"#c"}"##, &context, Some("Patient"));
        assert_eq!(other.target, None);
    }

    #[test]
    fn a_known_uuid_is_found() {
        let mut context = Context::default();
        let reference = r#"{"reference":"urn:uuid:x"}"#;
        assert_eq!(meaning(reference, &context, None).target, None);

        context.known.insert(("Patient".to_owned(), "x".to_owned()));

        assert_eq!(meaning(reference, &context, None).target, name("Patient", "x"));
    }
}
