//! How far each sink is.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Nullable, Text, Timestamptz};
use serde::Serialize;

use crate::ledger::advisory_lock::{SINK_LOCK, holders};
use crate::ledger::file::as_optional_text;

/// A sink, and how far it is.
#[derive(Clone, Debug, QueryableByName, Serialize)]
pub struct SinkStatus {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The source whose resources it gets.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The base URL of the server.
    #[diesel(sql_type = Text)]
    pub url: String,
    /// The types that it gets, in their order.
    #[diesel(sql_type = Array<Text>)]
    pub types: Vec<String>,
    /// The types that are left out.
    #[diesel(sql_type = Array<Text>)]
    pub leave_out: Vec<String>,
    /// `idle`, `sending`, `failing`, or `stopped` where no process sends to it.
    #[diesel(sql_type = Text)]
    pub state: String,
    /// Whether a process sends to it.
    #[diesel(sql_type = Bool)]
    pub is_running: bool,
    /// Batches that are not acknowledged.
    #[diesel(sql_type = BigInt)]
    pub outstanding_batches: i64,
    /// How many resources these have at most.
    #[diesel(sql_type = BigInt)]
    pub outstanding_resources: i64,
    /// How long the oldest of these waits, in seconds; 0 if there is none.
    #[diesel(sql_type = Double)]
    pub lag_seconds: f64,
    /// Deletions that it has yet to carry out.
    #[diesel(sql_type = BigInt)]
    pub outstanding_deletes: i64,
    /// Resources that are refused and await nothing.
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
    /// Resources that were refused, and are sent again when others have arrived.
    #[diesel(sql_type = BigInt)]
    pub awaiting_references: i64,
    /// How many times it accepted a version of a resource.
    #[diesel(sql_type = BigInt)]
    pub accepted_total: i64,
    /// How many times it deleted a resource.
    #[diesel(sql_type = BigInt)]
    pub deleted_total: i64,
    /// How many times it refused a version or a deletion.
    #[diesel(sql_type = BigInt)]
    pub refused_total: i64,
    /// How many Bundles it answered.
    #[diesel(sql_type = BigInt)]
    pub requests_total: i64,
    /// How many calls failed and were made again.
    #[diesel(sql_type = BigInt)]
    pub retries_total: i64,
    /// When it last accepted something.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// When calls began to fail.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub failing_since: Option<DateTime<Utc>>,
    /// When it is called again.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub retry_at: Option<DateTime<Utc>>,
    /// Why the last call failed.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
}

fn query() -> String {
    let running = holders(SINK_LOCK);
    format!(
        "\
select s.name, c.code as source, s.url, s.types, s.leave_out, r.is_running,
       case when s.failing_since is not null then 'failing'
            when b.batches + d.deletes = 0 then 'idle'
            when r.is_running then 'sending' else 'stopped' end as state,
       b.batches as outstanding_batches, b.resources as outstanding_resources, b.lag as lag_seconds,
       d.deletes as outstanding_deletes, f.refused, f.awaiting as awaiting_references,
       s.accepted as accepted_total, s.deleted as deleted_total, s.refused as refused_total,
       s.requests as requests_total, s.retries as retries_total,
       s.last_success_at, s.failing_since, s.retry_at, s.last_error
from etl.sink s
join etl.source c on c.id = s.source_id
cross join lateral (select s.id::bigint in ({running}) as is_running) r
cross join lateral (
  select count(*) as batches, coalesce(sum(resources), 0)::bigint as resources,
         coalesce(extract(epoch from now() - min(noted_at)), 0)::float8 as lag
    from etl.sink_batch where sink_id = s.id and acknowledged_at is null) b
cross join lateral (
  select count(*) as deletes from etl.sink_resource
   where sink_id = s.id and delete_requested_at is not null and delete_refused_at is null) d
cross join lateral (
  select count(*) filter (where awaits = '{{}}') as refused, count(*) filter (where awaits <> '{{}}') as awaiting
    from etl.sink_refusal where sink_id = s.id and resolved_at is null) f
order by s.name"
    )
}

impl SinkStatus {
    /// All sinks, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SinkStatus>> {
        sql_query(query()).load(connection)
    }
}
