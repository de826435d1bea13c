//! Reading files as senders deliver them: plain and in archives, intact and
//! broken, through the public interface of `fhirmill_core::read`.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod bundles;
mod containers;
mod damage;
mod documents;
mod properties;
mod support;
