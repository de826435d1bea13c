//! Integration tests of the built program, in one binary.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod analysts_page;
mod archive;
mod backup;
mod bad_input;
mod catalog_files;
mod chaos;
mod columns;
mod commands;
mod concurrency;
mod conditional;
mod contained;
#[cfg(feature = "lake")]
mod convert;
#[cfg(feature = "lake")]
mod convert_versions;
mod database_faults;
mod dbt_package;
mod declared_views;
mod deidentified;
mod delivery;
mod dependents;
mod dictionary;
mod dictionary_left_out;
#[cfg(feature = "feeds")]
mod feeds;
mod first_steps;
mod formats;
mod formats_packed;
mod heavy_input;
mod identity;
mod inbox;
mod indexes;
mod json_output;
mod killed;
mod lean_binary;
mod ledger_schema;
mod loading;
mod make_targets;
mod migrations;
#[cfg(feature = "storage")]
mod object_storage;
mod operators;
mod oracle;
mod oracle_compare;
mod oracle_full;
mod oracle_resources;
mod postponed_keys;
mod private_server;
mod progress;
mod readers;
mod reconciliation;
mod references;
mod rejects;
mod remap_neutral;
mod retention;
mod schema;
mod security;
#[cfg(feature = "server")]
mod server;
mod service;
mod settings;
mod sinks;
#[cfg(feature = "lake")]
mod snapshots;
mod soak;
mod steps;
#[path = "../support/mod.rs"]
mod support;
mod upgrades;
mod versions;
mod versions_deletes;
mod versions_files;
mod versions_history;
mod versions_order;
mod versions_processes;
mod views;
mod views_claims;
mod views_clinical;
#[cfg(feature = "lake")]
mod views_columnar;
mod views_contained;
mod views_coverage;
mod views_filled;
mod views_first;
mod views_keys;
mod views_merged;
mod views_origin;
mod views_people;
mod views_plans;
mod views_questions;
mod views_questions_claims;
mod views_references;
mod views_sent;
mod views_types;
