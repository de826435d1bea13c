//! The *audit*: every call that was answered over the network.

use diesel::prelude::*;

use super::schema::audit_event;

/// A call that was answered.
#[derive(Clone, Debug, Insertable)]
#[diesel(table_name = audit_event)]
pub struct AuditEvent {
    /// The `X-Request-Id` of the answer.
    pub request_id: String,
    /// The sender's number, if one was authenticated.
    pub sender_id: Option<i32>,
    /// The number of the user of the operator's page, if one was signed in.
    pub user_id: Option<i32>,
    /// The method and the route.
    pub action: String,
    /// What the call was about, without values of patients.
    pub target: Option<String>,
    /// The address that it came from.
    pub client_address: String,
    /// The bytes of the body that were received.
    pub bytes: i64,
    /// The HTTP status of the answer.
    pub status: i16,
}

impl AuditEvent {
    /// Records the events.
    pub fn insert(connection: &mut PgConnection, events: &[AuditEvent]) -> QueryResult<()> {
        diesel::insert_into(audit_event::table).values(events).execute(connection)?;
        Ok(())
    }
}
