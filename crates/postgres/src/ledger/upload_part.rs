//! *Parts* of uploads, until the uploads are complete.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{
    Array, BigInt, Binary, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid,
};
use uuid::Uuid;

/// A part that was received, checked and written to disk.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct UploadPart {
    /// Its number, from 1.
    #[diesel(sql_type = Integer)]
    pub part_number: i32,
    /// Its bytes.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The MD5 of its bytes.
    #[diesel(sql_type = Binary)]
    pub md5: Vec<u8>,
    /// The file of the spool that holds it, unless it is in its place.
    #[diesel(sql_type = Nullable<Text>)]
    pub file_name: Option<String>,
    /// When it was received.
    #[diesel(sql_type = Timestamptz)]
    pub received_at: DateTime<Utc>,
    /// Its other checksums in Base64, by their algorithms, as a JSON object.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub checksums: Option<serde_json::Value>,
}

const SELECT_PARTS: &str = "\
select part_number, size_bytes, md5, file_name, received_at, checksums from etl.upload_part";

impl UploadPart {
    /// The parts of an upload, in their order.
    pub fn list(connection: &mut PgConnection, upload_id: Uuid) -> QueryResult<Vec<UploadPart>> {
        sql_query(format!("{SELECT_PARTS} where upload_id = $1 order by part_number"))
            .bind::<SqlUuid, _>(upload_id)
            .load(connection)
    }

    /// One part of an upload.
    pub fn find(
        connection: &mut PgConnection,
        upload_id: Uuid,
        number: i32,
    ) -> QueryResult<Option<UploadPart>> {
        sql_query(format!("{SELECT_PARTS} where upload_id = $1 and part_number = $2"))
            .bind::<SqlUuid, _>(upload_id)
            .bind::<Integer, _>(number)
            .get_result(connection)
            .optional()
    }

    /// Records a part of an open upload. With `replace`, it takes the place of one that
    /// was received before; otherwise that one stays. False if nothing was recorded.
    pub fn record(&self, connection: &mut PgConnection, upload_id: Uuid, replace: bool) -> QueryResult<bool> {
        let recorded = sql_query(
            "insert into etl.upload_part (upload_id, part_number, size_bytes, md5, file_name, checksums) \
             select id, $2, $3, $4, $5, $6 from etl.upload where id = $1 and status = 'open' for share \
             on conflict (upload_id, part_number) do update set size_bytes = excluded.size_bytes, md5 = excluded.md5, \
             file_name = excluded.file_name, checksums = excluded.checksums, received_at = now() where $7",
        )
        .bind::<SqlUuid, _>(upload_id)
        .bind::<Integer, _>(self.part_number)
        .bind::<BigInt, _>(self.size_bytes)
        .bind::<Binary, _>(&self.md5)
        .bind::<Nullable<Text>, _>(&self.file_name)
        .bind::<Nullable<Jsonb>, _>(&self.checksums)
        .bind::<diesel::sql_types::Bool, _>(replace)
        .execute(connection)?;
        Ok(recorded > 0)
    }

    /// Forgets one part.
    pub fn remove(connection: &mut PgConnection, upload_id: Uuid, number: i32) -> QueryResult<()> {
        sql_query("delete from etl.upload_part where upload_id = $1 and part_number = $2")
            .bind::<SqlUuid, _>(upload_id)
            .bind::<Integer, _>(number)
            .execute(connection)?;
        Ok(())
    }

    /// Forgets the parts of finished uploads.
    pub fn forget(connection: &mut PgConnection, upload_ids: &[Uuid]) -> QueryResult<()> {
        sql_query("delete from etl.upload_part where upload_id = any($1)")
            .bind::<Array<SqlUuid>, _>(upload_ids)
            .execute(connection)?;
        Ok(())
    }
}
