//! *Rejects*: records that could not be loaded, each with its place and reason.

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, Text};
use serde::Serialize;

use super::Run;
use super::account::Count;
use super::file::{as_optional_text, as_text};
use super::schema::{load_file, rejected_record, source};
use crate::failpoint::{self, Fault, Step};

/// A record to be noted as rejected.
#[derive(Clone, Copy, Debug)]
pub struct NewReject<'r> {
    /// The file that has the record.
    pub file_id: i64,
    /// Its number in the file.
    pub position: u64,
    /// Where it stands in the file, for people.
    pub location: &'r str,
    /// Its FHIR type, if known.
    pub resource_type: Option<&'r str>,
    /// Its id, if known.
    pub fhir_id: Option<&'r str>,
    /// The reason code.
    pub reason: &'r str,
    /// The reason, for people.
    pub message: &'r str,
    /// The record as received, or its beginning.
    pub raw: &'r [u8],
}

impl NewReject<'_> {
    /// Notes the rejects; returns how many the database stored. They are
    /// expected to be few, so each is a statement of its own.
    pub fn insert<'r>(
        connection: &mut PgConnection,
        rejects: impl Iterator<Item = NewReject<'r>>,
    ) -> QueryResult<usize> {
        let mut stored = 0;
        for reject in rejects {
            if failpoint::has(Fault::RejectDropped) {
                continue;
            }
            stored += diesel::insert_into(rejected_record::table)
                .values((
                    rejected_record::file_id.eq(reject.file_id),
                    rejected_record::position.eq(reject.position as i64),
                    rejected_record::location.eq(reject.location),
                    rejected_record::resource_type.eq(reject.resource_type),
                    rejected_record::fhir_id.eq(reject.fhir_id),
                    rejected_record::reason.eq(reject.reason),
                    rejected_record::message.eq(reject.message),
                    rejected_record::raw.eq(reject.raw),
                ))
                .execute(connection)?;
            failpoint::passed(Step::RejectsWritten);
        }
        Ok(stored)
    }
}

/// A rejected record, without its bytes.
#[derive(Debug, Serialize, Queryable, Selectable)]
#[diesel(table_name = rejected_record)]
pub struct Reject {
    /// Its number in the ledger.
    pub id: i64,
    /// `open`, `retried` (it was put into the inbox again), `resolved` (a mended
    /// record has loaded) or `dismissed`.
    #[diesel(select_expression = state(), select_expression_type = SqlLiteral<Text>)]
    pub state: String,
    /// The file that has the record.
    pub file_id: i64,
    /// That file's path in the inbox.
    #[diesel(select_expression = load_file::path)]
    pub path: String,
    /// The sender.
    #[diesel(select_expression = source::code)]
    pub source: String,
    /// The number of the run that took the file last.
    #[diesel(select_expression = load_file::load_run_id)]
    pub run_id: i64,
    /// When it was rejected.
    #[diesel(column_name = created_at)]
    #[serde(serialize_with = "as_text")]
    pub rejected_at: DateTime<Utc>,
    /// Where it stands in the file, for people.
    pub location: String,
    /// Its FHIR type, if known.
    pub resource_type: Option<String>,
    /// Its id, if known.
    pub fhir_id: Option<String>,
    /// The reason code.
    pub reason: String,
    /// The reason, for people.
    pub message: String,
    /// When it was put into the inbox again.
    #[serde(serialize_with = "as_optional_text")]
    pub retried_at: Option<DateTime<Utc>>,
    /// When a mended record had loaded.
    #[serde(serialize_with = "as_optional_text")]
    pub resolved_at: Option<DateTime<Utc>>,
    /// The file that brought it.
    pub resolved_by_file_id: Option<i64>,
    /// That file's path in the inbox.
    #[diesel(select_expression = resolved_by(), select_expression_type = SqlLiteral<Nullable<Text>>)]
    pub resolved_by: Option<String>,
    /// When it was dismissed.
    #[serde(serialize_with = "as_optional_text")]
    pub dismissed_at: Option<DateTime<Utc>>,
    /// Why it was dismissed.
    pub note: Option<String>,
}

/// Of the reject of the surrounding query.
fn state() -> SqlLiteral<Text> {
    sql("case when rejected_record.dismissed_at is not null then 'dismissed' \
              when rejected_record.resolved_at is not null then 'resolved' \
              when rejected_record.retried_at is not null then 'retried' else 'open' end")
}

/// Of the reject of the surrounding query.
fn resolved_by() -> SqlLiteral<Nullable<Text>> {
    sql("(select b.path from etl.load_file b where b.id = rejected_record.resolved_by_file_id)")
}

/// Which rejects are listed.
#[derive(Clone, Copy, Debug)]
pub struct RejectFilter<'f> {
    /// Only those of this file.
    pub file_id: Option<i64>,
    /// Only those with this reason code.
    pub reason: Option<&'f str>,
    /// Those that are open only.
    pub is_open: bool,
    /// Only those with smaller numbers.
    pub before: Option<i64>,
    /// At most this many.
    pub limit: u32,
}

impl Reject {
    /// The rejects that the filter lets pass, newest first.
    pub fn list(connection: &mut PgConnection, filter: RejectFilter<'_>) -> QueryResult<Vec<Reject>> {
        let mut query = rejected_record::table
            .inner_join(load_file::table.inner_join(source::table))
            .select(Reject::as_select())
            .order(rejected_record::id.desc())
            .limit(i64::from(filter.limit))
            .into_boxed();
        if filter.is_open {
            query = query
                .filter(rejected_record::retried_at.is_null())
                .filter(rejected_record::resolved_at.is_null())
                .filter(rejected_record::dismissed_at.is_null());
        }
        if let Some(file_id) = filter.file_id {
            query = query.filter(rejected_record::file_id.eq(file_id));
        }
        if let Some(reason) = filter.reason {
            query = query.filter(rejected_record::reason.eq(reason));
        }
        if let Some(before) = filter.before {
            query = query.filter(rejected_record::id.lt(before));
        }
        query.load(connection)
    }

    /// The reject with that number.
    pub fn find(connection: &mut PgConnection, id: i64) -> QueryResult<Option<Reject>> {
        let query = rejected_record::table
            .inner_join(load_file::table.inner_join(source::table))
            .select(Reject::as_select());
        query.filter(rejected_record::id.eq(id)).get_result(connection).optional()
    }
}

/// How many records of a file were rejected for a reason.
#[derive(Debug, Queryable)]
pub struct RejectCount {
    /// The file.
    pub file_id: i64,
    /// The reason code.
    pub reason: String,
    /// The number of these records.
    pub records: i64,
}

impl RejectCount {
    /// The counts of these files.
    pub fn of_files(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<Vec<RejectCount>> {
        rejected_record::table
            .filter(rejected_record::file_id.eq_any(ids))
            .group_by((rejected_record::file_id, rejected_record::reason))
            .select((rejected_record::file_id, rejected_record::reason, diesel::dsl::count_star()))
            .load(connection)
    }
}

/// Which rejects are dismissed: those that all conditions hold for, unless they are
/// resolved.
#[derive(Clone, Copy, Debug)]
pub struct Dismissal<'d> {
    /// With these numbers; any if empty.
    pub ids: &'d [i64],
    /// Of this file.
    pub file_id: Option<i64>,
    /// With this reason code.
    pub reason: Option<&'d str>,
    /// Why they are dismissed, for people.
    pub note: Option<&'d str>,
}

impl Dismissal<'_> {
    /// Dismisses them; returns their number.
    pub fn carry_out(&self, connection: &mut PgConnection) -> QueryResult<usize> {
        sql_query(
            "update etl.rejected_record set dismissed_at = now(), note = $4 \
             where resolved_at is null and dismissed_at is null and (cardinality($1) = 0 or id = any($1)) \
               and ($2 is null or file_id = $2) and ($3 is null or reason = $3)",
        )
        .bind::<Array<BigInt>, _>(self.ids)
        .bind::<Nullable<BigInt>, _>(self.file_id)
        .bind::<Nullable<Text>, _>(self.reason)
        .bind::<Nullable<Text>, _>(self.note)
        .execute(connection)
    }
}

/// A file that was rejected, or some of whose records were.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = load_file, check_for_backend(Pg))]
pub struct RejectedFile {
    /// Its number in the ledger.
    pub id: i64,
    /// How many records it has, as far as it was read.
    #[diesel(deserialize_as = Count)]
    pub seen: u64,
    /// How many of them were rejected.
    #[diesel(deserialize_as = Count)]
    pub rejected: u64,
    /// Why it could not be loaded to its end.
    pub error: Option<String>,
}

/// A rejected record, as the sender of the file needs to know it.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = rejected_record)]
pub struct RejectedRecord {
    /// Where it stands in the file, for people.
    pub location: String,
    /// Its FHIR type, if known.
    pub resource_type: Option<String>,
    /// Its id, if known.
    pub fhir_id: Option<String>,
    /// The reason code.
    pub reason: String,
    /// The reason, for people.
    pub message: String,
}

/// A reason for which records of a file were rejected.
#[derive(Debug, QueryableByName)]
pub struct RejectReason {
    /// The number of these records.
    #[diesel(sql_type = BigInt)]
    pub records: i64,
    /// The reason code.
    #[diesel(sql_type = Text)]
    pub reason: String,
    /// The location and the message of the first of them.
    #[diesel(sql_type = Text)]
    pub example: String,
}

impl Run {
    /// What the ledger has of a rejected file.
    pub fn rejected_file(&mut self, file_id: i64) -> QueryResult<RejectedFile> {
        load_file::table.find(file_id).select(RejectedFile::as_select()).get_result(&mut self.connection)
    }

    /// The first rejected records of a file.
    pub fn rejected_records(&mut self, file_id: i64, limit: usize) -> QueryResult<Vec<RejectedRecord>> {
        rejected_record::table
            .filter(rejected_record::file_id.eq(file_id))
            .select(RejectedRecord::as_select())
            .order(rejected_record::id)
            .limit(limit as i64)
            .load(&mut self.connection)
    }

    /// The reasons for which records of a file were rejected, most frequent first.
    pub fn reject_reasons(&mut self, file_id: i64) -> QueryResult<Vec<RejectReason>> {
        sql_query(
            "select count(*) as records, reason, (array_agg(location || ': ' || message order by id))[1] as example \
             from etl.rejected_record where file_id = $1 group by reason order by 1 desc, 2",
        )
        .bind::<BigInt, _>(file_id)
        .load(&mut self.connection)
    }
}
