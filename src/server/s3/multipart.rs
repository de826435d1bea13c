//! Uploads *in parts*.

use std::time::SystemTime;

use fhirmill_postgres::ledger::{Upload, UploadPart};
use s3s::dto::{
    AbortMultipartUploadInput, ChecksumType, CreateMultipartUploadInput, CreateMultipartUploadOutput, ETag,
    ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload,
    Part,
};
use s3s::{S3Result, s3_error};
use uuid::Uuid;

use super::listing::{Encoding, most};
use super::session::Session;
use super::{error, store, whole};
use crate::upload::{Algorithm, Announced, Uploads, value_of};

/// `CreateMultipartUpload`.
pub async fn create(
    session: &Session,
    input: CreateMultipartUploadInput,
) -> S3Result<CreateMultipartUploadOutput> {
    let metadata = store::metadata(input.metadata)?;
    let checksum = whole::announced(input.checksum_algorithm.as_ref(), input.checksum_type.as_ref())?;
    let announced = Announced { filename: input.key.clone(), metadata, checksum, ..Announced::default() };
    let upload = store::begin(session, announced).await?;
    Ok(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(upload.id.to_string()),
        checksum_algorithm: input.checksum_algorithm,
        checksum_type: checksum.map(|(_, kind)| ChecksumType::from_static(kind.name())),
        ..CreateMultipartUploadOutput::default()
    })
}

/// `AbortMultipartUpload`.
pub async fn abort(session: &Session, input: &AbortMultipartUploadInput) -> S3Result<()> {
    let upload = find(session, &input.upload_id, &input.key).await?;
    if matches!(upload.status.as_str(), "completed" | "aborted" | "expired") {
        return Err(no_such_upload());
    }
    let (uploads, uploader) = (session.state.uploads.clone(), session.caller()?.uploader());
    let abort = move |connection: &mut _| uploads.abort(connection, &uploader, upload.id);
    session.run(abort).await.map_err(error::of)
}

/// `ListParts`.
pub async fn list_parts(session: &Session, input: ListPartsInput) -> S3Result<ListPartsOutput> {
    let upload = find_open(session, &input.upload_id, &input.key).await?;
    let after = input.part_number_marker.unwrap_or(0);
    let most = most(input.max_parts)?;
    let mut parts = parts_of(session, upload.id).await?;
    parts.retain(|part| part.part_number > after);
    let is_truncated = parts.len() > most;
    parts.truncate(most);
    let next = parts.last().map(|part| part.part_number).filter(|_| is_truncated);
    let sum = |part: &UploadPart, algorithm| value_of(part, algorithm).map(str::to_owned);
    let described = |part: UploadPart| Part {
        checksum_crc32: sum(&part, Algorithm::Crc32),
        checksum_crc32c: sum(&part, Algorithm::Crc32c),
        checksum_crc64nvme: sum(&part, Algorithm::Crc64Nvme),
        checksum_sha1: sum(&part, Algorithm::Sha1),
        checksum_sha256: sum(&part, Algorithm::Sha256),
        e_tag: Some(ETag::Strong(hexadecimal(&part.md5))),
        last_modified: Some(SystemTime::from(part.received_at).into()),
        part_number: Some(part.part_number),
        size: Some(part.size_bytes),
    };
    Ok(ListPartsOutput {
        checksum_algorithm: upload.checksum_algorithm.map(|code| code.to_ascii_uppercase().into()),
        checksum_type: upload.checksum_type.map(Into::into),
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        is_truncated: Some(is_truncated),
        max_parts: Some(i32::try_from(most).unwrap_or(i32::MAX)),
        part_number_marker: Some(after),
        next_part_number_marker: next,
        parts: Some(parts.into_iter().map(described).collect()),
        ..ListPartsOutput::default()
    })
}

/// `ListMultipartUploads`: all that are open, also those that were begun by REST.
pub async fn list(
    session: &Session,
    input: ListMultipartUploadsInput,
) -> S3Result<ListMultipartUploadsOutput> {
    let sender_id = session.caller()?.bearer.sender_id;
    let find = move |connection: &mut _| Ok(Upload::list_open(connection, sender_id)?);
    let mut uploads = session.run(find).await.map_err(error::of)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let marker = (input.key_marker.as_deref(), input.upload_id_marker.as_deref());
    uploads.retain(|upload| {
        // One call, not an upload in parts.
        let is_single = upload.face != "rest" && upload.part_count == Some(1);
        !is_single && upload.filename.starts_with(prefix) && is_after(upload, marker)
    });
    uploads.sort_by(|one, other| {
        (&one.filename, one.id.to_string()).cmp(&(&other.filename, other.id.to_string()))
    });
    let most = most(input.max_uploads)?;
    let is_truncated = uploads.len() > most;
    uploads.truncate(most);
    let encoding = Encoding::of(input.encoding_type.as_ref());
    let next = uploads.last().filter(|_| is_truncated);
    Ok(ListMultipartUploadsOutput {
        next_key_marker: next.map(|upload| encoding.text(&upload.filename)),
        next_upload_id_marker: next.map(|upload| upload.id.to_string()),
        uploads: Some(uploads.iter().map(|upload| described(upload, encoding)).collect()),
        bucket: Some(input.bucket),
        encoding_type: input.encoding_type,
        is_truncated: Some(is_truncated),
        key_marker: input.key_marker.map(|marker| encoding.text(&marker)),
        upload_id_marker: input.upload_id_marker,
        max_uploads: Some(i32::try_from(most).unwrap_or(i32::MAX)),
        prefix: input.prefix.map(|prefix| encoding.text(&prefix)),
        ..ListMultipartUploadsOutput::default()
    })
}

fn described(upload: &Upload, encoding: Encoding) -> MultipartUpload {
    MultipartUpload {
        initiated: Some(SystemTime::from(upload.created_at).into()),
        key: Some(encoding.text(&upload.filename)),
        upload_id: Some(upload.id.to_string()),
        ..MultipartUpload::default()
    }
}

fn is_after(upload: &Upload, marker: (Option<&str>, Option<&str>)) -> bool {
    match marker {
        (None | Some(""), _) => true,
        (Some(key), None | Some("")) => upload.filename.as_str() > key,
        (Some(key), Some(id)) => (upload.filename.as_str(), upload.id.to_string().as_str()) > (key, id),
    }
}

/// The upload with that id and name that can take parts.
pub async fn find_open(session: &Session, upload_id: &str, key: &str) -> S3Result<Upload> {
    let upload = find(session, upload_id, key).await?;
    if upload.status == "open" { Ok(upload) } else { Err(no_such_upload()) }
}

/// The upload with that id and name.
pub async fn find(session: &Session, upload_id: &str, key: &str) -> S3Result<Upload> {
    let id = Uuid::try_parse(upload_id).map_err(|_| no_such_upload())?;
    session.call.set_target(id);
    let uploader = session.caller()?.uploader();
    let find = move |connection: &mut _| Uploads::find(connection, &uploader, id);
    let upload = session.run(find).await.map_err(error::of)?;
    if upload.filename == key { Ok(upload) } else { Err(no_such_upload()) }
}

fn no_such_upload() -> s3s::S3Error {
    s3_error!(NoSuchUpload, "there is no open upload with this id and name")
}

/// The parts that were received of an upload.
pub async fn parts_of(session: &Session, id: Uuid) -> S3Result<Vec<UploadPart>> {
    let list = move |connection: &mut _| Ok(UploadPart::list(connection, id)?);
    session.run(list).await.map_err(error::of)
}

/// Bytes in hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
