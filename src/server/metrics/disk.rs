//! The bytes that things take, in the metrics: as far as the database knows them, because walking
//! folders would take too long for a scrape.

use fhirmill_postgres::ledger::{DatabaseDisk, StoredFiles};

use super::families::Families;

/// What files and tables take, by area.
pub(super) fn add_disk(families: &mut Families, stored: &StoredFiles, database: &DatabaseDisk) {
    let areas = [
        ("archive", stored.archive_bytes),
        ("rejects", stored.rejected_bytes),
        ("snapshots", stored.snapshot_bytes),
        ("clinical", database.clinical_bytes),
        ("history", database.history_bytes),
        ("registry", database.registry_bytes),
        ("ledger", database.ledger_bytes),
        ("views", database.view_bytes),
        ("indexes", database.index_bytes),
        ("other", database.other_bytes),
    ];
    families.gauges(
        "fhirmill_area_bytes",
        "Bytes that things take, by what they are: files as the ledger has them, and tables of the database.",
        areas.map(|(area, bytes)| (vec![("area", area)], bytes as f64)).to_vec(),
    );
    families.gauge(
        "fhirmill_archive_sent_bytes",
        "Bytes of the files in the archive as they were sent.",
        stored.archive_sent_bytes as f64,
    );
}
