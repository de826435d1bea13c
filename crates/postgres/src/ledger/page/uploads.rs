//! *Uploads in progress* of all senders.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// An upload that is not complete.
#[derive(Clone, Debug, QueryableByName)]
pub struct OpenUpload {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The sender's name.
    #[diesel(sql_type = Text)]
    pub sender: String,
    /// The sender's source.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The interface that it was begun on.
    #[diesel(sql_type = Text)]
    pub face: String,
    /// The name of the file.
    #[diesel(sql_type = Text)]
    pub filename: String,
    /// `open` or `completing`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// How many parts were announced.
    #[diesel(sql_type = Nullable<Integer>)]
    pub part_count: Option<i32>,
    /// How many bytes were announced.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub size_bytes: Option<i64>,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When it is removed.
    #[diesel(sql_type = Timestamptz)]
    pub expires_at: DateTime<Utc>,
    /// How many parts were received.
    #[diesel(sql_type = BigInt)]
    pub parts: i64,
    /// Their bytes.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// When the last one was received.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_part_at: Option<DateTime<Utc>>,
    /// The numbers of the first parts that are missing of those announced.
    #[diesel(sql_type = Array<Integer>)]
    pub missing: Vec<i32>,
}

impl OpenUpload {
    /// The next ones to expire, at most `limit`, with up to `most_missing` missing parts.
    pub fn list(
        connection: &mut PgConnection,
        limit: i64,
        most_missing: i64,
    ) -> QueryResult<Vec<OpenUpload>> {
        sql_query(
            "\
with upload as (
  select * from etl.upload where status in ('open', 'completing') order by expires_at limit $1)
select u.id, s.name as sender, o.code as source, u.face, u.filename, u.status, u.part_count, u.size_bytes,
       u.created_at, u.expires_at, p.parts, p.bytes, p.last_part_at,
       case when u.part_count is null or p.parts >= u.part_count then array[]::integer[] else array(
         select n from generate_series(1, u.part_count) n
          where not exists (select from etl.upload_part m where m.upload_id = u.id and m.part_number = n)
          order by n limit $2) end as missing
  from upload u join etl.sender s on s.id = u.sender_id join etl.source o on o.id = s.source_id
  cross join lateral (
    select count(*) as parts, coalesce(sum(size_bytes), 0)::bigint as bytes, max(received_at) as last_part_at
      from etl.upload_part where upload_id = u.id) p
 order by u.expires_at, u.id",
        )
        .bind::<BigInt, _>(limit)
        .bind::<BigInt, _>(most_missing)
        .load(connection)
    }
}
