//! *Skipped records* are loaded from the archive when their type is wanted after
//! all. They take effect in the place at which they were delivered, so that a newer
//! version which came meanwhile stays.

use std::sync::Arc;

use diesel::PgConnection;
use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::{Account, ClaimedFile, Run, RunStatus, SkippedFile, SkippedPart};
use fhirmill_postgres::load::lead_to_owners;
use tracing::{info, warn};

use super::error::PipelineError;
use super::file_progress::FileProgress;
use super::input_batch::InputBatch;
use super::job::Job;
use super::reader::place;
use super::remap::Remapped;
use super::worker::{LoadedBatch, Worker};
use crate::archive::Storage;
use crate::report::{Unit, in_one_line};

/// Loads the skipped records of these types, or of all, in a run of its own.
pub(super) fn load(
    job: &Job<'_>,
    resource_types: Option<&[String]>,
    remapped: &mut Remapped,
) -> Result<(), PipelineError> {
    let mut connection = job.database.connect()?;
    let files = SkippedFile::list(&mut connection, resource_types)?;
    if files.is_empty() {
        return Ok(());
    }
    let mut run = Run::begin(connection, "remap")?;
    let loaded = load_files(job, (&mut run, &files), resource_types, remapped);
    let run_id = run.id;
    let plan = super::views::plan(run.connection())?;
    lead_to_owners(run.connection(), || plan, &[run_id])?;
    run.end(RunStatus::of(loaded.is_ok()), &remapped.counts(), loaded.is_ok())?;
    loaded
}

fn load_files(
    job: &Job<'_>,
    (run, files): (&mut Run, &[SkippedFile]),
    resource_types: Option<&[String]>,
    remapped: &mut Remapped,
) -> Result<(), PipelineError> {
    let records: i64 = files.iter().map(|file| file.records).sum();
    job.progress.begin("loading skipped records", records as u64, Unit::Items("records"));
    let mut worker = Worker::for_skipped(job, run.id)?;
    let mut batch_number = 0;
    for file in files {
        let archived = match Storage::of(job.settings).open_proven(&file.stored, &mut |_| {}) {
            Ok(archived) => archived,
            Err(error) => {
                warn!(file.id = file.file_id, "{}; its skipped records are not loaded", in_one_line(&error));
                remapped.note_missing(error);
                continue;
            }
        };
        let parts = file.parts(run.connection(), resource_types)?;
        let before = remapped.loaded;
        let mut handler = SkippedHandler::new(job, (&mut worker, &mut batch_number), file, parts, remapped);
        let read = read::read_file(archived, &job.settings.read_limits(), &mut handler);
        handler.end()?;
        if let Err(error) = read {
            warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
        }
        tell(run.connection(), file, resource_types, (before, remapped))?;
    }
    job.progress.end();
    Ok(())
}

/// Logs what became of a file's skipped records.
fn tell(
    connection: &mut PgConnection,
    file: &SkippedFile,
    resource_types: Option<&[String]>,
    (before, remapped): (Account, &mut Remapped),
) -> Result<(), PipelineError> {
    let records = remapped.loaded.total() - before.total();
    info!(file.id = file.file_id, records, "loaded records of {} that had been skipped", file.stored.path);
    let left = file.parts(connection, resource_types)?.len();
    if left > 0 {
        warn!(
            file.id = file.file_id,
            "in {} of {}, records that were skipped could not be loaded",
            if left == 1 { "a part".to_owned() } else { format!("{left} parts") },
            file.stored.path
        );
        remapped.incomplete_files += 1;
    }
    Ok(())
}

/// Loads the parts of a file, each in one transaction as when it was delivered.
struct SkippedHandler<'a> {
    job: &'a Job<'a>,
    worker: &'a mut Worker,
    batch_number: &'a mut u64,
    progress: Arc<FileProgress>,
    /// In reverse order: the next one is the last.
    parts: Vec<SkippedPart>,
    batch: InputBatch,
    document: String,
    /// How many records were read.
    seen: u64,
    remapped: &'a mut Remapped,
    /// Why reading was stopped.
    failure: Option<LoadError>,
}

impl<'a> SkippedHandler<'a> {
    fn new(
        job: &'a Job<'a>,
        (worker, batch_number): (&'a mut Worker, &'a mut u64),
        file: &SkippedFile,
        mut parts: Vec<SkippedPart>,
        remapped: &'a mut Remapped,
    ) -> Self {
        let progress = Arc::new(FileProgress::new(ClaimedFile {
            id: file.file_id,
            source_id: file.source_id,
            base_urls: file.base_urls.clone(),
            done: Vec::new(),
            rejected: 0,
        }));
        parts.reverse();
        let (batch, document) = (InputBatch::default(), String::new());
        let failure = None;
        SkippedHandler {
            job,
            worker,
            batch_number,
            progress,
            parts,
            batch,
            document,
            seen: 0,
            remapped,
            failure,
        }
    }

    /// The file has no more records.
    fn end(mut self) -> Result<(), LoadError> {
        if self.failure.is_none()
            && let Err(failure) = self.load()
        {
            self.failure = Some(failure);
        }
        self.failure.map_or(Ok(()), Err)
    }

    /// Counts a record; whether it is in the part that is to be loaded.
    fn note(&mut self) -> Result<bool, Stopped> {
        if self.job.cancel.is_cancelled() {
            return Err(Stopped);
        }
        self.seen += 1;
        if self.parts.last().is_some_and(|part| self.seen > part.last as u64) && !self.batch.is_empty() {
            self.load().map_err(|failure| {
                self.failure = Some(failure);
                Stopped
            })?;
        }
        let Some(part) = self.parts.last() else { return Err(Stopped) };
        if self.seen < part.first as u64 {
            return Ok(false);
        }
        if self.batch.is_empty() {
            self.batch = InputBatch::new(*self.batch_number, Vec::new());
            self.batch.begin_file(&self.progress);
        }
        self.batch.note_record(self.seen);
        Ok(true)
    }

    /// Loads the part that was read.
    fn load(&mut self) -> Result<(), LoadError> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut batch = std::mem::take(&mut self.batch);
        let Some(part) = self.parts.pop() else { return Ok(()) };
        self.worker.want_skipped(&part.resource_types);
        let loaded = self.worker.load(&mut batch);
        self.worker.finish(*self.batch_number);
        *self.batch_number += 1;
        match loaded {
            Ok(LoadedBatch { accounts, statistics }) => {
                for account in accounts {
                    self.remapped.loaded += Account { skipped: 0, ..account };
                }
                self.remapped.loaded_rows += statistics.rows;
                self.job.progress.set(self.remapped.loaded.total());
                Ok(())
            }
            // Nothing of the part was loaded, and it stays as it was.
            Err(error @ LoadError::SkippedDiffer { .. }) => {
                warn!(file.id = self.progress.file.id, "{error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
}

impl ResourceHandler for SkippedHandler<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        // Requests were followed when they were delivered.
        if self.note()? && frame.payload == Payload::Resource {
            self.batch.push(&frame, place(&self.document, &frame.location));
        }
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        self.note().map(drop)
    }
}
