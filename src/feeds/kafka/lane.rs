//! A *lane* loads the batches of some partitions, one after the other, on a thread and with
//! sessions of its own. Within the transaction that loads a batch the offsets are moved, and
//! its lines are appended to a file that goes to the archive.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{self, KafkaStep};
use fhirmill_postgres::ledger::{FeedFile, OffsetMove};
use fhirmill_postgres::registry::SharedKeys;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::appending::Appending;
use super::batch::MessageBatch;
use crate::config::Settings;
use crate::pipeline::updates::{EndingRun, SpoolFile, UpdateFile, UpdateKind, UpdateRun, UpdateWorker};
use crate::pipeline::{Job, PipelineError};
use crate::report::{Activity, RunProgress, in_one_line};

/// A file of so many bytes is complete.
const MOST_BYTES: u64 = 64 << 20;
/// A file that was open for so long is complete.
const LONGEST_OPEN: Duration = Duration::from_secs(60);
/// A file to which nothing was appended for so long is complete.
const LONGEST_IDLE: Duration = Duration::from_secs(5);
/// A run without files ends after so long.
const RUN_IDLE: Duration = Duration::from_secs(10);
/// A run ends after so long: what is done at the end of runs is due.
const LONGEST_RUN: Duration = Duration::from_secs(300);
/// How often a lane looks after its files when nothing comes.
const IDLE: Duration = Duration::from_secs(1);

/// What a lane is to do.
#[derive(Debug)]
pub enum Order {
    /// Load a batch.
    Load(Box<MessageBatch>),
    /// Move an offset past what has no messages.
    Move(OffsetMove),
    /// Begin new files: partitions may have been read by others meanwhile.
    BeginFiles,
}

/// What became of an order.
#[derive(Debug)]
pub enum Done {
    /// It is carried out, and these offsets are moved, with so many messages and rejects.
    Moved(Vec<OffsetMove>),
    /// Another process has moved one of the offsets.
    OutOfTurn,
    /// It failed, for this reason.
    Failed(String),
}

/// What lanes share.
#[derive(Clone)]
pub struct LaneContext {
    /// All settings.
    pub settings: Settings,
    /// The database.
    pub database: Database,
    /// Cancelled when the program ends.
    pub cancel: CancellationToken,
    /// Where work is counted.
    pub activity: Activity,
    /// The number of the feed.
    pub feed_id: i32,
    /// Its name.
    pub feed: String,
    /// The keys that lanes have looked up.
    pub keys: SharedKeys,
    /// Whether what is done at the end of runs is done when the lane ends.
    pub ends_run: bool,
}

/// See the module.
pub struct Lane {
    context: LaneContext,
    run: Option<ActiveRun>,
    worker: Option<UpdateWorker>,
    /// The end of an earlier run, which may take long.
    ending: Option<JoinHandle<()>>,
}

struct ActiveRun {
    run: UpdateRun,
    /// By source.
    files: HashMap<Arc<str>, OpenFile>,
    begun: Instant,
    used: Instant,
}

struct OpenFile {
    spool: SpoolFile,
    file: UpdateFile,
    of_feed: FeedFile,
    opened: Instant,
    used: Instant,
}

impl OpenFile {
    fn is_complete(&self) -> bool {
        self.file.bytes() >= MOST_BYTES
            || self.opened.elapsed() >= LONGEST_OPEN
            || self.used.elapsed() >= LONGEST_IDLE
    }
}

impl Lane {
    /// A lane that has not begun.
    pub fn new(context: LaneContext) -> Self {
        Lane { context, run: None, worker: None, ending: None }
    }

    /// Carries out orders until nobody gives any more. Returns the run, if somebody is there
    /// to end it.
    pub fn run(mut self, orders: &Receiver<Order>, done: &Sender<Done>) -> Option<EndingRun> {
        loop {
            match orders.recv_timeout(IDLE) {
                Ok(order) => {
                    let carried_out = catch_unwind(AssertUnwindSafe(|| self.carry_out(order)));
                    let result = carried_out
                        .unwrap_or_else(|_| Done::Failed("a defect; the log says where".to_owned()));
                    if !matches!(result, Done::Moved(_)) {
                        // The file lands in the inbox with what is loaded of it.
                        (self.run, self.worker) = (None, None);
                    }
                    if done.send(result).is_err() {
                        break;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.run.as_mut().map(|active| active.run.give_way());
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tend();
        }
        self.end()
    }

    fn carry_out(&mut self, order: Order) -> Done {
        match order {
            Order::Load(batch) => {
                failpoint::passed(KafkaStep::Gathered);
                self.load(&batch)
            }
            Order::Move(to) => match self.move_offset(&to) {
                Ok(true) => Done::Moved(vec![to]),
                Ok(false) => Done::OutOfTurn,
                Err(failure) => Done::Failed(in_one_line(&failure)),
            },
            Order::BeginFiles => {
                if let Some(mut active) = self.run.take() {
                    self.close_all(&mut active);
                    self.run = Some(active);
                }
                Done::Moved(Vec::new())
            }
        }
    }

    fn move_offset(&self, to: &OffsetMove) -> Result<bool, PipelineError> {
        Ok(to.carry_out(&mut self.context.database.connect()?, self.context.feed_id, None)?)
    }

    fn load(&mut self, batch: &MessageBatch) -> Done {
        let settings = self.context.settings.clone();
        let feed_id = self.context.feed_id;
        let active = match self.active(&batch.source) {
            Ok(active) => active,
            Err(failure) => return Done::Failed(in_one_line(&failure)),
        };
        let run_id = active.run.id();
        let Some(OpenFile { spool, file, of_feed, used, .. }) = active.files.get_mut(&batch.source) else {
            return Done::Failed("there is no file to write to".to_owned());
        };
        let (offset, lines) = (file.bytes(), batch.messages.lines.as_slice());
        let (mut moves, mut is_in_turn) = (Vec::new(), true);
        let loaded = thread::scope(|scope| {
            let mut appending = Appending::begin(scope, spool, offset, lines);
            let mut last_word = |connection: &mut PgConnection, number: u64, rejected: &[u32]| {
                appending.wait()?;
                failpoint::passed(KafkaStep::Appended);
                moves = batch.moves(rejected);
                for to in &moves {
                    is_in_turn = to.carry_out(connection, feed_id, Some((run_id, number)))?;
                    if !is_in_turn {
                        return Err(LoadError::Withheld);
                    }
                }
                of_feed.note_size(connection, offset + lines.len() as u64)?;
                failpoint::passed(KafkaStep::OffsetsMoved);
                Ok(())
            };
            let loaded = active.run.load_messages(&settings, file, &batch.messages, &mut last_word);
            loaded.map_err(|failure| match appending.into_failure() {
                Some(failure) => format!("messages cannot be written to a file: {failure}"),
                None => in_one_line(&failure),
            })
        });
        match loaded {
            Ok(()) => {
                *used = Instant::now();
                failpoint::passed(KafkaStep::Loaded);
                Done::Moved(moves)
            }
            Err(_) if !is_in_turn => Done::OutOfTurn,
            Err(reason) => Done::Failed(reason),
        }
    }

    /// The run, with a file of the source that more can be appended to.
    fn active(&mut self, source: &Arc<str>) -> Result<&mut ActiveRun, PipelineError> {
        let mut active = match self.run.take() {
            Some(active) => active,
            None => self.begin()?,
        };
        active.used = Instant::now();
        let feed_id = self.context.feed_id;
        let is_over = match active.files.get(source) {
            Some(open) => open.is_complete() || active.run.has_later_file_than(&open.file, feed_id)?,
            None => false,
        };
        if is_over && let Some(open) = active.files.remove(source) {
            self.close(&mut active, open);
        }
        if !active.files.contains_key(source) {
            let inbox = &self.context.settings.inbox_dir;
            let spool = SpoolFile::create(inbox, source, &format!("kafka-{}", self.context.feed))
                .map_err(|error| PipelineError::Inbox { path: inbox.display().to_string(), source: error })?;
            let (file, of_feed) = active.run.open_of_feed(source, &spool.relative, feed_id)?;
            failpoint::passed(KafkaStep::Opened);
            let now = Instant::now();
            active
                .files
                .insert(Arc::clone(source), OpenFile { spool, file, of_feed, opened: now, used: now });
        }
        Ok(self.run.insert(active))
    }

    fn begin(&mut self) -> Result<ActiveRun, PipelineError> {
        let worker = self.worker.take();
        let run = self
            .context
            .with_job(|job| UpdateRun::begin(job, UpdateKind::Messages(&self.context.keys), worker))?;
        Ok(ActiveRun { run, files: HashMap::new(), begun: Instant::now(), used: Instant::now() })
    }

    /// Completes a file. If that fails, it lands in the inbox and is completed there.
    fn close(&self, active: &mut ActiveRun, open: OpenFile) {
        let OpenFile { spool, file, .. } = open;
        let is_empty = file.bytes() == 0;
        failpoint::passed(KafkaStep::Completing);
        let closed = active.run.close(&self.context.settings, file, &spool.path);
        if let Err(failure) = &closed {
            warn!("{} could not be completed: {}", spool.relative, in_one_line(failure));
        }
        if is_empty && closed.is_ok() {
            let _ = std::fs::remove_file(&spool.path);
        }
    }

    fn close_all(&self, active: &mut ActiveRun) {
        for (_, open) in std::mem::take(&mut active.files) {
            self.close(active, open);
        }
    }

    /// Completes what is to be completed.
    fn tend(&mut self) {
        let Some(mut active) = self.run.take() else { return };
        if self.ending.as_ref().is_some_and(JoinHandle::is_finished) {
            self.ending = None;
        }
        let is_run_over = active.begun.elapsed() >= LONGEST_RUN && self.ending.is_none();
        let is_over = |(source, open): (&Arc<str>, &OpenFile)| {
            (is_run_over || open.is_complete()).then(|| Arc::clone(source))
        };
        let over: Vec<Arc<str>> = active.files.iter().filter_map(is_over).collect();
        for source in over {
            if let Some(open) = active.files.remove(&source) {
                self.close(&mut active, open);
            }
        }
        let is_idle = active.files.is_empty() && active.used.elapsed() >= RUN_IDLE;
        if !is_run_over && (!is_idle || self.ending.is_some()) {
            self.run = Some(active);
            return;
        }
        let (worker, ending) = active.run.into_ending();
        // Sessions are kept only while there is something to do.
        self.worker = worker.filter(|_| !is_idle);
        self.ending = self.end_beside(ending);
    }

    /// Ends a run on a thread of its own, so that messages need not wait for it.
    fn end_beside(&self, ending: EndingRun) -> Option<JoinHandle<()>> {
        let context = self.context.clone();
        let thread = thread::Builder::new().name("kafka-end".to_owned());
        let end = move || context.end_runs(vec![ending]);
        thread.spawn(end).inspect_err(|error| warn!("a run of messages cannot be ended: {error}")).ok()
    }

    /// Completes everything. What may take long is left to the next process, unless this
    /// one is there for it.
    fn end(mut self) -> Option<EndingRun> {
        let mut active = self.run.take()?;
        self.close_all(&mut active);
        let (_, ending) = active.run.into_ending();
        if self.context.ends_run {
            return Some(ending);
        }
        if let Err(failure) = ending.leave() {
            warn!("a run of messages did not come to its end: {}", in_one_line(&failure));
        }
        None
    }
}

impl LaneContext {
    /// Does what is done at the end of runs.
    pub fn end_runs(&self, runs: Vec<EndingRun>) {
        if let Err(failure) = self.with_job(|job| EndingRun::end_together(runs, job)) {
            warn!("a run of messages did not come to its end: {}", in_one_line(&failure));
        }
    }

    fn with_job<T>(&self, work: impl FnOnce(&Job<'_>) -> T) -> T {
        let LaneContext { settings, database, cancel, activity, .. } = self;
        let progress = RunProgress::beside(activity);
        work(&Job { settings, database, cancel, progress: &progress })
    }
}
