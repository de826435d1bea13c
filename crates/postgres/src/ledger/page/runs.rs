//! *Runs*, by what the ledger keeps of each: what would have to be counted is left out.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Timestamptz};

use crate::ledger::Account;
use crate::ledger::advisory_lock::living;
use crate::ledger::run_entry::numbers;

/// A run.
#[derive(Clone, Debug, QueryableByName)]
pub struct RunLine {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The command that ran.
    #[diesel(sql_type = Text)]
    pub command: String,
    /// `running`, `finished` or `failed`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// When it began.
    #[diesel(sql_type = Timestamptz)]
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub finished_at: Option<DateTime<Utc>>,
    /// Whether its process is gone and it never came to its end.
    #[diesel(sql_type = Bool)]
    pub is_broken_off: bool,
    /// The version of fhirmill.
    #[diesel(sql_type = Text)]
    pub program_version: String,
    /// Its account and other counts, once it has ended.
    #[diesel(sql_type = Nullable<Jsonb>)]
    pub counts: Option<serde_json::Value>,
}

/// Which runs are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunPage<'p> {
    /// Only those of this status.
    pub status: Option<&'p str>,
    /// Only those with smaller numbers.
    pub before: Option<i64>,
    /// Only the one with this number.
    pub id: Option<i64>,
    /// At most so many.
    pub limit: i64,
}

impl RunLine {
    /// Runs, newest first.
    pub fn list(connection: &mut PgConnection, page: RunPage<'_>) -> QueryResult<Vec<RunLine>> {
        sql_query(format!(
            "select id, command, status, started_at, finished_at, program_version, counts, \
                    finished_at is null and id not in ({living}) as is_broken_off \
               from etl.load_run \
              where ($1 is null or status = $1) and ($2 is null or id < $2) and ($3 is null or id = $3) \
              order by id desc limit $4",
            living = living()
        ))
        .bind::<Nullable<Text>, _>(page.status)
        .bind::<Nullable<BigInt>, _>(page.before)
        .bind::<Nullable<BigInt>, _>(page.id)
        .bind::<BigInt, _>(page.limit)
        .load(connection)
    }

    /// One of its counts.
    pub fn count(&self, name: &str) -> Option<i64> {
        self.counts.as_ref().and_then(|counts| numbers(counts).get(name).copied())
    }

    /// What became of its records, once it has ended.
    pub fn account(&self) -> Option<Account> {
        Account::of_counts(&numbers(self.counts.as_ref()?))
    }
}
