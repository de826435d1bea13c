//! A body on its way into an upload: while one piece is hashed and written on a thread
//! that may block, the next is awaited.

use axum::body::Bytes;
use tokio::task::JoinHandle;

use super::body::BodyReader;
use super::error::ApiError;
use super::pool::Pool;
use crate::upload::{PartWriter, UploadError, WrittenPart};

/// How many bytes are written at once.
const PIECE_BYTES: usize = 256 * 1024;

type Writing = JoinHandle<Result<PartWriter, UploadError>>;

/// A body that comes in pieces.
pub trait Pieces {
    /// Why it did not go on.
    type Error: From<UploadError>;

    /// The next piece; none at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<Bytes>, Self::Error>> + Send;
}

impl Pieces for BodyReader {
    type Error = ApiError;

    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        BodyReader::next(self).await
    }
}

/// Writes a body as a part, and records it.
pub async fn receive(pool: &Pool, mut body: BodyReader, writer: PartWriter) -> Result<WrittenPart, ApiError> {
    let writer = write(&mut body, writer).await?;
    Ok(record(pool, writer).await?)
}

/// Writes a body as a part; returns the writer, with which it is to be recorded.
pub async fn write<Body: Pieces>(body: &mut Body, writer: PartWriter) -> Result<PartWriter, Body::Error> {
    let mut piece: Vec<Bytes> = Vec::new();
    let mut size = 0;
    let mut writing: Writing = tokio::task::spawn_blocking(move || Ok(writer));
    loop {
        let bytes = body.next().await?;
        let is_end = bytes.is_none();
        size += bytes.as_ref().map_or(0, Bytes::len);
        piece.extend(bytes);
        if size >= PIECE_BYTES || is_end {
            let mut writer = written(writing).await?;
            if is_end && piece.is_empty() {
                return Ok(writer);
            }
            let full = std::mem::take(&mut piece);
            size = 0;
            writing = tokio::task::spawn_blocking(move || {
                full.iter().try_for_each(|bytes| writer.write(bytes))?;
                Ok(writer)
            });
            if is_end {
                return Ok(written(writing).await?);
            }
        }
    }
}

async fn written(writing: Writing) -> Result<PartWriter, UploadError> {
    writing.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

/// Records a part that was written.
pub async fn record(pool: &Pool, writer: PartWriter) -> Result<WrittenPart, UploadError> {
    pool.run(move |connection| writer.finish(connection)).await
}
