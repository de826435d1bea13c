//! *Errors* as S3 has them.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{S3Error, S3ErrorCode};
use tracing::error;

use crate::report::in_one_line;
use crate::upload::UploadError;

/// The error of S3 that says the same.
pub fn of(failure: UploadError) -> S3Error {
    let sentence = failure.to_string();
    let code = match failure {
        UploadError::NotFound | UploadError::Gone(_) => S3ErrorCode::NoSuchUpload,
        UploadError::Conflict(_) => S3ErrorCode::OperationAborted,
        UploadError::Missing(_) => S3ErrorCode::InvalidPart,
        UploadError::WrongSize(_) => S3ErrorCode::IncompleteBody,
        UploadError::WrongSum(_) | UploadError::WrongWhole(_) => S3ErrorCode::BadDigest,
        UploadError::Invalid(_) => S3ErrorCode::InvalidArgument,
        UploadError::TooLarge { .. } => S3ErrorCode::EntityTooLarge,
        UploadError::Busy(_) => return later(S3ErrorCode::SlowDown, sentence, "30"),
        UploadError::DiskFull => {
            return custom("InsufficientStorage", StatusCode::INSUFFICIENT_STORAGE, sentence);
        }
        UploadError::Io(failure) => {
            error!("an upload could not be written: {failure}");
            S3ErrorCode::InternalError
        }
        UploadError::Connect(failure) => {
            error!("a call could not be answered: {}", in_one_line(&failure));
            return unavailable();
        }
        UploadError::Database(failure) => {
            // The server's message may quote values.
            let class = fhirmill_postgres::database::Failure::of(&failure);
            error!("a call could not be answered: the database refused a query ({class:?})");
            return unavailable();
        }
    };
    S3Error::with_message(code, sentence)
}

fn unavailable() -> S3Error {
    let sentence = "the database is unavailable; try again later".to_owned();
    later(S3ErrorCode::ServiceUnavailable, sentence, "10")
}

fn later(code: S3ErrorCode, sentence: String, seconds: &'static str) -> S3Error {
    let mut error = S3Error::with_message(code, sentence);
    error.set_headers(HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(seconds))]));
    error
}

/// An error whose code s3s does not know.
pub fn custom(code: &'static str, status: StatusCode, sentence: String) -> S3Error {
    let mut error = S3Error::with_message(S3ErrorCode::Custom(code.into()), sentence);
    error.set_status_code(status);
    error
}
