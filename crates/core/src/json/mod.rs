//! A *tree* is one JSON text parsed into a flat list of nodes that borrow
//! from its bytes: nothing is copied, no value is converted, and the list is
//! reused from one text to the next.
//!
//! The parser accepts exactly RFC 8259, bounds the depth, and refuses what
//! Postgres' `text` cannot hold (U+0000) or what is no Unicode (lone
//! surrogates). It promises never to panic on any bytes.

mod canonical;
mod name;
mod parse;
pub(crate) mod simd;
mod value;
mod walk;

pub use canonical::Canonical;
pub use name::{Dictionary, NameId};
pub use parse::{JsonError, JsonErrorKind, Parser};
pub use value::{Items, JsonType, Member, MemberName, Members, Value};
pub use walk::{Enclosing, Walk, path_of};

/// One node: 16 bytes, in document order; a container is followed by its
/// children, a member by its value.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// Offset of the first byte; for strings, after the quote.
    start: u32,
    /// Offset after the last byte; for strings, of the closing quote.
    end: u32,
    /// Index of the node after this one and all its descendants.
    next: u32,
    json_type: JsonType,
    /// A string with at least one escape, which reading must undo; or a number
    /// that Postgres' `numeric` cannot hold, and so `jsonb` neither.
    is_special: bool,
    /// Of the name of a member, whose value is the next node.
    name: NameId,
}

static NOTHING: Tree<'static> = Tree {
    source: "null",
    has_excessive_number: false,
    nodes: &[Node {
        start: 0,
        end: 4,
        next: 1,
        json_type: JsonType::Null,
        is_special: false,
        name: NameId::NONE,
    }],
};

/// A parsed JSON text; `nodes[0]` is its value.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'t> {
    source: &'t str,
    nodes: &'t [Node],
    has_excessive_number: bool,
}

impl Tree<'_> {
    /// The value of the whole text.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The value with that `Value::index`.
    pub fn value_at(&self, index: u32) -> Value<'_> {
        Value::new(self, index.min(self.nodes.len() as u32 - 1))
    }

    /// The first number that Postgres' `numeric` cannot hold, and so `jsonb`
    /// neither.
    pub fn excessive_number(&self) -> Option<Value<'_>> {
        let is_it = |node: &Node| node.json_type == JsonType::Number && node.is_special;
        let index = self.has_excessive_number.then(|| self.nodes.iter().position(is_it)).flatten()?;
        Some(Value::new(self, index as u32))
    }

    /// Goes over every member of every object in the text, and knows what it
    /// lies in.
    pub fn walk(&self) -> Walk<'_> {
        Walk::new(self)
    }

    /// Every member of every object in the text, in document order.
    pub fn all_members(&self) -> impl Iterator<Item = Member<'_>> {
        let names = self.nodes.iter().enumerate().filter(|(_, node)| node.name != NameId::NONE);
        names.map(|(index, _)| Member::new(self, index as u32))
    }
}

/// A null that stands in no text.
pub fn nothing() -> Value<'static> {
    Value::new(&NOTHING, 0)
}
