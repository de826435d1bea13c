//! Files and parts *on their way in*.

use axum::http::HeaderMap;
use fhirmill_postgres::ledger::{StoredObject, Upload};
use s3s::dto::{
    ETag, ETagCondition, Metadata, PutObjectInput, PutObjectOutput, StreamingBlob, UploadPartInput,
    UploadPartOutput,
};
use s3s::{S3Request, S3Result, TrailingHeaders, s3_error};
use uuid::Uuid;

use super::body::{Decoded, Refused};
use super::session::Session;
use super::{checksums, error, multipart};
use crate::server::receive;
use crate::server::unfinished::Unfinished;
use crate::upload::{Algorithm, Announced, Expected, Repeated, UploadError, WrittenPart};

/// The most bytes of metadata, as in S3.
const MOST_METADATA: usize = 2048;

/// The body of a call, and what is said of it.
struct Incoming {
    blob: Option<StreamingBlob>,
    trailers: Option<TrailingHeaders>,
    expected: Expected,
}

impl Incoming {
    fn new(
        headers: &HeaderMap,
        size: Option<i64>,
        blob: Option<StreamingBlob>,
        trailers: Option<TrailingHeaders>,
    ) -> S3Result<Self> {
        Ok(Incoming { blob, trailers, expected: checksums::expected(headers, size)? })
    }
}

/// `PutObject`: a file in one call. A file of the same name is a new delivery.
pub async fn put_object(session: &Session, request: S3Request<PutObjectInput>) -> S3Result<PutObjectOutput> {
    let input = request.input;
    let size = input.content_length;
    let incoming = Incoming::new(&request.headers, size, input.body, request.trailing_headers)?;
    check_absent(session, &input.key, input.if_none_match.as_ref(), input.if_match.is_some()).await?;
    let announced = Announced {
        filename: input.key,
        part_count: Some(1),
        size: incoming.expected.size,
        metadata: metadata(input.metadata)?,
        ..Announced::default()
    };
    let caller = session.caller()?;
    let upload = begin(session, announced).await?;
    let unfinished = Unfinished::new(&session.state, &caller, upload.id);
    let part = receive(session, (upload.id, 1), incoming).await?;
    let upload = complete(session, upload.id, None).await.map_err(error::of)?;
    unfinished.is_finished();
    let sum = |algorithm| checksums::value_of(&part.sums, algorithm);
    Ok(PutObjectOutput {
        checksum_crc32: sum(Algorithm::Crc32),
        checksum_crc32c: sum(Algorithm::Crc32c),
        checksum_crc64nvme: sum(Algorithm::Crc64Nvme),
        checksum_sha1: sum(Algorithm::Sha1),
        checksum_sha256: sum(Algorithm::Sha256),
        e_tag: upload.etag.map(ETag::Strong),
        ..PutObjectOutput::default()
    })
}

/// `UploadPart`: a part, in any order. One that was received before is replaced.
pub async fn upload_part(
    session: &Session,
    request: S3Request<UploadPartInput>,
) -> S3Result<UploadPartOutput> {
    let input = request.input;
    let size = input.content_length;
    let incoming = Incoming::new(&request.headers, size, input.body, request.trailing_headers)?;
    let upload = multipart::find_open(session, &input.upload_id, &input.key).await?;
    let part = receive(session, (upload.id, input.part_number), incoming).await?;
    let sum = |algorithm| checksums::value_of(&part.sums, algorithm);
    Ok(UploadPartOutput {
        checksum_crc32: sum(Algorithm::Crc32),
        checksum_crc32c: sum(Algorithm::Crc32c),
        checksum_crc64nvme: sum(Algorithm::Crc64Nvme),
        checksum_sha1: sum(Algorithm::Sha1),
        checksum_sha256: sum(Algorithm::Sha256),
        e_tag: Some(ETag::Strong(multipart::hexadecimal(&part.md5))),
        ..UploadPartOutput::default()
    })
}

/// Begins an upload.
pub async fn begin(session: &Session, announced: Announced) -> S3Result<Upload> {
    let (uploads, uploader) = (session.state.uploads.clone(), session.caller()?.uploader());
    let begin = move |connection: &mut _| uploads.begin(connection, &uploader, "s3", &announced);
    let upload = session.run(begin).await.map_err(error::of)?;
    session.call.set_target(upload.id);
    Ok(upload)
}

/// Completes an upload, a few at once.
pub async fn complete(session: &Session, id: Uuid, wanted: Option<Vec<i32>>) -> Result<Upload, UploadError> {
    // The semaphore is never closed.
    let _permit = session.state.completions.acquire().await;
    let uploader = session.caller().map_err(|_| UploadError::NotFound)?.uploader();
    let uploads = session.state.uploads.clone();
    session.run(move |connection| uploads.complete(connection, &uploader, id, wanted.as_deref())).await
}

async fn receive(session: &Session, part: (Uuid, i32), incoming: Incoming) -> S3Result<WrittenPart> {
    let (uploads, uploader) = (session.state.uploads.clone(), session.caller()?.uploader());
    let Incoming { blob, trailers, expected } = incoming;
    let later = expected.later;
    let begin = move |connection: &mut _| {
        uploads.begin_part(connection, &uploader, part, expected, Repeated::Replace)
    };
    let writer = session.run(begin).await.map_err(error::of)?;
    let mut body = Decoded::new(session, blob);
    let mut writer = receive::write(&mut body, writer).await.map_err(|Refused(error)| error)?;
    if let Some(sum) = checksums::trailing(trailers, later)? {
        writer.expect(sum);
    }
    receive::record(&session.state.pool, writer).await.map_err(error::of)
}

/// Refuses a file that exists where the sender wants a new one (`If-None-Match: *`).
pub async fn check_absent(
    session: &Session,
    key: &str,
    if_none_match: Option<&ETagCondition>,
    if_match: bool,
) -> S3Result<()> {
    if if_match {
        return Err(s3_error!(NotImplemented, "If-Match is not supported: every file is a new delivery"));
    }
    match if_none_match {
        None => Ok(()),
        Some(ETagCondition::Any) => match find(session, key).await? {
            Some(_) => Err(s3_error!(PreconditionFailed, "a file of this name was delivered before")),
            None => Ok(()),
        },
        Some(ETagCondition::ETag(_)) => Err(s3_error!(NotImplemented, "If-None-Match must be *")),
    }
}

/// The last delivery of that name.
pub async fn find(session: &Session, key: &str) -> S3Result<Option<StoredObject>> {
    // Not a name, for the database.
    if key.contains('\0') {
        return Ok(None);
    }
    let (source_id, key) = (session.caller()?.bearer.source_id, key.to_owned());
    let find = move |connection: &mut _| Ok(StoredObject::find(connection, source_id, &key)?);
    session.run(find).await.map_err(error::of)
}

/// Metadata as the ledger keeps them.
pub fn metadata(metadata: Option<Metadata>) -> S3Result<Option<serde_json::Value>> {
    let Some(metadata) = metadata.filter(|metadata| !metadata.is_empty()) else { return Ok(None) };
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_METADATA {
        return Err(s3_error!(MetadataTooLarge, "no more than {MOST_METADATA} bytes of metadata are kept"));
    }
    let kept = metadata.into_iter().filter(|(name, value)| !name.contains('\0') && !value.contains('\0'));
    Ok(Some(serde_json::Value::Object(kept.map(|(name, value)| (name, value.into())).collect())))
}
