//! A *bracket matcher* checks that `{` is closed by `}` and `[` by `]`. It is
//! slower than the scanner and used on values known to be broken, to decide
//! whether what follows them can be trusted.

/// Follows one JSON container to its end, one byte at a time.
#[derive(Debug, Default)]
pub(crate) struct BracketMatcher {
    /// The closing brackets of those that are open, innermost last.
    closing: Vec<u8>,
    is_in_string: bool,
    is_escaping: bool,
}

/// Where a [`BracketMatcher`] is after a chunk of bytes.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum MatchResult {
    /// The container ends after this many bytes, and its brackets match.
    Closed(usize),
    /// The container continues after the chunk.
    Open,
    /// A bracket is closed by one of the other type, or too many are open.
    Mismatch,
}

/// Maximum number of open brackets, which bounds memory.
const MAX_OPEN: usize = 1 << 20;

impl BracketMatcher {
    /// Advances over the next chunk, of any length.
    pub fn advance(&mut self, bytes: &[u8]) -> MatchResult {
        for (index, byte) in bytes.iter().enumerate() {
            if self.is_in_string {
                match byte {
                    _ if self.is_escaping => self.is_escaping = false,
                    b'\\' => self.is_escaping = true,
                    b'"' => self.is_in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.is_in_string = true,
                b'{' | b'[' if self.closing.len() == MAX_OPEN => return MatchResult::Mismatch,
                b'{' | b'[' => self.closing.push(byte + 2),
                b'}' | b']' => {
                    if self.closing.pop() != Some(*byte) {
                        return MatchResult::Mismatch;
                    }
                    if self.closing.is_empty() {
                        return MatchResult::Closed(index + 1);
                    }
                }
                _ => {}
            }
        }
        MatchResult::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_must_match_their_type() {
        let matched = |text: &str| BracketMatcher::default().advance(text.as_bytes());
        assert_eq!(matched(r#"{"a":["]}"]},"#), MatchResult::Closed(12));
        assert_eq!(matched(r#"{"a":[}]"#), MatchResult::Mismatch);
        assert_eq!(matched(r#"{"a":{"#), MatchResult::Open);
        assert_eq!(matched(r#"{"a":"\""#), MatchResult::Open);
    }
}
