//! *Old rows* of the ledger, which nothing needs any more. They are deleted in batches, each a
//! transaction of its own, so that nobody waits for long.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double};

/// The most rows that one statement deletes.
const BATCH: i64 = 2_000;

/// Rows that go when they are old.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OldRows {
    /// The text of rejected records. The rejects stay: they are part of the account of their file.
    RejectTexts,
    /// Submissions of manifests that have ended, with their manifests.
    Submissions,
    /// Exports that have ended, except the last of each feed.
    Exports,
    /// Files that lie nowhere any more, hold no current version and have no open reject with its text,
    /// with all that belongs to them: parts, rejects, skipped records, undos.
    Files,
    /// Runs without files.
    Runs,
    /// Keys that an undo has left, of sources without an undo that could be redone.
    UndoneKeys,
}

/// Of the rows `t`; $1 is their age in seconds.
const REJECT_TEXTS: &str = "t.raw is not null and t.created_at < now() - make_interval(secs => $1)";

const SUBMISSIONS: &str = "\
t.ended_at < now() - make_interval(secs => $1) and not exists (
  select from etl.bulk_manifest m join etl.export_job j on j.id = m.job_id
   where m.submission_id = t.id and (j.finished_at is null or j.finished_at >= now() - make_interval(secs => $1)))";

/// The server may still have to be asked to delete one that has ended a few days ago.
const EXPORTS: &str = "\
t.status in ('finished', 'failed', 'abandoned') and t.finished_at < now() - make_interval(secs => $1)
and (t.deleted_at is not null or t.status_url is null or t.finished_at < now() - interval '7 days')
and not exists (select from etl.bulk_manifest m where m.job_id = t.id)
and t.id < (select max(o.id) from etl.export_job o where o.feed_id is not distinct from t.feed_id)";

const FILES: &str = "\
t.status <> 'loading' and coalesce(t.finished_at, t.started_at) < now() - make_interval(secs => $1)
and t.move_error is null and (t.archive_path is null or t.archive_removed_at is not null)
and not exists (select from etl.resource_version v where v.file_id = t.id)
and not exists (select from etl.rejected_record r where r.file_id = t.id and r.raw is not null
                  and r.retried_at is null and r.resolved_at is null and r.dismissed_at is null)";

const RUNS: &str = "\
t.finished_at < now() - make_interval(secs => $1) and t.id < (select max(id) from etl.load_run)
and not exists (select from etl.load_file f where f.load_run_id = t.id)
and not exists (select from etl.feed_offset o where o.run_id = t.id)";

const UNDONE_KEYS: &str = "\
$1 is not null and not exists (
  select from etl.undo u join etl.load_file f on f.id = u.file_id
   where f.source_id = t.source_id and u.redone_at is null)";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl OldRows {
    /// All of them, in the order in which they go: what refers to others first.
    pub const ALL: [OldRows; 6] = [
        OldRows::RejectTexts,
        OldRows::Submissions,
        OldRows::Exports,
        OldRows::Files,
        OldRows::Runs,
        OldRows::UndoneKeys,
    ];

    /// What they are, for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            OldRows::RejectTexts => "reject_texts",
            OldRows::Submissions => "submissions",
            OldRows::Exports => "exports",
            OldRows::Files => "files",
            OldRows::Runs => "runs",
            OldRows::UndoneKeys => "undone_keys",
        }
    }

    fn table(self) -> (&'static str, &'static str) {
        match self {
            OldRows::RejectTexts => ("etl.rejected_record", REJECT_TEXTS),
            OldRows::Submissions => ("etl.bulk_submission", SUBMISSIONS),
            OldRows::Exports => ("etl.export_job", EXPORTS),
            OldRows::Files => ("etl.load_file", FILES),
            OldRows::Runs => ("etl.load_run", RUNS),
            OldRows::UndoneKeys => ("etl.undone_key", UNDONE_KEYS),
        }
    }

    /// How many have been kept for longer than `time`.
    pub fn count(self, connection: &mut PgConnection, time: Duration) -> QueryResult<u64> {
        let (table, condition) = self.table();
        let found: Number = sql_query(format!("select count(*) as number from {table} t where {condition}"))
            .bind::<Double, _>(time.as_secs_f64())
            .get_result(connection)?;
        Ok(found.number.unsigned_abs())
    }

    /// Removes a batch of those that have been kept for longer than `time`. Returns how many, and
    /// whether there may be more.
    pub fn prune(self, connection: &mut PgConnection, time: Duration) -> QueryResult<(u64, bool)> {
        let (table, condition) = self.table();
        let old = format!("select t.id from {table} t where {condition} limit $2");
        let statement = match self {
            OldRows::RejectTexts => {
                format!("update {table} set raw = null, raw_removed_at = now() where id in ({old})")
            }
            OldRows::Files => files(condition),
            _ => format!("delete from {table} where id in ({old})"),
        };
        let removed = connection.transaction(|connection| {
            sql_query(statement)
                .bind::<Double, _>(time.as_secs_f64())
                .bind::<BigInt, _>(BATCH)
                .execute(connection)
        })?;
        Ok((removed as u64, removed as i64 == BATCH))
    }
}

/// An undo has to know that it cannot know what was in them.
fn files(condition: &str) -> String {
    format!(
        "with old as materialized (\
           select t.id, t.source_id, t.inserted + t.updated + t.unchanged + t.stale + t.deleted > 0 as is_accepted \
           from etl.load_file t where {condition} limit $2), \
         noted as (update etl.source s set pruned_file_id = greatest(s.pruned_file_id, o.last) \
           from (select source_id, max(id) as last from old where is_accepted group by 1) o \
           where s.id = o.source_id), \
         unlinked as (delete from etl.file_overlap where file_id in (select id from old)), \
         superseded as (delete from etl.superseded_file d where d.file_id in (select id from old) \
           and not exists (select from etl.file_overlap o where o.content_file_id = d.file_id)) \
         delete from etl.load_file where id in (select id from old)"
    )
}
