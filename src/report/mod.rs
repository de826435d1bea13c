//! The *summary* of a run: what became of files and resources, for people and
//! for scripts.

mod causes;
mod progress;
mod progress_meter;

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

pub use causes::{causes, in_one_line};
use fhirmill_postgres::ledger::Account;
pub use progress::{RunProgress, Snapshot, Stage, Unit};
pub use progress_meter::ProgressMeter;

/// What a run did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    pub run_id: Option<i64>,
    pub loaded_files: u64,
    /// Files whose content had been loaded before.
    pub duplicate_files: u64,
    pub rejected_files: u64,
    /// Files whose account does not add up.
    pub failed_files: u64,
    /// Files and folders that cannot be read.
    pub unreadable_files: u64,
    /// Files that somebody wrote to, replaced or took away meanwhile.
    pub changed_files: u64,
    /// Files that somebody may still be writing.
    pub settling: usize,
    /// Records that the reader counted.
    pub seen: u64,
    pub account: Account,
    /// Rows that were written, of all tables.
    pub rows: u64,
    /// Resources as seen, by type.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Elements that only another version of FHIR defines, by version.
    pub by_version: BTreeMap<&'static str, u64>,
    /// Resources whose references were resolved at the end of the run.
    pub resolved_late: u64,
    /// Secondary indexes that were missing.
    pub indexes_built: u64,
    pub index_seconds: f64,
    pub bytes: u64,
    pub seconds: f64,
    pub is_interrupted: bool,
}

impl Summary {
    /// The account, for the ledger.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([
            ("files", self.loaded_files),
            ("duplicate_files", self.duplicate_files),
            ("rejected_files", self.rejected_files),
            ("seen", self.seen),
            ("inserted", self.account.inserted),
            ("updated", self.account.updated),
            ("unchanged", self.account.unchanged),
            ("stale", self.account.stale),
            ("deleted", self.account.deleted),
            ("rejected", self.account.rejected),
            ("skipped", self.account.skipped),
            ("rows", self.rows),
        ])
    }

    /// Whether every record is accounted for.
    pub fn adds_up(&self) -> bool {
        self.failed_files == 0 && self.seen == self.account.total()
    }

    pub fn has_rejects(&self) -> bool {
        self.account.rejected > 0
            || self.rejected_files > 0
            || self.unreadable_files > 0
            || self.changed_files > 0
    }
}

impl Summary {
    /// Whether there was a file: a run may also do what another one left.
    fn has_files(&self) -> bool {
        self.loaded_files
            + self.duplicate_files
            + self.rejected_files
            + self.failed_files
            + self.unreadable_files
            > 0
            || self.is_interrupted
    }

    fn write_resolved(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resolved_late > 0 {
            writeln!(out, "references {:>12} resources resolved at the end", self.resolved_late)?;
        }
        Ok(())
    }

    fn write_indexes(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.indexes_built > 0 {
            writeln!(out, "indexes    {:>12} built in {:.1} s", self.indexes_built, self.index_seconds)?;
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.run_id.is_none() || !self.has_files() {
            write!(out, "nothing to load in the inbox")?;
            if self.settling > 0 {
                write!(out, "; {} still being written", counted(self.settling as u64, "file"))?;
            }
            if self.unreadable_files > 0 {
                write!(out, "; {} not readable", counted(self.unreadable_files, "folder"))?;
            }
            writeln!(out)?;
            self.write_resolved(out)?;
            return self.write_indexes(out);
        }
        writeln!(out, "files      {:>12} loaded", self.loaded_files)?;
        for (count, what) in [
            (self.duplicate_files, "loaded before"),
            (self.rejected_files, "rejected"),
            (self.failed_files, "FAILED: the account does not add up"),
            (self.unreadable_files, "not readable, still in the inbox"),
            (self.changed_files, "changed while they were loaded, to be loaded again"),
            (self.settling as u64, "still being written"),
        ] {
            if count > 0 {
                writeln!(out, "           {count:>12} {what}")?;
            }
        }
        writeln!(out, "resources  {:>12} seen", self.seen)?;
        for (name, count) in &self.by_type {
            writeln!(out, "           {count:>12} {name}")?;
        }
        for (count, what) in [
            (self.account.inserted, "inserted"),
            (self.account.updated, "updated"),
            (self.account.unchanged, "unchanged"),
            (self.account.stale, "stale"),
            (self.account.deleted, "deleted"),
            (self.account.rejected, "rejected"),
            (self.account.skipped, "skipped"),
        ] {
            writeln!(out, "outcome    {count:>12} {what}")?;
        }
        let seconds = (self.seconds - self.index_seconds).max(0.001);
        writeln!(out, "rows       {:>12} written, {:.0} a second", self.rows, self.rows as f64 / seconds)?;
        let megabytes = self.bytes as f64 / 1e6;
        writeln!(
            out,
            "read       {megabytes:>12.1} MB in {seconds:.1} s, {:.1} MB a second",
            megabytes / seconds
        )?;
        self.write_resolved(out)?;
        for (version, elements) in &self.by_version {
            writeln!(
                out,
                "WARNING    {elements:>12} elements of FHIR {version}, which R4 does not define, are in the archive only: \
                 see etl.unmapped_element"
            )?;
        }
        self.write_indexes(out)?;
        if self.has_rejects() {
            writeln!(out, "\nwhat was rejected, and why: fhirmill rejects")?;
        }
        writeln!(out, "to look at the tables: psql \"$(fhirmill database url)\"")
    }
}

fn counted(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
