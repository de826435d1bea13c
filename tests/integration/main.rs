//! Tests of the whole road, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod migrations;
mod oracle;
mod private_server;
mod service;
mod settings;
#[path = "../support/mod.rs"]
mod support;
