//! The checksum of a *whole* file, which follows from those of its parts.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fhirmill_postgres::ledger::{Upload, UploadPart, WholeChecksum};
use serde_json::{Map, Value};

use super::{Algorithm, Checksums, Expected, Sum};

/// What the checksum of a file in parts is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// That of the checksums of its parts.
    Composite,
    /// That of its bytes.
    FullObject,
}

impl Kind {
    /// Its name in S3.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Composite => "COMPOSITE",
            Kind::FullObject => "FULL_OBJECT",
        }
    }

    /// The kind of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Kind::Composite, Kind::FullObject].into_iter().find(|kind| kind.name() == name)
    }
}

/// Checksums as the ledger keeps them with a part.
pub(super) fn recorded(sums: &[Sum]) -> Option<Value> {
    let members =
        sums.iter().map(|sum| (sum.algorithm.code().to_owned(), STANDARD.encode(&sum.value).into()));
    Some(members.collect::<Map<_, _>>()).filter(|members| !members.is_empty()).map(Value::Object)
}

/// A checksum of a part, in Base64.
pub fn value_of(part: &UploadPart, algorithm: Algorithm) -> Option<&str> {
    part.checksums.as_ref()?.get(algorithm.code())?.as_str()
}

/// The checksum of the file that consists of these parts. None if it does not follow from
/// what is known of them.
pub fn of_parts(parts: &[&UploadPart], algorithm: Algorithm, kind: Kind) -> Option<String> {
    let bytes_of = |part: &&UploadPart| STANDARD.decode(value_of(part, algorithm)?).ok();
    match (kind, parts) {
        (Kind::Composite, _) => {
            let expected = Expected { later: Some(algorithm), ..Expected::default() };
            let mut checksums = Checksums::of(&expected, None);
            for part in parts {
                checksums.update(&bytes_of(part)?);
            }
            let (_, sums) = checksums.finish(&expected).ok()?;
            Some(format!("{}-{}", STANDARD.encode(&sums.first()?.value), parts.len()))
        }
        (Kind::FullObject, [part]) => value_of(part, algorithm).map(str::to_owned),
        (Kind::FullObject, _) => {
            let crc = algorithm.crc()?;
            let number =
                |bytes: Vec<u8>| bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte));
            let (first, others) = parts.split_first()?;
            let mut whole = number(bytes_of(first)?);
            for part in others {
                let length = part.size_bytes.unsigned_abs();
                whole = crc_fast::checksum_combine(crc, whole, number(bytes_of(part)?), length);
            }
            Some(STANDARD.encode(&whole.to_be_bytes()[8 - algorithm.length()..]))
        }
    }
}

/// The checksum that is kept with a complete file: the one that its sender announced, or
/// that of a file in one call.
pub(super) fn of_upload(upload: &Upload, parts: &[UploadPart]) -> Option<WholeChecksum> {
    let announced = upload.checksum_algorithm.as_deref().and_then(Algorithm::of_code);
    let (algorithm, kind) = match (announced, parts) {
        (Some(algorithm), _) => (algorithm, Kind::of_name(upload.checksum_type.as_deref()?)?),
        (None, [part]) if upload.part_count == Some(1) => {
            let is_known = |algorithm: &Algorithm| value_of(part, *algorithm).is_some();
            (Algorithm::ALL.into_iter().find(is_known)?, Kind::FullObject)
        }
        _ => return None,
    };
    let value = of_parts(&parts.iter().collect::<Vec<_>>(), algorithm, kind)?;
    Some(WholeChecksum { algorithm: algorithm.code(), kind: kind.name(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(algorithm: Algorithm, texts: &[&str]) -> Vec<UploadPart> {
        let part = |(index, text): (usize, &&str)| {
            let expected = Expected { later: Some(algorithm), ..Expected::default() };
            let mut checksums = Checksums::of(&expected, None);
            checksums.update(text.as_bytes());
            let (md5, sums) = checksums.finish(&expected).expect("nothing else is expected");
            UploadPart {
                part_number: index as i32 + 1,
                size_bytes: text.len() as i64,
                md5: md5.to_vec(),
                file_name: None,
                received_at: chrono::Utc::now(),
                checksums: recorded(&sums),
            }
        };
        texts.iter().enumerate().map(part).collect()
    }

    /// The check values of the catalogue of CRCs, for "123456789".
    #[test]
    fn the_crc_of_the_bytes_follows_from_those_of_the_parts() {
        for (algorithm, known) in [
            (Algorithm::Crc32, "y/Q5Jg=="),
            (Algorithm::Crc32c, "4waSgw=="),
            (Algorithm::Crc64Nvme, "rosUhgp5mIg="),
        ] {
            for texts in [&["123456789"][..], &["1234", "56789"], &["1", "", "2345678", "9"]] {
                let parts = parts(algorithm, texts);
                let whole = of_parts(&parts.iter().collect::<Vec<_>>(), algorithm, Kind::FullObject);
                assert_eq!(whole.as_deref(), Some(known), "{algorithm:?} {texts:?}");
            }
        }
    }

    #[test]
    fn what_does_not_follow_is_not_invented() {
        let sha1 = parts(Algorithm::Sha1, &["1234", "56789"]);
        let sha1: Vec<&UploadPart> = sha1.iter().collect();
        assert_eq!(of_parts(&sha1, Algorithm::Sha1, Kind::FullObject), None);
        assert_eq!(of_parts(&sha1, Algorithm::Crc32, Kind::Composite), None);
        assert_eq!(of_parts(&[], Algorithm::Crc32, Kind::FullObject), None);
        // printf of both digests, by openssl.
        let composite = of_parts(&sha1, Algorithm::Sha1, Kind::Composite);
        assert_eq!(composite.as_deref(), Some("ZPMlzVAPwgmwAy0Yd3tZeXQx43E=-2"));
    }
}
