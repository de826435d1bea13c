//! *Errors* of stores, for people and without secrets: what a store answers may quote the request
//! with its credentials, so only the status and the code of it are shown.

use std::io::{self, ErrorKind};

use object_store::Error;
use thiserror::Error as ThisError;

/// Why a call of a store failed.
#[derive(Debug, ThisError)]
#[error("{place}: {what}")]
struct StorageError {
    /// The URL of the object or prefix.
    place: String,
    what: String,
    is_replaced: bool,
}

/// The error of a store as one of input and output.
pub(super) fn io_error(place: &str, error: &Error) -> io::Error {
    let (kind, what) = match error {
        Error::NotFound { .. } => (ErrorKind::NotFound, "there is no such object or bucket".to_owned()),
        Error::AlreadyExists { .. } => (ErrorKind::AlreadyExists, "there is an object already".to_owned()),
        Error::Precondition { .. } | Error::NotModified { .. } => {
            (ErrorKind::Other, "the object was replaced".to_owned())
        }
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            (ErrorKind::PermissionDenied, format!("access is denied{}", code(error)))
        }
        _ if is_denied(error) => (ErrorKind::PermissionDenied, format!("access is denied{}", code(error))),
        _ => (ErrorKind::Other, described(error)),
    };
    let is_replaced = matches!(error, Error::Precondition { .. } | Error::NotModified { .. });
    let place = place.to_owned();
    io::Error::new(kind, StorageError { place, what, is_replaced })
}

/// The error of a call that was given up because the store is away and something else waits: it is
/// [`ErrorKind::TimedOut`].
pub(super) fn away_error(place: &str) -> io::Error {
    let (place, what) = (place.to_owned(), "the store does not answer, and is asked again later".to_owned());
    io::Error::new(ErrorKind::TimedOut, StorageError { place, what, is_replaced: false })
}

/// Whether a call failed because the object is another one by now.
pub fn is_replaced(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>());
    inner.is_some_and(|error| error.is_replaced)
}

/// Whether a call failed because the object is not there.
pub fn is_absent(error: &io::Error) -> bool {
    error.kind() == ErrorKind::NotFound
}

/// Whether the store refused a call for which the client has no error of its own, such as a listing.
fn is_denied(error: &Error) -> bool {
    let text = error.to_string();
    between(&text, "status code: ", ":")
        .is_some_and(|status| status.starts_with("401") || status.starts_with("403"))
}

/// The code that the store gave, in parentheses.
fn code(error: &Error) -> String {
    let text = error.to_string();
    between(&text, "<Code>", "</Code>").map(|code| format!(" ({code})")).unwrap_or_default()
}

/// What went wrong on the way to the store, or in it.
fn described(error: &Error) -> String {
    let text = error.to_string();
    if let Some(status) = between(&text, "status code: ", ":") {
        return format!("the store answered {status}{}", code(error));
    }
    if let Some(code) = between(&text, "<Code>", "</Code>") {
        return format!("the store answered {code}");
    }
    if text.contains("HTTP error") {
        return "the store cannot be reached".to_owned();
    }
    // Of the client itself: a setting that is missing, a file that cannot be read.
    let is_quoting = text.contains('<') || text.to_ascii_lowercase().contains("token");
    if is_quoting { "the store gave an answer that is not understood".to_owned() } else { text }
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Option<&'t str> {
    let rest = text.split_once(before)?.1;
    let found = rest.split_once(after)?.0.trim();
    (!found.is_empty() && found.len() <= 60 && !found.contains('<')).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_quotes_the_request_is_not_shown() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><StringToSign>x-amz-security-token:swordfish\
                    </StringToSign></Error>";
        let source = format!("Server returned non-2xx status code: 400 Bad Request: {body}");
        let denied = Error::PermissionDenied { path: "a".to_owned(), source: source.clone().into() };
        let other = Error::Generic { store: "S3", source: source.into() };
        for (error, expected) in [
            (denied, "s3://b/a: access is denied (SignatureDoesNotMatch)"),
            (other, "s3://b/a: the store answered 400 Bad Request (SignatureDoesNotMatch)"),
        ] {
            assert_eq!(io_error("s3://b/a", &error).to_string(), expected);
        }
    }

    #[test]
    fn a_replaced_object_is_told_from_one_that_is_gone() {
        let replaced = Error::Precondition { path: "a".to_owned(), source: "412".into() };
        let gone = Error::NotFound { path: "a".to_owned(), source: "404".into() };
        assert!(
            is_replaced(&io_error("s3://b/a", &replaced)) && !is_absent(&io_error("s3://b/a", &replaced))
        );
        assert!(is_absent(&io_error("s3://b/a", &gone)) && !is_replaced(&io_error("s3://b/a", &gone)));
    }
}
