//! Tests of the whole road, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod analysts_page;
mod chaos;
mod commands;
mod delivery;
mod dictionary;
mod forms;
mod indexes;
mod killed;
mod loading;
mod migrations;
mod oracle;
mod oracle_compare;
mod oracle_resources;
mod private_server;
mod references;
mod rejects;
mod road;
mod schema;
mod service;
mod settings;
mod soak;
#[path = "../support/mod.rs"]
mod support;
mod together;
mod versions;
mod views;
mod views_claims;
