//! Whether a resource has exactly the shape that R4 defines. One pass over the
//! nodes, which also finds out what two later passes need to know.

use super::structure::{Kind, MemberDefinition, Structure, TypeId};
use crate::fhir::{ResourceType, trimmed};
use crate::json::{Dictionary, JsonType, NameId, Node, Tree, Value};

/// What a check found out. Of a resource that is not as defined, the last two
/// are assumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Shape {
    /// All members are defined, have a defined JSON type and are not empty.
    pub is_defined: bool,
    /// Some element has extensions.
    pub has_extensions: bool,
    /// Some concept has two or more codings.
    pub has_several_codings: bool,
}

/// Compares a resource of that type with the structure. `further` takes the nodes of
/// lists that have more items than columns hold.
pub(in super::super) fn check(
    tree: &Tree<'_>,
    resource_type: ResourceType,
    structure: &Structure,
    dictionary: &Dictionary,
    further: &mut Vec<u32>,
) -> Shape {
    let mut check = Check {
        tree,
        nodes: tree.nodes,
        text: tree.text.as_bytes(),
        structure,
        dictionary,
        has_extensions: false,
        has_several_codings: false,
        further,
    };
    if tree.has_escaped_name() || !check.object(0, structure.of_resource(resource_type)) {
        return Shape { is_defined: false, has_extensions: true, has_several_codings: true };
    }
    Shape {
        is_defined: true,
        has_extensions: check.has_extensions,
        has_several_codings: check.has_several_codings,
    }
}

struct Check<'c, 't> {
    tree: &'c Tree<'t>,
    nodes: &'t [Node],
    text: &'t [u8],
    structure: &'c Structure,
    dictionary: &'c Dictionary,
    has_extensions: bool,
    has_several_codings: bool,
    further: &'c mut Vec<u32>,
}

impl Check<'_, '_> {
    /// Whether all members of the object at that node are as defined.
    fn object(&mut self, at: usize, type_id: TypeId) -> bool {
        let nodes = self.nodes;
        let members = self.structure.members_of(type_id);
        let end = nodes[at].next as usize;
        let mut next = at + 1;
        let mut choices = 0_u8;
        while let Some([name, value]) = nodes[..end].get(next..next + 2) {
            let at = next + 1;
            next = value.next as usize;
            let Some(member) = members.get(name.name.index()).filter(|member| member.name == name.name)
            else {
                if self.of_primitive(at, type_id) {
                    continue;
                }
                return false;
            };
            if member.marks != 0 && !self.marked(member, at, &mut choices) {
                return false;
            }
            let is_as_defined = if !member.is_list {
                self.value(value, at, member)
            } else if value.json_type == JsonType::Array {
                self.items(value, at, member)
            } else {
                value.json_type == JsonType::Null
            };
            if !is_as_defined {
                return false;
            }
        }
        true
    }

    fn items(&mut self, list: &Node, at: usize, member: &MemberDefinition) -> bool {
        let nodes = &self.nodes[..list.next as usize];
        let mut at = at + 1;
        while let Some(item) = nodes.get(at) {
            if !self.value(item, at, member) {
                return false;
            }
            at = item.next as usize;
        }
        true
    }

    #[inline(always)]
    fn value(&mut self, node: &Node, at: usize, member: &MemberDefinition) -> bool {
        if !member.allows(node.json_type) {
            return false;
        }
        match node.json_type {
            JsonType::Object if member.kind == Kind::Resource => self.resource(at),
            JsonType::Object => self.object(at, member.type_id),
            JsonType::String if node.is_special => self.is_kept(node, member.kind),
            JsonType::String if member.kind != Kind::Text => self.is_bare(node),
            _ => true,
        }
    }

    /// Whether a string is neither empty nor, if it is a token, begins or ends
    /// with a blank or with an escape sequence that may stand for one: the repair
    /// looks at it.
    #[inline(never)]
    fn is_kept(&self, node: &Node, kind: Kind) -> bool {
        let written = &self.text[node.start as usize..node.end as usize];
        let is_escape = |from_end: usize| {
            written.len().checked_sub(from_end).is_some_and(|at| written[at..].starts_with(b"\\"))
        };
        let (Some(first), Some(last)) = (written.first(), written.last()) else { return false };
        if kind == Kind::Text {
            return true;
        }
        let is_escaped = *first == b'\\' || is_escape("\\n".len()) || is_escape("\\u0020".len());
        *first > b' ' && *last > b' ' && !is_escaped && self.is_bare(node)
    }

    /// Whether a string that is not empty neither begins nor ends with a blank that
    /// is no ASCII character.
    #[inline(always)]
    fn is_bare(&self, node: &Node) -> bool {
        let written = &self.text[node.start as usize..node.end as usize];
        let is_ascii = written.first().is_none_or(u8::is_ascii) && written.last().is_none_or(u8::is_ascii);
        is_ascii || self.is_trimmed(node)
    }

    /// Whether a string neither begins nor ends with a blank.
    #[cold]
    fn is_trimmed(&self, node: &Node) -> bool {
        let written = &self.tree.text[node.start as usize..node.end as usize];
        trimmed(written).len() == written.len()
    }

    /// A contained resource.
    fn resource(&mut self, at: usize) -> bool {
        let resource = self.tree.value_at(at as u32);
        let name = resource.get(NameId::RESOURCE_TYPE).and_then(Value::as_text);
        let resource_type = name.and_then(|name| ResourceType::named(&name));
        resource_type.is_some_and(|resource_type| self.object(at, self.structure.of_resource(resource_type)))
    }

    /// Notes what a marked member means. `choices` are those of which a variant
    /// was seen.
    fn marked(&mut self, member: &MemberDefinition, at: usize, choices: &mut u8) -> bool {
        let value = self.nodes[at];
        if value.json_type == JsonType::Null {
            return true;
        }
        if let Some(choice) = member.choice() {
            let is_first = *choices & 1 << choice == 0;
            *choices |= 1 << choice;
            return is_first;
        }
        match member.marks {
            MemberDefinition::CODINGS => self.has_several_codings |= self.has_several(at),
            MemberDefinition::FIRST_SHOWN if self.has_several(at) => self.further.push(at as u32),
            MemberDefinition::FIRST_SHOWN => {}
            MemberDefinition::MODIFIERS => return false,
            _ => self.has_extensions = true,
        }
        true
    }

    /// Whether the value at that node has two items or more.
    fn has_several(&self, at: usize) -> bool {
        let end = self.nodes[at].next;
        self.nodes[at + 1..end as usize].first().is_some_and(|first| first.next < end)
    }

    /// Whether the member with that value holds the id and the extensions of a
    /// primitive element, or of each item of a list of these: `_birthDate`.
    fn of_primitive(&mut self, at: usize, type_id: TypeId) -> bool {
        let Some(name) = self.name(at).strip_prefix('_') else { return false };
        let Some(member) = self.structure.member(type_id, self.dictionary.lookup(name)) else { return false };
        if matches!(member.kind, Kind::Object | Kind::Resource) {
            return false;
        }
        let value = self.nodes[at];
        let element = self.structure.element;
        match value.json_type {
            JsonType::Object if !member.is_list => self.object(at, element),
            JsonType::Array if member.is_list => {
                let mut item = at + 1;
                while item < value.next as usize {
                    let is_as_defined = match self.nodes[item].json_type {
                        JsonType::Object => self.object(item, element),
                        other => other == JsonType::Null,
                    };
                    if !is_as_defined {
                        return false;
                    }
                    item = self.nodes[item].next as usize;
                }
                true
            }
            other => other == JsonType::Null,
        }
    }

    /// The name of the member with that value.
    fn name(&self, at: usize) -> &str {
        let name = self.nodes[at - 1];
        &self.tree.text[name.start as usize..name.end as usize]
    }
}
