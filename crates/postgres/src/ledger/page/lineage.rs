//! The *lineage* of a file: who brought it, and what of it is in the tables.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz};

use super::BOUND;

/// Where a file came from and where its records are.
#[derive(Clone, Debug, QueryableByName)]
pub struct FileLineage {
    /// The sender that pushed it, if one did.
    #[diesel(sql_type = Nullable<Text>)]
    pub sender: Option<String>,
    /// The interface that it pushed the file by.
    #[diesel(sql_type = Nullable<Text>)]
    pub face: Option<String>,
    /// When the file was complete.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub delivered_at: Option<DateTime<Utc>>,
    /// How many of its records are current in the tables, up to the bound and one.
    #[diesel(sql_type = BigInt)]
    pub current: i64,
    /// The first later file that replaced one of its records.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub first_superseded_by: Option<i64>,
    /// The last one.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_superseded_by: Option<i64>,
    /// The SHA-256 of its bytes, in hexadecimal.
    #[diesel(sql_type = Text)]
    pub sha256: String,
}

impl FileLineage {
    /// Of the file with that number.
    pub fn find(connection: &mut PgConnection, file_id: i64) -> QueryResult<Option<FileLineage>> {
        sql_query(format!(
            "\
select u.sender, u.face, u.delivered_at, s.first_by_file_id as first_superseded_by, s.last_by_file_id as last_superseded_by,
       encode(f.sha256, 'hex') as sha256,
       (select count(*) from (select from etl.resource_version v where v.file_id = f.id limit {BOUND} + 1) b) as current
  from etl.load_file f
  left join etl.superseded_file s on s.file_id = f.id
  left join lateral (
    select d.name as sender, p.face, p.finished_at as delivered_at
      from etl.upload p join etl.sender d on d.id = p.sender_id
     where p.landed_path = f.path and d.source_id = f.source_id and p.completing_at <= f.started_at
     order by p.completing_at desc limit 1) u on true
 where f.id = $1"
        ))
        .bind::<BigInt, _>(file_id)
        .get_result(connection)
        .optional()
    }
}
