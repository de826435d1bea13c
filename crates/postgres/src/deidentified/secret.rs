//! The secret of the de-identified copy, as the two keys that HMAC makes of it.

use std::fmt;

use sha2::{Digest, Sha256};

/// The bytes of a block of SHA-256.
const BLOCK: usize = 64;
/// The fewest bytes that are hard to guess.
const FEWEST: usize = 32;

/// The secret by which keys are replaced and dates are moved. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct DeidentifiedSecret {
    block: [u8; BLOCK],
}

impl DeidentifiedSecret {
    /// The secret of these bytes; `None` if there are fewer than 32.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < FEWEST {
            return None;
        }
        let mut block = [0; BLOCK];
        if bytes.len() > BLOCK {
            block[..32].copy_from_slice(&Sha256::digest(bytes));
        } else {
            block[..bytes.len()].copy_from_slice(bytes);
        }
        Some(DeidentifiedSecret { block })
    }

    /// The inner and the outer key of HMAC (RFC 2104).
    pub(super) fn pads(&self) -> (Vec<u8>, Vec<u8>) {
        let pad = |byte: u8| self.block.iter().map(|own| own ^ byte).collect();
        (pad(0x36), pad(0x5c))
    }
}

impl fmt::Debug for DeidentifiedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DeidentifiedSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test cases 6 (a long key) and 2 with a key of 32 bytes padded by zeros.
    #[test]
    fn the_keys_are_those_of_hmac() {
        let hmac = |key: &[u8], message: &[u8]| {
            let (inner, outer) = DeidentifiedSecret::new(key).unwrap().pads();
            let inner = Sha256::digest([inner.as_slice(), message].concat());
            let digest = Sha256::digest([outer.as_slice(), inner.as_slice()].concat());
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        assert_eq!(
            hmac(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        let mut jefe = [0; 32];
        jefe[..4].copy_from_slice(b"Jefe");
        assert_eq!(
            hmac(&jefe, b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn short_secrets_are_refused_and_none_is_shown() {
        assert_eq!(DeidentifiedSecret::new(&[1; 31]), None);
        let secret = DeidentifiedSecret::new(b"0123456789abcdef0123456789abcdef").unwrap();
        assert!(!format!("{secret:?}").contains('0'));
    }
}
