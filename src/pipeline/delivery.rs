//! A *delivery* is the files that one look at the inbox found: claimed, read,
//! and, when their records are committed, closed in the ledger and moved.
//! Small files go many at a time through every step.

use std::io::{self, ErrorKind};
use std::sync::Arc;

use tracing::{error, info, warn};

use super::PipelineError;
use super::contents::Taker;
use super::reader::{Reader, Reading};
use super::work::Progress;
use crate::archive::{Location, PendingMoves, Storage};
use crate::config::Settings;
use crate::inbox::{FileContent, InboxFile};
use crate::report::Summary;
use fhirmill_core::read::Stopped;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::Account;
use fhirmill_postgres::ledger::{Claim, FileStatus, NewFile, ReadFile, RejectReason, Run};

/// So many files are claimed at once, or files of so many bytes.
const CLAIM_FILES: usize = 500;
const CLAIM_BYTES: u64 = 64 << 20;

/// See the module.
pub(super) struct Delivery<'d> {
    settings: &'d Settings,
    run: &'d mut Run,
    reader: Reader<'d>,
    summary: &'d mut Summary,
    contents: Taker<'d>,
    /// Files that were read and whose records may be in the works.
    in_flight: Vec<InFlight>,
    /// Files of the content of another one: that one decides for both.
    twins: Vec<InboxFile>,
    bytes_before: u64,
}

struct InFlight {
    file: InboxFile,
    content: FileContent,
    progress: Arc<Progress>,
    reading: Reading,
}

impl InFlight {
    /// Why it is not to be archived, though what could be read is loaded.
    fn fault(&self, max_rejects: u64) -> Option<String> {
        match &self.reading.outcome {
            Err(error) => Some(error.to_string()),
            Ok(()) if self.progress.rejected() > max_rejects => Some(format!(
                "more than {max_rejects} of its records were rejected, and it was given up; it is probably \
                 broken, or no FHIR R4; if the rest is to be loaded, raise MAX_REJECTS_PER_FILE and drop it again"
            )),
            Ok(()) => None,
        }
    }
}

impl<'d> Delivery<'d> {
    pub fn new(
        settings: &'d Settings,
        run: &'d mut Run,
        reader: Reader<'d>,
        summary: &'d mut Summary,
        contents: Taker<'d>,
    ) -> Self {
        let (in_flight, twins) = (Vec::new(), Vec::new());
        Delivery { settings, run, reader, summary, contents, in_flight, twins, bytes_before: 0 }
    }

    /// Takes the files in their order. Where the run is given up, the rest
    /// stays in the inbox.
    pub fn take(mut self) -> Result<(), PipelineError> {
        let mut groups = self.contents.groups().iter().copied().peekable();
        while let Some(now) = groups.next() {
            if self.files(now, self.contents.take())?.is_err() {
                return self.stop();
            }
            // Who refers to them by number is mapped again at the end of the
            // run where they are not in the tables yet.
            let ends = |pair: (&InboxFile, &InboxFile)| pair.0.is_referred_to() && !pair.1.is_referred_to();
            let later = groups.peek().and_then(|later| later.first());
            if now.last().zip(later).is_some_and(ends) {
                if self.reader.flush().is_err() {
                    return self.stop();
                }
                self.finish(|progress| Some(progress.wait()))?;
            }
        }
        if self.reader.flush().is_err() {
            return self.stop();
        }
        self.finish(|progress| Some(progress.wait()))?;
        let twins = std::mem::take(&mut self.twins);
        for twin in &twins {
            // Loaded by now, or to be loaded as the first was not.
            let content = vec![FileContent::of(&twin.path)];
            if self.files(std::slice::from_ref(twin), content)?.is_err() || self.reader.flush().is_err() {
                return self.stop();
            }
            self.finish(|progress| Some(progress.wait()))?;
        }
        Ok(())
    }

    /// Waits for what was sent; what was not is given up with the reader.
    fn stop(self) -> Result<(), PipelineError> {
        let Delivery { settings, run, reader, summary, in_flight, .. } = self;
        drop(reader);
        summary.is_interrupted = true;
        finish(settings, run, summary, in_flight, |progress| Some(progress.wait())).map(|_| ())
    }

    /// Claims files, which have these contents, and reads those that are to be
    /// loaded.
    fn files(
        &mut self,
        files: &[InboxFile],
        contents: Vec<io::Result<FileContent>>,
    ) -> Result<Result<(), Stopped>, PipelineError> {
        let mut asked = Vec::with_capacity(files.len());
        for (file, content) in files.iter().zip(contents) {
            // It may have been read some time ago, and changed or gone since.
            let content = match content {
                Ok(content) if !content.is_still_at(&file.path) => FileContent::of(&file.path),
                other => other,
            };
            match content {
                Ok(content) => asked.push((file, content)),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    info!("{} has left the inbox", file.relative);
                }
                Err(error) => {
                    warn!("{} cannot be read and stays in the inbox: {error}", file.relative);
                    self.summary.unreadable_files += 1;
                }
            }
        }
        let (mut moves, mut places) = (PendingMoves::new(Storage::of(self.settings)), Vec::new());
        let new_files: Vec<NewFile<'_>> =
            asked.iter().map(|(file, content)| file.with_content(content.sha256)).collect();
        let claims = self.run.claim(&new_files)?;
        failpoint::passed(Step::Claimed);
        for ((file, content), claim) in asked.iter().zip(claims) {
            match claim {
                Claim::Taken => info!("{} is being loaded by another process", file.relative),
                Claim::InFlight => self.twins.push((*file).clone()),
                Claim::Loaded { .. } | Claim::Rejected { .. } if !content.is_still_at(&file.path) => {
                    if file.path.symlink_metadata().is_ok() {
                        note_changed(file, self.summary);
                    } else {
                        info!("{} has left the inbox", file.relative);
                    }
                }
                Claim::Loaded { id, archive_path } => {
                    info!(file.id = id, "{} is loaded already; it goes to the archive", file.relative);
                    // Where one of the same content goes just now, or went.
                    let same = places
                        .iter()
                        .find(|(of, _)| *of == id)
                        .map(|(_, location): &(i64, Location)| location.clone());
                    let stored = archive_path.map(|path| Location::stored(&path));
                    let is_there = |location: &Location| moves.storage().archive.contains(location);
                    let location = match same.or_else(|| stored.filter(is_there)) {
                        Some(location) => moves.replace(file, content, location),
                        None => moves.archive(file, content),
                    };
                    places.push((id, location));
                    self.summary.duplicate_files += 1;
                }
                Claim::Rejected { id } => {
                    info!(file.id = id, "{} is rejected already; it goes to the rejects", file.relative);
                    let report = reject_report(file, id, "It was rejected by a run that broke off.");
                    places.push((id, moves.reject(file, content, report)));
                    self.summary.rejected_files += 1;
                }
                Claim::Load(claimed) => {
                    self.summary.bytes += file.size;
                    let progress = Arc::new(Progress::new(claimed));
                    match self.reader.read(file, &progress, self.bytes_before) {
                        Ok(reading) => {
                            let (file, content) = ((*file).clone(), *content);
                            self.in_flight.push(InFlight { file, content, progress, reading });
                        }
                        Err(stopped) => return Ok(Err(stopped)),
                    }
                }
            }
            self.bytes_before += file.size;
        }
        move_files(self.settings, self.run, places, moves)?;
        self.finish(|progress| progress.is_settled().then(|| progress.wait()))?;
        Ok(Ok(()))
    }

    /// Finishes the files for which `settled` tells whether all is loaded.
    fn finish(&mut self, settled: impl Fn(&Progress) -> Option<bool>) -> Result<(), PipelineError> {
        let in_flight = std::mem::take(&mut self.in_flight);
        self.in_flight = finish(self.settings, self.run, self.summary, in_flight, settled)?;
        self.reader.show_loaded(self.summary.loaded_files, self.summary.bytes);
        Ok(())
    }
}

/// The files in groups that are claimed together.
pub(super) fn groups(files: &[InboxFile]) -> Vec<&[InboxFile]> {
    let (mut groups, mut rest) = (Vec::new(), files);
    while !rest.is_empty() {
        let (group, later) = rest.split_at(together(rest));
        groups.push(group);
        rest = later;
    }
    groups
}

/// How many of the files are; at least one.
fn together(files: &[InboxFile]) -> usize {
    let mut bytes = 0;
    let is_referred_to = files.first().is_some_and(InboxFile::is_referred_to);
    let fits = |file: &&InboxFile| {
        bytes += file.size;
        bytes <= CLAIM_BYTES && file.is_referred_to() == is_referred_to
    };
    files.iter().take(CLAIM_FILES).take_while(fits).count().max(1)
}

/// Closes the accounts of files and moves them where they belong; gives back
/// those that are not settled.
fn finish(
    settings: &Settings,
    run: &mut Run,
    summary: &mut Summary,
    in_flight: Vec<InFlight>,
    settled: impl Fn(&Progress) -> Option<bool>,
) -> Result<Vec<InFlight>, PipelineError> {
    let (mut done, mut waiting) = (Vec::new(), Vec::new());
    for file in in_flight {
        match settled(&file.progress) {
            Some(true) if !file.content.is_still_at(&file.file.path) => note_changed(&file.file, summary),
            Some(true) => match &file.reading.outcome {
                Err(error) if error.is_retryable() => {
                    warn!("{} could not be read and stays in the inbox: {error}", file.file.relative);
                    summary.unreadable_files += 1;
                }
                _ => done.push(file),
            },
            // It stays in the inbox, and the next look takes it up.
            Some(false) => {}
            None => waiting.push(file),
        }
    }
    if done.is_empty() {
        return Ok(waiting);
    }
    let max_rejects = settings.limits.max_rejects_per_file;
    let errors: Vec<Option<String>> = done.iter().map(|file| file.fault(max_rejects)).collect();
    let read: Vec<ReadFile<'_>> = done
        .iter()
        .zip(&errors)
        .map(|(InFlight { progress, reading, .. }, error)| ReadFile {
            id: progress.file.id,
            seen: reading.seen,
            form: &reading.form,
            error: error.as_deref(),
        })
        .collect();
    let finished = run.finish(&read)?;
    failpoint::passed(Step::Finished);
    let mut moves = PendingMoves::new(Storage::of(settings));
    let mut places = Vec::with_capacity(done.len());
    for ((InFlight { file, content, .. }, read), finished) in done.iter().zip(&read).zip(finished) {
        let Some((status, account)) = finished else {
            warn!(file.id = read.id, "{} was taken over by another process", file.relative);
            continue;
        };
        summary.seen += read.seen;
        summary.account += account;
        let outcome = match status {
            FileStatus::Failed => {
                summary.failed_files += 1;
                let (seen, accounted) = (read.seen, account.total());
                error!(
                    file.id = read.id,
                    seen,
                    accounted,
                    "the account of {} does not add up; it stays in the inbox",
                    file.relative
                );
                continue;
            }
            FileStatus::Rejected => {
                summary.rejected_files += 1;
                let mut reason = reject_reason(read, &account);
                if account.rejected > max_rejects {
                    for RejectReason { records, reason: word, example } in run.reject_reasons(read.id)? {
                        reason.push_str(&format!("\n{records} {word}, such as {example}"));
                    }
                }
                let report = reject_report(file, read.id, &reason);
                places.push((read.id, moves.reject(file, content, report)));
                "rejected"
            }
            FileStatus::Loaded => {
                summary.loaded_files += 1;
                places.push((read.id, moves.archive(file, content)));
                "loaded"
            }
        };
        info!(
            file.id = read.id,
            seen = read.seen,
            account.inserted,
            account.updated,
            account.unchanged,
            account.stale,
            account.deleted,
            account.rejected,
            account.skipped,
            bytes = file.size,
            "{outcome} {}",
            file.relative
        );
    }
    move_files(settings, run, places, moves)?;
    Ok(waiting)
}

/// What was read may be neither the old content nor the new one, so no account
/// of it is closed. The next look takes what is there then.
fn note_changed(file: &InboxFile, summary: &mut Summary) {
    warn!(
        "{} was replaced, changed or taken away while it was loaded; if it is still in the inbox, it is loaded again",
        file.relative
    );
    summary.changed_files += 1;
}

/// Stores the locations of files, and then moves them there.
fn move_files(
    settings: &Settings,
    run: &mut Run,
    locations: Vec<(i64, Location)>,
    mut moves: PendingMoves,
) -> Result<(), PipelineError> {
    let mut locations = locations;
    while !locations.is_empty() {
        let stored: Vec<(i64, String)> =
            locations.iter().map(|(id, location)| (*id, location.as_str().to_owned())).collect();
        run.note_places(&stored)?;
        let displaced = moves.run().map_err(moving(settings))?;
        let next =
            |location: &Location| Some(displaced.iter().find(|file| file.from == *location)?.to.clone());
        locations = locations.iter().filter_map(|(id, location)| Some((*id, next(location)?))).collect();
    }
    Ok(())
}

fn moving(settings: &Settings) -> impl Fn(std::io::Error) -> PipelineError {
    let folders = format!("{} or {}", settings.archive_dir.display(), settings.rejects_dir.display());
    move |source| PipelineError::Move { folder: folders.clone(), source }
}

fn reject_reason(read: &ReadFile<'_>, account: &Account) -> String {
    let reason = match read.error {
        Some(error) => format!("The file could not be loaded to its end: {error}"),
        None => "No record of the file could be read.".to_owned(),
    };
    format!("{reason}\n\nRecords seen: {}, of them rejected: {}.", read.seen, account.rejected)
}

fn reject_report(file: &InboxFile, id: i64, reason: &str) -> String {
    format!(
        "{}\n\n{reason}\n\
         Each with its place and reason: fhirmill rejects --file {id}\n\
         After a fix, drop the mended file into the inbox again.\n",
        file.relative
    )
}
