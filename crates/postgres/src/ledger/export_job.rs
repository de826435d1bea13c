//! *Exports* that were asked of FHIR servers, from the request to the load of their files.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz};

use super::export_file::NewExportFile;

/// An export that is to be asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewExport<'e> {
    /// The feed that asks for it.
    pub feed_id: Option<i32>,
    /// What is asked for.
    pub request_hash: &'e str,
    /// The source that its files belong to.
    pub source: &'e str,
    /// The URL that it is asked of, without parameters.
    pub url: &'e str,
    /// Its `_since`.
    pub since: Option<&'e str>,
}

/// An export in the ledger.
#[derive(Clone, Debug, QueryableByName)]
pub struct ExportJob {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What was asked for.
    #[diesel(sql_type = Text)]
    pub request_hash: String,
    /// `requested`, `exporting`, `fetching`, `loading`, `finished`, `failed` or `abandoned`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Its `_since`.
    #[diesel(sql_type = Nullable<Text>)]
    pub since: Option<String>,
    /// Where the server tells how far it is.
    #[diesel(sql_type = Nullable<Text>)]
    pub status_url: Option<String>,
    /// The server's transactionTime.
    #[diesel(sql_type = Nullable<Text>)]
    pub transaction_time: Option<String>,
    /// How many calls in a row have failed.
    #[diesel(sql_type = Integer)]
    pub failures: i32,
    /// When the next call is to be made.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub retry_at: Option<DateTime<Utc>>,
    /// When it was asked for.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
}

const COLUMNS: &str =
    "id, request_hash, status, since, status_url, transaction_time, failures, retry_at, started_at";
const IS_OPEN: &str = "status in ('requested', 'exporting', 'fetching', 'loading')";

impl ExportJob {
    /// The unfinished export of a feed.
    pub fn open_of_feed(connection: &mut PgConnection, feed_id: i32) -> QueryResult<Option<ExportJob>> {
        sql_query(format!(
            "select {COLUMNS} from etl.export_job where feed_id = $1 and {IS_OPEN} order by id desc"
        ))
        .bind::<Integer, _>(feed_id)
        .get_result(connection)
        .optional()
    }

    /// The unfinished export of no feed that was asked for in this way.
    pub fn open_of_request(
        connection: &mut PgConnection,
        request_hash: &str,
        source: &str,
    ) -> QueryResult<Option<ExportJob>> {
        sql_query(format!(
            "select {COLUMNS} from etl.export_job \
             where feed_id is null and request_hash = $1 and source = $2 and {IS_OPEN} order by id desc"
        ))
        .bind::<Text, _>(request_hash)
        .bind::<Text, _>(source)
        .get_result(connection)
        .optional()
    }

    /// Enters an export before it is asked for.
    pub fn begin(connection: &mut PgConnection, new: &NewExport<'_>) -> QueryResult<ExportJob> {
        sql_query(format!(
            "insert into etl.export_job (feed_id, request_hash, source, url, since) \
             values ($1, $2, $3, $4, $5) returning {COLUMNS}"
        ))
        .bind::<Nullable<Integer>, _>(new.feed_id)
        .bind::<Text, _>(new.request_hash)
        .bind::<Text, _>(new.source)
        .bind::<Text, _>(new.url)
        .bind::<Nullable<Text>, _>(new.since)
        .get_result(connection)
    }

    /// The export as it is now.
    pub fn find(connection: &mut PgConnection, id: i64) -> QueryResult<ExportJob> {
        sql_query(format!("select {COLUMNS} from etl.export_job where id = $1"))
            .bind::<BigInt, _>(id)
            .get_result(connection)
    }

    /// The server has accepted it.
    pub fn accepted(connection: &mut PgConnection, id: i64, status_url: &str) -> QueryResult<()> {
        sql_query(
            "update etl.export_job set status = 'exporting', status_url = $2, accepted_at = now(), failures = 0, \
             retry_at = null, last_error = null where id = $1",
        )
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(status_url)
        .execute(connection)?;
        Ok(())
    }

    /// The server works on it, and says so.
    pub fn note_progress(
        connection: &mut PgConnection,
        id: i64,
        progress: Option<&str>,
        retry_at: DateTime<Utc>,
    ) -> QueryResult<()> {
        sql_query(
            "update etl.export_job set progress = coalesce($2, progress), retry_at = $3, failures = 0, \
             last_error = null where id = $1 and finished_at is null",
        )
        .bind::<BigInt, _>(id)
        .bind::<Nullable<Text>, _>(progress)
        .bind::<Timestamptz, _>(retry_at)
        .execute(connection)?;
        Ok(())
    }

    /// A call has failed, and the next one is made then.
    pub fn note_failure(
        connection: &mut PgConnection,
        id: i64,
        error: &str,
        failures: u32,
        retry_at: Option<DateTime<Utc>>,
    ) -> QueryResult<()> {
        sql_query(
            "with job as (update etl.export_job set last_error = $2, failures = $3, retry_at = $4, \
               retries = retries + 1 where id = $1 and finished_at is null returning feed_id) \
             update etl.feed f set retries = f.retries + 1 from job where f.id = job.feed_id",
        )
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(error)
        .bind::<Integer, _>(i32::try_from(failures).unwrap_or(i32::MAX))
        .bind::<Nullable<Timestamptz>, _>(retry_at)
        .execute(connection)?;
        Ok(())
    }

    /// The server has finished it: notes its files, in place of those that another
    /// manifest announced.
    pub fn ready(
        connection: &mut PgConnection,
        id: i64,
        transaction_time: Option<&str>,
        organized_by: Option<&str>,
        files: &[NewExportFile<'_>],
    ) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query("delete from etl.export_file where job_id = $1")
                .bind::<BigInt, _>(id)
                .execute(connection)?;
            for file in files {
                file.insert(connection, id)?;
            }
            sql_query(
                "update etl.export_job set status = 'fetching', transaction_time = $2, organized_by = $3, \
                 ready_at = now(), failures = 0, retry_at = null, last_error = null \
                 where id = $1 and finished_at is null",
            )
            .bind::<BigInt, _>(id)
            .bind::<Nullable<Text>, _>(transaction_time)
            .bind::<Nullable<Text>, _>(organized_by)
            .execute(connection)?;
            Ok(())
        })
    }

    /// All of its files are in the inbox, or have to be fetched again.
    pub fn set_status(connection: &mut PgConnection, id: i64, status: &str) -> QueryResult<()> {
        sql_query(
            "update etl.export_job set status = $2, failures = 0, retry_at = null, last_error = null \
             where id = $1 and finished_at is null",
        )
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(status)
        .execute(connection)?;
        Ok(())
    }

    /// All of its files are loaded. Its feed continues at the transaction time; where the
    /// server gave none, at its beginning.
    pub fn finish(connection: &mut PgConnection, id: i64) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query(
                "update etl.export_job set status = 'finished', finished_at = now(), retry_at = null, \
                 last_error = null, failures = 0 where id = $1 and finished_at is null",
            )
            .bind::<BigInt, _>(id)
            .execute(connection)?;
            sql_query(
                "update etl.feed f set position = j.transaction_time, request_hash = j.request_hash \
                   from etl.export_job j where j.id = $1 and j.status = 'finished' and f.id = j.feed_id",
            )
            .bind::<BigInt, _>(id)
            .execute(connection)?;
            Ok(())
        })
    }

    /// It ends without success: `failed` or `abandoned`.
    pub fn end(connection: &mut PgConnection, id: i64, status: &str, error: &str) -> QueryResult<()> {
        sql_query(
            "update etl.export_job set status = $2, last_error = $3, finished_at = now(), retry_at = null \
             where id = $1 and finished_at is null",
        )
        .bind::<BigInt, _>(id)
        .bind::<Text, _>(status)
        .bind::<Text, _>(error)
        .execute(connection)?;
        Ok(())
    }

    /// Whether it has not ended.
    pub fn is_open(connection: &mut PgConnection, id: i64) -> QueryResult<bool> {
        #[derive(QueryableByName)]
        struct Open {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            open: bool,
        }
        let open: Open = sql_query("select finished_at is null as open from etl.export_job where id = $1")
            .bind::<BigInt, _>(id)
            .get_result(connection)?;
        Ok(open.open)
    }

    /// Exports that have ended and that the server may still keep, newest first, of the feed
    /// or of the same request.
    pub fn list_undeleted(
        connection: &mut PgConnection,
        feed_id: Option<i32>,
        request_hash: &str,
    ) -> QueryResult<Vec<ExportJob>> {
        sql_query(format!(
            "select {COLUMNS} from etl.export_job where feed_id is not distinct from $1 \
                and ($1 is not null or request_hash = $2) and status_url is not null and deleted_at is null \
                and status in ('finished', 'failed', 'abandoned') and finished_at > now() - interval '7 days' \
              order by id desc limit 10"
        ))
        .bind::<Nullable<Integer>, _>(feed_id)
        .bind::<Text, _>(request_hash)
        .load(connection)
    }

    /// The server no longer has it.
    pub fn note_deleted(connection: &mut PgConnection, id: i64) -> QueryResult<()> {
        sql_query("update etl.export_job set deleted_at = now() where id = $1")
            .bind::<BigInt, _>(id)
            .execute(connection)?;
        Ok(())
    }
}
