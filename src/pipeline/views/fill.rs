//! *Filling* the table of one view from archived files. Every batch commits how far it has
//! come, so whoever goes on after an interruption begins there.

use diesel::PgConnection;
use fhirmill_core::json::Dictionary;
use fhirmill_core::read::ReadAt;
use fhirmill_core::views::View;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::failpoint::{self, ViewStep};
use fhirmill_postgres::ledger::{AppliedView, RemapFile};
use tracing::{info, warn};

use crate::archive::Storage;
use crate::pipeline::archived_records::{FileEnd, ReadSoFar, Trust, open, read_selected};
use crate::pipeline::error::PipelineError;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::job::Job;
use crate::pipeline::worker::Worker;
use crate::report::{Unit, in_one_line};

/// How the filling of a view ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FillEnd {
    /// The table is complete.
    Complete {
        /// How many resources of the archive it was made of.
        resources: u64,
    },
    /// Another process fills it.
    Taken,
    /// The view was changed or dropped meanwhile.
    Gone,
    /// The program is to end.
    Interrupted,
    /// Some resources cannot be read.
    Incomplete {
        /// Why.
        problem: String,
    },
}

/// Fills the table of a view from where its filling has come to, and puts it in the place
/// of the table of the version before.
pub fn fill_view(job: &Job<'_>, view: &AppliedView) -> Result<FillEnd, PipelineError> {
    let mut connection = job.database.connect()?;
    if !view.begin_filling(&mut connection)? {
        return Ok(FillEnd::Taken);
    }
    let filled = match view.current(&mut connection)? {
        None => Ok(FillEnd::Gone),
        // Another process was faster.
        Some(current) if current.is_ready() => {
            Ok(FillEnd::Complete { resources: current.resources.unsigned_abs() })
        }
        Some(current) => {
            let connection = &mut connection;
            let filled = Filling { job, connection, view: current, worker: None, first: None }.run();
            job.progress.end();
            filled
        }
    };
    // After a failure the right goes with the connection.
    let end = filled?;
    view.end_filling(&mut connection)?;
    job.database.give_back(connection);
    Ok(end)
}

/// The filling of a view.
struct Filling<'f> {
    job: &'f Job<'f>,
    connection: &'f mut PgConnection,
    view: AppliedView,
    worker: Option<Worker>,
    /// Why the first of the files that cannot be read is not read.
    first: Option<String>,
}

/// What is filled at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Files in the order of their numbers.
    Files,
    /// What was left for later.
    Backlog,
}

/// Why filling stops.
enum Stop {
    Failed(PipelineError),
    End(FillEnd),
}

impl<E: Into<PipelineError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failed(error.into())
    }
}

impl Filling<'_> {
    fn run(mut self) -> Result<FillEnd, PipelineError> {
        match self.fill() {
            Ok(end) | Err(Stop::End(end)) => Ok(end),
            Err(Stop::Failed(error)) => Err(error),
        }
    }

    fn fill(&mut self) -> Result<FillEnd, Stop> {
        let files = self.view.select_unfilled(self.connection)?;
        let total = self.view.total_resources.unsigned_abs();
        let name = &self.view.name;
        info!(resources = total - self.view.resources.unsigned_abs(), "filling the view {name}");
        self.job.progress.begin("filling", total, Unit::Items("resources"));
        self.job.progress.set(self.view.resources.unsigned_abs());
        self.files(&files, Part::Files)?;
        loop {
            let files = self.view.select_backlog(self.connection)?;
            let before: i64 = files.iter().map(|file| file.resources).sum();
            self.first = None;
            self.files(&files, Part::Backlog)?;
            if let Some(problem) = self.first.take() {
                let problem = format!("{before} archived resources are missing: {problem}");
                warn!("the view {} is incomplete: {problem}", self.view.name);
                self.view.note_problem(self.connection, Some(&problem))?;
                return Ok(FillEnd::Incomplete { problem });
            }
            if files.is_empty() && self.complete()? {
                let resources = self.view.total_resources.unsigned_abs();
                info!(resources, "the view {} is filled", self.view.name);
                return Ok(FillEnd::Complete { resources });
            }
        }
    }

    /// Indexes the table, and swaps it in. False if there is more to fill.
    fn complete(&mut self) -> Result<bool, Stop> {
        // Others change tables only while it does not hold them.
        self.worker = None;
        let view = View::compile(&self.view.definition, &mut Dictionary::new())
            .map_err(|_| LoadError::View(format!("{} has mistakes", self.view.name)))?;
        if !self.view.index(self.connection, &view)? {
            return Err(Stop::End(FillEnd::Gone));
        }
        failpoint::passed(ViewStep::Indexed);
        if self.view.complete(self.connection)? {
            failpoint::passed(ViewStep::Swapped);
            return Ok(true);
        }
        match self.view.still_filling(self.connection)? {
            Some(_) => Ok(false),
            None => Err(Stop::End(FillEnd::Gone)),
        }
    }

    fn files(&mut self, files: &[RemapFile], part: Part) -> Result<(), Stop> {
        let storage = Storage::of(self.job.settings);
        for file in files {
            let read = match open(file, &storage, Trust::Archive) {
                Ok(archived) => self.file((file, archived), part)?,
                Err(error) => Err(in_one_line(&error)),
            };
            if let Err(problem) = read {
                self.first.get_or_insert(problem);
                if part == Part::Files {
                    self.view.postpone(self.connection, file)?;
                }
            }
        }
        Ok(())
    }

    /// Fills the selected resources of one file. The inner error says why some were not
    /// found.
    fn file(
        &mut self,
        (file, archived): (&RemapFile, Box<dyn ReadAt>),
        part: Part,
    ) -> Result<Result<(), String>, Stop> {
        let (positions, job) = (file.positions(self.connection)?, self.job);
        let end = read_selected(job, (file, archived), positions, &mut |batch, read| {
            let ReadSoFar { position, records } = read;
            self.write(batch, part, (file.file_id, position, records))
        })?;
        Ok(match end {
            FileEnd { missing: 0, .. } => Ok(()),
            FileEnd { error, .. } => {
                let why = error.map(|error| format!(" ({error})")).unwrap_or_default();
                Err(format!("{} has changed since it was loaded{why}", file.stored.path))
            }
        })
    }

    /// Writes the rows of a batch, with which so many resources are filled, up to that place.
    fn write(&mut self, batch: &mut InputBatch, part: Part, filled: (i64, u64, u64)) -> Result<(), Stop> {
        if self.job.cancel.is_cancelled() {
            return Err(Stop::End(FillEnd::Interrupted));
        }
        let is_new = self.worker.is_none();
        let worker = match &mut self.worker {
            Some(worker) => worker,
            none => none.insert(Worker::for_views(self.job, &[self.view.table()])?),
        };
        let gave_way = worker.give_way(batch.number)?;
        if (is_new || gave_way) && self.view.still_filling(self.connection)?.is_none() {
            return Err(Stop::End(FillEnd::Gone));
        }
        let (view, (file_id, position, count)) = (&self.view, filled);
        let mut is_gone = false;
        let written = worker.fill(batch, &mut |connection, keys| {
            match part {
                Part::Files => is_gone = !view.note_filled(connection, (file_id, position), count)?,
                Part::Backlog => view.note_caught_up(connection, keys)?,
            }
            if is_gone { Err(LoadError::Withheld) } else { Ok(()) }
        });
        if is_gone {
            return Err(Stop::End(FillEnd::Gone));
        }
        written?;
        failpoint::passed(ViewStep::Filled);
        if part == Part::Files {
            let filled = self.job.progress.snapshot().done + count;
            self.job.progress.set(filled);
        }
        Ok(())
    }
}
