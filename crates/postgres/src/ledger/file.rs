//! A *file* in the ledger: its verdict once its records are committed, and its
//! place afterwards.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Jsonb, Nullable, Text};
use serde::{Serialize, Serializer};

use super::advisory_lock::share_departures;
use super::schema::{load_batch, load_file, source};
use super::{Account, Run, RunFilter};
use crate::failpoint::{self, Step};

/// A file that was read to its end, or as far as possible, and whose records
/// are all committed.
#[derive(Clone, Debug)]
pub struct ReadFile<'f> {
    /// The file.
    pub id: i64,
    /// The records that the reader counted.
    pub seen: u64,
    /// The form it was found to have, such as `NDJSON`.
    pub form: &'f str,
    /// Why it could not be read to its end.
    pub error: Option<&'f str>,
    /// The hash of its bytes.
    pub sha256: [u8; 32],
}

/// The verdict over a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileStatus {
    /// Every record is accounted for.
    Loaded,
    /// It could not be read to its end, or nothing of it was usable.
    Rejected,
    /// The reader's count and the batches' counts differ.
    Failed,
}

#[derive(QueryableByName)]
struct Finished {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(embed)]
    account: Account,
}

/// The verdict over files: the reader counted `seen`, the batches counted the
/// rest, so the two can differ.
const FINISH: &str = "\
with part as (
  select file_id, sum(inserted) as inserted, sum(updated) as updated, sum(unchanged) as unchanged,
         sum(stale) as stale, sum(deleted) as deleted, sum(rejected) as rejected, sum(skipped) as skipped,
         min(loaded_at) as loaded_at
    from etl.load_batch where file_id = any($2) group by 1),
account as (
  select a.id, a.seen, a.form, a.error, a.sha256,
         coalesce(p.inserted, 0) as inserted, coalesce(p.updated, 0) as updated,
         coalesce(p.unchanged, 0) as unchanged, coalesce(p.stale, 0) as stale, coalesce(p.deleted, 0) as deleted,
         coalesce(p.rejected, 0) as rejected, coalesce(p.skipped, 0) as skipped, p.loaded_at
    from unnest($2, $3, $4, $5, $6) as a (id, seen, form, error, sha256)
    left join part p on p.file_id = a.id)
update etl.load_file f set
  status = case
    when a.seen <> a.inserted + a.updated + a.unchanged + a.stale + a.deleted + a.rejected + a.skipped then 'failed'
    when a.error is not null or (a.seen > 0 and a.rejected = a.seen) then 'rejected'
    else 'loaded' end,
  finished_at = now(), form = a.form, seen = a.seen, inserted = a.inserted, updated = a.updated,
  unchanged = a.unchanged, stale = a.stale, deleted = a.deleted, rejected = a.rejected, skipped = a.skipped,
  error = a.error, sha256 = a.sha256, is_hashed = true, loaded_at = coalesce(a.loaded_at, f.loaded_at)
from account a
where f.id = a.id and f.load_run_id = $1
returning f.id, f.status, f.inserted, f.updated, f.unchanged, f.stale, f.deleted, f.rejected, f.skipped";

/// Makes the transaction's commit wait as the server is set to, and for the disk
/// at least.
pub(super) const SYNCHRONOUS_COMMIT: &str = "\
select set_config('synchronous_commit', case reset_val when 'off' then 'on' else reset_val end, true)
from pg_settings where name = 'synchronous_commit'";

const SET_ARCHIVE_PATHS: &str = "\
update etl.load_file f set archive_path = m.path, move_error = null, archive_removed_at = null, stored_bytes = null
from unnest($1, $2) as m (id, path) where f.id = m.id";

/// What retention had removed is there again: its sender has sent it once more.
const UNDO_REMOVALS: &str = "\
update etl.load_file set archive_removed_at = null, stored_bytes = null
where archive_path = any($1) and archive_removed_at is not null";

impl Run {
    /// Closes the accounts of files. Returns the verdict and the account of each,
    /// in their order; `None` where another process has taken the file over.
    pub fn finish(&mut self, files: &[ReadFile<'_>]) -> QueryResult<Vec<Option<(FileStatus, Account)>>> {
        let run_id = self.id;
        let ids: Vec<i64> = files.iter().map(|file| file.id).collect();
        let finished: Vec<Finished> = self.connection.transaction(|connection| {
            let finished: Vec<Finished> = sql_query(FINISH)
                .bind::<BigInt, _>(run_id)
                .bind::<Array<BigInt>, _>(&ids)
                .bind::<Array<BigInt>, _>(files.iter().map(|file| file.seen as i64).collect::<Vec<_>>())
                .bind::<Array<Text>, _>(files.iter().map(|file| file.form).collect::<Vec<_>>())
                .bind::<Array<Nullable<Text>>, _>(files.iter().map(|file| file.error).collect::<Vec<_>>())
                .bind::<Array<Binary>, _>(files.iter().map(|file| &file.sha256[..]).collect::<Vec<_>>())
                .load(connection)?;
            // The parts of a failed file are kept: they show where it went wrong.
            let done = finished.iter().filter(|file| file.status != "failed").map(|file| file.id);
            diesel::delete(load_batch::table.filter(load_batch::file_id.eq_any(done.collect::<Vec<_>>())))
                .execute(connection)?;
            QueryResult::Ok(finished)
        })?;
        let verdict = |file: Finished| {
            let status = match file.status.as_str() {
                "loaded" => FileStatus::Loaded,
                "rejected" => FileStatus::Rejected,
                _ => FileStatus::Failed,
            };
            (file.id, (status, file.account))
        };
        let mut by_id: BTreeMap<i64, (FileStatus, Account)> = finished.into_iter().map(verdict).collect();
        Ok(ids.iter().map(|id| by_id.remove(id)).collect())
    }

    /// Notes where files will lie. When this returns, it and everything committed
    /// before, including the files' rows, survives a power failure: the files may
    /// leave the inbox.
    pub fn note_places(&mut self, places: &[(i64, String)]) -> QueryResult<()> {
        let (ids, paths): (Vec<i64>, Vec<&str>) =
            places.iter().map(|(id, path)| (*id, path.as_str())).unzip();
        self.connection.transaction(|connection| {
            connection.batch_execute(SYNCHRONOUS_COMMIT)?;
            share_departures(connection)?;
            sql_query(UNDO_REMOVALS).bind::<Array<Text>, _>(&paths).execute(connection)?;
            sql_query(SET_ARCHIVE_PATHS)
                .bind::<Array<BigInt>, _>(ids)
                .bind::<Array<Text>, _>(paths)
                .execute(connection)
        })?;
        failpoint::passed(Step::Noted);
        Ok(())
    }
}

impl Run {
    /// Notes how many bytes files take in the archive, where they lie compressed.
    pub fn note_stored(&mut self, files: &[(i64, i64)]) -> QueryResult<()> {
        note_stored(&mut self.connection, files)
    }

    /// Notes that a file cannot leave the inbox, and why. The archive may have a copy
    /// of it all the same.
    pub fn note_stuck(&mut self, id: i64, reason: &str, is_copied: bool) -> QueryResult<()> {
        let archive_path = (!is_copied).then_some(load_file::archive_path.eq(None::<String>));
        diesel::update(load_file::table.find(id))
            .set((load_file::move_error.eq(reason), archive_path))
            .execute(&mut self.connection)?;
        Ok(())
    }
}

const SET_STORED: &str = "\
update etl.load_file f set stored_bytes = m.bytes from unnest($1, $2) as m (id, bytes) where f.id = m.id";

/// Notes how many bytes files take in the archive, by their numbers, where they lie compressed.
pub fn note_stored(connection: &mut PgConnection, files: &[(i64, i64)]) -> QueryResult<()> {
    let (ids, bytes): (Vec<i64>, Vec<i64>) = files.iter().copied().unzip();
    sql_query(SET_STORED)
        .bind::<Array<BigInt>, _>(ids)
        .bind::<Array<BigInt>, _>(bytes)
        .execute(connection)?;
    Ok(())
}

/// A file as the ledger lists it.
#[derive(Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = load_file)]
pub struct FileEntry {
    /// Its number: of two files, the one with the greater number was read later.
    pub id: i64,
    /// The number of the run that took it last.
    #[diesel(column_name = load_run_id)]
    pub run_id: i64,
    /// The sender.
    #[diesel(select_expression = source::code)]
    pub source: String,
    /// Its path in the inbox.
    pub path: String,
    /// `loading`, `loaded`, `duplicate`, `rejected`, `failed`, `abandoned` or `undone`.
    pub status: String,
    /// When it was claimed.
    #[serde(serialize_with = "as_text")]
    pub started_at: DateTime<Utc>,
    /// When its records were committed, or when it was given up.
    #[serde(serialize_with = "as_optional_text")]
    pub finished_at: Option<DateTime<Utc>>,
    /// The form it was found to have, such as `NDJSON`.
    pub form: Option<String>,
    /// Its size in bytes.
    pub size_bytes: i64,
    /// The number of its records.
    pub seen: i64,
    /// Their outcomes.
    #[diesel(embed)]
    #[serde(flatten)]
    pub account: Account,
    /// The number of records that RESOURCE_TYPES left out, by type; `None` if there
    /// are none.
    #[diesel(select_expression = skipped_by_type(), select_expression_type = SqlLiteral<Nullable<Jsonb>>)]
    pub skipped_by_type: Option<serde_json::Value>,
    /// Where it lies now, once it has left the inbox.
    pub archive_path: Option<String>,
    /// How many bytes it takes in the archive, if it lies there compressed.
    pub stored_bytes: Option<i64>,
    /// When retention removed it from the archive.
    #[serde(serialize_with = "as_optional_text")]
    pub archive_removed_at: Option<DateTime<Utc>>,
    /// Why the file as a whole was not loaded.
    pub error: Option<String>,
    /// Why it cannot leave the inbox, although it was read.
    pub move_error: Option<String>,
}

/// Of the file of the surrounding query.
fn skipped_by_type() -> SqlLiteral<Nullable<Jsonb>> {
    sql("(select jsonb_object_agg(k.resource_type, k.records) \
          from (select r.resource_type, sum(r.records) as records from etl.skipped_range r \
                 where r.file_id = load_file.id group by 1) k)")
}

/// Which files are listed.
#[derive(Clone, Copy, Debug)]
pub struct FileFilter<'f> {
    /// Only those of this sender.
    pub source: Option<&'f str>,
    /// Only those of this run.
    pub run_id: Option<i64>,
    /// Only those of these statuses and times, and how many.
    pub of: RunFilter<'f>,
}

/// Whether the ledger has a file of that number.
pub fn has_file(connection: &mut PgConnection, id: i64) -> QueryResult<bool> {
    diesel::select(diesel::dsl::exists(load_file::table.find(id))).get_result(connection)
}

impl FileEntry {
    /// The files that the filter selects, newest first.
    pub fn list(connection: &mut PgConnection, filter: &FileFilter<'_>) -> QueryResult<Vec<FileEntry>> {
        let mut query = load_file::table
            .inner_join(source::table)
            .select(FileEntry::as_select())
            .order(load_file::id.desc())
            .limit(filter.of.limit)
            .into_boxed();
        if let Some(source) = filter.source {
            query = query.filter(source::code.eq(source));
        }
        if let Some(run_id) = filter.run_id {
            query = query.filter(load_file::load_run_id.eq(run_id));
        }
        if !filter.of.statuses.is_empty() {
            query = query.filter(load_file::status.eq_any(filter.of.statuses));
        }
        if let Some(since) = filter.of.since {
            query = query.filter(load_file::started_at.ge(since));
        }
        if let Some(until) = filter.of.until {
            query = query.filter(load_file::started_at.lt(until));
        }
        if let Some(before) = filter.of.before {
            query = query.filter(load_file::id.lt(before));
        }
        query.load(connection)
    }

    /// The file with that number.
    pub fn find(connection: &mut PgConnection, id: i64) -> QueryResult<Option<FileEntry>> {
        let query = load_file::table.inner_join(source::table).select(FileEntry::as_select());
        query.filter(load_file::id.eq(id)).get_result(connection).optional()
    }

    /// When it was claimed, in UTC to the second.
    pub fn started(&self) -> String {
        text_of(&self.started_at)
    }
}

fn text_of(time: &DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

pub(super) fn as_optional_text<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.as_ref().map(text_of).serialize(serializer)
}

pub(super) fn as_text<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(time))
}
