//! A *survey* goes over one JSON object before anything of it is delivered:
//! what it is, and, of a Bundle, what its entries must know beforehand.

use std::sync::Arc;

use super::bundle::{Builder, Bundle};
use super::entry::{self, Class, Element, Entry};
use super::token::{Fault, Name, text_of};
use super::window::Window;
use super::{Companion, Payload, ReadLimits};

/// The places of more entries than these are not remembered; they take some
/// 200 bytes each.
const MOST_ELEMENTS: usize = 1 << 14;

#[derive(Debug, Default)]
pub(super) struct Survey {
    kind: Kind,
    bundle: Builder,
    bundle_type: Option<String>,
    /// Elements of `entry`.
    pub entries: u64,
    /// Where they stand, if they are not too many.
    elements: Vec<Element>,
    /// A member `entry` is no array, which the delivery reports.
    has_odd_entry: bool,
    /// How many positions the entries of each [`Class`] take.
    weights: [u64; Class::COUNT],
    has_export_id: bool,
    has_event_id: bool,
    has_output: bool,
    transaction_time: Option<String>,
    /// Why the end of the object was not reached.
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Kind {
    /// No `resourceType` (so far).
    #[default]
    Unknown,
    Bundle,
    Resource,
}

/// Surveys the object at the window's place, which lies in `depth` Bundles.
///
/// The caller has taken a hold; it is raised to [`ReadLimits::resource_bytes`]
/// once the object is seen to be no Bundle. Each entry of a Bundle is held
/// for itself, so the object may be of any size.
pub(super) fn of(window: &mut Window<'_>, limits: &ReadLimits, depth: usize) -> Survey {
    let mut survey = Survey::default();
    survey.fault = survey.members(window, limits, depth).err();
    survey
}

impl Survey {
    fn members(&mut self, window: &mut Window<'_>, limits: &ReadLimits, depth: usize) -> Result<(), Fault> {
        window.consume(1);
        while let Some(name) = window.next_member()? {
            match name {
                Name::ResourceType => match window.text_or_skip(limits.json_depth)?.as_deref() {
                    Some("Bundle") => self.kind = Kind::Bundle,
                    Some(_) => {
                        self.kind = Kind::Resource;
                        window.raise(limits.resource_bytes);
                        return window.leave(1, limits.json_depth);
                    }
                    None => {}
                },
                Name::Type => self.bundle_type = window.text_or_skip(limits.json_depth)?,
                Name::Timestamp => self.bundle.set_timestamp(window.text_or_skip(limits.json_depth)?),
                Name::TransactionTime => self.transaction_time = window.text_or_skip(limits.json_depth)?,
                Name::Entry if window.peek()? == Some(b'[') => self.entries(window, limits, depth)?,
                _ => {
                    self.has_odd_entry |= name == Name::Entry;
                    self.has_export_id |= name == Name::ExportId;
                    self.has_event_id |= name == Name::EventId;
                    self.has_output |= name == Name::Output;
                    window.skip_value(limits.json_depth)?;
                }
            }
        }
        Ok(())
    }

    fn entries(&mut self, window: &mut Window<'_>, limits: &ReadLimits, depth: usize) -> Result<(), Fault> {
        window.consume(1);
        while let Some(byte) = window.next_element()? {
            window.hold(limits.resource_bytes);
            let surveyed = self.entry(window, byte, limits, depth);
            window.release();
            surveyed?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        window: &mut Window<'_>,
        byte: u8,
        limits: &ReadLimits,
        depth: usize,
    ) -> Result<(), Fault> {
        let element = entry::read(window, byte, limits)?;
        self.entries += 1;
        match &element {
            Element::Entry(entry) => self.valid_entry(window, entry, limits, depth),
            Element::Broken { .. } => self.weights[Class::Rest as usize] += 1,
        }
        if self.elements.len() < MOST_ELEMENTS {
            self.elements.push(element);
        }
        Ok(())
    }

    fn valid_entry(&mut self, window: &mut Window<'_>, entry: &Entry, limits: &ReadLimits, depth: usize) {
        let (content, class) = entry.content(window);
        let mut weight = 1;
        if let Some(resource) = &entry.resource {
            let text = |span: &Option<entry::Span>| text_of(window.slice(span.clone()?)?);
            if let (Some(full_url), Some(resource_type)) =
                (text(&entry.full_url), text(&resource.resource_type))
            {
                self.bundle.add(&full_url, &resource_type, text(&resource.id).as_deref());
            }
            if content == Payload::Resource && resource.is_bundle(window) && depth < limits.deepest_bundle() {
                let nested = inside(window, resource.span.clone(), |window| of(window, limits, depth + 1));
                weight = nested.weight().max(1);
            }
        }
        self.weights[class as usize] += weight;
    }

    /// All elements of `entry` in their order; `None` if there are too many to
    /// be remembered, or a member `entry` is no array.
    pub fn take_elements(&mut self) -> Option<Vec<Element>> {
        let is_all =
            self.fault.is_none() && !self.has_odd_entry && self.elements.len() as u64 == self.entries;
        is_all.then(|| std::mem::take(&mut self.elements))
    }

    /// How many positions its frames take.
    pub fn weight(&self) -> u64 {
        self.weights.iter().sum()
    }

    /// Whether it is a Bundle, or the beginning of one that says so later.
    pub fn is_bundle(&self) -> bool {
        match self.kind {
            Kind::Bundle => true,
            Kind::Resource => false,
            Kind::Unknown => self.fault.is_some() && self.entries > 0,
        }
    }

    /// What it is, if it is a companion of FHIR and not FHIR.
    pub fn companion(&self) -> Option<Companion> {
        if self.kind != Kind::Unknown || self.fault.is_some() {
            return None;
        }
        if self.has_export_id && self.has_event_id {
            return Some(Companion::ExportLog);
        }
        if self.has_output && self.transaction_time.is_some() {
            return Some(Companion::ExportManifest { transaction_time: self.transaction_time.clone() });
        }
        None
    }

    /// The Bundle, and the positions of its entries from `first` on.
    pub fn finish(mut self, outer: Option<Arc<Bundle>>, first: u64) -> (Arc<Bundle>, Order) {
        let order = Order::new(self.bundle_type.as_deref(), &self.weights, first);
        self.bundle.set_type(self.bundle_type);
        (Arc::new(self.bundle.finish(outer)), order)
    }
}

/// Does something at the beginning of the object at `span`, which is in
/// memory, as if the stream ended with it; then stands where it stood before.
pub(super) fn inside<'r, T>(
    window: &mut Window<'r>,
    span: entry::Span,
    work: impl FnOnce(&mut Window<'r>) -> T,
) -> T {
    let place = window.offset();
    let bound = window.set_bound(span.end);
    window.go_to(span.start);
    window.hold((span.end - span.start) as usize);
    let result = work(window);
    window.release();
    window.set_bound(bound);
    window.go_to(place);
    result
}

impl ReadLimits {
    /// How many Bundles may lie in each other, all told.
    pub(super) fn deepest_bundle(&self) -> usize {
        usize::from(self.bundle_nesting).min(super::Location::MAX_DEPTH)
    }
}

/// Gives the entries of a Bundle their positions, in the order in which they
/// take effect; see [`super::Frame::position`].
#[derive(Debug)]
pub(super) enum Order {
    Document {
        next: u64,
    },
    /// A history: newest first.
    Reverse {
        first: u64,
        left: u64,
    },
    /// A transaction: by class.
    Class {
        next: [u64; Class::COUNT],
    },
}

impl Order {
    fn new(bundle_type: Option<&str>, weights: &[u64; Class::COUNT], first: u64) -> Self {
        match bundle_type {
            Some("history") => Self::Reverse { first, left: weights.iter().sum() },
            Some("transaction") => {
                let mut next = [first; Class::COUNT];
                for class in 1..Class::COUNT {
                    next[class] = next[class - 1] + weights[class - 1];
                }
                Self::Class { next }
            }
            _ => Self::Document { next: first },
        }
    }

    /// The first position of the next entry, which takes `weight` of them.
    pub fn place(&mut self, class: Class, weight: u64) -> u64 {
        let next = match self {
            Self::Document { next } => next,
            Self::Class { next } => &mut next[class as usize],
            Self::Reverse { first, left } => {
                *left = left.saturating_sub(weight);
                return *first + *left;
            }
        };
        let position = *next;
        *next += weight;
        position
    }
}
