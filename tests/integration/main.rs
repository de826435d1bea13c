//! Tests of the whole road, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod accounts;
mod analysts_page;
mod archive;
mod bad_input;
mod chaos;
mod commands;
mod database_faults;
mod delivery;
mod dictionary;
mod forms;
mod heavy_input;
mod inbox_oddities;
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
mod security;
mod service;
mod settings;
mod soak;
#[path = "../support/mod.rs"]
mod support;
mod together;
mod versions;
mod views;
mod views_claims;
