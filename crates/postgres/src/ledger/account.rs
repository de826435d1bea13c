//! The *account* of a file: how many of its records ended in which way.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::pg::{Pg, PgValue};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde::Serialize;

use super::schema::load_file;

/// Record counts by outcome. Every record is in exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = load_file, check_for_backend(Pg))]
pub struct Account {
    /// Resources that are new to the tables.
    #[diesel(deserialize_as = Count)]
    pub inserted: u64,
    /// Resources that replaced an older version.
    #[diesel(deserialize_as = Count)]
    pub updated: u64,
    /// Resources that the tables already hold with the same content.
    #[diesel(deserialize_as = Count)]
    pub unchanged: u64,
    /// Versions older than the one in the tables.
    #[diesel(deserialize_as = Count)]
    pub stale: u64,
    /// Deletes that were carried out.
    #[diesel(deserialize_as = Count)]
    pub deleted: u64,
    /// Records that could not be loaded; see `etl.rejected_record`.
    #[diesel(deserialize_as = Count)]
    pub rejected: u64,
    /// Records excluded by the settings, and entries without a resource.
    #[diesel(deserialize_as = Count)]
    pub skipped: u64,
}

impl Account {
    /// The account among the counts of a run, if they have one.
    pub(super) fn of_counts(counts: &BTreeMap<String, i64>) -> Option<Account> {
        let count = |name: &str| counts.get(name).and_then(|count| u64::try_from(*count).ok());
        Some(Account {
            inserted: count("inserted")?,
            updated: count("updated")?,
            unchanged: count("unchanged")?,
            stale: count("stale")?,
            deleted: count("deleted")?,
            rejected: count("rejected")?,
            skipped: count("skipped")?,
        })
    }

    /// The number of records that are accounted for.
    pub fn total(&self) -> u64 {
        self.inserted
            + self.updated
            + self.unchanged
            + self.stale
            + self.deleted
            + self.rejected
            + self.skipped
    }
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.stale += other.stale;
        self.deleted += other.deleted;
        self.rejected += other.rejected;
        self.skipped += other.skipped;
    }
}

/// A `bigint` that counts, and so is never negative.
#[derive(FromSqlRow)]
pub struct Count(u64);

impl FromSql<BigInt, Pg> for Count {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        let count: i64 = FromSql::<BigInt, Pg>::from_sql(value)?;
        Ok(Count(u64::try_from(count)?))
    }
}

impl From<Count> for u64 {
    fn from(Count(count): Count) -> u64 {
        count
    }
}
