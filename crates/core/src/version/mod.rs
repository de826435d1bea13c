//! The *version order* decides which of several versions of one resource counts.
//!
//! Versions are compared by time, then by number, then by place: the one read
//! later. A version without a time or without a number takes what it lacks from
//! the version that it follows. This makes the rule an order: the result depends
//! on the versions and their places only, not on when each of them is decided on.
//!
//! Versions need not be decided on in the order in which they were read. Two
//! cases need the earlier ones first; [`Change::needs_order`] and
//! [`Version::needs_order`] report them.

mod fold;
mod order;

pub use fold::{Effect, Folded, fold};
pub use order::{Change, Current, Place, Version, number_of};
