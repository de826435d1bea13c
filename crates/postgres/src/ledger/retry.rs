//! Rejects that a *retry* may load: those that are open, and whose bytes are at hand.

use chrono::{DateTime, Utc};
use diesel::dsl::{IntoBoxed, auto_type, count_star, not, now};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Binary, Integer, Nullable};

use super::schema::{load_file, rejected_record, source};

/// How much of a partly kept record is read to find it in its file.
const BEGINNING_BYTES: i32 = 1024;

#[diesel::declare_sql_function]
extern "SQL" {
    /// The length of a `bytea` in bytes.
    fn octet_length(bytes: Nullable<Binary>) -> Nullable<Integer>;
    /// That many bytes from `first` on, which counts from 1.
    fn substr(bytes: Nullable<Binary>, first: Integer, count: Integer) -> Nullable<Binary>;
}

/// Which rejects are to be retried.
#[derive(Clone, Copy, Debug)]
pub struct PendingRejects<'p> {
    /// Only those of this file.
    pub file_id: Option<i64>,
    /// Only those with these numbers; any if empty.
    pub ids: &'p [i64],
    /// Only those with this reason code.
    pub reason: Option<&'p str>,
    /// At most so many.
    pub limit: i64,
    /// How many bytes of a record are kept at most.
    pub kept_bytes: i32,
}

/// A reject that is kept whole.
#[derive(Debug, Queryable)]
pub struct WholeReject {
    /// Its number in the ledger.
    pub id: i64,
    /// The sender.
    pub source: String,
}

/// A reject of which only the beginning is kept.
#[derive(Debug, Queryable)]
pub struct PartialReject {
    /// Its number in the ledger.
    pub id: i64,
    /// The sender.
    pub source: String,
    /// Where it stands in the file.
    pub location: String,
    /// Its first bytes.
    pub beginning: Option<Vec<u8>>,
    /// The location of its file in the archive.
    pub archive_path: String,
    /// The status of its file.
    pub status: String,
    /// When retention removed the file from the archive.
    pub removed_at: Option<DateTime<Utc>>,
}

#[auto_type]
fn rejects() -> _ {
    rejected_record::table.inner_join(load_file::table.inner_join(source::table))
}

/// The file does not have more of the record than was kept.
#[auto_type]
fn is_lost() -> _ {
    rejected_record::reason.eq("truncated").or(rejected_record::reason.eq("damaged"))
}

/// No more than the beginning was kept, if anything.
#[auto_type]
fn is_partial(kept_bytes: i32) -> _ {
    rejected_record::reason.eq("too_large").or(octet_length(rejected_record::raw).eq(kept_bytes))
}

impl PendingRejects<'_> {
    /// Those that are kept whole, in the order in which they were rejected.
    pub fn whole(&self, connection: &mut PgConnection) -> QueryResult<Vec<WholeReject>> {
        self.pending()
            .select((rejected_record::id, source::code))
            .filter(octet_length(rejected_record::raw).gt(0))
            .filter(not(is_lost()))
            .filter(not(is_partial(self.kept_bytes)))
            .order(rejected_record::id)
            .limit(self.limit)
            .load(connection)
    }

    /// Those that were too large, and whose file is archived, by file.
    pub fn partial(&self, connection: &mut PgConnection) -> QueryResult<Vec<PartialReject>> {
        self.pending()
            .select((
                rejected_record::id,
                source::code,
                rejected_record::location,
                substr(rejected_record::raw, 1, BEGINNING_BYTES),
                load_file::archive_path.assume_not_null(),
                load_file::status,
                load_file::archive_removed_at,
            ))
            .filter(load_file::archive_path.is_not_null())
            .filter(not(is_lost()))
            .filter(is_partial(self.kept_bytes))
            .order((rejected_record::file_id, rejected_record::id))
            .limit(self.limit)
            .load(connection)
    }

    /// The number of those that are not whole anywhere.
    pub fn count_incomplete(&self, connection: &mut PgConnection) -> QueryResult<i64> {
        self.pending()
            .filter(
                is_lost()
                    .or(rejected_record::raw_removed_at.is_not_null())
                    .nullable()
                    .or(is_partial(self.kept_bytes)),
            )
            .select(count_star())
            .get_result(connection)
    }

    fn pending(&self) -> IntoBoxed<'static, rejects, Pg> {
        let mut query = rejects()
            .into_boxed()
            .filter(rejected_record::retried_at.is_null())
            .filter(rejected_record::resolved_at.is_null())
            .filter(rejected_record::dismissed_at.is_null());
        if let Some(file_id) = self.file_id {
            query = query.filter(rejected_record::file_id.eq(file_id));
        }
        if !self.ids.is_empty() {
            query = query.filter(rejected_record::id.eq_any(self.ids.to_vec()));
        }
        if let Some(reason) = self.reason {
            query = query.filter(rejected_record::reason.eq(reason.to_owned()));
        }
        query
    }
}

impl WholeReject {
    /// The record as received. Read one at a time: together they may exceed
    /// the memory.
    pub fn raw(&self, connection: &mut PgConnection) -> QueryResult<Vec<u8>> {
        rejected_record::table
            .find(self.id)
            .select(rejected_record::raw.assume_not_null())
            .get_result(connection)
    }
}

/// Marks rejects as retried: what is rejected again is a new one.
pub fn mark_retried(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<()> {
    diesel::update(rejected_record::table.filter(rejected_record::id.eq_any(ids)))
        .set(rejected_record::retried_at.eq(now))
        .execute(connection)?;
    Ok(())
}
