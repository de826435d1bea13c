//! The parser turns bytes into nodes, without recursion.

use std::sync::Arc;

use super::decimal::Decimal;
use super::dictionary::Dictionary;
use super::error::{JsonError, JsonErrorKind, MAX_DEPTH, MAX_NODES};
use super::escape::unescape;
use super::lexer::Lexer;
use super::name::NameId;
use super::selection::Selection;
use super::tree::{JsonType, Node, Tree};

/// A number of at most this many bytes and without an exponent is always
/// within the range of `numeric`.
const SHORT_NUMBER_BYTES: usize = 16_000;

/// A container whose end has not been read.
#[derive(Clone, Copy, Debug)]
struct Open {
    node: u32,
    is_object: bool,
}

/// Parses one text after another and reuses its memory.
///
/// ```
/// # use fhirmill_core::json::{NameId, Parser};
/// let mut parser = Parser::default();
/// let tree = parser.parse(br#"{"id": "1", "meta": {"versionId": "7"}}"#)?;
/// let meta = tree.root().get(NameId::META).expect("meta");
/// assert_eq!(meta.get("versionId").and_then(|id| id.as_text()).as_deref(), Some("7"));
/// # Ok::<(), fhirmill_core::json::JsonError>(())
/// ```
#[derive(Debug)]
pub struct Parser {
    dictionary: Arc<Dictionary>,
    nodes: Vec<Node>,
    open: Vec<Open>,
    has_excessive_number: bool,
    has_escaped_name: bool,
}

impl Default for Parser {
    /// A parser that numbers the names that have constants in [`NameId`].
    fn default() -> Self {
        Parser::new(Dictionary::well_known())
    }
}

impl Parser {
    /// Parses an object, and of that only what is selected: the rest is skipped without
    /// being checked, so the brackets of `bytes` must be balanced and its strings closed.
    /// `None` if it is a resource of another type than the selection is for.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), as far as the text is read.
    pub fn parse_selected<'t>(
        &'t mut self,
        bytes: &'t [u8],
        selection: &Selection,
    ) -> Result<Option<Tree<'t>>, JsonError> {
        let text = self.begin(bytes)?;
        let mut lexer = Lexer { bytes, position: 0 };
        lexer.skip_white_space();
        match self.selected(&mut lexer, selection, Selection::ROOT, 0) {
            Ok(()) => {}
            Err(Unselected::OtherType) => return Ok(None),
            Err(Unselected::Error(kind)) => {
                return Err(JsonError { kind, offset: lexer.position.min(bytes.len()) });
            }
        }
        Ok(Some(self.tree(text)))
    }

    /// A parser that numbers names as `dictionary` does.
    pub fn new(dictionary: Arc<Dictionary>) -> Self {
        Parser {
            dictionary,
            nodes: Vec::new(),
            open: Vec::new(),
            has_excessive_number: false,
            has_escaped_name: false,
        }
    }

    /// Parses all of `bytes`: one value, perhaps with white space around it.
    ///
    /// # Errors
    /// The text is not JSON by RFC 8259, exceeds a limit on depth or size, or
    /// contains U+0000 or a lone surrogate. Duplicate member names are not
    /// noticed here but by [`Canonical::hash`](super::Canonical::hash).
    pub fn parse<'t>(&'t mut self, bytes: &'t [u8]) -> Result<Tree<'t>, JsonError> {
        let text = self.begin(bytes)?;
        let mut lexer = Lexer { bytes, position: 0 };
        self.whole_text(&mut lexer)
            .map_err(|kind| JsonError { kind, offset: lexer.position.min(bytes.len()) })?;
        Ok(self.tree(text))
    }

    /// Forgets the last text; gives the bytes as text.
    fn begin<'t>(&mut self, bytes: &'t [u8]) -> Result<&'t str, JsonError> {
        if bytes.len() > u32::MAX as usize {
            return Err(JsonError { kind: JsonErrorKind::TooLong, offset: 0 });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| JsonError { kind: JsonErrorKind::NotUtf8, offset: error.valid_up_to() })?;
        self.nodes.clear();
        self.open.clear();
        self.has_excessive_number = false;
        self.has_escaped_name = false;
        Ok(text)
    }

    fn tree<'t>(&'t self, text: &'t str) -> Tree<'t> {
        Tree {
            text,
            nodes: &self.nodes,
            has_excessive_number: self.has_excessive_number,
            has_escaped_name: self.has_escaped_name,
        }
    }

    fn whole_text(&mut self, lexer: &mut Lexer<'_>) -> Result<(), JsonErrorKind> {
        let mut next = Expected::Value;
        loop {
            lexer.skip_white_space();
            next = match next {
                Expected::Value => self.value(lexer)?,
                Expected::Member => self.name(lexer)?,
                Expected::CommaOrEnd => match self.open.last() {
                    Some(open) => self.comma_or_end(lexer, open.is_object)?,
                    None if lexer.position < lexer.bytes.len() => {
                        return Err(JsonErrorKind::TrailingContent);
                    }
                    None => return Ok(()),
                },
            };
        }
    }

    #[inline(always)]
    fn comma_or_end(&mut self, lexer: &mut Lexer<'_>, is_object: bool) -> Result<Expected, JsonErrorKind> {
        match (lexer.peek()?, is_object) {
            (b',', true) => {
                lexer.position += 1;
                Ok(Expected::Member)
            }
            (b',', false) => {
                lexer.position += 1;
                Ok(Expected::Value)
            }
            (b'}', true) | (b']', false) => Ok(self.end_container(lexer)),
            _ => Err(JsonErrorKind::ExpectedCommaOrEnd),
        }
    }

    /// Reads a member's name and the colon after it.
    #[inline(always)]
    fn name(&mut self, lexer: &mut Lexer<'_>) -> Result<Expected, JsonErrorKind> {
        if lexer.peek()? != b'"' {
            return Err(JsonErrorKind::ExpectedName);
        }
        let start = lexer.position + 1;
        let (end, is_escaped) = lexer.skip_string(start)?;
        let name = match is_escaped {
            false => self.dictionary.find(lexer.bytes, start, end),
            true => self.escaped_name(&lexer.bytes[start..end]),
        };
        self.node(JsonType::String, start, end, is_escaped, name);
        lexer.position = end + 1;
        lexer.skip_white_space();
        if lexer.peek()? != b':' {
            return Err(JsonErrorKind::ExpectedColon);
        }
        lexer.position += 1;
        Ok(Expected::Value)
    }

    /// The number of a name with escape sequences: `value\u0051uantity` is
    /// `valueQuantity`.
    #[cold]
    fn escaped_name(&mut self, written: &[u8]) -> NameId {
        self.has_escaped_name = true;
        let written = std::str::from_utf8(written).unwrap_or_default();
        self.dictionary.lookup(&unescape(written))
    }

    #[inline(always)]
    fn value(&mut self, lexer: &mut Lexer<'_>) -> Result<Expected, JsonErrorKind> {
        if self.nodes.len() >= MAX_NODES {
            return Err(JsonErrorKind::TooMany);
        }
        match lexer.peek()? {
            b'"' => {
                let start = lexer.position + 1;
                let (end, is_escaped) = lexer.skip_string(start)?;
                // The closing quote, if it is empty.
                let is_odd = lexer.bytes[start] <= b'"' || lexer.bytes[end - 1] <= b' ';
                self.leaf(JsonType::String, start, end, is_escaped | is_odd);
                lexer.position = end + 1;
            }
            b'{' => return self.begin_container(lexer, JsonType::Object),
            b'[' => return self.begin_container(lexer, JsonType::Array),
            b't' => self.word(lexer, b"true", JsonType::True)?,
            b'f' => self.word(lexer, b"false", JsonType::False)?,
            b'n' => self.word(lexer, b"null", JsonType::Null)?,
            b'-' | b'0'..=b'9' => self.number(lexer)?,
            _ => return Err(JsonErrorKind::ExpectedValue),
        }
        Ok(Expected::CommaOrEnd)
    }

    /// Reads one value, to its end.
    fn value_to_its_end(&mut self, lexer: &mut Lexer<'_>) -> Result<(), JsonErrorKind> {
        let mut next = self.value(lexer)?;
        while let Some(open) = self.open.last() {
            let is_object = open.is_object;
            lexer.skip_white_space();
            next = match next {
                Expected::Value => self.value(lexer)?,
                Expected::Member => self.name(lexer)?,
                Expected::CommaOrEnd => self.comma_or_end(lexer, is_object)?,
            };
        }
        Ok(())
    }

    /// Reads what is selected of a value: of an object, some members.
    fn selected(
        &mut self,
        lexer: &mut Lexer<'_>,
        selection: &Selection,
        part: usize,
        depth: usize,
    ) -> Result<(), Unselected> {
        if depth == MAX_DEPTH {
            return Err(JsonErrorKind::TooDeep.into());
        }
        let bracket = lexer.peek()?;
        if selection.is_whole(part) || !matches!(bracket, b'{' | b'[') {
            return Ok(self.value_to_its_end(lexer)?);
        }
        let (is_object, node) = (bracket == b'{', self.nodes.len() as u32);
        let json_type = if is_object { JsonType::Object } else { JsonType::Array };
        self.leaf(json_type, lexer.position, lexer.position, false);
        lexer.position += 1;
        lexer.skip_white_space();
        let end = if is_object { b'}' } else { b']' };
        let mut is_first = true;
        while lexer.peek()? != end {
            if !is_first {
                if lexer.peek()? != b',' {
                    return Err(JsonErrorKind::ExpectedCommaOrEnd.into());
                }
                lexer.position += 1;
                lexer.skip_white_space();
            }
            is_first = false;
            if is_object {
                self.selected_member(lexer, selection, part, depth)?;
            } else {
                self.selected(lexer, selection, part, depth + 1)?;
            }
            lexer.skip_white_space();
        }
        self.open.push(Open { node, is_object });
        self.end_container(lexer);
        Ok(())
    }

    /// Reads a member if it is selected, and else skips it.
    fn selected_member(
        &mut self,
        lexer: &mut Lexer<'_>,
        selection: &Selection,
        part: usize,
        depth: usize,
    ) -> Result<(), Unselected> {
        let name_at = self.nodes.len();
        self.name(lexer)?;
        lexer.skip_white_space();
        let name = self.nodes[name_at].name;
        let Some(selected) = selection.member(part, name) else {
            self.nodes.truncate(name_at);
            return Ok(lexer.skip_value()?);
        };
        self.selected(lexer, selection, selected, depth + 1)?;
        if part == Selection::ROOT && name == NameId::RESOURCE_TYPE {
            let value = &self.nodes[name_at + 1];
            let is_string = value.json_type == JsonType::String;
            let written = &lexer.bytes[value.start as usize..value.end as usize];
            if is_string && selection.is_for_another_type(written) {
                return Err(Unselected::OtherType);
            }
        }
        Ok(())
    }

    fn begin_container(
        &mut self,
        lexer: &mut Lexer<'_>,
        json_type: JsonType,
    ) -> Result<Expected, JsonErrorKind> {
        if self.open.len() == MAX_DEPTH {
            return Err(JsonErrorKind::TooDeep);
        }
        let is_object = json_type == JsonType::Object;
        self.open.push(Open { node: self.nodes.len() as u32, is_object });
        self.leaf(json_type, lexer.position, lexer.position, false);
        lexer.position += 1;
        lexer.skip_white_space();
        Ok(match lexer.peek()? {
            b'}' if is_object => self.end_container(lexer),
            b']' if !is_object => self.end_container(lexer),
            _ if is_object => Expected::Member,
            _ => Expected::Value,
        })
    }

    fn end_container(&mut self, lexer: &mut Lexer<'_>) -> Expected {
        lexer.position += 1;
        let next = self.nodes.len() as u32;
        if let Some(open) = self.open.pop() {
            let node = &mut self.nodes[open.node as usize];
            node.end = lexer.position as u32;
            node.next = next;
        }
        Expected::CommaOrEnd
    }

    fn word(&mut self, lexer: &mut Lexer<'_>, word: &[u8], json_type: JsonType) -> Result<(), JsonErrorKind> {
        let start = lexer.position;
        if !lexer.bytes[start..].starts_with(word) {
            return Err(JsonErrorKind::ExpectedValue);
        }
        lexer.position += word.len();
        self.leaf(json_type, start, lexer.position, false);
        Ok(())
    }

    fn number(&mut self, lexer: &mut Lexer<'_>) -> Result<(), JsonErrorKind> {
        let start = lexer.position;
        let has_exponent = lexer.skip_number()?;
        let written = &lexer.bytes[start..lexer.position];
        let is_plain = !has_exponent && written.len() <= SHORT_NUMBER_BYTES;
        let is_excessive =
            !is_plain && !str::from_utf8(written).is_ok_and(|text| Decimal::parse(text).is_ok());
        self.leaf(JsonType::Number, start, lexer.position, is_excessive);
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

/// Why selected parsing stops.
enum Unselected {
    /// The resource is of another type.
    OtherType,
    Error(JsonErrorKind),
}

impl From<JsonErrorKind> for Unselected {
    fn from(kind: JsonErrorKind) -> Self {
        Unselected::Error(kind)
    }
}

/// What must come next.
enum Expected {
    Value,
    /// A member's name.
    Member,
    /// A comma or the end of the innermost container, or the end of the text.
    CommaOrEnd,
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
    fn invalid_json_is_refused_with_the_kind_of_error() {
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
    fn a_number_out_of_range_of_numeric_is_noted() {
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
    fn a_text_with_too_many_values_is_refused() {
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

    /// The value that a tree holds, as `serde_json` would hold it.
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
        fn a_tree_holds_what_serde_json_reads(value in any_json(), is_pretty in any::<bool>(), is_escaped in any::<bool>()) {
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

    /// `serde_json` refuses numbers out of the range of f64 and accepts U+0000;
    /// in everything else the two must agree.
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
