//! The settings of *object storage*: which of inbox, archive and rejects are in a store, and how
//! it is used.

use std::fmt;

use super::values::Expectation;

/// Which of inbox, archive and rejects are in an object store, and how it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// Where objects arrive, besides the files of the inbox.
    pub inbox: Option<StorageUrl>,
    /// Where loaded files are kept, instead of a folder.
    pub archive: Option<StorageUrl>,
    /// Where rejected files are kept, instead of a folder.
    pub rejects: Option<StorageUrl>,
    /// Whether an endpoint without TLS may be used.
    pub allow_http: bool,
    /// How many bytes are read ahead of the parser.
    pub read_ahead_bytes: u64,
    /// How many keys one scan lists.
    pub scan_keys: u64,
    /// Whether objects are copied to a temporary file before they are read.
    pub local_copies: bool,
}

/// The kind of an object store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreKind {
    /// S3, by Amazon or anybody else.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Google,
}

impl StoreKind {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::Google => "gs",
        }
    }
}

/// A bucket or container, and the prefix of the keys in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StorageUrl {
    /// The kind of the store.
    pub kind: StoreKind,
    /// The bucket or container.
    pub bucket: String,
    /// What keys begin with: empty, or names that each end with `/`.
    pub prefix: String,
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = self.prefix.trim_end_matches('/');
        let slash = if prefix.is_empty() { "" } else { "/" };
        write!(formatter, "{}://{}{slash}{prefix}", self.kind.scheme(), self.bucket)
    }
}

impl StorageUrl {
    /// Whether everything in `other` is in this, too.
    pub fn contains(&self, other: &Self) -> bool {
        (self.kind, &self.bucket) == (other.kind, &other.bucket) && other.prefix.starts_with(&self.prefix)
    }

    /// The URL that the text is.
    pub fn parse(text: &str) -> Result<Self, Expectation> {
        let expected = || {
            "the URL of a bucket or container and a prefix in it, without credentials: s3://BUCKET/PREFIX, \
             az://CONTAINER/PREFIX or gs://BUCKET/PREFIX"
                .to_owned()
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(expected)?;
        let kind = match scheme {
            "s3" => StoreKind::S3,
            "az" => StoreKind::Azure,
            "gs" => StoreKind::Google,
            _ => return Err(expected()),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = |letter: char| letter.is_ascii_alphanumeric() || "-._$".contains(letter);
        if bucket.is_empty() || !bucket.chars().all(is_bucket) {
            return Err(expected());
        }
        Ok(StorageUrl { kind, bucket: bucket.to_owned(), prefix: prefix_of(prefix)? })
    }
}

/// A prefix in its one form: empty, or names that each end with `/`.
pub fn prefix_of(text: &str) -> Result<String, Expectation> {
    let trimmed = text.trim_end_matches('/');
    if trimmed.is_empty() {
        return Ok(String::new());
    }
    let is_name = |name: &str| !name.is_empty() && name != "." && name != "..";
    let is_odd = |letter: char| letter.is_control() || letter == '?' || letter == '#';
    if !trimmed.split('/').all(is_name) || trimmed.contains(is_odd) {
        return Err("a prefix of names with one / between them, without . and ..".to_owned());
    }
    Ok(format!("{trimmed}/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn urls_have_one_form_and_no_credentials() {
        for (text, shown) in [
            ("s3://clinic", "s3://clinic"),
            ("s3://clinic/", "s3://clinic"),
            ("s3://clinic/in box//", "s3://clinic/in box"),
            ("az://c/a/b", "az://c/a/b"),
            ("gs://c.example.org/a", "gs://c.example.org/a"),
        ] {
            assert_eq!(StorageUrl::parse(text).expect("a URL").to_string(), shown);
        }
        for text in [
            "",
            "clinic",
            "s3://",
            "s3:///a",
            "s3://KEY:SECRET@clinic/a",
            "ftp://a/b",
            "s3://a//b",
            "s3://a/../b",
            "s3://a/b?c=d",
        ] {
            assert!(StorageUrl::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_prefix_contains_what_is_below_it_and_not_its_neighbours() {
        let url = |text: &str| StorageUrl::parse(text).expect("a URL");
        assert!(url("s3://a").contains(&url("s3://a/b")));
        assert!(url("s3://a/b").contains(&url("s3://a/b/c")));
        assert!(!url("s3://a/b").contains(&url("s3://a/bc")));
        assert!(!url("s3://a").contains(&url("gs://a/b")));
        assert!(!url("s3://a/b").contains(&url("s3://a")));
    }
}
