//! The checksum of a *whole* file in parts: what the sender announces and expects of it.

use fhirmill_postgres::ledger::{Upload, UploadPart};
use s3s::dto::{ChecksumAlgorithm, ChecksumType, CompleteMultipartUploadInput};
use s3s::{S3Result, s3_error};

use crate::upload::{self, Algorithm, Kind};

/// What the sender expects of the whole file.
#[derive(Debug)]
pub struct Expected {
    algorithm: Algorithm,
    kind: Option<Kind>,
    value: String,
}

/// The checksum that an upload begins with.
pub fn announced(
    algorithm: Option<&ChecksumAlgorithm>,
    kind: Option<&ChecksumType>,
) -> S3Result<Option<(Algorithm, Kind)>> {
    let Some(algorithm) = algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => {
                Err(s3_error!(InvalidRequest, "x-amz-checksum-type must come with x-amz-checksum-algorithm"))
            }
        };
    };
    let algorithm =
        Algorithm::of_code(algorithm.as_str()).filter(|algorithm| *algorithm != Algorithm::Sha512);
    let algorithm = algorithm.ok_or_else(|| {
        s3_error!(InvalidRequest, "x-amz-checksum-algorithm is CRC32, CRC32C, CRC64NVME, SHA1 or SHA256")
    })?;
    let can_be_whole = !matches!(algorithm, Algorithm::Sha1 | Algorithm::Sha256);
    let kind = match kind {
        Some(kind) => kind_of(kind)?,
        None if algorithm == Algorithm::Crc64Nvme => Kind::FullObject,
        None => Kind::Composite,
    };
    if (kind == Kind::FullObject && !can_be_whole)
        || (kind == Kind::Composite && algorithm == Algorithm::Crc64Nvme)
    {
        return Err(s3_error!(
            InvalidRequest,
            "the checksum of a file in parts cannot be {} with {}",
            kind.name(),
            algorithm.name()
        ));
    }
    Ok(Some((algorithm, kind)))
}

fn kind_of(kind: &ChecksumType) -> S3Result<Kind> {
    Kind::of_name(kind.as_str())
        .ok_or_else(|| s3_error!(InvalidRequest, "x-amz-checksum-type is COMPOSITE or FULL_OBJECT"))
}

/// What the call that completes an upload says of the whole file.
pub fn expected(input: &CompleteMultipartUploadInput) -> S3Result<Option<Expected>> {
    let sums = [
        (Algorithm::Crc32, &input.checksum_crc32),
        (Algorithm::Crc32c, &input.checksum_crc32c),
        (Algorithm::Crc64Nvme, &input.checksum_crc64nvme),
        (Algorithm::Sha1, &input.checksum_sha1),
        (Algorithm::Sha256, &input.checksum_sha256),
    ];
    let kind = input.checksum_type.as_ref().map(kind_of).transpose()?;
    let mut expected = None;
    for (algorithm, value) in sums {
        let Some(value) = value.clone() else { continue };
        if expected.replace(Expected { algorithm, kind, value }).is_some() {
            return Err(s3_error!(InvalidRequest, "a call may have one checksum"));
        }
    }
    Ok(expected)
}

/// Refuses parts that are not the file that the sender expects.
pub fn check(
    upload: &Upload,
    parts: &[&UploadPart],
    expected: Option<&Expected>,
    size: Option<i64>,
) -> S3Result<()> {
    let received: i64 = parts.iter().map(|part| part.size_bytes).sum();
    if size.is_some_and(|size| size != received) {
        return Err(s3_error!(
            InvalidRequest,
            "the parts have {received} bytes, which is not x-amz-mp-object-size"
        ));
    }
    let Some(expected) = expected else { return Ok(()) };
    let announced = upload.checksum_type.as_deref().and_then(Kind::of_name);
    let told = expected.value.contains('-').then_some(Kind::Composite);
    let kind = expected.kind.or(told).or(announced).unwrap_or(Kind::FullObject);
    let Some(found) = upload::of_parts(parts, expected.algorithm, kind) else {
        return Err(s3_error!(
            InvalidRequest,
            "the {} of the whole file does not follow from the checksums of its parts",
            expected.algorithm.name()
        ));
    };
    // Clients send composite checksums with or without the number of parts.
    let is_right = match expected.value.contains('-') {
        true => found == expected.value,
        false => found.split('-').next() == Some(expected.value.as_str()),
    };
    if is_right {
        return Ok(());
    }
    Err(s3_error!(BadDigest, "the {} of the whole file is another", expected.algorithm.name()))
}

/// The checksum of a file that was completed, if it is of that algorithm.
pub fn value_of(upload: &Upload, algorithm: Algorithm) -> Option<String> {
    let is_wanted = upload.checksum_algorithm.as_deref() == Some(algorithm.code());
    upload.checksum.clone().filter(|_| is_wanted)
}
