//! The *advisory locks* of runs: by them a live run is known from a dead one,
//! and the others of two numbers, so that no first number serves twice.

use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryResult, RunQueryDsl, sql_query};

/// The first of the two numbers of the advisory lock that a live run holds; the
/// second is the run's.
pub(super) const RUN_LOCK: i32 = 7_303_014;
/// The first of the two numbers of the advisory lock that a live service holds; the
/// second is the service's.
pub(super) const SERVICE_LOCK: i32 = 7_303_016;
/// The first of the two numbers of the advisory lock that the run of a feed holds; the
/// second is the hash of its name.
pub(super) const FEED_LOCK: i32 = 7_303_017;
/// The first of the two numbers of the advisory lock that a snapshot holds while it is being
/// written; the second is the snapshot's.
pub(super) const SNAPSHOT_LOCK: i32 = 7_303_018;
/// The first of the two numbers of the advisory lock that keeps a second process from writing
/// snapshots to a target; the second is the hash of the target.
pub(super) const SNAPSHOT_TARGET_LOCK: i32 = 7_303_019;
/// The first of the two numbers of the lock that whoever fills a view holds; the second is
/// the hash of its name.
pub(super) const FILL_LOCK: i32 = 7_303_020;
/// The first of the two numbers of the lock by which a batch decides alone what requests by
/// identifier mean; the second is the source's.
pub(crate) const SOURCE_LOCK: i32 = 7_303_021;
/// The first of the two numbers of the advisory lock that whoever sends to a sink holds; the
/// second is the sink's.
pub(super) const SINK_LOCK: i32 = 7_303_040;
/// Held while files are being claimed.
const CLAIM_LOCK: i64 = 7_303_015;
/// Held by those who note where files will lie, and alone by those who remove files from the archive.
const DEPARTURE_LOCK: i64 = 7_303_030;
/// Held by the one process that rewrites or removes files of the archive.
const ARCHIVE_LOCK: i64 = 7_303_031;

/// A query for the runs that are alive, by the locks that they hold.
pub(crate) fn living() -> String {
    holders(RUN_LOCK)
}

/// A query for the services that are alive, by the locks that they hold.
pub(super) fn living_services() -> String {
    holders(SERVICE_LOCK)
}

/// A query for the second numbers of the locks with that first number.
pub(super) fn holders(lock: i32) -> String {
    format!(
        "\
select l.objid::bigint from pg_locks l
 where l.locktype = 'advisory' and l.granted and l.classid::bigint = {lock}
   and l.database = (select oid from pg_database where datname = current_database())"
    )
}

/// Takes the lock of claims until the end of the transaction.
pub(crate) fn lock_claims(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(CLAIM_LOCK).execute(connection)?;
    Ok(())
}

/// Waits until nobody removes files from the archive, and keeps others from it until the end of the
/// transaction.
pub(super) fn share_departures(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query("select pg_advisory_xact_lock_shared($1)")
        .bind::<BigInt, _>(DEPARTURE_LOCK)
        .execute(connection)?;
    Ok(())
}

/// Keeps others from noting where files will lie, until the end of the transaction.
pub(super) fn lock_departures(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query("select pg_advisory_xact_lock($1)").bind::<BigInt, _>(DEPARTURE_LOCK).execute(connection)?;
    Ok(())
}

#[derive(diesel::QueryableByName)]
struct IsLocked {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_locked: bool,
}

/// Takes the lock of those who rewrite or remove files of the archive, for as long as the session lasts;
/// whether it is free. Two of them could undo each other's work.
pub fn try_lock_archive(connection: &mut PgConnection) -> QueryResult<bool> {
    let locked: IsLocked = sql_query("select pg_try_advisory_lock($1) as is_locked")
        .bind::<BigInt, _>(ARCHIVE_LOCK)
        .get_result(connection)?;
    Ok(locked.is_locked)
}

/// Gives up what [`try_lock_archive`] took.
pub(crate) fn unlock_archive(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query("select pg_advisory_unlock($1)").bind::<BigInt, _>(ARCHIVE_LOCK).execute(connection)?;
    Ok(())
}
