//! *Parameters* may carry resources, which are framed like those of a Bundle:
//! `parameter.resource`, and `parameter.part.resource` at any depth
//! (<https://hl7.org/fhir/R4/parameters.html>). Parameters are a resource
//! themselves too.

use super::entry::{self, EntryResource};
use super::prescan::Prescan;
use super::token::{PropertyName, TokenError};
use super::window::{ByteRange, Window};
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
            (PropertyName::Resource, Some(b'{')) => found.push(entry::read_resource(window, limits)?),
            (PropertyName::Parameter | PropertyName::Part, Some(b'{')) if level < MAX_PARTS => {
                object(window, limits, level + 1, found)?;
            }
            (PropertyName::Parameter | PropertyName::Part, Some(b'[')) if level < MAX_PARTS => {
                window.consume(1);
                while let Some(byte) = window.next_element()? {
                    match byte {
                        b'{' => object(window, limits, level + 1, found)?,
                        _ => window.skip_value(limits.json_depth)?,
                    }
                }
            }
            _ => window.skip_value(limits.json_depth)?,
        }
    }
    Ok(())
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
