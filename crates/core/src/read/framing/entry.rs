//! An *entry* is one element of `Bundle.entry`: where in the stream its
//! resource is, and what the entry says about it.

use std::borrow::Cow;

use super::position::TransactionPhase;
use super::token::{PropertyName, TokenError, decode_string, describe_value};
use super::window::{ByteRange, Window};
use crate::fhir::{EntryNames, ResourceType, trimmed};
use crate::json::{BracketMatcher, MatchResult};
use crate::read::defect::ReadDefectReason;
use crate::read::frame::Payload;
use crate::read::limits::ReadLimits;

/// Where the parts of an entry are; strings without their quotes.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub range: ByteRange,
    pub resource: Option<EntryResource>,
    /// The other resources, where there is a list of them instead of one. Nothing
    /// in the entry names these.
    pub further: Vec<EntryResource>,
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
        Ok((entry, Some(reason))) => {
            Ok(EntryElement::Broken { range: entry.range, reason, detected_at: start })
        }
        Ok((entry, None)) if window.is_held() && entry.range.end - start <= limits.resource_bytes as u64 => {
            Ok(EntryElement::Entry(entry))
        }
        Ok((entry, None)) => {
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

/// Reads the parts of an entry, and finds out why it is lost if it has something
/// in it that is neither a resource nor any other part of an entry.
fn read_parts(
    window: &mut Window<'_>,
    limits: &ReadLimits,
) -> Result<(Entry, Option<ReadDefectReason>), TokenError> {
    let depth = limits.json_depth;
    let mut entry = Entry { range: window.offset()..0, ..Entry::default() };
    // An entry that is a resource itself.
    let mut bare = EntryResource::default();
    let mut lost = None;
    let mut is_exchange = false;
    window.consume(1);
    while let Some(name) = window.next_property()? {
        let byte = window.peek()?;
        is_exchange |= matches!(name, PropertyName::Request | PropertyName::Response);
        match name {
            PropertyName::FullUrl => entry.full_url = window.string_or_skip(depth)?,
            PropertyName::ResourceType => bare.resource_type = window.string_or_skip(depth)?,
            PropertyName::Id => bare.id = id_or_skip(window, limits)?,
            PropertyName::Resource if matches!(byte, Some(b'{' | b'[')) => {
                read_resources(window, limits, &mut entry)?;
            }
            PropertyName::Request => {
                window.first_or_skip(b'{', depth, |window| read_request(window, limits, &mut entry))?;
            }
            PropertyName::Response => {
                window.first_or_skip(b'{', depth, |window| read_response(window, limits, &mut entry))?;
            }
            PropertyName::Link | PropertyName::Search | PropertyName::Extension => {
                window.skip_value(depth)?
            }
            _ => {
                if name != PropertyName::Resource && byte != Some(b'n') {
                    lost = Some(ReadDefectReason::NoResource);
                }
                window.skip_value(depth)?;
            }
        }
    }
    entry.range.end = window.offset();
    if entry.resource.is_none() && bare.resource_type.is_some() {
        bare.range = entry.range.clone();
        entry.resource = Some(bare);
    }
    // A request or a response may be all there is.
    let is_whole = entry.resource.is_some() || is_exchange;
    Ok((entry, lost.filter(|_| !is_whole)))
}

/// Reads where the resource at the window's position is, or each of a list.
fn read_resources(window: &mut Window<'_>, limits: &ReadLimits, entry: &mut Entry) -> Result<(), TokenError> {
    let mut found = Vec::new();
    each_object(window, limits, &mut |window| {
        found.push(read_resource(window, limits)?);
        Ok(())
    })?;
    let mut found = found.into_iter();
    entry.resource = found.next();
    entry.further = found.collect();
    Ok(())
}

/// How deep a list may nest in a list in whose place one list is allowed.
const MAX_LISTS: usize = 8;

/// Walks along a list and the lists within it, as if they were one.
pub(super) struct OpenLists(usize);

impl OpenLists {
    /// Enters the list at the window's position.
    pub fn enter(window: &mut Window<'_>) -> Self {
        window.consume(1);
        OpenLists(1)
    }

    /// Moves to the next element that is no list with elements, and returns its first
    /// byte; `None` after the end.
    pub fn next(&mut self, window: &mut Window<'_>) -> Result<Option<u8>, TokenError> {
        while self.0 > 0 {
            match window.next_element()? {
                Some(b'[') if self.0 < MAX_LISTS && window.starts_filled(b'[', b']')? => {
                    window.consume(1);
                    self.0 += 1;
                }
                Some(byte) => return Ok(Some(byte)),
                None => self.0 -= 1,
            }
        }
        Ok(None)
    }
}

/// Calls `read` at the object at the window's position or, if there is a list, at
/// each object in it and in lists within it.
pub(super) fn each_object(
    window: &mut Window<'_>,
    limits: &ReadLimits,
    read: &mut dyn FnMut(&mut Window<'_>) -> Result<(), TokenError>,
) -> Result<(), TokenError> {
    if window.peek()? == Some(b'{') {
        return read(window);
    }
    let mut lists = OpenLists::enter(window);
    while let Some(byte) = lists.next(window)? {
        match byte {
            b'{' => read(window)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
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
            PropertyName::Resource if level < MAX_WRAPPERS => {
                let depth = limits.json_depth;
                let inner = window
                    .first_or_skip(b'{', depth, |window| wrapped_resource(window, limits, level + 1))?;
                wrapped = inner.or(wrapped);
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
        let written = self.method.as_ref().and_then(|range| window.slice(range.clone()));
        // As nearly all are written.
        if let Some(method @ (b"POST" | b"PUT")) = written {
            return match self.resource {
                None => (Payload::None, TransactionPhase::Other),
                Some(_) if method == b"POST" => (Payload::Resource, TransactionPhase::Post),
                Some(_) => (Payload::Resource, TransactionPhase::Put),
            };
        }
        let method = written.and_then(decode_string).unwrap_or_default();
        match trimmed(&method).to_ascii_uppercase().as_bytes() {
            b"DELETE" => (Payload::Delete, TransactionPhase::Delete),
            b"PATCH" => (Payload::Patch, TransactionPhase::Put),
            b"GET" | b"HEAD" => (Payload::None, TransactionPhase::Other),
            _ if self.resource.is_none() => (Payload::None, TransactionPhase::Other),
            b"POST" => (Payload::Resource, TransactionPhase::Post),
            _ => (Payload::Resource, TransactionPhase::Put),
        }
    }
}

/// The decoded strings of an entry, and of its resource those that may name it.
pub(super) struct EntryTexts<'w> {
    /// The resource's type, if it has one that R4 defines.
    resource_type: Option<ResourceType>,
    id: Option<Cow<'w, str>>,
    pub full_url: Option<Cow<'w, str>>,
    pub method: Option<Cow<'w, str>>,
    pub url: Option<Cow<'w, str>>,
    if_none_exist: Option<Cow<'w, str>>,
    pub last_modified: Option<Cow<'w, str>>,
    location: Option<Cow<'w, str>>,
}

impl<'w> EntryTexts<'w> {
    /// Those of an entry that is in memory, and of `resource`, which it holds.
    pub fn of(window: &'w Window<'_>, entry: &Entry, resource: Option<&EntryResource>) -> Self {
        let text = |range: &Option<ByteRange>| decode_string(window.slice(range.clone()?)?);
        let resource_type = resource.and_then(|resource| text(&resource.resource_type));
        EntryTexts {
            resource_type: resource_type.and_then(|name| ResourceType::named(trimmed(&name))),
            id: resource.and_then(|resource| text(&resource.id)),
            full_url: text(&entry.full_url),
            method: text(&entry.method),
            url: text(&entry.url),
            if_none_exist: text(&entry.if_none_exist),
            last_modified: text(&entry.last_modified),
            location: text(&entry.location),
        }
    }

    /// What names the resource, in a Bundle that may be a transaction; `None` without
    /// a resource of a type that R4 defines.
    pub fn names(&self, is_transaction: bool) -> Option<EntryNames<'_>> {
        Some(EntryNames {
            resource_type: self.resource_type?,
            id: self.id.as_deref(),
            full_url: self.full_url.as_deref(),
            method: self.method.as_deref(),
            url: self.url.as_deref(),
            if_none_exist: self.if_none_exist.as_deref(),
            location: self.location.as_deref(),
            is_transaction,
        })
    }
}

impl EntryResource {
    /// Whether the resource is a Bundle.
    pub fn is_bundle(&self, window: &Window<'_>) -> bool {
        self.is_of_type(window, "Bundle")
    }

    /// Whether the resource is a Parameters.
    pub fn is_parameters(&self, window: &Window<'_>) -> bool {
        self.is_of_type(window, "Parameters")
    }

    fn is_of_type(&self, window: &Window<'_>, name: &str) -> bool {
        let written = self.resource_type.as_ref().and_then(|range| window.slice(range.clone()));
        let Some(written) = written else { return false };
        // Only letters, as nearly all are written: nothing to decode.
        if written.iter().all(u8::is_ascii_alphabetic) {
            return written == name.as_bytes();
        }
        decode_string(written).is_some_and(|written| trimmed(&written) == name)
    }
}
