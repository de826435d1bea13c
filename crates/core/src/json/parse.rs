//! The parser: bytes to nodes, without recursion.

use thiserror::Error;

use super::value::JsonType;
use std::sync::Arc;

use super::{Dictionary, NameId, Node, Tree};
use crate::json::simd::Lanes;
use crate::rows;

/// Containers may nest this deep. FHIR's deepest real resources
/// (questionnaires, value sets) stay below fifty.
const MAX_DEPTH: usize = 512;
/// So many values and names may stand in one text: they bound the memory that
/// a text of nothing but brackets takes, and Postgres' `jsonb` takes no object
/// or array of many more.
const MAX_NODES: usize = 4_000_000;
/// A number this short is a `numeric`, unless it has an exponent.
const SHORT_NUMBER_BYTES: usize = 16_000;

/// Why a text is not the JSON that can be loaded.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum JsonErrorKind {
    #[error("the text ends in the middle of a value")]
    Truncated,
    #[error("a value was expected")]
    ExpectedValue,
    #[error("a member's name in quotes was expected")]
    ExpectedName,
    #[error("a colon was expected after a member's name")]
    ExpectedColon,
    #[error("a comma or a closing bracket was expected")]
    ExpectedCommaOrEnd,
    #[error("something follows after the end of the value")]
    TrailingContent,
    #[error("a number is not written as JSON writes numbers")]
    InvalidNumber,
    #[error("a string holds a control character that must be escaped")]
    ControlCharacter,
    #[error("a string holds an escape that JSON does not know")]
    InvalidEscape,
    #[error("a string holds half a surrogate pair, which is no character")]
    LoneSurrogate,
    #[error("a string holds the character U+0000, which Postgres cannot store")]
    NulCharacter,
    #[error("the bytes are not UTF-8")]
    NotUtf8,
    #[error("brackets are nested more than {MAX_DEPTH} deep")]
    TooDeep,
    #[error("the text is longer than 4 GiB")]
    TooLong,
    #[error("there are more than {MAX_NODES} values and names of members")]
    TooMany,
    #[error("an object has two members of the same name")]
    DuplicateMember,
}

/// A kind and the byte of the text where it was noticed.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{kind}, at byte {offset}")]
pub struct JsonError {
    pub kind: JsonErrorKind,
    pub offset: usize,
}

/// A container that is not closed yet.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: u32,
    is_object: bool,
}

/// Parses one text after the other, reusing the memory of its node list.
#[derive(Debug)]
pub struct Parser {
    dictionary: Arc<Dictionary>,
    nodes: Vec<Node>,
    open: Vec<Open>,
    has_excessive_number: bool,
}

impl Default for Parser {
    /// Knows the names that the program's own code asks for.
    fn default() -> Self {
        Parser::new(Arc::new(Dictionary::well_known().clone()))
    }
}

impl Parser {
    /// A parser that gives names the numbers of that dictionary.
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        Parser { dictionary, nodes: Vec::new(), open: Vec::new(), has_excessive_number: false }
    }

    /// Parses `bytes` whole: one value, with blanks around it.
    pub fn parse<'t>(&'t mut self, bytes: &'t [u8]) -> Result<Tree<'t>, JsonError> {
        if bytes.len() > u32::MAX as usize {
            return Err(JsonError { kind: JsonErrorKind::TooLong, offset: 0 });
        }
        let source = std::str::from_utf8(bytes)
            .map_err(|error| JsonError { kind: JsonErrorKind::NotUtf8, offset: error.valid_up_to() })?;
        self.nodes.clear();
        self.open.clear();
        self.has_excessive_number = false;
        let mut cursor = Cursor { bytes, position: 0 };
        self.text(&mut cursor)
            .map_err(|kind| JsonError { kind, offset: cursor.position.min(bytes.len()) })?;
        Ok(Tree { source, nodes: &self.nodes, has_excessive_number: self.has_excessive_number })
    }

    fn text(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonErrorKind> {
        let mut next = Expected::Value;
        loop {
            cursor.skip_blanks();
            next = match next {
                Expected::Value => self.value(cursor)?,
                Expected::Member => self.name(cursor)?,
                Expected::CommaOrEnd => match self.open.last() {
                    Some(open) => {
                        let is_object = open.is_object;
                        match (cursor.peek()?, is_object) {
                            (b',', true) => {
                                cursor.position += 1;
                                Expected::Member
                            }
                            (b',', false) => {
                                cursor.position += 1;
                                Expected::Value
                            }
                            (b'}', true) | (b']', false) => self.end_container(cursor),
                            _ => return Err(JsonErrorKind::ExpectedCommaOrEnd),
                        }
                    }
                    None if cursor.position < cursor.bytes.len() => {
                        return Err(JsonErrorKind::TrailingContent);
                    }
                    None => return Ok(()),
                },
            };
        }
    }

    /// A member's name and the colon behind it.
    #[inline(always)]
    fn name(&mut self, cursor: &mut Cursor<'_>) -> Result<Expected, JsonErrorKind> {
        if cursor.peek()? != b'"' {
            return Err(JsonErrorKind::ExpectedName);
        }
        let start = cursor.position + 1;
        let (end, is_escaped) = cursor.skip_string(start)?;
        let name = self.dictionary.find(cursor.bytes, start, end);
        self.node(JsonType::String, start, end, is_escaped, name);
        cursor.position = end + 1;
        cursor.skip_blanks();
        if cursor.peek()? != b':' {
            return Err(JsonErrorKind::ExpectedColon);
        }
        cursor.position += 1;
        Ok(Expected::Value)
    }

    #[inline(always)]
    fn value(&mut self, cursor: &mut Cursor<'_>) -> Result<Expected, JsonErrorKind> {
        if self.nodes.len() >= MAX_NODES {
            return Err(JsonErrorKind::TooMany);
        }
        match cursor.peek()? {
            b'"' => {
                let start = cursor.position + 1;
                let (end, is_escaped) = cursor.skip_string(start)?;
                self.leaf(JsonType::String, start, end, is_escaped);
                cursor.position = end + 1;
            }
            b'{' => return self.begin_container(cursor, JsonType::Object),
            b'[' => return self.begin_container(cursor, JsonType::Array),
            b't' => self.word(cursor, b"true", JsonType::True)?,
            b'f' => self.word(cursor, b"false", JsonType::False)?,
            b'n' => self.word(cursor, b"null", JsonType::Null)?,
            b'-' | b'0'..=b'9' => self.number(cursor)?,
            _ => return Err(JsonErrorKind::ExpectedValue),
        }
        Ok(Expected::CommaOrEnd)
    }

    fn begin_container(
        &mut self,
        cursor: &mut Cursor<'_>,
        json_type: JsonType,
    ) -> Result<Expected, JsonErrorKind> {
        if self.open.len() == MAX_DEPTH {
            return Err(JsonErrorKind::TooDeep);
        }
        let is_object = json_type == JsonType::Object;
        self.open.push(Open { node: self.nodes.len() as u32, is_object });
        self.leaf(json_type, cursor.position, cursor.position, false);
        cursor.position += 1;
        cursor.skip_blanks();
        Ok(match cursor.peek()? {
            b'}' if is_object => self.end_container(cursor),
            b']' if !is_object => self.end_container(cursor),
            _ if is_object => Expected::Member,
            _ => Expected::Value,
        })
    }

    fn end_container(&mut self, cursor: &mut Cursor<'_>) -> Expected {
        cursor.position += 1;
        let next = self.nodes.len() as u32;
        if let Some(open) = self.open.pop() {
            let node = &mut self.nodes[open.node as usize];
            node.end = cursor.position as u32;
            node.next = next;
        }
        Expected::CommaOrEnd
    }

    fn word(
        &mut self,
        cursor: &mut Cursor<'_>,
        word: &[u8],
        json_type: JsonType,
    ) -> Result<(), JsonErrorKind> {
        let start = cursor.position;
        if !cursor.bytes[start..].starts_with(word) {
            return Err(JsonErrorKind::ExpectedValue);
        }
        cursor.position += word.len();
        self.leaf(json_type, start, cursor.position, false);
        Ok(())
    }

    fn number(&mut self, cursor: &mut Cursor<'_>) -> Result<(), JsonErrorKind> {
        let start = cursor.position;
        let has_exponent = cursor.skip_number()?;
        let written = &cursor.bytes[start..cursor.position];
        let is_plain = !has_exponent && written.len() <= SHORT_NUMBER_BYTES;
        let is_excessive = !is_plain && !str::from_utf8(written).is_ok_and(rows::is_numeric);
        self.leaf(JsonType::Number, start, cursor.position, is_excessive);
        self.has_excessive_number |= is_excessive;
        Ok(())
    }

    #[inline(always)]
    fn leaf(&mut self, json_type: JsonType, start: usize, end: usize, is_special: bool) {
        self.node(json_type, start, end, is_special, NameId::NONE);
    }

    #[inline(always)]
    fn node(&mut self, json_type: JsonType, start: usize, end: usize, is_special: bool, name: NameId) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { start: start as u32, end: end as u32, next, json_type, is_special, name });
    }
}

/// What must stand next.
enum Expected {
    Value,
    /// Its name.
    Member,
    /// Of the innermost container, or the end of the text.
    CommaOrEnd,
}

struct Cursor<'t> {
    bytes: &'t [u8],
    position: usize,
}

impl Cursor<'_> {
    #[inline]
    fn peek(&self) -> Result<u8, JsonErrorKind> {
        self.bytes.get(self.position).copied().ok_or(JsonErrorKind::Truncated)
    }

    #[inline(always)]
    fn skip_blanks(&mut self) {
        // Nothing that is no blank and not above one may stand between tokens.
        if self.bytes.get(self.position).is_some_and(|byte| *byte <= b' ') {
            self.skip_more_blanks();
        }
    }

    /// What is written for people is indented by many, on a new line.
    fn skip_more_blanks(&mut self) {
        if self.bytes[self.position] == b'\n' {
            self.position += 1;
        }
        while let Some(chunk) = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk()) {
            let blanks = Lanes::of(chunk).equal(b' ').trailing_ones() as usize;
            self.position += blanks;
            if blanks < 16 {
                break;
            }
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.position) {
            self.position += 1;
        }
    }

    /// From after the opening quote to the closing one: its offset, and
    /// whether an escape was met.
    #[inline(always)]
    fn skip_string(&mut self, start: usize) -> Result<(usize, bool), JsonErrorKind> {
        let mut position = start;
        let mut is_escaped = false;
        loop {
            position = skip_plain(self.bytes, position);
            self.position = position;
            match self.bytes.get(position) {
                Some(b'"') => return Ok((position, is_escaped)),
                Some(b'\\') => {
                    is_escaped = true;
                    position = self.skip_escape(position + 1)?;
                }
                Some(_) => return Err(JsonErrorKind::ControlCharacter),
                None => return Err(JsonErrorKind::Truncated),
            }
        }
    }

    fn skip_escape(&self, position: usize) -> Result<usize, JsonErrorKind> {
        match self.bytes.get(position).ok_or(JsonErrorKind::Truncated)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(position + 1),
            b'u' => match self.hexadecimal(position + 1)? {
                0 => Err(JsonErrorKind::NulCharacter),
                0xD800..=0xDBFF => {
                    let follows = self.bytes.get(position + 5..position + 7) == Some(b"\\u");
                    if follows && matches!(self.hexadecimal(position + 7)?, 0xDC00..=0xDFFF) {
                        Ok(position + 11)
                    } else {
                        Err(JsonErrorKind::LoneSurrogate)
                    }
                }
                0xDC00..=0xDFFF => Err(JsonErrorKind::LoneSurrogate),
                _ => Ok(position + 5),
            },
            _ => Err(JsonErrorKind::InvalidEscape),
        }
    }

    fn hexadecimal(&self, position: usize) -> Result<u32, JsonErrorKind> {
        let digits = self.bytes.get(position..position + 4).ok_or(JsonErrorKind::Truncated)?;
        let mut value = 0;
        for &digit in digits {
            let digit = (digit as char).to_digit(16).ok_or(JsonErrorKind::InvalidEscape)?;
            value = value * 16 + digit;
        }
        Ok(value)
    }

    /// Tells whether the number has an exponent.
    fn skip_number(&mut self) -> Result<bool, JsonErrorKind> {
        if self.peek()? == b'-' {
            self.position += 1;
        }
        match self.bytes.get(self.position) {
            Some(b'0') => self.position += 1,
            Some(b'1'..=b'9') => self.skip_digits()?,
            _ => return Err(JsonErrorKind::InvalidNumber),
        }
        if self.bytes.get(self.position) == Some(&b'.') {
            self.position += 1;
            self.skip_digits()?;
        }
        let has_exponent = matches!(self.bytes.get(self.position), Some(b'e' | b'E'));
        if has_exponent {
            self.position += 1;
            if let Some(b'+' | b'-') = self.bytes.get(self.position) {
                self.position += 1;
            }
            self.skip_digits()?;
        }
        // `01` and `1x` would otherwise pass for two values side by side.
        match self.bytes.get(self.position) {
            Some(byte) if byte.is_ascii_alphanumeric() => Err(JsonErrorKind::InvalidNumber),
            _ => Ok(has_exponent),
        }
    }

    fn skip_digits(&mut self) -> Result<(), JsonErrorKind> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.bytes.get(self.position) {
            self.position += 1;
        }
        if self.position == start { Err(JsonErrorKind::InvalidNumber) } else { Ok(()) }
    }
}

/// The offset of the next quote, backslash or control character, or the end.
#[inline(always)]
fn skip_plain(bytes: &[u8], mut position: usize) -> usize {
    while let Some(chunk) = bytes.get(position..).and_then(|rest| rest.first_chunk()) {
        let lanes = Lanes::of(chunk);
        let found = lanes.equal(b'"') | lanes.equal(b'\\') | lanes.at_most(0x1f);
        if found != 0 {
            return position + found.trailing_zeros() as usize;
        }
        position += 16;
    }
    while let Some(&byte) = bytes.get(position) {
        if byte == b'"' || byte == b'\\' || byte < 0x20 {
            break;
        }
        position += 1;
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use proptest::prelude::*;

    fn kind(text: &str) -> JsonErrorKind {
        Parser::default().parse(text.as_bytes()).expect_err(text).kind
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_fault() {
        for (text, expected) in [
            ("", JsonErrorKind::Truncated),
            ("  ", JsonErrorKind::Truncated),
            ("{", JsonErrorKind::Truncated),
            (r#"{"a""#, JsonErrorKind::Truncated),
            (r#"{"a":"b"#, JsonErrorKind::Truncated),
            ("[1,", JsonErrorKind::Truncated),
            ("[1,]", JsonErrorKind::ExpectedValue),
            ("{,}", JsonErrorKind::ExpectedName),
            (r#"{"a":1,}"#, JsonErrorKind::ExpectedName),
            ("{a:1}", JsonErrorKind::ExpectedName),
            (r#"{"a" 1}"#, JsonErrorKind::ExpectedColon),
            ("[1 2]", JsonErrorKind::ExpectedCommaOrEnd),
            ("[1}", JsonErrorKind::ExpectedCommaOrEnd),
            ("{} {}", JsonErrorKind::TrailingContent),
            ("nul", JsonErrorKind::ExpectedValue),
            ("01", JsonErrorKind::InvalidNumber),
            ("1.", JsonErrorKind::InvalidNumber),
            (".5", JsonErrorKind::ExpectedValue),
            ("-", JsonErrorKind::InvalidNumber),
            ("1e", JsonErrorKind::InvalidNumber),
            ("\"a\nb\"", JsonErrorKind::ControlCharacter),
            (r#""\x""#, JsonErrorKind::InvalidEscape),
            (r#""\u12g4""#, JsonErrorKind::InvalidEscape),
            (r#""\ud800""#, JsonErrorKind::LoneSurrogate),
            (r#""\ud800\u0041""#, JsonErrorKind::LoneSurrogate),
            (r#""\udc00""#, JsonErrorKind::LoneSurrogate),
            (r#""\u0000""#, JsonErrorKind::NulCharacter),
        ] {
            assert_eq!(kind(text), expected, "{text}");
        }
        assert_eq!(kind(&"[".repeat(100_000)), JsonErrorKind::TooDeep);
        let not_utf8 = Parser::default().parse(b"\"\xff\"").expect_err("not UTF-8");
        assert_eq!(not_utf8, JsonError { kind: JsonErrorKind::NotUtf8, offset: 1 });
    }

    #[test]
    fn a_string_ends_at_its_quote_wherever_it_stands_in_a_word() {
        for length in 0..40 {
            let text = format!("\"{}\"", "é".repeat(length) + &"a".repeat(length % 5));
            let mut parser = Parser::default();
            let tree = parser.parse(text.as_bytes()).expect("a string");
            assert_eq!(tree.root().raw(), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_serde_json_on_any_bytes(bytes in proptest::collection::vec(0u8..=255, 0..60)) {
            agree(&bytes);
        }

        #[test]
        fn agrees_with_serde_json_on_what_looks_like_json(text in r#"[\[\]{}:,"\\ 01.eE+\-tfnau]{0,40}"#) {
            agree(text.as_bytes());
        }
    }

    #[test]
    fn a_number_that_numeric_cannot_hold_is_noted() {
        let noted = |text: &str| {
            let mut parser = Parser::default();
            let tree = parser.parse(text.as_bytes()).expect(text);
            tree.excessive_number().map(|number| number.path())
        };
        assert_eq!(noted(r#"{"a":[1e400,{"b":1E-20000}]}"#).as_deref(), Some("a[1].b"));
        assert_eq!(noted(&format!("[1,{}]", "9".repeat(140_000))).as_deref(), Some("[1]"));
        assert_eq!(noted("1e999999").as_deref(), Some(""));
        assert_eq!(noted(&format!("[1e5,{}]", "9".repeat(400))), None);
    }

    #[test]
    fn a_text_of_too_many_values_is_refused() {
        let text = format!("[{}1]", "1,".repeat(MAX_NODES));
        assert_eq!(kind(&text), JsonErrorKind::TooMany);
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let scalar = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            any::<String>().prop_map(|text| text.replace('\0', "").into()),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            let members = proptest::collection::btree_map(any::<String>(), inner.clone(), 0..6);
            prop_oneof![
                proptest::collection::vec(inner, 0..6).prop_map(serde_json::Value::from),
                members.prop_map(|members| {
                    members.into_iter().map(|(name, value)| (name.replace('\0', ""), value)).collect()
                }),
            ]
        })
    }

    /// The value that a tree says, built again.
    fn built(value: crate::json::Value<'_>) -> serde_json::Value {
        match value.json_type() {
            JsonType::Object => value
                .members()
                .map(|member| {
                    let name: String =
                        serde_json::from_str(&format!("\"{}\"", member.text())).expect("a name");
                    (name, built(member.value()))
                })
                .collect(),
            JsonType::Array => value.items().map(built).collect(),
            JsonType::String => value.as_text().expect("a string").into(),
            _ => serde_json::from_str(value.raw()).expect("a scalar"),
        }
    }

    proptest::proptest! {
        #[test]
        fn a_tree_says_what_serde_json_reads(value in any_json(), is_pretty in any::<bool>(), is_escaped in any::<bool>()) {
            let mut text = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }
                .expect("JSON");
            if is_escaped {
                text = text.chars().map(|character| match character {
                    '\0'..='\x7f' => character.to_string(),
                    other => other.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
                }).collect();
            }
            let mut parser = Parser::default();
            let tree = parser.parse(text.as_bytes()).expect("JSON");
            prop_assert_eq!(built(tree.root()), value);
        }
    }

    /// `serde_json` takes numbers out of the range of f64 for errors and
    /// U+0000 for a character; else both must say the same.
    fn agree(bytes: &[u8]) {
        let ours = Parser::default().parse(bytes).map(|tree| tree.root().json_type());
        let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
        match (ours, theirs) {
            (Ok(_), Err(error)) => assert!(error.to_string().contains("number out of range"), "{error}"),
            (Err(error), Ok(_)) => assert_eq!(error.kind, JsonErrorKind::NulCharacter),
            _ => {}
        }
    }
}
