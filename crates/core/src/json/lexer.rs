//! The lexer: where a token of JSON ends. It checks strings and numbers against
//! RFC 8259 and converts nothing.

use super::bracket_scanner::{BracketScanner, ScanResult};
use super::error::{JsonErrorKind, MAX_DEPTH};
use super::simd::Lanes;

/// A position in a text.
pub(super) struct Lexer<'t> {
    pub bytes: &'t [u8],
    /// The offset of the next byte to read.
    pub position: usize,
}

impl Lexer<'_> {
    /// The next byte.
    #[inline]
    pub fn peek(&self) -> Result<u8, JsonErrorKind> {
        self.bytes.get(self.position).copied().ok_or(JsonErrorKind::Truncated)
    }

    /// Moves behind a value without checking it.
    pub fn skip_value(&mut self) -> Result<(), JsonErrorKind> {
        match self.peek()? {
            b'"' => {
                let (end, _) = self.skip_string(self.position + 1)?;
                self.position = end + 1;
            }
            b'{' | b'[' => {
                let mut scanner = BracketScanner::new(0, MAX_DEPTH as u32);
                match scanner.advance(&self.bytes[self.position..]) {
                    ScanResult::Closed(length) => self.position += length,
                    ScanResult::Open => return Err(JsonErrorKind::Truncated),
                    ScanResult::TooDeep => return Err(JsonErrorKind::TooDeep),
                }
            }
            _ => {
                let is_part =
                    |byte: &&u8| !matches!(**byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
                let length = self.bytes[self.position..].iter().take_while(is_part).count();
                if length == 0 {
                    return Err(JsonErrorKind::ExpectedValue);
                }
                self.position += length;
            }
        }
        Ok(())
    }

    /// Moves to the next byte that is not white space.
    #[inline(always)]
    pub fn skip_white_space(&mut self) {
        // Between tokens, any byte up to a space is white space or an error.
        if self.bytes.get(self.position).is_some_and(|byte| *byte <= b' ') {
            self.skip_long_white_space();
        }
    }

    /// Pretty-printed JSON has a line break followed by many spaces.
    fn skip_long_white_space(&mut self) {
        if self.bytes[self.position] == b'\n' {
            self.position += 1;
        }
        while let Some(chunk) = self.bytes.get(self.position..).and_then(|rest| rest.first_chunk()) {
            let spaces = Lanes::of(chunk).equal(b' ').trailing_ones() as usize;
            self.position += spaces;
            if spaces < 16 {
                break;
            }
        }
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.position) {
            self.position += 1;
        }
    }

    /// Reads a string whose first byte after the opening quote is at `start`.
    /// Returns the offset of the closing quote, and whether the string has an
    /// escape sequence.
    #[inline(always)]
    pub fn skip_string(&mut self, start: usize) -> Result<(usize, bool), JsonErrorKind> {
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

    /// `position` is that of the byte after the backslash; returns the offset
    /// after the escape sequence.
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

    /// Reads a number, and returns whether it has an exponent.
    #[inline]
    pub fn skip_number(&mut self) -> Result<bool, JsonErrorKind> {
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
        // `01` and `1x` would otherwise be taken for two adjacent values.
        match self.bytes.get(self.position) {
            Some(byte) if byte.is_ascii_alphanumeric() => Err(JsonErrorKind::InvalidNumber),
            _ => Ok(has_exponent),
        }
    }

    #[inline]
    fn skip_digits(&mut self) -> Result<(), JsonErrorKind> {
        let start = self.position;
        while let Some(b'0'..=b'9') = self.bytes.get(self.position) {
            self.position += 1;
        }
        if self.position == start { Err(JsonErrorKind::InvalidNumber) } else { Ok(()) }
    }
}

/// The offset of the next quote, backslash or control character, or of the end.
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
