//! The runs of a *feed* and the files of each, with the counts that were announced.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};

use crate::ledger::export_file::DIFFERS;

/// A run of a feed: an export, from the request to the load of its files.
#[derive(Clone, Debug, QueryableByName)]
pub struct FeedRun {
    /// Its number, also in the names of its files.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// `requested`, `exporting`, `fetching`, `loading`, `finished`, `failed` or `abandoned`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// What changed since then was asked for; none if everything was.
    #[diesel(sql_type = Nullable<Text>)]
    pub since: Option<String>,
    /// The type of resources that its files are organized by.
    #[diesel(sql_type = Nullable<Text>)]
    pub organized_by: Option<String>,
    /// What the server last said of its progress.
    #[diesel(sql_type = Nullable<Text>)]
    pub progress: Option<String>,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// When the server is called again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub retry_at: Option<DateTime<Utc>>,
    /// Why the last call failed, or the run did.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// How many calls failed and were made again.
    #[diesel(sql_type = BigInt)]
    pub retries: i64,
    /// Its files, as announced.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// Those that were fetched.
    #[diesel(sql_type = BigInt)]
    pub fetched: i64,
    /// Those that are loaded.
    #[diesel(sql_type = BigInt)]
    pub loaded: i64,
    /// The bytes that were fetched.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// The records that were read.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    /// Those of them that were rejected.
    #[diesel(sql_type = BigInt)]
    pub rejected: i64,
    /// Files with another number of resources than was announced.
    #[diesel(sql_type = BigInt)]
    pub differences: i64,
    /// OperationOutcomes that the server gave about the run.
    #[diesel(sql_type = BigInt)]
    pub outcomes: i64,
}

/// A file of a run.
#[derive(Clone, Debug, QueryableByName)]
pub struct FeedFile {
    /// Its place in the manifest, from 1.
    #[diesel(sql_type = Integer)]
    pub number: i32,
    /// `output`, `deleted` or `outcome`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The type of its resources, as announced.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_type: Option<String>,
    /// How many resources were announced.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub announced: Option<i64>,
    /// How many were read, without headers.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub seen: Option<i64>,
    /// How many headers were read.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub headers: Option<i64>,
    /// How many records were rejected.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub rejected: Option<i64>,
    /// How far it is.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// The bytes that are here.
    #[diesel(sql_type = BigInt)]
    pub bytes: i64,
    /// The file that it was loaded as.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub file_id: Option<i64>,
    /// Whether it has another number of resources than was announced.
    #[diesel(sql_type = Bool)]
    pub differs: bool,
}

/// Which files of a run are listed.
#[derive(Clone, Copy, Debug)]
pub struct FeedFilePage {
    /// The run.
    pub run_id: i64,
    /// Those after that place in the manifest.
    pub after: i32,
    /// Only those that differ.
    pub only_differing: bool,
    /// At most so many.
    pub limit: i64,
}

impl FeedRun {
    /// The runs of a feed, newest first, before that one.
    pub fn list(
        connection: &mut PgConnection,
        feed: &str,
        before: Option<i64>,
        limit: i64,
    ) -> QueryResult<Vec<FeedRun>> {
        sql_query(format!(
            "select j.id, j.status, j.since, j.organized_by, j.progress, j.started_at, j.finished_at, j.retry_at, \
                    j.last_error, j.retries, e.* \
               from etl.feed f join etl.export_job j on j.feed_id = f.id cross join lateral ( \
                 select count(*) as files, count(*) filter (where e.status not in ('waiting', 'landing')) as fetched, \
                        count(*) filter (where e.status in ('loaded', 'empty', 'kept')) as loaded, \
                        coalesce(sum(e.size_bytes), 0)::bigint as bytes, \
                        coalesce(sum(e.seen_count) filter (where e.kind <> 'outcome'), 0)::bigint as records, \
                        coalesce(sum(e.rejected_count), 0)::bigint as rejected, \
                        count(*) filter (where {DIFFERS}) as differences, \
                        coalesce(sum(e.seen_count) filter (where e.kind = 'outcome'), 0)::bigint as outcomes \
                   from etl.export_file e where e.job_id = j.id) e \
              where f.name = $1 and ($2 is null or j.id < $2) order by j.id desc limit $3"
        ))
        .bind::<Text, _>(feed)
        .bind::<Nullable<BigInt>, _>(before)
        .bind::<BigInt, _>(limit)
        .load(connection)
    }
}

impl FeedFile {
    /// Files of a run, in the order of its manifest.
    pub fn list(connection: &mut PgConnection, page: FeedFilePage) -> QueryResult<Vec<FeedFile>> {
        sql_query(format!(
            "select * from ( \
               select e.number, e.kind, e.resource_type, e.announced_count as announced, \
                      e.seen_count - coalesce(e.header_count, 0) as seen, e.header_count as headers, \
                      e.rejected_count as rejected, e.status, e.size_bytes as bytes, e.file_id, \
                      coalesce({DIFFERS}, false) as differs \
                 from etl.export_file e join etl.export_job j on j.id = e.job_id \
                where e.job_id = $1 and e.number > $2) e \
              where differs or not $3 order by number limit $4"
        ))
        .bind::<BigInt, _>(page.run_id)
        .bind::<Integer, _>(page.after)
        .bind::<Bool, _>(page.only_differing)
        .bind::<BigInt, _>(page.limit)
        .load(connection)
    }
}
