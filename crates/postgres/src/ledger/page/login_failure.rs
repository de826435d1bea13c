//! *Failed logins*, counted by name and address, so that passwords cannot be tried one
//! after the other.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer};

/// The failures of the page.
#[derive(Debug)]
pub struct LoginFailures;

/// For how long failures count, and further attempts are refused.
const WINDOW: &str = "interval '15 minutes'";
/// How many subjects are kept at most.
const MOST_SUBJECTS: i64 = 10_000;

#[derive(QueryableByName)]
struct Is {
    #[diesel(sql_type = Bool)]
    yes: bool,
}

impl LoginFailures {
    /// Whether attempts of one of these subjects are refused now.
    pub fn is_locked(connection: &mut PgConnection, subjects: &[[u8; 32]]) -> QueryResult<bool> {
        let found: Is = sql_query(
            "select exists (select from etl.login_failure where subject = any($1) and locked_until > now()) as yes",
        )
        .bind::<Array<Binary>, _>(as_slices(subjects))
        .get_result(connection)?;
        Ok(found.yes)
    }

    /// Counts a failure of each subject. From its limit on, further attempts are refused
    /// for a while; every further failure begins the while anew.
    pub fn note(connection: &mut PgConnection, subjects: &[([u8; 32], i32)]) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query(format!(
                "delete from etl.login_failure where last_at < now() - {WINDOW} \
                   and (locked_until is null or locked_until < now())"
            ))
            .execute(connection)?;
            // Those that failed least and longest ago go, if somebody tries very many names.
            sql_query(
                "delete from etl.login_failure where subject in ( \
                   select subject from etl.login_failure order by failures desc, last_at desc offset $1)",
            )
            .bind::<BigInt, _>(MOST_SUBJECTS)
            .execute(connection)?;
            for (subject, limit) in subjects {
                sql_query(format!(
                    "insert into etl.login_failure as f (subject, failures, locked_until) \
                     values ($1, 1, case when $2 <= 1 then now() + {WINDOW} end) \
                     on conflict (subject) do update set failures = f.failures + 1, last_at = now(), \
                     locked_until = case when f.failures + 1 >= $2 then now() + {WINDOW} end"
                ))
                .bind::<Binary, _>(&subject[..])
                .bind::<Integer, _>(limit)
                .execute(connection)?;
            }
            Ok(())
        })
    }

    /// Forgets the failures of these subjects.
    pub fn forget(connection: &mut PgConnection, subjects: &[[u8; 32]]) -> QueryResult<()> {
        sql_query("delete from etl.login_failure where subject = any($1)")
            .bind::<Array<Binary>, _>(as_slices(subjects))
            .execute(connection)?;
        Ok(())
    }
}

fn as_slices(subjects: &[[u8; 32]]) -> Vec<&[u8]> {
    subjects.iter().map(|subject| &subject[..]).collect()
}
