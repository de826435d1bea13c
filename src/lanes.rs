//! *Lanes* are sixteen bytes that are looked at together: which of them are a
//! certain byte, or below one. All of the program's unsafe code stands here;
//! other machines than x86-64 do the same byte by byte.

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "every x86-64 has the instructions of SSE2")]
mod implementation {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };

    /// See the module.
    #[derive(Clone, Copy, Debug)]
    pub struct Lanes(__m128i);

    impl Lanes {
        #[inline(always)]
        pub fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: the reference is to sixteen bytes, and the load minds no alignment.
            Self(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) })
        }

        /// A bit for each byte that equals `byte`, the first the lowest.
        #[inline(always)]
        pub fn equal(self, byte: u8) -> u32 {
            // SAFETY: every x86-64 has SSE2.
            unsafe { _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, _mm_set1_epi8(byte as i8))) as u32 }
        }

        /// A bit for each byte that is at most `byte`.
        #[inline(always)]
        pub fn at_most(self, byte: u8) -> u32 {
            // SAFETY: as above.
            unsafe {
                let least = _mm_min_epu8(self.0, _mm_set1_epi8(byte as i8));
                _mm_movemask_epi8(_mm_cmpeq_epi8(self.0, least)) as u32
            }
        }

        /// With these bits set in every byte.
        #[inline(always)]
        pub fn with_bits(self, bits: u8) -> Self {
            // SAFETY: as above.
            Self(unsafe { _mm_or_si128(self.0, _mm_set1_epi8(bits as i8)) })
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
use portable as implementation;

/// Byte by byte, for other machines; the tests compare the two.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    #[derive(Clone, Copy, Debug)]
    pub struct Lanes([u8; 16]);

    impl Lanes {
        pub fn of(bytes: &[u8; 16]) -> Self {
            Self(*bytes)
        }

        pub fn equal(self, byte: u8) -> u32 {
            self.where_true(|own| own == byte)
        }

        pub fn at_most(self, byte: u8) -> u32 {
            self.where_true(|own| own <= byte)
        }

        pub fn with_bits(self, bits: u8) -> Self {
            Self(self.0.map(|byte| byte | bits))
        }

        fn where_true(self, is: impl Fn(u8) -> bool) -> u32 {
            self.0.iter().enumerate().fold(0, |mask, (index, byte)| mask | u32::from(is(*byte)) << index)
        }
    }
}

pub use implementation::Lanes;

#[cfg(test)]
mod tests {
    use super::{Lanes, portable};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn lanes_agree_with_the_portable_ones(bytes in proptest::array::uniform16(any::<u8>()), byte: u8) {
            let (fast, slow) = (Lanes::of(&bytes), portable::Lanes::of(&bytes));
            for byte in [byte, bytes[3], b' ', 0x1f] {
                prop_assert_eq!(fast.equal(byte), slow.equal(byte));
                prop_assert_eq!(fast.at_most(byte), slow.at_most(byte));
                prop_assert_eq!(fast.with_bits(0x20).equal(byte), slow.with_bits(0x20).equal(byte));
            }
        }
    }
}
