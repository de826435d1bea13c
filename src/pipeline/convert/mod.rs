//! A *conversion* turns files into files: the tables, without a database.
//!
//! Files are read and mapped as by a load. The rows of each record are spilled in runs that
//! are sorted by patient, together with the record's version. When all files are read, a
//! fold over the versions of each resource decides which records count, by the rule of the
//! registry; references by identifiers whose owners came later are mapped once more. Then
//! the runs of each table are merged, decoded and written. Memory is bounded by `memory` and
//! `WORKERS`, whatever the files are, but for one bit a record and for records with versions or
//! references as above.

mod decide;
mod error;
mod inputs;
mod ledger_tables;
mod manifest;
mod mapping;
mod merge;
mod output;
mod owners;
mod spill;
mod target;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{SecondsFormat, Utc};
use fhirmill_arrow::{Format, KeyForm, TableSchema};
use fhirmill_core::map::Plan;
use fhirmill_core::rows::RowBuffer;
use fhirmill_core::version::Place;
use fhirmill_postgres::database::migrations;
use tokio_util::sync::CancellationToken;

pub use error::ConvertError;
pub use manifest::{FileOutput, Manifest, TableOutput, TextOnly, Totals};

use self::decide::Decisions;
use self::ledger_tables::FileEntry;
use self::mapping::{Mapping, NextRecord, Pending, Scope};
use self::output::OutputTable;
use self::owners::Owners;
use self::spill::{Head, Run, Spill};
use self::target::Target;
use super::reader::ReadContext;
use crate::config::{Settings, SnapshotTarget};
use crate::inbox::InboxFile;
use crate::report::RunProgress;

/// What to convert, and how.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// Files and folders.
    pub inputs: Vec<PathBuf>,
    /// Where to write.
    pub to: SnapshotTarget,
    /// The format of the files.
    pub format: Format,
    /// The source of all resources.
    pub source: String,
    /// Whether all versions are kept.
    pub all_versions: bool,
    /// Whether a conversion that is there is replaced.
    pub replace: bool,
    /// How many bytes of rows are held in memory before they go to temporary files.
    pub memory: usize,
}

/// The numbers of tables in the runs: those of the plan, and after them four more.
struct Numbers {
    /// For each table of the plan, the column that holds the key of the patient.
    patients: Vec<Option<usize>>,
    resource: usize,
    reject: usize,
    version: usize,
    file: usize,
    count: usize,
}

/// The most JSON in a batch.
const BATCH_BYTES: u64 = 1 << 20;

/// Whom to tell how far a conversion is, and who may end it.
#[derive(Clone, Copy)]
struct Progress<'p> {
    progress: &'p RunProgress,
    cancel: &'p CancellationToken,
}

/// Tells how many bytes of this stage are done; `false` if the conversion is to end.
#[cfg(feature = "storage")]
fn sent(progress: Progress<'_>, bytes: u64) -> bool {
    progress.progress.set(bytes);
    !progress.cancel.is_cancelled()
}

/// What all parts of a conversion need.
struct Context<'c> {
    settings: &'c Settings,
    cancel: &'c CancellationToken,
    progress: &'c RunProgress,
    plan: Arc<Plan>,
    numbers: Numbers,
    source: String,
    staging: PathBuf,
    memory: usize,
    format: Format,
    keeps_all: bool,
    /// Goes into every file.
    metadata: BTreeMap<String, String>,
    /// The name of the stage that reads.
    stage: &'static str,
    next_record: NextRecord,
}

impl Context<'_> {
    fn read(&self) -> ReadContext<'_> {
        ReadContext { settings: self.settings, cancel: self.cancel, progress: self.progress }
    }
}

/// Converts; `None` if that was interrupted. Nothing is at its place before everything is
/// written, and the manifest comes last.
///
/// # Errors
/// The inputs cannot be read at all, or the folder cannot be written.
pub fn convert(
    settings: &Settings,
    cancel: &CancellationToken,
    progress: &RunProgress,
    conversion: &Conversion,
) -> Result<Option<Manifest>, ConvertError> {
    let started_at = now();
    let files = inputs::collect(&conversion.inputs, &conversion.source)?;
    let plan = Plan::built_in();
    let mut known: Vec<String> = plan.tables.iter().map(|table| table.name.clone()).collect();
    known.extend(["etl_file", "etl_resource", "etl_reject"].map(str::to_owned));
    let target = Target::prepare(conversion, settings, &known)?;
    // A batch that stays in the processor's cache is mapped sooner, and takes less memory.
    let settings = &Settings { batch_bytes: settings.batch_bytes.min(BATCH_BYTES), ..settings.clone() };
    let schema_version = migrations::newest();
    let context = Context {
        settings,
        cancel,
        progress,
        numbers: Numbers::of(&plan),
        plan,
        source: conversion.source.clone(),
        staging: target.staging().to_owned(),
        memory: conversion.memory,
        format: conversion.format,
        keeps_all: conversion.all_versions,
        metadata: BTreeMap::from([
            ("fhirmill.source".to_owned(), conversion.source.clone()),
            ("fhirmill.schema_version".to_owned(), schema_version.clone()),
        ]),
        stage: "reading",
        next_record: NextRecord::new(0),
    };
    let (tables, account) = match converted(&context, &files) {
        Ok(Some(converted)) => converted,
        Ok(None) => return target.abandon().map(|()| None),
        Err(error) => {
            // What cannot be removed is removed by the next conversion.
            let _ = target.abandon();
            return Err(error);
        }
    };
    let manifest = Manifest {
        kind: "conversion".to_owned(),
        fhirmill: env!("CARGO_PKG_VERSION").to_owned(),
        schema_version,
        started_at,
        finished_at: now(),
        format: conversion.format.extension().to_owned(),
        source: conversion.source.clone(),
        resource_types: settings.resource_types.names(),
        all_versions: conversion.all_versions,
        account,
        tables: tables.clone(),
    };
    let is_complete = target.commit(&tables, &manifest, Progress { progress, cancel })?;
    Ok(is_complete.then_some(manifest))
}

/// The tables that were written, and the account of all files.
type Converted = (Vec<TableOutput>, Totals);

fn converted(context: &Context<'_>, files: &[InboxFile]) -> Result<Option<Converted>, ConvertError> {
    // What others refer to comes first, so that references by identifier are known when
    // the others are mapped.
    let numbered: Vec<(i64, &InboxFile)> = (1..).zip(files).collect();
    let (first, rest) = numbered.split_at(files.iter().take_while(|file| file.is_referred_to()).count());
    let mut all = mapping::map(context, first, &Scope::All, &Owners::default())?;
    let failed = ConvertError::output(&context.staging);
    let owners = Owners::before_asked(&all.runs, &context.plan.tables).map_err(&failed)?;
    if !all.is_interrupted {
        add(&mut all, mapping::map(context, rest, &Scope::All, &owners)?);
    }
    if all.is_interrupted {
        return Ok(None);
    }
    let mut decisions =
        decide::decide(&all.runs, context.numbers.version, context.keeps_all).map_err(&failed)?;
    if !map_again(context, &numbered, &mut all, &mut decisions)? {
        return Ok(None);
    }
    let totals = totals(&mut all.files, &decisions);
    all.runs.push(file_run(context, &all.files)?);
    let tables = tables(context)?;
    let written = output::write(context, &all.runs, &decisions, tables)?;
    Ok(written.map(|written| (written, totals)))
}

fn add(all: &mut Mapping, rest: Mapping) {
    all.runs.extend(rest.runs);
    all.files.extend(rest.files);
    all.pending.extend(rest.pending);
    all.is_interrupted |= rest.is_interrupted;
}

/// Maps the records again whose references can be resolved now; `false` if that was
/// interrupted.
fn map_again(
    context: &Context<'_>,
    files: &[(i64, &InboxFile)],
    all: &mut Mapping,
    decisions: &mut Decisions,
) -> Result<bool, ConvertError> {
    let pending: Vec<Pending> =
        all.pending.drain(..).filter(|pending| decisions.kept.contains(pending.record)).collect();
    if pending.is_empty() {
        return Ok(true);
    }
    let failed = ConvertError::output(&context.staging);
    let asked: BTreeSet<_> = pending.iter().flat_map(|pending| pending.identifiers.iter().cloned()).collect();
    let is_kept = |record| decisions.current.contains(record);
    let tables = &context.plan.tables;
    let mut owners =
        Owners::of_asked(&all.runs, tables, &asked, &is_kept, &context.source).map_err(&failed)?;
    let version = context.numbers.version;
    owners.keep(&decide::living(&all.runs, version, decisions, &owners.candidates()).map_err(&failed)?);
    let is_known = |pending: &&Pending| pending.identifiers.iter().any(|asked| owners.owner(asked).is_some());
    let places: HashMap<(i64, i64), u64> = pending
        .iter()
        .filter(is_known)
        .map(|pending| ((pending.place.file, pending.place.position), pending.record))
        .collect();
    let numbers: BTreeSet<i64> = places.keys().map(|(file, _)| *file).collect();
    let files: Vec<_> = files.iter().filter(|(number, _)| numbers.contains(number)).copied().collect();
    let again = mapping::map(context, &files, &Scope::Again(places), &owners)?;
    for (old, new) in again.replaced {
        decisions.replace(old, new);
    }
    all.runs.extend(again.runs);
    Ok(!again.is_interrupted)
}

/// Completes the accounts of the files, and adds them up.
fn totals(files: &mut [FileEntry], decisions: &Decisions) -> Totals {
    let mut totals = Totals::default();
    for file in files {
        if let Some(decided) = decisions.accounts.get(&file.id) {
            file.account += *decided;
        }
        let account = file.account;
        totals.files += 1;
        totals.failed_files += u64::from(file.error.is_some());
        totals.bytes += file.bytes;
        totals.seen += file.seen;
        totals.inserted += account.inserted;
        totals.updated += account.updated;
        totals.unchanged += account.unchanged;
        totals.stale += account.stale;
        totals.deleted += account.deleted;
        totals.rejected += account.rejected;
        totals.skipped += account.skipped;
    }
    totals
}

/// The rows of `etl_file`, as a run.
fn file_run(context: &Context<'_>, files: &[FileEntry]) -> Result<Run, ConvertError> {
    let table = context.numbers.file;
    let mut spill = Spill::new(context.numbers.count, usize::MAX, &context.staging);
    let mut rows = RowBuffer::default();
    for file in files {
        rows.clear();
        file.write(&context.source, &mut rows);
        let start = spill.bytes().len();
        spill.bytes().extend_from_slice(rows.as_bytes());
        let place = Place { file: file.id, position: 0 };
        spill.add(table, Head { sort_key: [0; 16], place, record: u64::MAX }, start);
    }
    let runs = spill.finish().map_err(ConvertError::output(&context.staging))?;
    Ok(runs.into_iter().next().unwrap_or_else(|| Run::Memory(Arc::default())))
}

fn tables(context: &Context<'_>) -> Result<Vec<OutputTable>, ConvertError> {
    let mut tables = Vec::new();
    for (number, table) in context.plan.tables.iter().enumerate() {
        let schema = Arc::new(TableSchema::of_model(table, KeyForm::Hash)?);
        tables.push(OutputTable { number, schema, is_of_records: true });
    }
    let Numbers { resource, reject, file, .. } = context.numbers;
    for (number, schema, is_of_records) in [
        (resource, ledger_tables::resource_table()?, true),
        (reject, ledger_tables::reject_table()?, false),
        (file, ledger_tables::file_table()?, false),
    ] {
        tables.push(OutputTable { number, schema: Arc::new(schema), is_of_records });
    }
    Ok(tables)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true)
}
