//! The *run* that loads updates: it has files open that it writes itself, loads each group
//! as it is written, and completes the files.

use std::path::Path;
use std::sync::Arc;

use diesel::PgConnection;
use fhirmill_core::sink::Outcome;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::{self, ClaimedFile, FeedFile, Run, RunStatus, SourceFile, enter_source};
use fhirmill_postgres::registry::{RunRegistry, SharedKeys, Wanted};
use tracing::warn;

use super::group::{Group, GroupOutcome, GroupStart};
use super::messages::{MessageGroup, Messages};
use crate::config::Settings;
use crate::inbox::{FileContent, FilePlace, InboxFile};
use crate::pipeline::error::PipelineError;
use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::finish::{FinishWhich, InProgressFile, file_span, finish};
use crate::pipeline::job::Job;
use crate::pipeline::known_servers::KnownServers;
use crate::pipeline::load_files;
use crate::pipeline::open_rejects::OpenRejects;
use crate::pipeline::reader::Reading;
use crate::pipeline::run_state::BatchStatistics;
use crate::pipeline::worker::{Decided, Worker};
use crate::report::{Summary, in_one_line};

/// Decides whether a group is committed, given what became of its entries.
pub type GroupLastWord<'w> = dyn FnMut(&mut PgConnection, &GroupOutcome) -> Result<(), LoadError> + 'w;

/// Decides whether a batch of messages is committed, given its number and how many records
/// of each line were rejected.
pub type MessagesLastWord<'w> = dyn FnMut(&mut PgConnection, u64, &[u32]) -> Result<(), LoadError> + 'w;

/// What became of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupLoad {
    /// It is committed.
    Committed,
    /// Nothing is: since the file was opened, another one of the source has brought a later
    /// version of one of its resources. A new file is later than that.
    Overtaken,
}

/// What a run loads.
#[derive(Clone, Copy, Debug)]
pub enum UpdateKind<'k> {
    /// Requests, whose senders are told when what they sent is stored.
    Requests,
    /// Messages of Kafka, which come again if they are not stored. Several runs that load some
    /// at the same time share keys.
    Messages(&'k SharedKeys),
}

impl UpdateKind<'_> {
    /// The command that the run has in the ledger.
    fn command(self) -> &'static str {
        match self {
            UpdateKind::Requests => "update",
            UpdateKind::Messages(_) => "kafka",
        }
    }
}

/// A session that loads updates, to be used again by the next run of the same kind.
pub struct UpdateWorker(Worker);

/// See the module.
pub struct UpdateRun {
    run: Run,
    worker: UpdateWorker,
    registry: Arc<RunRegistry>,
    next_batch: u64,
    summary: Summary,
    statistics: BatchStatistics,
    open_rejects: Arc<OpenRejects>,
    last_reject: i64,
    servers: KnownServers,
}

/// A file that a run writes.
pub struct UpdateFile {
    claimed: ClaimedFile,
    source: String,
    relative: String,
    records: u64,
    next_position: u64,
    bytes: u64,
}

impl UpdateFile {
    /// How many bytes of it are loaded.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The number of its source.
    pub fn source_id(&self) -> i16 {
        self.claimed.source_id
    }
}

impl UpdateRun {
    /// Begins a run. `worker` is that of the run before, if there is one.
    pub fn begin(
        job: &Job<'_>,
        kind: UpdateKind<'_>,
        worker: Option<UpdateWorker>,
    ) -> Result<Self, PipelineError> {
        let mut run = Run::begin(job.database.connect()?, kind.command())?;
        run.resource_types = job.settings.resource_types.names();
        let registry = Arc::new(match kind {
            UpdateKind::Requests => RunRegistry::begin(run.connection())?,
            UpdateKind::Messages(keys) => RunRegistry::begin_sharing(run.connection(), keys)?,
        });
        let open_rejects = Arc::new(OpenRejects::load(run.connection())?);
        let last_reject = ledger::last_reject(run.connection())?;
        let mut worker = match worker {
            Some(UpdateWorker(mut worker)) => {
                worker.retake_views()?;
                worker
            }
            None => match kind {
                UpdateKind::Requests => Worker::for_updates(job, run.id)?,
                UpdateKind::Messages(_) => Worker::for_messages(job, run.id)?,
            },
        };
        worker.follow(run.id, Arc::clone(&registry), Arc::clone(&open_rejects));
        Ok(UpdateRun {
            summary: Summary { run_id: Some(run.id), ..Summary::default() },
            run,
            worker: UpdateWorker(worker),
            registry,
            next_batch: 0,
            statistics: BatchStatistics::default(),
            open_rejects,
            last_reject,
            servers: KnownServers::default(),
        })
    }

    /// While nothing is to be loaded: lets somebody who waits change the tables of views.
    pub fn give_way(&mut self) -> Result<(), LoadError> {
        self.worker.0.give_way(self.next_batch)?;
        Ok(())
    }

    /// Enters a new file, of that path in the inbox.
    pub fn open(&mut self, source: &str, relative: &str) -> Result<UpdateFile, PipelineError> {
        let claimed = self.run.open_file(SourceFile { source, path: relative })?;
        self.servers.begin_file(&claimed);
        self.worker.0.activity().knows(source, claimed.source_id);
        let (source, relative) = (source.to_owned(), relative.to_owned());
        Ok(UpdateFile { claimed, source, relative, records: 0, next_position: 1, bytes: 0 })
    }

    /// Whether the source has sent another file since this one was opened.
    pub fn has_later_file(&mut self, file: &UpdateFile) -> Result<bool, PipelineError> {
        Ok(self.run.has_later_file(&file.claimed)?)
    }

    /// Its number in the ledger.
    pub fn id(&self) -> i64 {
        self.run.id
    }

    /// Enters a new file of a feed, of that path in the inbox.
    pub fn open_of_feed(
        &mut self,
        source: &str,
        relative: &str,
        feed_id: i32,
    ) -> Result<(UpdateFile, FeedFile), PipelineError> {
        enter_source(self.run.connection(), source)?;
        let file = self.open(source, relative)?;
        let of_feed = self.run.note_feed_file(&file.claimed, feed_id)?;
        Ok((file, of_feed))
    }

    /// Whether the source has sent a file since this one was opened that is not of the feed.
    pub fn has_later_file_than(&mut self, file: &UpdateFile, feed_id: i32) -> Result<bool, PipelineError> {
        Ok(self.run.has_later_file_than(&file.claimed, feed_id)?)
    }

    /// Loads messages that are to follow what the file has, if the last word is to commit
    /// them. The last word is told the batch's number, and how many records of each line were
    /// rejected; it writes the lines to the file.
    pub fn load_messages(
        &mut self,
        settings: &Settings,
        file: &mut UpdateFile,
        messages: &Messages,
        last_word: &mut MessagesLastWord<'_>,
    ) -> Result<(), LoadError> {
        let start = GroupStart {
            batch_number: self.next_batch,
            records: file.records,
            position: file.next_position,
            offset: file.bytes,
        };
        // Lines are well-formed, and can be read.
        let mut group = MessageGroup::read(&file.claimed, start, messages, &settings.read_limits())
            .map_err(|_| LoadError::Withheld)?;
        for base_url in &group.base_urls {
            self.servers.learn(file.claimed.source_id, base_url);
        }
        self.next_batch += 1;
        let last_reject = self.look_for_rejects();
        let mut batch = std::mem::take(&mut group.batch);
        batch.set_base_urls(self.servers.of(file.claimed.source_id));
        let loaded = self.worker.0.load_messages(&mut batch, &mut |connection, rejects| {
            last_word(connection, start.batch_number, &messages.rejects_by_line(rejects))
        });
        self.registry.finish(start.batch_number);
        self.statistics.add(loaded?);
        self.resolve_mended(last_reject);
        file.records += group.records;
        file.next_position = group.next_position;
        file.bytes += messages.lines.len() as u64;
        Ok(())
    }

    /// For each identifier the ids of the resources of the file's source that have it.
    pub fn owners(&mut self, file: &UpdateFile, wanted: &[Wanted]) -> Result<Vec<Vec<String>>, LoadError> {
        self.worker.0.owners(file.claimed.source_id, wanted)
    }

    /// Loads lines that are to follow what the file has, if the last word is to commit them.
    /// The last word writes them to the file. It is not asked if a resource counts as older
    /// than what a later file of the source has brought meanwhile.
    pub fn load(
        &mut self,
        settings: &Settings,
        file: &mut UpdateFile,
        lines: &[u8],
        last_word: &mut GroupLastWord<'_>,
    ) -> Result<GroupLoad, LoadError> {
        let start = GroupStart {
            batch_number: self.next_batch,
            records: file.records,
            position: file.next_position,
            offset: file.bytes,
        };
        // Lines were checked, and can be read.
        let mut group = Group::read(&file.claimed, start, lines.to_vec(), &settings.read_limits())
            .map_err(|_| LoadError::Withheld)?;
        for base_url in &group.base_urls {
            self.servers.learn(file.claimed.source_id, base_url);
        }
        self.next_batch += 1;
        let last_reject = self.look_for_rejects();
        let mut batch = std::mem::take(&mut group.batch);
        batch.set_base_urls(self.servers.of(file.claimed.source_id));
        let mut is_overtaken = false;
        let loaded = self.worker.0.load_updates(&mut batch, &mut |connection, decided: &Decided<'_>| {
            is_overtaken = decided.outcomes.iter().any(|of| of.outcome == Outcome::Stale)
                && ledger::has_later_file(connection, &file.claimed)?;
            if is_overtaken {
                return Err(LoadError::Withheld);
            }
            last_word(connection, &group.outcomes(decided))
        });
        self.registry.finish(start.batch_number);
        if is_overtaken {
            return Ok(GroupLoad::Overtaken);
        }
        self.statistics.add(loaded?);
        self.resolve_mended(last_reject);
        file.records += group.records;
        file.next_position = group.next_position;
        file.bytes += lines.len() as u64;
        Ok(GroupLoad::Committed)
    }

    /// Looks for rejects that have come since the last group. Returns the number of the last one.
    fn look_for_rejects(&mut self) -> i64 {
        self.open_rejects.refresh(self.run.connection()).unwrap_or_else(|error| {
            warn!("rejects may be resolved later: {}", in_one_line(&error));
            self.last_reject
        })
    }

    /// Resolves the rejects up to that number that the group has mended. It is committed already, so a
    /// failure is for the end of the run.
    fn resolve_mended(&mut self, last_reject: i64) {
        if self.statistics.mended.is_empty() {
            return;
        }
        match self.run.resolve_earlier(&self.statistics.mended, last_reject) {
            Ok(_) => self.statistics.mended.clear(),
            Err(error) => warn!("rejects are resolved when the run ends: {}", in_one_line(&error)),
        }
    }

    /// Completes a file: closes its account, and moves it from `path` to where files go.
    pub fn close(&mut self, settings: &Settings, file: UpdateFile, path: &Path) -> Result<(), PipelineError> {
        if file.bytes == 0 {
            self.run.drop_empty(file.claimed.id)?;
            return Ok(());
        }
        let content = FileContent::of(path)
            .map_err(|source| PipelineError::Move { folder: path.display().to_string(), source })?;
        self.run.note_content(file.claimed.id, file.bytes, content.sha256)?;
        let learned = self.servers.take_learned();
        self.run.learn_base_urls(&learned)?;
        self.summary.learned_servers += learned.len() as u64;
        self.summary.bytes += file.bytes;
        let inbox_file = InboxFile {
            place: Arc::new(FilePlace(path.to_owned())),
            relative: file.relative,
            source: file.source,
            size: file.bytes,
        };
        let progress = Arc::new(FileProgress::new(file.claimed));
        let span = file_span(&inbox_file, &progress);
        let complete = InProgressFile {
            file: inbox_file,
            content,
            progress,
            span,
            reading: Reading { seen: file.records, form: "NDJSON".to_owned(), outcome: Ok(()) },
        };
        let activity = self.worker.0.activity().clone();
        finish((settings, &activity), &mut self.run, &mut self.summary, vec![complete], FinishWhich::All)?;
        Ok(())
    }

    /// The session, if it is well, and the rest of the run, which is to be ended.
    pub fn into_ending(self) -> (Option<UpdateWorker>, EndingRun) {
        let UpdateRun { run, mut worker, mut summary, statistics, last_reject, .. } = self;
        summary.rows = statistics.rows;
        let released = worker.0.release_views();
        (released.is_ok().then_some(worker), EndingRun { run, summary, statistics, last_reject })
    }
}

/// A run whose files are complete. What is left to do may take long.
pub struct EndingRun {
    run: Run,
    summary: Summary,
    statistics: BatchStatistics,
    last_reject: i64,
}

impl EndingRun {
    /// Ends a run in the middle: what is left to do is for the next process.
    pub fn leave(mut self) -> Result<(), PipelineError> {
        self.run.resolve_mended(&self.statistics.mended)?;
        Ok(self.run.end(RunStatus::of(self.summary.failed_files == 0), &self.summary.counts(), false)?)
    }

    /// Does what is done at the end of a run.
    pub fn end(mut self, job: &Job<'_>) -> Result<(), PipelineError> {
        self.run.resolve_mended(&self.statistics.mended)?;
        self.run.resolve_superseded(self.last_reject)?;
        self.complete(job, &[])
    }

    /// Does what is done at the end of runs that have loaded side by side, once for all.
    pub fn end_together(runs: Vec<EndingRun>, job: &Job<'_>) -> Result<(), PipelineError> {
        let (mut runs, idle): (Vec<_>, Vec<_>) = runs.into_iter().partition(EndingRun::has_changed);
        for run in idle {
            run.end(job)?;
        }
        let Some(mut last) = runs.pop() else { return Ok(()) };
        last.run.resolve_mended(&last.statistics.mended)?;
        last.run.resolve_superseded(last.last_reject)?;
        let mut beside = Vec::with_capacity(runs.len());
        for run in runs {
            beside.push(run.run.id);
            run.leave()?;
        }
        last.complete(job, &beside)
    }

    fn has_changed(&self) -> bool {
        let EndingRun { summary, .. } = self;
        summary.account.inserted + summary.account.updated + summary.learned_servers > 0
    }

    /// Does what these runs have left, too.
    fn complete(mut self, job: &Job<'_>, left: &[i64]) -> Result<(), PipelineError> {
        let completed = load_files::complete(job, &mut self.run, left, &mut self.summary);
        let status = RunStatus::of(completed.is_ok() && self.summary.failed_files == 0);
        self.run.end(status, &self.summary.counts(), completed.is_ok())?;
        completed?;
        Ok(self.run.close(left)?)
    }
}
