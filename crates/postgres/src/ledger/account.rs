//! The *account* of a file: how many of its records ended in which way.

use std::ops::AddAssign;

use serde::Serialize;

/// Record counts by outcome. Every record is in exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Resources that are new to the tables.
    pub inserted: u64,
    /// Resources that replaced an older version.
    pub updated: u64,
    /// Resources that the tables already hold with the same content.
    pub unchanged: u64,
    /// Versions older than the one in the tables.
    pub stale: u64,
    /// Deletes that were carried out.
    pub deleted: u64,
    /// Records that could not be loaded; see `etl.rejected_record`.
    pub rejected: u64,
    /// Records excluded by the settings, and entries without a resource.
    pub skipped: u64,
}

impl Account {
    /// The number of records that are accounted for.
    pub fn total(&self) -> u64 {
        self.inserted
            + self.updated
            + self.unchanged
            + self.stale
            + self.deleted
            + self.rejected
            + self.skipped
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.stale += other.stale;
        self.deleted += other.deleted;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
    }
}
