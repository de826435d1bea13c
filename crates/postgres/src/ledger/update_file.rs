//! *Files of updates*: fhirmill writes them itself, from updates that come one by one, and
//! loads each update while it writes. Such a file is in the ledger before it has content,
//! and gets its size and hash when it is complete.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, SmallInt, Text};
use sha2::{Digest, Sha256};

use super::advisory_lock::living;
use super::source::BASE_URLS;
use super::{ClaimedFile, Run};

#[derive(QueryableByName)]
struct Opened {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Array<Text>)]
    base_urls: Vec<String>,
}

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    holds: bool,
}

/// The source of a file, and its path in the inbox.
#[derive(Clone, Copy, Debug)]
pub struct SourceFile<'f> {
    /// The source.
    pub source: &'f str,
    /// The path. No other file has ever had it.
    pub path: &'f str,
}

impl Run {
    /// Enters a file that this run is about to write. Until its content is known it has the
    /// hash of its path.
    pub fn open_file(&mut self, file: SourceFile<'_>) -> QueryResult<ClaimedFile> {
        let Opened { id, source_id, base_urls } = sql_query(format!(
            "with opened as (
               insert into etl.load_file (load_run_id, source_id, path, size_bytes, sha256, status)
               select $1, s.id, $2, 0, $3, 'loading' from etl.source s where s.code = $4
               returning id, source_id)
             select o.id, o.source_id,
                    array(select b.base_url from {BASE_URLS} b where b.source_id = o.source_id) as base_urls
               from opened o"
        ))
        .bind::<BigInt, _>(self.id)
        .bind::<Text, _>(file.path)
        .bind::<Binary, _>(Sha256::digest(file.path).to_vec())
        .bind::<Text, _>(file.source)
        .get_result(&mut self.connection)?;
        Ok(ClaimedFile { id, source_id, base_urls, done: Vec::new(), rejected: 0 })
    }

    /// See [`has_later_file`].
    pub fn has_later_file(&mut self, file: &ClaimedFile) -> QueryResult<bool> {
        has_later_file(&mut self.connection, file)
    }

    /// Notes what a file contains that is complete.
    pub fn note_content(&mut self, id: i64, size: u64, sha256: [u8; 32]) -> QueryResult<()> {
        sql_query("update etl.load_file set size_bytes = $3, sha256 = $4 where id = $1 and load_run_id = $2")
            .bind::<BigInt, _>(id)
            .bind::<BigInt, _>(self.id)
            .bind::<BigInt, _>(size.cast_signed())
            .bind::<Binary, _>(sha256.to_vec())
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Removes the entry of a file that nothing was written to.
    pub fn drop_empty(&mut self, id: i64) -> QueryResult<()> {
        self.forget(id)
    }
}

/// Whether the source has sent a file after that one. What comes now is later than that, so
/// the file is to be completed, and another begun.
pub fn has_later_file(connection: &mut PgConnection, file: &ClaimedFile) -> QueryResult<bool> {
    let answer: Answer =
        sql_query("select exists (select from etl.load_file where id > $1 and source_id = $2) as holds")
            .bind::<BigInt, _>(file.id)
            .bind::<SmallInt, _>(file.source_id)
            .get_result(connection)?;
    Ok(answer.holds)
}

/// What the ledger has of a file that its process left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftFile {
    /// The run that writes it is alive.
    Alive,
    /// That run is gone.
    Left {
        /// The file's number.
        id: i64,
        /// Its account is not closed.
        is_loading: bool,
    },
    /// Nothing: it is as any other file.
    Unknown,
}

#[derive(QueryableByName)]
struct Left {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Bool)]
    is_loading: bool,
    #[diesel(sql_type = Bool)]
    is_alive: bool,
}

/// What the ledger has of the file with that path.
pub fn left_file(connection: &mut PgConnection, path: &str) -> QueryResult<LeftFile> {
    let living = living();
    let left: Option<Left> = sql_query(format!(
        "select f.id, f.status = 'loading' as is_loading, f.load_run_id in ({living}) as is_alive \
         from etl.load_file f where f.path = $1 order by f.id limit 1"
    ))
    .bind::<Text, _>(path)
    .get_result(connection)
    .optional()?;
    Ok(match left {
        None => LeftFile::Unknown,
        Some(Left { is_alive: true, .. }) => LeftFile::Alive,
        Some(Left { id, is_loading, .. }) => LeftFile::Left { id, is_loading },
    })
}

/// Prepares the ledger for a file that the process that wrote it has left, so that a run
/// goes on with it: whoever claims a file knows it by its hash. `content` is its size and
/// hash; a file without content is forgotten.
pub fn adopt_left(
    connection: &mut PgConnection,
    path: &str,
    content: Option<(u64, [u8; 32])>,
) -> QueryResult<()> {
    let LeftFile::Left { id, is_loading: true } = left_file(connection, path)? else { return Ok(()) };
    match content {
        None => sql_query(
            "delete from etl.load_file f where f.id = $1 and f.status = 'loading' \
             and not exists (select from etl.load_batch b where b.file_id = f.id)",
        )
        .bind::<BigInt, _>(id)
        .execute(connection)?,
        Some((size, sha256)) => sql_query(
            "update etl.load_file set size_bytes = $2, sha256 = $3 where id = $1 and status = 'loading'",
        )
        .bind::<BigInt, _>(id)
        .bind::<BigInt, _>(size.cast_signed())
        .bind::<Binary, _>(sha256.to_vec())
        .execute(connection)?,
    };
    Ok(())
}
