//! *Figures*: what the ledger has of files, rejects and uploads, by source, for metrics.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double, Nullable, Text, Timestamptz};

/// The most sources, and the most pairs of source and reason, that are listed.
const MOST_SOURCES: i64 = 200;
const MOST_REASONS: i64 = 1000;

/// The files of a source, of all runs.
#[derive(Clone, Debug, QueryableByName)]
pub struct SourceFigures {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// When the last of its files was loaded.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_success_at: Option<DateTime<Utc>>,
    /// How often it delivers, judging by the last weeks: nine of ten pauses between its
    /// deliveries were not longer. None if it has not delivered often enough.
    #[diesel(sql_type = Nullable<Double>)]
    pub interval_seconds: Option<f64>,
    /// Files that are being loaded.
    #[diesel(sql_type = BigInt)]
    pub files_loading: i64,
    /// Files that were loaded.
    #[diesel(sql_type = BigInt)]
    pub files_loaded: i64,
    /// Files with content that had been loaded before.
    #[diesel(sql_type = BigInt)]
    pub files_duplicate: i64,
    /// Files of which nothing was usable, or that could not be read to their end.
    #[diesel(sql_type = BigInt)]
    pub files_rejected: i64,
    /// Files whose account did not hold when it was to be closed.
    #[diesel(sql_type = BigInt)]
    pub files_failed: i64,
    /// Files that left the inbox before they were loaded.
    #[diesel(sql_type = BigInt)]
    pub files_abandoned: i64,
    /// Files that were taken back.
    #[diesel(sql_type = BigInt)]
    pub files_undone: i64,
    /// Files whose account does not hold.
    #[diesel(sql_type = BigInt)]
    pub unbalanced: i64,
    /// What became of the records of files whose account is closed.
    #[diesel(embed)]
    pub account: super::Account,
}

/// Rejects that are open.
#[derive(Clone, Debug, QueryableByName)]
pub struct RejectFigures {
    /// The name of their source.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The reason code.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// How many there are.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
}

/// Uploads, of all senders together.
#[derive(Clone, Copy, Debug, Default, QueryableByName)]
pub struct UploadFigures {
    /// Uploads that are open or being completed.
    #[diesel(sql_type = BigInt)]
    pub open: i64,
    /// The bytes of their parts.
    #[diesel(sql_type = BigInt)]
    pub open_bytes: i64,
    /// Complete files that wait to be loaded, or are being loaded.
    #[diesel(sql_type = BigInt)]
    pub queued: i64,
    /// The bytes of these.
    #[diesel(sql_type = BigInt)]
    pub queued_bytes: i64,
    /// The size of the database.
    #[diesel(sql_type = BigInt)]
    pub database_bytes: i64,
}

/// A common table expression: of each source, what nine of ten pauses between its deliveries
/// did not exceed, in seconds. Files that were loaded within an hour of each other are one
/// delivery.
pub(super) const HABIT: &str = "\
habit as (
  select source_id, percentile_disc(0.9) within group (order by pause) as seconds
    from (select source_id, extract(epoch from finished_at - lag(finished_at)
                 over (partition by source_id order by finished_at))::float8 as pause
            from etl.load_file
           where status in ('loaded', 'duplicate') and finished_at > now() - interval '35 days') p
   where pause >= 3600 group by 1 having count(*) >= 3)";

/// To follow [`HABIT`].
const BY_SOURCE: &str = "\
select s.code as source,
       max(f.finished_at) filter (where f.status in ('loaded', 'duplicate')) as last_success_at,
       min(h.seconds) as interval_seconds,
       count(*) filter (where f.status = 'loading') as files_loading,
       count(*) filter (where f.status = 'loaded') as files_loaded,
       count(*) filter (where f.status = 'duplicate') as files_duplicate,
       count(*) filter (where f.status = 'rejected') as files_rejected,
       count(*) filter (where f.status = 'failed') as files_failed,
       count(*) filter (where f.status = 'abandoned') as files_abandoned,
       count(*) filter (where f.status = 'undone') as files_undone,
       count(*) filter (where f.status in ('loaded', 'rejected', 'failed')
         and f.seen <> f.inserted + f.updated + f.unchanged + f.stale + f.deleted + f.rejected + f.skipped) as unbalanced,
       coalesce(sum(f.inserted), 0)::bigint as inserted, coalesce(sum(f.updated), 0)::bigint as updated,
       coalesce(sum(f.unchanged), 0)::bigint as unchanged, coalesce(sum(f.stale), 0)::bigint as stale,
       coalesce(sum(f.deleted), 0)::bigint as deleted, coalesce(sum(f.rejected), 0)::bigint as rejected,
       coalesce(sum(f.skipped), 0)::bigint as skipped
  from etl.source s join etl.load_file f on f.source_id = s.id left join habit h on h.source_id = s.id
 group by s.code order by max(f.id) desc limit $1";

const REJECTS: &str = "\
select s.code as source, r.reason, count(*) as records
  from etl.rejected_record r join etl.load_file f on f.id = r.file_id join etl.source s on s.id = f.source_id
 where r.retried_at is null and r.resolved_at is null and r.dismissed_at is null
 group by 1, 2 order by 3 desc limit $1";

const UPLOADS: &str = "\
select o.uploads as open, o.bytes as open_bytes, q.files as queued, q.bytes as queued_bytes,
       pg_database_size(current_database()) as database_bytes
  from (select count(distinct u.id) as uploads, coalesce(sum(p.size_bytes), 0)::bigint as bytes
          from etl.upload u left join etl.upload_part p on p.upload_id = u.id
         where u.status in ('open', 'completing')) o,
       (select count(*) as files, coalesce(sum(u.size_bytes), 0)::bigint as bytes
          from etl.upload u join etl.sender s on s.id = u.sender_id
         where u.status in ('completing', 'completed') and u.loaded_at is null
           and not exists (select from etl.load_file f where f.source_id = s.source_id and f.path = u.landed_path
                              and f.started_at >= u.completing_at and f.status <> 'loading')) q";

impl SourceFigures {
    /// Of the sources that delivered last.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SourceFigures>> {
        sql_query(format!("with {HABIT} {BY_SOURCE}")).bind::<BigInt, _>(MOST_SOURCES).load(connection)
    }
}

impl RejectFigures {
    /// By source and reason, the most frequent first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<RejectFigures>> {
        sql_query(REJECTS).bind::<BigInt, _>(MOST_REASONS).load(connection)
    }
}

impl UploadFigures {
    /// As they are now.
    pub fn load(connection: &mut PgConnection) -> QueryResult<UploadFigures> {
        sql_query(UPLOADS).get_result(connection)
    }
}
