//! A *scan* follows quotes and brackets through bytes, 64 at a time, to find
//! where a JSON container ends. It knows nothing of JSON's grammar.
//!
//! Each block becomes four masks of 64 bits: quotes, backslashes, opening and
//! closing brackets. A prefix XOR over the quotes that no backslash escapes
//! tells which bytes lie in strings; brackets elsewhere are counted, and only
//! where the depth could reach zero are they looked at one by one. (The way
//! of simdjson: Langdale and Lemire, "Parsing Gigabytes of JSON per Second",
//! <https://arxiv.org/abs/1902.08318>.)

use crate::json::simd::{self, Block, Task};

/// The state of a scan between two stretches of bytes.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Brackets that are open.
    depth: u32,
    /// How many may be.
    depth_limit: u32,
    is_in_string: bool,
    /// The last byte was a backslash that escapes the next.
    is_escaping: bool,
}

/// What a stretch of bytes brought.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// All brackets are closed after so many bytes.
    Closed(usize),
    /// The stretch is used up; some brackets are still open.
    Open,
    /// There are more brackets open than may be.
    TooDeep,
}

const BLOCK: usize = 64;

/// For each byte of a block whether it is a quote, and so on; the first byte
/// is the lowest bit.
struct Masks {
    quote: u64,
    backslash: u64,
    open: u64,
    close: u64,
}

/// [`Scan::advance`], for each sort of block.
struct Advance<'s> {
    scan: &'s mut Scan,
    bytes: &'s [u8],
}

impl Task for Advance<'_> {
    type Output = Step;

    #[inline(always)]
    fn run<B: Block>(self) -> Step {
        self.scan.blocks::<B>(self.bytes)
    }
}

impl Scan {
    /// A scan that begins inside `depth` open brackets, not in a string.
    pub fn new(depth: u32, depth_limit: u32) -> Self {
        Self { depth, depth_limit, is_in_string: false, is_escaping: false }
    }

    /// Goes over the next stretch, of any length.
    pub fn advance(&mut self, bytes: &[u8]) -> Step {
        simd::run(Advance { scan: self, bytes })
    }

    #[inline(always)]
    fn blocks<B: Block>(&mut self, bytes: &[u8]) -> Step {
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        for (index, block) in blocks.iter().enumerate() {
            match self.block::<B>(block, BLOCK) {
                Step::Closed(length) => return Step::Closed(index * BLOCK + length),
                Step::TooDeep => return Step::TooDeep,
                Step::Open => {}
            }
        }
        if tail.is_empty() {
            return Step::Open;
        }
        let mut padded = [b' '; BLOCK];
        padded[..tail.len()].copy_from_slice(tail);
        match self.block::<B>(&padded, tail.len()) {
            Step::Closed(length) => Step::Closed(blocks.len() * BLOCK + length),
            other => other,
        }
    }

    /// One block, of which the first `length` bytes count; the others are blanks.
    #[inline(always)]
    fn block<B: Block>(&mut self, block: &[u8; BLOCK], length: usize) -> Step {
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
            return Step::Open;
        }
        if close.count_ones() < self.depth && self.depth + open.count_ones() <= self.depth_limit {
            self.depth = self.depth + open.count_ones() - close.count_ones();
            return Step::Open;
        }
        self.count(open, close)
    }

    /// The bytes that a backslash before them escapes.
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

    /// Brackets one by one.
    fn count(&mut self, open: u64, close: u64) -> Step {
        let mut brackets = open | close;
        while brackets != 0 {
            let index = brackets.trailing_zeros();
            brackets &= brackets - 1;
            if open >> index & 1 != 0 {
                if self.depth >= self.depth_limit {
                    return Step::TooDeep;
                }
                self.depth += 1;
                continue;
            }
            self.depth = self.depth.saturating_sub(1);
            if self.depth == 0 {
                return Step::Closed(index as usize + 1);
            }
        }
        Step::Open
    }
}

/// Bit n of the result is the XOR of the bits 0 to n.
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
        // `[` and `{`, `]` and `}` differ in one bit only, here set.
        let folded = block.with_bits(0x20);
        Self {
            quote: block.equal(b'"'),
            backslash: block.equal(b'\\'),
            open: folded.equal(b'{'),
            close: folded.equal(b'}'),
        }
    }
}

/// A slow scan that minds that `{` is closed by `}` and `[` by `]`; for values
/// that are known to be broken inside, to see whether what follows them can
/// be trusted.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    /// The brackets that will close those that are open.
    closing: Vec<u8>,
    is_in_string: bool,
    is_escaping: bool,
}

/// What a stretch of bytes brought to a [`Matcher`].
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Match {
    /// The container is closed after so many bytes, each bracket by its like.
    Closed(usize),
    /// The stretch is used up.
    Open,
    /// A bracket is closed by one of the other kind, or too many are open.
    Mismatch,
}

/// More open brackets than these are not worth matching.
const MOST_OPEN: usize = 1 << 20;

impl Matcher {
    /// Goes over the next stretch, of any length.
    pub fn advance(&mut self, bytes: &[u8]) -> Match {
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
                b'{' | b'[' if self.closing.len() == MOST_OPEN => return Match::Mismatch,
                b'{' | b'[' => self.closing.push(byte + 2),
                b'}' | b']' => {
                    if self.closing.pop() != Some(*byte) {
                        return Match::Mismatch;
                    }
                    if self.closing.is_empty() {
                        return Match::Closed(index + 1);
                    }
                }
                _ => {}
            }
        }
        Match::Open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn end_of(text: &str, step: usize) -> Step {
        let mut scan = Scan::new(0, 512);
        let mut offset = 0;
        for stretch in text.as_bytes().chunks(step) {
            match scan.advance(stretch) {
                Step::Closed(length) => return Step::Closed(offset + length),
                Step::TooDeep => return Step::TooDeep,
                Step::Open => offset += stretch.len(),
            }
        }
        Step::Open
    }

    #[test]
    fn a_container_ends_where_its_brackets_are_closed() {
        let long = format!("{{\"a\":\"{}\"}}x", "}".repeat(200));
        let cases = [
            ("{}", Step::Closed(2)),
            ("[]{}", Step::Closed(2)),
            (r#"{"a":"}"},"#, Step::Closed(9)),
            (r#"{"a":"\""}}"#, Step::Closed(10)),
            (r#"{"a":"\\"}}"#, Step::Closed(10)),
            (r#"{"a":"\\\"}"}}"#, Step::Closed(13)),
            (r#"{"a":[{"b":[]}]}"#, Step::Closed(16)),
            (r#"{"a":"}"#, Step::Open),
            (r#"{"a":{}"#, Step::Open),
            (long.as_str(), Step::Closed(208)),
        ];
        for (text, expected) in cases {
            for step in [1, 2, 7, 63, 64, 65, 1000] {
                assert_eq!(end_of(text, step), expected, "{text} in steps of {step}");
            }
        }
    }

    #[test]
    fn depth_is_bounded() {
        assert_eq!(end_of(&"[".repeat(512), 64), Step::Open);
        assert_eq!(end_of(&"[".repeat(513), 64), Step::TooDeep);
        let mixed = format!("{}{}", "[".repeat(512), "]".repeat(512));
        assert_eq!(end_of(&mixed, 7), Step::Closed(1024));
    }

    #[test]
    fn kinds_of_brackets_must_match_where_it_matters() {
        let matched = |text: &str| Matcher::default().advance(text.as_bytes());
        assert_eq!(matched(r#"{"a":["]}"]},"#), Match::Closed(12));
        assert_eq!(matched(r#"{"a":[}]"#), Match::Mismatch);
        assert_eq!(matched(r#"{"a":{"#), Match::Open);
        assert_eq!(matched(r#"{"a":"\""#), Match::Open);
    }

    proptest! {
        #[test]
        fn the_fast_scan_ends_where_the_slow_one_does(text in r#"\{(\{\}|\[\]|"([a-z{}\[\]]|\\.)*"| ){0,40}\}.{0,9}"#, step in 1usize..80) {
            let slow = match Matcher::default().advance(text.as_bytes()) {
                Match::Closed(length) => Step::Closed(length),
                Match::Open | Match::Mismatch => Step::Open,
            };
            prop_assert_eq!(end_of(&text, step), slow);
        }
    }
}
