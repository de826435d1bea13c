//! A JSON text is parsed into a [`Tree`], a flat list of nodes that borrow
//! from its bytes: nothing is copied, no value is converted, and the list is
//! reused for the next text.
//!
//! The parser accepts exactly RFC 8259, limits depth and size, and refuses
//! U+0000, which Postgres' `text` cannot hold, and lone surrogates, which are
//! not Unicode. It never panics, whatever the bytes.

mod bracket_matcher;
mod bracket_scanner;
mod canonical;
mod decimal;
mod dictionary;
mod error;
mod escape;
mod lexer;
mod name;
mod parse;
mod path;
mod selection;
pub(crate) mod simd;
mod tree;
mod value;
mod walk;

pub(crate) use bracket_matcher::{BracketMatcher, MatchResult};
pub(crate) use bracket_scanner::{BracketScanner, ScanResult};
pub use canonical::Canonical;
pub(crate) use decimal::Decimal;
pub use decimal::DecimalError;
pub use dictionary::{Dictionary, DictionaryFull};
pub use error::{JsonError, JsonErrorKind};
pub use name::NameId;
pub use parse::Parser;
pub use selection::Selection;
pub(crate) use tree::Node;
pub use tree::{JsonType, Tree};
pub use value::{Items, Member, MemberName, Members, Value, nothing};
pub use walk::{Enclosing, Walk, path_of};

/// Whether the brackets of a text that begins with one close at its last byte: it is one
/// object or array, if it is JSON. Much faster than parsing.
pub fn is_one_container(text: &[u8]) -> bool {
    matches!(text.first(), Some(b'{' | b'['))
        && BracketScanner::new(0, error::MAX_DEPTH as u32).advance(text) == ScanResult::Closed(text.len())
}
