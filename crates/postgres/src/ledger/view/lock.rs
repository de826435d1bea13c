//! The *locks* of views.
//!
//! Whoever loads holds a shared lock for as long as it uses the tables that it has
//! found. Tables are made, swapped and dropped under the exclusive lock, so no batch
//! meets a table that it does not know. Loads may take hours: whoever wants the exclusive
//! lock says so by a second one, and loaders give way between two batches.

use std::time::{Duration, Instant};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Integer, Text};

use crate::ledger::advisory_lock::FILL_LOCK;

/// Shared by loaders, exclusive for changes.
const VIEW_LOCK: i64 = 7_303_017;
/// Held by whoever waits for the exclusive lock.
const CHANGE_LOCK: i64 = 7_303_018;

/// How long to wait before asking again.
const PAUSE: Duration = Duration::from_millis(20);
/// When somebody who waits is told so.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

fn is(connection: &mut PgConnection, function: &str) -> QueryResult<bool> {
    Ok(sql_query(format!("select {function} as yes")).get_result::<Is>(connection)?.yes)
}

/// Keeps the tables of views as they are until [`unlock_views`].
pub fn lock_views(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query(format!("select pg_advisory_lock_shared({VIEW_LOCK})")).execute(connection)?;
    Ok(())
}

/// Lets others change the tables of views.
pub fn unlock_views(connection: &mut PgConnection) -> QueryResult<()> {
    sql_query(format!("select pg_advisory_unlock_shared({VIEW_LOCK})")).execute(connection)?;
    Ok(())
}

/// Whether somebody waits to change the tables of views.
pub fn is_view_change_waiting(connection: &mut PgConnection) -> QueryResult<bool> {
    // It is released at once, with the transaction of the query.
    Ok(!is(connection, &format!("pg_try_advisory_xact_lock_shared({CHANGE_LOCK})"))?)
}

/// Lets somebody who waits change the tables of views, and keeps them again. Returns
/// early if `is_awaited` says that the caller must go on.
pub fn give_way_to_view_change(
    connection: &mut PgConnection,
    is_awaited: &dyn Fn() -> bool,
) -> QueryResult<()> {
    unlock_views(connection)?;
    while !is_awaited() && is_view_change_waiting(connection)? {
        std::thread::sleep(PAUSE);
    }
    lock_views(connection)
}

/// Runs `change` in a transaction while nobody loads.
pub(super) fn exclusively<T>(
    connection: &mut PgConnection,
    change: impl Fn(&mut PgConnection) -> QueryResult<T>,
) -> QueryResult<T> {
    let since = Instant::now();
    let mut is_told = false;
    let mut pause = || {
        if since.elapsed() > PATIENCE && !std::mem::replace(&mut is_told, true) {
            tracing::info!("waiting for the batches that are being loaded");
        }
        std::thread::sleep(PAUSE);
    };
    while !is(connection, &format!("pg_try_advisory_lock({CHANGE_LOCK})"))? {
        pause();
    }
    let changed = loop {
        let attempt = connection.transaction(|connection| {
            // Queueing for the lock would keep loaders waiting that are waited for.
            match is(connection, &format!("pg_try_advisory_xact_lock({VIEW_LOCK})"))? {
                true => change(connection).map(Some),
                false => Ok(None),
            }
        });
        match attempt {
            Ok(None) => pause(),
            Ok(Some(changed)) => break Ok(changed),
            Err(error) => break Err(error),
        }
    };
    // After a lost connection, it is free.
    let unlocked = sql_query(format!("select pg_advisory_unlock({CHANGE_LOCK})")).execute(connection);
    let changed = changed?;
    unlocked?;
    Ok(changed)
}

/// Takes the right to fill a view, until the connection is closed or
/// [`unlock_filling`]. False if somebody else has it.
pub(super) fn lock_filling(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
    let query = sql_query("select pg_try_advisory_lock($1, hashtext(lower($2))) as yes");
    let locked: Is = query.bind::<Integer, _>(FILL_LOCK).bind::<Text, _>(name).get_result(connection)?;
    Ok(locked.yes)
}

/// Gives the right to fill a view back.
pub(super) fn unlock_filling(connection: &mut PgConnection, name: &str) -> QueryResult<()> {
    sql_query("select pg_advisory_unlock($1, hashtext(lower($2)))")
        .bind::<Integer, _>(FILL_LOCK)
        .bind::<Text, _>(name)
        .execute(connection)?;
    Ok(())
}
