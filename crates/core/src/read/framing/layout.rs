//! A *layout* is how a document's values are arranged: one per line, or
//! regardless of lines. It is detected from the first line that is not blank
//! and, where that line is not JSON by itself, from how the next lines start.

use super::not_json::BYTE_ORDER_MARK;
use super::token::TokenError;
use super::window::Window;
use crate::json::{BracketMatcher, MatchResult};
use crate::read::container::StreamError;

/// More whitespace than this counts as content.
const MAX_WHITESPACE: usize = 1 << 16;

pub(super) enum Layout {
    /// One value per line: a broken value ends with its line.
    Lines,
    /// Values span lines.
    Values,
    /// Not JSON.
    NotJson,
}

impl Layout {
    /// Detects the layout from the first line, which starts with `byte` at the
    /// window's position. Looks at no more than `limit` bytes of a line and
    /// does not move the window.
    pub fn detect(window: &mut Window<'_>, byte: u8, limit: usize) -> Self {
        let starts_value = matches!(byte, b'{' | b'[');
        let start = window.offset();
        window.hold(usize::MAX);
        let layout = match line_end(window, limit) {
            Some(end) => {
                let line = window.slice(start..end).unwrap_or_default().trim_ascii_end();
                let is_complete =
                    starts_value && matches!(BracketMatcher::default().advance(line), MatchResult::Closed(_));
                // Where JSON can continue, the next line may well start with `{`.
                let may_continue = starts_value && matches!(line.last(), Some(b'{' | b'[' | b',' | b':'));
                if is_complete || is_one_of_many(window, end, may_continue, limit) {
                    Self::Lines
                } else if starts_value {
                    Self::Values
                } else {
                    Self::NotJson
                }
            }
            None if starts_value => Self::Lines,
            None => Self::NotJson,
        };
        window.go_to(start);
        window.release();
        layout
    }
}

/// Whether the line that ends at `end`, and is not JSON by itself, is a broken
/// line of NDJSON. If JSON cannot continue after it (`may_continue` is false),
/// an object on the next line is proof. If it can, that object must be complete
/// and be followed by another one or by the end: within a JSON value, a comma
/// or a bracket would follow.
fn is_one_of_many(window: &mut Window<'_>, end: u64, may_continue: bool, limit: usize) -> bool {
    window.go_to(end);
    if next_line(window) != Some(b'{') {
        return false;
    }
    if !may_continue {
        return true;
    }
    let start = window.offset();
    let Some(end) = line_end(window, limit) else {
        return false;
    };
    let line = window.slice(start..end).unwrap_or_default().trim_ascii_end();
    if BracketMatcher::default().advance(line) != MatchResult::Closed(line.len()) {
        return false;
    }
    window.go_to(end);
    matches!(next_line(window), Some(b'{') | None)
}

/// The first byte of the next line that is not empty; `None` at the end.
fn next_line(window: &mut Window<'_>) -> Option<u8> {
    for _ in 0..MAX_WHITESPACE {
        match window.peek() {
            Ok(Some(b'\r' | b'\n')) => window.consume(1),
            Ok(byte) => return byte,
            Err(_) => return None,
        }
    }
    Some(b'\n')
}

/// Whether only whitespace follows the value before the window's position, on
/// the lines after it too. Does not move the window.
pub(super) fn is_last_value(window: &mut Window<'_>) -> bool {
    let start = window.offset();
    window.hold(usize::MAX);
    let bound = window.set_bound(u64::MAX);
    if bound != u64::MAX {
        window.go_to(bound);
    }
    let mut is_last = false;
    for _ in 0..MAX_WHITESPACE {
        match window.peek() {
            Ok(Some(b' ' | b'\t' | b'\r' | b'\n')) => window.consume(1),
            Ok(None) => {
                is_last = true;
                break;
            }
            _ => break,
        }
    }
    window.set_bound(bound);
    window.go_to(start);
    window.release();
    is_last
}

/// Skips whitespace at the start of a document. Returns the line of the first
/// value, from 1, and its first byte, if there is one.
pub(super) fn skip_blank_lines(window: &mut Window<'_>) -> Result<(u64, Option<u8>), StreamError> {
    window.ensure(BYTE_ORDER_MARK.len())?;
    if window.available().starts_with(BYTE_ORDER_MARK) {
        window.consume(BYTE_ORDER_MARK.len());
    }
    let mut line = 1;
    while window.fill()? {
        let available = window.available();
        let blanks = available.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
        line += memchr::memchr_iter(b'\n', &available[..blanks]).count() as u64;
        let byte = available.get(blanks).copied();
        window.consume(blanks);
        if byte.is_some() {
            return Ok((line, byte));
        }
    }
    Ok((line, None))
}

/// Moves to the next value and returns its first byte. Skips byte order marks,
/// which concatenated files have in the middle.
pub(super) fn next_value(window: &mut Window<'_>) -> Result<Option<u8>, TokenError> {
    loop {
        let byte = window.skip_whitespace()?;
        if byte == Some(BYTE_ORDER_MARK[0]) {
            window.ensure(BYTE_ORDER_MARK.len())?;
            if window.available().starts_with(BYTE_ORDER_MARK) {
                window.consume(BYTE_ORDER_MARK.len());
                continue;
            }
        }
        return Ok(byte);
    }
}

/// Where the current line ends: before its line feed, or at the end of the
/// stream. `None` when it has more than `limit` bytes or cannot be read to its
/// end. Leaves the window somewhere in the line.
pub(super) fn line_end(window: &mut Window<'_>, limit: usize) -> Option<u64> {
    let start = window.offset();
    loop {
        if let Some(length) = memchr::memchr(b'\n', window.available()) {
            let end = window.offset() + length as u64;
            return (end - start <= limit as u64).then_some(end);
        }
        window.consume(window.available().len());
        if window.offset() - start > limit as u64 {
            return None;
        }
        match window.fill() {
            Ok(true) => {}
            Ok(false) => return Some(window.offset()),
            Err(_) => return None,
        }
    }
}

/// Skips the rest of the line, whatever its length, but not its line feed.
pub(super) fn skip_line(window: &mut Window<'_>) -> Result<(), StreamError> {
    while window.fill()? {
        if let Some(length) = memchr::memchr(b'\n', window.available()) {
            window.consume(length);
            return Ok(());
        }
        window.consume(window.available().len());
    }
    Ok(())
}
