//! *Randomness*: streams of numbers that are fully determined by a seed and the
//! number of a stream, on every machine. Each patient has a stream of its own.

use std::fmt;

/// The generator xoshiro256++, its state filled by splitmix64
/// (<https://prng.di.unimi.it/>).
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The given stream of a seed. Streams are independent of each other.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut source = split_mix(seed) ^ split_mix(!stream);
        let mut state = [0; 4];
        for word in &mut state {
            source = source.wrapping_add(0x9e37_79b9_7f4a_7c15);
            *word = split_mix(source);
        }
        Self { state }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        let state = &mut self.state;
        let result = state[0].wrapping_add(state[3]).rotate_left(23).wrapping_add(state[0]);
        let shifted = state[1] << 17;
        state[2] ^= state[0];
        state[3] ^= state[1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= shifted;
        state[3] = state[3].rotate_left(45);
        result
    }

    /// A number from `low` to `high`, both inclusive. The product's tiny bias
    /// does not matter here.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        debug_assert!(low <= high, "the range must not be empty");
        let width = (high - low) as u128 + 1;
        low + ((u128::from(self.next()) * width) >> 64) as i64
    }

    /// True with a probability of `chance` percent.
    pub fn percent(&mut self, chance: i64) -> bool {
        self.between(0, 99) < chance
    }

    /// One of the choices, of which there must be at least one.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.between(0, choices.len() as i64 - 1) as usize]
    }

    /// One of the words, of which there must be at least one.
    pub fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.between(0, words.len() as i64 - 1) as usize]
    }

    /// A new ID: a version 4 UUID (RFC 9562).
    pub fn id(&mut self) -> Id {
        let high = (self.next() & !0xf000) | 0x4000;
        let low = (self.next() & (u64::MAX >> 2)) | (1 << 63);
        let digits = (u128::from(high) << 64) | u128::from(low);
        let mut text = [b'-'; 36];
        let mut shift = 128;
        for (position, place) in text.iter_mut().enumerate() {
            if matches!(position, 8 | 13 | 18 | 23) {
                continue;
            }
            shift -= 4;
            *place = b"0123456789abcdef"[(digits >> shift) as usize & 15];
        }
        Id(text)
    }
}

fn split_mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The ID of a resource: the 36 characters of a UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id([u8; 36]);

impl Id {
    /// The ID as text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("hexadecimal digits and hyphens are ASCII")
    }
}

impl fmt::Display for Id {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
