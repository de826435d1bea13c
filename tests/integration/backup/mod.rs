//! Backups: the database and the archive are restored as they were, on a fresh machine and on a used
//! one; and nothing that is half written is taken for a backup or a database.

mod concerns;
mod killed;
mod targets;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Run, TestEnvironment, violations};

/// Validates what a command prints by its schema.
#[track_caller]
fn valid(name: &str, run: Run, code: i32) -> Value {
    let json = run.expect_code(code).json();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas").join(format!("{name}.json"));
    let schema: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(violations(&schema, &json), Vec::<String>::new(), "{json:#}");
    json
}

/// The URL of another database of the environment's server, or of another user.
fn url(environment: &TestEnvironment, user: Option<&str>, database: &str) -> String {
    let (address, parameters) =
        environment.database_url().split_once('?').unwrap_or((environment.database_url(), ""));
    let (credentials, server) = address.split_once("://").unwrap().1.rsplit_once('@').unwrap();
    let server = server.split('/').next().unwrap();
    let credentials = user.map_or_else(|| credentials.to_owned(), |user| format!("{user}:{user}"));
    let parameters = if parameters.is_empty() { String::new() } else { format!("?{parameters}") };
    format!("postgres://{credentials}@{server}/{database}{parameters}")
}

/// A file of patients, one a line.
fn patients(ids: &[&str], family: &str) -> String {
    let line = |id: &&str| {
        format!("{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"name\":[{{\"family\":\"{family}\"}}]}}\n")
    };
    ids.iter().map(line).collect()
}
