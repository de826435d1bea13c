//! Bundles. Because references lead forward and backward, and because type
//! and timestamp may follow the entries, a Bundle is *surveyed* before its
//! entries are delivered.
//! Source: <https://hl7.org/fhir/R4/bundle.html>.

use std::sync::Arc;

use super::full_url::FullUrlIndex;
use super::scan::{members, plain_string};
use super::{Content, Location};
use crate::map::FullUrls;
use crate::model::ResourceType;

/// What holds for all entries of a Bundle.
#[derive(Debug, Default)]
pub struct Bundle {
    /// transaction, collection, history …
    pub bundle_type: String,
    pub timestamp: Option<String>,
    pub full_urls: FullUrlIndex,
    /// The Bundle that this one is an entry of.
    pub outer: Option<Arc<Bundle>>,
    /// How many entries there are, and how many of them DELETE and POST.
    pub(super) entry_count: u64,
    pub(super) delete_count: u64,
    pub(super) post_count: u64,
}

impl FullUrls for Bundle {
    fn resolve(&self, full_url: &str) -> Option<(ResourceType, String)> {
        self.full_urls
            .resolve(full_url)
            .or_else(|| self.outer.as_ref().and_then(|outer| FullUrls::resolve(&**outer, full_url)))
    }
}

impl Bundle {
    /// Notes a member of the Bundle other than `entry`.
    pub(super) fn note_member(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"type" => self.bundle_type = plain_string(value).unwrap_or_default().to_owned(),
            b"timestamp" => self.timestamp = plain_string(value).map(str::to_owned),
            _ => {}
        }
    }

    /// Counts an entry in and notes its URL.
    pub(super) fn note_entry(&mut self, bytes: &[u8]) {
        self.entry_count += 1;
        let entry = Entry::read(bytes);
        match entry.method {
            Some("DELETE") => self.delete_count += 1,
            Some("POST") => self.post_count += 1,
            _ => {}
        }
        let Some((full_url, resource)) = entry.full_url.zip(entry.resource) else { return };
        let head = Head::read(&bytes[resource]);
        if let Some(resource_type) = head.resource_type.and_then(ResourceType::named) {
            self.full_urls.add(full_url, resource_type, head.id);
        }
    }
}

/// The rank of entries in the order in which they take effect.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    seen: u64,
    deletes: u64,
    posts: u64,
    others: u64,
}

impl Ranks {
    /// The rank of the next entry, from 1.
    pub fn next(&mut self, bundle: &Bundle, method: Option<&str>) -> u64 {
        self.seen += 1;
        match bundle.bundle_type.as_str() {
            "history" => bundle.entry_count + 1 - self.seen.min(bundle.entry_count),
            "transaction" => {
                let (counter, before) = match method {
                    Some("DELETE") => (&mut self.deletes, 0),
                    Some("POST") => (&mut self.posts, bundle.delete_count),
                    _ => (&mut self.others, bundle.delete_count + bundle.post_count),
                };
                *counter += 1;
                before + *counter
            }
            _ => self.seen,
        }
    }
}

/// The parts of an entry.
#[derive(Debug, Default)]
pub(super) struct Entry<'b> {
    pub full_url: Option<&'b str>,
    pub resource: Option<std::ops::Range<usize>>,
    pub method: Option<&'b str>,
    pub url: Option<&'b str>,
    pub last_modified: Option<&'b str>,
}

impl<'b> Entry<'b> {
    pub fn read(bytes: &'b [u8]) -> Self {
        let mut entry = Entry::default();
        for (name, at) in members(bytes) {
            match name {
                b"fullUrl" => entry.full_url = plain_string(&bytes[at]),
                b"resource" if bytes[at.start] == b'{' => entry.resource = Some(at),
                b"request" => {
                    for (name, inner) in members(&bytes[at.clone()]) {
                        let value = plain_string(&bytes[at.start + inner.start..at.start + inner.end]);
                        match name {
                            b"method" => entry.method = value,
                            b"url" => entry.url = value,
                            _ => {}
                        }
                    }
                }
                b"response" => {
                    for (name, inner) in members(&bytes[at.clone()]) {
                        if name == b"lastModified" {
                            entry.last_modified =
                                plain_string(&bytes[at.start + inner.start..at.start + inner.end]);
                        }
                    }
                }
                _ => {}
            }
        }
        entry
    }

    /// What the entry asks for.
    pub fn content(&self) -> Content {
        match (self.method, self.url) {
            (Some("DELETE"), url) => Content::Delete(url.unwrap_or_default().to_owned()),
            (Some("PATCH"), _) => Content::Patch,
            (Some("GET" | "HEAD"), _) if self.resource.is_none() => Content::Nothing,
            _ if self.resource.is_some() => Content::Resource,
            _ => Content::Nothing,
        }
    }
}

/// The members that tell what an object is.
#[derive(Debug, Default)]
pub(super) struct Head<'b> {
    pub resource_type: Option<&'b str>,
    pub id: Option<&'b str>,
    pub is_log: bool,
    pub has_transaction_time: bool,
    pub has_output: bool,
}

impl<'b> Head<'b> {
    pub fn read(bytes: &'b [u8]) -> Self {
        let mut head = Head::default();
        for (name, at) in members(bytes) {
            match name {
                b"resourceType" => head.resource_type = plain_string(&bytes[at]),
                b"id" => head.id = plain_string(&bytes[at]),
                b"exportId" | b"eventId" => head.is_log = true,
                b"transactionTime" => head.has_transaction_time = true,
                b"output" => head.has_output = true,
                _ => {}
            }
            // The rest of a resource tells nothing more.
            if head.resource_type.is_some() && head.id.is_some() {
                break;
            }
        }
        head
    }
}

/// Where an entry of the Bundle at `outer` stands.
pub(super) fn entry_location(outer: &[u64], number: u64) -> Location {
    Location::Entry([outer, &[number]].concat())
}
