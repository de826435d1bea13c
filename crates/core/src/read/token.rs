//! A *token* here is a member's name, a string, or a whole value that is
//! passed over: just enough of JSON's grammar to walk along the members of a
//! Bundle and of its entries.
//!
//! Commas are not asked for and surplus ones are passed over: a trailing
//! comma after the last entry should cost nobody a delivery, and inside
//! resources, where it matters, the reader of the frame sees it.

use std::ops::Range;

use super::ReadDefectReason;
use super::layer::Damage;
use super::scan::{Scan, Step};
use super::window::Window;

/// Why a walk could not go on.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// The stream could not be read further.
    Damaged(Damage),
    /// The bytes at this offset are not what JSON has there.
    Broken { reason: ReadDefectReason, detected_at: u64 },
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// The names that mean something to this module. A name written with escapes
/// is [`Name::Other`]; nobody writes these so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Name {
    Entry,
    EventId,
    ExportId,
    FullUrl,
    Id,
    LastModified,
    Method,
    Output,
    Request,
    Resource,
    ResourceType,
    Response,
    Timestamp,
    TransactionTime,
    Type,
    Url,
    Other,
}

impl Name {
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            b"entry" => Self::Entry,
            b"eventId" => Self::EventId,
            b"exportId" => Self::ExportId,
            b"fullUrl" => Self::FullUrl,
            b"id" => Self::Id,
            b"lastModified" => Self::LastModified,
            b"method" => Self::Method,
            b"output" => Self::Output,
            b"request" => Self::Request,
            b"resource" => Self::Resource,
            b"resourceType" => Self::ResourceType,
            b"response" => Self::Response,
            b"timestamp" => Self::Timestamp,
            b"transactionTime" => Self::TransactionTime,
            b"type" => Self::Type,
            b"url" => Self::Url,
            _ => Self::Other,
        }
    }
}

/// Longest name or short text that is kept; longer ones are passed over.
const TEXT_BYTES: usize = 16 << 10;

impl Window<'_> {
    /// Passes over blanks; the byte after them stays.
    #[inline]
    pub fn blank(&mut self) -> Result<Option<u8>, Damage> {
        loop {
            let available = self.available();
            let blanks =
                available.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            let found = available.get(blanks).copied();
            self.consume(blanks);
            if found.is_some() {
                return Ok(found);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    /// The next member of the object that we are in: its name, with the
    /// window at its value. `None` after the closing brace.
    pub fn next_member(&mut self) -> Result<Option<Name>, Fault> {
        loop {
            match self.blank()? {
                Some(b'"') => break,
                Some(b',') => self.consume(1),
                Some(b'}') => {
                    self.consume(1);
                    return Ok(None);
                }
                Some(_) => return Err(self.expected("a member's name or `}`")),
                None => return Err(self.truncated()),
            }
        }
        let name = self.name()?;
        match self.blank()? {
            Some(b':') => self.consume(1),
            Some(_) => return Err(self.expected("`:`")),
            None => return Err(self.truncated()),
        }
        match self.blank()? {
            Some(b',' | b'}' | b']' | b':') => Err(self.expected("a value")),
            Some(_) => Ok(Some(name)),
            None => Err(self.truncated()),
        }
    }

    /// The first byte of the next element of the array that we are in, which
    /// stays. `None` after the closing bracket.
    pub fn next_element(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            match self.blank()? {
                Some(b',') => self.consume(1),
                Some(b']') => {
                    self.consume(1);
                    return Ok(None);
                }
                Some(b'}' | b':') => return Err(self.expected("a value or `]`")),
                Some(byte) => return Ok(Some(byte)),
                None => return Err(self.truncated()),
            }
        }
    }

    /// The member's name at the window's place.
    #[inline]
    fn name(&mut self) -> Result<Name, Fault> {
        // Nearly every name is short and in memory.
        let available = self.available();
        let short = &available[1..available.len().min(32)];
        if let Some(length) = short.iter().position(|byte| matches!(byte, b'"' | b'\\'))
            && short[length] == b'"'
        {
            let name = Name::of(&short[..length]);
            self.consume(length + 2);
            return Ok(name);
        }
        self.hold(TEXT_BYTES);
        let span = self.string();
        let name = span.map(|span| self.slice(span).map_or(Name::Other, Name::of));
        self.release();
        name
    }

    /// Passes over the string at the window's place; where its content
    /// stands, without the quotes and with its escapes.
    pub fn string(&mut self) -> Result<Range<u64>, Fault> {
        self.consume(1);
        let start = self.offset();
        let mut is_escaping = false;
        loop {
            let available = self.available();
            let mut index = usize::from(is_escaping).min(available.len());
            is_escaping &= available.is_empty();
            while let Some(found) = memchr::memchr2(b'"', b'\\', &available[index..]) {
                index += found + 1;
                if available[index - 1] == b'"' {
                    self.consume(index);
                    return Ok(start..self.offset() - 1);
                }
                if index == available.len() {
                    is_escaping = true;
                    break;
                }
                index += 1;
            }
            self.consume(self.available().len());
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    /// Where the content of the string at the window's place stands; another
    /// kind of value is passed over.
    pub fn string_or_skip(&mut self, depth_limit: u32) -> Result<Option<Range<u64>>, Fault> {
        if self.peek()? == Some(b'"') {
            return self.string().map(Some);
        }
        self.skip_value(depth_limit)?;
        Ok(None)
    }

    /// The text of the string at the window's place; `None` for other kinds
    /// of value, for what is no Unicode, and for very long ones.
    pub fn text_or_skip(&mut self, depth_limit: u32) -> Result<Option<String>, Fault> {
        self.hold(TEXT_BYTES);
        let span = self.string_or_skip(depth_limit);
        let text = match &span {
            Ok(Some(span)) => self.slice(span.clone()).and_then(text_of).map(|text| text.into_owned()),
            _ => None,
        };
        self.release();
        span.map(|_| text)
    }

    /// Passes over the value at the window's place.
    pub fn skip_value(&mut self, depth_limit: u32) -> Result<(), Fault> {
        match self.peek()? {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{' | b'[') => self.leave(0, depth_limit),
            Some(_) => self.skip_scalar(),
            None => Err(self.truncated()),
        }
    }

    /// Passes over the rest of the `depth` containers that we are in (or,
    /// for 0, over the one that begins here).
    pub fn leave(&mut self, depth: u32, depth_limit: u32) -> Result<(), Fault> {
        let mut scan = Scan::new(depth, depth_limit);
        loop {
            match scan.advance(self.available()) {
                Step::Closed(length) => {
                    self.consume(length);
                    return Ok(());
                }
                Step::TooDeep => {
                    let detected_at = self.offset();
                    return Err(Fault::Broken {
                        reason: ReadDefectReason::TooDeep(depth_limit),
                        detected_at,
                    });
                }
                Step::Open => self.consume(self.available().len()),
            }
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    /// Passes over a number, a literal, or what stands in the place of one.
    fn skip_scalar(&mut self) -> Result<(), Fault> {
        loop {
            let available = self.available();
            let end = available
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
            let length = end.unwrap_or(available.len());
            self.consume(length);
            if end.is_some() || !self.fill()? {
                return Ok(());
            }
        }
    }

    fn expected(&self, what: &'static str) -> Fault {
        Fault::Broken { reason: ReadDefectReason::Expected(what), detected_at: self.offset() }
    }

    fn truncated(&self) -> Fault {
        Fault::Broken { reason: ReadDefectReason::Truncated, detected_at: self.offset() }
    }
}

/// The text of a JSON string's content; borrowed unless there are escapes.
/// `None` for what Postgres cannot keep: what is no Unicode, and U+0000.
pub(super) fn text_of(content: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    let text = std::str::from_utf8(content).ok()?;
    if !text.contains('\\') {
        return Some(text.into());
    }
    let text: String = serde_json::from_str(&format!("\"{text}\"")).ok()?;
    (!text.contains('\0')).then_some(text.into())
}

/// What a value that should be an object is instead, by its first byte.
pub(super) fn kind_of(byte: u8) -> &'static str {
    match byte {
        b'[' => "an array",
        b'"' => "a string",
        b'-' | b'0'..=b'9' => "a number",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "no JSON",
    }
}
