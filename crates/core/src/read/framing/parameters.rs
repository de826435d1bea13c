//! *Parameters* may carry resources, which are framed like those of a Bundle:
//! `parameter.resource`, and `parameter.part.resource` at any depth
//! (<https://hl7.org/fhir/R4/parameters.html>). Parameters are a resource
//! themselves too.

use super::entry::{self, Entry, EntryResource};
use super::prescan::Prescan;
use super::token::{PropertyName, TokenError};
use super::window::{ByteRange, Window};
use crate::read::frame::Payload;
use crate::read::limits::ReadLimits;

/// How deep parts may nest; deeper ones are not searched.
const MAX_PARTS: usize = 32;

/// The resources in the Parameters at `range`, which is in memory, in document
/// order: up to the first that is broken, and not those of a Bundle among them.
pub(super) fn resources(
    window: &mut Window<'_>,
    range: ByteRange,
    limits: &ReadLimits,
) -> Vec<EntryResource> {
    let mut found = Vec::new();
    // The parser of the frame tells what is wrong with a broken one.
    let _ = window.within(range, |window| object(window, limits, 0, &mut found));
    found
}

fn object(
    window: &mut Window<'_>,
    limits: &ReadLimits,
    level: usize,
    found: &mut Vec<EntryResource>,
) -> Result<(), TokenError> {
    window.consume(1);
    while let Some(name) = window.next_property()? {
        match (name, window.peek()?) {
            (PropertyName::Resource, Some(b'{' | b'[')) => {
                entry::each_object(window, limits, &mut |window| {
                    found.push(entry::read_resource(window, limits)?);
                    Ok(())
                })?;
            }
            (PropertyName::Parameter | PropertyName::Part, Some(b'{' | b'[')) if level < MAX_PARTS => {
                entry::each_object(window, limits, &mut |window| object(window, limits, level + 1, found))?;
            }
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
}

/// How many positions the frames of an entry take, which is in memory and nested
/// in `depth` Bundles or Parameters.
pub(super) fn entry_position_count(
    window: &mut Window<'_>,
    entry: &Entry,
    payload: Payload,
    limits: &ReadLimits,
    depth: usize,
) -> u64 {
    match &entry.resource {
        Some(resource) if payload == Payload::Resource => {
            let resources = std::iter::once(resource).chain(&entry.further);
            resources.map(|resource| position_count(window, resource, limits, depth)).sum()
        }
        _ => 1,
    }
}

/// How many positions the frames of a resource take, which is in memory and
/// nested in `depth` Bundles or Parameters.
pub(super) fn position_count(
    window: &mut Window<'_>,
    resource: &EntryResource,
    limits: &ReadLimits,
    depth: usize,
) -> u64 {
    let is_too_deep = depth >= limits.max_bundle_depth();
    if resource.is_bundle(window) && !is_too_deep {
        let nested = window.within(resource.range.clone(), |window| Prescan::run(window, limits, depth + 1));
        return nested.position_count().max(1);
    }
    if resource.is_parameters(window) && !is_too_deep {
        let inner = resources(window, resource.range.clone(), limits);
        return 1 + inner.iter().map(|inner| position_count(window, inner, limits, depth + 1)).sum::<u64>();
    }
    1
}
