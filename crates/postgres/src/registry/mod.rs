//! The *registry* gives every resource its key and decides which of its
//! versions counts.

pub(crate) mod decide;
pub(crate) mod identifiers;
pub(crate) mod keys;
pub(crate) mod known;
