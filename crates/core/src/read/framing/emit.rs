//! To *emit* is to pass frames to the handler: a resource, or the entries of a
//! Bundle that has been prescanned.

use std::borrow::Cow;
use std::sync::Arc;

use super::entry::{self, Entry, EntryElement, EntryResource, EntryTexts};
use super::framer::{FoundDefect, Framer, Interrupt};
use super::parameters;
use super::position::{PositionAssigner, TransactionPhase};
use super::prescan::Prescan;
use super::token::PropertyName;
use super::window::{ByteRange, Window};
use crate::fhir::{Address, EntryNames};
use crate::read::bundle::Bundle;
use crate::read::defect::ReadDefectReason;
use crate::read::error::ReadError;
use crate::read::frame::{Frame, Payload, Request};
use crate::read::location::Location;

/// A Bundle whose entries are being emitted.
struct OpenBundle {
    bundle: Arc<Bundle>,
    positions: PositionAssigner,
    location: Location,
    /// Number of entries so far.
    entries: u32,
}

impl Framer<'_> {
    /// Emits the resource at `range`, which is in memory.
    pub fn emit_resource(
        &mut self,
        window: &Window<'_>,
        range: ByteRange,
        location: Location,
    ) -> Result<(), Interrupt> {
        let position = *self.next_position;
        *self.next_position += 1;
        self.emit_frame(window, range, None, location, position)
    }

    /// Emits a resource that nothing around it names.
    fn emit_frame(
        &mut self,
        window: &Window<'_>,
        range: ByteRange,
        bundle: Option<&Arc<Bundle>>,
        location: Location,
        position: u64,
    ) -> Result<(), Interrupt> {
        self.handler.frame(Frame {
            bytes: held_bytes(window, &range)?,
            payload: Payload::Resource,
            member: self.member,
            offset: range.start,
            entry: None,
            location,
            position,
            id: None,
            condition: None,
            full_url: None,
            request: None,
            last_modified: None,
            bundle,
        })?;
        Ok(())
    }

    /// Emits the entries of the Bundle at the window's position, with positions
    /// from `first` on. Leaves a window that holds the Bundle anywhere in it,
    /// and any other window after it.
    pub fn emit_bundle(
        &mut self,
        window: &mut Window<'_>,
        mut prescan: Prescan,
        outer: Option<&Arc<Bundle>>,
        location: Location,
        first: u64,
    ) -> Result<(), Interrupt> {
        // The entries of a Bundle in memory need not be located again.
        let elements = if window.is_held() { prescan.take_elements() } else { None };
        let prescanned_entries = prescan.entries;
        let was_complete = prescan.error.is_none();
        if outer.is_none() {
            *self.next_position += prescan.position_count();
        }
        let (bundle, positions) = prescan.finish(outer.cloned(), first);
        let mut open = OpenBundle { bundle, positions, location, entries: 0 };
        match elements {
            Some(elements) => {
                for element in elements {
                    self.emit_element(window, element, &mut open)?;
                }
            }
            None => self.emit_properties(window, &mut open)?,
        }
        // Both passes over an unchanged file find the same.
        if !was_complete || u64::from(open.entries) != prescanned_entries {
            return Err(ReadError::Changed.into());
        }
        Ok(())
    }

    fn emit_properties(&mut self, window: &mut Window<'_>, open: &mut OpenBundle) -> Result<(), Interrupt> {
        let location = open.location;
        let depth = self.limits.json_depth;
        window.consume(1);
        while let Some(name) = self.or_lost(window, location, |window| window.next_property())? {
            let byte = self.or_lost(window, location, |window| Ok(window.peek()?))?;
            if name == PropertyName::Entry && byte == Some(b'[') {
                self.emit_entries(window, open)?;
                continue;
            }
            let is_entry = |window: &mut Window<'_>| Ok(window.starts_filled(b'{', b'}')?);
            if name == PropertyName::Entry && self.or_lost(window, location, is_entry)? {
                self.emit_held_element(window, b'{', open)?;
                continue;
            }
            let start = window.offset();
            self.or_lost(window, location, |window| window.skip_value(depth))?;
            if name == PropertyName::Entry && byte != Some(b'n') {
                let reason = ReadDefectReason::Expected("an array of entries");
                self.report(window, FoundDefect::new(location, start..window.offset(), reason))?;
            }
        }
        Ok(())
    }

    fn emit_entries(&mut self, window: &mut Window<'_>, open: &mut OpenBundle) -> Result<(), Interrupt> {
        let mut lists = entry::OpenLists::enter(window);
        while let Some(byte) = self.or_lost(window, open.location, |window| lists.next(window))? {
            self.emit_held_element(window, byte, open)?;
        }
        Ok(())
    }

    fn emit_held_element(
        &mut self,
        window: &mut Window<'_>,
        byte: u8,
        open: &mut OpenBundle,
    ) -> Result<(), Interrupt> {
        window.hold(self.limits.resource_bytes);
        let location = open.location.at_entry(open.entries.saturating_add(1));
        let limits = self.limits;
        let element = self.or_lost(window, location, |window| entry::read(window, byte, limits));
        let done = element.and_then(|element| self.emit_element(window, element, open));
        window.release();
        done
    }

    fn emit_element(
        &mut self,
        window: &mut Window<'_>,
        element: EntryElement,
        open: &mut OpenBundle,
    ) -> Result<(), Interrupt> {
        open.entries = open.entries.saturating_add(1);
        let location = open.location.at_entry(open.entries);
        match element {
            EntryElement::Entry(entry) => self.emit_entry(window, &entry, open, location),
            EntryElement::Broken { range, reason, detected_at } => {
                open.positions.assign(TransactionPhase::Other, 1);
                self.report(window, FoundDefect::new(location, range, reason).detected_at(detected_at))
            }
        }
    }

    /// Emits an entry that is held; the window is positioned after it.
    fn emit_entry(
        &mut self,
        window: &mut Window<'_>,
        entry: &Entry,
        open: &mut OpenBundle,
        location: Location,
    ) -> Result<(), Interrupt> {
        let (payload, phase) = entry.classify(window);
        let limits = self.limits;
        let depth = location.depth();
        let count = parameters::entry_position_count(window, entry, payload, limits, depth);
        let first = open.positions.assign(phase, count);
        let Some(resource) = entry.resource.as_ref().filter(|_| payload == Payload::Resource) else {
            return self.emit_named(window, entry, None, open, (location, first, payload));
        };
        let bundle = Arc::clone(&open.bundle);
        if resource.is_bundle(window) {
            self.emit_nested_bundle(window, resource, Some(&bundle), first, location)?;
        } else {
            self.emit_named(window, entry, Some(resource), open, (location, first, payload))?;
            if resource.is_parameters(window) {
                self.emit_parameters(window, resource.range.clone(), Some(&bundle), location, first + 1)?;
            }
        }
        if entry.further.is_empty() {
            return Ok(());
        }
        let next = first + parameters::position_count(window, resource, limits, depth);
        self.emit_inner(window, &entry.further, Some(&bundle), (location, 2), next)
    }

    /// Emits what an entry holds, with all that the entry says about it.
    fn emit_named(
        &mut self,
        window: &Window<'_>,
        entry: &Entry,
        resource: Option<&EntryResource>,
        open: &OpenBundle,
        (location, position, payload): (Location, u64, Payload),
    ) -> Result<(), Interrupt> {
        let range = resource.map_or(&entry.range, |resource| &resource.range);
        let texts = EntryTexts::of(window, entry, resource);
        let names = texts.names(open.bundle.is_transaction());
        let id = names.and_then(|names| given_id(names, open));
        let condition = names.and_then(|names| names.condition());
        self.handler.frame(Frame {
            bytes: held_bytes(window, range)?,
            payload,
            member: self.member,
            offset: range.start,
            entry: Some(entry.range.clone()),
            location,
            position,
            id,
            condition,
            full_url: texts.full_url,
            request: texts
                .method
                .map(|method| Request { method, url: texts.url.unwrap_or(Cow::Borrowed("")) }),
            last_modified: texts.last_modified,
            bundle: Some(&open.bundle),
        })?;
        Ok(())
    }

    /// Emits the resources in the Parameters at `range`, which is in memory, with
    /// positions from `first` on.
    pub fn emit_parameters(
        &mut self,
        window: &mut Window<'_>,
        range: ByteRange,
        bundle: Option<&Arc<Bundle>>,
        location: Location,
        first: u64,
    ) -> Result<(), Interrupt> {
        if location.depth() >= self.limits.max_bundle_depth() {
            return Ok(());
        }
        let resources = parameters::resources(window, range, self.limits);
        self.emit_inner(window, &resources, bundle, (location, 1), first)
    }

    /// Emits resources that only their place in another value names: they are
    /// numbered from `number` on, and have positions from `first` on.
    fn emit_inner(
        &mut self,
        window: &mut Window<'_>,
        resources: &[EntryResource],
        bundle: Option<&Arc<Bundle>>,
        (outer, number): (Location, u32),
        first: u64,
    ) -> Result<(), Interrupt> {
        let mut position = first;
        for (number, resource) in (number..).zip(resources) {
            let location = outer.at_entry(number);
            let count = parameters::position_count(window, resource, self.limits, location.depth());
            if resource.is_bundle(window) {
                self.emit_nested_bundle(window, resource, bundle, position, location)?;
            } else {
                self.emit_frame(window, resource.range.clone(), bundle, location, position)?;
                if resource.is_parameters(window) {
                    self.emit_parameters(window, resource.range.clone(), bundle, location, position + 1)?;
                }
            }
            position += count;
        }
        Ok(())
    }

    /// Emits a Bundle that is the resource of an entry or a parameter, from
    /// memory.
    fn emit_nested_bundle(
        &mut self,
        window: &mut Window<'_>,
        resource: &EntryResource,
        outer: Option<&Arc<Bundle>>,
        first: u64,
        location: Location,
    ) -> Result<(), Interrupt> {
        let range = resource.range.clone();
        let depth = location.depth();
        let limits = self.limits;
        if depth >= limits.max_bundle_depth() {
            let reason = ReadDefectReason::BundleTooDeep(limits.bundle_nesting);
            return self.report(window, FoundDefect::new(location, range, reason));
        }
        let done = window.within(range.clone(), |window| {
            let prescan = Prescan::run(window, limits, depth + 1);
            window.go_to(range.start);
            self.emit_bundle(window, prescan, outer, location, first)
        });
        match done {
            // What was lost is the rest of this Bundle, not of the outer ones.
            Err(Interrupt::RestLost) => Ok(()),
            other => other,
        }
    }
}

/// The id of the entry's resource, if it is not simply the resource's own.
fn given_id<'w>(names: EntryNames<'_>, open: &OpenBundle) -> Option<Cow<'w, str>> {
    if open.bundle.has_namesakes()
        && let Some(full_url) = names.full_url
        && let address @ Address::Rest { base: Some(_), .. } = Address::parse(full_url)
        && let Some((_, id)) = open.bundle.resolve_address(&address)
    {
        return Some(Cow::Owned(id.into_owned()));
    }
    match names.identity() {
        Some(id) if names.id == Some(&*id) => None,
        Some(id) => Some(Cow::Owned(id.into_owned())),
        None => open.bundle.generated_id(open.entries).map(|id| Cow::Owned(id.to_owned())),
    }
}

/// The bytes at `range`, which a hold keeps. If they are gone, the file changed.
fn held_bytes<'w>(window: &'w Window<'_>, range: &ByteRange) -> Result<&'w [u8], ReadError> {
    window.slice(range.clone()).ok_or(ReadError::Changed)
}
