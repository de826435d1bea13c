//! Writes a resource that has another shape than R4 defines as R4 would, where
//! that has only one meaning, so that everything after it sees one shape only.
//! Notes every deviation, and every member that R4 does not define.

use std::borrow::Cow;

use super::super::unmapped::UnmappedElements;
use super::deviation::{Deviation, Deviations};
use super::notation::{is_number, push_text};
use super::structure::{Kind, MemberDefinition, Structure, TypeId};
use crate::datatype::chosen_coding;
use crate::fhir::{ResourceType, trimmed};
use crate::json::{Dictionary, JsonType, Member, NameId, Tree, Value};

/// What a repair reads, and where it notes what it finds.
pub(in super::super) struct Repair<'r, 't> {
    structure: &'r Structure,
    dictionary: &'r Dictionary,
    resource_type: ResourceType,
    /// The names of the members around the value.
    path: Vec<Cow<'t, str>>,
    deviations: &'r mut Deviations,
    unmapped: &'r mut UnmappedElements,
    /// Members of the resource itself that R4 does not define are noted too.
    notes_root: bool,
    out: &'r mut Vec<u8>,
    is_changed: bool,
}

/// Writes the resource as R4 would into `out`, and gives whether that differs
/// from what is in `tree` by more than white space. `notes_root`: whether unknown
/// members of the resource itself are noted, which for types with declarations
/// mapping does.
pub(in super::super) fn repair<'t>(
    tree: &'t Tree<'t>,
    resource_type: ResourceType,
    (structure, dictionary): (&Structure, &Dictionary),
    (deviations, unmapped): (&mut Deviations, &mut UnmappedElements),
    notes_root: bool,
    out: &mut Vec<u8>,
) -> bool {
    out.clear();
    let mut repair = Repair {
        structure,
        dictionary,
        resource_type,
        path: Vec::new(),
        deviations,
        unmapped,
        notes_root,
        out,
        is_changed: false,
    };
    repair.object(tree.root(), structure.of_resource(resource_type));
    repair.is_changed
}

impl<'t> Repair<'_, 't> {
    /// Writes an object of that type.
    fn object(&mut self, object: Value<'t>, type_id: TypeId) {
        self.out.push(b'{');
        self.members(object, type_id, &|_| true);
        self.close(b'}');
    }

    /// Writes the members of an object for which `is_wanted` holds, each followed
    /// by a comma.
    fn members(&mut self, object: Value<'t>, type_id: TypeId, is_wanted: &dyn Fn(NameId) -> bool) {
        let mut choices = 0_u8;
        for member in object.members().filter(|member| is_wanted(member.name())) {
            let start = self.out.len();
            self.name(member);
            self.path.push(member.unescaped());
            let is_written = match self.structure.member(type_id, member.name()).copied() {
                Some(definition) => {
                    self.marked(definition, member, type_id, &mut choices);
                    self.element(member.value(), definition)
                }
                None => self.other(member, type_id),
            };
            self.path.pop();
            if is_written {
                self.out.push(b',');
            } else {
                self.out.truncate(start);
                self.is_changed = true;
            }
        }
    }

    /// Writes the member's name, with escape sequences undone, and the colon.
    fn name(&mut self, member: Member<'t>) {
        if member.is_escaped() {
            push_text(self.out, &member.unescaped());
            self.is_changed = true;
        } else {
            self.out.extend_from_slice(member.raw_name().as_bytes());
        }
        self.out.push(b':');
    }

    /// Replaces a trailing comma by a closing bracket.
    fn close(&mut self, bracket: u8) {
        if self.out.last() == Some(&b',') {
            self.out.pop();
        }
        self.out.push(bracket);
    }

    fn note(&mut self, deviation: Deviation) {
        let path = self.path.join(".");
        self.deviations.note(self.resource_type, &path, deviation);
    }

    fn coerced(&mut self) {
        self.is_changed = true;
        self.note(Deviation::Coerced);
    }

    /// Notes modifier extensions and further variants of a choice.
    fn marked(
        &mut self,
        definition: MemberDefinition,
        member: Member<'t>,
        type_id: TypeId,
        choices: &mut u8,
    ) {
        let value = member.value();
        if value.is_null() || value.as_text().is_some_and(|text| text.is_empty()) {
            return;
        }
        if let Some(choice) = definition.choice() {
            if *choices & 1 << choice != 0 {
                let around = &self.path[..self.path.len() - 1];
                let name = format!("{}[x]", self.structure.choice(type_id, choice));
                let path = [around, &[name.into()]].concat().join(".");
                self.deviations.note(self.resource_type, &path, Deviation::Variants);
            }
            *choices |= 1 << choice;
        }
        if definition.marks == MemberDefinition::MODIFIERS {
            self.note(Deviation::Modifier);
        }
        if definition.marks == MemberDefinition::FIRST_SHOWN && value.items().nth(1).is_some() {
            self.note(Deviation::Further);
        }
    }

    /// Writes a member that the type does not define; true.
    fn other(&mut self, member: Member<'t>, type_id: TypeId) -> bool {
        let value = member.value();
        let primitive = member.unescaped().strip_prefix('_').and_then(|name| {
            let definition = self.structure.member(type_id, self.dictionary.lookup(name))?;
            (!matches!(definition.kind, Kind::Object | Kind::Resource)).then_some(*definition)
        });
        if let Some(primitive) = primitive {
            let json_types = 1 << JsonType::Object as u8 | 1 << JsonType::Null as u8;
            let element = self.structure.element;
            let definition =
                MemberDefinition { kind: Kind::Object, type_id: element, json_types, marks: 0, ..primitive };
            return self.element(value, definition);
        }
        if self.path.len() > 1 || self.notes_root {
            let path = self.path.join(".");
            self.unmapped.note(self.resource_type, &path);
        }
        self.raw(value);
        true
    }

    fn raw(&mut self, value: Value<'t>) {
        self.out.extend_from_slice(value.raw().as_bytes());
    }

    /// Writes the value of an element; false if it is missing.
    fn element(&mut self, value: Value<'t>, definition: MemberDefinition) -> bool {
        match (value.json_type(), definition.is_list) {
            (JsonType::Null, _) => {
                self.raw(value);
                true
            }
            (JsonType::Array, true) => {
                self.out.push(b'[');
                self.items(value, definition);
                self.close(b']');
                true
            }
            // A defect of it is then reported where it stands.
            (_, true) if !is_readable(value.json_type(), definition) => self.value(value, definition),
            (_, true) => {
                self.out.push(b'[');
                let is_written = self.value(value, definition);
                self.out.push(b']');
                if is_written {
                    self.coerced();
                }
                is_written
            }
            (JsonType::Array, false) => self.first(value, definition),
            (_, false) => self.value(value, definition),
        }
    }

    /// Writes the items of a list, and those of lists within it, each followed by
    /// a comma. Items that are missing become null, so that the others keep their
    /// places.
    fn items(&mut self, list: Value<'t>, definition: MemberDefinition) {
        for item in list.items() {
            if item.json_type() == JsonType::Array {
                self.coerced();
                self.items(item, definition);
                continue;
            }
            let start = self.out.len();
            if !self.value(item, definition) {
                self.out.truncate(start);
                self.out.extend_from_slice(b"null");
                self.is_changed = true;
            }
            self.out.push(b',');
        }
    }

    /// Writes the first item of a list that stands where one value is allowed.
    fn first(&mut self, list: Value<'t>, definition: MemberDefinition) -> bool {
        let mut items = Vec::new();
        flatten(list, &mut items);
        let mut is_written = false;
        let mut rest = items.into_iter();
        for item in rest.by_ref() {
            let start = self.out.len();
            is_written = self.value(item, definition);
            if is_written {
                break;
            }
            self.out.truncate(start);
        }
        self.is_changed = true;
        match (is_written, rest.next()) {
            (true, Some(_)) => self.note(Deviation::Several),
            (true, None) => self.note(Deviation::Coerced),
            (false, _) => {}
        }
        is_written
    }

    /// Writes one value or item; false if it is missing.
    fn value(&mut self, value: Value<'t>, definition: MemberDefinition) -> bool {
        match (value.json_type(), definition.kind) {
            (JsonType::Null, _) => self.raw(value),
            (JsonType::String, Kind::Text | Kind::Token | Kind::Address) => {
                return self.text(value, definition.kind);
            }
            (JsonType::Number, Kind::Text | Kind::Token) | (JsonType::True | JsonType::False, Kind::Text) => {
                self.out.push(b'"');
                self.raw(value);
                self.out.push(b'"');
                self.coerced();
            }
            (JsonType::String, Kind::Decimal | Kind::Integer | Kind::Boolean) => {
                return self.written_as_text(value, definition.kind);
            }
            (JsonType::Object, Kind::Object) => self.typed(value, definition.type_id),
            (JsonType::Object, Kind::Resource) => self.resource(value),
            (json_type, _) => {
                if !definition.allows(json_type) {
                    self.note(Deviation::Unreadable);
                }
                self.raw(value);
            }
        }
        true
    }

    /// Writes a string, a token without blanks around it.
    fn text(&mut self, value: Value<'t>, kind: Kind) -> bool {
        let text = value.as_text().unwrap_or_default();
        let kept = if kind == Kind::Text { &*text } else { trimmed(&text) };
        if kept.is_empty() {
            return false;
        }
        if kept.len() == text.len() {
            self.raw(value);
        } else {
            push_text(self.out, kept);
            self.coerced();
        }
        true
    }

    /// Writes a number, true or false that stands in quotes.
    fn written_as_text(&mut self, value: Value<'t>, kind: Kind) -> bool {
        let text = value.as_text().unwrap_or_default();
        let written = trimmed(&text);
        let meant = match kind {
            Kind::Boolean => ["true", "false"].into_iter().find(|word| written.eq_ignore_ascii_case(word)),
            _ => Some(written).filter(|written| is_number(written)),
        };
        match meant {
            Some(meant) => {
                self.out.extend_from_slice(meant.as_bytes());
                self.coerced();
            }
            None if text.is_empty() => return false,
            None => {
                self.note(Deviation::Unreadable);
                self.raw(value);
            }
        }
        true
    }

    /// Writes an object of a datatype. A Coding and a CodeableConcept are read in
    /// place of each other.
    fn typed(&mut self, object: Value<'t>, type_id: TypeId) {
        let codings = object.get(NameId::CODING);
        let is_coding = [NameId::SYSTEM, NameId::CODE, NameId::DISPLAY]
            .into_iter()
            .any(|name| object.get(name).is_some());
        if type_id == self.structure.concept && codings.is_none() && is_coding {
            self.concept_of_coding(object);
        } else if type_id == self.structure.coding && codings.is_some() {
            self.coding_of_concept(object);
        } else {
            self.object(object, type_id);
        }
    }

    fn concept_of_coding(&mut self, coding: Value<'t>) {
        let (concept_type, coding_type) = (self.structure.concept, self.structure.coding);
        let of_concept = |structure: &Structure, name| structure.member(concept_type, name).is_some();
        let structure = self.structure;
        self.out.extend_from_slice(b"{\"coding\":[{");
        self.members(coding, coding_type, &|name| !of_concept(structure, name));
        self.close(b'}');
        self.out.extend_from_slice(b"],");
        self.members(coding, concept_type, &|name| of_concept(structure, name));
        self.close(b'}');
        self.coerced();
    }

    fn coding_of_concept(&mut self, concept: Value<'t>) {
        let codings = concept.get(NameId::CODING);
        let chosen = match codings {
            Some(codings) if codings.json_type() == JsonType::Object => Some(codings),
            _ => chosen_coding(concept),
        };
        let type_id = self.structure.coding;
        self.out.push(b'{');
        if let Some(chosen) = chosen.filter(|chosen| chosen.json_type() == JsonType::Object) {
            self.members(chosen, type_id, &|_| true);
            let text = concept.get(NameId::TEXT).filter(|_| chosen.get(NameId::DISPLAY).is_none());
            if let Some(text) = text {
                self.out.extend_from_slice(b"\"display\":");
                self.raw(text);
            }
        }
        self.close(b'}');
        self.coerced();
        if codings.is_some_and(|codings| codings.items().nth(1).is_some()) {
            self.note(Deviation::Several);
        }
    }

    /// Writes a contained resource, whose deviations are noted as its type's.
    fn resource(&mut self, resource: Value<'t>) {
        let name = resource.get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
        let Some(resource_type) = name.and_then(|name| ResourceType::named(trimmed(&name))) else {
            self.raw(resource);
            return;
        };
        let outer = std::mem::replace(&mut self.resource_type, resource_type);
        let notes_root = std::mem::replace(&mut self.notes_root, true);
        let path = std::mem::take(&mut self.path);
        self.object(resource, self.structure.of_resource(resource_type));
        self.path = path;
        self.notes_root = notes_root;
        self.resource_type = outer;
    }
}

/// Whether a value of that type may have a meaning in the place of one item.
fn is_readable(json_type: JsonType, definition: MemberDefinition) -> bool {
    let is_leaf = !matches!(json_type, JsonType::Object | JsonType::Array);
    let is_leaf_expected = !matches!(definition.kind, Kind::Object | Kind::Resource);
    definition.allows(json_type) || (is_leaf && is_leaf_expected)
}

/// The items of a list and of lists within it.
fn flatten<'t>(list: Value<'t>, items: &mut Vec<Value<'t>>) {
    for item in list.items() {
        match item.json_type() {
            JsonType::Array => flatten(item, items),
            JsonType::Null => {}
            _ => items.push(item),
        }
    }
}
