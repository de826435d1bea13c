//! *Sessions* of users who are signed in. The ledger has the hash of the word that the
//! browser sends.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Binary, Integer, Text};

/// The sessions of the page.
#[derive(Debug)]
pub struct PageSession;

/// A user who is signed in.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct SignedIn {
    /// The number of the user.
    #[diesel(sql_type = Integer)]
    pub user_id: i32,
    /// The user's name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `operator` or `viewer`.
    #[diesel(sql_type = Text)]
    pub role: String,
}

impl PageSession {
    /// Begins a session that lasts so many seconds at most, and forgets those that have
    /// ended.
    pub fn begin(
        connection: &mut PgConnection,
        user_id: i32,
        (token_hash, client_address): (&[u8], &str),
        (idle_seconds, seconds): (i32, i32),
    ) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query(
                "delete from etl.page_session \
                 where expires_at < now() or last_seen_at < now() - make_interval(secs => $1)",
            )
            .bind::<Integer, _>(idle_seconds)
            .execute(connection)?;
            sql_query(
                "insert into etl.page_session (token_hash, user_id, client_address, expires_at) \
                 values ($1, $2, $3, now() + make_interval(secs => $4))",
            )
            .bind::<Binary, _>(token_hash)
            .bind::<Integer, _>(user_id)
            .bind::<Text, _>(client_address)
            .bind::<Integer, _>(seconds)
            .execute(connection)?;
            sql_query("update etl.page_user set last_login_at = now() where id = $1")
                .bind::<Integer, _>(user_id)
                .execute(connection)?;
            Ok(())
        })
    }

    /// Who is signed in by the word with that hash, unless the session has ended. With
    /// `is_use`, the session counts as used now.
    pub fn find(
        connection: &mut PgConnection,
        token_hash: &[u8],
        idle_seconds: i32,
        is_use: bool,
    ) -> QueryResult<Option<SignedIn>> {
        const OPEN: &str =
            "token_hash = $1 and expires_at > now() and last_seen_at > now() - make_interval(secs => $2)";
        let found: Option<SignedIn> = sql_query(format!(
            "select u.id as user_id, u.name, u.role from etl.page_session s join etl.page_user u on u.id = s.user_id \
              where {OPEN} and u.disabled_at is null"
        ))
        .bind::<Binary, _>(token_hash)
        .bind::<Integer, _>(idle_seconds)
        .get_result(connection)
        .optional()?;
        if found.is_some() && is_use {
            // Not at every click: the row would be written anew each time.
            sql_query(
                "update etl.page_session set last_seen_at = now() \
                  where token_hash = $1 and last_seen_at < now() - interval '30 seconds'",
            )
            .bind::<Binary, _>(token_hash)
            .execute(connection)?;
        }
        Ok(found)
    }

    /// Ends a session.
    pub fn end(connection: &mut PgConnection, token_hash: &[u8]) -> QueryResult<()> {
        sql_query("delete from etl.page_session where token_hash = $1")
            .bind::<Binary, _>(token_hash)
            .execute(connection)?;
        Ok(())
    }
}
