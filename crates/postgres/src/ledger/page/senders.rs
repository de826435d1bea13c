//! *Senders* and what they did last. Their secrets are left out.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};

/// A sender.
#[derive(Clone, Debug, QueryableByName)]
pub struct SenderActivity {
    /// Its name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The source that it pushes data of.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// What it may do.
    #[diesel(sql_type = Array<Text>)]
    pub scopes: Vec<String>,
    /// Whether it has public keys.
    #[diesel(sql_type = Bool)]
    pub has_keys: bool,
    /// The most uploads that it may have open.
    #[diesel(sql_type = Integer)]
    pub max_open_uploads: i32,
    /// The most bytes that these may hold together.
    #[diesel(sql_type = BigInt)]
    pub max_open_bytes: i64,
    /// When it was added.
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
    /// When its secrets were last replaced.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub rotated_at: Option<DateTime<Utc>>,
    /// When it was disabled.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub disabled_at: Option<DateTime<Utc>>,
    /// When it last called.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub called_at: Option<DateTime<Utc>>,
    /// That call.
    #[diesel(sql_type = Nullable<Text>)]
    pub action: Option<String>,
    /// Its answer.
    #[diesel(sql_type = Nullable<SmallInt>)]
    pub status: Option<i16>,
    /// The address that it came from.
    #[diesel(sql_type = Nullable<Text>)]
    pub client_address: Option<String>,
}

impl SenderActivity {
    /// All senders, by name.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<SenderActivity>> {
        sql_query(
            "select s.name, o.code as source, s.scopes, s.jwks_url is not null or s.jwks is not null as has_keys, \
                    s.max_open_uploads, s.max_open_bytes, s.created_at, s.rotated_at, s.disabled_at, \
                    a.occurred_at as called_at, a.action, a.status, a.client_address \
               from etl.sender s join etl.source o on o.id = s.source_id \
               left join lateral ( \
                 select occurred_at, action, status, client_address from etl.audit_event \
                  where sender_id = s.id order by occurred_at desc limit 1) a on true \
              order by s.name",
        )
        .load(connection)
    }
}
