//! Feeds: what fetches files from elsewhere.

mod bulk_server;
mod exports;
mod faults;
mod faulty_server;
mod forward;
mod hapi;
#[cfg(feature = "kafka")]
mod kafka;
mod killed;
#[cfg(feature = "server")]
mod page;
mod sekmet;
mod service;
mod smart;
mod state;
#[cfg(feature = "server")]
mod submit;

use crate::support::{Run, TestEnvironment};

/// Runs `fhirmill export` with short waits.
fn export(environment: &TestEnvironment, url: &str, source: &str, more: &[&str]) -> Run {
    environment.run_command(&mut export_command(environment, url, source, more))
}

fn export_command(
    environment: &TestEnvironment,
    url: &str,
    source: &str,
    more: &[&str],
) -> std::process::Command {
    let arguments = ["export", url, "--source", source, "--retry-wait", "12ms", "--json"];
    environment.command(&[&arguments[..], more].concat())
}

/// The resources of a source in the tables, by type.
fn resources(environment: &TestEnvironment, source: &str) -> Vec<(String, i64)> {
    let rows = environment.query(&format!(
        "select k.resource_type, count(*) from etl.resource_key k join etl.resource_version v on v.id = k.id \
           join etl.source s on s.id = k.source_id where s.code = '{source}' and v.deleted_at is null group by 1 order by 1"
    ));
    rows.into_iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect()
}
