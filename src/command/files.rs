//! `fhirmill files`: lists the files that were claimed, newest first.

use anyhow::Result;
use serde_json::Value;

use crate::archive::{Location, Storage};
use crate::cli::{ExitCode, FilesArguments};
use crate::config::Settings;
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{Account, FileEntry};

/// Lists the ledger's files.
pub fn run(settings: &Settings, arguments: &FilesArguments) -> Result<ExitCode> {
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let mut files = FileEntry::list(&mut connection, arguments.source.as_deref(), arguments.limit)?;
    let storage = Storage::of(settings);
    for file in &mut files {
        // A path that can be opened, not the ledger's, which is relative to the archive.
        let address = |stored: &str| storage.of_status(&file.status).address(&Location::stored(stored));
        file.archive_path = file.archive_path.as_deref().map(|stored| address(stored).display().to_string());
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&files)?);
        return Ok(ExitCode::Success);
    }
    for file in &files {
        println!("{:>6}  {}  {:<10} {}", file.id, file.started(), file.status, file.path);
        let Account { inserted, updated, unchanged, stale, deleted, rejected, skipped } = file.account;
        println!(
            "        seen {} = inserted {inserted} + updated {updated} + unchanged {unchanged} + stale {stale} \
             + deleted {deleted} + rejected {rejected} + skipped {skipped}",
            file.seen
        );
        if let Some(Value::Object(skipped)) = &file.skipped_by_type {
            let counts: Vec<String> = skipped.iter().map(|(name, count)| format!("{count} {name}")).collect();
            println!("        skipped by RESOURCE_TYPES: {}", counts.join(", "));
        }
        for error in file.error.iter().chain(&file.move_error) {
            println!("        {error}");
        }
    }
    if files.is_empty() {
        println!("no files yet");
    }
    Ok(ExitCode::Success)
}
