//! *Secrets* of senders: random words, and how they are kept.
//!
//! What is only compared, a client secret, is kept as an Argon2 hash. What has to be
//! recovered to check a signature, the personal key and the S3 secret, is encrypted with
//! AES-256-GCM under the key in SECRETS_KEY_FILE.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fhirmill_postgres::ledger::KeptSecrets;
use fhirmill_postgres::lock::lock;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

/// Argon2id with 7 MiB and five passes, one of OWASP's equal choices: the one with the
/// least memory.
const MEMORY_KIB: u32 = 7 * 1024;
const PASSES: u32 = 5;
const KEY_BYTES: usize = 32;
/// How many secrets are compared at once, and how many comparisons are remembered.
const AT_ONCE: usize = 2;
const REMEMBERED: usize = 1000;

/// A random word of that many bytes, in URL-safe Base64.
pub fn random_word(bytes: usize) -> String {
    URL_SAFE_NO_PAD.encode(random(bytes))
}

fn random(bytes: usize) -> Vec<u8> {
    let mut random = vec![0; bytes];
    aws_lc_rs::rand::fill(&mut random).expect("the system has random numbers");
    random
}

/// The secrets of a sender in the clear: shown once.
#[derive(Clone)]
pub struct ClearSecrets {
    /// The OAuth client secret.
    pub client_secret: String,
    /// The key for `POST /api/authenticate`.
    pub personal_key: String,
    /// The name of the S3 key.
    pub access_key_id: String,
    /// The S3 secret.
    pub secret_access_key: String,
}

impl ClearSecrets {
    /// New random ones.
    pub fn random() -> Self {
        const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let letters = random(16).into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        ClearSecrets {
            client_secret: random_word(32),
            personal_key: random_word(32),
            access_key_id: format!("FHIR{}", letters.collect::<String>()),
            secret_access_key: random_word(30),
        }
    }

    /// The secrets as the ledger keeps them.
    pub fn kept(&self, key: &SecretsKey) -> KeptSecrets {
        KeptSecrets {
            client_secret_hash: hash_secret(&self.client_secret),
            personal_key: key.encrypt(self.personal_key.as_bytes()),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: key.encrypt(self.secret_access_key.as_bytes()),
        }
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("these parameters are valid");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The Argon2 hash of a secret, with a random salt.
pub fn hash_secret(secret: &str) -> String {
    let hash = argon2().hash_password(secret.as_bytes()).expect("a secret can be hashed");
    hash.to_string()
}

/// Compares secrets with their Argon2 hashes, a few at once, and remembers those that were
/// right for as long as the process lives.
#[derive(Debug)]
pub struct SecretChecker {
    permits: Semaphore,
    /// Makes what is remembered useless elsewhere.
    salt: Vec<u8>,
    /// SHA-256 of salt, hash and secret.
    right: Mutex<HashMap<[u8; 32], ()>>,
}

impl Default for SecretChecker {
    fn default() -> Self {
        SecretChecker { permits: Semaphore::new(AT_ONCE), salt: random(32), right: Mutex::default() }
    }
}

impl SecretChecker {
    /// Whether the secret has that hash. Without a hash, takes as long and is false, so that
    /// time does not tell which senders exist.
    pub async fn is_right(&self, secret: &str, hash: Option<&str>) -> bool {
        let mut digest = Sha256::new();
        for part in [&self.salt[..], hash.unwrap_or_default().as_bytes(), b"\0", secret.as_bytes()] {
            digest.update(part);
        }
        let remembered: [u8; 32] = digest.finalize().into();
        if hash.is_some() && lock(&self.right).contains_key(&remembered) {
            return true;
        }
        let Ok(_permit) = self.permits.acquire().await else { return false };
        let (secret, hash) = (secret.to_owned(), hash.map(str::to_owned));
        let compare = move || match hash {
            Some(hash) => PasswordHash::new(&hash)
                .is_ok_and(|hash| argon2().verify_password(secret.as_bytes(), &hash).is_ok()),
            None => {
                hash_secret(&secret);
                false
            }
        };
        let is_right = tokio::task::spawn_blocking(compare).await.unwrap_or(false);
        if is_right {
            let mut right = lock(&self.right);
            if right.len() >= REMEMBERED {
                right.clear();
            }
            right.insert(remembered, ());
        }
        is_right
    }
}

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("{path} cannot be read or created")]
    File { path: PathBuf, source: io::Error },
    #[error("{path} does not hold a key: 32 bytes in Base64 are expected")]
    Malformed { path: PathBuf },
}

/// The key that encrypts secrets in the ledger.
pub struct SecretsKey(RandomizedNonceKey);

impl std::fmt::Debug for SecretsKey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretsKey")
    }
}

impl SecretsKey {
    /// Reads the key file; creates it, readable by its owner only, if it is missing.
    pub fn open(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File { path: path.to_owned(), source };
        let text = match fs::read_to_string(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                create(path).map_err(failed)?;
                fs::read_to_string(path).map_err(failed)?
            }
            read => read.map_err(failed)?,
        };
        let malformed = || KeyError::Malformed { path: path.to_owned() };
        let bytes = STANDARD.decode(text.trim()).map_err(|_| malformed())?;
        let key = RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| malformed())?;
        Ok(SecretsKey(key))
    }

    /// Encrypts with a random nonce, which precedes the result.
    pub fn encrypt(&self, clear: &[u8]) -> Vec<u8> {
        let mut sealed = clear.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::empty(), &mut sealed);
        let nonce = nonce.expect("a short text can be encrypted");
        [&nonce.as_ref()[..], &sealed].concat()
    }

    /// What was encrypted; none if it was with another key.
    pub fn decrypt(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut clear = sealed.to_vec();
        let length = self.0.open_in_place(nonce, Aad::empty(), &mut clear).ok()?.len();
        clear.truncate(length);
        Some(clear)
    }
}

/// Creates the key file whole: whoever else creates it at the same time, one key counts.
fn create(path: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let written = (|| {
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        writeln!(file, "{}", STANDARD.encode(random(KEY_BYTES)))?;
        file.sync_all()?;
        match fs::hard_link(&temporary, path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked,
        }
    })();
    let _ = fs::remove_file(&temporary);
    written?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_key_file_is_created_once_for_its_owner_and_opens_what_it_sealed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/key");
        let key = SecretsKey::open(&path).expect("a key");
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        let sealed = key.encrypt(b"swordfish");
        assert_ne!(sealed, key.encrypt(b"swordfish"));
        let again = SecretsKey::open(&path).expect("the same key");
        assert_eq!(again.decrypt(&sealed).as_deref(), Some(&b"swordfish"[..]));
        let other = SecretsKey::open(&folder.path().join("other")).expect("another key");
        assert_eq!(other.decrypt(&sealed), None);
        assert_eq!(again.decrypt(b"short"), None);
        fs::write(&path, "no key").expect("written");
        assert!(matches!(SecretsKey::open(&path), Err(KeyError::Malformed { .. })));
    }

    #[tokio::test]
    async fn a_secret_is_right_for_its_own_hash_only() {
        let checker = SecretChecker::default();
        let hash = hash_secret("swordfish");
        assert!(hash.starts_with("$argon2id$v=19$m=7168,t=5,p=1$"), "{hash}");
        for _ in 0..2 {
            assert!(checker.is_right("swordfish", Some(&hash)).await);
            assert!(!checker.is_right("tunafish", Some(&hash)).await);
            assert!(!checker.is_right("swordfish", None).await);
        }
    }
}
