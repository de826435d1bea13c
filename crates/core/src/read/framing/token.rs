//! A *token* here is a property name, a string, or a whole value that is
//! skipped: just enough of JSON's grammar to walk along the properties of a
//! Bundle and of its entries.
//!
//! Commas are neither required nor counted: a trailing comma after the last
//! entry should not cost a whole file. Inside resources, where commas matter,
//! the parser of the frame checks them.

use std::borrow::Cow;

use memchr::memchr;

use super::window::{ByteRange, Window};
use crate::fhir::trimmed;
use crate::json::{BracketScanner, ScanResult};
use crate::read::container::StreamError;
use crate::read::defect::ReadDefectReason;

/// Why walking along tokens cannot continue.
#[derive(Clone, Debug)]
pub(super) enum TokenError {
    /// The stream cannot be read further.
    Stream(StreamError),
    /// The bytes at this offset are not JSON.
    Syntax { reason: ReadDefectReason, detected_at: u64 },
}

impl From<StreamError> for TokenError {
    fn from(error: StreamError) -> Self {
        Self::Stream(error)
    }
}

/// The property names that framing acts on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum PropertyName {
    Entry,
    ErrorOrDeleted,
    EventId,
    ExportId,
    Extension,
    FullUrl,
    Id,
    IfNoneExist,
    LastModified,
    LastUpdated,
    Link,
    Location,
    Meta,
    Method,
    Other,
    Output,
    Parameter,
    Part,
    Request,
    RequiresAccessToken,
    Resource,
    ResourceType,
    Response,
    Search,
    Submission,
    Timestamp,
    TransactionTime,
    Type,
    Url,
}

impl PropertyName {
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            b"entry" => Self::Entry,
            b"eventId" => Self::EventId,
            b"exportId" => Self::ExportId,
            b"extension" | b"modifierExtension" => Self::Extension,
            b"fullUrl" => Self::FullUrl,
            b"id" => Self::Id,
            b"ifNoneExist" => Self::IfNoneExist,
            b"lastModified" => Self::LastModified,
            b"lastUpdated" => Self::LastUpdated,
            b"link" => Self::Link,
            b"location" => Self::Location,
            b"meta" => Self::Meta,
            b"method" => Self::Method,
            b"output" => Self::Output,
            b"parameter" => Self::Parameter,
            b"part" => Self::Part,
            b"requiresAccessToken" => Self::RequiresAccessToken,
            b"submissionId" | b"submissionStatus" => Self::Submission,
            b"deleted" | b"error" => Self::ErrorOrDeleted,
            b"request" => Self::Request,
            b"resource" => Self::Resource,
            b"resourceType" => Self::ResourceType,
            b"response" => Self::Response,
            b"search" => Self::Search,
            b"timestamp" => Self::Timestamp,
            b"transactionTime" => Self::TransactionTime,
            b"type" => Self::Type,
            b"url" => Self::Url,
            _ => Self::Other,
        }
    }
}

/// Longest name or short text that is kept; longer ones are skipped.
const TEXT_BYTES: usize = 16 << 10;

impl Window<'_> {
    /// Skips whitespace and returns the byte after it, without consuming it.
    #[inline]
    pub fn skip_whitespace(&mut self) -> Result<Option<u8>, StreamError> {
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

    /// Whether a container with these brackets that has something in it starts here.
    pub fn starts_filled(&mut self, open: u8, close: u8) -> Result<bool, StreamError> {
        self.ensure(TEXT_BYTES)?;
        let Some(rest) = self.available().strip_prefix(&[open]) else { return Ok(false) };
        Ok(!rest.trim_ascii_start().starts_with(&[close]))
    }

    /// Moves to the value of the next property of the current object and
    /// returns the property's name; `None` after the closing brace.
    pub fn next_property(&mut self) -> Result<Option<PropertyName>, TokenError> {
        loop {
            match self.skip_whitespace()? {
                Some(b'"') => break,
                Some(b',') => self.consume(1),
                Some(b'}') => {
                    self.consume(1);
                    return Ok(None);
                }
                Some(_) => return Err(self.expected("a property name or `}`")),
                None => return Err(self.truncated()),
            }
        }
        let name = self.property_name()?;
        match self.skip_whitespace()? {
            Some(b':') => self.consume(1),
            Some(_) => return Err(self.expected("`:`")),
            None => return Err(self.truncated()),
        }
        match self.skip_whitespace()? {
            Some(b',' | b'}' | b']' | b':') => Err(self.expected("a value")),
            Some(_) => Ok(Some(name)),
            None => Err(self.truncated()),
        }
    }

    /// Moves to the next element of the current array and returns its first
    /// byte; `None` after the closing bracket.
    pub fn next_element(&mut self) -> Result<Option<u8>, TokenError> {
        loop {
            match self.skip_whitespace()? {
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

    /// Reads the property name at the window's position.
    #[inline]
    fn property_name(&mut self) -> Result<PropertyName, TokenError> {
        // Fast path: nearly every name is short and in memory.
        let available = self.available();
        let short = &available[1..available.len().min(32)];
        if let Some(length) = short.iter().position(|byte| matches!(byte, b'"' | b'\\'))
            && short[length] == b'"'
        {
            let name = PropertyName::of(&short[..length]);
            self.consume(length + 2);
            return Ok(name);
        }
        self.hold(TEXT_BYTES);
        let range = self.string();
        let name = range.map(|range| match self.slice(range).and_then(decode_string) {
            Some(name) => PropertyName::of(name.as_bytes()),
            None => PropertyName::Other,
        });
        self.release();
        name
    }

    /// Skips the string at the window's position. Returns where its content
    /// is, without the quotes and with its escapes.
    pub fn string(&mut self) -> Result<ByteRange, TokenError> {
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

    /// Like [`Window::string`]; of a list, its first string. A value of another
    /// type is skipped and gives `None`.
    pub fn string_or_skip(&mut self, depth_limit: u32) -> Result<Option<ByteRange>, TokenError> {
        self.first_or_skip(b'"', depth_limit, Self::string)
    }

    /// Reads the value at the window's position if it starts with `byte`; of a
    /// list, the first item that does. Skips everything else of the value.
    pub fn first_or_skip<T>(
        &mut self,
        byte: u8,
        depth_limit: u32,
        read: impl FnOnce(&mut Self) -> Result<T, TokenError>,
    ) -> Result<Option<T>, TokenError> {
        match self.peek()? {
            Some(first) if first == byte => return read(self).map(Some),
            Some(b'[') => self.consume(1),
            _ => return self.skip_value(depth_limit).map(|()| None),
        }
        let mut read = Some(read);
        let mut found = None;
        while let Some(first) = self.next_element()? {
            match read.take_if(|_| first == byte) {
                Some(read) => found = Some(read(self)?),
                None => self.skip_value(depth_limit)?,
            }
        }
        Ok(found)
    }

    /// Reads the text of the string at the window's position; `None` for a
    /// value of another type, for invalid Unicode, and for a very long string.
    pub fn text_or_skip(&mut self, depth_limit: u32) -> Result<Option<String>, TokenError> {
        self.hold(TEXT_BYTES);
        let range = self.string_or_skip(depth_limit);
        let text = match &range {
            Ok(Some(range)) => {
                self.slice(range.clone()).and_then(decode_string).map(|text| text.into_owned())
            }
            _ => None,
        };
        self.release();
        range.map(|_| text)
    }

    /// Like [`Window::text_or_skip`], without blanks around it.
    pub fn name_or_skip(&mut self, depth_limit: u32) -> Result<Option<String>, TokenError> {
        let text = self.text_or_skip(depth_limit)?;
        Ok(text.map(|text| match trimmed(&text) {
            name if name.len() == text.len() => text,
            name => name.to_owned(),
        }))
    }

    /// Skips the value at the window's position.
    pub fn skip_value(&mut self, depth_limit: u32) -> Result<(), TokenError> {
        match self.peek()? {
            Some(b'"') => self.string().map(|_| ()),
            Some(b'{' | b'[') => self.skip_containers(0, depth_limit),
            Some(_) => self.skip_scalar(),
            None => Err(self.truncated()),
        }
    }

    /// Skips the rest of the `depth` innermost containers, or for 0 the one
    /// that starts here.
    pub fn skip_containers(&mut self, depth: u32, depth_limit: u32) -> Result<(), TokenError> {
        let mut scanner = BracketScanner::new(depth, depth_limit);
        loop {
            match scanner.advance(self.available()) {
                ScanResult::Closed(length) => {
                    self.consume(length);
                    return Ok(());
                }
                ScanResult::TooDeep => {
                    let detected_at = self.offset();
                    return Err(TokenError::Syntax {
                        reason: ReadDefectReason::TooDeep(depth_limit),
                        detected_at,
                    });
                }
                ScanResult::Open => self.consume(self.available().len()),
            }
            if !self.fill()? {
                return Err(self.truncated());
            }
        }
    }

    /// Skips a number, a literal, or whatever is in the place of one.
    fn skip_scalar(&mut self) -> Result<(), TokenError> {
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

    fn expected(&self, what: &'static str) -> TokenError {
        TokenError::Syntax { reason: ReadDefectReason::Expected(what), detected_at: self.offset() }
    }

    fn truncated(&self) -> TokenError {
        TokenError::Syntax { reason: ReadDefectReason::Truncated, detected_at: self.offset() }
    }
}

/// Decodes the content of a JSON string; borrowed unless there are escapes.
/// `None` for what Postgres cannot store: invalid Unicode and U+0000.
pub(super) fn decode_string(content: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(content).ok()?;
    if memchr(b'\\', content).is_none() {
        return Some(text.into());
    }
    let text: String = serde_json::from_str(&format!("\"{text}\"")).ok()?;
    (!text.contains('\0')).then_some(text.into())
}

/// Describes the type of a value that should be an object, by its first byte.
pub(super) fn describe_value(byte: u8) -> &'static str {
    match byte {
        b'[' => "an array",
        b'"' => "a string",
        b'-' | b'0'..=b'9' => "a number",
        b't' | b'f' => "a boolean",
        b'n' => "null",
        _ => "something other than JSON",
    }
}
