//! *Kept files*: files of the archive by their places, for compressing them and for removing them when
//! they have been kept for long enough. Deliveries of the same bytes share a place.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Bool, Double, Nullable, Text};

use super::advisory_lock::{lock_claims, lock_departures};

/// A file that lies in the archive as it was sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct PlainFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its location in the archive.
    #[diesel(sql_type = Text)]
    pub archive_path: String,
    /// Its size in bytes.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The hash of its bytes.
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
}

/// How many files are read from the ledger at a time.
const PAGE: i64 = 500;

/// The first delivery for each place.
const PLAIN: &str = "\
select f.id, f.archive_path, f.size_bytes, f.sha256
from etl.load_file f
where f.id > $1 and f.archive_path is not null and f.stored_bytes is null and f.archive_removed_at is null
  and f.finished_at < now() - make_interval(secs => $2)
  and (f.status in ('loaded', 'duplicate') or (f.status = 'undone' and exists (
    select from etl.undo u where u.file_id = f.id and u.redone_at is null and u.status_before <> 'rejected')))
  and not exists (
    select from etl.load_file o where o.archive_path = f.archive_path and o.sha256 = f.sha256 and o.id < f.id)
order by f.id limit $3";

const SET_STORED: &str = "\
update etl.load_file set stored_bytes = $3 where archive_path = $1 and sha256 = $2 and status <> 'rejected'";

impl PlainFile {
    /// The next files after the one with this number that were loaded at least so long ago; none at the
    /// end.
    pub fn after(connection: &mut PgConnection, id: i64, age: Duration) -> QueryResult<Vec<PlainFile>> {
        sql_query(PLAIN)
            .bind::<BigInt, _>(id)
            .bind::<Double, _>(age.as_secs_f64())
            .bind::<BigInt, _>(PAGE)
            .load(connection)
    }

    /// Notes how many bytes the file takes in the archive; `None` if it lies there as it was sent.
    pub fn note_stored(&self, connection: &mut PgConnection, bytes: Option<i64>) -> QueryResult<()> {
        sql_query(SET_STORED)
            .bind::<Text, _>(&self.archive_path)
            .bind::<Binary, _>(&self.sha256)
            .bind::<Nullable<BigInt>, _>(bytes)
            .execute(connection)?;
        Ok(())
    }
}

/// Which of the two archives a file lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptIn {
    /// Loaded files.
    Archive,
    /// Rejected files.
    Rejects,
}

/// A file that was kept for long enough.
#[derive(Clone, Debug, QueryableByName)]
pub struct AgedFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its location.
    #[diesel(sql_type = Text)]
    pub archive_path: String,
    /// The bytes that it takes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// The hash of its bytes.
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
    /// Whether it holds the current version of a resource.
    #[diesel(sql_type = Bool)]
    pub is_current: bool,
}

/// Where the file `f` lies: `true` for the rejects.
const IS_REJECTED: &str = "\
(case f.status when 'undone' then (select u.status_before from etl.undo u where u.file_id = f.id and u.redone_at is null)
 else f.status end = 'rejected')";

/// Whether the file `f`, or another delivery of its bytes, holds the current version of a resource.
const IS_CURRENT: &str = "\
exists (select from etl.load_file o join etl.resource_version v on v.file_id = o.id and v.content_hash is not null
         where o.archive_path = f.archive_path)";

impl AgedFile {
    /// The next files after the one with this number that were delivered last so long ago; none at the
    /// end. Those that are about to move, or to be moved by whoever takes over a dead run, are not among
    /// them.
    pub fn after(
        connection: &mut PgConnection,
        id: i64,
        kept: Duration,
        kept_in: KeptIn,
    ) -> QueryResult<Vec<AgedFile>> {
        let is_not = if kept_in == KeptIn::Rejects { "" } else { "not" };
        sql_query(format!(
            "select f.id, f.archive_path, coalesce(f.stored_bytes, f.size_bytes) as bytes, f.sha256, \
                    {IS_CURRENT} as is_current \
             from etl.load_file f join etl.load_run r on r.id = f.load_run_id \
             where f.id > $1 and f.archive_path is not null and f.archive_removed_at is null and f.move_error is null \
               and f.status in ('loaded', 'duplicate', 'rejected', 'undone') and {is_not} {IS_REJECTED} \
               and coalesce(f.finished_at, f.started_at) < now() - make_interval(secs => $2) \
               and (r.finished_at is not null or f.finished_at < now() - interval '1 day') \
               and not exists (select from etl.load_file o \
                     where o.archive_path = f.archive_path and o.archive_removed_at is null and (o.id < f.id \
                       or coalesce(o.finished_at, o.started_at) >= now() - make_interval(secs => $2))) \
             order by f.id limit $3"
        ))
        .bind::<BigInt, _>(id)
        .bind::<Double, _>(kept.as_secs_f64())
        .bind::<BigInt, _>(PAGE)
        .load(connection)
    }

    /// Removes the file by `remove`, and notes it, unless it has been delivered again since, or holds
    /// the current version of a resource and `keep_current`; whether it was removed. The note is
    /// committed after the file is gone: whoever is killed in between removes it, which is gone, again.
    pub fn remove<E: From<diesel::result::Error>>(
        &self,
        connection: &mut PgConnection,
        kept: Duration,
        keep_current: bool,
        remove: impl FnOnce() -> Result<(), E>,
    ) -> Result<bool, E> {
        connection.transaction(|connection| {
            // Nobody decides by a file that is about to go, and no undo makes it current.
            lock_claims(connection)?;
            lock_departures(connection)?;
            let marked = sql_query(format!(
                "update etl.load_file f set archive_removed_at = now() \
                 where f.archive_path = $1 and f.archive_removed_at is null and (not $2 or not {IS_CURRENT}) \
                   and not exists (select from etl.load_file o where o.archive_path = f.archive_path \
                     and coalesce(o.finished_at, o.started_at) >= now() - make_interval(secs => $3))"
            ))
            .bind::<Text, _>(&self.archive_path)
            .bind::<Bool, _>(keep_current)
            .bind::<Double, _>(kept.as_secs_f64())
            .execute(connection)?;
            if marked > 0 {
                remove()?;
            }
            Ok(marked > 0)
        })
    }
}
