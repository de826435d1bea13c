//! A *prescan* passes over one JSON object before anything of it is emitted:
//! it finds out what the object is and, for a Bundle, what its entries need to
//! know in advance.

use std::sync::Arc;

use super::entry::{self, Entry, EntryElement, EntryTexts, OpenLists};
use super::parameters;
use super::position::{PhaseCounts, PositionAssigner, TransactionPhase};
use super::token::{PropertyName, TokenError};
use super::window::Window;
use crate::read::bundle::{Bundle, is_transaction};
use crate::read::bundle_builder::BundleBuilder;
use crate::read::companion::Companion;
use crate::read::frame::Payload;
use crate::read::limits::ReadLimits;

/// The offsets of at most this many entries are kept, about 200 bytes each.
const MAX_KEPT_ELEMENTS: usize = 1 << 14;

/// Longer lists of links are not read.
const MAX_LINK_BYTES: usize = 1 << 16;

/// What a prescan found out about one object.
#[derive(Default)]
pub(super) struct Prescan {
    object_type: ObjectType,
    bundle: BundleBuilder,
    bundle_type: Option<String>,
    /// Number of elements of `entry`.
    pub entries: u64,
    /// The elements of `entry`, unless there are too many.
    elements: Vec<EntryElement>,
    /// Some property `entry` is not an array; emitting the Bundle reports it.
    has_malformed_entry: bool,
    position_counts: PhaseCounts,
    has_export_id: bool,
    has_event_id: bool,
    has_output: bool,
    has_other_files: bool,
    is_of_bulk_data: bool,
    /// The object is a Parameters resource.
    pub is_parameters: bool,
    transaction_time: Option<String>,
    request: Option<String>,
    /// Why the end of the object was not reached.
    pub error: Option<TokenError>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum ObjectType {
    /// No `resourceType` (so far).
    #[default]
    Unknown,
    Bundle,
    Resource,
}

impl Prescan {
    /// Prescans the object at the window's position, which is nested in
    /// `depth` Bundles including itself.
    ///
    /// The caller has taken a hold; its limit is raised to
    /// [`ReadLimits::resource_bytes`] once the object turns out not to be a
    /// Bundle. Every entry of a Bundle is held separately, so the object may
    /// have any size.
    pub fn run(window: &mut Window<'_>, limits: &ReadLimits, depth: usize) -> Self {
        let mut prescan = Self::default();
        prescan.error = prescan.properties(window, limits, depth).err();
        prescan
    }

    fn properties(
        &mut self,
        window: &mut Window<'_>,
        limits: &ReadLimits,
        depth: usize,
    ) -> Result<(), TokenError> {
        window.consume(1);
        while let Some(name) = window.next_property()? {
            match name {
                PropertyName::ResourceType => match window.name_or_skip(limits.json_depth)?.as_deref() {
                    Some("Bundle") => self.object_type = ObjectType::Bundle,
                    Some(name) => {
                        self.is_parameters = name == "Parameters";
                        self.object_type = ObjectType::Resource;
                        window.raise_hold_limit(limits.resource_bytes);
                        return window.skip_containers(1, limits.json_depth);
                    }
                    None => {}
                },
                PropertyName::Type => self.bundle_type = window.name_or_skip(limits.json_depth)?,
                PropertyName::Timestamp => {
                    self.bundle.set_timestamp(window.text_or_skip(limits.json_depth)?);
                }
                PropertyName::Link => self.link(window, limits)?,
                PropertyName::Request => self.request = window.text_or_skip(limits.json_depth)?,
                PropertyName::Meta if window.peek()? == Some(b'{') => self.meta(window, limits)?,
                PropertyName::TransactionTime => {
                    self.transaction_time = window.text_or_skip(limits.json_depth)?;
                }
                PropertyName::Entry if window.peek()? == Some(b'[') => self.entries(window, limits, depth)?,
                // One entry stands for the list.
                PropertyName::Entry if window.starts_filled(b'{', b'}')? => {
                    self.held_element(window, b'{', limits, depth)?;
                }
                _ => {
                    self.has_malformed_entry |= name == PropertyName::Entry && window.peek()? != Some(b'n');
                    self.has_export_id |= name == PropertyName::ExportId;
                    self.has_event_id |= name == PropertyName::EventId;
                    let is_list = window.peek()? == Some(b'[');
                    self.has_output |= name == PropertyName::Output && is_list;
                    self.has_other_files |= name == PropertyName::ErrorOrDeleted && is_list;
                    self.is_of_bulk_data |=
                        matches!(name, PropertyName::RequiresAccessToken | PropertyName::Submission);
                    window.skip_value(limits.json_depth)?;
                }
            }
        }
        Ok(())
    }

    /// Reads `Bundle.link`.
    fn link(&mut self, window: &mut Window<'_>, limits: &ReadLimits) -> Result<(), TokenError> {
        window.hold(MAX_LINK_BYTES);
        let start = window.offset();
        let skipped = window.skip_value(limits.json_depth);
        let bytes = window.slice(start..window.offset()).unwrap_or_default();
        let links = serde_json::from_slice::<serde_json::Value>(bytes).unwrap_or_default();
        window.release();
        for link in links.as_array().into_iter().flatten().filter(|link| link["relation"] == "self") {
            if let Some(url) = link["url"].as_str() {
                self.bundle.set_self_link(url);
            }
        }
        skipped
    }

    fn meta(&mut self, window: &mut Window<'_>, limits: &ReadLimits) -> Result<(), TokenError> {
        window.consume(1);
        while let Some(name) = window.next_property()? {
            match name {
                PropertyName::LastUpdated => {
                    self.bundle.set_last_updated(window.text_or_skip(limits.json_depth)?);
                }
                _ => window.skip_value(limits.json_depth)?,
            }
        }
        Ok(())
    }

    fn entries(
        &mut self,
        window: &mut Window<'_>,
        limits: &ReadLimits,
        depth: usize,
    ) -> Result<(), TokenError> {
        let mut lists = OpenLists::enter(window);
        while let Some(byte) = lists.next(window)? {
            self.held_element(window, byte, limits, depth)?;
        }
        Ok(())
    }

    fn held_element(
        &mut self,
        window: &mut Window<'_>,
        byte: u8,
        limits: &ReadLimits,
        depth: usize,
    ) -> Result<(), TokenError> {
        window.hold(limits.resource_bytes);
        let done = self.element(window, byte, limits, depth);
        window.release();
        done
    }

    fn element(
        &mut self,
        window: &mut Window<'_>,
        byte: u8,
        limits: &ReadLimits,
        depth: usize,
    ) -> Result<(), TokenError> {
        let element = entry::read(window, byte, limits)?;
        self.entries += 1;
        match &element {
            EntryElement::Entry(entry) => self.entry(window, entry, limits, depth),
            EntryElement::Broken { .. } => self.position_counts[TransactionPhase::Other as usize] += 1,
        }
        if self.elements.len() < MAX_KEPT_ELEMENTS {
            self.elements.push(element);
        }
        Ok(())
    }

    fn entry(&mut self, window: &mut Window<'_>, entry: &Entry, limits: &ReadLimits, depth: usize) {
        let (payload, phase) = entry.classify(window);
        if payload == Payload::Resource
            && let Some(resource) = &entry.resource
            && let texts = EntryTexts::of(window, entry, Some(resource))
            && let Some(names) = texts.names(false)
        {
            let is_transaction = self.bundle_type.as_deref().map(|name| is_transaction(Some(name)));
            let bytes = window.slice(resource.range.clone()).unwrap_or_default();
            let number = u32::try_from(self.entries).unwrap_or(u32::MAX);
            self.bundle.add(number, names, is_transaction, bytes);
        }
        let count = parameters::entry_position_count(window, entry, payload, limits, depth);
        self.position_counts[phase as usize] += count;
    }

    /// Takes the elements of `entry` in document order; `None` if there are
    /// too many to keep, or if a property `entry` is not an array.
    pub fn take_elements(&mut self) -> Option<Vec<EntryElement>> {
        let is_complete =
            self.error.is_none() && !self.has_malformed_entry && self.elements.len() as u64 == self.entries;
        is_complete.then(|| std::mem::take(&mut self.elements))
    }

    /// How many positions the frames of the Bundle take.
    pub fn position_count(&self) -> u64 {
        self.position_counts.iter().sum()
    }

    /// Whether the object is a Bundle, or the start of one whose
    /// `resourceType` is yet to come.
    pub fn is_bundle(&self) -> bool {
        match self.object_type {
            ObjectType::Bundle => true,
            ObjectType::Resource => false,
            ObjectType::Unknown => self.error.is_some() && self.entries > 0,
        }
    }

    /// The companion file that the object is or belongs to, if any.
    pub fn companion(&self) -> Option<Companion> {
        if self.object_type != ObjectType::Unknown || self.error.is_some() {
            return None;
        }
        if self.has_export_id && self.has_event_id {
            return Some(Companion::ExportLog);
        }
        // Manifests of exports, publications and submissions, some without files.
        let has_files = self.has_output || self.has_other_files;
        let is_manifest = self.transaction_time.is_some()
            || self.is_of_bulk_data
            || (has_files && self.request.is_some())
            || (self.has_output && self.has_other_files);
        if is_manifest && self.entries == 0 {
            return Some(Companion::ExportManifest {
                transaction_time: self.transaction_time.clone(),
                request: self.request.clone(),
            });
        }
        None
    }

    /// The Bundle, nested in `outer`, and the positions of its entries, from
    /// `first` on.
    pub fn finish(mut self, outer: Option<Arc<Bundle>>, first: u64) -> (Arc<Bundle>, PositionAssigner) {
        let positions = PositionAssigner::new(self.bundle_type.as_deref(), &self.position_counts, first);
        self.bundle.set_type(self.bundle_type);
        (Arc::new(self.bundle.finish(outer)), positions)
    }
}
