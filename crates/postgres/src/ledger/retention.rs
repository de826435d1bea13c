//! *Retention*: rows of the server's tables that are only kept for some time. They are
//! deleted in batches, each a transaction of its own, so that nobody waits for long.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Double};
use std::time::Duration;

/// The most rows that one statement deletes.
const BATCH: i64 = 5_000;

/// Uploads are found by when they ended: there are few that have not.
const UPLOADS: &str = "\
delete from etl.upload where id in (
  select id from etl.upload
   where status in ('completed', 'aborted', 'expired') and finished_at < now() - make_interval(secs => $1)
     and (status <> 'completed' or loaded_at is not null)
   limit $2)";

const AUDIT: &str = "\
delete from etl.audit_event where id in (
  select id from etl.audit_event where occurred_at < now() - make_interval(secs => $1)
   order by occurred_at limit $2)";

const TOKENS: &str = "\
delete from etl.access_token where token_hash in (
  select token_hash from etl.access_token where expires_at < now() - make_interval(secs => $1) limit $2)";

const PROOFS: &str = "\
delete from etl.used_proof where (sender_id, proof_hash) in (
  select sender_id, proof_hash from etl.used_proof where expires_at < now() - make_interval(secs => $1) limit $2)";

/// Rows that are only kept for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// Uploads that have ended, by when they did. One whose file waits to be loaded stays.
    Uploads,
    /// Calls that were answered.
    AuditEvents,
    /// Access tokens, by when they expired.
    Tokens,
    /// Proofs of identity, by when they expired.
    Proofs,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Kept {
    /// What they are, for people and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Kept::Uploads => "uploads",
            Kept::AuditEvents => "audit_events",
            Kept::Tokens => "access_tokens",
            Kept::Proofs => "proofs",
        }
    }

    /// How many rows have been kept for longer than `time`.
    pub fn count(self, connection: &mut PgConnection, time: Duration) -> QueryResult<u64> {
        let condition = match self {
            Kept::Uploads => {
                "etl.upload where status in ('completed', 'aborted', 'expired') \
                 and finished_at < now() - make_interval(secs => $1) \
                 and (status <> 'completed' or loaded_at is not null)"
            }
            Kept::AuditEvents => "etl.audit_event where occurred_at < now() - make_interval(secs => $1)",
            Kept::Tokens => "etl.access_token where expires_at < now() - make_interval(secs => $1)",
            Kept::Proofs => "etl.used_proof where expires_at < now() - make_interval(secs => $1)",
        };
        let found: Number = sql_query(format!("select count(*) as number from {condition}"))
            .bind::<Double, _>(time.as_secs_f64())
            .get_result(connection)?;
        Ok(found.number.unsigned_abs())
    }

    /// Deletes the oldest rows that have been kept for longer than `time`, a batch of them
    /// at most. Returns how many, and whether there may be more.
    pub fn prune(self, connection: &mut PgConnection, time: Duration) -> QueryResult<(usize, bool)> {
        let statement = match self {
            Kept::Uploads => UPLOADS,
            Kept::AuditEvents => AUDIT,
            Kept::Tokens => TOKENS,
            Kept::Proofs => PROOFS,
        };
        let deleted = sql_query(statement)
            .bind::<Double, _>(time.as_secs_f64())
            .bind::<BigInt, _>(BATCH)
            .execute(connection)?;
        Ok((deleted, deleted as i64 == BATCH))
    }
}
