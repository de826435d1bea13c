//! *Finishing* files: when their records are committed, their accounts are
//! closed in the ledger, and they leave the inbox.

use std::fmt::Display;
use std::io;
use std::sync::Arc;

use fhirmill_core::read::ReadError;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{Account, FileStatus, ReadFile, Run};
use tracing::field::Empty;
use tracing::{Span, error, info, info_span, warn};

use super::departures::Departures;
use super::error::PipelineError;
use super::file_progress::{FileProgress, PartsState};
use super::reader::Reading;
use super::reject_report;
use crate::archive::at_once;
use crate::config::Settings;
use crate::inbox::{FileContent, InboxFile};
use crate::report::{Activity, FileOutcome, Summary, TRACES, WorkStage};

/// A file that was read, and whose records may be in progress.
pub(super) struct InProgressFile {
    pub file: InboxFile,
    pub content: FileContent,
    pub progress: Arc<FileProgress>,
    pub reading: Reading,
    /// Its span in a trace, from before it is read until its account is closed.
    pub span: Span,
}

/// The span of a file in a trace. Names of files may say who patients are: they are left
/// out.
pub(super) fn file_span(file: &InboxFile, progress: &FileProgress) -> Span {
    info_span!(
        target: TRACES, "file", file.id = progress.file.id, file.source = file.source, file.bytes = file.size,
        file.status = Empty, file.seen = Empty, file.rejected = Empty, otel.status_code = Empty
    )
}

/// Which files to finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FinishWhich {
    /// Those that have no part in progress.
    Settled,
    /// All, after waiting for their parts.
    All,
}

impl InProgressFile {
    /// The content that was read, with its hash; `None` if the file has another one by now.
    fn final_content(&self) -> io::Result<Option<FileContent>> {
        let place = &self.file.place;
        if !place.has(&self.content) {
            return Ok(None);
        }
        if self.reading.outcome.as_ref().is_err_and(ReadError::is_retryable) {
            // It is not closed.
            return Ok(Some(self.content));
        }
        match place.content_read(&self.content) {
            Err(_) if !place.has(&self.content) => Ok(None),
            content => content.map(Some),
        }
    }

    /// Why the file is rejected although what could be read is loaded.
    fn error(&self, max_rejects: u64) -> Option<String> {
        match &self.reading.outcome {
            Err(error) => Some(error.to_string()),
            Ok(()) if self.progress.rejected() > max_rejects => Some(format!(
                "more than {max_rejects} of its records were rejected, so the rest was not read; the file is \
                 probably broken or not FHIR R4. To load the rest, raise MAX_REJECTS_PER_FILE and drop it again"
            )),
            Ok(()) => None,
        }
    }
}

/// Finishes the files whose records are committed; returns those that have parts
/// in progress.
pub(super) fn finish(
    (settings, activity): (&Settings, &Activity),
    run: &mut Run,
    summary: &mut Summary,
    files: Vec<InProgressFile>,
    which: FinishWhich,
) -> Result<Vec<InProgressFile>, PipelineError> {
    let (mut done, mut waiting) = (Vec::new(), Vec::new());
    let mut loaded = Vec::new();
    for file in files {
        let state = match which {
            FinishWhich::Settled => file.progress.state(),
            FinishWhich::All => file.progress.wait(),
        };
        match state {
            PartsState::InProgress => waiting.push(file),
            PartsState::AllLoaded => loaded.push(file),
            // It stays in the inbox, and the next run continues it.
            PartsState::SomeLost => {}
        }
    }
    let is_remote = loaded.iter().any(|file| file.file.place.path().is_none());
    let contents = at_once(&loaded, is_remote, InProgressFile::final_content);
    for (mut file, content) in loaded.into_iter().zip(contents) {
        if is_to_be_closed(&file, &content, summary)
            && let Ok(Some(content)) = content
        {
            file.content = content;
            done.push(file);
        }
    }
    if !done.is_empty() {
        close((settings, activity), run, summary, &done)?;
    }
    Ok(waiting)
}

/// Whether the account of a file is to be closed, whose records are committed.
fn is_to_be_closed(
    file: &InProgressFile,
    content: &io::Result<Option<FileContent>>,
    summary: &mut Summary,
) -> bool {
    let InProgressFile { file, reading, .. } = file;
    let mut skip = |error: &dyn Display| {
        summary.skip(file.relative.clone(), format!("it cannot be read and stays in the inbox: {error}"));
        false
    };
    match (content, &reading.outcome) {
        (Ok(None), _) => {
            note_changed(file, summary);
            false
        }
        (_, Err(error)) if error.is_retryable() => skip(error),
        (Err(error), _) => skip(error),
        _ => true,
    }
}

/// Notes that a file changed. What was read of it may be neither the old content
/// nor the new one; the next run takes what is there then.
pub(super) fn note_changed(file: &InboxFile, summary: &mut Summary) {
    warn!(
        "{} was replaced, changed or removed while it was being loaded; if it is still in the inbox, it will be loaded again",
        file.relative
    );
    summary.changed_files += 1;
}

/// Closes the accounts of files, and moves the files.
fn close(
    (settings, activity): (&Settings, &Activity),
    run: &mut Run,
    summary: &mut Summary,
    files: &[InProgressFile],
) -> Result<(), PipelineError> {
    let stage = activity.begin(WorkStage::Record);
    let max_rejects = settings.limits.max_rejects_per_file;
    let errors: Vec<Option<String>> = files.iter().map(|file| file.error(max_rejects)).collect();
    let read: Vec<ReadFile<'_>> = files
        .iter()
        .zip(&errors)
        .map(|(file, error)| ReadFile {
            id: file.progress.file.id,
            seen: file.reading.seen,
            form: &file.reading.form,
            error: error.as_deref(),
            sha256: file.content.sha256,
        })
        .collect();
    let finished = run.finish(&read)?;
    failpoint::passed(Step::Finished);
    let (mut departures, mut retried) = (Departures::new(settings), Vec::new());
    for ((in_progress, read), finished) in files.iter().zip(&read).zip(finished) {
        let InProgressFile { file, content, span, .. } = in_progress;
        let Some((status, account)) = finished else {
            warn!(file.id = read.id, "{} was taken over by another process", file.relative);
            continue;
        };
        summary.seen += read.seen;
        summary.account += account;
        note(span, (status, &account), read.seen);
        activity.add_file(&file.source, outcome(status), file.size, account);
        match status {
            FileStatus::Failed => summary.failed_files += 1,
            FileStatus::Rejected => {
                summary.rejected_files += 1;
                let report = reject_report::of(run, read.id, &file.relative)?;
                departures.reject(read.id, file, content, report);
            }
            FileStatus::Loaded => {
                summary.loaded_files += 1;
                if account.rejected > 0 {
                    let report = reject_report::of(run, read.id, &file.relative)?;
                    departures.report(file, content, &report);
                }
                departures.archive(read.id, file, content);
            }
        }
        if status == FileStatus::Loaded && account.rejected == 0 {
            retried.extend(reject_report::retried_by(&file.relative).map(|reject| (reject, read.id)));
        }
        let reasons =
            if account.rejected > 0 { reject_report::reasons(run, read.id)? } else { String::new() };
        log(file, read, (status, &account), &reasons);
    }
    run.resolve_retried(&retried)?;
    drop(stage);
    let _stage = activity.begin(WorkStage::Move);
    departures.run(run, summary)
}

/// The status as an outcome.
fn outcome(status: FileStatus) -> FileOutcome {
    match status {
        FileStatus::Loaded => FileOutcome::Loaded,
        FileStatus::Rejected => FileOutcome::Rejected,
        FileStatus::Failed => FileOutcome::Failed,
    }
}

/// Notes in the trace what became of a file.
fn note(span: &Span, (status, account): (FileStatus, &Account), seen: u64) {
    span.record("file.status", outcome(status).name());
    span.record("file.seen", seen).record("file.rejected", account.rejected);
    if status == FileStatus::Failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// Logs the account of a file, and why records of it were rejected.
fn log(file: &InboxFile, read: &ReadFile<'_>, (status, account): (FileStatus, &Account), reasons: &str) {
    let path = &file.relative;
    if status == FileStatus::Failed {
        let (seen, accounted) = (read.seen, account.total());
        error!(
            file.id = read.id,
            seen, accounted, "the record counts of {path} do not add up; it stays in the inbox"
        );
        return;
    }
    let outcome = if status == FileStatus::Rejected { "rejected" } else { "loaded" };
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
        "{outcome} {path}"
    );
    let rejected = account.rejected;
    if rejected > 0 {
        let records = if rejected == 1 { "1 record".to_owned() } else { format!("{rejected} records") };
        warn!(
            file.id = read.id,
            rejected,
            reasons,
            "{records} of {path} rejected: {reasons}; see fhirmill rejects --file {}",
            read.id
        );
    }
    if status == FileStatus::Rejected {
        let reason = read.error.unwrap_or("no record of it could be loaded");
        warn!(file.id = read.id, "{path} moves to the rejects: {reason}");
    }
}
