//! *Revisions*: how often a resource has changed, and when it did last.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Integer, Timestamptz};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// The revision of a resource that counts.
#[derive(Clone, Debug, QueryableByName)]
pub struct Revision {
    /// The resource's key.
    #[diesel(sql_type = BigInt)]
    pub key: i64,
    /// How many versions the resource has had, deletions included.
    #[diesel(sql_type = Integer)]
    pub revision: i32,
    /// When the last of them was loaded.
    #[diesel(sql_type = Timestamptz)]
    pub loaded_at: DateTime<Utc>,
    /// The last one is a deletion.
    #[diesel(sql_type = Bool)]
    pub is_deleted: bool,
}

/// The revisions of resources, in no particular order. Those that were only referred to
/// have none.
pub(crate) fn revisions(connection: &mut PgConnection, keys: &[i64]) -> QueryResult<Vec<Revision>> {
    sql_query(
        "select id as key, revision, loaded_at, content_hash is null as is_deleted \
         from etl.resource_version where id = any($1)",
    )
    .bind::<Array<BigInt>, _>(keys)
    .load(connection)
}
