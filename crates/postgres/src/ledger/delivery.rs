//! *Deliveries*: what became of a file that a sender pushed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::Account;

/// The load of a file that a sender pushed.
#[derive(Clone, Debug, QueryableByName)]
pub struct Delivery {
    /// The number of the file in the ledger.
    #[diesel(sql_type = BigInt)]
    pub file_id: i64,
    /// The status of the file, as in `etl.load_file`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// When it was first read.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When its account was closed.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// The form it was found to have.
    #[diesel(sql_type = Nullable<Text>)]
    pub form: Option<String>,
    /// Why it could not be read to its end.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// The records that were counted in it.
    #[diesel(sql_type = BigInt)]
    pub seen: i64,
    /// What became of them.
    #[diesel(embed)]
    pub account: Account,
}

/// While a file is being loaded its account is that of the batches so far. The first
/// file that was claimed under that path after the upload was completed is the
/// upload's: nothing else gets the path before it has left the inbox.
const FIND: &str = "\
select f.id as file_id, f.status, f.started_at, f.finished_at, f.form, f.error, f.seen,
       f.inserted + coalesce(b.inserted, 0)::bigint as inserted,
       f.updated + coalesce(b.updated, 0)::bigint as updated,
       f.unchanged + coalesce(b.unchanged, 0)::bigint as unchanged,
       f.stale + coalesce(b.stale, 0)::bigint as stale,
       f.deleted + coalesce(b.deleted, 0)::bigint as deleted,
       f.rejected + coalesce(b.rejected, 0)::bigint as rejected,
       f.skipped + coalesce(b.skipped, 0)::bigint as skipped
  from etl.upload u join etl.sender s on s.id = u.sender_id
  join etl.load_file f on f.source_id = s.source_id and f.path = u.landed_path and f.started_at >= u.completing_at
  left join lateral (
    select sum(inserted) as inserted, sum(updated) as updated, sum(unchanged) as unchanged, sum(stale) as stale,
           sum(deleted) as deleted, sum(rejected) as rejected, sum(skipped) as skipped
      from etl.load_batch where file_id = f.id) b on f.status = 'loading'
 where u.id = $1 order by f.id limit 1";

impl Delivery {
    /// The load of the file that an upload became; none before it is claimed.
    pub fn of_upload(connection: &mut PgConnection, upload_id: Uuid) -> QueryResult<Option<Delivery>> {
        sql_query(FIND).bind::<SqlUuid, _>(upload_id).get_result(connection).optional()
    }
}

/// A rejected record of a file, without its bytes.
#[derive(Clone, Debug, QueryableByName)]
pub struct Outcome {
    /// The number of the reject.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The line or entry that has it.
    #[diesel(sql_type = Text)]
    pub location: String,
    /// Its FHIR type, if known.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_type: Option<String>,
    /// Its id, if known.
    #[diesel(sql_type = Nullable<Text>)]
    pub fhir_id: Option<String>,
    /// The reason code.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The reason, for people.
    #[diesel(sql_type = Text)]
    pub message: String,
}

impl Outcome {
    /// The next rejects of a file whose numbers are above `after`, at most `limit`.
    pub fn next(
        connection: &mut PgConnection,
        file_id: i64,
        after: i64,
        limit: i64,
    ) -> QueryResult<Vec<Outcome>> {
        sql_query(
            "select id, location, resource_type, fhir_id, reason, message from etl.rejected_record \
             where file_id = $1 and id > $2 order by id limit $3",
        )
        .bind::<BigInt, _>(file_id)
        .bind::<BigInt, _>(after)
        .bind::<BigInt, _>(limit)
        .load(connection)
    }
}

/// The number of the files that were pushed and are not loaded yet, and the bytes of
/// them: the length of the queue.
#[derive(Clone, Copy, Debug, QueryableByName)]
pub struct Queue {
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// Their size.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
}

impl Queue {
    /// Notes which files are no longer queued, so that asking for the queue stays fast.
    pub fn shorten(connection: &mut PgConnection) -> QueryResult<usize> {
        sql_query(
            "update etl.upload u set loaded_at = now() from etl.sender s, etl.load_file f \
              where s.id = u.sender_id and u.status = 'completed' and u.loaded_at is null \
                and f.source_id = s.source_id and f.path = u.landed_path and f.started_at >= u.completing_at \
                and f.status <> 'loading'",
        )
        .execute(connection)
    }

    /// The queue of a sender.
    pub fn of_sender(connection: &mut PgConnection, sender_id: i32) -> QueryResult<Queue> {
        sql_query(
            "select count(*) as files, coalesce(sum(u.size_bytes), 0)::bigint as bytes \
               from etl.upload u join etl.sender s on s.id = u.sender_id \
              where u.sender_id = $1 and u.status in ('completing', 'completed') and u.loaded_at is null \
                and not exists (select from etl.load_file f where f.source_id = s.source_id and f.path = u.landed_path \
                                   and f.started_at >= u.completing_at and f.status <> 'loading')",
        )
        .bind::<diesel::sql_types::Integer, _>(sender_id)
        .get_result(connection)
    }
}
