//! `fhirmill convert`: turns files into tables as files, without a database.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Refusal, known};
use crate::cli::{ConvertArguments, ExitCode};
use crate::config::{ResourceTypes, Settings};
use crate::pipeline::convert::{Conversion, Manifest, Totals, convert};
use crate::report::ProgressMeter;

/// Converts, and prints the account.
pub fn run(settings: &Settings, arguments: &ConvertArguments, runtime: &Handle) -> Result<ExitCode> {
    let to = folder(&arguments.to)?;
    let mut settings = settings.clone();
    if !arguments.resource_type.is_empty() {
        let types = arguments
            .resource_type
            .iter()
            .map(|name| known::resource_type(name).map(|known| known.name().to_owned()));
        settings.resource_types = ResourceTypes::Only(types.collect::<Result<_, _>>()?);
    }
    let conversion = Conversion {
        inputs: arguments.inputs.clone(),
        to,
        format: arguments.format.into(),
        source: arguments.source.clone(),
        all_versions: arguments.all_versions,
        replace: arguments.replace,
        memory: usize::try_from(arguments.memory).unwrap_or(usize::MAX).saturating_mul(1 << 20),
    };
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let converted = convert(&settings, &cancel, &progress, &conversion)?;
    drop(meter);
    let Some(manifest) = converted else {
        eprintln!("interrupted: nothing was written to {}", conversion.to.display());
        return Ok(ExitCode::Interrupted);
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&manifest)?);
    } else {
        print(&manifest, &conversion);
    }
    Ok(exit_code(&manifest.account))
}

/// The folder to write to. A URL is none.
fn folder(to: &str) -> Result<PathBuf, Refusal> {
    match to.split_once("://") {
        Some((scheme, _)) => {
            let refused = Refusal::new(format!("convert writes to folders only, and not to {scheme}://"));
            Err(refused
                .with_hint("convert to a folder, and copy that to the object store, manifest.json last"))
        }
        None => Ok(PathBuf::from(to)),
    }
}

fn exit_code(account: &Totals) -> ExitCode {
    if !account.adds_up() {
        ExitCode::CheckFailed
    } else if account.rejected > 0 || account.failed_files > 0 {
        ExitCode::Rejected
    } else {
        ExitCode::Success
    }
}

fn print(manifest: &Manifest, conversion: &Conversion) {
    let Totals { files, failed_files, seen, inserted, unchanged, stale, deleted, rejected, skipped, .. } =
        manifest.account;
    let rows: u64 = manifest.tables.iter().map(|table| table.rows).sum();
    let bytes: u64 = manifest.tables.iter().map(|table| table.bytes).sum();
    println!(
        "{seen} records of {files} files = inserted {inserted} + unchanged {unchanged} + stale {stale} \
         + deleted {deleted} + rejected {rejected} + skipped {skipped}"
    );
    println!(
        "{rows} rows of {} tables, {:.1} MB in {}",
        manifest.tables.len(),
        bytes as f64 / 1e6,
        conversion.to.display()
    );
    if failed_files > 0 {
        println!("{failed_files} files could not be read to their end: see etl_file");
    }
    if rejected > 0 {
        println!("{rejected} records were rejected: see etl_reject");
    }
    let text_only: u64 =
        manifest.tables.iter().flat_map(|table| &table.text_only).map(|column| column.values).sum();
    if text_only > 0 {
        println!("{text_only} numbers have too many digits for a decimal, and are only in columns of digits");
    }
}
