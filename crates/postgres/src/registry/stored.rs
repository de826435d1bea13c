//! The *stored* versions: what the registry has of the resources of a batch,
//! locked until the transaction ends.

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable, Text, Timestamptz};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::version::{Current, Place, Version, number_of};
use rustc_hash::FxHashMap;

/// Rows are locked in the same order in every transaction, so that two of them
/// never wait for each other in a circle.
const LOCK: &str = "\
select id, revision, content_hash, effective_at, version_id, file_id, position, loaded_at,
       inherited_at, inherited_version, dated_file_id, dated_position, content_since,
       coalesce(content_file_id, file_id) as content_file_id
from etl.resource_version where id = any($1) order by id for update";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Nullable<Binary>)]
    content_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    effective_at: Option<PgTimestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    version_id: Option<String>,
    #[diesel(sql_type = BigInt)]
    file_id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = Timestamptz)]
    loaded_at: PgTimestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    inherited_at: Option<PgTimestamp>,
    #[diesel(sql_type = Nullable<BigInt>)]
    inherited_version: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    dated_file_id: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    dated_position: Option<i64>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    content_since: Option<PgTimestamp>,
    #[diesel(sql_type = BigInt)]
    content_file_id: i64,
}

/// The version that counts so far, or its tombstone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub revision: i32,
    /// `None` for a tombstone.
    pub content_hash: Option<[u8; 32]>,
    pub order: Current,
    /// When the content took effect, in microseconds since 2000-01-01 UTC.
    pub content_since: i64,
    /// The first file that brought the content.
    pub content_file: i64,
}

/// The stored versions of resources, by key. Those that have none yet are left
/// out.
pub(super) fn lock(connection: &mut PgConnection, keys: &[i64]) -> QueryResult<FxHashMap<i64, Stored>> {
    let rows: Vec<Row> = sql_query(LOCK).bind::<Array<BigInt>, _>(keys).load(connection)?;
    Ok(rows.into_iter().map(|row| (row.id, stored(row))).collect())
}

fn stored(row: Row) -> Stored {
    let place = Place { file: row.file_id, position: row.position };
    let version = Version {
        time: row.effective_at.map(|time| time.0),
        number: row.version_id.as_deref().and_then(number_of),
        place,
    };
    let dated = row.dated_file_id.zip(row.dated_position);
    let time_place = dated.map(|(file, position)| Place { file, position });
    let order = Current {
        version,
        inherited_time: row.inherited_at.map(|time| time.0),
        inherited_number: row.inherited_version,
        time_place: time_place.or(version.time.map(|_| place)),
    };
    let since = row.content_since.or(row.effective_at).unwrap_or(row.loaded_at);
    Stored {
        revision: row.revision,
        content_hash: row.content_hash.and_then(|hash| hash.try_into().ok()),
        order,
        content_since: since.0,
        content_file: row.content_file_id,
    }
}
