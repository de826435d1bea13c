//! Whether a table looks as it did in an *earlier* picture, decided exactly and without
//! reading its columns.
//!
//! Postgres never changes a version of a row; it adds another, which has the number of its
//! transaction (`xmin`). Whatever the earlier picture does not show was written by its
//! oldest transaction in progress or a later one, or by a transaction within one of these,
//! whose number is higher still. So if no row of now has such a number, each row of now was
//! in the earlier picture; and if there are as many as then, none is missing. Whoever
//! wrote, by whatever means, is seen, and nothing is taken for unchanged that is not. A
//! table that a transaction wrote to while the earlier picture was taken may be taken for
//! changed although it is not.
//!
//! That needs the transactions to be numbered onwards from the earlier picture, which is so
//! in the same database of the same cluster, unless it was set back to an earlier time.
//! Snapshots therefore note a token in the database after the picture is taken: a database
//! that has it was not set back behind it. A number has 32 bits in a row; pictures that are
//! 2³¹ transactions apart are not compared.

use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use super::relation::Relation;
use super::session::PictureId;
use crate::database::quoted;

/// An earlier picture of the same database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Its [`PictureId::oldest_transaction`].
    pub oldest_transaction: i64,
}

/// The rows of a table, counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Count {
    /// All of them.
    #[diesel(sql_type = BigInt)]
    pub rows: i64,
    /// Those that the earlier picture may not show.
    #[diesel(sql_type = BigInt)]
    pub newer: i64,
}

impl Earlier {
    /// Whether a picture of the same database can be compared with this one.
    pub fn is_comparable(&self, now: &PictureId) -> bool {
        (0..1 << 31).contains(&(now.oldest_transaction - self.oldest_transaction))
    }

    /// Whether a table has the rows that it had then, `rows` of them.
    pub fn shows(&self, connection: &mut PgConnection, table: &Relation, rows: u64) -> QueryResult<bool> {
        let count = self.count(connection, table)?;
        Ok(count.newer == 0 && u64::try_from(count.rows) == Ok(rows))
    }

    fn count(&self, connection: &mut PgConnection, table: &Relation) -> QueryResult<Count> {
        let oldest = self.oldest_transaction & 0xffff_ffff;
        sql_query(format!(
            "select count(*) as rows, count(*) filter (where age(xmin) <= (select age($1::xid))) as newer from only {}.{}",
            quoted(&table.schema),
            quoted(&table.name)
        ))
        .bind::<Text, _>(oldest.to_string())
        .get_result(connection)
    }
}
