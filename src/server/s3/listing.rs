//! The *listing* of what was delivered: wherever the files are now, so that clients that
//! compare do not send them again.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use diesel::PgConnection;
use fhirmill_postgres::ledger::StoredObject;
use s3s::dto::{
    CommonPrefix, ETag, EncodingType, HeadObjectInput, HeadObjectOutput, ListObjectsInput, ListObjectsOutput,
    ListObjectsV2Input, ListObjectsV2Output, Object, ObjectStorageClass,
};
use s3s::{S3Result, s3_error};

use super::session::Session;
use super::{error, store};
use crate::upload::{Algorithm, UploadError};

/// The most entries of one answer, as in S3.
const MOST: usize = 1000;
/// Behind every name that begins with what it is appended to.
const LAST: char = char::MAX;

/// How many entries an answer may have.
pub fn most(asked: Option<i32>) -> S3Result<usize> {
    let asked = usize::try_from(asked.unwrap_or(i32::MAX));
    asked.map(|asked| asked.min(MOST)).map_err(|_| s3_error!(InvalidArgument, "a number is negative"))
}

/// How names are written in answers.
#[derive(Clone, Copy)]
pub struct Encoding {
    is_url: bool,
}

impl Encoding {
    /// The encoding that the client asks for.
    pub fn of(asked: Option<&EncodingType>) -> Self {
        Encoding { is_url: asked.is_some_and(|asked| asked.as_str() == EncodingType::URL) }
    }

    /// A name in that encoding.
    pub fn text(self, name: &str) -> String {
        if !self.is_url {
            return name.to_owned();
        }
        let mut text = String::with_capacity(name.len());
        for byte in name.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                    text.push(char::from(byte));
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
        text
    }
}

/// What is to be listed.
struct Wanted {
    source_id: i16,
    prefix: String,
    delimiter: String,
    /// The name after which it begins.
    after: String,
    most: usize,
}

/// A page of a listing.
#[derive(Default)]
struct Page {
    objects: Vec<StoredObject>,
    prefixes: Vec<String>,
    /// The last object or prefix.
    last: Option<String>,
    is_truncated: bool,
}

/// The next page.
fn page(connection: &mut PgConnection, wanted: &Wanted) -> Result<Page, UploadError> {
    let mut page = Page::default();
    let mut after = match common_prefix(wanted, &wanted.after) {
        Some(prefix) if prefix == wanted.after => format!("{prefix}{LAST}"),
        _ => wanted.after.clone(),
    };
    if wanted.most == 0 {
        return Ok(page);
    }
    loop {
        let limit = wanted.most + 1 - page.objects.len() - page.prefixes.len();
        let range = (after.as_str(), wanted.prefix.as_str());
        let found = StoredObject::list(connection, wanted.source_id, range, limit as i64)?;
        let is_end = found.len() < limit;
        for object in found {
            if !object.key.starts_with(&wanted.prefix) {
                return Ok(page);
            }
            if object.key <= after {
                continue;
            }
            if page.objects.len() + page.prefixes.len() == wanted.most {
                page.is_truncated = true;
                return Ok(page);
            }
            match common_prefix(wanted, &object.key) {
                Some(prefix) => {
                    after = format!("{prefix}{LAST}");
                    page.last = Some(prefix.to_owned());
                    page.prefixes.push(prefix.to_owned());
                }
                None => {
                    after.clone_from(&object.key);
                    page.last = Some(object.key.clone());
                    page.objects.push(object);
                }
            }
        }
        if is_end {
            return Ok(page);
        }
    }
}

/// The part of a name up to the first delimiter after the prefix.
fn common_prefix<'k>(wanted: &Wanted, key: &'k str) -> Option<&'k str> {
    if wanted.delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(&wanted.prefix)?;
    let end = rest.find(&wanted.delimiter)? + wanted.delimiter.len();
    Some(&key[..wanted.prefix.len() + end])
}

async fn listed(
    session: &Session,
    (prefix, delimiter, after): (Option<&str>, Option<&str>, String),
    max_keys: Option<i32>,
) -> S3Result<Page> {
    let wanted = Wanted {
        source_id: session.caller()?.bearer.source_id,
        prefix: prefix.unwrap_or_default().to_owned(),
        delimiter: delimiter.unwrap_or_default().to_owned(),
        after,
        most: most(max_keys)?,
    };
    if wanted.prefix.contains('\0') || wanted.after.contains('\0') {
        return Err(s3_error!(InvalidArgument, "names do not have a NUL"));
    }
    session.run(move |connection| page(connection, &wanted)).await.map_err(error::of)
}

/// `ListObjectsV2`.
pub async fn list_v2(session: &Session, input: ListObjectsV2Input) -> S3Result<ListObjectsV2Output> {
    let after = match &input.continuation_token {
        Some(token) => URL_SAFE_NO_PAD.decode(token).ok().and_then(|after| String::from_utf8(after).ok()),
        None => Some(input.start_after.clone().unwrap_or_default()),
    };
    let after =
        after.ok_or_else(|| s3_error!(InvalidArgument, "the continuation token is not one of ours"))?;
    let place = (input.prefix.as_deref(), input.delimiter.as_deref(), after);
    let page = listed(session, place, input.max_keys).await?;
    let encoding = Encoding::of(input.encoding_type.as_ref());
    let count = page.objects.len() + page.prefixes.len();
    let next = page.last.as_ref().filter(|_| page.is_truncated);
    Ok(ListObjectsV2Output {
        next_continuation_token: next.map(|last| URL_SAFE_NO_PAD.encode(last)),
        contents: Some(page.objects.into_iter().map(|object| described(object, encoding)).collect()),
        common_prefixes: Some(prefixes(page.prefixes, encoding)),
        name: Some(input.bucket),
        prefix: Some(encoding.text(input.prefix.as_deref().unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        start_after: input.start_after.map(|after| encoding.text(&after)),
        continuation_token: input.continuation_token,
        encoding_type: input.encoding_type,
        is_truncated: Some(page.is_truncated),
        key_count: Some(i32::try_from(count).unwrap_or(i32::MAX)),
        max_keys: Some(input.max_keys.unwrap_or(MOST as i32)),
        ..ListObjectsV2Output::default()
    })
}

/// `ListObjects`, for clients of the first version.
pub async fn list(session: &Session, input: ListObjectsInput) -> S3Result<ListObjectsOutput> {
    let after = input.marker.clone().unwrap_or_default();
    let place = (input.prefix.as_deref(), input.delimiter.as_deref(), after);
    let page = listed(session, place, input.max_keys).await?;
    let encoding = Encoding::of(input.encoding_type.as_ref());
    let next = page.last.as_ref().filter(|_| page.is_truncated);
    Ok(ListObjectsOutput {
        next_marker: next.map(|last| encoding.text(last)),
        contents: Some(page.objects.into_iter().map(|object| described(object, encoding)).collect()),
        common_prefixes: Some(prefixes(page.prefixes, encoding)),
        name: Some(input.bucket),
        prefix: Some(encoding.text(input.prefix.as_deref().unwrap_or_default())),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        marker: Some(encoding.text(input.marker.as_deref().unwrap_or_default())),
        encoding_type: input.encoding_type,
        is_truncated: Some(page.is_truncated),
        max_keys: Some(input.max_keys.unwrap_or(MOST as i32)),
        ..ListObjectsOutput::default()
    })
}

/// `HeadObject`.
pub async fn head(session: &Session, input: &HeadObjectInput) -> S3Result<HeadObjectOutput> {
    let found = store::find(session, &input.key).await?;
    let found = found.ok_or_else(|| s3_error!(NoSuchKey, "no file of this name was delivered"))?;
    let text = |value: serde_json::Value| value.as_str().map(str::to_owned);
    let metadata = match found.metadata {
        Some(serde_json::Value::Object(members)) => {
            Some(members.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
        }
        _ => None,
    };
    // Its checksum is told to those who ask for it.
    let is_asked_for = input.checksum_mode.is_some();
    let sum = |algorithm: Algorithm| {
        let is_it = is_asked_for && found.checksum_algorithm.as_deref() == Some(algorithm.code());
        found.checksum.clone().filter(|_| is_it)
    };
    Ok(HeadObjectOutput {
        checksum_crc32: sum(Algorithm::Crc32),
        checksum_crc32c: sum(Algorithm::Crc32c),
        checksum_crc64nvme: sum(Algorithm::Crc64Nvme),
        checksum_sha1: sum(Algorithm::Sha1),
        checksum_sha256: sum(Algorithm::Sha256),
        checksum_type: found.checksum_type.clone().filter(|_| is_asked_for).map(Into::into),
        content_length: Some(found.size_bytes),
        e_tag: found.etag.map(ETag::Strong),
        last_modified: Some(SystemTime::from(found.delivered_at).into()),
        metadata,
        ..HeadObjectOutput::default()
    })
}

fn described(object: StoredObject, encoding: Encoding) -> Object {
    Object {
        key: Some(encoding.text(&object.key)),
        size: Some(object.size_bytes),
        e_tag: object.etag.map(ETag::Strong),
        last_modified: Some(SystemTime::from(object.delivered_at).into()),
        storage_class: Some(ObjectStorageClass::from_static(ObjectStorageClass::STANDARD)),
        ..Object::default()
    }
}

fn prefixes(prefixes: Vec<String>, encoding: Encoding) -> Vec<CommonPrefix> {
    prefixes.into_iter().map(|prefix| CommonPrefix { prefix: Some(encoding.text(&prefix)) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_where_the_client_asks_for_it() {
        let url = Encoding::of(Some(&EncodingType::from_static(EncodingType::URL)));
        assert_eq!(url.text("a b/ü+~.x"), "a%20b/%C3%BC%2B~.x");
        assert_eq!(Encoding::of(None).text("a b"), "a b");
    }

    #[test]
    fn a_common_prefix_ends_with_the_first_delimiter_after_the_prefix() {
        let wanted = Wanted {
            source_id: 1,
            prefix: "a/".to_owned(),
            delimiter: "/".to_owned(),
            after: String::new(),
            most: 10,
        };
        assert_eq!(common_prefix(&wanted, "a/b/c/d"), Some("a/b/"));
        assert_eq!(common_prefix(&wanted, "a/b"), None);
        assert_eq!(common_prefix(&wanted, "b/c"), None);
    }
}
