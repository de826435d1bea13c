//! A *remap* writes rows anew from archived files: all of them after the model
//! has grown, or those of resources whose references can be resolved only now.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tracing::warn;

use super::work::{Progress, Record, Work};
use super::worker::Worker;
use super::{PipelineError, limits};
use crate::archive::{ArchiveError, Location, Storage};
use crate::config::Settings;
use crate::report::{RunProgress, Unit, in_one_line};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{self, Step};
use fhirmill_postgres::ledger::{ClaimedFile, Run};

/// What is to be written anew, in a session's own table: it may be every
/// resource there is.
const WANTED: &str = "\
create temporary table if not exists wanted (file_id bigint, position bigint, primary key (file_id, position));
truncate wanted";

/// Resources that refer to numbers whose bearers have come by now.
const WANT_RESOLVABLE: &str = "\
insert into wanted
select distinct r.file_id, r.position
from etl.unresolved_reference u
join etl.resource r on r.id = u.resource_id
where r.file_id is not null and (select count(distinct m.id) from (
    select i.patient_id as id from patient_identifier i join etl.resource b on b.id = i.patient_id
     where u.resource_type = 'Patient' and i.value = u.value and coalesce(i.system, '') = u.system
       and b.source_id = r.source_id
    union all
    select i.resource_id from resource_identifier i join etl.resource b on b.id = i.resource_id
     where i.resource_type = u.resource_type and i.value = u.value and coalesce(i.system, '') = u.system
       and b.source_id = r.source_id
    union all
    select b.id from etl.resource b
     where u.system = 'urn:uuid' and b.source_id = r.source_id
       and b.resource_type = any(case u.resource_type when '' then $1 else array[u.resource_type] end)
       and b.fhir_id = u.value and b.content_hash is not null) m) = 1";

/// All current resources, or those of some types.
const WANT_CURRENT: &str = "\
insert into wanted
select file_id, position from etl.resource
where content_hash is not null and file_id is not null
  and (cardinality($1::text[]) = 0 or resource_type = any($1))";

const FILES: &str = "\
select f.id as file_id, f.source_id, rtrim(s.base_url, '/') || '/' as base_url, f.path, f.status, f.archive_path, w.last, w.resources
from (select file_id, max(position) as last, count(*) as resources from wanted group by 1) w
join etl.load_file f on f.id = w.file_id
join etl.source s on s.id = f.source_id
order by 1";

const POSITIONS: &str = "\
select position from wanted where file_id = $1 and position > $2 order by position limit 50000";

#[derive(QueryableByName)]
struct WantedFile {
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Nullable<Text>)]
    base_url: Option<String>,
    #[diesel(sql_type = Text)]
    path: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
    #[diesel(sql_type = BigInt)]
    last: i64,
    #[diesel(sql_type = BigInt)]
    resources: i64,
}

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

impl WantedFile {
    fn open(&self, storage: &Storage) -> Result<Box<dyn ReadAt>, ArchiveError> {
        match &self.archive_path {
            Some(stored) => storage.of_status(&self.status).open(&Location::stored(stored)),
            None => Err(ArchiveError::NotYet { path: self.path.clone() }),
        }
    }
}

/// What a remap wrote.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remapped {
    pub resources: u64,
    pub rows: u64,
    /// Files that could not be opened in the archive: their resources keep the
    /// rows they have.
    pub missing_files: u64,
}

/// A set of positions in a file: a bit for each.
struct Positions(Vec<u64>);

impl Positions {
    fn of_file(connection: &mut PgConnection, file: &WantedFile) -> Result<Self, PipelineError> {
        let mut bits = vec![0; file.last as usize / 64 + 1];
        let mut after = -1;
        loop {
            let page: Vec<Position> = sql_query(POSITIONS)
                .bind::<BigInt, _>(file.file_id)
                .bind::<BigInt, _>(after)
                .load(connection)?;
            let Some(last) = page.last() else { return Ok(Positions(bits)) };
            after = last.position;
            for Position { position } in page {
                bits[position as usize / 64] |= 1 << (position % 64);
            }
        }
    }

    fn contains(&self, position: u64) -> bool {
        self.0.get(position as usize / 64).is_some_and(|bits| bits >> (position % 64) & 1 == 1)
    }
}

/// Writes the rows of resources anew whose references can be resolved now;
/// gives their number.
pub(super) fn resolve_late(
    settings: &Settings,
    database: &Database,
    run: &mut Run,
    run_progress: &RunProgress,
) -> Result<u64, PipelineError> {
    Ok(resolve(settings, database, run.connection(), run_progress)?.resources)
}

fn resolve(
    settings: &Settings,
    database: &Database,
    connection: &mut PgConnection,
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    connection.batch_execute(WANTED)?;
    sql_query(WANT_RESOLVABLE)
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .execute(connection)?;
    write_anew(settings, database, connection, run_progress)
}

/// Writes the rows of all current resources anew, or of those of some types.
pub fn remap(
    settings: &Settings,
    database: &Database,
    resource_types: &[String],
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    let mut connection = database.connect()?;
    connection.batch_execute(WANTED)?;
    sql_query(WANT_CURRENT).bind::<Array<Text>, _>(resource_types).execute(&mut connection)?;
    let remapped = write_anew(settings, database, &mut connection, run_progress)?;
    // References to identifiers whose owners were written after them.
    resolve(settings, database, &mut connection, run_progress)?;
    Ok(remapped)
}

/// Writes the rows of the resources anew that the connection has in `wanted`.
fn write_anew(
    settings: &Settings,
    database: &Database,
    connection: &mut PgConnection,
    run_progress: &RunProgress,
) -> Result<Remapped, PipelineError> {
    let mut remapped = Remapped::default();
    let files: Vec<WantedFile> = sql_query(FILES).load(connection)?;
    if files.is_empty() {
        return Ok(remapped);
    }
    let resources: i64 = files.iter().map(|file| file.resources).sum();
    run_progress.begin("writing anew", resources as u64, Unit::Items("resources"));
    let storage = Storage::of(settings);
    let mut first_missing = None;
    let mut worker = Worker::for_remap(settings, database)?;
    for file in &files {
        let archived = match file.open(&storage) {
            Ok(archived) => archived,
            Err(error) => {
                warn!(file.id = file.file_id, "{}; its resources keep their rows", in_one_line(&error));
                remapped.missing_files += 1;
                first_missing.get_or_insert(error);
                continue;
            }
        };
        let positions = Positions::of_file(connection, file)?;
        let claimed = ClaimedFile {
            id: file.file_id,
            source_id: file.source_id,
            sha256: [0; 32],
            base_url: file.base_url.clone(),
            done: Vec::new(),
            rejected: 0,
        };
        let progress = Arc::new(Progress::new(claimed));
        let mut again = Again {
            worker: &mut worker,
            progress: &progress,
            positions: &positions,
            work: Work::default(),
            batch_bytes: super::batch_bytes(settings),
            run_progress,
            remapped,
            failure: None,
        };
        again.work.begin_file(&progress);
        let read = read::read_file(archived, &limits(settings), &mut again);
        if let Some(failure) = again.failure.take() {
            return Err(failure.into());
        }
        if let Err(error) = read {
            // Its frames before the fault were loaded, and are written anew.
            warn!(file.id = file.file_id, "the archived file cannot be read to its end: {error}");
        }
        again.flush()?;
        remapped = again.remapped;
    }
    run_progress.end();
    match first_missing {
        Some(source) if remapped.missing_files == files.len() as u64 => {
            Err(PipelineError::Archive { files: remapped.missing_files, source })
        }
        _ => Ok(remapped),
    }
}

/// Takes the wanted resources of a file again.
struct Again<'a> {
    worker: &'a mut Worker,
    progress: &'a Arc<Progress>,
    positions: &'a Positions,
    work: Work,
    batch_bytes: usize,
    run_progress: &'a RunProgress,
    remapped: Remapped,
    /// Why the reading was stopped.
    failure: Option<LoadError>,
}

impl Again<'_> {
    fn flush(&mut self) -> Result<(), LoadError> {
        if self.work.is_empty() {
            return Ok(());
        }
        let (accounts, tally) = self.worker.work(&mut self.work)?;
        failpoint::passed(Step::WrittenAnew);
        self.remapped.resources += accounts.iter().map(|account| account.updated).sum::<u64>();
        self.remapped.rows += tally.rows;
        self.run_progress.set(self.remapped.resources);
        let mut bytes = std::mem::take(&mut self.work.bytes);
        bytes.clear();
        self.work = Work::new(0, bytes);
        self.work.begin_file(self.progress);
        Ok(())
    }
}

impl ResourceHandler for Again<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource || !self.positions.contains(frame.position) {
            return Ok(());
        }
        if self.work.byte_count() + frame.bytes.len() > self.batch_bytes
            && let Err(failure) = self.flush()
        {
            self.failure = Some(failure);
            return Err(Stopped);
        }
        self.work.note_record(frame.position);
        self.work.push(Record::of(&frame, String::new()), frame.bytes);
        Ok(())
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
