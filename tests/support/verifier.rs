//! A password as Postgres stores it, but quick to check.
//!
//! By SCRAM, whoever connects hashes the password 4096 times, which takes longer than
//! most questions of a test. The server says how often, by what it has stored, so that
//! once is enough if it stores that (RFC 5802, section 3).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

/// The bytes that SHA-256 hashes at a time.
const BLOCK: usize = 64;

const SALT: &[u8] = b"no secret: tests";

/// What `alter role … password` takes instead of the password.
pub fn quick(password: &str) -> String {
    let salted = hmac(password.as_bytes(), &[SALT, &1_u32.to_be_bytes()].concat());
    let stored = Sha256::digest(hmac(&salted, b"Client Key"));
    let server = hmac(&salted, b"Server Key");
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("SCRAM-SHA-256$1:{}${}:{}", text(SALT), text(&stored), text(&server))
}

/// The HMAC (RFC 2104) of a message by a key that is no longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    assert!(key.len() <= BLOCK, "a password of more than {BLOCK} bytes");
    let padded = |byte: u8| -> Vec<u8> {
        (0..BLOCK).map(|place| key.get(place).copied().unwrap_or_default() ^ byte).collect()
    };
    let inner = Sha256::digest([&padded(0x36), message].concat());
    Sha256::digest([&padded(0x5c), &inner[..]].concat()).to_vec()
}

#[test]
fn a_hash_is_that_of_the_standard() {
    // RFC 4231, test case 2.
    let hash = hmac(b"Jefe", b"what do ya want for nothing?");
    let hexadecimal: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hexadecimal, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
