//! *Checksums*: computed while bytes pass, and compared with what the sender expects.

use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::UploadError;

/// What the sender says of the bytes that it sends.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// How many there are.
    pub size: Option<u64>,
    /// Their MD5.
    pub md5: Option<[u8; 16]>,
    /// Their SHA-256.
    pub sha256: Option<[u8; 32]>,
    /// Their SHA-512.
    pub sha512: Option<Box<[u8; 64]>>,
}

/// The checksums of bytes: MD5 always, others where the sender expects them.
#[derive(Clone)]
pub struct Checksums {
    md5: Md5,
    sha256: Option<Sha256>,
    sha512: Option<Sha512>,
    size: u64,
}

impl std::fmt::Debug for Checksums {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Checksums").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Checksums {
    /// Checksums of nothing yet, of the kinds that are expected.
    pub fn of(expected: &Expected) -> Self {
        Checksums {
            md5: Md5::new(),
            sha256: expected.sha256.is_some().then(Sha256::new),
            sha512: expected.sha512.is_some().then(Sha512::new),
            size: 0,
        }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// How many bytes there were.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The MD5, if everything is as expected.
    pub fn finish(self, expected: &Expected) -> Result<[u8; 16], UploadError> {
        if expected.size.is_some_and(|size| size != self.size) {
            return Err(UploadError::WrongSum(format!(
                "{} bytes were received, which is not the number announced",
                self.size
            )));
        }
        let md5: [u8; 16] = self.md5.finalize().into();
        let is_wrong = |name: &str| UploadError::WrongSum(format!("the {name} of the bytes is another"));
        if expected.md5.is_some_and(|expected| expected != md5) {
            return Err(is_wrong("MD5"));
        }
        let sha256 = self.sha256.map(|sha256| <[u8; 32]>::from(sha256.finalize()));
        if expected.sha256.is_some() && expected.sha256 != sha256 {
            return Err(is_wrong("SHA-256"));
        }
        let sha512 = self.sha512.map(|sha512| Box::new(<[u8; 64]>::from(sha512.finalize())));
        if expected.sha512.is_some() && expected.sha512 != sha512 {
            return Err(is_wrong("SHA-512"));
        }
        Ok(md5)
    }
}
