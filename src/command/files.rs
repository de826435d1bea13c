//! `fhirmill files`: lists the files that were claimed, newest first.

use std::collections::BTreeMap;

use anyhow::Result;
use chrono::Utc;
use diesel::PgConnection;
use serde::Serialize;
use serde_json::Value;

use super::{known, reading};
use crate::archive::Storage;
use crate::cli::{ExitCode, FilesArguments};
use crate::config::Settings;
use fhirmill_postgres::ledger::{Account, FileEntry, FileFilter, RejectCount, RunFilter};

/// A file with the reasons for which its records were rejected.
#[derive(Debug, Serialize)]
pub(super) struct ListedFile {
    #[serde(flatten)]
    entry: FileEntry,
    /// How many of its records were rejected, by reason.
    rejected_by_reason: BTreeMap<String, i64>,
}

/// Lists the ledger's files.
pub fn run(settings: &Settings, arguments: &FilesArguments) -> Result<ExitCode> {
    let Some((_, mut connection)) = reading::open_if_any(settings)? else {
        reading::print_nothing_yet(settings, arguments.json);
        return Ok(ExitCode::Success);
    };
    if let Some(source) = &arguments.source {
        known::source(&mut connection, source)?;
    }
    if let Some(run) = arguments.run {
        known::run(&mut connection, run)?;
    }
    let instant = |moment: crate::cli::Moment| moment.instant(Utc::now(), settings.assume_timezone);
    let filter = FileFilter {
        source: arguments.source.as_deref(),
        run_id: arguments.run,
        of: RunFilter {
            statuses: &arguments.status,
            since: arguments.since.map(instant),
            until: arguments.until.map(instant),
            before: None,
            limit: i64::from(arguments.limit),
        },
    };
    let files = list(settings, &mut connection, &filter)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&files)?);
        return Ok(ExitCode::Success);
    }
    print(&files);
    if files.is_empty() {
        println!("{}", if is_narrowed(arguments) { "no file matches" } else { "no files yet" });
    }
    Ok(ExitCode::Success)
}

fn is_narrowed(arguments: &FilesArguments) -> bool {
    let FilesArguments { source, status, run, since, until, limit, json: _ } = arguments;
    let dates = since.is_some() || until.is_some();
    source.is_some() || !status.is_empty() || run.is_some() || dates || *limit == 0
}

/// The files that the filter selects, with paths that can be opened: those in the
/// ledger are relative to the archive.
pub(super) fn list(
    settings: &Settings,
    connection: &mut PgConnection,
    filter: &FileFilter<'_>,
) -> Result<Vec<ListedFile>> {
    let entries = FileEntry::list(connection, filter)?;
    let ids: Vec<i64> = entries.iter().map(|entry| entry.id).collect();
    let mut reasons: BTreeMap<i64, BTreeMap<String, i64>> = BTreeMap::new();
    for count in RejectCount::of_files(connection, &ids)? {
        reasons.entry(count.file_id).or_default().insert(count.reason, count.records);
    }
    let storage = Storage::of(settings);
    let listed = |mut entry: FileEntry| {
        let is_compressed = entry.stored_bytes.is_some();
        let address = |stored: &str| storage.address(&entry.status, stored, is_compressed);
        entry.archive_path = entry.archive_path.as_deref().map(address);
        ListedFile { rejected_by_reason: reasons.remove(&entry.id).unwrap_or_default(), entry }
    };
    Ok(entries.into_iter().map(listed).collect())
}

/// Prints files for people.
pub(super) fn print(files: &[ListedFile]) {
    for ListedFile { entry, rejected_by_reason } in files {
        println!("{:>6}  {}  {:<10} {}", entry.id, entry.started(), entry.status, entry.path);
        println!("        {}", account_line(entry.seen, &entry.account));
        if let Some(Value::Object(skipped)) = &entry.skipped_by_type {
            let counts: Vec<String> = skipped.iter().map(|(name, count)| format!("{count} {name}")).collect();
            println!("        skipped by RESOURCE_TYPES: {}", counts.join(", "));
        }
        if let Some(at) = entry.archive_removed_at {
            println!("        removed from the archive by retention on {}", at.format("%Y-%m-%d"));
        }
        for error in entry.error.iter().chain(&entry.move_error) {
            println!("        {error}");
        }
        if !rejected_by_reason.is_empty() {
            println!("        rejected: {}", reasons_line(rejected_by_reason));
        }
    }
}

/// An account, as a sum.
pub(super) fn account_line(seen: impl std::fmt::Display, account: &Account) -> String {
    let Account { inserted, updated, unchanged, stale, deleted, rejected, skipped } = account;
    format!(
        "seen {seen} = inserted {inserted} + updated {updated} + unchanged {unchanged} + stale {stale} \
         + deleted {deleted} + rejected {rejected} + skipped {skipped}"
    )
}

/// Counts by reason, such as `2 not_json, 1 invalid_value`.
pub(super) fn reasons_line(reasons: &BTreeMap<String, i64>) -> String {
    let counts: Vec<String> = reasons.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    counts.join(", ")
}
