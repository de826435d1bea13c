//! What became of the records of a file, and why some were rejected.

use super::registry::Outcome;

/// What became of the records of one file.
#[derive(Clone, Debug, Default)]
pub struct FileAccount {
    /// Its name, as people know it.
    pub file: String,
    /// All records: the sum of what follows.
    pub seen: u64,
    /// Versions that count.
    pub inserted: u64,
    /// Deletions that count.
    pub deleted: u64,
    /// Versions whose content is that of the version that counts.
    pub unchanged: u64,
    /// Versions and deletions that are older than the one that counts.
    pub stale: u64,
    /// Records that could not be read or mapped.
    pub rejected: u64,
    /// Entries without a resource, and types that were not wanted.
    pub skipped: u64,
}

impl FileAccount {
    /// Counts records of that outcome.
    pub fn note(&mut self, outcome: Outcome, records: u64) {
        *self.count_of(outcome) += records;
    }

    fn count_of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Inserted => &mut self.inserted,
            Outcome::Deleted => &mut self.deleted,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Stale => &mut self.stale,
        }
    }
}

/// A record that could not be read or mapped. It never holds values of the record.
#[derive(Clone, Debug)]
pub struct Reject {
    /// The file's name.
    pub file: String,
    /// The member of the archive, and line, item or entry.
    pub location: String,
    pub resource_type: Option<String>,
    pub fhir_id: Option<String>,
    /// The JSON path of the value that is at fault.
    pub path: Option<String>,
    /// A word for the reason, for counting.
    pub reason: String,
    /// The reason, for people.
    pub message: String,
}
