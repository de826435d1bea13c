//! Tests of the whole road, in one binary.

mod migrations;
mod oracle;
mod private_server;
mod settings;
#[path = "../support/mod.rs"]
mod support;
