//! The *page* that Prometheus reads.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use fhirmill_postgres::ledger::{Account, AppliedView, SourceFigures};
use prometheus::TextEncoder;

use super::disk::add_disk;
use super::families::{Families, Values};
use super::figures::{Figures, LedgerFigures};
use super::sinks::add_sinks;
use super::snapshots::add_snapshots;
use super::{Metrics, feeds, process};
use crate::inbox::Waiting;
use crate::report::{FileOutcome, MOST_SOURCES, OTHER_SOURCES, SourceTotals, WorkStage};
use crate::upload::Totals;

/// The page, with figures that were just refreshed.
pub(super) fn page(metrics: &Metrics, figures: &Figures) -> prometheus::Result<String> {
    let mut families = Families::default();
    families.gauges(
        "fhirmill_build_info",
        "The version of the program; always 1.",
        vec![(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)],
    );
    add_activity(&mut families, metrics);
    add_pulse(&mut families, metrics);
    add_inbox(&mut families, figures);
    add_database(&mut families, figures);
    if let Some(ledger) = figures.ledger() {
        add_ledger(&mut families, ledger, &metrics.intervals);
        feeds::add(&mut families, &ledger.feeds);
        add_disk(&mut families, &ledger.stored, &ledger.database_disk);
    }
    if let Some(uploads) = &metrics.uploads {
        add_uploads(&mut families, uploads.totals());
    }
    let expiry = metrics.certificate.as_ref().and_then(|certificate| certificate.expires_at());
    families.gauge(
        "fhirmill_certificate_expiry_timestamp_seconds",
        "When the certificate for HTTPS expires.",
        expiry.map(seconds),
    );
    process::add(&mut families);
    families.extend(metrics.http.collect());
    TextEncoder::new().encode_to_string(&families.finish())
}

/// What this process has done.
fn add_activity(families: &mut Families, metrics: &Metrics) {
    let activity = metrics.service.progress.activity();
    let of_stage = |stage: &WorkStage| (vec![("stage", stage.name())], activity.time(*stage).as_secs_f64());
    families.counters(
        "fhirmill_stage_seconds_total",
        "Time spent in the stages of loading, by all threads together.",
        WorkStage::ALL.iter().map(of_stage).collect(),
    );
    let (runs, failed) = activity.runs();
    let outcomes = [("finished", runs - failed.min(runs)), ("failed", failed)];
    families.counters(
        "fhirmill_runs_total",
        "Runs that have ended.",
        outcomes.map(|(outcome, count)| (vec![("outcome", outcome)], count as f64)).to_vec(),
    );
    let by_source = activity.by_source();
    let mut files = Values::new();
    for (source, totals) in &by_source {
        for outcome in FileOutcome::ALL {
            let labels = vec![("source", source.as_str()), ("outcome", outcome.name())];
            files.push((labels, totals.files[outcome as usize] as f64));
        }
    }
    families.counters(
        "fhirmill_files_total",
        "Files that this process has taken, by what became of them.",
        files,
    );
    let records = by_source.iter().flat_map(|(source, totals)| of_account(source, &totals.account)).collect();
    families.counters(
        "fhirmill_records_total",
        "Records (resources and deletes) that this process has read, by what became of them.",
        records,
    );
    let per_source = |value: fn(&SourceTotals) -> u64| -> Values<'_> {
        by_source
            .iter()
            .map(|(source, totals)| (vec![("source", source.as_str())], value(totals) as f64))
            .collect()
    };
    families.counters(
        "fhirmill_rows_total",
        "Rows that this process has written, of all tables.",
        per_source(|totals| totals.rows),
    );
    families.counters(
        "fhirmill_file_bytes_total",
        "Bytes of the files that this process has taken.",
        per_source(|totals| totals.bytes),
    );
}

fn of_account<'s>(source: &'s str, account: &Account) -> Values<'s> {
    [
        ("inserted", account.inserted),
        ("updated", account.updated),
        ("unchanged", account.unchanged),
        ("stale", account.stale),
        ("deleted", account.deleted),
        ("rejected", account.rejected),
        ("skipped", account.skipped),
    ]
    .into_iter()
    .map(|(outcome, count)| (vec![("source", source), ("outcome", outcome)], count as f64))
    .collect()
}

/// How the service is.
fn add_pulse(families: &mut Families, metrics: &Metrics) {
    let pulse = &metrics.service.pulse;
    let scans = pulse.scans();
    families.gauge(
        "fhirmill_heartbeat_timestamp_seconds",
        "When the ledger last heard that this service is alive.",
        pulse.told_at().map(seconds),
    );
    let is_healthy = f64::from(u8::from(pulse.complaint().is_none()));
    families.gauge(
        "fhirmill_healthy",
        "Whether the heartbeat beats and the last scan succeeded.",
        is_healthy,
    );
    families.gauge(
        "fhirmill_failed_scans",
        "How many scans of the inbox have failed since the last successful one.",
        f64::from(scans.failed),
    );
    let is_scanning = f64::from(u8::from(scans.started_at.is_some()));
    families.gauge("fhirmill_scan_in_progress", "Whether files are being loaded or looked for.", is_scanning);
    families.gauge(
        "fhirmill_last_scan_timestamp_seconds",
        "When the last scan of the inbox ended.",
        scans.last_at.map(instant),
    );
    families.gauge(
        "fhirmill_last_successful_scan_timestamp_seconds",
        "When the last successful scan of the inbox ended.",
        scans.last_success_at.map(instant),
    );
    families.gauge(
        "fhirmill_skipped_paths",
        "Files and folders that the last scan had to leave alone.",
        scans.skipped_paths as f64,
    );
}

/// What waits, and where there is room.
fn add_inbox(families: &mut Families, figures: &Figures) {
    let waiting = figures.waiting().map(few_sources);
    let (mut files, mut bytes, mut ages) = (Values::new(), Values::new(), Values::new());
    let now = SystemTime::now();
    let mut oldest = Duration::ZERO;
    for (source, of_source) in waiting.iter().flatten() {
        let labels = || vec![("source", *source)];
        files.push((labels(), of_source.files as f64));
        bytes.push((labels(), of_source.bytes as f64));
        if let Some(arrived) = of_source.oldest {
            let age = now.duration_since(arrived).unwrap_or_default();
            oldest = oldest.max(age);
            ages.push((labels(), age.as_secs_f64()));
        }
    }
    let total = waiting.as_ref().map(|waiting| waiting.values().map(|of| of.files).sum::<u64>() as f64);
    families.gauge("fhirmill_queue_files", "Files in the inbox, of all sources.", total);
    families.gauge(
        "fhirmill_queue_oldest_age_seconds",
        "How long the file has been in the inbox that arrived first; 0 if there is none.",
        waiting.as_ref().map(|_| oldest.as_secs_f64()),
    );
    families.gauges(
        "fhirmill_waiting_files",
        "Files in the inbox, those that are being loaded included.",
        files,
    );
    families.gauges("fhirmill_waiting_bytes", "Bytes of the files in the inbox.", bytes);
    families.gauges(
        "fhirmill_oldest_waiting_file_age_seconds",
        "How long the file of the source has been in the inbox that arrived first.",
        ages,
    );
    let disks = figures.disks();
    let of_disks = |value: fn(&super::figures::Disk) -> f64| -> Values<'_> {
        disks.iter().map(|disk| (vec![("folder", disk.folder)], value(disk))).collect()
    };
    families.gauges(
        "fhirmill_disk_free_bytes",
        "Bytes that can still be written to the file system of the folder.",
        of_disks(|disk| disk.free),
    );
    families.gauges(
        "fhirmill_disk_size_bytes",
        "Size of the file system of the folder.",
        of_disks(|disk| disk.size),
    );
}

/// The sources that have series of their own, and the rest as one.
fn few_sources(waiting: &BTreeMap<String, Waiting>) -> BTreeMap<&str, Waiting> {
    let mut few: BTreeMap<&str, Waiting> = BTreeMap::new();
    for (source, of_source) in waiting {
        let name = if few.len() < MOST_SOURCES { source.as_str() } else { OTHER_SOURCES };
        few.entry(name).or_default().add(of_source);
    }
    few
}

/// The state of the database.
fn add_database(families: &mut Families, figures: &Figures) {
    let is_up = f64::from(u8::from(figures.database.is_some()));
    families.gauge("fhirmill_database_up", "Whether the database answers.", is_up);
    families.gauge(
        "fhirmill_database_response_seconds",
        "How long the database took to answer a query that asks for nothing.",
        figures.database.map(|took| took.as_secs_f64()),
    );
    let Some(ledger) = figures.ledger() else { return };
    families.gauge(
        "fhirmill_database_size_bytes",
        "Size of the database.",
        ledger.uploads.database_bytes as f64,
    );
    families.gauge(
        "fhirmill_missing_indexes",
        "Secondary indexes that are not built.",
        ledger.missing_indexes as f64,
    );
    add_views(families, &ledger.views);
}

/// As many views have series of their own.
const MOST_VIEWS: usize = 200;

/// How far the tables of views are.
fn add_views(families: &mut Families, views: &[AppliedView]) {
    let per_view = |value: &dyn Fn(&AppliedView) -> f64| -> Values<'_> {
        let newest = views.chunk_by(|one, other| one.name == other.name).filter_map(<[_]>::last);
        let newest = newest.take(MOST_VIEWS);
        newest.map(|view| (vec![("view", view.name.as_str())], value(view))).collect()
    };
    families.gauges(
        "fhirmill_view_ready",
        "Whether the table of the newest version of a view is complete.",
        per_view(&|view| f64::from(u8::from(view.is_ready()))),
    );
    families.gauges(
        "fhirmill_view_filled_resources",
        "Archived resources that the newest version of a view was made of so far.",
        per_view(&|view| view.resources as f64),
    );
    families.gauges(
        "fhirmill_view_resources",
        "Archived resources that the newest version of a view is to be made of.",
        per_view(&|view| view.total_resources as f64),
    );
    families.gauges(
        "fhirmill_view_incomplete",
        "Whether the table of the newest version of a view cannot be completed.",
        per_view(&|view| f64::from(u8::from(view.problem.is_some()))),
    );
}

/// What the ledger has, of all processes since the first load.
fn add_ledger(families: &mut Families, ledger: &LedgerFigures, intervals: &BTreeMap<String, f64>) {
    let sources = &ledger.sources;
    let per_source = |value: &dyn Fn(&SourceFigures) -> Option<f64>| -> Values<'_> {
        let of = |source| Some((vec![("source", name_of(source))], value(source)?));
        sources.iter().filter_map(of).collect()
    };
    families.gauges(
        "fhirmill_source_last_success_timestamp_seconds",
        "When the last file of the source was loaded, by any process.",
        per_source(&|source| source.last_success_at.map(instant)),
    );
    families.gauges(
        "fhirmill_source_interval_seconds",
        "How often the source delivers: as the settings say, or else as it did in the last weeks.",
        per_source(&|source| intervals.get(&source.source).copied().or(source.interval_seconds)),
    );
    families.gauges(
        "fhirmill_ledger_unbalanced_files",
        "Files whose account does not hold: the counted records are not those that were read.",
        per_source(&|source| Some(source.unbalanced as f64)),
    );
    let files = sources.iter().flat_map(of_files).collect();
    families.gauges("fhirmill_ledger_files", "Files that the ledger has, by status.", files);
    let records = sources.iter().flat_map(|source| of_account(&source.source, &source.account)).collect();
    families.gauges(
        "fhirmill_ledger_records",
        "Records of all files that the ledger has, by what became of them.",
        records,
    );
    let rejects = ledger.rejects.iter().map(|reject| {
        (vec![("source", reject.source.as_str()), ("reason", reject.reason.as_str())], reject.records as f64)
    });
    families.gauges("fhirmill_open_rejects", "Rejected records that are open.", rejects.collect());
    add_snapshots(families, &ledger.snapshots);
    add_sinks(families, &ledger.sinks);
    let uploads = &ledger.uploads;
    families.gauge("fhirmill_open_uploads", "Uploads that are not complete.", uploads.open as f64);
    families.gauge(
        "fhirmill_open_uploads_bytes",
        "Bytes of the parts of uploads that are not complete.",
        uploads.open_bytes as f64,
    );
    families.gauge(
        "fhirmill_pushed_queue_files",
        "Pushed files that are not loaded yet.",
        uploads.queued as f64,
    );
    families.gauge(
        "fhirmill_pushed_queue_bytes",
        "Bytes of the pushed files that are not loaded yet.",
        uploads.queued_bytes as f64,
    );
}

fn name_of(source: &SourceFigures) -> &str {
    &source.source
}

fn of_files(source: &SourceFigures) -> Values<'_> {
    [
        ("loading", source.files_loading),
        ("loaded", source.files_loaded),
        ("duplicate", source.files_duplicate),
        ("rejected", source.files_rejected),
        ("failed", source.files_failed),
        ("abandoned", source.files_abandoned),
        ("undone", source.files_undone),
    ]
    .into_iter()
    .map(|(status, count)| (vec![("source", source.source.as_str()), ("status", status)], count as f64))
    .collect()
}

/// What was pushed to this process.
fn add_uploads(families: &mut Families, totals: &Totals) {
    let outcomes = [
        ("begun", &totals.begun),
        ("completed", &totals.completed),
        ("aborted", &totals.aborted),
        ("expired", &totals.expired),
    ];
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::Relaxed) as f64;
    families.counters(
        "fhirmill_uploads_total",
        "Uploads, single calls with a whole file included, by what became of them.",
        outcomes.map(|(outcome, total)| (vec![("outcome", outcome)], count(total))).to_vec(),
    );
    families.counter("fhirmill_upload_parts_total", "Parts that were stored.", count(&totals.parts));
    families.counter("fhirmill_upload_bytes_total", "Bytes of parts that were stored.", count(&totals.bytes));
}

fn seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// A time in seconds.
pub(super) fn instant(at: DateTime<Utc>) -> f64 {
    at.timestamp_micros() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn files_of_the_sources_beyond_the_most_are_counted_together() {
        let arrived = |age| Some(UNIX_EPOCH + Duration::from_secs(1_000_000 - age));
        let of_one = |number: u64| Waiting { files: 1, bytes: 10, oldest: arrived(number) };
        let sources = 0..MOST_SOURCES as u64 + 3;
        let waiting = sources.map(|number| (format!("s{number:04}"), of_one(number))).collect();
        let few = few_sources(&waiting);
        assert_eq!(few.len(), MOST_SOURCES + 1);
        assert_eq!(few["s0199"], of_one(199));
        assert_eq!(few[OTHER_SOURCES], Waiting { files: 3, bytes: 30, oldest: arrived(202) });
    }
}
