//! A *bracket scanner* finds the end of a JSON container by following quotes
//! and brackets, 64 bytes at a time. It knows nothing else of JSON's grammar.
//!
//! Each block is reduced to four 64-bit masks: quotes, backslashes, opening and
//! closing brackets. A prefix XOR over the unescaped quotes marks the bytes in
//! strings. Brackets outside of strings are counted per block, and visited one
//! by one only where the depth could reach zero. The method is simdjson's:
//! Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
//! <https://arxiv.org/abs/1902.08318>.

use super::simd::{self, Block, Task};

/// The state between two chunks of bytes.
#[derive(Clone, Debug)]
pub(crate) struct BracketScanner {
    /// Number of open brackets.
    depth: u32,
    /// Maximum number of open brackets.
    depth_limit: u32,
    is_in_string: bool,
    /// The last byte was a backslash that escapes the next.
    is_escaping: bool,
}

/// Where a [`BracketScanner`] is after a chunk of bytes.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum ScanResult {
    /// All brackets are closed after this many bytes.
    Closed(usize),
    /// Some brackets are still open after the chunk.
    Open,
    /// More brackets are open than the limit allows.
    TooDeep,
}

const BLOCK: usize = 64;

/// One bit per byte of a block, the first byte in the lowest bit: whether the
/// byte is a quote, a backslash, an opening or a closing bracket.
struct Masks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

/// [`BracketScanner::advance`], compiled for every type of block.
struct Advance<'s> {
    scanner: &'s mut BracketScanner,
    bytes: &'s [u8],
}

impl Task for Advance<'_> {
    type Output = ScanResult;

    #[inline(always)]
    fn run<B: Block>(self) -> ScanResult {
        self.scanner.blocks::<B>(self.bytes)
    }
}

impl BracketScanner {
    /// Starts inside `depth` open brackets, outside of a string.
    pub fn new(depth: u32, depth_limit: u32) -> Self {
        Self { depth, depth_limit, is_in_string: false, is_escaping: false }
    }

    /// Advances over the next chunk, of any length.
    pub fn advance(&mut self, bytes: &[u8]) -> ScanResult {
        simd::run(Advance { scanner: self, bytes })
    }

    #[inline(always)]
    fn blocks<B: Block>(&mut self, bytes: &[u8]) -> ScanResult {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            match self.block::<B>(block, BLOCK) {
                ScanResult::Closed(length) => return ScanResult::Closed(index * BLOCK + length),
                ScanResult::TooDeep => return ScanResult::TooDeep,
                ScanResult::Open => {}
            }
        }
        if tail.is_empty() {
            return ScanResult::Open;
        }
        let mut padded = [b' '; BLOCK];
        padded[..tail.len()].copy_from_slice(tail);
        match self.block::<B>(&padded, tail.len()) {
            ScanResult::Closed(length) => ScanResult::Closed(blocks.len() * BLOCK + length),
            other => other,
        }
    }

    /// Advances over one block, whose bytes after the first `length` are padding.
    #[inline(always)]
    fn block<B: Block>(&mut self, block: &[u8; BLOCK], length: usize) -> ScanResult {
        let masks = Masks::of::<B>(block);
        let mut quote = masks.quote;
        if masks.backslash != 0 || self.is_escaping {
            quote &= !self.escaped(masks.backslash, length);
        }
        let in_string = prefix_xor(quote) ^ if self.is_in_string { u64::MAX } else { 0 };
        self.is_in_string = in_string >> (BLOCK - 1) != 0;
        let open = masks.open & !in_string;
        let close = masks.close & !in_string;
        if open | close == 0 {
            return ScanResult::Open;
        }
        if close.count_ones() < self.depth && self.depth + open.count_ones() <= self.depth_limit {
            self.depth = self.depth + open.count_ones() - close.count_ones();
            return ScanResult::Open;
        }
        self.count_brackets(open, close)
    }

    /// The bytes that are escaped by a backslash before them.
    #[inline(always)]
    fn escaped(&mut self, backslash: u64, length: usize) -> u64 {
        let mut escaped = u64::from(self.is_escaping);
        let mut pending = backslash & !escaped;
        self.is_escaping = false;
        while pending != 0 {
            let index = pending.trailing_zeros() as usize;
            if index + 1 >= length {
                self.is_escaping = true;
                break;
            }
            escaped |= 2 << index;
            pending &= !(3 << index);
        }
        escaped
    }

    /// Counts the brackets of a block one by one.
    fn count_brackets(&mut self, open: u64, close: u64) -> ScanResult {
        let mut brackets = open | close;
        while brackets != 0 {
            let index = brackets.trailing_zeros();
            brackets &= brackets - 1;
            if open >> index & 1 != 0 {
                if self.depth >= self.depth_limit {
                    return ScanResult::TooDeep;
                }
                self.depth += 1;
                continue;
            }
            self.depth = self.depth.saturating_sub(1);
            if self.depth == 0 {
                return ScanResult::Closed(index as usize + 1);
            }
        }
        ScanResult::Open
    }
}

/// Bit n of the result is the XOR of bits 0 to n.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    bits ^= bits << 1;
    bits ^= bits << 2;
    bits ^= bits << 4;
    bits ^= bits << 8;
    bits ^= bits << 16;
    bits ^= bits << 32;
    bits
}

impl Masks {
    #[inline(always)]
    fn of<B: Block>(bytes: &[u8; BLOCK]) -> Self {
        let block = B::of(bytes);
        // `[` and `{`, `]` and `}` differ in one bit, which is set here.
        let folded = block.with_bits(0x20);
        Self {
            quote: block.equal(b'"'),
            backslash: block.equal(b'\\'),
            open: folded.equal(b'{'),
            close: folded.equal(b'}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{BracketMatcher, MatchResult};
    use proptest::prelude::*;

    fn end_of(text: &str, step: usize) -> ScanResult {
        let mut scanner = BracketScanner::new(0, 512);
        let mut offset = 0;
        for chunk in text.as_bytes().chunks(step) {
            match scanner.advance(chunk) {
                ScanResult::Closed(length) => return ScanResult::Closed(offset + length),
                ScanResult::TooDeep => return ScanResult::TooDeep,
                ScanResult::Open => offset += chunk.len(),
            }
        }
        ScanResult::Open
    }

    #[test]
    fn a_container_ends_where_its_brackets_are_closed() {
        let long = format!("{{\"a\":\"{}\"}}x", "}".repeat(200));
        let cases = [
            ("{}", ScanResult::Closed(2)),
            ("[]{}", ScanResult::Closed(2)),
            (r#"{"a":"}"},"#, ScanResult::Closed(9)),
            (r#"{"a":"\""}}"#, ScanResult::Closed(10)),
            (r#"{"a":"\\"}}"#, ScanResult::Closed(10)),
            (r#"{"a":"\\\"}"}}"#, ScanResult::Closed(13)),
            (r#"{"a":[{"b":[]}]}"#, ScanResult::Closed(16)),
            (r#"{"a":"}"#, ScanResult::Open),
            (r#"{"a":{}"#, ScanResult::Open),
            (long.as_str(), ScanResult::Closed(208)),
        ];
        for (text, expected) in cases {
            for step in [1, 2, 7, 63, 64, 65, 1000] {
                assert_eq!(end_of(text, step), expected, "{text} in steps of {step}");
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(end_of(&"[".repeat(512), 64), ScanResult::Open);
        assert_eq!(end_of(&"[".repeat(513), 64), ScanResult::TooDeep);
        let mixed = format!("{}{}", "[".repeat(512), "]".repeat(512));
        assert_eq!(end_of(&mixed, 7), ScanResult::Closed(1024));
    }

    proptest! {
        #[test]
        fn the_scanner_ends_where_the_matcher_does(text in r#"\{(\{\}|\[\]|"([a-z{}\[\]]|\\.)*"| ){0,40}\}.{0,9}"#, step in 1usize..80) {
            let slow = match BracketMatcher::default().advance(text.as_bytes()) {
                MatchResult::Closed(length) => ScanResult::Closed(length),
                MatchResult::Open | MatchResult::Mismatch => ScanResult::Open,
            };
            prop_assert_eq!(end_of(&text, step), slow);
        }
    }
}
