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
mod walk;

pub use canonical::Canonical;
pub use parse::{Fault, JsonError, Parser};
pub use value::{Items, Kind, Members, Value};
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
    kind: Kind,
    /// A string with at least one escape, which reading must undo.
    is_escaped: bool,
    /// A number that Postgres' `numeric` cannot hold, and so `jsonb` neither; of
    /// the first node: whether there is one.
    is_excessive: bool,
    /// The name of a member; its value is the next node.
    is_name: bool,
}

const NOTHING: Tree<'static> = Tree {
    source: "null",
    nodes: &[Node {
        start: 0,
        end: 4,
        next: 1,
        kind: Kind::Null,
        is_escaped: false,
        is_excessive: false,
        is_name: false,
    }],
};

/// A parsed JSON text; `nodes[0]` is its value.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'t> {
    source: &'t str,
    nodes: &'t [Node],
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
        let is_it = |node: &Node| node.kind == Kind::Number && node.is_excessive;
        let index = self.nodes[0].is_excessive.then(|| self.nodes.iter().position(is_it)).flatten()?;
        Some(Value::new(self, index as u32))
    }

    /// A null that stands nowhere in the text.
    pub fn nothing(self) -> Value<'t> {
        Value::new(NOTHING, 0)
    }

    /// Goes over every member of every object in the text.
    pub fn walk(self) -> Walk<'t> {
        Walk::new(self)
    }
}
