//! The snapshots in the metrics.

use std::collections::BTreeMap;

use fhirmill_postgres::ledger::SnapshotEntry;

use super::families::{Families, Values};
use super::page::instant;

/// The snapshots that have names; those made by hand are somebody's own business.
pub(super) fn add_snapshots(families: &mut Families, snapshots: &[SnapshotEntry]) {
    let mut named: BTreeMap<&str, &SnapshotEntry> = BTreeMap::new();
    // The newest of a name comes first: its target may have been another one before.
    for snapshot in snapshots.iter().rev() {
        if let Some(name) = &snapshot.name {
            named.insert(name, snapshot);
        }
    }
    let per_snapshot = |value: fn(&SnapshotEntry) -> Option<f64>| -> Values<'_> {
        let mut values = Values::new();
        for (name, snapshot) in &named {
            if let Some(value) = value(snapshot) {
                values.push((vec![("snapshot", *name)], value));
            }
        }
        values
    };
    families.gauges(
        "fhirmill_snapshot_last_success_timestamp_seconds",
        "The time of the picture of the last complete snapshot of that name.",
        per_snapshot(|snapshot| snapshot.last_success_at.map(instant)),
    );
    families.gauges(
        "fhirmill_snapshot_failed_runs",
        "How many snapshots of that name have failed since the last complete one.",
        per_snapshot(|snapshot| Some(snapshot.failed_runs as f64)),
    );
    families.gauges(
        "fhirmill_snapshot_rows",
        "Rows of the last snapshot of that name, as far as they are written.",
        per_snapshot(|snapshot| Some(snapshot.rows as f64)),
    );
    families.gauges(
        "fhirmill_snapshot_bytes",
        "Bytes of the files of the last snapshot of that name.",
        per_snapshot(|snapshot| Some(snapshot.bytes as f64)),
    );
}
