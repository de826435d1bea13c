//! *Rejects*: records that could not be loaded, each with its place and reason.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use serde::Serialize;

use super::file::as_text;
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
}

impl Reject {
    /// The rejects of all files, or of one, that no retry has loaded since,
    /// newest first.
    pub fn list(connection: &mut PgConnection, file_id: Option<i64>, limit: u32) -> QueryResult<Vec<Reject>> {
        let mut query = rejected_record::table
            .inner_join(load_file::table.inner_join(source::table))
            .select(Reject::as_select())
            .filter(rejected_record::retried_at.is_null())
            .order(rejected_record::id.desc())
            .limit(i64::from(limit))
            .into_boxed();
        if let Some(file_id) = file_id {
            query = query.filter(rejected_record::file_id.eq(file_id));
        }
        query.load(connection)
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

/// A reason for which records of a file were rejected.
#[derive(QueryableByName)]
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

impl RejectReason {
    /// The five most frequent reasons of a file.
    pub(super) fn of_file(connection: &mut PgConnection, file_id: i64) -> QueryResult<Vec<RejectReason>> {
        sql_query(
            "select count(*) as records, reason, (array_agg(location || ': ' || message order by id))[1] as example \
             from etl.rejected_record where file_id = $1 group by reason order by 1 desc limit 5",
        )
        .bind::<BigInt, _>(file_id)
        .load(connection)
    }
}
