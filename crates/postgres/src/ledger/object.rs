//! *Objects*: the files that the senders of a source delivered, as S3 shows them. A file
//! that was delivered several times is one object, the last.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Jsonb, Nullable, SmallInt, Text, Timestamptz};

/// A delivered file.
#[derive(Clone, Debug, QueryableByName)]
pub struct StoredObject {
    /// Its name, with the folders that the sender gave it.
    #[diesel(sql_type = Text)]
    pub key: String,
    /// Its bytes.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// Its ETag; none if it was delivered before they were kept.
    #[diesel(sql_type = Nullable<Text>)]
    pub etag: Option<String>,
    /// When it was delivered.
    #[diesel(sql_type = Timestamptz)]
    pub delivered_at: DateTime<Utc>,
    /// What the sender wants to be kept with it, as a JSON object.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub metadata: Option<serde_json::Value>,
    /// How its checksum is computed.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum_algorithm: Option<String>,
    /// What its checksum is, `FULL_OBJECT` or `COMPOSITE`.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum_type: Option<String>,
    /// Its checksum.
    #[diesel(sql_type = Nullable<Text>)]
    pub checksum: Option<String>,
}

const COLUMNS: &str = "\
u.filename as key, coalesce(u.size_bytes, 0) as size_bytes, u.etag, u.finished_at as delivered_at, u.metadata, \
u.checksum_algorithm, u.checksum_type, u.checksum";
const FROM: &str = "\
etl.upload u where u.sender_id in (select id from etl.sender where source_id = $1) and u.status = 'completed'";

impl StoredObject {
    /// The last delivery of that name to a source.
    pub fn find(
        connection: &mut PgConnection,
        source_id: i16,
        key: &str,
    ) -> QueryResult<Option<StoredObject>> {
        sql_query(format!(
            "select {COLUMNS} from {FROM} and u.filename collate \"C\" = $2 order by u.finished_at desc limit 1"
        ))
        .bind::<SmallInt, _>(source_id)
        .bind::<Text, _>(key)
        .get_result(connection)
        .optional()
    }

    /// The next objects in the order of the bytes of their names: those above `after`, from
    /// `first` on, at most `limit`.
    pub fn list(
        connection: &mut PgConnection,
        source_id: i16,
        (after, first): (&str, &str),
        limit: i64,
    ) -> QueryResult<Vec<StoredObject>> {
        sql_query(format!(
            "select distinct on (u.filename collate \"C\") {COLUMNS} from {FROM} \
               and u.filename collate \"C\" > $2 and u.filename collate \"C\" >= $3 \
             order by u.filename collate \"C\", u.finished_at desc limit $4"
        ))
        .bind::<SmallInt, _>(source_id)
        .bind::<Text, _>(after)
        .bind::<Text, _>(first)
        .bind::<BigInt, _>(limit)
        .load(connection)
    }
}
