//! The *shape* of a resource: which elements it has, how often, and as which
//! JSON types. [`check`] compares it with R4's definitions, which costs little;
//! [`repair`] writes a resource of another shape as R4 would, where it has only
//! one meaning, and notes every deviation.

mod check;
mod deviation;
mod notation;
mod repair;
mod structure;
mod targets;

pub(super) use check::{Shape, check};
pub use deviation::{DeviantElement, Deviation};
pub(super) use deviation::{DeviationCounts, Deviations};
pub(super) use repair::repair;
pub(super) use structure::Structure;
pub(super) use targets::{AllowedTargets, allowed_targets};
