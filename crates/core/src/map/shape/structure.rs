//! The *structure* of R4's types, compiled so that the definition of a member is
//! found with one look-up by the type's and the name's numbers.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::FxHashMap;

use super::super::plan::ListPath;
use crate::fhir::{ResourceType, TypeDefinition, reference_targets, type_definitions};
use crate::json::{Dictionary, DictionaryFull, JsonType, NameId};

/// The number of a type.
pub(super) type TypeId = u16;

/// What the value of an element, or each item of a list, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A string whose blanks at both ends mean something.
    Text,
    /// A string without blanks at both ends: a code, an id, a number to compare.
    Token,
    /// The same, but a number has no meaning in its place: a URL, a time.
    Address,
    /// A decimal number.
    Decimal,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// An object of the member's type.
    Object,
    /// A resource.
    Resource,
}

/// The definition of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct MemberDefinition {
    /// `NameId::NONE` if there is no such member.
    pub name: NameId,
    /// The type of an object.
    pub type_id: TypeId,
    pub kind: Kind,
    pub is_list: bool,
    /// The JSON types that a value, or an item of a list, may have: one bit each.
    pub json_types: u8,
    /// What else is to be noted; zero for most members.
    pub marks: u8,
}

impl MemberDefinition {
    /// The number of the choice that the member is a variant of.
    pub const CHOICE: u8 = 0b0000_0111;
    /// The codings of a concept.
    pub const CODINGS: u8 = 0b0000_1000;
    /// A list of extensions.
    pub const EXTENSIONS: u8 = 0b0001_0000;
    /// A list of extensions that change what the element means.
    pub const MODIFIERS: u8 = 0b0010_0000;
    /// A list of which columns hold the first item only.
    pub const FIRST_SHOWN: u8 = 0b0100_0000;

    /// Whether a value of that type, or an item, is as R4 defines it.
    #[inline(always)]
    pub fn allows(self, json_type: JsonType) -> bool {
        self.json_types & bit(json_type) != 0
    }

    /// The number of its choice, from 1; `None` if it is no variant.
    pub fn choice(self) -> Option<u8> {
        Some(self.marks & Self::CHOICE).filter(|choice| *choice > 0)
    }
}

const fn bit(json_type: JsonType) -> u8 {
    1 << json_type as u8
}

const NO_MEMBER: MemberDefinition = MemberDefinition {
    name: NameId::NONE,
    type_id: 0,
    kind: Kind::Text,
    is_list: false,
    json_types: 0,
    marks: 0,
};

/// All types with their members.
pub(in super::super) struct Structure {
    /// By type: where its members begin.
    bases: Vec<u32>,
    /// The member of a type is at the type's base plus the number of its name.
    /// No two types have the same base, so the name alone tells it.
    members: Vec<MemberDefinition>,
    /// By `ResourceType::index`.
    resources: Vec<TypeId>,
    /// The names of choices (`value`), by type and number.
    choices: FxHashMap<(TypeId, u8), &'static str>,
    /// The types that a reference may lead to, by the type and the number of the
    /// name of its member.
    targets: FxHashMap<(TypeId, usize), &'static str>,
    /// The types that are read in place of each other, and that of primitives'
    /// ids and extensions.
    pub(super) concept: TypeId,
    pub(super) coding: TypeId,
    pub(super) element: TypeId,
}

impl Structure {
    /// The structure of R4, whose names are added to the dictionary. `first_shown`
    /// are the lists of each resource type of which columns hold the first item.
    pub fn compile(
        dictionary: &mut Dictionary,
        first_shown: &BTreeMap<&str, BTreeSet<ListPath>>,
    ) -> Result<Self, DictionaryFull> {
        let definitions: Vec<TypeDefinition> = type_definitions().collect();
        let numbers: FxHashMap<&str, TypeId> =
            (0..).zip(&definitions).map(|(number, definition)| (definition.name, number)).collect();
        let mut types = Vec::new();
        let mut choices = FxHashMap::default();
        for (number, definition) in (0..).zip(&definitions) {
            let mut members = Vec::new();
            let mut of = Some(definition);
            while let Some(inherited) = of {
                add_members(inherited, definition.name, &numbers, dictionary, &mut members)?;
                let names = inherited.elements.iter().filter(|element| element.is_choice);
                choices.extend((1..).zip(names).map(|(choice, element)| ((number, choice), element.name)));
                of = inherited.base.and_then(|base| definitions.get(usize::from(*numbers.get(base)?)));
            }
            types.push(members);
        }
        let mut targets = FxHashMap::default();
        for of in reference_targets() {
            if let Some(number) = numbers.get(of.type_name) {
                targets.insert((*number, dictionary.intern(of.member)?.index()), of.types);
            }
        }
        for (name, path) in
            first_shown.iter().flat_map(|(name, paths)| paths.iter().map(move |path| (name, path)))
        {
            // A datatype is that of many elements, some of which may be shown in full.
            let is_own = |number: TypeId| definitions[usize::from(number)].name.starts_with(name);
            if let Some(start) = numbers.get(name) {
                mark_first_shown(&mut types, *start, path, dictionary, &is_own);
            }
        }
        let (bases, members) = displaced(&types);
        let number = |name: &str| numbers.get(name).copied().unwrap_or_default();
        Ok(Structure {
            bases,
            members,
            resources: ResourceType::all().map(|resource_type| number(resource_type.name())).collect(),
            choices,
            targets,
            concept: number("CodeableConcept"),
            coding: number("Coding"),
            element: number("Element"),
        })
    }

    /// The type of a resource.
    pub(super) fn of_resource(&self, resource_type: ResourceType) -> TypeId {
        self.resources[resource_type.index()]
    }

    /// The name of a type's choice: `value` for `value[x]`.
    pub(super) fn choice(&self, type_id: TypeId, choice: u8) -> &'static str {
        self.choices.get(&(type_id, choice)).copied().unwrap_or_default()
    }

    /// The types that the references of a type's member may lead to, with bars between
    /// them; `None` for any.
    pub(super) fn targets(&self, type_id: TypeId, name: NameId) -> Option<&'static str> {
        self.targets.get(&(type_id, name.index())).copied()
    }

    /// A list that has, at the number of each name, the type's member of that
    /// name; elsewhere members of other types, with other names.
    #[inline(always)]
    pub(super) fn members_of(&self, type_id: TypeId) -> &[MemberDefinition] {
        &self.members[self.bases[usize::from(type_id)] as usize..]
    }

    /// The member of that name of a type.
    pub(super) fn member(&self, type_id: TypeId, name: NameId) -> Option<&MemberDefinition> {
        self.members_of(type_id).get(name.index()).filter(|member| member.name == name)
    }
}

/// Marks the list that the path leads to.
fn mark_first_shown(
    types: &mut [Vec<MemberDefinition>],
    start: TypeId,
    path: &[String],
    dictionary: &Dictionary,
    is_own: &dyn Fn(TypeId) -> bool,
) {
    let mut type_id = start;
    for (place, name) in path.iter().enumerate() {
        let name = dictionary.lookup(name);
        let members = &mut types[usize::from(type_id)];
        let Some(member) = members.iter_mut().find(|member| member.name == name) else { return };
        if place + 1 < path.len() {
            if member.kind != Kind::Object {
                return;
            }
            type_id = member.type_id;
        } else if member.is_list && member.marks == 0 && is_own(type_id) {
            member.marks = MemberDefinition::FIRST_SHOWN;
        }
    }
}

fn add_members(
    definition: &TypeDefinition,
    owner: &str,
    numbers: &FxHashMap<&str, TypeId>,
    dictionary: &mut Dictionary,
    members: &mut Vec<MemberDefinition>,
) -> Result<(), DictionaryFull> {
    if definition.name == "Resource" {
        members.push(member(dictionary.intern("resourceType")?, "code", numbers));
    }
    let mut choices = 0;
    for element in &definition.elements {
        choices += u8::from(element.is_choice);
        for type_name in &element.types {
            let text = match element.is_choice {
                true => Cow::Owned(format!("{}{}", element.name, capitalized(type_name))),
                false => Cow::Borrowed(element.name),
            };
            let name = dictionary.intern(&text)?;
            let mut member = member(name, type_name, numbers);
            member.is_list = element.is_list;
            member.marks = match &*text {
                _ if element.is_choice => choices,
                "coding" if *type_name == "Coding" => MemberDefinition::CODINGS,
                "extension" => MemberDefinition::EXTENSIONS,
                "modifierExtension" => MemberDefinition::MODIFIERS,
                _ => 0,
            };
            // Strings that are compared, not read.
            match (owner, &*text) {
                ("Reference", "reference") => member.kind = Kind::Address,
                ("Identifier", "value") => member.kind = Kind::Token,
                _ => {}
            }
            members.push(member);
        }
    }
    Ok(())
}

fn member(name: NameId, type_name: &str, numbers: &FxHashMap<&str, TypeId>) -> MemberDefinition {
    let type_id = numbers.get(type_name).copied();
    let (kind, json_types) = match type_name {
        _ if type_id.is_some() && type_name != "Resource" => (Kind::Object, bit(JsonType::Object)),
        "boolean" => (Kind::Boolean, bit(JsonType::True) | bit(JsonType::False)),
        "decimal" => (Kind::Decimal, bit(JsonType::Number)),
        "integer" | "positiveInt" | "unsignedInt" => (Kind::Integer, bit(JsonType::Number)),
        "code" | "id" => (Kind::Token, bit(JsonType::String)),
        "base64Binary" | "markdown" | "string" | "xhtml" => (Kind::Text, bit(JsonType::String)),
        "Resource" => (Kind::Resource, bit(JsonType::Object)),
        _ => (Kind::Address, bit(JsonType::String)),
    };
    MemberDefinition {
        name,
        type_id: type_id.unwrap_or_default(),
        kind,
        is_list: false,
        json_types: json_types | bit(JsonType::Null),
        marks: 0,
    }
}

/// `DateTime` of `dateTime`.
pub(super) fn capitalized(name: &str) -> String {
    let mut characters = name.chars();
    let capital = characters.next().map(|first| first.to_ascii_uppercase());
    capital.into_iter().chain(characters).collect()
}

/// How far before the last type's base the search for the next one begins.
/// Searching from the start would save a little memory and take long.
const LOOK_BACK: usize = 32;

/// Lays the members of all types into one list, those of each type at their
/// names' distances from its base, into places that others left free.
fn displaced(types: &[Vec<MemberDefinition>]) -> (Vec<u32>, Vec<MemberDefinition>) {
    let mut order: Vec<usize> = (0..types.len()).collect();
    order.sort_by_key(|number| std::cmp::Reverse(types[*number].len()));
    let mut bases = vec![0; types.len()];
    let mut laid: Vec<MemberDefinition> = Vec::new();
    let mut last = 0_usize;
    for number in order {
        let members = &types[number];
        let is_free = |base: usize, member: &MemberDefinition| {
            laid.get(base + member.name.index()).is_none_or(|taken| taken.name == NameId::NONE)
        };
        // All types have an id, so no two get the same base.
        let fits = |base: &usize| members.iter().all(|member| is_free(*base, member));
        last = (last.saturating_sub(LOOK_BACK)..).find(fits).unwrap_or_default();
        bases[number] = last as u32;
        for member in members {
            let at = last + member.name.index();
            laid.resize(laid.len().max(at + 1), NO_MEMBER);
            laid[at] = *member;
        }
    }
    (bases, laid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn every_member_of_every_type_is_found_and_no_other() {
        let mut dictionary = Dictionary::new();
        let structure = Structure::compile(&mut dictionary, &BTreeMap::new()).expect("room");
        let of = |name: &str| structure.of_resource(ResourceType::named(name).expect(name));
        let member =
            |type_id: TypeId, name: &str| structure.member(type_id, dictionary.lookup(name)).copied();
        let patient = of("Patient");
        let contact = member(patient, "contact").expect("an element");
        assert!(contact.is_list && contact.kind == Kind::Object);
        let name = member(contact.type_id, "name").expect("an element");
        assert!(!name.is_list);
        assert!(member(name.type_id, "given").is_some_and(|given| given.is_list && given.kind == Kind::Text));
        assert!(member(patient, "resourceType").is_some_and(|name| name.kind == Kind::Token));
        assert_eq!(member(patient, "deceasedBoolean").and_then(MemberDefinition::choice), Some(1));
        assert_eq!(member(patient, "deceasedDateTime").and_then(MemberDefinition::choice), Some(1));
        assert_eq!(member(patient, "multipleBirthInteger").and_then(MemberDefinition::choice), Some(2));
        for other in ["valueString", "item", "nobody", ""] {
            assert!(member(patient, other).is_none(), "{other}");
        }
        let names: usize = structure.members.iter().filter(|member| member.name != NameId::NONE).count();
        assert!(structure.members.len() < 3 * names, "{} for {names}", structure.members.len());
        let distinct: std::collections::BTreeSet<u32> = structure.bases.iter().copied().collect();
        assert_eq!(distinct.len(), structure.bases.len());
    }
}
