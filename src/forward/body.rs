//! The *body* of a resource as a sink gets it: as it was sent, without the types that are left
//! out.
//!
//! - A reference to a left-out type goes, and so does one that says nothing of its type where R4
//!   allows only such types, such as a `coverage` that has no more than an identifier. An element which R4 requires to have that reference
//!   goes as a whole, such as `ExplanationOfBenefit.insurance` without its `coverage`; so does
//!   an extension whose value it was. A list or an object that is empty then goes, too,
//!   because R4 knows no empty ones.
//! - Contained resources of such a type go.
//! - A reference to an entry of its Bundle by `urn:uuid:` or another name that means nothing
//!   outside of it becomes `Type/id`.
//! - A resource without an id of its own gets the one that it has in the tables.
//!
//! All other bytes are those that were sent.

use std::collections::BTreeSet;
use std::sync::Arc;

use fhirmill_core::fhir::{Address, ResourceType};
use fhirmill_core::json::{JsonType, Parser, Value};
use fhirmill_core::read::Bundle;

use super::path::Path;

/// What becomes of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// It is sent as it was received.
    Same,
    /// This is sent.
    Changed(String),
    /// R4 requires it to have a reference that is left out: it is not sent.
    Incomplete,
    /// It is no JSON object.
    Unreadable,
}

/// See the module.
#[derive(Debug)]
pub struct BodyWriter {
    leave_out: BTreeSet<&'static str>,
    parser: Parser,
}

/// Which resource it is, and where it is from.
#[derive(Clone, Copy, Debug)]
pub struct BodyContext<'c> {
    /// The id that it has in the tables.
    pub fhir_id: &'c str,
    /// The Bundle around it.
    pub bundle: Option<&'c Arc<Bundle>>,
}

impl BodyWriter {
    /// For a sink that does not get these types.
    pub fn new(leave_out: &[String]) -> Self {
        let named = leave_out.iter().filter_map(|name| ResourceType::named(name));
        BodyWriter { leave_out: named.map(ResourceType::name).collect(), parser: Parser::default() }
    }

    /// The body to send.
    pub fn write(&mut self, bytes: &[u8], context: BodyContext<'_>) -> Body {
        let BodyWriter { leave_out, parser } = self;
        let Ok(tree) = parser.parse(bytes) else { return Body::Unreadable };
        let root = tree.root();
        let Some(resource_type) = root.get("resourceType").and_then(Value::as_text) else {
            return Body::Unreadable;
        };
        let contained = contained_types(root);
        let editor = Editor { leave_out, context, contained: &contained, text: whole(root) };
        let mut path = Path::of(&resource_type);
        match editor.object(root, &mut path, true) {
            Edited::Same => Body::Same,
            Edited::Changed(text) => Body::Changed(text),
            Edited::Gone => Body::Incomplete,
        }
    }

    /// The resources of other ids that the body refers to, by types and ids.
    pub fn references(&mut self, bytes: &[u8]) -> Vec<(String, String)> {
        let Ok(tree) = self.parser.parse(bytes) else { return Vec::new() };
        let root = tree.root();
        let mut found = Vec::new();
        for member in root.all_members().filter(|member| member.text() == "reference") {
            let Some(reference) = member.value().as_text() else { continue };
            if let Address::Rest { base: None, resource_type, id, .. } = Address::parse(&reference) {
                found.push((resource_type.name().to_owned(), id.into_owned()));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The types of contained resources by their local ids.
fn contained_types(root: Value<'_>) -> Vec<(String, String)> {
    let items = root.get("contained").map(|list| list.items().collect::<Vec<_>>()).unwrap_or_default();
    let named = items.into_iter().filter_map(|item| {
        let text = |name: &'static str| item.get(name).and_then(Value::as_text);
        Some((text("id")?.into_owned(), text("resourceType")?.into_owned()))
    });
    named.collect()
}

fn whole(root: Value<'_>) -> &str {
    root.raw()
}

/// What becomes of a value.
enum Edited {
    Same,
    Changed(String),
    Gone,
}

struct Editor<'e> {
    leave_out: &'e BTreeSet<&'static str>,
    context: BodyContext<'e>,
    contained: &'e [(String, String)],
    text: &'e str,
}

/// A child of a container: where it stands, and what becomes of it.
struct Child {
    start: usize,
    end: usize,
    edited: Edited,
    /// Where the value begins that replaces what is there.
    value_start: usize,
}

impl<'e> Editor<'e> {
    fn value(&self, value: Value<'e>, path: &mut Path<'e>) -> Edited {
        match value.json_type() {
            JsonType::Object => self.object(value, path, false),
            JsonType::Array => self.array(value, path),
            _ => Edited::Same,
        }
    }

    fn offset(&self, part: &str) -> usize {
        part.as_ptr() as usize - self.text.as_ptr() as usize
    }

    fn span(&self, value: Value<'_>) -> (usize, usize) {
        let raw = value.raw();
        let start = self.offset(raw);
        (start, start + raw.len())
    }

    fn array(&self, array: Value<'e>, path: &mut Path<'e>) -> Edited {
        let children: Vec<Child> = array
            .items()
            .map(|item| {
                let (start, end) = self.span(item);
                Child { start, end, edited: self.value(item, path), value_start: start }
            })
            .collect();
        self.rebuilt(array, children, None)
    }

    fn object(&self, object: Value<'e>, path: &mut Path<'e>, is_root: bool) -> Edited {
        if !is_root && let Some(edited) = self.special(object, path) {
            return edited;
        }
        let mut children = Vec::new();
        for member in object.members() {
            let (name, value) = (member.text(), member.value());
            let edited = match name {
                "contained" if is_root => self.contained_list(value),
                "id" if is_root => self.id(value),
                _ => {
                    path.names.push(name);
                    let edited = self.value(value, path);
                    path.names.pop();
                    edited
                }
            };
            if matches!(edited, Edited::Gone) && path.requires(name) {
                return Edited::Gone;
            }
            let (value_start, end) = self.span(value);
            children.push(Child { start: self.offset(name) - 1, end, edited, value_start });
        }
        let id = (is_root && object.get("id").is_none())
            .then(|| format!("\"id\":{}", quoted(self.context.fhir_id)));
        self.rebuilt(object, children, id)
    }

    /// A reference that goes or is written anew.
    fn special(&self, object: Value<'e>, path: &Path<'e>) -> Option<Edited> {
        let value = object.get("reference").filter(|value| value.json_type() == JsonType::String);
        let reference = value.and_then(Value::as_text);
        let (target, here) = reference.map_or((None, None), |reference| self.target(&reference));
        let is_left_out = |name: &str| self.leave_out.contains(name);
        let rule = if self.leave_out.is_empty() { None } else { path.rule(None) };
        let has_identifier =
            object.get("identifier").is_some_and(|value| value.json_type() == JsonType::Object);
        if value.is_none() && rule.is_none() && !has_identifier {
            return None;
        }
        let written = || object.get("type").and_then(Value::as_text).map(|name| name.into_owned());
        let is_gone = match target.or_else(written).filter(|name| ResourceType::named(name).is_some()) {
            Some(name) => is_left_out(&name),
            // Whatever it is, it can only be of these types.
            None => rule.is_some_and(|rule| {
                !rule.types.is_empty() && rule.types.iter().all(|name| is_left_out(name))
            }),
        };
        if is_gone {
            return Some(Edited::Gone);
        }
        let (value, here) = (value?, quoted(&here?));
        let ((start, end), (object_start, object_end)) = (self.span(value), self.span(object));
        Some(Edited::Changed(format!(
            "{}{here}{}",
            &self.text[object_start..start],
            &self.text[end..object_end]
        )))
    }

    /// The type that a reference names, and how it is written where only its Bundle knows it.
    fn target(&self, reference: &str) -> (Option<String>, Option<String>) {
        let address = Address::parse(reference);
        let in_bundle = || {
            let (resource_type, id) = self.context.bundle?.resolve_address(&address)?;
            Some((resource_type.name().to_owned(), format!("{}/{id}", resource_type.name())))
        };
        match &address {
            Address::Rest { resource_type, .. } | Address::Search { resource_type, .. } => {
                (Some(resource_type.name().to_owned()), None)
            }
            Address::Fragment(id) => {
                let contained = self.contained.iter().find(|(local, _)| local == id);
                (contained.map(|(_, resource_type)| resource_type.clone()), None)
            }
            Address::Uuid(_) | Address::Oid(_) | Address::Local(_) => in_bundle().unzip(),
        }
    }

    fn contained_list(&self, list: Value<'e>) -> Edited {
        let children: Vec<Child> = list
            .items()
            .map(|item| {
                let (start, end) = self.span(item);
                let resource_type = item.get("resourceType").and_then(Value::as_text).unwrap_or_default();
                let edited = match self.leave_out.contains(&*resource_type) {
                    true => Edited::Gone,
                    false => self.members(item, &mut Path::of(&resource_type)),
                };
                Child { start, end, edited, value_start: start }
            })
            .collect();
        self.rebuilt(list, children, None)
    }

    /// A contained resource, whose id is its own.
    fn members(&self, resource: Value<'e>, path: &mut Path<'e>) -> Edited {
        self.object(resource, path, false)
    }

    fn id(&self, value: Value<'e>) -> Edited {
        match value.as_text() {
            Some(id) if id == self.context.fhir_id => Edited::Same,
            _ => Edited::Changed(quoted(self.context.fhir_id)),
        }
    }

    /// The container with what became of its children.
    fn rebuilt(&self, container: Value<'e>, children: Vec<Child>, first: Option<String>) -> Edited {
        let is_same = children.iter().all(|child| matches!(child.edited, Edited::Same));
        if is_same && first.is_none() {
            return Edited::Same;
        }
        if first.is_none() && children.iter().all(|child| matches!(child.edited, Edited::Gone)) {
            return Edited::Gone;
        }
        let (start, end) = self.span(container);
        let first_start = children.first().map_or(end - 1, |child| child.start);
        let mut out = self.text[start..first_start].to_owned();
        let mut is_first = true;
        if let Some(first) = first {
            out.push_str(&first);
            is_first = false;
        }
        let mut before = first_start;
        for child in &children {
            // Between the child before and this one, as it was written.
            let separator = &self.text[before..child.start];
            before = child.end;
            if matches!(child.edited, Edited::Gone) {
                continue;
            }
            match (is_first, separator.is_empty()) {
                (true, _) => {}
                (false, true) => out.push(','),
                (false, false) => out.push_str(separator),
            }
            is_first = false;
            match &child.edited {
                Edited::Changed(text) => {
                    out.push_str(&self.text[child.start..child.value_start]);
                    out.push_str(text);
                }
                _ => out.push_str(&self.text[child.start..child.end]),
            }
        }
        out.push_str(&self.text[before..end]);
        Edited::Changed(out)
    }
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn without(leave_out: &[&str], body: &str) -> Body {
        let leave_out: Vec<String> = leave_out.iter().map(|name| (*name).to_owned()).collect();
        BodyWriter::new(&leave_out).write(body.as_bytes(), BodyContext { fhir_id: "1", bundle: None })
    }

    #[track_caller]
    fn assert_changed(leave_out: &[&str], body: &str, wanted: &str) {
        assert_eq!(without(leave_out, body), Body::Changed(wanted.to_owned()));
    }

    #[test]
    fn what_has_nothing_to_leave_out_is_the_same() {
        let patient = "{ \"resourceType\" : \"Patient\",\n\t\"id\":\"1\", \"multipleBirthInteger\": 1.10e0, \"x\": {} }";
        assert_eq!(without(&["Coverage"], patient), Body::Same);
        let claim = r#"{"resourceType":"Claim","id":"1","patient":{"reference":"Patient/1"}}"#;
        assert_eq!(without(&["Coverage"], claim), Body::Same);
    }

    #[test]
    fn what_requires_the_reference_goes_as_a_whole() {
        assert_changed(
            &["Coverage"],
            r##"{"resourceType":"ExplanationOfBenefit", "id":"1","contained":[{"resourceType":"Coverage","id":"c"},{"resourceType":"ServiceRequest","id":"s"}],"insurance":[{"focal":true,"coverage":{"reference":"#c"}}], "total":[{"amount":{"value":1.10}}]}"##,
            r##"{"resourceType":"ExplanationOfBenefit", "id":"1","contained":[{"resourceType":"ServiceRequest","id":"s"}], "total":[{"amount":{"value":1.10}}]}"##,
        );
        // One of two, the last member, in any spelling of the reference.
        for reference in
            ["Coverage/7", "https://ehr.example/r4/Coverage/7/_history/2", "Coverage?identifier=x|y"]
        {
            assert_changed(
                &["Coverage"],
                &format!(
                    r#"{{"resourceType":"Claim","id":"1","insurance":[{{"coverage":{{"reference":"{reference}"}}}},{{"coverage":{{"reference":"Organization/1"}}}}]}}"#
                ),
                r#"{"resourceType":"Claim","id":"1","insurance":[{"coverage":{"reference":"Organization/1"}}]}"#,
            );
        }
        // It says nothing of its type, and can be of no other.
        for coverage in
            [r#"{"display":"x"}"#, r#"{"identifier":{"value":"1"}}"#, r##"{"reference":"#nothing"}"##, "{}"]
        {
            assert_changed(
                &["Coverage"],
                &format!(
                    r#"{{"resourceType":"ExplanationOfBenefit","id":"1","insurance":[{{"focal":true,"coverage":{coverage}}}],"x":1}}"#
                ),
                r#"{"resourceType":"ExplanationOfBenefit","id":"1","x":1}"#,
            );
        }
        // By type and identifier; a choice of types; an element of its own kind.
        assert_changed(
            &["Coverage"],
            r#"{"resourceType":"Claim","id":"1","insurance":[{"coverage":{"type":"Coverage","identifier":{"value":"1"}}}]}"#,
            r#"{"resourceType":"Claim","id":"1"}"#,
        );
        assert_changed(
            &["Condition"],
            r#"{"resourceType":"Claim","id":"1","diagnosis":[{"sequence":1,"diagnosisReference":{"reference":"Condition/2"}},{"sequence":2,"diagnosisCodeableConcept":{"text":"x"}}]}"#,
            r#"{"resourceType":"Claim","id":"1","diagnosis":[{"sequence":2,"diagnosisCodeableConcept":{"text":"x"}}]}"#,
        );
        assert_changed(
            &["Organization"],
            r#"{"resourceType":"Consent","id":"1","provision":{"provision":[{"type":"deny","provision":[{"actor":[{"reference":{"reference":"Organization/1"}}]}]}]}}"#,
            r#"{"resourceType":"Consent","id":"1","provision":{"provision":[{"type":"deny"}]}}"#,
        );
    }

    #[test]
    fn other_references_go_alone() {
        assert_changed(
            &["Organization"],
            r#"{"resourceType":"Patient","id":"1","generalPractitioner":[{"reference":"Organization/1"},{"reference":"Practitioner/1"}],"managingOrganization":{"reference":"Organization/1"},"active":true}"#,
            r#"{"resourceType":"Patient","id":"1","generalPractitioner":[{"reference":"Practitioner/1"}],"active":true}"#,
        );
        assert_changed(
            &["Organization"],
            r#"{"resourceType":"Patient","id":"1","extension":[{"url":"u","valueReference":{"reference":"Organization/1"}}],"gender":"male"}"#,
            r#"{"resourceType":"Patient","id":"1","gender":"male"}"#,
        );
        assert_changed(
            &["Organization"],
            "{\"resourceType\":\"Patient\",\"id\":\"1\",\n  \"managingOrganization\": {\"reference\":\"Organization/1\"}\n}",
            "{\"resourceType\":\"Patient\",\"id\":\"1\"\n}",
        );
    }

    #[test]
    fn a_resource_that_requires_it_is_incomplete() {
        let claim = r#"{"resourceType":"Claim","id":"1","patient":{"reference":"Patient/1"}}"#;
        assert_eq!(without(&["Patient"], claim), Body::Incomplete);
        let provenance = r#"{"resourceType":"Provenance","id":"1","target":[{"reference":"Patient/1"}]}"#;
        assert_eq!(without(&["Patient"], provenance), Body::Incomplete);
        let provenance = r#"{"resourceType":"Provenance","id":"1","target":[{"reference":"Patient/1"},{"reference":"Claim/1"}]}"#;
        assert_eq!(
            without(&["Patient"], provenance),
            Body::Changed(
                r#"{"resourceType":"Provenance","id":"1","target":[{"reference":"Claim/1"}]}"#.to_owned()
            )
        );
    }

    #[test]
    fn a_resource_gets_the_id_that_it_has_here() {
        assert_changed(&[], r#"{"resourceType":"Patient"}"#, r#"{"id":"1","resourceType":"Patient"}"#);
        assert_changed(
            &[],
            r#"{"id": "2", "resourceType":"Patient"}"#,
            r#"{"id": "1", "resourceType":"Patient"}"#,
        );
    }

    #[test]
    fn anything_else_is_unreadable() {
        for text in ["", "[]", "{", "{}", r#"{"resourceType":1}"#] {
            assert_eq!(without(&[], text), Body::Unreadable, "{text}");
        }
    }
}
