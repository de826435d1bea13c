//! *Takes* a snapshot: a picture, its files, the manifest, and the end of older ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use fhirmill_arrow::TableSchema;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{SnapshotStep, passed};
use fhirmill_postgres::ledger::{NewSnapshot, SnapshotProgress, SnapshotRun};
use fhirmill_postgres::picture::{Picture, PictureId, Relation};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use uuid::Uuid;

use super::error::SnapshotError;
use super::items::{Watcher, each};
use super::manifest::{FORMAT_VERSION, Manifest, ManifestTable};
use super::remove::surplus;
use super::reuse::Base;
use super::select::select;
use super::target::{self, Target, name_of};
use super::write::{Part, PartWriter, WrittenPart, parts, schema_of};
use crate::config::{Settings, SnapshotPlan};
use crate::report::{RunProgress, Unit, in_one_line};

/// How often the ledger is told how far a snapshot is.
const BEAT: Duration = Duration::from_secs(5);

/// A snapshot to be taken.
#[derive(Clone, Copy)]
pub struct SnapshotJob<'j> {
    /// All settings.
    pub settings: &'j Settings,
    /// The database.
    pub database: &'j Database,
    /// The name that the settings file has for it; none if it is made by hand.
    pub name: Option<&'j str>,
    /// Where it is written, and what is.
    pub plan: &'j SnapshotPlan,
    /// Cancelled when the program ends.
    pub cancel: &'j CancellationToken,
    /// Told how far it is.
    pub progress: &'j RunProgress,
}

/// A snapshot that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its number in the ledger.
    pub id: i64,
    /// What is in it.
    pub manifest: Manifest,
    /// The names of those that were removed.
    pub removed: Vec<String>,
}

/// Takes a snapshot. If it fails, nothing of it is left.
///
/// # Errors
/// Another process writes to the target, the plan names what is not there, or the database or
/// the target failed.
pub fn take(job: &SnapshotJob<'_>) -> Result<Taken, SnapshotError> {
    let target = job.plan.to.to_string();
    let new = NewSnapshot { name: job.name, target: &target, format: job.plan.format.name() };
    let run = SnapshotRun::begin(job.database.connect()?, &new);
    let run = run.map_err(SnapshotError::query("note the snapshot in the ledger"))?;
    let Some(mut run) = run else { return Err(SnapshotError::Busy { target }) };
    let mut counts = SnapshotProgress::default();
    let taken = open(job).and_then(|target| take_into(job, target.as_ref(), (&mut run, &mut counts)));
    job.progress.end();
    match taken {
        Ok((manifest, removed)) => {
            let ended = run.complete(&counts);
            ended.map_err(SnapshotError::query("note the snapshot in the ledger"))?;
            Ok(Taken { id: run.id(), manifest, removed })
        }
        Err(failure) => {
            // The ledger may be what has failed; the snapshot then counts as broken off.
            let _ = run.fail(&counts, &in_one_line(&failure));
            Err(failure)
        }
    }
}

/// Opens the target, and keeps other processes away from it.
fn open(job: &SnapshotJob<'_>) -> Result<Box<dyn Target>, SnapshotError> {
    let place = job.plan.to.to_string();
    let mut target = target::open(&job.plan.to, job.settings).map_err(SnapshotError::target(&place))?;
    match target.lock().map_err(SnapshotError::target(&place))? {
        true => Ok(target),
        false => Err(SnapshotError::Busy { target: place }),
    }
}

/// Takes it; after a failure, nothing of it is left in the target.
fn take_into(
    job: &SnapshotJob<'_>,
    target: &dyn Target,
    (run, counts): (&mut SnapshotRun, &mut SnapshotProgress),
) -> Result<(Manifest, Vec<String>), SnapshotError> {
    let place = job.plan.to.to_string();
    let taken = Taking { job, target, place: place.clone(), run, counts, beaten: Instant::now() }.take();
    if taken.is_err()
        && let Err(error) = target.clean()
    {
        warn!("{place}: what is left of the snapshot cannot be removed: {error}");
    }
    taken
}

/// A snapshot in progress.
struct Taking<'j> {
    job: &'j SnapshotJob<'j>,
    target: &'j dyn Target,
    place: String,
    run: &'j mut SnapshotRun,
    counts: &'j mut SnapshotProgress,
    beaten: Instant,
}

/// What a picture has to show.
struct Shown {
    id: PictureId,
    schema_version: String,
    relations: Vec<Relation>,
    schemas: Vec<Arc<TableSchema>>,
    /// By which what was emptied or replaced meanwhile is known.
    files: std::collections::BTreeMap<String, (i64, i64)>,
}

impl Taking<'_> {
    fn take(&mut self) -> Result<(Manifest, Vec<String>), SnapshotError> {
        let mut names = self.prepare()?;
        let query = SnapshotError::query("take a picture of the database");
        let mut first = Picture::take(self.job.database.connect()?).map_err(query)?;
        let shown = shown(&mut first, self.job)?;
        let (name, token) = (name_of(shown.id.taken_at, &names), Uuid::new_v4());
        self.target.begin(&name).map_err(SnapshotError::target(&self.place))?;
        passed(SnapshotStep::Begun);
        let noted = self.run.taken(&name, token, shown.id.taken_at);
        noted.map_err(SnapshotError::query("note the snapshot in the ledger"))?;
        passed(SnapshotStep::PictureTaken);
        let base = match self.job.plan.is_whole {
            true => None,
            false => Base::find((self.target, &names), self.run, &shown.id, self.job.plan.format.name())?,
        };
        let mut sessions = self.join(first, &shown)?;
        self.counts.tables = shown.relations.len() as u64;
        self.job.progress.begin("snapshot", self.counts.tables, Unit::Items("tables"));
        let mut tables: Vec<ManifestTable> = shown.relations.iter().map(ManifestTable::of).collect();
        if let Some(base) = &base {
            self.reuse((&mut sessions, &shown), (base, &name), &mut tables)?;
        }
        self.write((&mut sessions, &shown), (base.as_ref(), &name), &mut tables)?;
        drop(sessions);
        self.still_there(&shown)?;
        let manifest = self.manifest(shown, (&name, token), tables);
        let json = manifest.to_json();
        passed(SnapshotStep::Written);
        self.target.publish(&name, &json).map_err(SnapshotError::target(&self.place))?;
        passed(SnapshotStep::Published);
        self.target.set_latest(&name).map_err(SnapshotError::target(&self.place))?;
        names.push(name);
        Ok((manifest, self.remove_surplus(&names)))
    }

    /// Removes what was left by processes that have died; returns the names of the snapshots.
    fn prepare(&self) -> Result<Vec<String>, SnapshotError> {
        let failed = || SnapshotError::target(&self.place);
        self.target.clean().map_err(failed())?;
        let names = self.target.names().map_err(failed())?;
        if let Some(newest) = names.last() {
            // Its process may have been killed before it could.
            self.target.set_latest(newest).map_err(failed())?;
        }
        Ok(names)
    }

    /// WORKERS sessions that see the picture, but no more than there are tables.
    fn join(&self, first: Picture, shown: &Shown) -> Result<Vec<Picture>, SnapshotError> {
        let count = self.job.settings.workers.get().min(shown.relations.len().max(1));
        let mut sessions = vec![first];
        while sessions.len() < count {
            let joined = Picture::join(&shown.id, self.job.database.connect()?);
            sessions.push(joined.map_err(SnapshotError::query("see the picture of the database"))?);
        }
        Ok(sessions)
    }

    /// Gives the snapshot the files of tables that have not changed.
    fn reuse(
        &mut self,
        (sessions, shown): (&mut [Picture], &Shown),
        (base, name): (&Base, &str),
        tables: &mut [ManifestTable],
    ) -> Result<(), SnapshotError> {
        let (target, place) = (self.target, self.place.clone());
        let backends = backends(sessions)?;
        let mut watcher = Watch {
            taking: self,
            backends,
            on_done: &mut |taking, number, found| {
                let table: Option<ManifestTable> = found;
                if let Some(before) = table {
                    taking.table_done(&before, true);
                    tables[number] = before;
                }
            },
        };
        each(sessions, &shown.relations, &mut watcher, &|picture, relation, _| {
            let Some(before) = base.unchanged(picture, relation)? else { return Ok(None) };
            let reused = target.reuse(&base.name, name, &before.files);
            let is_reused = reused.map_err(SnapshotError::target(&place))?;
            Ok(is_reused.then(|| ManifestTable { is_reused: true, ..before.clone() }))
        })
    }

    /// Writes the others.
    fn write(
        &mut self,
        (sessions, shown): (&mut [Picture], &Shown),
        (base, name): (Option<&Base>, &str),
        tables: &mut [ManifestTable],
    ) -> Result<(), SnapshotError> {
        let mut open: Vec<usize> = (0..tables.len()).filter(|table| !tables[*table].is_reused).collect();
        // The largest first, so that the sessions end at about the same time.
        open.sort_by_key(|table| std::cmp::Reverse(shown.relations[*table].pages));
        let items: Vec<Part> =
            open.iter().flat_map(|table| parts(*table, &shown.relations[*table])).collect();
        let mut left: Vec<usize> = vec![0; tables.len()];
        items.iter().for_each(|part| left[part.table] += 1);
        let (target, place) = (self.target, self.place.clone());
        let backends = backends(sessions)?;
        let writer = PartWriter { target, name, format: self.job.plan.format };
        let mut failed = None;
        let mut watcher = Watch {
            taking: self,
            backends,
            on_done: &mut |taking, number, written| {
                let (WrittenPart { file, numbers_as_text_only }, of) = (written, items[number].table);
                let table = &mut tables[of];
                table.rows += file.rows;
                table.bytes += file.bytes;
                table.numbers_as_text_only += numbers_as_text_only;
                table.files.push(file);
                left[of] -= 1;
                if left[of] > 0 {
                    return;
                }
                table
                    .files
                    .sort_by(|one, other| (one.path.len(), &one.path).cmp(&(other.path.len(), &other.path)));
                if let Some(base) = base.filter(|base| base.has_same_files(table)) {
                    match target.share(&base.name, name, &table.files) {
                        Ok(is_shared) => table.is_reused = is_shared,
                        Err(error) => failed = Some(error),
                    }
                }
                taking.table_done(table, table.is_reused);
            },
        };
        each(sessions, &items, &mut watcher, &|picture, part, stop| {
            let relation = (&shown.relations[part.table], &shown.schemas[part.table]);
            let written = writer.write(picture, relation, part, stop)?;
            passed(SnapshotStep::TableWritten);
            Ok(written)
        })?;
        failed.map_or(Ok(()), |error| Err(SnapshotError::target(place)(error)))
    }

    fn table_done(&mut self, table: &ManifestTable, is_reused: bool) {
        self.counts.done += 1;
        self.counts.reused += u64::from(is_reused);
        self.counts.rows += table.rows;
        self.counts.bytes += table.bytes;
        self.job.progress.set(self.counts.done);
    }

    /// A table that is emptied at once or replaced is empty to a picture that was taken before,
    /// without any error.
    fn still_there(&self, shown: &Shown) -> Result<(), SnapshotError> {
        let failed = || SnapshotError::query("check that the tables are still there");
        let now = Relation::table_files(&mut self.job.database.connect()?).map_err(failed())?;
        match shown.files.iter().find(|(table, file)| now.get(*table) != Some(file)) {
            Some((table, _)) => Err(SnapshotError::Rewritten { table: table.clone() }),
            None => Ok(()),
        }
    }

    fn manifest(&self, shown: Shown, (name, token): (&str, Uuid), tables: Vec<ManifestTable>) -> Manifest {
        Manifest {
            format_version: FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: name.to_owned(),
            taken_at: shown.id.taken_at,
            schema_version: shown.schema_version,
            format: self.job.plan.format.name().to_owned(),
            rows: self.counts.rows,
            bytes: self.counts.bytes,
            database: shown.id.database,
            oldest_transaction: shown.id.oldest_transaction,
            token: token.to_string(),
            tables,
        }
    }

    /// Removes older snapshots that nothing keeps. The new one is complete, whatever happens.
    fn remove_surplus(&mut self, names: &[String]) -> Vec<String> {
        let mut removed = Vec::new();
        for name in surplus(names, self.job.plan.keep, Utc::now()) {
            match self.target.remove(&name) {
                Ok(()) => removed.push(name),
                Err(error) => warn!("{}: snapshot {name} cannot be removed: {error}", self.place),
            }
        }
        for name in &removed {
            info!("{}: snapshot {name} is removed", self.place);
            if let Err(error) = self.run.removed(&self.place, name) {
                warn!("the ledger still has snapshot {name}: {error}");
            }
        }
        removed
    }

    fn beat(&mut self) -> Result<(), SnapshotError> {
        if self.job.cancel.is_cancelled() {
            return Err(SnapshotError::Cancelled);
        }
        if self.beaten.elapsed() >= BEAT {
            self.beaten = Instant::now();
            self.run.beat(self.counts).map_err(SnapshotError::query("tell the ledger of the snapshot"))?;
        }
        Ok(())
    }
}

/// Waits for the sessions, and tells the ledger.
struct Watch<'w, 'j, Done> {
    taking: &'w mut Taking<'j>,
    backends: Vec<i32>,
    on_done: &'w mut dyn FnMut(&mut Taking<'j>, usize, Done),
}

impl<Done> Watcher<Done> for Watch<'_, '_, Done> {
    fn done(&mut self, number: usize, done: Done) -> Result<(), SnapshotError> {
        (self.on_done)(self.taking, number, done);
        self.taking.beat()
    }

    fn tick(&mut self) -> Result<(), SnapshotError> {
        self.taking.beat()
    }

    fn interrupt(&mut self) {
        // What cannot be ended ends by itself.
        let _ = self.taking.run.cancel(&self.backends);
    }
}

fn backends(sessions: &mut [Picture]) -> Result<Vec<i32>, SnapshotError> {
    let backends: diesel::QueryResult<Vec<i32>> = sessions.iter_mut().map(Picture::backend).collect();
    backends.map_err(SnapshotError::query("begin to read"))
}

fn shown(picture: &mut Picture, job: &SnapshotJob<'_>) -> Result<Shown, SnapshotError> {
    let failed = || SnapshotError::query("list the tables");
    let relations = Relation::list(picture.connection()).map_err(failed())?;
    let relations = select(relations, job.plan, job.settings.deidentified.copy.is_some())?;
    let schemas = relations.iter().map(schema_of).collect::<Result<Vec<_>, _>>()?;
    let files = Relation::table_files(picture.connection()).map_err(failed())?;
    let schema_version = picture.schema_version().map_err(failed())?;
    Ok(Shown { id: picture.id().clone(), schema_version, relations, schemas, files })
}

/// The time of a picture, in words.
pub(super) fn time(taken_at: DateTime<Utc>) -> String {
    taken_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
