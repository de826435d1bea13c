//! A *load run* takes the files that one scan of the inbox found: it claims
//! them, reads them, and when their records are committed closes them in the
//! ledger and moves them. Small files go through every step many at a time.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use fhirmill_core::read::Stopped;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{Account, Claim, ClaimedFile, DuplicateVerdict, NewFile, Run};
use tracing::info;

use super::departures::Departures;
use super::error::PipelineError;
use super::file_progress::FileProgress;
use super::finish::{FinishWhich, InProgressFile, file_span, finish, note_changed};
use super::hash_prefetch::PrefetchedHashes;
use super::job::Job;
use super::objects;
use super::reader::Reader;
use super::reject_report;
use crate::archive::Location;
use crate::inbox::{FileContent, InboxFile};
use crate::report::{FileOutcome, Summary, WorkStage};

/// See the module.
pub(super) struct LoadRun<'d> {
    job: &'d Job<'d>,
    run: &'d mut Run,
    reader: Reader<'d>,
    summary: &'d mut Summary,
    hashes: PrefetchedHashes<'d>,
    /// Files that were read and are not finished.
    in_progress: Vec<InProgressFile>,
    /// Files of whose path another one is in progress.
    in_flight: Vec<InboxFile>,
    /// Files with the content of another one, which are judged when all files before
    /// them are loaded.
    deferred: Vec<DeferredFile>,
    bytes_before: u64,
}

/// A claimed file that may have to be loaded.
struct DeferredFile {
    file: InboxFile,
    content: FileContent,
    claimed: ClaimedFile,
}

/// Why files are left in the inbox.
enum Unfinished {
    /// The run was cancelled, or a worker gave it up.
    Interrupted,
    Failed(PipelineError),
}

impl From<Stopped> for Unfinished {
    fn from(_: Stopped) -> Self {
        Unfinished::Interrupted
    }
}

impl From<PipelineError> for Unfinished {
    fn from(error: PipelineError) -> Self {
        Unfinished::Failed(error)
    }
}

impl From<diesel::result::Error> for Unfinished {
    fn from(error: diesel::result::Error) -> Self {
        Unfinished::Failed(error.into())
    }
}

impl<'d> LoadRun<'d> {
    /// Takes the files that `hashes` has.
    pub fn new(
        job: &'d Job<'d>,
        run: &'d mut Run,
        reader: Reader<'d>,
        summary: &'d mut Summary,
        hashes: PrefetchedHashes<'d>,
    ) -> Self {
        let (in_progress, in_flight, deferred) = (Vec::new(), Vec::new(), Vec::new());
        LoadRun { job, run, reader, summary, hashes, in_progress, in_flight, deferred, bytes_before: 0 }
    }

    /// Loads the files in their order. If the run is interrupted, the rest stays in
    /// the inbox.
    pub fn load(mut self) -> Result<(), PipelineError> {
        match self.load_all() {
            Ok(()) => Ok(()),
            Err(Unfinished::Failed(error)) => Err(error),
            Err(Unfinished::Interrupted) => self.interrupt(),
        }
    }

    fn load_all(&mut self) -> Result<(), Unfinished> {
        let mut groups = self.hashes.groups().iter().copied().peekable();
        while let Some(group) = groups.next() {
            let contents = self.hashes.take();
            self.load_group(group, contents)?;
            // Files that refer to these by identifier come next. A reference whose
            // owner is not in the tables yet is mapped again at the end of the run.
            let is_last_referred_to =
                |pair: (&InboxFile, &InboxFile)| pair.0.is_referred_to() && !pair.1.is_referred_to();
            let next = groups.peek().and_then(|next| next.first());
            if group.last().zip(next).is_some_and(is_last_referred_to) {
                self.finish_all()?;
            }
        }
        self.finish_all()?;
        self.load_deferred()?;
        for file in std::mem::take(&mut self.in_flight) {
            // Its content is loaded by now, or it is to be loaded as the first was not.
            let content = vec![file.place.content(&AtomicBool::new(false))];
            self.load_group(std::slice::from_ref(&file), content)?;
            self.finish_all()?;
            self.load_deferred()?;
        }
        Ok(())
    }

    /// Reads the deferred files that would change something, in their order. A file
    /// is only found to change nothing once all files before it are loaded.
    fn load_deferred(&mut self) -> Result<(), Unfinished> {
        while !self.deferred.is_empty() {
            let deferred = std::mem::take(&mut self.deferred);
            let ids: Vec<i64> = deferred.iter().map(|deferred| deferred.claimed.id).collect();
            let verdicts = self.run.judge(&ids)?;
            let mut duplicates = Vec::new();
            let mut is_any_loaded = false;
            for (deferred, verdict) in deferred.into_iter().zip(verdicts) {
                if !deferred.file.place.has(&deferred.content) {
                    self.note_gone(&deferred.file);
                    self.run.forget(deferred.claimed.id)?;
                } else if !verdict.is_duplicate {
                    is_any_loaded = true;
                    self.read(&deferred.file, &deferred.content, deferred.claimed)?;
                } else if is_any_loaded {
                    self.deferred.push(deferred);
                } else {
                    duplicates.push((deferred, verdict));
                }
            }
            self.close_duplicates(&duplicates)?;
            self.finish_all()?;
        }
        Ok(())
    }

    /// Notes deferred files as duplicates, and moves them.
    fn close_duplicates(
        &mut self,
        duplicates: &[(DeferredFile, DuplicateVerdict)],
    ) -> Result<(), Unfinished> {
        let ids: Vec<i64> = duplicates.iter().map(|(deferred, _)| deferred.claimed.id).collect();
        self.run.mark_duplicates(&ids)?;
        let mut departures = Departures::new(self.job.settings);
        for (DeferredFile { file, content, claimed }, verdict) in duplicates {
            let of = verdict.of.unwrap_or(claimed.id);
            self.archive_duplicate(
                (claimed.id, of),
                file,
                content,
                verdict.archive_path.clone(),
                &mut departures,
            );
        }
        self.depart(departures)
    }

    /// A file that would change nothing goes to the archive.
    fn archive_duplicate(
        &mut self,
        (id, of): (i64, i64),
        file: &InboxFile,
        content: &FileContent,
        archive_path: Option<String>,
        departures: &mut Departures<'_>,
    ) {
        info!(file.id = id, "{} was loaded before; it moves to the archive", file.relative);
        let stored = archive_path.map(|path| Location::stored(&path));
        departures.archive_duplicate((id, of), file, content, stored);
        let activity = self.job.progress.activity();
        activity.add_file(&file.source, FileOutcome::Duplicate, file.size, Account::default());
        self.summary.duplicate_files += 1;
    }

    /// Notes that a file is no longer what was claimed: another process may have
    /// moved it.
    fn note_gone(&mut self, file: &InboxFile) {
        if file.place.is_there() {
            note_changed(file, self.summary);
        } else {
            info!("{} has left the inbox", file.relative);
        }
    }

    fn read(
        &mut self,
        file: &InboxFile,
        content: &FileContent,
        claimed: ClaimedFile,
    ) -> Result<(), Unfinished> {
        self.summary.bytes += file.size;
        let progress = Arc::new(FileProgress::new(claimed));
        self.job.progress.activity().knows(&file.source, progress.file.source_id);
        let span = file_span(file, &progress);
        let reading = self.reader.read(file, &progress, self.bytes_before)?;
        let (file, content) = (file.clone(), *content);
        self.in_progress.push(InProgressFile { file, content, progress, reading, span });
        Ok(())
    }

    /// Waits for the batches that were sent; the others are dropped with the
    /// reader.
    fn interrupt(self) -> Result<(), PipelineError> {
        let LoadRun { job, run, reader, summary, in_progress, .. } = self;
        drop(reader);
        summary.is_interrupted = true;
        finish((job.settings, job.progress.activity()), run, summary, in_progress, FinishWhich::All)
            .map(|_| ())
    }

    /// Sends all records, and finishes all files.
    fn finish_all(&mut self) -> Result<(), Unfinished> {
        self.reader.flush()?;
        self.finish(FinishWhich::All)
    }

    fn finish(&mut self, which: FinishWhich) -> Result<(), Unfinished> {
        let learned = self.reader.take_learned_servers();
        self.run.learn_base_urls(&learned)?;
        self.summary.learned_servers += learned.len() as u64;
        let in_progress = std::mem::take(&mut self.in_progress);
        self.in_progress = finish(
            (self.job.settings, self.job.progress.activity()),
            self.run,
            self.summary,
            in_progress,
            which,
        )?;
        self.job.progress.set_loaded(self.summary.loaded_files, self.summary.bytes);
        Ok(())
    }

    /// Claims files, which had these contents when they were hashed, and reads
    /// those that are to be loaded.
    fn load_group(
        &mut self,
        files: &[InboxFile],
        contents: Vec<io::Result<FileContent>>,
    ) -> Result<(), Unfinished> {
        let mut readable = self.readable(files, contents);
        objects::hash_twins(self.run, &mut readable, self.summary)?;
        let new_files: Vec<NewFile<'_>> =
            readable.iter().map(|(file, content)| file.with_content(content)).collect();
        let stage = self.job.progress.activity().begin(WorkStage::Claim);
        let claims = self.run.claim(&new_files)?;
        drop(stage);
        failpoint::passed(Step::Claimed);
        let mut departures = Departures::new(self.job.settings);
        let mut claims = readable.iter().zip(claims).peekable();
        while let Some(((file, content), claim)) = claims.next() {
            if let Some(((next, _), Claim::Load(_))) = claims.peek() {
                next.place.prepare();
            }
            self.follow(file, content, claim, &mut departures)?;
            self.bytes_before += file.size;
        }
        self.depart(departures)?;
        self.finish(FinishWhich::Settled)
    }

    /// Moves files out of the inbox.
    fn depart(&mut self, departures: Departures<'_>) -> Result<(), Unfinished> {
        let _stage = self.job.progress.activity().begin(WorkStage::Move);
        Ok(departures.run(self.run, self.summary)?)
    }

    /// The files that can be read, with their present contents: they may have
    /// changed or left since they were hashed.
    fn readable<'f>(
        &mut self,
        files: &'f [InboxFile],
        contents: Vec<io::Result<FileContent>>,
    ) -> Vec<(&'f InboxFile, FileContent)> {
        let mut readable = Vec::with_capacity(files.len());
        for (file, content) in files.iter().zip(contents) {
            let content = match content {
                Ok(content) if !file.place.is_pinned() && !file.place.has(&content) => {
                    file.place.content(&AtomicBool::new(false))
                }
                other => other,
            };
            match content {
                Ok(content) => readable.push((file, content)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    info!("{} has left the inbox", file.relative);
                }
                Err(error) => {
                    self.summary.skip(
                        file.relative.clone(),
                        format!("it cannot be read and stays in the inbox: {error}"),
                    );
                }
            }
        }
        readable
    }

    /// Does what the ledger says about a file.
    fn follow(
        &mut self,
        file: &InboxFile,
        content: &FileContent,
        claim: Claim,
        departures: &mut Departures<'_>,
    ) -> Result<(), Unfinished> {
        match claim {
            Claim::Taken => {
                file.place.release();
                info!("{} is being loaded by another process", file.relative);
            }
            Claim::InFlight => {
                file.place.release();
                self.in_flight.push(file.clone());
            }
            Claim::Loaded { .. } | Claim::Rejected { .. } | Claim::Duplicate { .. }
                if !file.place.has(content) =>
            {
                if let Claim::Duplicate { id, .. } = claim {
                    self.run.forget(id)?;
                }
                self.note_gone(file);
            }
            Claim::Loaded { id, archive_path } => {
                // The process that loaded it may have died before it wrote the report.
                if let Some(report) = reject_report::on_loaded(self.run, id, &file.relative)? {
                    departures.report(file, content, &report);
                }
                self.archive_duplicate((id, id), file, content, archive_path, departures);
            }
            Claim::Duplicate { id, of, archive_path } => {
                self.archive_duplicate((id, of), file, content, archive_path, departures);
            }
            Claim::Deferred(claimed) => {
                file.place.release();
                self.deferred.push(DeferredFile { file: file.clone(), content: *content, claimed });
            }
            Claim::Rejected { id } => {
                info!(file.id = id, "{} was rejected before; it moves to the rejects", file.relative);
                let report = reject_report::of(self.run, id, &file.relative)?;
                departures.reject(id, file, content, report);
                self.summary.rejected_files += 1;
                let activity = self.job.progress.activity();
                activity.add_file(&file.source, FileOutcome::Rejected, file.size, Account::default());
            }
            Claim::Load(claimed) => self.read(file, content, claimed)?,
        }
        Ok(())
    }
}
