//! A *writer* appends JSON to a byte buffer, without building a tree. Callers
//! name the members and nest with closures, so brackets always match.

use std::fmt::{self, Display, Write as _};

use super::random::Id;

/// What references between resources look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferenceStyle {
    /// `urn:uuid:` within a patient's Bundle, conditional references to the
    /// hospital.
    Transaction,
    /// `urn:uuid:` throughout, as everything is in one Bundle.
    Collection,
    /// `Type/id`, as in a bulk export.
    Relative,
}

/// See the module.
pub struct Writer {
    /// What was written so far.
    pub bytes: Vec<u8>,
    pub references: ReferenceStyle,
    pretty: bool,
    depth: usize,
    /// The open object or array has no members yet.
    is_empty: bool,
}

const BLANKS: &[u8; 64] = &[b' '; 64];

impl Writer {
    /// An empty buffer; `pretty` indents by two spaces.
    pub fn new(references: ReferenceStyle, pretty: bool) -> Self {
        Self { bytes: Vec::new(), references, pretty, depth: 0, is_empty: true }
    }

    /// Writes the separator that the next value needs.
    fn separate(&mut self) {
        if !self.is_empty {
            self.bytes.push(b',');
        }
        self.is_empty = false;
        if self.depth > 0 {
            self.break_line();
        }
    }

    fn break_line(&mut self) {
        if self.pretty {
            self.bytes.push(b'\n');
            self.bytes.extend_from_slice(&BLANKS[..(self.depth * 2).min(BLANKS.len())]);
        }
    }

    fn key(&mut self, name: &str) {
        self.separate();
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.extend_from_slice(if self.pretty { b"\": " } else { b"\":" });
    }

    /// Opens an object or array with its bracket.
    pub fn open(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.depth += 1;
        self.is_empty = true;
    }

    /// Closes what was opened last, with its bracket.
    pub fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.is_empty {
            self.break_line();
        }
        self.bytes.push(bracket);
        self.is_empty = false;
    }

    fn quoted(&mut self, value: impl Display) {
        self.bytes.push(b'"');
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
        self.bytes.push(b'"');
    }

    /// A top-level object, whatever was written before it.
    pub fn document(&mut self, fill: impl FnOnce(&mut Self)) {
        self.open(b'{');
        fill(self);
        self.close(b'}');
        self.is_empty = true;
    }

    /// A member that is an object.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        self.open(b'{');
        fill(self);
        self.close(b'}');
    }

    /// A member that is an array.
    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.begin_array(name);
        fill(self);
        self.close(b']');
    }

    /// Opens a member that is an array; a later `close` ends it.
    pub fn begin_array(&mut self, name: &str) {
        self.key(name);
        self.open(b'[');
    }

    /// An object as an element of the open array.
    pub fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.open(b'{');
        fill(self);
        self.close(b'}');
    }

    /// A member that is an array of one object, the most common shape in FHIR.
    pub fn one(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.array(name, |writer| writer.item(fill));
    }

    /// A member that is a string.
    pub fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.bytes.push(b'"');
        Escaped(&mut self.bytes).append(value);
        self.bytes.push(b'"');
    }

    /// A member that is a string: the value as displayed.
    pub fn display(&mut self, name: &str, value: impl Display) {
        self.key(name);
        self.quoted(value);
    }

    /// A string as an element of the open array.
    pub fn text_item(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    /// A member that is an array of strings.
    pub fn texts(&mut self, name: &str, values: &[&str]) {
        self.array(name, |writer| {
            for value in values {
                writer.text_item(value);
            }
        });
    }

    /// A member that is a whole number.
    pub fn integer(&mut self, name: &str, value: i64) {
        self.key(name);
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    /// A whole number as an element of the open array.
    pub fn integer_item(&mut self, value: i64) {
        self.separate();
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    /// A member that is true or false.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.key(name);
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A member that is a decimal; trailing zeros are kept.
    pub fn decimal(&mut self, name: &str, value: Decimal) {
        self.key(name);
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    /// A member that is a reference to a resource of the same patient.
    pub fn reference(&mut self, name: &str, resource_type: &str, id: &Id) {
        self.object(name, |writer| writer.target(resource_type, id));
    }

    /// The member `reference` alone, in the open object.
    pub fn target(&mut self, resource_type: &str, id: &Id) {
        match self.references {
            ReferenceStyle::Relative => self.display("reference", format_args!("{resource_type}/{id}")),
            _ => self.display("reference", format_args!("urn:uuid:{id}")),
        }
    }
}

/// A number given as digits and decimal places: `(720, 1)` is `72.0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal(pub i64, pub u32);

impl Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(digits, places) = *self;
        if places == 0 {
            return write!(formatter, "{digits}");
        }
        let unit = 10_u64.pow(places);
        let sign = if digits < 0 { "-" } else { "" };
        let (whole, part) = (digits.unsigned_abs() / unit, digits.unsigned_abs() % unit);
        write!(formatter, "{sign}{whole}.{part:0width$}", width = places as usize)
    }
}

/// Escapes what is written to it as the content of a JSON string.
struct Escaped<'a>(&'a mut Vec<u8>);

impl Escaped<'_> {
    fn append(&mut self, text: &str) {
        if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
            self.0.extend_from_slice(text.as_bytes());
            return;
        }
        for byte in text.bytes() {
            match byte {
                b'"' | b'\\' => self.0.extend_from_slice(&[b'\\', byte]),
                b'\n' => self.0.extend_from_slice(b"\\n"),
                0..b' ' => self.0.extend_from_slice(format!("\\u{byte:04x}").as_bytes()),
                _ => self.0.push(byte),
            }
        }
    }
}

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.append(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(writer: &mut Writer) {
        writer.document(|writer| {
            writer.text("a", "say \"\\\n\u{1}é");
            writer.one("b", |writer| writer.decimal("c", Decimal(720, 1)));
            writer.array("d", |_| ());
            writer.decimal("e", Decimal(-5, 2));
        });
    }

    #[test]
    fn compact_output_has_no_whitespace() {
        let mut writer = Writer::new(ReferenceStyle::Relative, false);
        write(&mut writer);
        assert_eq!(
            String::from_utf8(writer.bytes).unwrap(),
            r#"{"a":"say \"\\\n\u0001é","b":[{"c":72.0}],"d":[],"e":-0.05}"#
        );
    }

    #[test]
    fn pretty_output_is_indented_by_two_spaces() {
        let mut writer = Writer::new(ReferenceStyle::Relative, true);
        writer.document(|writer| writer.one("b", |writer| writer.integer("c", 1)));
        assert_eq!(
            String::from_utf8(writer.bytes).unwrap(),
            "{\n  \"b\": [\n    {\n      \"c\": 1\n    }\n  ]\n}"
        );
    }
}
