//! A *writer* lays JSON straight into bytes: no tree stands between. Callers
//! name members and nest by closures, so brackets always match.

use std::fmt::{self, Display, Write as _};

use super::random::Id;

/// Whom a reference points at by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum References {
    /// `urn:uuid:` within a Bundle, conditional references to the hospital.
    Transaction,
    /// `urn:uuid:` to everything, as all is in one Bundle.
    Collection,
    /// `Type/id`, as in a bulk export.
    Relative,
}

pub struct Writer {
    pub bytes: Vec<u8>,
    pub references: References,
    pretty: bool,
    depth: usize,
    /// Nothing stands yet in the container that is open.
    fresh: bool,
}

const BLANKS: &[u8; 64] = &[b' '; 64];

impl Writer {
    pub fn new(references: References, pretty: bool) -> Self {
        Self { bytes: Vec::new(), references, pretty, depth: 0, fresh: true }
    }

    /// The separator that the next value needs.
    fn separate(&mut self) {
        if !self.fresh {
            self.bytes.push(b',');
        }
        self.fresh = false;
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

    pub fn open(&mut self, bracket: u8) {
        self.bytes.push(bracket);
        self.depth += 1;
        self.fresh = true;
    }

    pub fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        if !self.fresh {
            self.break_line();
        }
        self.bytes.push(bracket);
        self.fresh = false;
    }

    fn quoted(&mut self, value: impl Display) {
        self.bytes.push(b'"');
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
        self.bytes.push(b'"');
    }

    /// A document of its own, whatever was written before.
    pub fn document(&mut self, fill: impl FnOnce(&mut Self)) {
        self.open(b'{');
        fill(self);
        self.close(b'}');
        self.fresh = true;
    }

    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.key(name);
        self.open(b'{');
        fill(self);
        self.close(b'}');
    }

    pub fn array(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.begin_array(name);
        fill(self);
        self.close(b']');
    }

    /// An array that a later `close` ends.
    pub fn begin_array(&mut self, name: &str) {
        self.key(name);
        self.open(b'[');
    }

    /// An object that is an element of the open array.
    pub fn item(&mut self, fill: impl FnOnce(&mut Self)) {
        self.separate();
        self.open(b'{');
        fill(self);
        self.close(b'}');
    }

    /// An array of one object, FHIR's commonest shape.
    pub fn one(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        self.array(name, |writer| writer.item(fill));
    }

    pub fn text(&mut self, name: &str, value: &str) {
        self.key(name);
        self.bytes.push(b'"');
        Escaped(&mut self.bytes).append(value);
        self.bytes.push(b'"');
    }

    /// A string of what the value displays.
    pub fn display(&mut self, name: &str, value: impl Display) {
        self.key(name);
        self.quoted(value);
    }

    pub fn text_item(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    pub fn texts(&mut self, name: &str, values: &[&str]) {
        self.array(name, |writer| {
            for value in values {
                writer.text_item(value);
            }
        });
    }

    pub fn integer(&mut self, name: &str, value: i64) {
        self.key(name);
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    pub fn integer_item(&mut self, value: i64) {
        self.separate();
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    pub fn boolean(&mut self, name: &str, value: bool) {
        self.key(name);
        self.bytes.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// A decimal that keeps its trailing zeros.
    pub fn decimal(&mut self, name: &str, value: Decimal) {
        self.key(name);
        write!(Escaped(&mut self.bytes), "{value}").expect("writing to memory succeeds");
    }

    /// A reference to a resource of the same patient.
    pub fn reference(&mut self, name: &str, kind: &str, id: &Id) {
        self.object(name, |writer| writer.target(kind, id));
    }

    /// The member `reference` alone, inside an object that is open.
    pub fn target(&mut self, kind: &str, id: &Id) {
        match self.references {
            References::Relative => self.display("reference", format_args!("{kind}/{id}")),
            _ => self.display("reference", format_args!("urn:uuid:{id}")),
        }
    }
}

/// A number of so many places after the point: `(720, 1)` is `72.0`.
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
    fn compact_has_no_blanks() {
        let mut writer = Writer::new(References::Relative, false);
        write(&mut writer);
        assert_eq!(
            String::from_utf8(writer.bytes).unwrap(),
            r#"{"a":"say \"\\\n\u0001é","b":[{"c":72.0}],"d":[],"e":-0.05}"#
        );
    }

    #[test]
    fn pretty_indents_by_two() {
        let mut writer = Writer::new(References::Relative, true);
        writer.document(|writer| writer.one("b", |writer| writer.integer("c", 1)));
        assert_eq!(
            String::from_utf8(writer.bytes).unwrap(),
            "{\n  \"b\": [\n    {\n      \"c\": 1\n    }\n  ]\n}"
        );
    }
}
