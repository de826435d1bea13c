//! A *layout* is how a document's values lie on its lines: one a line, or
//! any way at all. It is told by the first line that is not blank, and by how
//! the next ones begin where that line is no JSON by itself.

use super::form::BYTE_ORDER_MARK;
use super::layer::Damage;
use super::scan::{Match, Matcher};
use super::token::Fault;
use super::window::Window;

pub(super) enum Layout {
    /// A line is a bound that no broken value passes.
    Lines,
    /// Values lie across lines.
    Values,
    /// No JSON at all.
    Foreign,
}

impl Layout {
    /// Looks at the first line, where the window stands and which begins with
    /// `byte`, as far as `limit` bytes; the window stays where it is.
    pub fn of(window: &mut Window<'_>, byte: u8, limit: usize) -> Self {
        let begins_value = matches!(byte, b'{' | b'[');
        let start = window.offset();
        window.hold(usize::MAX);
        let layout = match line_end(window, limit) {
            Some(end) => {
                let line = window.slice(start..end).unwrap_or_default().trim_ascii_end();
                let is_complete =
                    begins_value && matches!(Matcher::default().advance(line), Match::Closed(_));
                // Where JSON goes on, a `{` may well begin the next line.
                let may_go_on = begins_value && matches!(line.last(), Some(b'{' | b'[' | b',' | b':'));
                if is_complete || is_one_of_many(window, end, may_go_on, limit) {
                    Self::Lines
                } else if begins_value {
                    Self::Values
                } else {
                    Self::Foreign
                }
            }
            None if begins_value => Self::Lines,
            None => Self::Foreign,
        };
        window.go_to(start);
        window.release();
        layout
    }
}

/// Passes over blanks at the beginning of a document; the line at which the
/// first value stands, from 1, and its first byte, if there is one.
pub(super) fn pass_blank_lines(window: &mut Window<'_>) -> Result<(u64, Option<u8>), Damage> {
    window.want(BYTE_ORDER_MARK.len())?;
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

/// The first byte of the next value, which stays. A byte order mark, as
/// files joined together have in their middle, is passed over.
pub(super) fn next_value(window: &mut Window<'_>) -> Result<Option<u8>, Fault> {
    loop {
        let byte = window.blank()?;
        if byte == Some(BYTE_ORDER_MARK[0]) {
            window.want(BYTE_ORDER_MARK.len())?;
            if window.available().starts_with(BYTE_ORDER_MARK) {
                window.consume(BYTE_ORDER_MARK.len());
                continue;
            }
        }
        return Ok(byte);
    }
}

/// Where the line that we are in ends: before its line feed, or with the
/// stream. `None` when it has more than `limit` bytes or cannot be read to
/// its end. Leaves the window somewhere in the line.
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

/// Passes over the rest of the line, of whatever length, but not its line feed.
pub(super) fn pass_line(window: &mut Window<'_>) -> Result<(), Damage> {
    while window.fill()? {
        if let Some(length) = memchr::memchr(b'\n', window.available()) {
            window.consume(length);
            return Ok(());
        }
        window.consume(window.available().len());
    }
    Ok(())
}

/// Whether the line that ends at `line_end`, and is no JSON by itself, is a
/// broken one of many. If JSON cannot go on after it (`may_go_on` is false),
/// an object on the next line shows that. If it can, that object must be
/// complete and another one, or the end, must follow: in JSON that went on, a
/// comma or a bracket would.
fn is_one_of_many(window: &mut Window<'_>, end: u64, may_go_on: bool, limit: usize) -> bool {
    window.go_to(end);
    if next_line(window) != Some(b'{') {
        return false;
    }
    if !may_go_on {
        return true;
    }
    let start = window.offset();
    let Some(end) = line_end(window, limit) else {
        return false;
    };
    let line = window.slice(start..end).unwrap_or_default().trim_ascii_end();
    if Matcher::default().advance(line) != Match::Closed(line.len()) {
        return false;
    }
    window.go_to(end);
    matches!(next_line(window), Some(b'{') | None)
}

/// The first byte of the next line that is not empty; `None` at the end.
fn next_line(window: &mut Window<'_>) -> Option<u8> {
    for _ in 0..MOST_BLANKS {
        match window.peek() {
            Ok(Some(b'\r' | b'\n')) => window.consume(1),
            Ok(byte) => return byte,
            Err(_) => return None,
        }
    }
    Some(b'\n')
}

/// Whether there is more than blanks behind the value that the window stands
/// behind, and behind the line, if the window is bound to it. Goes back.
pub(super) fn has_more(window: &mut Window<'_>) -> bool {
    let place = window.offset();
    window.hold(usize::MAX);
    let bound = window.set_bound(u64::MAX);
    if bound != u64::MAX {
        window.go_to(bound);
    }
    let mut has_more = true;
    for _ in 0..MOST_BLANKS {
        match window.peek() {
            Ok(Some(b' ' | b'\t' | b'\r' | b'\n')) => window.consume(1),
            Ok(None) => {
                has_more = false;
                break;
            }
            _ => break,
        }
    }
    window.set_bound(bound);
    window.go_to(place);
    window.release();
    has_more
}

/// More blanks than these are as good as something else.
const MOST_BLANKS: usize = 1 << 16;
