//! `fhirmill convert`: turns files into tables as files, without a database.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{Refusal, known};
use crate::cli::{ConvertArguments, ExitCode};
use crate::config::{ResourceTypes, Settings, SnapshotTarget};
use crate::pipeline::convert::{Conversion, Manifest, Totals, convert};
use crate::report::ProgressMeter;

/// Converts, and prints the account.
pub fn run(settings: &Settings, arguments: &ConvertArguments, runtime: &Handle) -> Result<ExitCode> {
    let to = target(&arguments.to)?;
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
        eprintln!("interrupted: there is no conversion at {}", conversion.to);
        return Ok(ExitCode::Interrupted);
    };
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&manifest)?);
    } else {
        print(&manifest, &conversion);
    }
    Ok(exit_code(&manifest.account))
}

/// Where to write.
fn target(to: &str) -> Result<SnapshotTarget, Refusal> {
    if to.contains("://") {
        let parsed = SnapshotTarget::from_str(to);
        return parsed.map_err(|expectation| Refusal::new(format!("--to must be {expectation}")));
    }
    Ok(SnapshotTarget::Folder(PathBuf::from(to)))
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
        conversion.to
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
