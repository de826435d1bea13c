//! An *entry* is one element of `Bundle.entry`: where in the stream its
//! resource is, and what the entry says about it.

use std::borrow::Cow;

use super::bracket_matcher::{BracketMatcher, MatchResult};
use super::position::TransactionPhase;
use super::token::{PropertyName, TokenError, decode_string, describe_value};
use super::window::{ByteRange, Window};
use crate::fhir::{EntryNames, ResourceType};
use crate::read::defect::ReadDefectReason;
use crate::read::frame::Payload;
use crate::read::limits::ReadLimits;

/// Where the parts of an entry are; strings without their quotes.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub range: ByteRange,
    pub resource: Option<EntryResource>,
    pub full_url: Option<ByteRange>,
    /// `request.method`
    pub method: Option<ByteRange>,
    /// `request.url`
    pub url: Option<ByteRange>,
    /// `request.ifNoneExist`
    pub if_none_exist: Option<ByteRange>,
    /// `response.lastModified`
    pub last_modified: Option<ByteRange>,
    /// `response.location`
    pub location: Option<ByteRange>,
}

/// Where the resource of an entry is.
#[derive(Debug, Default)]
pub(super) struct EntryResource {
    pub range: ByteRange,
    pub resource_type: Option<ByteRange>,
    pub id: Option<ByteRange>,
}

/// One element of the entry array.
#[derive(Debug)]
pub(super) enum EntryElement {
    Entry(Entry),
    /// A broken entry, or not an object; the next element follows.
    Broken {
        range: ByteRange,
        reason: ReadDefectReason,
        detected_at: u64,
    },
}

/// Reads the element at the window's position, which starts with `byte`.
///
/// The caller holds the element with [`ReadLimits::resource_bytes`], so that
/// its ranges can be sliced until the hold is released. An error means that
/// the end of the element could not be found.
pub(super) fn read(
    window: &mut Window<'_>,
    byte: u8,
    limits: &ReadLimits,
) -> Result<EntryElement, TokenError> {
    let start = window.offset();
    if byte != b'{' {
        window.skip_value(limits.json_depth)?;
        let reason = ReadDefectReason::NotObject(describe_value(byte));
        return Ok(EntryElement::Broken { range: start..window.offset(), reason, detected_at: start });
    }
    match read_parts(window, limits) {
        Ok(entry) if window.is_held() && entry.range.end - start <= limits.resource_bytes as u64 => {
            Ok(EntryElement::Entry(entry))
        }
        Ok(entry) => {
            let reason = ReadDefectReason::TooLarge(limits.resource_bytes);
            Ok(EntryElement::Broken { range: entry.range, reason, detected_at: start })
        }
        Err(TokenError::Syntax { reason, detected_at }) if skip_broken(window, start, &reason)? => {
            Ok(EntryElement::Broken { range: start..window.offset(), reason, detected_at })
        }
        Err(error) => Err(error),
    }
}

/// Goes back to `start` and skips the broken container there, provided that
/// the latest hold still has it and that its brackets match.
pub(super) fn skip_broken(
    window: &mut Window<'_>,
    start: u64,
    reason: &ReadDefectReason,
) -> Result<bool, TokenError> {
    if *reason == ReadDefectReason::Truncated || !window.is_held() || !window.go_to(start) {
        return Ok(false);
    }
    let mut matcher = BracketMatcher::default();
    loop {
        match matcher.advance(window.available()) {
            MatchResult::Closed(length) => {
                window.consume(length);
                return Ok(true);
            }
            MatchResult::Mismatch => return Ok(false),
            MatchResult::Open => window.consume(window.available().len()),
        }
        if !window.fill()? {
            return Ok(false);
        }
    }
}

fn read_parts(window: &mut Window<'_>, limits: &ReadLimits) -> Result<Entry, TokenError> {
    let mut entry = Entry { range: window.offset()..0, ..Entry::default() };
    // An entry that is a resource itself.
    let mut bare = EntryResource::default();
    window.consume(1);
    while let Some(name) = window.next_property()? {
        let is_object = window.peek()? == Some(b'{');
        match name {
            PropertyName::FullUrl => entry.full_url = window.string_or_skip(limits.json_depth)?,
            PropertyName::ResourceType => bare.resource_type = window.string_or_skip(limits.json_depth)?,
            PropertyName::Id => bare.id = id_or_skip(window, limits)?,
            PropertyName::Resource if is_object => entry.resource = Some(read_resource(window, limits)?),
            PropertyName::Request if is_object => read_request(window, limits, &mut entry)?,
            PropertyName::Response if is_object => read_response(window, limits, &mut entry)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    entry.range.end = window.offset();
    if entry.resource.is_none() && bare.resource_type.is_some() {
        // What the names mean in an entry they do not mean in a resource.
        bare.range = entry.range.clone();
        return Ok(Entry { range: entry.range, resource: Some(bare), ..Entry::default() });
    }
    Ok(entry)
}

/// Reads where the resource at the window's position and its names are. One that
/// is wrapped in an object once more is unwrapped.
pub(super) fn read_resource(
    window: &mut Window<'_>,
    limits: &ReadLimits,
) -> Result<EntryResource, TokenError> {
    wrapped_resource(window, limits, 0)
}

/// How often a resource may be wrapped.
const MAX_WRAPPERS: usize = 8;

fn wrapped_resource(
    window: &mut Window<'_>,
    limits: &ReadLimits,
    level: usize,
) -> Result<EntryResource, TokenError> {
    let mut resource = EntryResource { range: window.offset()..0, ..EntryResource::default() };
    let mut wrapped = None;
    window.consume(1);
    while let Some(name) = window.next_property()? {
        match name {
            PropertyName::ResourceType => {
                resource.resource_type = window.string_or_skip(limits.json_depth)?;
            }
            PropertyName::Id => resource.id = id_or_skip(window, limits)?,
            PropertyName::Resource if level < MAX_WRAPPERS && window.peek()? == Some(b'{') => {
                wrapped = Some(wrapped_resource(window, limits, level + 1)?);
            }
            _ => window.skip_value(limits.json_depth)?,
        }
        if resource.resource_type.is_some() && resource.id.is_some() {
            window.skip_containers(1, limits.json_depth)?;
            break;
        }
    }
    resource.range.end = window.offset();
    let is_wrapper = resource.resource_type.is_none();
    Ok(wrapped.filter(|wrapped| is_wrapper && wrapped.resource_type.is_some()).unwrap_or(resource))
}

/// The characters of an id, which some senders write as a number.
fn id_or_skip(window: &mut Window<'_>, limits: &ReadLimits) -> Result<Option<ByteRange>, TokenError> {
    if !window.peek()?.is_some_and(|byte| byte.is_ascii_digit()) {
        return window.string_or_skip(limits.json_depth);
    }
    let start = window.offset();
    window.skip_value(limits.json_depth)?;
    Ok(Some(start..window.offset()))
}

fn read_request(window: &mut Window<'_>, limits: &ReadLimits, entry: &mut Entry) -> Result<(), TokenError> {
    window.consume(1);
    while let Some(name) = window.next_property()? {
        match name {
            PropertyName::Method => entry.method = window.string_or_skip(limits.json_depth)?,
            PropertyName::Url => entry.url = window.string_or_skip(limits.json_depth)?,
            PropertyName::IfNoneExist => {
                entry.if_none_exist = window.string_or_skip(limits.json_depth)?;
            }
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
}

fn read_response(window: &mut Window<'_>, limits: &ReadLimits, entry: &mut Entry) -> Result<(), TokenError> {
    window.consume(1);
    while let Some(name) = window.next_property()? {
        match name {
            PropertyName::LastModified => entry.last_modified = window.string_or_skip(limits.json_depth)?,
            PropertyName::Location => entry.location = window.string_or_skip(limits.json_depth)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
}

impl Entry {
    /// What the entry holds, and when a transaction processes it.
    pub fn classify(&self, window: &Window<'_>) -> (Payload, TransactionPhase) {
        let method = self.method.as_ref().and_then(|range| window.slice(range.clone()));
        match method.unwrap_or_default().to_ascii_uppercase().as_slice() {
            b"DELETE" => (Payload::Delete, TransactionPhase::Delete),
            b"PATCH" => (Payload::Patch, TransactionPhase::Put),
            b"GET" | b"HEAD" => (Payload::None, TransactionPhase::Other),
            _ if self.resource.is_none() => (Payload::None, TransactionPhase::Other),
            b"POST" => (Payload::Resource, TransactionPhase::Post),
            _ => (Payload::Resource, TransactionPhase::Put),
        }
    }
}

/// The decoded strings of an entry that may name its resource.
pub(super) struct EntryTexts<'w> {
    resource_type: ResourceType,
    id: Option<Cow<'w, str>>,
    full_url: Option<Cow<'w, str>>,
    method: Option<Cow<'w, str>>,
    url: Option<Cow<'w, str>>,
    if_none_exist: Option<Cow<'w, str>>,
    location: Option<Cow<'w, str>>,
}

impl<'w> EntryTexts<'w> {
    /// Those of an entry with a resource of a type that R4 defines.
    pub fn of(window: &'w Window<'_>, entry: &Entry) -> Option<Self> {
        let text = |range: &Option<ByteRange>| decode_string(window.slice(range.clone()?)?);
        let resource = entry.resource.as_ref()?;
        Some(EntryTexts {
            resource_type: ResourceType::named(&text(&resource.resource_type)?)?,
            id: text(&resource.id),
            full_url: text(&entry.full_url),
            method: text(&entry.method),
            url: text(&entry.url),
            if_none_exist: text(&entry.if_none_exist),
            location: text(&entry.location),
        })
    }

    /// What names the resource, in a Bundle that may be a transaction.
    pub fn names(&self, is_transaction: bool) -> EntryNames<'_> {
        EntryNames {
            resource_type: self.resource_type,
            id: self.id.as_deref(),
            full_url: self.full_url.as_deref(),
            method: self.method.as_deref(),
            url: self.url.as_deref(),
            if_none_exist: self.if_none_exist.as_deref(),
            location: self.location.as_deref(),
            is_transaction,
        }
    }
}

impl EntryResource {
    /// Whether the resource is a Bundle.
    pub fn is_bundle(&self, window: &Window<'_>) -> bool {
        let resource_type = self.resource_type.as_ref().and_then(|range| window.slice(range.clone()));
        resource_type == Some(b"Bundle")
    }

    /// Whether the resource is a Parameters.
    pub fn is_parameters(&self, window: &Window<'_>) -> bool {
        let resource_type = self.resource_type.as_ref().and_then(|range| window.slice(range.clone()));
        resource_type == Some(b"Parameters")
    }
}
