//! An *entry* is one element of `Bundle.entry`: where in the stream its
//! resource stands, and what is said around it.

use std::ops::Range;

use super::scan::{Match, Matcher};
use super::token::{Fault, Name, kind_of};
use super::window::Window;
use super::{Payload, ReadDefectReason, ReadLimits};

/// A stretch of the stream.
pub(super) type Span = Range<u64>;

/// Where the parts of an entry stand; strings without their quotes.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub span: Span,
    pub resource: Option<Resource>,
    pub full_url: Option<Span>,
    /// `request.method`
    pub method: Option<Span>,
    /// `request.url`
    pub url: Option<Span>,
    /// `response.lastModified`
    pub last_modified: Option<Span>,
}

/// Where the resource of an entry stands.
#[derive(Debug, Default)]
pub(super) struct Resource {
    pub span: Span,
    pub resource_type: Option<Span>,
    pub id: Option<Span>,
}

/// One element of the entry array.
#[derive(Debug)]
pub(super) enum Element {
    Entry(Entry),
    /// Not an entry, or a broken one; the next element follows.
    Broken {
        span: Span,
        reason: ReadDefectReason,
        detected_at: u64,
    },
}

/// The order in which a transaction's entries take effect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    Delete,
    Post,
    /// PUT and PATCH, and what says nothing.
    Put,
    /// GET and HEAD, and what is broken.
    Rest,
}

impl Class {
    pub const COUNT: usize = 4;
}

/// Reads the element that begins with `byte` at the window's place.
///
/// The caller holds the element with [`ReadLimits::resource_bytes`], so that the
/// spans can be sliced until it releases them. A fault means that the end of
/// the element could not be found.
pub(super) fn read(window: &mut Window<'_>, byte: u8, limits: &ReadLimits) -> Result<Element, Fault> {
    let start = window.offset();
    if byte != b'{' {
        window.skip_value(limits.json_depth)?;
        let reason = ReadDefectReason::NotObject(kind_of(byte));
        return Ok(Element::Broken { span: start..window.offset(), reason, detected_at: start });
    }
    match parts(window, limits) {
        Ok(entry) if window.is_held() && entry.span.end - start <= limits.resource_bytes as u64 => {
            Ok(Element::Entry(entry))
        }
        Ok(entry) => {
            let reason = ReadDefectReason::TooLarge(limits.resource_bytes);
            Ok(Element::Broken { span: entry.span, reason, detected_at: start })
        }
        Err(Fault::Broken { reason, detected_at }) if pass(window, start, &reason)? => {
            Ok(Element::Broken { span: start..window.offset(), reason, detected_at })
        }
        Err(fault) => Err(fault),
    }
}

/// Goes back to `start` and passes over the broken container there, if the
/// latest hold still has it and its brackets match all the same.
pub(super) fn pass(window: &mut Window<'_>, start: u64, reason: &ReadDefectReason) -> Result<bool, Fault> {
    if *reason == ReadDefectReason::Truncated || !window.is_held() || !window.go_to(start) {
        return Ok(false);
    }
    let mut matcher = Matcher::default();
    loop {
        match matcher.advance(window.available()) {
            Match::Closed(length) => {
                window.consume(length);
                return Ok(true);
            }
            Match::Mismatch => return Ok(false),
            Match::Open => window.consume(window.available().len()),
        }
        if !window.fill()? {
            return Ok(false);
        }
    }
}

fn parts(window: &mut Window<'_>, limits: &ReadLimits) -> Result<Entry, Fault> {
    let mut entry = Entry { span: window.offset()..0, ..Entry::default() };
    window.consume(1);
    while let Some(name) = window.next_member()? {
        let is_object = window.peek()? == Some(b'{');
        match name {
            Name::FullUrl => entry.full_url = window.string_or_skip(limits.json_depth)?,
            Name::Resource if is_object => entry.resource = Some(resource(window, limits)?),
            Name::Request if is_object => request(window, limits, &mut entry)?,
            Name::Response if is_object => response(window, limits, &mut entry)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    entry.span.end = window.offset();
    Ok(entry)
}

fn resource(window: &mut Window<'_>, limits: &ReadLimits) -> Result<Resource, Fault> {
    let mut resource = Resource { span: window.offset()..0, ..Resource::default() };
    window.consume(1);
    while let Some(name) = window.next_member()? {
        match name {
            Name::ResourceType => resource.resource_type = window.string_or_skip(limits.json_depth)?,
            Name::Id => resource.id = window.string_or_skip(limits.json_depth)?,
            _ => window.skip_value(limits.json_depth)?,
        }
        if resource.resource_type.is_some() && resource.id.is_some() {
            window.leave(1, limits.json_depth)?;
            break;
        }
    }
    resource.span.end = window.offset();
    Ok(resource)
}

fn request(window: &mut Window<'_>, limits: &ReadLimits, entry: &mut Entry) -> Result<(), Fault> {
    window.consume(1);
    while let Some(name) = window.next_member()? {
        match name {
            Name::Method => entry.method = window.string_or_skip(limits.json_depth)?,
            Name::Url => entry.url = window.string_or_skip(limits.json_depth)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
}

fn response(window: &mut Window<'_>, limits: &ReadLimits, entry: &mut Entry) -> Result<(), Fault> {
    window.consume(1);
    while let Some(name) = window.next_member()? {
        match name {
            Name::LastModified => entry.last_modified = window.string_or_skip(limits.json_depth)?,
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
}

impl Entry {
    /// What the entry brings, and when in a transaction.
    pub fn content(&self, window: &Window<'_>) -> (Payload, Class) {
        let method = self.method.as_ref().and_then(|span| window.slice(span.clone()));
        match method.unwrap_or_default().to_ascii_uppercase().as_slice() {
            b"DELETE" => (Payload::Delete, Class::Delete),
            b"PATCH" => (Payload::Patch, Class::Put),
            b"GET" | b"HEAD" => (Payload::None, Class::Rest),
            _ if self.resource.is_none() => (Payload::None, Class::Rest),
            b"POST" => (Payload::Resource, Class::Post),
            _ => (Payload::Resource, Class::Put),
        }
    }
}

impl Resource {
    pub fn is_bundle(&self, window: &Window<'_>) -> bool {
        let resource_type = self.resource_type.as_ref().and_then(|span| window.slice(span.clone()));
        resource_type == Some(b"Bundle")
    }
}
