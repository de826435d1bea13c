//! Finding where JSON values end, by brackets and quotes alone.

use memchr::memchr2;

/// Follows one value through its bytes, however they are cut.
#[derive(Clone, Debug, Default)]
pub(super) struct ValueScanner {
    depth: usize,
    is_in_string: bool,
    is_escaped: bool,
    is_begun: bool,
    is_scalar: bool,
}

/// What the scanner knows after some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// The value goes on.
    More,
    /// It ends after that many of the bytes.
    End(usize),
    /// A bracket closes that nothing opened.
    Unbalanced,
}

/// Bytes that matter outside of strings.
const IS_STRUCTURAL: [bool; 256] = {
    let mut table = [false; 256];
    table[b'"' as usize] = true;
    table[b'{' as usize] = true;
    table[b'}' as usize] = true;
    table[b'[' as usize] = true;
    table[b']' as usize] = true;
    table
};

impl ValueScanner {
    /// Goes on with the next bytes. The first one must begin the value.
    pub fn feed(&mut self, bytes: &[u8]) -> Scan {
        let mut at = 0;
        if !self.is_begun {
            let Some(&first) = bytes.first() else { return Scan::More };
            self.is_begun = true;
            self.is_scalar = !matches!(first, b'"' | b'{' | b'[');
        }
        if self.is_scalar {
            return match bytes
                .iter()
                .position(|byte| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t'))
            {
                Some(end) => Scan::End(end),
                None => Scan::More,
            };
        }
        loop {
            if self.is_in_string {
                if self.is_escaped {
                    if at >= bytes.len() {
                        return Scan::More;
                    }
                    at += 1;
                    self.is_escaped = false;
                }
                let Some(found) = memchr2(b'"', b'\\', &bytes[at..]) else { return Scan::More };
                at += found + 1;
                if bytes[at - 1] == b'\\' {
                    self.is_escaped = true;
                    continue;
                }
                self.is_in_string = false;
                if self.depth == 0 {
                    return Scan::End(at);
                }
            }
            let Some(found) = bytes[at..].iter().position(|&byte| IS_STRUCTURAL[byte as usize]) else {
                return Scan::More;
            };
            at += found + 1;
            match bytes[at - 1] {
                b'"' => self.is_in_string = true,
                b'{' | b'[' => self.depth += 1,
                _ if self.depth == 0 => return Scan::Unbalanced,
                _ => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Scan::End(at);
                    }
                }
            }
        }
    }

    /// Whether the bytes so far, if they are all, are a whole scalar.
    pub fn is_whole_at_end(&self) -> bool {
        self.is_scalar
    }
}

/// JSON's blanks.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

/// The offset of the first byte that is no blank, from `at` on.
pub(super) fn skip_blanks(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|&byte| !is_blank(byte)).unwrap_or(rest.len())
}

/// The end of the value that begins at `at`.
pub(super) fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut scanner = ValueScanner::default();
    match scanner.feed(bytes.get(at..)?) {
        Scan::End(length) => Some(at + length),
        Scan::More if scanner.is_whole_at_end() && at < bytes.len() => Some(bytes.len()),
        _ => None,
    }
}

/// The members of an object: name as written, and where the value stands.
pub(super) struct ObjectMembers<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// The members of the object that begins at `bytes[0]`; none if it is none.
/// Ends early where the bytes are no object.
pub(super) fn members(bytes: &[u8]) -> ObjectMembers<'_> {
    let at = if bytes.first() == Some(&b'{') { 1 } else { bytes.len() };
    ObjectMembers { bytes, at }
}

impl<'b> Iterator for ObjectMembers<'b> {
    type Item = (&'b [u8], std::ops::Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let mut at = skip_blanks(self.bytes, self.at);
        if self.bytes.get(at) == Some(&b',') {
            at = skip_blanks(self.bytes, at + 1);
        }
        if self.bytes.get(at) != Some(&b'"') {
            return None;
        }
        let name_end = value_end(self.bytes, at)?;
        let colon = skip_blanks(self.bytes, name_end);
        if self.bytes.get(colon) != Some(&b':') {
            return None;
        }
        let start = skip_blanks(self.bytes, colon + 1);
        let end = value_end(self.bytes, start)?;
        self.at = end;
        Some((&self.bytes[at + 1..name_end - 1], start..end))
    }
}

/// A string's characters, if `bytes` are a string without escapes.
pub(super) fn plain_string(bytes: &[u8]) -> Option<&str> {
    let inner = bytes.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    if inner.contains(&b'\\') {
        return None;
    }
    std::str::from_utf8(inner).ok()
}

/// The offsets of the items of the array that begins at `bytes[0]`.
pub(super) fn items(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut items = Vec::new();
    if bytes.first() != Some(&b'[') {
        return items;
    }
    let mut at = skip_blanks(bytes, 1);
    while !matches!(bytes.get(at), None | Some(b']')) {
        let Some(end) = value_end(bytes, at) else { break };
        items.push(at..end);
        at = skip_blanks(bytes, end);
        if bytes.get(at) == Some(&b',') {
            at = skip_blanks(bytes, at + 1);
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_value_ends_where_its_brackets_close_however_it_is_cut() {
        for (text, end) in [
            (r#"{"a":"}\"]","b":[{}]} x"#, Some(21)),
            (r#""a\\" ,"#, Some(5)),
            ("[[],[]]]", Some(7)),
            ("12,", Some(2)),
            ("{\"a\":1", None),
            ("\"abc", None),
        ] {
            for step in [1, 2, 7, 100] {
                let mut scanner = ValueScanner::default();
                let mut fed = 0;
                let mut found = None;
                for chunk in text.as_bytes().chunks(step) {
                    if let Scan::End(length) = scanner.feed(chunk) {
                        found = Some(fed + length);
                        break;
                    }
                    fed += chunk.len();
                }
                assert_eq!(found, end, "{text} by {step}");
            }
        }
    }

    #[test]
    fn members_are_names_and_where_their_values_stand() {
        let text = br#"{ "a" : [1, 2] , "b":{"c":"}"},"d":true }"#;
        let found: Vec<(&[u8], &[u8])> = members(text).map(|(name, at)| (name, &text[at])).collect();
        assert_eq!(found, [(&b"a"[..], &b"[1, 2]"[..]), (b"b", br#"{"c":"}"}"#), (b"d", b"true")]);
    }
}
