//! *Notifications*: what somebody is to be told. Each is noted once for every channel by
//! which it goes, and sent until it has arrived or is too old.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Text, Timestamptz};

use super::figures::HABIT;

/// Held by the process that sends notifications.
const NOTIFICATION_LOCK: i64 = 7_303_020;
/// How many notifications of a channel may wait; what else happens is noted when there is room.
const MOST_WAITING: i64 = 1_000;
/// How many of the last files are looked at.
const LAST_FILES: i64 = 10_000;
/// How long a notification is tried.
const TRIED_FOR: &str = "24 hours";
/// How long those that are done are kept.
const KEPT: &str = "30 days";

/// A notification that is to be sent.
#[derive(Clone, Debug, QueryableByName)]
pub struct Notification {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// What happened, such as `file.failed`.
    #[diesel(sql_type = Text)]
    pub event: String,
    /// When it happened.
    #[diesel(sql_type = Timestamptz)]
    pub occurred_at: DateTime<Utc>,
    /// What there is to say of it. Never a patient's values, nor names of files.
    #[diesel(sql_type = Jsonb)]
    pub data: serde_json::Value,
    /// How often it was tried.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
}

/// A source that has sent nothing for too long.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct SilentSource {
    /// The sender.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// When its last file was loaded.
    #[diesel(sql_type = Timestamptz)]
    pub last_success_at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct IsTrue {
    #[diesel(sql_type = Bool)]
    is: bool,
}

/// Files from before the channel was first used are not told of.
const NOTE_FILES: &str = "\
with first_use as (
  insert into etl.notification_channel (channel) select unnest($1::text[]) on conflict do nothing
  returning channel, begun_at),
channel as (
  select channel, begun_at from etl.notification_channel where channel = any($1)
  union all select channel, begun_at from first_use),
candidate as (
  select f.id, f.load_run_id, f.status, f.seen, f.rejected, s.code as source,
         coalesce(f.finished_at, f.started_at) as occurred_at,
         case f.status when 'failed' then 'file.failed' when 'rejected' then 'file.rejected'
                       when 'loaded' then 'records.rejected' end as event
    from etl.load_file f join etl.source s on s.id = f.source_id
   where f.id > (select coalesce(max(id), 0) - $2 from etl.load_file)
     and coalesce(f.finished_at, f.started_at) > now() - interval '7 days'
     and (f.status in ('failed', 'rejected') or (f.status = 'loaded' and f.rejected > 0)))
insert into etl.notification (channel, event, subject, occurred_at, data)
select c.channel, f.event, 'file ' || f.id, f.occurred_at,
       jsonb_build_object('source', f.source, 'file_id', f.id, 'run_id', f.load_run_id, 'status', f.status,
         'seen', f.seen, 'rejected', f.rejected, 'rejected_by_reason', coalesce(
           (select jsonb_object_agg(r.reason, r.records) from (
              select reason, count(*) as records from etl.rejected_record where file_id = f.id group by 1) r), '{}'))
  from channel c join candidate f on f.occurred_at >= c.begun_at
 where not exists (select from etl.notification n
                    where n.channel = c.channel and n.event = f.event and n.subject = 'file ' || f.id)
   and (select count(*) from etl.notification n
         where n.channel = c.channel and n.sent_at is null and n.given_up_at is null) < $3
 order by f.id limit 100
on conflict do nothing";

/// With the intervals that the settings have, or else the [`HABIT`], which it follows.
const SILENT: &str = "\
declared as (select * from unnest($1::text[], $2::float8[]) as d (source, seconds))
select s.code as source, f.last_success_at
  from etl.source s
  left join habit h on h.source_id = s.id
  left join declared d on d.source = s.code
  cross join lateral (
    select max(finished_at) as last_success_at from etl.load_file f
     where f.source_id = s.id and f.status in ('loaded', 'duplicate')) f
 where f.last_success_at < now() - 2 * coalesce(d.seconds, h.seconds) * interval '1 second'
 order by 1";

const NOTE_SILENT: &str = "\
insert into etl.notification (channel, event, subject, occurred_at, data)
select c, 'source.silent', $2 || ' since ' || $3, now(), jsonb_build_object('source', $2, 'last_success_at', $4)
  from unnest($1::text[]) c
on conflict do nothing";

const DUE: &str = "\
select id, event, occurred_at, data, attempts from etl.notification
 where channel = $1 and sent_at is null and given_up_at is null and retry_at <= now()
 order by id limit 20";

/// Whether this session is the one that sends. It stays so until it ends.
pub fn may_notify(connection: &mut PgConnection) -> QueryResult<bool> {
    let IsTrue { is } = sql_query(
        "select exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and granted \
           and classid = 0 and objid::bigint = $1) or pg_try_advisory_lock($1) as is",
    )
    .bind::<BigInt, _>(NOTIFICATION_LOCK)
    .get_result(connection)?;
    Ok(is)
}

impl Notification {
    /// Notes what happened to files since the last call, for these channels.
    pub fn note_files(connection: &mut PgConnection, channels: &[&str]) -> QueryResult<usize> {
        sql_query(NOTE_FILES)
            .bind::<Array<Text>, _>(channels)
            .bind::<BigInt, _>(LAST_FILES)
            .bind::<BigInt, _>(MOST_WAITING)
            .execute(connection)
    }

    /// Notes sources that are silent for twice the interval in which they deliver: `declared`
    /// has the intervals of sources in seconds, as far as the settings say.
    pub fn note_silent(
        connection: &mut PgConnection,
        channels: &[&str],
        declared: &[(String, f64)],
    ) -> QueryResult<()> {
        let (sources, seconds): (Vec<&str>, Vec<f64>) =
            declared.iter().map(|(source, seconds)| (source.as_str(), *seconds)).unzip();
        let silent: Vec<SilentSource> = sql_query(format!("with {HABIT}, {SILENT}"))
            .bind::<Array<Text>, _>(sources)
            .bind::<Array<Double>, _>(seconds)
            .load(connection)?;
        for SilentSource { source, last_success_at } in silent {
            let since = last_success_at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string();
            sql_query(NOTE_SILENT)
                .bind::<Array<Text>, _>(channels)
                .bind::<Text, _>(&source)
                .bind::<Text, _>(&since)
                .bind::<Text, _>(last_success_at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
                .execute(connection)?;
        }
        Ok(())
    }

    /// Those of a channel that are to be sent now, in their order.
    pub fn due(connection: &mut PgConnection, channel: &str) -> QueryResult<Vec<Notification>> {
        sql_query(DUE).bind::<Text, _>(channel).load(connection)
    }

    /// Notes that it has arrived.
    pub fn sent(&self, connection: &mut PgConnection) -> QueryResult<()> {
        sql_query("update etl.notification set sent_at = now(), attempts = attempts + 1, error = null where id = $1")
            .bind::<BigInt, _>(self.id)
            .execute(connection)?;
        Ok(())
    }

    /// Notes why it has not arrived. It is tried again after that many seconds, unless it is
    /// too old.
    pub fn failed(&self, connection: &mut PgConnection, error: &str, seconds: i32) -> QueryResult<()> {
        sql_query(format!(
            "update etl.notification set attempts = attempts + 1, error = $2, \
                    retry_at = now() + $3 * interval '1 second', \
                    given_up_at = case when noted_at < now() - interval '{TRIED_FOR}' then now() end \
             where id = $1"
        ))
        .bind::<BigInt, _>(self.id)
        .bind::<Text, _>(error)
        .bind::<Integer, _>(seconds)
        .execute(connection)?;
        Ok(())
    }

    /// Removes those that were done long ago.
    pub fn forget(connection: &mut PgConnection) -> QueryResult<usize> {
        sql_query(format!(
            "delete from etl.notification where coalesce(sent_at, given_up_at) < now() - interval '{KEPT}'"
        ))
        .execute(connection)
    }
}
