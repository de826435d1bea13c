//! *Activity* is what this process has done since it started, as totals that anybody may
//! read: by stage of the work, and by source. Metrics are made from it.
//!
//! A stage is also a span of a trace. Whatever works tells it here, for each batch and
//! file and never for each record.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fhirmill_postgres::ledger::Account;
use fhirmill_postgres::lock::lock;
use tracing::span::EnteredSpan;
use tracing::{Span, info_span};

/// The target of spans that are made for traces and not for the log.
pub const TRACES: &str = "fhirmill_traces";

/// The most sources that are counted each on its own; the rest are counted together.
pub const MOST_SOURCES: usize = 200;
/// The name of all others. No source has it, because no folder can.
pub const OTHER_SOURCES: &str = "(others)/";

/// A stage of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkStage {
    /// The inbox is looked through.
    Scan,
    /// Files are claimed in the ledger.
    Claim,
    /// Files are decompressed and framed.
    Read,
    /// The reader waits because the workers have enough to do.
    Wait,
    /// Records become rows.
    Map,
    /// Rows are compared with what the database has, and stored.
    Load,
    /// Accounts are closed.
    Record,
    /// Files leave the inbox.
    Move,
    /// References are resolved at the end of a run.
    Resolve,
    /// Missing indexes are built.
    Index,
}

impl WorkStage {
    /// All of them, in their order.
    pub const ALL: [WorkStage; 10] = [
        WorkStage::Scan,
        WorkStage::Claim,
        WorkStage::Read,
        WorkStage::Wait,
        WorkStage::Map,
        WorkStage::Load,
        WorkStage::Record,
        WorkStage::Move,
        WorkStage::Resolve,
        WorkStage::Index,
    ];

    /// Its name, for metrics.
    pub fn name(self) -> &'static str {
        match self {
            WorkStage::Scan => "scan",
            WorkStage::Claim => "claim",
            WorkStage::Read => "read",
            WorkStage::Wait => "wait",
            WorkStage::Map => "map",
            WorkStage::Load => "load",
            WorkStage::Record => "record",
            WorkStage::Move => "move",
            WorkStage::Resolve => "resolve",
            WorkStage::Index => "index",
        }
    }

    /// Its span in a trace, within the current one.
    fn span(self) -> Span {
        match self {
            WorkStage::Scan => info_span!(target: TRACES, "scan"),
            WorkStage::Claim => info_span!(target: TRACES, "claim"),
            WorkStage::Read => info_span!(target: TRACES, "read"),
            WorkStage::Wait => info_span!(target: TRACES, "wait"),
            WorkStage::Map => info_span!(target: TRACES, "map"),
            WorkStage::Load => info_span!(target: TRACES, "load"),
            WorkStage::Record => info_span!(target: TRACES, "record"),
            WorkStage::Move => info_span!(target: TRACES, "move"),
            WorkStage::Resolve => info_span!(target: TRACES, "resolve"),
            WorkStage::Index => info_span!(target: TRACES, "index"),
        }
    }
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileOutcome {
    /// Its records are in the tables, but for rejected ones.
    Loaded,
    /// Its content had been loaded before.
    Duplicate,
    /// Nothing of it was usable, or it could not be read to its end.
    Rejected,
    /// Its account does not hold.
    Failed,
}

impl FileOutcome {
    /// All of them.
    pub const ALL: [FileOutcome; 4] =
        [FileOutcome::Loaded, FileOutcome::Duplicate, FileOutcome::Rejected, FileOutcome::Failed];

    /// Its name, as in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            FileOutcome::Loaded => "loaded",
            FileOutcome::Duplicate => "duplicate",
            FileOutcome::Rejected => "rejected",
            FileOutcome::Failed => "failed",
        }
    }
}

/// What was done for one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceTotals {
    /// Files, in the order of [`FileOutcome::ALL`].
    pub files: [u64; 4],
    /// The bytes of these files.
    pub bytes: u64,
    /// What became of their records.
    pub account: Account,
    /// Rows that were written.
    pub rows: u64,
}

#[derive(Default)]
struct BySource {
    totals: BTreeMap<String, SourceTotals>,
    /// The names of the sources that have a number in the ledger.
    names: BTreeMap<i16, String>,
}

#[derive(Default)]
struct Inner {
    /// In the order of [`WorkStage::ALL`].
    nanoseconds: [AtomicU64; WorkStage::ALL.len()],
    by_source: Mutex<BySource>,
    runs: AtomicU64,
    failed_runs: AtomicU64,
}

/// See the module. Clones are the same.
#[derive(Clone, Default)]
pub struct Activity {
    inner: Arc<Inner>,
}

impl std::fmt::Debug for Activity {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Activity")
    }
}

/// A stage in progress, until it is dropped.
#[must_use = "the stage ends when this is dropped"]
pub struct InStage<'a> {
    activity: &'a Activity,
    stage: WorkStage,
    since: Instant,
    _span: EnteredSpan,
}

impl Drop for InStage<'_> {
    fn drop(&mut self) {
        self.activity.add_time(self.stage, self.since.elapsed());
    }
}

impl Activity {
    /// Begins a stage.
    pub fn begin(&self, stage: WorkStage) -> InStage<'_> {
        InStage { activity: self, stage, since: Instant::now(), _span: stage.span().entered() }
    }

    /// Adds to the time of a stage.
    pub fn add_time(&self, stage: WorkStage, time: Duration) {
        let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.inner.nanoseconds[stage as usize].fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// Adds rows that were written for the source with that number in the ledger, whose
    /// files have been told of with [`Activity::knows`].
    pub fn add_rows(&self, source_id: i16, rows: u64) {
        let mut by_source = lock(&self.inner.by_source);
        let name = by_source.names.get(&source_id).cloned().unwrap_or_else(|| OTHER_SOURCES.to_owned());
        by_source.of(&name).rows += rows;
    }

    /// Notes the number that a source has in the ledger.
    pub fn knows(&self, source: &str, source_id: i16) {
        let mut by_source = lock(&self.inner.by_source);
        by_source.names.entry(source_id).or_insert_with(|| source.to_owned());
    }

    /// Adds a file whose account is closed.
    pub fn add_file(&self, source: &str, outcome: FileOutcome, bytes: u64, account: Account) {
        let mut by_source = lock(&self.inner.by_source);
        let totals = by_source.of(source);
        totals.files[outcome as usize] += 1;
        totals.bytes += bytes;
        totals.account += account;
    }

    /// Adds a run that has ended.
    pub fn add_run(&self, is_failed: bool) {
        self.inner.runs.fetch_add(1, Ordering::Relaxed);
        self.inner.failed_runs.fetch_add(u64::from(is_failed), Ordering::Relaxed);
    }

    /// The runs that have ended, and those of them that failed.
    pub fn runs(&self) -> (u64, u64) {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (of(&self.inner.runs), of(&self.inner.failed_runs))
    }

    /// The time that was spent in a stage, by all threads together.
    pub fn time(&self, stage: WorkStage) -> Duration {
        Duration::from_nanos(self.inner.nanoseconds[stage as usize].load(Ordering::Relaxed))
    }

    /// What was done for each source, by its name.
    pub fn by_source(&self) -> BTreeMap<String, SourceTotals> {
        lock(&self.inner.by_source).totals.clone()
    }
}

impl BySource {
    /// The totals of a source; of all others, if there are too many.
    fn of(&mut self, source: &str) -> &mut SourceTotals {
        let has_own = self.totals.contains_key(source) || self.totals.len() < MOST_SOURCES;
        let name = if has_own { source } else { OTHER_SOURCES };
        self.totals.entry(name.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn stages_add_up_and_have_names_of_their_own() {
        let activity = Activity::default();
        for stage in WorkStage::ALL {
            activity.add_time(stage, Duration::from_secs(stage as u64 + 1));
        }
        drop(activity.begin(WorkStage::Map));
        assert_eq!(activity.time(WorkStage::Scan), Duration::from_secs(1));
        assert!(activity.time(WorkStage::Map) > Duration::from_secs(5));
        let mut names = WorkStage::ALL.map(WorkStage::name);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
    }

    #[test]
    fn files_and_rows_are_counted_by_source_and_the_number_of_sources_is_bounded() {
        let activity = Activity::default();
        let account = Account { inserted: 2, rejected: 1, ..Account::default() };
        activity.knows("st-marys", 7);
        activity.add_rows(7, 5);
        activity.add_file("st-marys", FileOutcome::Loaded, 100, account);
        activity.add_file("st-marys", FileOutcome::Duplicate, 10, Account::default());
        let expected = SourceTotals { files: [1, 1, 0, 0], bytes: 110, account, rows: 5 };
        assert_eq!(activity.by_source(), BTreeMap::from([("st-marys".to_owned(), expected)]));

        for number in 0..MOST_SOURCES {
            activity.add_file(&format!("s{number}"), FileOutcome::Failed, 1, account);
        }
        let by_source = activity.by_source();
        assert_eq!(by_source.len(), MOST_SOURCES + 1);
        assert_eq!(by_source[OTHER_SOURCES].files, [0, 0, 0, 1]);
    }
}
