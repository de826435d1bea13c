//! A *frame* is the bytes of one resource, or of one Bundle entry without a
//! resource, with its place in the file and its context in the Bundle.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::bundle::Bundle;
use super::location::Location;
use crate::datatype::{Timezone, moment};
use crate::fhir::Condition;

/// What a frame holds.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Payload {
    /// A resource to load.
    Resource,
    /// A Bundle entry with `request.method` DELETE; `request.url` names the
    /// resource.
    Delete,
    /// A Bundle entry with `request.method` PATCH.
    Patch,
    /// A Bundle entry with nothing to load: GET, HEAD, or without a resource.
    None,
}

/// The `request` of a Bundle entry.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request<'a> {
    /// `request.method` as written; FHIR requires upper case.
    pub method: Cow<'a, str>,
    /// `request.url` as written; empty when missing.
    pub url: Cow<'a, str>,
}

/// When a record took effect, as its entry or Bundle has it: the first of these times that can be
/// read.
pub fn effective_at<'r>(
    last_modified: Option<&'r str>,
    bundle: Option<&'r Arc<Bundle>>,
    timezone: Timezone,
) -> Option<&'r str> {
    let times = [
        last_modified,
        bundle.and_then(|bundle| bundle.timestamp()),
        bundle.and_then(|bundle| bundle.last_updated()),
    ];
    let is_readable = |written: &&str| moment::date_time(written, timezone).is_some();
    times.into_iter().flatten().map(str::trim).find(is_readable)
}

/// The bytes of one resource, or of one Bundle entry without a resource.
#[derive(Clone, Debug)]
pub struct Frame<'a> {
    /// The resource exactly as received, from `{` to `}`; for
    /// [`Payload::Delete`], [`Payload::Patch`] and [`Payload::None`] the
    /// whole entry. Brackets are balanced and strings are closed; the rest of
    /// JSON's grammar is not checked.
    pub bytes: &'a [u8],
    /// What `bytes` are.
    pub payload: Payload,
    /// Number of the document, see [`Document::member`](super::Document::member).
    pub member: u32,
    /// Offset of `bytes` in the document's unpacked stream.
    pub offset: u64,
    /// Where the entry that it is, or that holds it, is in the same stream.
    pub entry: Option<Range<u64>>,
    /// Line, item or entry, for people.
    pub location: Location,
    /// The order in which the frames of this file take effect: from 1, unique
    /// across its documents, possibly with gaps. This is document order, except
    /// that the entries of a history Bundle count from last to first (they are
    /// written newest first, <https://hl7.org/fhir/R4/http.html#history>) and
    /// those of a transaction are ordered DELETE, POST, PUT and PATCH, others
    /// (<https://hl7.org/fhir/R4/http.html#trules>).
    pub position: u64,
    /// The resource's id, if something other than its own `id` gives it: the
    /// url of its request, its `fullUrl`, or what it refers to in its Bundle. `None`
    /// for a resource that its own `id` names, or else its content alone.
    pub id: Option<Cow<'a, str>>,
    /// The condition of its request: the identifier by which it names the resource.
    pub condition: Option<Condition>,
    /// `entry.fullUrl`.
    pub full_url: Option<Cow<'a, str>>,
    /// `entry.request`, when it has a method.
    pub request: Option<Request<'a>>,
    /// `entry.response.lastModified` as written.
    pub last_modified: Option<Cow<'a, str>>,
    /// The innermost Bundle that contains the frame.
    pub bundle: Option<&'a Arc<Bundle>>,
}
