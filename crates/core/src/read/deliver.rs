//! To *deliver* is to give the sink its frames: a resource, or the entries of
//! a Bundle that has been surveyed.

use std::borrow::Cow;
use std::sync::Arc;

use super::bundle::Bundle;
use super::document::{Halt, Reader};
use super::entry::{self, Class, Element, Entry, Resource, Span};
use super::survey::{self, Order, Survey};
use super::token::{Name, text_of};
use super::window::Window;
use super::{Frame, Location, Payload, ReadDefectReason, ReadError, Request};

/// A Bundle whose entries are being delivered.
struct Around {
    bundle: Arc<Bundle>,
    order: Order,
    location: Location,
    /// Entries so far.
    entries: u32,
}

impl Reader<'_> {
    /// The resource at `span`, which is in memory.
    pub(super) fn resource(
        &mut self,
        window: &Window<'_>,
        span: Span,
        location: Location,
    ) -> Result<(), Halt> {
        let position = *self.next_position;
        *self.next_position += 1;
        self.sink.frame(Frame {
            bytes: bytes(window, &span)?,
            payload: Payload::Resource,
            member: self.number,
            offset: span.start,
            location,
            position,
            full_url: None,
            request: None,
            last_modified: None,
            bundle: None,
        })?;
        Ok(())
    }

    /// The entries of the Bundle at the window's place, with positions from
    /// `first` on. A window that does not hold the Bundle is left behind it, one
    /// that does somewhere in it.
    pub(super) fn bundle(
        &mut self,
        window: &mut Window<'_>,
        mut survey: Survey,
        outer: Option<&Arc<Bundle>>,
        location: Location,
        first: u64,
    ) -> Result<(), Halt> {
        // What is in memory need not be walked along again.
        let elements = if window.is_held() { survey.take_elements() } else { None };
        let surveyed_entries = survey.entries;
        let was_whole = survey.fault.is_none();
        if outer.is_none() {
            *self.next_position += survey.weight();
        }
        let (bundle, order) = survey.finish(outer.cloned(), first);
        let mut around = Around { bundle, order, location, entries: 0 };
        match elements {
            Some(elements) => {
                for element in elements {
                    self.element(window, element, &mut around)?;
                }
            }
            None => self.members(window, &mut around)?,
        }
        // The two readings of a file that nobody changes agree.
        if !was_whole || u64::from(around.entries) != surveyed_entries {
            return Err(ReadError::Changed.into());
        }
        Ok(())
    }

    fn members(&mut self, window: &mut Window<'_>, around: &mut Around) -> Result<(), Halt> {
        let location = around.location;
        let depth = self.limits.json_depth;
        window.consume(1);
        while let Some(name) = self.or_lost(window, location, |window| window.next_member())? {
            let byte = self.or_lost(window, location, |window| Ok(window.peek()?))?;
            if name == Name::Entry && byte == Some(b'[') {
                self.entries(window, around)?;
                continue;
            }
            let start = window.offset();
            self.or_lost(window, location, |window| window.skip_value(depth))?;
            if name == Name::Entry {
                let length = Some(window.offset() - start);
                let reason = ReadDefectReason::Expected("an array of entries");
                self.report(window, location, start, length, start, reason, false)?;
            }
        }
        Ok(())
    }

    fn entries(&mut self, window: &mut Window<'_>, around: &mut Around) -> Result<(), Halt> {
        window.consume(1);
        while let Some(byte) = self.or_lost(window, around.location, |window| window.next_element())? {
            window.hold(self.limits.resource_bytes);
            let location = around.location.at_entry(around.entries.saturating_add(1));
            let limits = self.limits;
            let element = self.or_lost(window, location, |window| entry::read(window, byte, limits));
            let done = element.and_then(|element| self.element(window, element, around));
            window.release();
            done?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        window: &mut Window<'_>,
        element: Element,
        around: &mut Around,
    ) -> Result<(), Halt> {
        around.entries = around.entries.saturating_add(1);
        let location = around.location.at_entry(around.entries);
        match element {
            Element::Entry(entry) => self.entry(window, &entry, around, location),
            Element::Broken { span, reason, detected_at } => {
                around.order.place(Class::Rest, 1);
                let length = Some(span.end - span.start);
                self.report(window, location, span.start, length, detected_at, reason, false)
            }
        }
    }

    /// An entry that is held; the window stands behind it.
    fn entry(
        &mut self,
        window: &mut Window<'_>,
        entry: &Entry,
        around: &mut Around,
        location: Location,
    ) -> Result<(), Halt> {
        let (content, class) = entry.content(window);
        let resource = entry.resource.as_ref().filter(|_| content == Payload::Resource);
        if let Some(resource) = resource.filter(|resource| resource.is_bundle(window)) {
            return self.nested(window, resource, around, class, location);
        }
        let span = resource.map_or(&entry.span, |resource| &resource.span);
        let text = |span: &Option<Span>| window.slice(span.clone()?).and_then(text_of);
        let position = around.order.place(class, 1);
        self.sink.frame(Frame {
            bytes: bytes(window, span)?,
            payload: content,
            member: self.number,
            offset: span.start,
            location,
            position,
            full_url: text(&entry.full_url),
            request: text(&entry.method)
                .map(|method| Request { method, url: text(&entry.url).unwrap_or(Cow::Borrowed("")) }),
            last_modified: text(&entry.last_modified),
            bundle: Some(&around.bundle),
        })?;
        Ok(())
    }

    /// A Bundle in an entry, from memory.
    fn nested(
        &mut self,
        window: &mut Window<'_>,
        resource: &Resource,
        around: &mut Around,
        class: Class,
        location: Location,
    ) -> Result<(), Halt> {
        let span = resource.span.clone();
        let depth = location.depth();
        let limits = self.limits;
        if depth >= limits.deepest_bundle() {
            around.order.place(class, 1);
            let length = Some(span.end - span.start);
            let reason = ReadDefectReason::BundleTooDeep(limits.bundle_nesting);
            return self.report(window, location, span.start, length, span.start, reason, false);
        }
        let done = survey::inside(window, span.clone(), |window| {
            let survey = survey::of(window, limits, depth + 1);
            let first = around.order.place(class, survey.weight().max(1));
            window.go_to(span.start);
            self.bundle(window, survey, Some(&around.bundle), location, first)
        });
        match done {
            // What was lost was the rest of this Bundle, not of those around it.
            Err(Halt::Rest) => Ok(()),
            other => other,
        }
    }
}

/// Bytes that a hold keeps; without them the file is not what it was.
fn bytes<'w>(window: &'w Window<'_>, span: &Span) -> Result<&'w [u8], ReadError> {
    window.slice(span.clone()).ok_or(ReadError::Changed)
}
