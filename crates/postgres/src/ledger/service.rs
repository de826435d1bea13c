//! *Services* (`fhirmill run`): each tells every few seconds that it is alive, and
//! how its last scan went, also while there is nothing to load.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamptz};
use serde::Serialize;

use super::advisory_lock::{SERVICE_LOCK, living_services};
use super::file::as_optional_text;
use super::schema::service;
use super::view::VIEW_CHANNEL;

/// For how long services that have ended are listed.
const KEPT: &str = "7 days";

/// Where a service runs.
#[derive(Clone, Debug)]
pub struct NewService {
    /// The name of the machine or container.
    pub host: String,
    /// The process there.
    pub process_id: u32,
    /// The folder that it scans.
    pub inbox: String,
}

/// How the scans of a service went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanRecord {
    /// When the scan in progress began.
    pub started_at: Option<DateTime<Utc>>,
    /// When the last scan ended.
    pub last_at: Option<DateTime<Utc>>,
    /// When the last successful scan ended.
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why the last scan failed, if it did.
    pub last_error: Option<String>,
    /// How many scans have failed since the last successful one.
    pub failed: u32,
    /// How many paths the last scan skipped.
    pub skipped_paths: u64,
}

/// A service that is alive. It lives as long as the connection that it beats over.
pub struct Service {
    id: i32,
    connection: PgConnection,
}

#[derive(QueryableByName)]
struct Beaten {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

impl Service {
    /// Enters a service that begins, and forgets those that ended long ago.
    pub fn begin(mut connection: PgConnection, new: &NewService) -> QueryResult<Service> {
        sql_query(format!(
            "delete from etl.service where beat_at < now() - interval '{KEPT}' and id not in ({})",
            living_services()
        ))
        .execute(&mut connection)?;
        let id = connection.transaction(|connection| {
            let id: i32 = diesel::insert_into(service::table)
                .values((
                    service::host.eq(&new.host),
                    service::process_id.eq(new.process_id as i32),
                    service::program_version.eq(env!("CARGO_PKG_VERSION")),
                    service::inbox.eq(&new.inbox),
                ))
                .returning(service::id)
                .get_result(connection)?;
            lock(connection, id)?;
            QueryResult::Ok(id)
        })?;
        listen(&mut connection)?;
        Ok(Service { id, connection })
    }

    /// Goes on over another connection, after the one before was lost; or begins anew
    /// if the entry is gone.
    pub fn resume(id: i32, mut connection: PgConnection, new: &NewService) -> QueryResult<Service> {
        let found: i64 = service::table.find(id).count().get_result(&mut connection)?;
        if found == 0 {
            return Service::begin(connection, new);
        }
        lock(&mut connection, id)?;
        listen(&mut connection)?;
        Ok(Service { id, connection })
    }

    /// Its number.
    pub fn id(&self) -> i32 {
        self.id
    }

    /// Tells that it is alive, and how its scans went.
    pub fn beat(&mut self, scans: &ScanRecord) -> QueryResult<()> {
        let beaten = diesel::update(service::table.find(self.id))
            .set((
                service::beat_at.eq(now),
                service::ended_at.eq(None::<DateTime<Utc>>),
                service::scan_started_at.eq(scans.started_at),
                service::last_scan_at.eq(scans.last_at),
                service::last_success_at.eq(scans.last_success_at),
                service::last_error.eq(scans.last_error.as_deref()),
                service::failed_scans.eq(i32::try_from(scans.failed).unwrap_or(i32::MAX)),
                service::skipped_paths.eq(i32::try_from(scans.skipped_paths).unwrap_or(i32::MAX)),
            ))
            .execute(&mut self.connection)?;
        // Somebody has emptied the table.
        if beaten == 0 { Err(diesel::result::Error::NotFound) } else { Ok(()) }
    }

    /// Whether somebody has applied views since the last call, or since it began. Asks
    /// nothing of the server.
    pub fn heard_of_views(&mut self) -> QueryResult<bool> {
        let mut is_heard = false;
        for notification in self.connection.notifications_iter() {
            notification?;
            is_heard = true;
        }
        Ok(is_heard)
    }

    /// Notes that it was stopped.
    pub fn end(mut self) -> QueryResult<()> {
        diesel::update(service::table.find(self.id))
            .set((service::ended_at.eq(now), service::scan_started_at.eq(None::<DateTime<Utc>>)))
            .execute(&mut self.connection)?;
        Ok(())
    }
}

/// From now on the server tells the connection when views are applied.
fn listen(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query(format!("listen {VIEW_CHANNEL}")).execute(connection)?;
    Ok(())
}

/// By this lock, a service that is alive is known from one that was killed.
fn lock(connection: &mut PgConnection, id: i32) -> QueryResult<()> {
    let locked: Beaten = sql_query("select count(*) as rows from (select pg_advisory_lock($1, $2)) l")
        .bind::<Integer, _>(SERVICE_LOCK)
        .bind::<Integer, _>(id)
        .get_result(connection)?;
    debug_assert_eq!(locked.rows, 1);
    Ok(())
}

/// A service, as the ledger lists it.
#[derive(Debug, QueryableByName, Serialize)]
pub struct ServiceEntry {
    /// Its number.
    #[diesel(sql_type = Integer)]
    pub id: i32,
    /// The name of the machine or container.
    #[diesel(sql_type = Text)]
    pub host: String,
    /// The process there.
    #[diesel(sql_type = Integer)]
    pub process_id: i32,
    /// The version of the program.
    #[diesel(sql_type = Text)]
    pub program_version: String,
    /// The folder that it scans.
    #[diesel(sql_type = Text)]
    pub inbox: String,
    /// It holds its lock: the process is there.
    #[diesel(sql_type = Bool)]
    pub is_alive: bool,
    /// When it started.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it last told that it is alive.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub beat_at: Option<DateTime<Utc>>,
    /// How long ago that was, by the server's clock.
    #[diesel(sql_type = BigInt)]
    pub beat_seconds_ago: i64,
    /// When it was stopped.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub ended_at: Option<DateTime<Utc>>,
    /// When the scan in progress began.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub scan_started_at: Option<DateTime<Utc>>,
    /// When the last scan ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_scan_at: Option<DateTime<Utc>>,
    /// When the last successful scan ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_success_at: Option<DateTime<Utc>>,
    /// Why the last scan failed, if it did.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_error: Option<String>,
    /// How many scans have failed since the last successful one.
    #[diesel(sql_type = Integer)]
    pub failed_scans: i32,
    /// How many paths the last scan skipped.
    #[diesel(sql_type = Integer)]
    pub skipped_paths: i32,
}

impl ServiceEntry {
    /// The services that are alive, and those that were killed or stopped lately,
    /// newest first.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<ServiceEntry>> {
        sql_query(format!(
            "\
select s.id, s.host, s.process_id, s.program_version, s.inbox, s.id in ({living}) as is_alive,
       s.started_at, s.beat_at, extract(epoch from now() - s.beat_at)::bigint as beat_seconds_ago, s.ended_at,
       s.scan_started_at, s.last_scan_at, s.last_success_at, s.last_error, s.failed_scans, s.skipped_paths
from etl.service s order by is_alive desc, s.id desc limit 20",
            living = living_services()
        ))
        .load(connection)
    }
}

/// How a sender's files fared.
#[derive(Debug, QueryableByName, Serialize)]
pub struct SourceActivity {
    /// The sender.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// When its last file was taken.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_file_at: Option<DateTime<Utc>>,
    /// When the last of its files was loaded.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_success_at: Option<DateTime<Utc>>,
}

impl SourceActivity {
    /// Of all senders, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SourceActivity>> {
        sql_query(
            "\
select s.code as source, max(f.started_at) as last_file_at,
       max(f.finished_at) filter (where f.status in ('loaded', 'duplicate')) as last_success_at
from etl.source s join etl.load_file f on f.source_id = s.id group by 1 order by 1",
        )
        .load(connection)
    }
}
