//! What can be wrong with a text that should be JSON.

use thiserror::Error;

/// How deep containers may nest. The deepest real FHIR resources
/// (questionnaires, value sets) stay below fifty.
pub(super) const MAX_DEPTH: usize = 512;
/// How many values and member names a text may have. It bounds the memory
/// that a text of nothing but brackets takes, and Postgres' `jsonb` accepts no
/// object or array with many more.
pub(super) const MAX_NODES: usize = 4_000_000;

/// Why a text is not JSON, or not JSON that can be loaded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum JsonErrorKind {
    /// The text ends in the middle of a value.
    #[error("the text ends in the middle of a value")]
    Truncated,
    /// Something else stands where a value must.
    #[error("expected a value")]
    ExpectedValue,
    /// Something else stands where a member's name must.
    #[error("expected a quoted member name")]
    ExpectedName,
    /// A member's name is not followed by a colon.
    #[error("expected a colon after a member's name")]
    ExpectedColon,
    /// An item or a member is followed by something else.
    #[error("expected a comma or a closing bracket")]
    ExpectedCommaOrEnd,
    /// The value is followed by something other than white space.
    #[error("unexpected content after the value")]
    TrailingContent,
    /// A number is not in JSON's notation, such as `01` or `1.`.
    #[error("a number is not in JSON's notation")]
    InvalidNumber,
    /// A string contains a control character as is.
    #[error("a string contains an unescaped control character")]
    ControlCharacter,
    /// A string contains an escape sequence that JSON does not define.
    #[error("a string contains an invalid escape sequence")]
    InvalidEscape,
    /// A string contains half of a UTF-16 surrogate pair.
    #[error("a string contains a lone surrogate")]
    LoneSurrogate,
    /// A string contains U+0000.
    #[error("a string contains the character U+0000, which Postgres cannot store")]
    NulCharacter,
    /// The text is not UTF-8.
    #[error("the bytes are not UTF-8")]
    NotUtf8,
    /// Containers are nested too deep.
    #[error("brackets are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    /// The text is longer than offsets of 32 bits reach.
    #[error("the text is longer than 4 GiB")]
    TooLong,
    /// There are too many values and member names.
    #[error("there are more than {MAX_NODES} values and member names")]
    TooMany,
    /// Two members of one object have the same name.
    #[error("an object has two members of the same name")]
    DuplicateMember,
}

/// What is wrong with a text, and where. It never holds any of the text.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{kind}, at byte {offset}")]
pub struct JsonError {
    /// What is wrong.
    pub kind: JsonErrorKind,
    /// The byte where it was noticed, from the start of the text.
    pub offset: usize,
}
