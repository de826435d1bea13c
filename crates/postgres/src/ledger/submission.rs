//! *Submissions*: manifests that senders submit, of files that are fetched from them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Binary, Integer, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::{ExportJob, NewExport};

/// Who submits what, as the sender names it.
#[derive(Clone, Debug)]
pub struct SubmissionKey {
    /// The sender's number.
    pub sender_id: i32,
    /// The system of the submitter; empty if it has none.
    pub submitter_system: String,
    /// Its value.
    pub submitter_value: String,
    /// The id of the submission.
    pub submission_id: String,
}

/// A submission.
#[derive(Clone, Debug, QueryableByName)]
pub struct Submission {
    /// Its id.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// The id that the sender gave it.
    #[diesel(sql_type = Text)]
    pub submission_id: String,
    /// `in-progress`, `completed` or `stopped`.
    #[diesel(sql_type = Text)]
    pub status: String,
}

/// A manifest that is submitted.
#[derive(Clone, Debug)]
pub struct NewManifest {
    /// Its URL.
    pub manifest_url: String,
    /// The URL without parameters.
    pub location: String,
    /// The base of the server that its resources come from.
    pub fhir_base_url: String,
    /// The headers of calls, encrypted.
    pub headers: Option<Vec<u8>>,
    /// The source of the sender.
    pub source: String,
}

/// A manifest that was submitted.
#[derive(Clone, Debug, QueryableByName)]
pub struct SubmittedManifest {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Its URL.
    #[diesel(sql_type = Text)]
    pub manifest_url: String,
    /// The headers of calls, encrypted.
    #[diesel(sql_type = Nullable<Binary>)]
    pub headers: Option<Vec<u8>>,
    /// The source of its files.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// How far it is, etl.export_job.
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    /// The status of that job.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Why it failed, if it did.
    #[diesel(sql_type = Nullable<Text>)]
    pub error: Option<String>,
    /// The files of the manifest.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// Those that are loaded.
    #[diesel(sql_type = BigInt)]
    pub files_loaded: i64,
    /// The records that were read.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    /// Those that were rejected.
    #[diesel(sql_type = BigInt)]
    pub rejected: i64,
}

const COLUMNS: &str = "id, submission_id, status";
const MANIFESTS: &str = "\
select m.id, m.manifest_url, m.headers, j.source, m.job_id, j.status, j.last_error as error, e.files,
       e.files_loaded, e.records, e.rejected
  from etl.bulk_manifest m join etl.export_job j on j.id = m.job_id
 cross join lateral (
   select count(*) as files, count(*) filter (where status in ('loaded', 'empty', 'kept')) as files_loaded,
          coalesce(sum(seen_count) filter (where kind <> 'outcome'), 0)::bigint as records,
          coalesce(sum(rejected_count), 0)::bigint as rejected
     from etl.export_file where job_id = m.job_id) e";
const IS_OPEN: &str = "j.status in ('requested', 'exporting', 'fetching', 'loading')";

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct FileId {
    #[diesel(sql_type = BigInt)]
    file_id: i64,
}

impl Submission {
    /// The submission that a sender has named so.
    pub fn find(connection: &mut PgConnection, key: &SubmissionKey) -> QueryResult<Option<Submission>> {
        sql_query(format!(
            "select {COLUMNS} from etl.bulk_submission where sender_id = $1 and submitter_system = $2 \
                and submitter_value = $3 and submission_id = $4"
        ))
        .bind::<Integer, _>(key.sender_id)
        .bind::<Text, _>(&key.submitter_system)
        .bind::<Text, _>(&key.submitter_value)
        .bind::<Text, _>(&key.submission_id)
        .get_result(connection)
        .optional()
    }

    /// That submission; it begins if there is none. Locked until the end of the transaction.
    pub fn begin(connection: &mut PgConnection, key: &SubmissionKey) -> QueryResult<Submission> {
        sql_query(format!(
            "insert into etl.bulk_submission (id, sender_id, submitter_system, submitter_value, submission_id) \
             values (gen_random_uuid(), $1, $2, $3, $4) \
             on conflict (sender_id, submitter_system, submitter_value, submission_id) \
             do update set submission_id = excluded.submission_id returning {COLUMNS}"
        ))
        .bind::<Integer, _>(key.sender_id)
        .bind::<Text, _>(&key.submitter_system)
        .bind::<Text, _>(&key.submitter_value)
        .bind::<Text, _>(&key.submission_id)
        .get_result(connection)
    }

    /// The submission of a sender with that id.
    pub fn of_id(connection: &mut PgConnection, id: Uuid, sender_id: i32) -> QueryResult<Option<Submission>> {
        sql_query(format!("select {COLUMNS} from etl.bulk_submission where id = $1 and sender_id = $2"))
            .bind::<SqlUuid, _>(id)
            .bind::<Integer, _>(sender_id)
            .get_result(connection)
            .optional()
    }

    /// The sender says that it is `completed` or `stopped`. What is still being fetched of
    /// one that is stopped is abandoned.
    pub fn end(connection: &mut PgConnection, id: Uuid, status: &str) -> QueryResult<()> {
        sql_query("update etl.bulk_submission set status = $2, ended_at = now() where id = $1")
            .bind::<SqlUuid, _>(id)
            .bind::<Text, _>(status)
            .execute(connection)?;
        if status == "stopped" {
            sql_query(format!(
                "update etl.export_job j set status = 'abandoned', finished_at = now(), retry_at = null, \
                 last_error = 'the sender has stopped the submission' \
                   from etl.bulk_manifest m where m.submission_id = $1 and j.id = m.job_id and {IS_OPEN}"
            ))
            .bind::<SqlUuid, _>(id)
            .execute(connection)?;
        }
        Ok(())
    }

    /// How many manifests of a sender are not finished.
    pub fn open_manifests(connection: &mut PgConnection, sender_id: i32) -> QueryResult<i64> {
        let count: Count = sql_query(format!(
            "select count(*) as count from etl.bulk_manifest m join etl.bulk_submission s on s.id = m.submission_id \
               join etl.export_job j on j.id = m.job_id where s.sender_id = $1 and {IS_OPEN}"
        ))
        .bind::<Integer, _>(sender_id)
        .get_result(connection)?;
        Ok(count.count)
    }
}

impl SubmittedManifest {
    /// Enters a manifest, to be fetched.
    pub fn add(connection: &mut PgConnection, submission_id: Uuid, new: &NewManifest) -> QueryResult<()> {
        let export = NewExport {
            feed_id: None,
            request_hash: &format!("submission {submission_id} {}", new.manifest_url),
            source: &new.source,
            url: &new.location,
            since: None,
        };
        let job = ExportJob::begin(connection, &export)?;
        ExportJob::accepted(connection, job.id, &new.manifest_url)?;
        sql_query(
            "insert into etl.bulk_manifest (submission_id, manifest_url, fhir_base_url, headers, job_id) \
             values ($1, $2, $3, $4, $5)",
        )
        .bind::<SqlUuid, _>(submission_id)
        .bind::<Text, _>(&new.manifest_url)
        .bind::<Text, _>(&new.fhir_base_url)
        .bind::<Nullable<Binary>, _>(new.headers.as_deref())
        .bind::<BigInt, _>(job.id)
        .execute(connection)?;
        Ok(())
    }

    /// The manifests of a submission, in the order in which they came.
    pub fn list(connection: &mut PgConnection, submission_id: Uuid) -> QueryResult<Vec<SubmittedManifest>> {
        sql_query(format!("{MANIFESTS} where m.submission_id = $1 order by m.id"))
            .bind::<SqlUuid, _>(submission_id)
            .load(connection)
    }

    /// The manifests that are to be fetched now, oldest first.
    pub fn list_open(connection: &mut PgConnection) -> QueryResult<Vec<SubmittedManifest>> {
        sql_query(format!(
            "{MANIFESTS} where {IS_OPEN} and coalesce(j.retry_at <= now(), true) order by m.id limit 100"
        ))
        .load(connection)
    }

    /// The files that it was loaded as, etl.load_file.
    pub fn file_ids(connection: &mut PgConnection, job_id: i64) -> QueryResult<Vec<i64>> {
        let files: Vec<FileId> = sql_query(
            "select file_id from etl.export_file where job_id = $1 and file_id is not null order by number",
        )
        .bind::<BigInt, _>(job_id)
        .load(connection)?;
        Ok(files.into_iter().map(|FileId { file_id }| file_id).collect())
    }

    /// Whether it has ended, in one way or the other.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.as_str(), "finished" | "failed" | "abandoned")
    }
}
