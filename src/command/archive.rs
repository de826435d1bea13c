//! `fhirmill archive compress`: compresses what lies in the archive as it was sent.

use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::archive::Storage;
use crate::cli::{ArchiveCommand, CompressArguments, ExitCode};
use crate::config::Settings;
use crate::report::ProgressMeter;
use crate::retention::compress::{CompressedArchive, compress};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::try_lock_archive;

/// Runs the command.
pub fn run(settings: &Settings, command: &ArchiveCommand, runtime: &Handle) -> Result<ExitCode> {
    let ArchiveCommand::Compress(arguments) = command;
    compress_files(settings, arguments, runtime)
}

fn compress_files(settings: &Settings, arguments: &CompressArguments, runtime: &Handle) -> Result<ExitCode> {
    if !cfg!(feature = "compression") {
        return Err(Refusal::new("this fhirmill was built without the feature `compression`: it reads compressed files and writes none")
            .with_hint("build it with `make binary FEATURES=compression`")
            .into());
    }
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    migrations::up(&database, MIGRATIONS)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let age = arguments.older_than.unwrap_or_default();
    let storage = Storage::of(settings);
    let mut connection = database.connect()?;
    if !try_lock_archive(&mut connection)? {
        return Err(Refusal::new("another process is working on the archive")
            .with_hint("try again when it has ended")
            .into());
    }
    let done = compress(&storage, &mut connection, age, (&cancel, &progress))?;
    drop(meter);
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&done)?);
    } else {
        print(&done);
    }
    Ok(match &done {
        CompressedArchive { is_interrupted: true, .. } => ExitCode::Interrupted,
        CompressedArchive { failed_files: 1.., .. } => ExitCode::CheckFailed,
        _ => ExitCode::Success,
    })
}

fn print(done: &CompressedArchive) {
    let CompressedArchive { files, bytes, stored_bytes, unsuitable_files, failed_files, is_interrupted } =
        done;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!("{files} files compressed, {:.1} MB to {:.1} MB", megabytes(*bytes), megabytes(*stored_bytes));
    if *unsuitable_files > 0 {
        println!("{unsuitable_files} stay as they are: compressed by their sender, or empty");
    }
    if *failed_files > 0 {
        println!("{failed_files} could not be compressed: see the warnings, and fhirmill check --archive");
    }
    if *is_interrupted {
        println!("stopped before the end; the same command goes on");
    }
}
