//! The state of a snapshot in lines, for people.

use fhirmill_postgres::ledger::SnapshotEntry;

/// Which snapshot it is.
pub(super) fn title(entry: &SnapshotEntry) -> String {
    let SnapshotEntry { id, name, target, folder, .. } = entry;
    let name = name.as_deref().map_or_else(String::new, |name| format!(" {name}"));
    let folder = folder.as_deref().map_or_else(String::new, |folder| format!("/{folder}"));
    format!("{id}{name}: {target}{folder}")
}

/// How it is, or how it went.
pub(super) fn state(entry: &SnapshotEntry) -> String {
    let SnapshotEntry { tables, tables_done, tables_reused, rows, bytes, .. } = entry;
    let size = format!("{rows} rows, {:.1} MB", *bytes as f64 / 1e6);
    match (entry.state.as_str(), entry.removed_at) {
        ("complete", Some(at)) => format!("removed {}; it had {size}", at.to_rfc3339()),
        ("complete", None) => {
            format!("complete: {tables} tables and views, {tables_reused} of them unchanged; {size}")
        }
        ("running", _) => format!("running: {tables_done} of {tables} tables and views; {size}"),
        ("failed", _) => format!("failed: {}", entry.error.as_deref().unwrap_or("for an unknown reason")),
        (state, _) => format!("{state} after {tables_done} of {tables} tables and views"),
    }
}
