//! *Lanes* are bytes that are compared at once: which of them equal a certain
//! byte, or are below one. All unsafe code of the workspace is in this file, and
//! `make sanitize` runs its tests under a sanitizer. Processors other than
//! x86-64 do the same byte by byte, without unsafe code.

/// Sixty-four bytes. Every method does the same on every processor.
pub trait Block: Copy {
    /// Loads them.
    fn of(bytes: &[u8; 64]) -> Self;

    /// A bit for each byte that equals `byte`, the first the lowest.
    fn equal(self, byte: u8) -> u64;

    /// The block with these bits set in every byte.
    fn with_bits(self, bits: u8) -> Self;
}

/// Work on blocks that [`run`] compiles for each instruction set.
pub trait Task {
    /// The result.
    type Output;

    /// Does the work. Mark it `inline(always)`, so that it is compiled for the
    /// instruction set of each type of block.
    fn run<B: Block>(self) -> Self::Output;
}

#[cfg(target_arch = "x86_64")]
pub use x86_64::{Lanes, run};

#[cfg(not(target_arch = "x86_64"))]
pub use portable::{Lanes, run};

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "SIMD intrinsics")]
mod x86_64 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8,
    };

    use super::{Block, Task};

    /// Runs the task with the widest instructions that this processor supports.
    #[inline]
    pub fn run<T: Task>(task: T) -> T::Output {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt") {
            // SAFETY: the processor supports the features that the function is compiled for.
            return unsafe { run_avx2(task) };
        }
        task.run::<[Lanes; 4]>()
    }

    #[target_feature(enable = "avx2,popcnt")]
    fn run_avx2<T: Task>(task: T) -> T::Output {
        task.run::<Avx2>()
    }

    /// Sixteen bytes.
    #[derive(Clone, Copy, Debug)]
    pub struct Lanes(__m128i);

    impl Lanes {
        #[inline(always)]
        pub fn of(bytes: &[u8; 16]) -> Self {
            // SAFETY: the reference is to sixteen bytes, and the load needs no alignment.
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

    /// A block for processors with AVX2. Only `run_avx2` may use it.
    #[derive(Clone, Copy, Debug)]
    struct Avx2([__m256i; 2]);

    impl Block for Avx2 {
        #[inline(always)]
        fn of(bytes: &[u8; 64]) -> Self {
            // SAFETY: each load is of 32 of the 64 bytes and needs no alignment; the
            // processor has AVX2.
            Self([0, 32].map(|start| unsafe { _mm256_loadu_si256(bytes[start..start + 32].as_ptr().cast()) }))
        }

        #[inline(always)]
        fn equal(self, byte: u8) -> u64 {
            // SAFETY: the processor has AVX2.
            let [low, high] = self.0.map(|half| unsafe {
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(half, _mm256_set1_epi8(byte as i8))) as u32
            });
            u64::from(high) << 32 | u64::from(low)
        }

        #[inline(always)]
        fn with_bits(self, bits: u8) -> Self {
            // SAFETY: the processor has AVX2.
            Self(self.0.map(|half| unsafe { _mm256_or_si256(half, _mm256_set1_epi8(bits as i8)) }))
        }
    }
}

/// Byte by byte, for other processors; the tests compare the two.
#[cfg(any(test, not(target_arch = "x86_64")))]
mod portable {
    #[cfg(not(target_arch = "x86_64"))]
    pub fn run<T: super::Task>(task: T) -> T::Output {
        task.run::<[Lanes; 4]>()
    }

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

impl Block for [Lanes; 4] {
    #[inline(always)]
    fn of(bytes: &[u8; 64]) -> Self {
        let (chunks, _) = bytes.as_chunks();
        std::array::from_fn(|index| Lanes::of(&chunks[index]))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> u64 {
        let place = |index: usize| u64::from(self[index].equal(byte)) << (16 * index);
        place(0) | place(1) | place(2) | place(3)
    }

    #[inline(always)]
    fn with_bits(self, bits: u8) -> Self {
        self.map(|lanes| lanes.with_bits(bits))
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, Lanes, Task, portable, run};
    use proptest::prelude::*;

    /// Where a block has a byte, and where it has it once a bit is set.
    struct Find<'b>(&'b [u8; 64], u8);

    impl Task for Find<'_> {
        type Output = [u64; 2];

        #[inline(always)]
        fn run<B: Block>(self) -> [u64; 2] {
            let block = B::of(self.0);
            [block.equal(self.1), block.with_bits(0x20).equal(self.1)]
        }
    }

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

        #[test]
        fn all_types_of_block_agree(bytes in proptest::collection::vec(0x20u8..0x60, 64), byte in 0x20u8..0x60) {
            let block: &[u8; 64] = bytes.as_slice().try_into().expect("64 bytes");
            let slow = |byte_of: fn(u8) -> u8| {
                bytes.iter().enumerate().fold(0, |mask, (index, own)| mask | u64::from(byte_of(*own) == byte) << index)
            };
            let expected = [slow(|own| own), slow(|own| own | 0x20)];
            prop_assert_eq!(run(Find(block, byte)), expected);
            prop_assert_eq!(Find(block, byte).run::<[Lanes; 4]>(), expected);
        }
    }
}
