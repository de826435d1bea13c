//! The *files* that are taken back or brought back, and those that are read again for it.

use diesel::data_types::PgTimestamp;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, SmallInt, Text, Timestamptz};

use crate::ledger::{BASE_URLS, STORED_FILE, StoredFile, living};

/// A file as an undo needs it.
#[derive(Clone, Debug, QueryableByName)]
pub struct UndoFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The sender's number.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// The sender.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// Where it lies.
    #[diesel(embed)]
    pub stored: StoredFile,
    /// Its status.
    #[diesel(sql_type = Text)]
    pub status_now: String,
    /// The base URLs of the sender's FHIR servers, with a trailing slash.
    #[diesel(sql_type = Array<Text>)]
    pub base_urls: Vec<String>,
    /// When its records were committed.
    #[diesel(sql_type = Timestamptz)]
    pub loaded_at: PgTimestamp,
    /// Whether any of its records was accepted.
    #[diesel(sql_type = Bool)]
    pub is_any_accepted: bool,
}

/// Of the files `f`, with their parts `p` and what is noted of an undo `u`.
fn columns() -> String {
    format!(
        "\
select f.id, f.source_id, s.code as source, f.status as status_now,
       coalesce(u.status_before, f.status) as status, {STORED_FILE},
       array(select b.base_url from {BASE_URLS} b where b.source_id = f.source_id) as base_urls,
       coalesce(u.loaded_at, f.loaded_at,
                (select min(v.loaded_at) from etl.resource_version v
                  where v.file_id = f.id and v.loaded_at >= f.started_at),
                f.finished_at, f.started_at) as loaded_at,
       f.inserted + f.updated + f.unchanged + f.stale + f.deleted + p.accepted > 0 as is_any_accepted
from etl.load_file f
join etl.source s on s.id = f.source_id
left join etl.undo u on u.file_id = f.id and u.redone_at is null
cross join lateral (
  select coalesce(sum(b.inserted + b.updated + b.unchanged + b.stale + b.deleted), 0) as accepted,
         coalesce(sum(b.updated + b.unchanged + b.stale + b.deleted), 0) as not_new
    from etl.load_batch b where b.file_id = f.id) p"
    )
}

/// A file that retention has removed is left out if all affected resources came later. A file that
/// has only brought new resources is left out if none of these is affected;
/// unless files of the source were taken back or resources took the places of others before:
/// then the accounts do not say what was new.
const REPLAYED: &str = "\
where f.source_id = $1 and f.status not in ('undone', 'duplicate', 'erased')
  and (f.id = any($2) or (
    f.inserted + f.updated + f.unchanged + f.stale + f.deleted + p.accepted > 0
    and (f.archive_removed_at is null or f.id >= (
      select min(v.first_file_id) from undo_resource r join etl.resource_version v on v.id = r.id))
    and (f.updated + f.unchanged + f.stale + f.deleted + p.not_new > 0
         or exists (select from undo_resource r join etl.resource_version v on v.id = r.id
                     where v.first_file_id = f.id)
         or exists (select from etl.undo o join etl.load_file n on n.id = o.file_id
                     where n.source_id = $1 and o.undone_at <> now())
         or exists (select from etl.adopted_resource a join etl.resource_key k on k.id = a.id
                     where k.source_id = $1))))
order by f.id";

#[derive(QueryableByName)]
struct HasPruned {
    #[diesel(sql_type = Bool)]
    has_pruned: bool,
}

/// A file that keeps an undo waiting: its records are not all committed.
#[derive(Clone, Debug, QueryableByName)]
pub struct Unfinished {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Whether the run that loads it is alive.
    #[diesel(sql_type = Bool)]
    pub is_alive: bool,
}

impl UndoFile {
    /// The files with these numbers, by their numbers.
    pub fn list(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<Vec<UndoFile>> {
        sql_query(format!("{} where f.id = any($1) order by f.id", columns()))
            .bind::<Array<BigInt>, _>(ids)
            .load(connection)
    }

    /// All files of the source that have left the inbox, by their numbers.
    pub fn archived(connection: &mut PgConnection, source_id: i16) -> QueryResult<Vec<UndoFile>> {
        sql_query(format!(
            "{} where f.source_id = $1 and f.archive_path is not null order by f.id",
            columns()
        ))
        .bind::<SmallInt, _>(source_id)
        .load(connection)
    }

    /// Whether a file with the same bytes is loaded.
    pub fn has_loaded_twin(&self, connection: &mut PgConnection) -> QueryResult<bool> {
        use crate::ledger::schema::load_file;
        let twin = load_file::table
            .filter(load_file::source_id.eq(self.source_id))
            .filter(load_file::sha256.eq(&self.stored.sha256))
            .filter(load_file::status.eq("loaded"));
        diesel::select(diesel::dsl::exists(twin)).get_result(connection)
    }

    /// The numbers of the files that the run took last.
    pub fn of_run(connection: &mut PgConnection, run_id: i64) -> QueryResult<Vec<i64>> {
        use crate::ledger::schema::load_file;
        let of_run = load_file::table.filter(load_file::load_run_id.eq(run_id));
        of_run.select(load_file::id).order(load_file::id).load(connection)
    }

    /// The files of the source that have to be read again, in their order, these among
    /// them in any case. To be called before the affected resources are cleared.
    pub fn to_replay(
        connection: &mut PgConnection,
        source_id: i16,
        certain: &[i64],
    ) -> QueryResult<Vec<UndoFile>> {
        sql_query(format!("{} {REPLAYED}", columns()))
            .bind::<SmallInt, _>(source_id)
            .bind::<Array<BigInt>, _>(certain)
            .load(connection)
    }

    /// Whether affected resources may have been in files of the source that the ledger no longer has.
    pub fn has_pruned(connection: &mut PgConnection, source_id: i16) -> QueryResult<bool> {
        let pruned: HasPruned = sql_query(
            "select exists (select from undo_resource r join etl.resource_version v on v.id = r.id \
               join etl.source s on s.id = $1 and v.first_file_id <= s.pruned_file_id) as has_pruned",
        )
        .bind::<SmallInt, _>(source_id)
        .get_result(connection)?;
        Ok(pruned.has_pruned)
    }

    /// A file of the source that is being loaded, or was when its run died.
    pub fn unfinished(connection: &mut PgConnection, source_id: i16) -> QueryResult<Option<Unfinished>> {
        let living = living();
        sql_query(format!(
            "select f.id, f.load_run_id in ({living}) as is_alive from etl.load_file f \
             where f.source_id = $1 and f.status = 'loading' order by 2 desc, 1 limit 1"
        ))
        .bind::<SmallInt, _>(source_id)
        .get_result(connection)
        .optional()
    }
}

/// Parts of a file's records, by the types that were skipped in them.
#[derive(Clone, Debug, QueryableByName)]
pub struct SkippedTypes {
    /// The number of the first record.
    #[diesel(sql_type = BigInt)]
    pub first: i64,
    /// The number of the last record.
    #[diesel(sql_type = BigInt)]
    pub last: i64,
    /// The type.
    #[diesel(sql_type = Text)]
    pub resource_type: String,
}

impl SkippedTypes {
    /// Those of a file.
    pub fn of(connection: &mut PgConnection, file_id: i64) -> QueryResult<Vec<SkippedTypes>> {
        sql_query(
            "select first_position as first, last_position as last, resource_type \
             from etl.skipped_range where file_id = $1 order by 1",
        )
        .bind::<BigInt, _>(file_id)
        .load(connection)
    }
}
