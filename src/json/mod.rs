//! A *tree* is one JSON text parsed into a flat list of nodes that borrow
//! from its bytes: nothing is copied, no value is converted, and the list is
//! reused from one text to the next.
//!
//! The parser accepts exactly RFC 8259, bounds the depth, and refuses what
//! Postgres' `text` cannot hold (U+0000) or what is no Unicode (lone
//! surrogates). It promises never to panic on any bytes.

mod canonical;
mod parse;
mod value;

pub use canonical::Canonical;
pub use parse::{Fault, JsonError, Parser};
pub use value::{Items, Kind, Members, Value};

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
    kind: Kind,
    /// A string with at least one escape, which reading must undo.
    is_escaped: bool,
    /// The name of a member; its value is the next node.
    is_name: bool,
}

const NOTHING: Tree<'static> = Tree {
    source: "null",
    nodes: &[Node { start: 0, end: 4, next: 1, kind: Kind::Null, is_escaped: false, is_name: false }],
    excessive_number: None,
};

/// A parsed JSON text; `nodes[0]` is its value.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'t> {
    source: &'t str,
    nodes: &'t [Node],
    excessive_number: Option<u32>,
}

impl<'t> Tree<'t> {
    /// The value of the whole text.
    pub fn root(self) -> Value<'t> {
        Value::new(self, 0)
    }

    /// The value with that `Value::index`.
    pub fn value_at(self, index: u32) -> Value<'t> {
        Value::new(self, index.min(self.nodes.len() as u32 - 1))
    }

    /// The first number that Postgres' `numeric` cannot hold, and so `jsonb`
    /// neither.
    pub fn excessive_number(self) -> Option<Value<'t>> {
        self.excessive_number.map(|index| Value::new(self, index))
    }

    /// A null that stands nowhere in the text.
    pub fn nothing(self) -> Value<'t> {
        Value::new(NOTHING, 0)
    }

    /// Every member of every object in the text, in document order.
    pub fn all_members(self) -> impl Iterator<Item = (&'t str, Value<'t>)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.is_name).map(move |(index, node)| {
            let name = &self.source[node.start as usize..node.end as usize];
            (name, Value::new(self, index as u32 + 1))
        })
    }
}
