//! `fhirmill prune`: removes what was kept for long enough.

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::cli::{ExitCode, PruneArguments};
use crate::config::Settings;
use crate::retention::prune::{Pruned, PrunedFiles, prune};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::try_lock_archive;

/// Prunes, and says what was removed.
pub fn run(settings: &Settings, arguments: &PruneArguments, runtime: &Handle) -> Result<ExitCode> {
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let mut connection = database.connect()?;
    if !arguments.dry_run && !try_lock_archive(&mut connection)? {
        return Err(Refusal::new("another process is working on the archive")
            .with_hint("try again when it has ended")
            .into());
    }
    let pruned = prune(settings, &mut connection, arguments.dry_run, &cancel)?;
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&pruned)?);
    } else {
        print(settings, &pruned);
    }
    Ok(match &pruned {
        Pruned { is_interrupted: true, .. } => ExitCode::Interrupted,
        pruned if pruned.archive.failed_files + pruned.rejects.failed_files > 0 => ExitCode::Unexpected,
        _ => ExitCode::Success,
    })
}

fn print(settings: &Settings, pruned: &Pruned) {
    let verb = if pruned.is_dry_run { "would be removed" } else { "removed" };
    let keep = &settings.keep;
    for (name, files, setting, is_set) in [
        ("archive", &pruned.archive, "ARCHIVE_KEEP", keep.archive.is_some()),
        ("rejects", &pruned.rejects, "REJECTS_KEEP", keep.rejects.is_some()),
    ] {
        let PrunedFiles { files, bytes, current_files, failed_files } = files;
        if !is_set {
            println!("{name:<10} kept for good: {setting} is not set");
            continue;
        }
        println!("{name:<10} {files} files {verb}, {:.1} MB", *bytes as f64 / 1e6);
        if *current_files > 0 {
            println!(
                "           {current_files} old files stay: they hold current versions (ARCHIVE_KEEP_CURRENT)"
            );
        }
        if *failed_files > 0 {
            println!("           {failed_files} files could not be removed: see the warnings");
        }
    }
    if pruned.reports > 0 {
        println!("reports    {} {verb}", pruned.reports);
    }
    if keep.ledger.is_none() {
        println!("ledger     kept for good: LEDGER_KEEP is not set");
    }
    for (name, count) in pruned.rows.iter().filter(|(_, count)| **count > 0) {
        println!("rows       {count} {} {verb}", name.replace('_', " "));
    }
    if pruned.is_interrupted {
        println!("stopped before the end; the same command goes on");
    }
}
