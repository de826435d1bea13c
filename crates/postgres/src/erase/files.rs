//! The *files* of the ledger that an erasure writes again, renames or removes.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text};

/// Where a file is that was written again, and what it is now.
#[derive(Clone, Debug)]
pub struct NewPlace<'p> {
    /// Its location in the archive.
    pub archive_path: &'p str,
    /// Its size in bytes.
    pub size: u64,
    /// The hash of its bytes.
    pub sha256: &'p [u8],
    /// How many bytes it takes in the archive, if it lies there compressed.
    pub stored_bytes: Option<u64>,
}

/// Notes that files, which share one place in the archive, lie at another one now.
pub fn put_in_place(connection: &mut PgConnection, ids: &[i64], place: &NewPlace<'_>) -> QueryResult<()> {
    sql_query(
        "update etl.load_file set archive_path = $2, size_bytes = $3, sha256 = $4, stored_bytes = $5, \
           is_hashed = true, etag = null where id = any($1)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .bind::<Text, _>(place.archive_path)
    .bind::<BigInt, _>(i64::try_from(place.size).unwrap_or(i64::MAX))
    .bind::<Binary, _>(place.sha256)
    .bind::<Nullable<BigInt>, _>(place.stored_bytes.and_then(|bytes| i64::try_from(bytes).ok()))
    .execute(connection)?;
    Ok(())
}

/// Notes that files are gone, because all of their records were erased. Their hashes go, too:
/// they would tell who had the file.
pub fn remove(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<()> {
    sql_query(
        "update etl.load_file set status = 'erased', archive_path = null, size_bytes = 0, stored_bytes = null, \
           etag = null, is_hashed = true, sha256 = sha256(convert_to('erased file ' || id, 'UTF8')) \
         where id = any($1)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .execute(connection)?;
    for statement in [
        "delete from etl.superseded_file where file_id = any($1)",
        "delete from etl.file_overlap where file_id = any($1) or content_file_id = any($1)",
        "delete from etl.skipped_range where file_id = any($1)",
        "delete from etl.undo where file_id = any($1)",
    ] {
        sql_query(statement).bind::<Array<BigInt>, _>(ids).execute(connection)?;
    }
    Ok(())
}

/// Gives a file that the archive does not have any more another name in the ledger.
pub fn rename_lost(connection: &mut PgConnection, id: i64, path: &str) -> QueryResult<()> {
    rename(connection, id, path)?;
    sql_query("update etl.load_file set archive_path = regexp_replace(archive_path, '[^/]*$', '') || $2 where id = $1")
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(path.rsplit('/').next().unwrap_or(path))
        .execute(connection)?;
    Ok(())
}

/// Gives a file another name in the ledger.
pub fn rename(connection: &mut PgConnection, id: i64, path: &str) -> QueryResult<()> {
    sql_query("update etl.load_file set path = $2 where id = $1")
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(path)
        .execute(connection)?;
    Ok(())
}

#[derive(QueryableByName)]
struct InInbox {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    archive_path: Option<String>,
}

/// The numbers of the source's files that the ledger knows and that are still in the inbox:
/// what they hold is not erased.
pub fn files_in_inbox(connection: &mut PgConnection, source_id: i16) -> QueryResult<Vec<i64>> {
    let files: Vec<InInbox> = sql_query(
        "select id, archive_path from etl.load_file where source_id = $1 and archive_path is null \
           and status in ('loading', 'failed', 'loaded', 'rejected') order by id",
    )
    .bind::<SmallInt, _>(source_id)
    .load(connection)?;
    Ok(files.into_iter().filter(|file| file.archive_path.is_none()).map(|file| file.id).collect())
}
