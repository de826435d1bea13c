//! *Kept files*: files of the archive by their places, for compressing them and for removing them when
//! they have been kept for long enough. Deliveries of the same bytes share a place.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};

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
