//! A *tree* is a parsed JSON text: a flat list of nodes that borrow from it.
//! [`Value`](super::Value) reads it.

use super::name::NameId;

/// The types of JSON value; true and false count as two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// A number, kept as written.
    Number,
    /// A string.
    String,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// One node, in document order. A container is followed by its children, a
/// member's name by its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Offset of the first byte; for strings, of the one after the quote.
    pub start: u32,
    /// Offset after the last byte; for strings, of the closing quote.
    pub end: u32,
    /// Index of the node after this one and all its descendants.
    pub next: u32,
    pub json_type: JsonType,
    /// For a string: it may have an escape sequence, which reading must undo, or
    /// be empty, or begin or end with a blank. For a number: it is out of the range of Postgres' `numeric`, and so of `jsonb`.
    pub is_special: bool,
    /// `NONE` unless the node is a member's name.
    pub name: NameId,
}

// Four nodes fill a cache line.
const _: () = assert!(size_of::<Node>() == 16);

/// A parsed JSON text. It borrows the text and the parser that made it.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'t> {
    pub(crate) text: &'t str,
    /// Never empty; the first one is the value of the whole text.
    pub(crate) nodes: &'t [Node],
    pub(super) has_excessive_number: bool,
    pub(super) has_escaped_name: bool,
}
