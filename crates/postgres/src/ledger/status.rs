//! The *status*: the ledger in a few figures.

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

/// Totals over all runs and files.
#[derive(Debug, Default, QueryableByName, Serialize)]
pub struct LedgerStatus {
    /// When the last run began, in UTC.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_run: Option<String>,
    /// `running`, `finished` or `failed`.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_run_status: Option<String>,
    #[diesel(sql_type = BigInt)]
    pub files_loaded: i64,
    #[diesel(sql_type = BigInt)]
    pub files_loading: i64,
    #[diesel(sql_type = BigInt)]
    pub files_rejected: i64,
    #[diesel(sql_type = BigInt)]
    pub files_failed: i64,
    /// Rejected records that are open: not retried, resolved or dismissed.
    #[diesel(sql_type = BigInt)]
    pub records_rejected: i64,
    /// Rejected records that were put into the inbox again, and that no mended one has
    /// followed yet.
    #[diesel(sql_type = BigInt)]
    pub rejects_retried: i64,
    /// Rejected records for which a mended one has loaded.
    #[diesel(sql_type = BigInt)]
    pub rejects_resolved: i64,
    /// Rejected records that an operator has dismissed.
    #[diesel(sql_type = BigInt)]
    pub rejects_dismissed: i64,
    /// References without a key.
    #[diesel(sql_type = BigInt)]
    pub unresolved_references: i64,
    /// Resources that were inserted so far.
    #[diesel(sql_type = BigInt)]
    pub resources: i64,
    /// Elements that are not written as FHIR R4 defines them, by path.
    #[diesel(sql_type = BigInt)]
    pub deviating_elements: i64,
    /// Elements that FHIR R4 does not define, by path.
    #[diesel(sql_type = BigInt)]
    pub unmapped_elements: i64,
    /// The size of the database.
    #[diesel(sql_type = BigInt)]
    pub database_bytes: i64,
}

/// One statement, because a health check asks every few seconds.
const STATUS: &str = "\
select (select to_char(max(started_at) at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from etl.load_run) as last_run,
       (select status from etl.load_run order by id desc limit 1) as last_run_status,
       count(*) filter (where status = 'loaded') as files_loaded,
       count(*) filter (where status = 'loading') as files_loading,
       count(*) filter (where status = 'rejected') as files_rejected,
       count(*) filter (where status = 'failed') as files_failed,
       r.open as records_rejected, r.retried as rejects_retried, r.resolved as rejects_resolved,
       r.dismissed as rejects_dismissed,
       (select count(*) from etl.unresolved_reference) as unresolved_references,
       coalesce(sum(inserted), 0)::bigint as resources,
       (select count(*) from etl.deviating_element) as deviating_elements,
       (select count(*) from etl.unmapped_element) as unmapped_elements,
       pg_database_size(current_database()) as database_bytes
from (
  select count(*) filter (where dismissed_at is not null) as dismissed,
         count(*) filter (where dismissed_at is null and resolved_at is not null) as resolved,
         count(*) filter (where dismissed_at is null and resolved_at is null and retried_at is not null) as retried,
         count(*) filter (where dismissed_at is null and resolved_at is null and retried_at is null) as open
    from etl.rejected_record) r
left join etl.load_file on true
group by r.open, r.retried, r.resolved, r.dismissed";

impl LedgerStatus {
    /// Asks for the figures as they are now.
    pub fn load(connection: &mut PgConnection) -> QueryResult<LedgerStatus> {
        sql_query(STATUS).get_result(connection)
    }
}
