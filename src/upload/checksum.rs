//! *Checksums*: computed while bytes pass, and compared with what the sender expects.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::UploadError;

/// How a checksum is computed, besides MD5, which is always computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
    Sha512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 6] = [
        Algorithm::Crc32,
        Algorithm::Crc32c,
        Algorithm::Crc64Nvme,
        Algorithm::Sha1,
        Algorithm::Sha256,
        Algorithm::Sha512,
    ];

    /// Its name in headers and in the ledger.
    pub fn code(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "crc32",
            Algorithm::Crc32c => "crc32c",
            Algorithm::Crc64Nvme => "crc64nvme",
            Algorithm::Sha1 => "sha1",
            Algorithm::Sha256 => "sha256",
            Algorithm::Sha512 => "sha512",
        }
    }

    /// The algorithm with that code, in upper or lower case.
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.code().eq_ignore_ascii_case(code))
    }

    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Crc32 => "CRC-32",
            Algorithm::Crc32c => "CRC-32C",
            Algorithm::Crc64Nvme => "CRC-64/NVME",
            Algorithm::Sha1 => "SHA-1",
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Sha512 => "SHA-512",
        }
    }

    /// The parameters of a CRC.
    pub(super) fn crc(self) -> Option<crc_fast::CrcAlgorithm> {
        match self {
            Algorithm::Crc32 => Some(crc_fast::CrcAlgorithm::Crc32IsoHdlc),
            Algorithm::Crc32c => Some(crc_fast::CrcAlgorithm::Crc32Iscsi),
            Algorithm::Crc64Nvme => Some(crc_fast::CrcAlgorithm::Crc64Nvme),
            Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sha512 => None,
        }
    }

    /// How many bytes a checksum has.
    pub fn length(self) -> usize {
        match self {
            Algorithm::Crc32 | Algorithm::Crc32c => 4,
            Algorithm::Crc64Nvme => 8,
            Algorithm::Sha1 => 20,
            Algorithm::Sha256 => 32,
            Algorithm::Sha512 => 64,
        }
    }
}

/// A checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// What the sender says of the bytes that it sends.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// How many there are.
    pub size: Option<u64>,
    /// Their MD5.
    pub md5: Option<[u8; 16]>,
    /// Their other checksums.
    pub sums: Vec<Sum>,
    /// A checksum that the sender tells only after the bytes.
    pub later: Option<Algorithm>,
}

/// Computes one checksum.
#[derive(Clone)]
enum Hasher {
    Crc(crc_fast::Digest),
    Sha1(Sha1),
    Sha256(Sha256),
    Sha512(Box<Sha512>),
}

impl Hasher {
    fn new(algorithm: Algorithm) -> Self {
        match (algorithm.crc(), algorithm) {
            (Some(crc), _) => Hasher::Crc(crc_fast::Digest::new(crc)),
            (None, Algorithm::Sha1) => Hasher::Sha1(Sha1::new()),
            (None, Algorithm::Sha256) => Hasher::Sha256(Sha256::new()),
            (None, _) => Hasher::Sha512(Box::new(Sha512::new())),
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Crc(digest) => digest.update(bytes),
            Hasher::Sha1(digest) => digest.update(bytes),
            Hasher::Sha256(digest) => digest.update(bytes),
            Hasher::Sha512(digest) => digest.update(bytes),
        }
    }

    /// The checksum, the most significant byte first.
    fn finish(self, length: usize) -> Vec<u8> {
        match self {
            Hasher::Crc(digest) => digest.finalize().to_be_bytes()[8 - length..].to_vec(),
            Hasher::Sha1(digest) => digest.finalize().to_vec(),
            Hasher::Sha256(digest) => digest.finalize().to_vec(),
            Hasher::Sha512(digest) => digest.finalize().to_vec(),
        }
    }
}

/// The checksums of bytes: MD5 always, others where the sender expects them.
#[derive(Clone)]
pub struct Checksums {
    md5: Md5,
    others: Vec<(Algorithm, Hasher)>,
    size: u64,
}

impl std::fmt::Debug for Checksums {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Checksums").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Checksums {
    /// Checksums of nothing yet, of the kinds that are expected, and one more if it is given.
    pub fn of(expected: &Expected, more: Option<Algorithm>) -> Self {
        let mut others: Vec<(Algorithm, Hasher)> = Vec::new();
        for algorithm in expected.sums.iter().map(|sum| sum.algorithm).chain(expected.later).chain(more) {
            if !others.iter().any(|(known, _)| *known == algorithm) {
                others.push((algorithm, Hasher::new(algorithm)));
            }
        }
        Checksums { md5: Md5::new(), others, size: 0 }
    }

    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        for (_, hasher) in &mut self.others {
            hasher.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// How many bytes there were.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The MD5 and the other checksums, if everything is as expected.
    pub fn finish(self, expected: &Expected) -> Result<([u8; 16], Vec<Sum>), UploadError> {
        if expected.size.is_some_and(|size| size != self.size) {
            return Err(UploadError::WrongSize(self.size));
        }
        let md5: [u8; 16] = self.md5.finalize().into();
        let is_wrong = |name: &str| UploadError::WrongSum(format!("the {name} of the bytes is another"));
        if expected.md5.is_some_and(|expected| expected != md5) {
            return Err(is_wrong("MD5"));
        }
        let finished = |(algorithm, hasher): (Algorithm, Hasher)| {
            let value = hasher.finish(algorithm.length());
            Sum { algorithm, value }
        };
        let sums: Vec<Sum> = self.others.into_iter().map(finished).collect();
        if let Some(wrong) = expected.sums.iter().find(|sum| !sums.contains(sum)) {
            return Err(is_wrong(wrong.algorithm.name()));
        }
        Ok((md5, sums))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRCs and of the standards, for "123456789".
    #[test]
    fn checksums_are_those_of_the_standards() {
        let known = [
            (Algorithm::Crc32, "cbf43926"),
            (Algorithm::Crc32c, "e3069283"),
            (Algorithm::Crc64Nvme, "ae8b14860a799888"),
            (Algorithm::Sha1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"),
            (Algorithm::Sha256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"),
        ];
        for (algorithm, hexadecimal) in known {
            let expected = Expected { later: Some(algorithm), ..Expected::default() };
            let mut checksums = Checksums::of(&expected, None);
            checksums.update(b"1234");
            checksums.update(b"56789");
            let (_, sums) = checksums.finish(&expected).expect("nothing else is expected");
            let found: String = sums[0].value.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(found, hexadecimal, "{algorithm:?}");
            assert_eq!(sums[0].value.len(), algorithm.length());
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        let sums = vec![Sum { algorithm: Algorithm::Crc32, value: vec![0; 4] }];
        let expected = Expected { sums, ..Expected::default() };
        let mut checksums = Checksums::of(&expected, None);
        checksums.update(b"123456789");
        assert!(matches!(checksums.finish(&expected), Err(UploadError::WrongSum(_))));
    }
}
