//! The *manifest* of an export: which files there are. As STU 1 to 3 of Bulk Data have it
//! (`error`), and STU 4 (`outcome`); in one page, or in several that are linked.

use std::collections::HashSet;

use reqwest::Url;
use serde::Deserialize;

use crate::feeds::http::{Failure, location};

/// The most files of an export.
const MOST_FILES: usize = 1_000_000;

/// A manifest, all of its pages.
#[derive(Clone, Debug, Default)]
pub struct Manifest {
    /// What changed before this time is in the export.
    pub transaction_time: Option<String>,
    /// The type of the resources that the files are organized by.
    pub organized_by: Option<String>,
    /// The files: those with resources, then those with deletes, then those with
    /// OperationOutcomes.
    pub files: Vec<ManifestFile>,
    /// The next page; none after the last.
    pub next: Option<Url>,
    seen: HashSet<String>,
}

/// A file of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFile {
    /// `output`, `deleted` or `outcome`.
    pub kind: &'static str,
    /// The type of its resources.
    pub resource_type: Option<String>,
    /// Where it is.
    pub url: Url,
    /// How many resources it has.
    pub count: Option<i64>,
    /// Whether it must be asked for with a token; none if the manifest does not say.
    pub needs_token: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    transaction_time: Option<String>,
    requires_access_token: Option<serde_json::Value>,
    output_organized_by: Option<String>,
    output: Option<Vec<Item>>,
    deleted: Option<Vec<Item>>,
    error: Option<Vec<Item>>,
    outcome: Option<Vec<Item>>,
    link: Option<Vec<Link>>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    resource_type: Option<String>,
    url: String,
    count: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Link {
    relation: Option<String>,
    url: Option<String>,
}

impl Manifest {
    /// Adds a page that came from that URL.
    pub fn add(&mut self, body: &[u8], from: &Url) -> Result<(), Failure> {
        let page: Page = serde_json::from_slice(body).map_err(|error| {
            Failure::Permanent(format!("the manifest cannot be understood: {}", classified(&error)))
        })?;
        if page.output.is_none()
            && page.transaction_time.is_none()
            && page.error.is_none()
            && page.outcome.is_none()
        {
            return Err(Failure::Permanent("the answer is not a manifest: it has no output".to_owned()));
        }
        if self.transaction_time.is_none() {
            self.transaction_time = page.transaction_time.filter(|time| !time.trim().is_empty());
        }
        if self.organized_by.is_none() {
            self.organized_by = page.output_organized_by;
        }
        let needs_token = page.requires_access_token.as_ref().and_then(truth);
        for (kind, items) in [
            ("output", page.output),
            ("deleted", page.deleted),
            ("outcome", page.error),
            ("outcome", page.outcome),
        ] {
            for item in items.unwrap_or_default() {
                self.files.push(item.file(kind, from, needs_token)?);
            }
        }
        if self.files.len() > MOST_FILES {
            return Err(Failure::Permanent(format!("the manifest has more than {MOST_FILES} files")));
        }
        let next =
            page.link.unwrap_or_default().into_iter().find(|link| link.relation.as_deref() == Some("next"));
        self.next = match next.and_then(|link| link.url) {
            None => None,
            Some(url) => Some(join(from, &url)?),
        };
        if let Some(next) = &self.next
            && !self.seen.insert(next.to_string())
        {
            return Err(Failure::Permanent("the pages of the manifest lead in a circle".to_owned()));
        }
        // A reader that knows the deletes last has nothing to undo.
        self.files
            .sort_by_key(|file| ["output", "deleted", "outcome"].iter().position(|kind| *kind == file.kind));
        Ok(())
    }
}

impl Item {
    fn file(
        self,
        kind: &'static str,
        from: &Url,
        needs_token: Option<bool>,
    ) -> Result<ManifestFile, Failure> {
        let count = self.count.as_ref().and_then(|count| match count {
            serde_json::Value::String(text) => text.parse().ok(),
            count => count.as_i64(),
        });
        Ok(ManifestFile {
            kind,
            resource_type: self.resource_type,
            url: join(from, &self.url)?,
            count: count.filter(|count| *count >= 0),
            needs_token,
        })
    }
}

impl ManifestFile {
    /// Its URL, without what may be secret.
    pub fn location(&self) -> String {
        location(&self.url)
    }
}

fn join(from: &Url, url: &str) -> Result<Url, Failure> {
    let url =
        from.join(url).map_err(|_| Failure::Permanent("the manifest has a URL that is none".to_owned()))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        scheme => Err(Failure::Permanent(format!("the manifest has a URL of the scheme {scheme}"))),
    }
}

/// Some servers write booleans as strings.
fn truth(value: &serde_json::Value) -> Option<bool> {
    value.as_bool().or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

/// What is wrong with JSON, without its values.
fn classified(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Eof => "it breaks off",
        serde_json::error::Category::Data => "it has members of another type than expected",
        _ => "it is not JSON",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn from() -> Url {
        "https://e.org/bulk/status/1".parse().unwrap()
    }

    #[test]
    fn old_and_new_manifests_are_understood() {
        let mut manifest = Manifest::default();
        let page = br#"{"transactionTime":"2026-01-01T00:00:00.123+01:00","request":"x","requiresAccessToken":"true",
            "output":[{"type":"Patient","url":"files/1?sig=a","count":3},{"type":"Claim","url":"https://s3/2","count":"7"}],
            "deleted":[{"type":"Bundle","url":"/d"}],"error":null,"link":[{"relation":"next","url":"?page=2"}]}"#;
        manifest.add(page, &from()).unwrap();
        assert_eq!(manifest.transaction_time.as_deref(), Some("2026-01-01T00:00:00.123+01:00"));
        let next = manifest.next.clone().unwrap();
        assert_eq!(next.as_str(), "https://e.org/bulk/status/1?page=2");
        manifest.add(br#"{"output":[{"url":"/3"}],"outcome":[{"url":"/o","count":-1}]}"#, &next).unwrap();
        assert_eq!(manifest.next, None);
        let files: Vec<(&str, &str, Option<i64>, Option<bool>)> = manifest
            .files
            .iter()
            .map(|file| (file.kind, file.url.as_str(), file.count, file.needs_token))
            .collect();
        assert_eq!(
            files,
            [
                ("output", "https://e.org/bulk/status/files/1?sig=a", Some(3), Some(true)),
                ("output", "https://s3/2", Some(7), Some(true)),
                ("output", "https://e.org/3", None, None),
                ("deleted", "https://e.org/d", None, Some(true)),
                ("outcome", "https://e.org/o", None, None),
            ]
        );
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for wrong in [
            &b"<html>"[..],
            b"{",
            b"{}",
            br#"{"resourceType":"OperationOutcome"}"#,
            br#"{"output":[{"url":"file:///etc/passwd"}]}"#,
            br#"{"output":[{"type":"Patient"}]}"#,
            br#"{"output":[],"link":[{"relation":"next","url":"http://["}]}"#,
        ] {
            assert!(Manifest::default().add(wrong, &from()).is_err(), "{}", String::from_utf8_lossy(wrong));
        }
        let mut circle = Manifest::default();
        let page = br#"{"output":[],"link":[{"relation":"next","url":"?page=1"}]}"#;
        circle.add(page, &from()).unwrap();
        assert!(circle.add(page, &from()).is_err());
    }
}
