//! Undoing the escape sequences of strings.

/// The text of a string that the lexer has accepted, escape sequences undone.
pub(super) fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let escape = rest.as_bytes()[backslash + 1];
        rest = &rest[backslash + 2..];
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => rest = unescape_unicode(rest, &mut text),
            itself => text.push(itself as char),
        }
    }
    text.push_str(rest);
    text
}

fn unescape_unicode<'t>(rest: &'t str, text: &mut String) -> &'t str {
    let unit = |at: usize| u32::from_str_radix(&rest[at..at + 4], 16).unwrap_or(0xFFFD);
    let high = unit(0);
    let (character, length) = match high {
        0xD800..=0xDBFF => (0x10000 + ((high - 0xD800) << 10) + (unit(6) - 0xDC00), 10),
        _ => (high, 4),
    };
    text.push(char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER));
    &rest[length..]
}
