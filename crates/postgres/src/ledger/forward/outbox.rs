//! Noting what sinks have yet to be sent, in the transaction that stores it.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt};

/// What the outbox has to know of a batch.
#[derive(Clone, Copy, Debug)]
pub struct BatchNote {
    /// The source of its files.
    pub source_id: i16,
    /// The run that loads it.
    pub run_id: i64,
    /// Its number in the run.
    pub number: u64,
    /// How many resources sinks may have to be told of; none if the tables were not changed.
    pub resources: u64,
}

/// Notes a batch for the sinks of its source. The parameters of the files come first, then
/// those of [`BatchNote`].
pub(crate) const NOTE_BATCH: &str = "\
insert into etl.sink_batch (sink_id, run_id, batch, file_ids, first_positions, last_positions, resources)
select s.id, $5, $6, $1, $2, $3, $7 from etl.sink s where s.source_id = $4 and $7 > 0";

/// Notes a batch whose files have these numbers, and these positions of its first and last
/// records. Its transaction has shared the lock of the source.
pub fn note_parts(
    connection: &mut PgConnection,
    files: &[(i64, (u64, u64))],
    note: BatchNote,
) -> QueryResult<()> {
    let column = |value: fn(&(i64, (u64, u64))) -> i64| files.iter().map(value).collect::<Vec<i64>>();
    sql_query(NOTE_BATCH)
        .bind::<Array<BigInt>, _>(column(|(file_id, _)| *file_id))
        .bind::<Array<BigInt>, _>(column(|(_, positions)| positions.0 as i64))
        .bind::<Array<BigInt>, _>(column(|(_, positions)| positions.1 as i64))
        .bind::<SmallInt, _>(note.source_id)
        .bind::<BigInt, _>(note.run_id)
        .bind::<BigInt, _>(note.number as i64)
        .bind::<BigInt, _>(note.resources as i64)
        .execute(connection)?;
    Ok(())
}

/// Keys to send again, many in a row of the outbox.
const RESOURCES_OF_A_BATCH: i64 = 20_000;

/// Whatever their contents were: the batch that was to bring them to a sink may have lost them.
const UNDONE_CHANGED: &str = "\
insert into etl.sink_batch (sink_id, run_id, resource_ids, resources)
select s.id, $2, array_agg(c.id), count(*)
from etl.sink s
cross join lateral (
  select r.id, row_number() over (order by r.id) as number
    from undo_resource r join etl.resource_version v on v.id = r.id
   where not r.is_contained and v.content_hash is not null) c
where s.source_id = $1
group by s.id, c.number / $3 order by s.id, c.number / $3";

const UNDONE_REMOVED: &str = "\
update etl.sink_resource t set delete_requested_at = coalesce(t.delete_requested_at, now())
from etl.sink s, undo_resource r
join etl.resource_key k on k.id = r.id
left join etl.resource_version v on v.id = r.id
where s.source_id = $1 and t.sink_id = s.id and t.resource_type = k.resource_type and t.fhir_id = k.fhir_id
  and not r.is_contained and v.content_hash is null";

/// Has the sinks of the source follow an undo: the affected resources get the version that
/// counts now, or are deleted. To be called in its transaction, before keys are removed.
pub fn note_undone(connection: &mut PgConnection, source_id: i16, run_id: Option<i64>) -> QueryResult<()> {
    let Some(run_id) = run_id else { return Ok(()) };
    sql_query(UNDONE_CHANGED)
        .bind::<SmallInt, _>(source_id)
        .bind::<BigInt, _>(run_id)
        .bind::<BigInt, _>(RESOURCES_OF_A_BATCH)
        .execute(connection)?;
    sql_query(UNDONE_REMOVED).bind::<SmallInt, _>(source_id).execute(connection)?;
    Ok(())
}
