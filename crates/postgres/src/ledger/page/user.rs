//! *Users* of the operator's page.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Nullable, Text, Timestamptz};
use serde::Serialize;

use crate::ledger::file::{as_optional_text, as_text};

/// Somebody who may sign in, or once could.
#[derive(Clone, Debug, QueryableByName, Serialize)]
pub struct PageUser {
    /// The number of the user.
    #[diesel(sql_type = Integer)]
    #[serde(skip)]
    pub id: i32,
    /// The name to sign in with.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// `operator` or `viewer`.
    #[diesel(sql_type = Text)]
    pub role: String,
    /// Argon2 hash of the password.
    #[diesel(sql_type = Text)]
    #[serde(skip)]
    pub password_hash: String,
    /// When the user was added.
    #[diesel(sql_type = Timestamptz)]
    #[serde(serialize_with = "as_text")]
    pub created_at: DateTime<Utc>,
    /// When the password was last set.
    #[diesel(sql_type = Timestamptz)]
    #[serde(serialize_with = "as_text")]
    pub password_changed_at: DateTime<Utc>,
    /// When the user last signed in.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub last_login_at: Option<DateTime<Utc>>,
    /// When the user was disabled.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    #[serde(serialize_with = "as_optional_text")]
    pub disabled_at: Option<DateTime<Utc>>,
}

const SELECT: &str = "select id, name, role, password_hash, created_at, password_changed_at, last_login_at, disabled_at \
     from etl.page_user";

impl PageUser {
    /// All users, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<PageUser>> {
        sql_query(format!("{SELECT} order by name")).load(connection)
    }

    /// The user of that name that is not disabled.
    pub fn by_name(connection: &mut PgConnection, name: &str) -> QueryResult<Option<PageUser>> {
        sql_query(format!("{SELECT} where name = $1 and disabled_at is null"))
            .bind::<Text, _>(name)
            .get_result(connection)
            .optional()
    }

    /// Adds a user. False if there is one of that name.
    pub fn add(
        connection: &mut PgConnection,
        name: &str,
        role: &str,
        password_hash: &str,
    ) -> QueryResult<bool> {
        let added = sql_query(
            "insert into etl.page_user (name, role, password_hash) values ($1, $2, $3) on conflict (name) do nothing",
        )
        .bind::<Text, _>(name)
        .bind::<Text, _>(role)
        .bind::<Text, _>(password_hash)
        .execute(connection)?;
        Ok(added > 0)
    }

    /// Gives a user another password, allows the user to sign in again, and ends the
    /// user's sessions. Failed attempts of all users are forgotten. False if there is none of
    /// that name.
    pub fn set_password(connection: &mut PgConnection, name: &str, password_hash: &str) -> QueryResult<bool> {
        connection.transaction(|connection| {
            let changed = sql_query(
                "update etl.page_user set password_hash = $2, password_changed_at = now(), disabled_at = null \
                 where name = $1",
            )
            .bind::<Text, _>(name)
            .bind::<Text, _>(password_hash)
            .execute(connection)?;
            end_sessions(connection, name)?;
            sql_query("delete from etl.login_failure").execute(connection)?;
            Ok(changed > 0)
        })
    }

    /// Disables a user and ends the user's sessions. False if there is none of that name.
    pub fn disable(connection: &mut PgConnection, name: &str) -> QueryResult<bool> {
        connection.transaction(|connection| {
            let changed = sql_query(
                "update etl.page_user set disabled_at = coalesce(disabled_at, now()) where name = $1",
            )
            .bind::<Text, _>(name)
            .execute(connection)?;
            end_sessions(connection, name)?;
            Ok(changed > 0)
        })
    }
}

fn end_sessions(connection: &mut PgConnection, name: &str) -> QueryResult<usize> {
    sql_query("delete from etl.page_session where user_id = (select id from etl.page_user where name = $1)")
        .bind::<Text, _>(name)
        .execute(connection)
}
