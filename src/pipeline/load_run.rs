//! A *load run* takes the files that one scan of the inbox found: it claims
//! them, reads them, and when their records are committed closes them in the
//! ledger and moves them. Small files go through every step many at a time.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use fhirmill_core::read::Stopped;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{Claim, NewFile, Run};
use tracing::{info, warn};

use super::departures::Departures;
use super::error::PipelineError;
use super::file_progress::FileProgress;
use super::finish::{FinishWhich, InProgressFile, finish, note_changed};
use super::hash_prefetch::PrefetchedHashes;
use super::job::Job;
use super::reader::Reader;
use crate::archive::Location;
use crate::inbox::{FileContent, InboxFile};
use crate::report::Summary;

/// See the module.
pub(super) struct LoadRun<'d> {
    job: &'d Job<'d>,
    run: &'d mut Run,
    reader: Reader<'d>,
    summary: &'d mut Summary,
    hashes: PrefetchedHashes<'d>,
    /// Files that were read and are not finished.
    in_progress: Vec<InProgressFile>,
    /// Files with the same content as one in progress, which decides for both.
    duplicates: Vec<InboxFile>,
    bytes_before: u64,
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
        let (in_progress, duplicates) = (Vec::new(), Vec::new());
        LoadRun { job, run, reader, summary, hashes, in_progress, duplicates, bytes_before: 0 }
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
        for duplicate in std::mem::take(&mut self.duplicates) {
            // Its content is loaded by now, or it is to be loaded as the first was not.
            let content = vec![FileContent::of(&duplicate.path)];
            self.load_group(std::slice::from_ref(&duplicate), content)?;
            self.finish_all()?;
        }
        Ok(())
    }

    /// Waits for the batches that were sent; the others are dropped with the
    /// reader.
    fn interrupt(self) -> Result<(), PipelineError> {
        let LoadRun { job, run, reader, summary, in_progress, .. } = self;
        drop(reader);
        summary.is_interrupted = true;
        finish(job.settings, run, summary, in_progress, FinishWhich::All).map(|_| ())
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
        self.in_progress = finish(self.job.settings, self.run, self.summary, in_progress, which)?;
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
        let readable = self.readable(files, contents);
        let new_files: Vec<NewFile<'_>> =
            readable.iter().map(|(file, content)| file.with_content(content.sha256)).collect();
        let claims = self.run.claim(&new_files)?;
        failpoint::passed(Step::Claimed);
        let mut departures = Departures::new(self.job.settings);
        for ((file, content), claim) in readable.iter().zip(claims) {
            self.follow(file, content, claim, &mut departures)?;
            self.bytes_before += file.size;
        }
        departures.run(self.run)?;
        self.finish(FinishWhich::Settled)
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
                Ok(content) if !content.is_still_at(&file.path) => FileContent::of(&file.path),
                other => other,
            };
            match content {
                Ok(content) => readable.push((file, content)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    info!("{} has left the inbox", file.relative);
                }
                Err(error) => {
                    warn!("{} cannot be read and stays in the inbox: {error}", file.relative);
                    self.summary.unreadable_files += 1;
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
            Claim::Taken => info!("{} is being loaded by another process", file.relative),
            Claim::InFlight => self.duplicates.push(file.clone()),
            Claim::Loaded { .. } | Claim::Rejected { .. } if !content.is_still_at(&file.path) => {
                if file.path.symlink_metadata().is_ok() {
                    note_changed(file, self.summary);
                } else {
                    info!("{} has left the inbox", file.relative);
                }
            }
            Claim::Loaded { id, archive_path } => {
                info!(file.id = id, "{} was loaded before; it moves to the archive", file.relative);
                let stored = archive_path.map(|path| Location::stored(&path));
                departures.archive_duplicate(id, file, content, stored);
                self.summary.duplicate_files += 1;
            }
            Claim::Rejected { id } => {
                info!(file.id = id, "{} was rejected before; it moves to the rejects", file.relative);
                departures.reject(id, file, content, "It was rejected by a run that was interrupted.");
                self.summary.rejected_files += 1;
            }
            Claim::Load(claimed) => {
                self.summary.bytes += file.size;
                let progress = Arc::new(FileProgress::new(claimed));
                let reading = self.reader.read(file, &progress, self.bytes_before)?;
                let (file, content) = (file.clone(), *content);
                self.in_progress.push(InProgressFile { file, content, progress, reading });
            }
        }
        Ok(())
    }
}
