//! The *summary* of a run: what became of files and resources, for people
//! (`Display`) and for scripts (JSON).

use std::collections::BTreeMap;
use std::{fmt, mem};

use fhirmill_postgres::ledger::Account;
use serde::Serialize;

use crate::inbox::{SkippedPath, SkippedPaths};

/// How many resources have an element that deviates from R4, by the deviation
/// and the element (`Patient.name.family`).
pub type Deviations = BTreeMap<&'static str, BTreeMap<String, u64>>;

/// What a run did. Its JSON is part of the interface.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Summary {
    /// Its number in the ledger; `None` if there was nothing to do.
    pub run_id: Option<i64>,
    /// Files that were loaded.
    pub loaded_files: u64,
    /// Files with content that had been loaded before.
    pub duplicate_files: u64,
    /// Files of which nothing was usable, or that could not be read to their end.
    pub rejected_files: u64,
    /// Files whose account does not add up.
    pub failed_files: u64,
    /// Files and folders that cannot be read, moved or removed.
    pub unreadable_files: u64,
    /// The first hundred of them, each with the reason.
    pub skipped_paths: Vec<SkippedPath>,
    /// Files that were modified, replaced or removed while they were being loaded.
    pub changed_files: u64,
    /// Files that may still be being written.
    pub settling: usize,
    /// Records that the reader counted.
    pub seen: u64,
    /// Their outcomes.
    pub account: Account,
    /// Rows that were written, of all tables.
    pub rows: u64,
    /// Resources as seen, by type.
    pub by_type: BTreeMap<&'static str, u64>,
    /// Resources that RESOURCE_TYPES leaves out, by type.
    pub skipped_by_type: BTreeMap<&'static str, u64>,
    /// Contained resources that were mapped with their containers, by type. They are
    /// not counted as seen.
    pub contained: BTreeMap<&'static str, u64>,
    /// Elements that only another version of FHIR defines, by version.
    pub by_version: BTreeMap<&'static str, u64>,
    /// Elements that are not written as R4 defines them.
    pub deviations: Deviations,
    /// Resources whose references were resolved at the end of the run.
    pub resolved_late: u64,
    /// References without a key, in all tables.
    pub unresolved_references: u64,
    /// References of this run by absolute URL.
    pub absolute_references: u64,
    /// Those of them that led nowhere when they were loaded.
    pub unresolved_absolute_references: u64,
    /// FHIR servers of sources that were learned from their files.
    pub learned_servers: u64,
    /// What to do about servers that most absolute references name in vain.
    pub unknown_servers: Vec<String>,
    /// Secondary indexes that were missing.
    pub indexes_built: u64,
    /// The time that building them took.
    pub index_seconds: f64,
    /// Bytes of the files.
    pub bytes: u64,
    /// The time that the run took, indexes included.
    pub seconds: f64,
    /// The run was ended by a signal.
    pub is_interrupted: bool,
    /// There is more in the inbox than one scan takes.
    #[serde(skip)]
    pub has_more: bool,
}

impl Summary {
    /// The counts that the ledger keeps of the run.
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
            ("absolute_references", self.absolute_references),
            ("unresolved_absolute_references", self.unresolved_absolute_references),
        ])
    }

    /// Notes a file or folder that is skipped, and logs it.
    pub fn skip(&mut self, path: String, reason: String) {
        let mut skipped = SkippedPaths::default();
        skipped.add(path, reason);
        self.skip_all(skipped);
    }

    /// Notes files and folders that are skipped, and logs them.
    pub fn skip_all(&mut self, skipped: SkippedPaths) {
        skipped.tell();
        let mut all =
            SkippedPaths { named: mem::take(&mut self.skipped_paths), count: self.unreadable_files };
        all.extend(skipped);
        (self.skipped_paths, self.unreadable_files) = (all.named, all.count);
    }

    /// Adds what the next run did. What a run finds of the state of the database is that of the
    /// last.
    pub fn add(&mut self, next: Summary) {
        fn sum<Key: Ord>(all: &mut BTreeMap<Key, u64>, more: BTreeMap<Key, u64>) {
            more.into_iter().for_each(|(key, count)| *all.entry(key).or_default() += count);
        }
        self.run_id = next.run_id.or(self.run_id);
        self.loaded_files += next.loaded_files;
        self.duplicate_files += next.duplicate_files;
        self.rejected_files += next.rejected_files;
        self.failed_files += next.failed_files;
        let mut skipped =
            SkippedPaths { named: mem::take(&mut self.skipped_paths), count: self.unreadable_files };
        skipped.extend(SkippedPaths { named: next.skipped_paths, count: next.unreadable_files });
        (self.skipped_paths, self.unreadable_files) = (skipped.named, skipped.count);
        self.changed_files += next.changed_files;
        self.settling += next.settling;
        self.seen += next.seen;
        self.account += next.account;
        self.rows += next.rows;
        sum(&mut self.by_type, next.by_type);
        sum(&mut self.skipped_by_type, next.skipped_by_type);
        sum(&mut self.contained, next.contained);
        sum(&mut self.by_version, next.by_version);
        for (deviation, elements) in next.deviations {
            sum(self.deviations.entry(deviation).or_default(), elements);
        }
        self.resolved_late += next.resolved_late;
        self.unresolved_references = next.unresolved_references;
        self.absolute_references += next.absolute_references;
        self.unresolved_absolute_references += next.unresolved_absolute_references;
        self.learned_servers += next.learned_servers;
        self.unknown_servers.extend(next.unknown_servers);
        self.unknown_servers.dedup();
        self.indexes_built += next.indexes_built;
        self.index_seconds += next.index_seconds;
        self.bytes += next.bytes;
        self.seconds += next.seconds;
        self.is_interrupted |= next.is_interrupted;
        self.has_more = next.has_more;
    }

    /// Whether every record is accounted for.
    pub fn adds_up(&self) -> bool {
        self.failed_files == 0 && self.seen == self.account.total()
    }

    /// Whether anything was not loaded because of its content or its file.
    pub fn has_rejects(&self) -> bool {
        self.account.rejected > 0
            || self.rejected_files > 0
            || self.unreadable_files > 0
            || self.changed_files > 0
    }
}

impl Summary {
    /// Whether there were files: a run may also finish what an earlier one left.
    fn has_files(&self) -> bool {
        self.loaded_files
            + self.duplicate_files
            + self.rejected_files
            + self.failed_files
            + self.unreadable_files
            > 0
            || self.is_interrupted
    }

    fn write_no_files(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "nothing to load in the inbox")?;
        if self.settling > 0 {
            write!(out, "; {} still being written", counted(self.settling as u64, "file"))?;
        }
        if self.unreadable_files > 0 {
            write!(out, "; {} skipped", counted(self.unreadable_files, "file or folder"))?;
        }
        writeln!(out)?;
        self.write_skipped(out)
    }

    fn write_skipped(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for SkippedPath { path, reason } in self.skipped_paths.iter().take(MOST_SHOWN) {
            writeln!(out, "WARNING    skipped {path}: {reason}")?;
        }
        let others = self.unreadable_files.saturating_sub(self.skipped_paths.len().min(MOST_SHOWN) as u64);
        if others > 0 {
            writeln!(out, "WARNING    and {} more: see the log", counted(others, "file or folder"))?;
        }
        Ok(())
    }

    fn write_files(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "files      {:>12} loaded", self.loaded_files)?;
        for (count, what) in [
            (self.duplicate_files, "loaded before"),
            (self.rejected_files, "rejected"),
            (self.failed_files, "FAILED: the account does not add up"),
            (self.unreadable_files, "skipped, still in the inbox"),
            (self.changed_files, "changed while they were being loaded, to be loaded again"),
            (self.settling as u64, "still being written"),
        ] {
            if count > 0 {
                writeln!(out, "           {count:>12} {what}")?;
            }
        }
        self.write_skipped(out)
    }

    fn write_resources(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "resources  {:>12} seen", self.seen)?;
        for (name, count) in &self.by_type {
            writeln!(out, "           {count:>12} {name}")?;
        }
        for (name, count) in &self.contained {
            writeln!(out, "contained  {count:>12} {name}")?;
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
        for (name, count) in &self.skipped_by_type {
            writeln!(out, "skipped    {count:>12} {name}, which RESOURCE_TYPES leaves out")?;
        }
        Ok(())
    }

    fn write_rates(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = (self.seconds - self.index_seconds).max(0.001);
        let (rows_per_second, megabytes) = (self.rows as f64 / seconds, self.bytes as f64 / 1e6);
        let rate = megabytes / seconds;
        writeln!(out, "rows       {:>12} written, {rows_per_second:.0} per second", self.rows)?;
        writeln!(out, "read       {megabytes:>12.1} MB in {seconds:.1} s, {rate:.1} MB per second")
    }

    fn write_versions(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (version, elements) in &self.by_version {
            writeln!(
                out,
                "WARNING    {elements:>12} elements of FHIR {version}, which R4 does not define, are kept in the \
                 archive only: see etl.unmapped_element"
            )?;
        }
        Ok(())
    }

    fn write_deviations(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (deviation, elements) in &self.deviations {
            let resources: u64 = elements.values().sum();
            let meaning = match *deviation {
                "coerced" => "read though written in another way than FHIR defines",
                "several" => "of which only the first is in the tables",
                "further" => "of lists that FHIR allows, of which only the first item is in the tables",
                "variants" => "with several variants of a choice",
                "modifier" => "with a modifier extension, which may change what they mean",
                _ => "not read: no JSON type that FHIR defines",
            };
            writeln!(
                out,
                "{:<10} {resources:>12} elements {meaning}: see etl.deviating_element",
                match *deviation {
                    known @ ("coerced" | "further") => known,
                    _ => "WARNING",
                }
            )?;
        }
        Ok(())
    }

    fn write_resolved(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.resolved_late > 0 {
            writeln!(out, "references {:>12} resources resolved at the end", self.resolved_late)?;
        }
        if self.unresolved_references > 0 {
            let count = self.unresolved_references;
            writeln!(out, "references {count:>12} unresolved in all tables: see etl.unresolved_reference")?;
        }
        for advice in &self.unknown_servers {
            writeln!(out, "WARNING    {advice}")?;
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
            self.write_no_files(out)?;
            self.write_resolved(out)?;
            return self.write_indexes(out);
        }
        self.write_files(out)?;
        self.write_resources(out)?;
        self.write_rates(out)?;
        self.write_resolved(out)?;
        self.write_versions(out)?;
        self.write_deviations(out)?;
        self.write_indexes(out)?;
        if self.has_rejects() {
            writeln!(out, "\nto list what was rejected, and why: fhirmill rejects")?;
        }
        writeln!(out, "to query the tables: psql \"$(fhirmill database url)\"")
    }
}

/// How many skipped paths the summary shows; the log has them all.
const MOST_SHOWN: usize = 20;

fn counted(count: u64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {}", noun.replace("file", "files").replace("folder", "folders"))
    }
}
