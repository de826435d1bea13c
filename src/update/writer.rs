//! The *writer* of a lane: it loads group after group, completes segments, and ends its run
//! when there is nothing to do. It has no sessions while it has no run.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::lock::lock;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::evaluate::{Revisions, evaluate};
use super::lane::{Lane, Next, Waiting};
use super::segment::Segment;
use super::{Answer, Applied, Refusal, Update, conditionals};
use crate::config::Settings;
use crate::pipeline::updates::{
    EndingRun, GroupLoad, SpoolFile, UpdateFile, UpdateKind, UpdateRun, UpdateWorker, land_left,
};
use crate::pipeline::{Job, PipelineError};
use crate::report::{Activity, RunProgress, in_one_line};

/// How often a writer looks after its segments when nothing comes.
const IDLE: Duration = Duration::from_secs(1);
/// A run without segments ends after so long.
const RUN_IDLE: Duration = Duration::from_secs(10);
/// A run ends after so long: what is done at the end of runs is due.
const LONGEST_RUN: Duration = Duration::from_secs(300);
/// A group is tried in so many files. Each time another process was faster, so that all of
/// them together go on.
const MOST_OVERTAKEN: u32 = 20;

/// See the module.
pub struct Writer {
    settings: Settings,
    database: Arc<Mutex<Database>>,
    cancel: CancellationToken,
    /// Where its work is counted.
    activity: Activity,
    lane: Arc<Lane>,
    /// It begins with what processes that died have left.
    pub recovers: bool,
}

/// What a writer has while it works.
#[derive(Default)]
struct Work {
    run: Option<ActiveRun>,
    /// The session of the last run.
    worker: Option<UpdateWorker>,
    /// The end of an earlier run, which may take long.
    ending: Option<JoinHandle<()>>,
    /// When files that were given up, or that a process before left, are to land.
    lands_at: Option<Instant>,
}

struct ActiveRun {
    run: UpdateRun,
    /// By source.
    segments: HashMap<String, Segment>,
    begun: Instant,
    used: Instant,
}

/// Why a group is not stored.
enum Failed {
    /// Some of its updates are refused, by their number in the group.
    Refused(Vec<(usize, (u32, Refusal))>),
    /// One of its updates is refused by the database, for this reason.
    Data(String),
    /// All of them are.
    All(Refusal),
    /// Its file has been overtaken: a new one is to be tried.
    Overtaken,
    /// It is not known whether they are stored.
    Lost(String),
}

impl Writer {
    /// A writer of that lane.
    pub fn new(
        settings: &Settings,
        database: &Arc<Mutex<Database>>,
        (cancel, activity): (&CancellationToken, &Activity),
        lane: Arc<Lane>,
    ) -> Self {
        let (settings, database) = (settings.clone(), Arc::clone(database));
        let (cancel, activity) = (cancel.clone(), activity.clone());
        Writer { settings, database, cancel, activity, lane, recovers: false }
    }

    /// Works until the lane ends.
    pub fn run(self) {
        let mut work = Work { lands_at: self.recovers.then(Instant::now), ..Work::default() };
        loop {
            match self.lane.next(IDLE) {
                Next::Group(group) => {
                    // Whoever waits for a group that a panic ended is told that it is lost.
                    let loaded = catch_unwind(AssertUnwindSafe(|| self.load(&mut work, group)));
                    if loaded.is_err() {
                        work.give_up();
                    }
                }
                Next::Idle => {
                    // A session that is lost is noticed by the next group.
                    let _ = work.run.as_mut().map(|active| active.run.give_way());
                }
                Next::End => break,
            }
            self.tend(&mut work);
        }
        self.end(work);
    }

    /// Loads a group and answers.
    fn load(&self, work: &mut Work, mut group: Vec<Waiting>) {
        let mut overtaken = 0;
        while !group.is_empty() {
            match self.try_load(work, &group) {
                Ok(answers) => {
                    for (waiting, applied) in group.drain(..).zip(answers) {
                        waiting.answer(Ok(applied));
                    }
                }
                Err(Failed::Refused(refused)) => {
                    // From the last on, so that the numbers of the others hold.
                    for (number, refusal) in refused.into_iter().rev() {
                        group.remove(number).answer(Err(refusal));
                    }
                }
                Err(Failed::Data(refusal)) if group.len() == 1 => {
                    let message = format!("the database refuses a value of it ({refusal})");
                    answer_all(&mut group, &Refusal::refused(&message));
                }
                Err(Failed::Data(_)) => {
                    for waiting in group.drain(..) {
                        self.load(work, vec![waiting]);
                    }
                }
                Err(Failed::Overtaken) if overtaken < MOST_OVERTAKEN => overtaken += 1,
                Err(Failed::Overtaken) => answer_all(&mut group, &Refusal::Unavailable),
                Err(Failed::All(refusal)) => answer_all(&mut group, &refusal),
                Err(Failed::Lost(failure)) => {
                    error!(updates = group.len(), "updates could not be loaded: {failure}");
                    work.give_up();
                    answer_all(&mut group, &Refusal::Unavailable);
                }
            }
        }
    }

    /// Loads a group; returns the answer to each of its updates.
    fn try_load(&self, work: &mut Work, group: &[Waiting]) -> Result<Vec<Vec<Applied>>, Failed> {
        let source = &group[0].update.source;
        let active = self.active(work, source).map_err(|failure| Failed::Lost(in_one_line(&failure)))?;
        active.used = Instant::now();
        let Some(Segment { spool, file, .. }) = active.segments.get_mut(source) else {
            return Err(Failed::Lost("there is no file to write to".to_owned()));
        };
        if let [only] = group
            && let Some(answer) = known_answer(&mut active.run, file, &only.update)?
        {
            return answer
                .map(|applied| vec![applied])
                .map_err(|refusal| Failed::Refused(vec![(0, refusal)]));
        }
        let lines: Vec<u8> = group.iter().flat_map(|waiting| waiting.update.line.iter().copied()).collect();
        let offset = file.bytes();
        let (mut answers, mut refused) = (Vec::new(), Vec::new());
        let (mut is_appended, mut io_failure) = (false, None);
        let loaded = active.run.load(&self.settings, file, &lines, &mut |connection, outcomes| {
            answers.clear();
            refused.clear();
            let revisions = Revisions::load(connection, outcomes)?;
            for (line, waiting) in group.iter().enumerate() {
                match evaluate(&waiting.update, line, outcomes, &revisions) {
                    Ok(applied) => answers.push(applied),
                    Err(refusal) => refused.push((line, refusal)),
                }
            }
            if !refused.is_empty() {
                return Err(LoadError::Withheld);
            }
            is_appended = true;
            spool.append(offset, &lines).map_err(|failure| {
                io_failure = Some(failure);
                LoadError::Withheld
            })
        });
        match loaded {
            Ok(GroupLoad::Overtaken) => Err(Failed::Overtaken),
            Ok(GroupLoad::Committed) => {
                if let Some(segment) = active.segments.get_mut(source) {
                    segment.note_use();
                }
                Ok(answers)
            }
            Err(_) if !refused.is_empty() => Err(Failed::Refused(refused)),
            Err(error) => Err(failed(error, (is_appended, io_failure), || spool.take_back(offset))),
        }
    }

    /// The run, with a segment of the source that more can be appended to.
    fn active<'w>(&self, work: &'w mut Work, source: &str) -> Result<&'w mut ActiveRun, PipelineError> {
        let active = match &mut work.run {
            Some(active) => active,
            none => none.insert(self.begin(work.worker.take())?),
        };
        let is_over = match active.segments.get(source) {
            Some(segment) => segment.is_complete() || active.run.has_later_file(&segment.file)?,
            None => false,
        };
        if is_over && let Some(segment) = active.segments.remove(source) {
            self.close(active, segment);
        }
        if !active.segments.contains_key(source) {
            let spool = SpoolFile::create(&self.settings.inbox_dir, source, "updates").map_err(|error| {
                PipelineError::Inbox { path: self.settings.inbox_dir.display().to_string(), source: error }
            })?;
            let file = active.run.open(source, &spool.relative)?;
            active.segments.insert(source.to_owned(), Segment::new(spool, file));
        }
        Ok(active)
    }

    fn begin(&self, worker: Option<UpdateWorker>) -> Result<ActiveRun, PipelineError> {
        let run = self.with_job(|job| UpdateRun::begin(job, UpdateKind::Requests, worker))?;
        Ok(ActiveRun { run, segments: HashMap::new(), begun: Instant::now(), used: Instant::now() })
    }

    fn with_job<T>(&self, work: impl FnOnce(&Job<'_>) -> T) -> T {
        let database = lock(&self.database).clone();
        let progress = RunProgress::beside(&self.activity);
        work(&Job {
            settings: &self.settings,
            database: &database,
            cancel: &self.cancel,
            progress: &progress,
        })
    }

    /// Completes a segment. If that fails, it lands in the inbox and is completed there.
    fn close(&self, active: &mut ActiveRun, segment: Segment) {
        let Segment { spool, file, .. } = segment;
        let is_empty = file.bytes() == 0;
        let closed = active.run.close(&self.settings, file, &spool.path);
        if let Err(failure) = &closed {
            warn!("{} could not be completed: {}", spool.relative, in_one_line(failure));
        }
        if is_empty && closed.is_ok() {
            // Nothing was ever loaded from it.
            let _ = std::fs::remove_file(&spool.path);
        }
    }

    /// Completes what is to be completed, and lands what was given up.
    fn tend(&self, work: &mut Work) {
        if work.lands_at.is_some_and(|at| at <= Instant::now()) {
            let landed = self.with_job(|job| -> Result<usize, PipelineError> {
                land_left(&job.settings.inbox_dir, &mut job.database.connect()?)
            });
            work.lands_at = (!matches!(landed, Ok(0))).then(|| Instant::now() + IDLE);
        }
        if work.ending.as_ref().is_some_and(JoinHandle::is_finished) {
            work.ending = None;
        }
        let Some(active) = &mut work.run else { return };
        let is_run_over = active.begun.elapsed() >= LONGEST_RUN && work.ending.is_none();
        let is_over = |(source, segment): (&String, &Segment)| {
            (is_run_over || segment.is_complete()).then(|| source.clone())
        };
        let over: Vec<String> = active.segments.iter().filter_map(is_over).collect();
        for source in over {
            if let Some(segment) = active.segments.remove(&source) {
                self.close(active, segment);
            }
        }
        let is_idle = active.segments.is_empty() && active.used.elapsed() >= RUN_IDLE;
        if (is_run_over || is_idle)
            && work.ending.is_none()
            && let Some(active) = work.run.take()
        {
            let (worker, ending) = active.run.into_ending();
            // Sessions are kept only while there is something to do.
            work.worker = worker.filter(|_| !is_idle);
            work.ending = self.end_beside(ending);
        }
    }

    /// Ends a run on a thread of its own, so that updates need not wait for it.
    fn end_beside(&self, ending: EndingRun) -> Option<JoinHandle<()>> {
        let (settings, cancel) = (self.settings.clone(), self.cancel.clone());
        let progress = RunProgress::beside(&self.activity);
        let database = lock(&self.database).clone();
        let thread = std::thread::Builder::new().name("updates-end".to_owned());
        let end = move || {
            let job = Job { settings: &settings, database: &database, cancel: &cancel, progress: &progress };
            if let Err(failure) = ending.end(&job) {
                warn!("a run of updates did not come to its end: {}", in_one_line(&failure));
            }
        };
        thread.spawn(end).inspect_err(|error| warn!("a run of updates cannot be ended: {error}")).ok()
    }

    /// Completes everything.
    fn end(&self, mut work: Work) {
        let Some(mut active) = work.run.take() else { return };
        for (_, segment) in std::mem::take(&mut active.segments) {
            self.close(&mut active, segment);
        }
        // What is done at the end of a run may take long: the next process does it.
        let (_, ending) = active.run.into_ending();
        if let Err(failure) = ending.leave() {
            warn!("a run of updates did not come to its end: {}", in_one_line(&failure));
        }
    }
}

impl Work {
    /// Lets go of everything after a failure. Segments land in the inbox, and are continued
    /// from there.
    fn give_up(&mut self) {
        self.run = None;
        self.worker = None;
        self.lands_at = Some(Instant::now());
    }
}

fn answer_all(group: &mut Vec<Waiting>, refusal: &Refusal) {
    for waiting in group.drain(..) {
        waiting.answer(Err((0, refusal.clone())));
    }
}

/// The answer to an update by identifier, if it is known without loading it.
fn known_answer(run: &mut UpdateRun, file: &UpdateFile, update: &Update) -> Result<Option<Answer>, Failed> {
    if update.conditionals.is_empty() {
        return Ok(None);
    }
    let wanted: Vec<_> = update.conditionals.iter().map(|of| of.wanted.clone()).collect();
    let owners = run.owners(file, &wanted).map_err(lost)?;
    Ok(conditionals::meaning(update, &owners))
}

fn lost(error: LoadError) -> Failed {
    Failed::Lost(in_one_line(&error))
}

/// What a failure means for a group.
fn failed(
    error: LoadError,
    (is_appended, io_failure): (bool, Option<std::io::Error>),
    take_back: impl FnOnce() -> std::io::Result<()>,
) -> Failed {
    if let Some(failure) = io_failure {
        let is_full =
            matches!(failure.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        error!("updates could not be written to their file: {failure}");
        return match take_back() {
            Ok(()) if is_full => Failed::All(Refusal::DiskFull),
            Ok(()) => Failed::All(Refusal::Unavailable),
            Err(failure) => Failed::Lost(failure.to_string()),
        };
    }
    if is_appended {
        // The commit may have arrived.
        return lost(error);
    }
    if error.is_data_error() {
        return Failed::Data(error.place_in_tables());
    }
    lost(error)
}
