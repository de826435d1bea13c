//! The *completion* of uploads in parts.

use fhirmill_postgres::ledger::UploadPart;
use s3s::dto::{CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, ETag};
use s3s::{S3Result, s3_error};

use super::session::Session;
use super::{error, multipart, store, whole};
use crate::upload::{self, Algorithm, UploadError};

/// `CompleteMultipartUpload`: the file is queued to be loaded. Completing it again gives the
/// same answer.
pub async fn complete(
    session: &Session,
    input: CompleteMultipartUploadInput,
) -> S3Result<CompleteMultipartUploadOutput> {
    let upload = multipart::find(session, &input.upload_id, &input.key).await?;
    let completed = match upload.status.as_str() {
        "completed" => upload,
        _ => {
            let condition = input.if_none_match.as_ref();
            store::check_absent(session, &input.key, condition, input.if_match.is_some()).await?;
            let expected = whole::expected(&input)?;
            let size = input.mpu_object_size;
            let parts = input.multipart_upload.and_then(|parts| parts.parts).unwrap_or_default();
            let received = multipart::parts_of(session, upload.id).await?;
            // While it is being completed its parts are not changed any more.
            let wanted = match upload.status.as_str() {
                "open" => {
                    let wanted = wanted(&received, &parts)?;
                    whole::check(&upload, &wanted, expected.as_ref(), size)?;
                    wanted.iter().map(|part| part.part_number).collect()
                }
                _ => received.iter().map(|part| part.part_number).collect(),
            };
            let completed = store::complete(session, upload.id, Some(wanted)).await;
            completed.map_err(completion_error)?
        }
    };
    let sum = |algorithm| whole::value_of(&completed, algorithm);
    Ok(CompleteMultipartUploadOutput {
        checksum_crc32: sum(Algorithm::Crc32),
        checksum_crc32c: sum(Algorithm::Crc32c),
        checksum_crc64nvme: sum(Algorithm::Crc64Nvme),
        checksum_sha1: sum(Algorithm::Sha1),
        checksum_sha256: sum(Algorithm::Sha256),
        checksum_type: completed.checksum.as_ref().and(completed.checksum_type).map(Into::into),
        location: Some(format!("/{}/{}", input.bucket, input.key)),
        bucket: Some(input.bucket),
        key: Some(input.key),
        e_tag: completed.etag.map(ETag::Strong),
        ..CompleteMultipartUploadOutput::default()
    })
}

/// While another call completes it, clients are to ask again.
fn completion_error(failure: UploadError) -> s3s::S3Error {
    match failure {
        UploadError::Conflict(sentence) => error::of(UploadError::Busy(sentence)),
        failure => error::of(failure),
    }
}

/// The parts that the file consists of, if they are as the sender says.
fn wanted<'p>(received: &'p [UploadPart], parts: &[CompletedPart]) -> S3Result<Vec<&'p UploadPart>> {
    if parts.is_empty() {
        return Err(s3_error!(MalformedXML, "the parts of the file must be named"));
    }
    let mut wanted: Vec<&UploadPart> = Vec::with_capacity(parts.len());
    for part in parts {
        let number =
            part.part_number.ok_or_else(|| s3_error!(MalformedXML, "a part does not have a PartNumber"))?;
        if wanted.last().is_some_and(|before| before.part_number >= number) {
            return Err(s3_error!(InvalidPartOrder, "the parts must be named in the order of their numbers"));
        }
        let found = received.binary_search_by_key(&number, |received| received.part_number);
        match found {
            Ok(at) if is_as_told(&received[at], part) => wanted.push(&received[at]),
            _ => {
                return Err(s3_error!(
                    InvalidPart,
                    "part {number} was not received, or its ETag or checksum is not the one that was answered"
                ));
            }
        }
    }
    Ok(wanted)
}

fn is_as_told(received: &UploadPart, told: &CompletedPart) -> bool {
    let etag = multipart::hexadecimal(&received.md5);
    let sums = [
        (Algorithm::Crc32, &told.checksum_crc32),
        (Algorithm::Crc32c, &told.checksum_crc32c),
        (Algorithm::Crc64Nvme, &told.checksum_crc64nvme),
        (Algorithm::Sha1, &told.checksum_sha1),
        (Algorithm::Sha256, &told.checksum_sha256),
    ];
    told.e_tag.as_ref().is_none_or(|told| told.value().eq_ignore_ascii_case(&etag))
        && sums.iter().all(|(algorithm, told)| match told {
            Some(told) => upload::value_of(received, *algorithm) == Some(told.as_str()),
            None => true,
        })
}
