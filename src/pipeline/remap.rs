//! A *remap* writes rows anew from archived files: all of them after the model
//! has grown, or those of resources whose references can be resolved only now.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use rustc_hash::FxHashSet;
use tracing::warn;

use super::worker::{Record, Work, Worker};
use super::{PipelineError, Progress, limits};
use crate::config::Settings;
use crate::database::Database;
use crate::ledger::{ClaimedFile, Run};
use crate::load::{Account, LoadError};
use crate::model::ResourceType;
use crate::source::{self, Content, Defect, Document, Frame, Sink, Stopped};

/// Resources that refer to numbers whose bearers have come by now.
const RESOLVABLE: &str = "\
select distinct r.file_id, r.position, r.source_id, f.archive_path
from etl.unresolved_reference u
join etl.resource r on r.id = u.resource_id
join etl.load_file f on f.id = r.file_id
where (select count(distinct m.id) from (
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
       and b.fhir_id = u.value and b.content_hash is not null) m) = 1
order by 1, 2";

/// What a remap reads: all current resources, of some types perhaps.
const CURRENT: &str = "\
select r.file_id, r.position, r.source_id, f.archive_path
from etl.resource r
join etl.load_file f on f.id = r.file_id
where r.content_hash is not null
order by 1, 2";

const CURRENT_OF_TYPES: &str = "\
select r.file_id, r.position, r.source_id, f.archive_path
from etl.resource r
join etl.load_file f on f.id = r.file_id
where r.content_hash is not null and r.resource_type = any($1)
order by 1, 2";

#[derive(QueryableByName)]
struct Wanted {
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
}

/// Writes the rows of resources anew whose references can be resolved now;
/// gives their number.
pub(super) fn resolve_late(
    settings: &Settings,
    database: &Database,
    run: &mut Run,
) -> Result<u64, PipelineError> {
    let wanted: Vec<Wanted> = sql_query(RESOLVABLE)
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .load(run.connection())?;
    Ok(write_anew(settings, database, run.id, wanted)?.updated)
}

/// Writes the rows of all current resources anew, or of those of some types.
pub fn remap(
    settings: &Settings,
    database: &Database,
    resource_types: &[String],
) -> Result<Account, PipelineError> {
    let mut connection = database.connect()?;
    let wanted: Vec<Wanted> = if resource_types.is_empty() {
        sql_query(CURRENT).load(&mut connection)?
    } else {
        sql_query(CURRENT_OF_TYPES).bind::<Array<Text>, _>(resource_types).load(&mut connection)?
    };
    write_anew(settings, database, 0, wanted)
}

fn write_anew(
    settings: &Settings,
    database: &Database,
    run_id: i64,
    wanted: Vec<Wanted>,
) -> Result<Account, PipelineError> {
    let mut account = Account::default();
    if wanted.is_empty() {
        return Ok(account);
    }
    let mut worker = Worker::new(settings, database)?;
    let mut files: BTreeMap<i64, (i16, Option<String>, FxHashSet<u64>)> = BTreeMap::new();
    for Wanted { file_id, position, source_id, archive_path } in wanted {
        let file = files.entry(file_id).or_insert_with(|| (source_id, archive_path, FxHashSet::default()));
        file.2.insert(position as u64);
    }
    for (file_id, (source_id, archive_path, positions)) in files {
        let Some(path) = archive_path.map(PathBuf::from).filter(|path| path.is_file()) else {
            warn!(file.id = file_id, "the archived file is gone; its resources keep the rows they have");
            continue;
        };
        let file = ClaimedFile {
            id: file_id,
            source_id,
            sha256: [0; 32],
            done: Vec::new(),
            account: Account::default(),
        };
        let progress = Arc::new(Progress::new(run_id, file));
        let mut again = Again {
            worker: &mut worker,
            progress: &progress,
            positions: &positions,
            work: Work::new(Arc::clone(&progress)),
            batch_bytes: usize::try_from(settings.batch_bytes).unwrap_or(usize::MAX),
            account: Account::default(),
            failure: None,
        };
        let read = source::read(&path, &limits(settings), &mut again);
        if let Some(failure) = again.failure.take() {
            return Err(failure.into());
        }
        if let Err(error) = read {
            // Its frames before the fault were loaded, and are written anew.
            warn!(file.id = file_id, "the archived file cannot be read to its end: {error}");
        }
        again.flush()?;
        account += again.account;
    }
    Ok(account)
}

/// Takes the wanted resources of a file again.
struct Again<'a> {
    worker: &'a mut Worker,
    progress: &'a Arc<Progress>,
    positions: &'a FxHashSet<u64>,
    work: Work,
    batch_bytes: usize,
    account: Account,
    /// Why the reading was stopped.
    failure: Option<LoadError>,
}

impl Again<'_> {
    fn flush(&mut self) -> Result<(), LoadError> {
        if self.work.is_empty() {
            return Ok(());
        }
        let mut work = std::mem::replace(&mut self.work, Work::new(Arc::clone(self.progress)));
        work.is_remap = true;
        self.account += self.worker.work(work)?.0;
        Ok(())
    }
}

impl Sink for Again<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.content != Content::Resource || !self.positions.contains(&frame.position) {
            return Ok(());
        }
        self.work.note_record(frame.position);
        self.work.push(Record::of(&frame, String::new()), frame.bytes);
        if self.work.byte_count() >= self.batch_bytes
            && let Err(failure) = self.flush()
        {
            self.failure = Some(failure);
            return Err(Stopped);
        }
        Ok(())
    }

    fn defect(&mut self, _: Defect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
