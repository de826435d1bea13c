//! *Rejects*: records that could not be loaded, each with its place and reason.

use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{PgConnection, RunQueryDsl, sql_query};

use crate::failpoint::{self, Fault, Step};

/// A record to be noted as rejected.
#[derive(Clone, Copy, Debug)]
pub struct NewReject<'r> {
    pub file_id: i64,
    /// Its number in the file.
    pub position: u64,
    /// Where it stands in the file, for people.
    pub location: &'r str,
    pub resource_type: Option<&'r str>,
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
            stored += sql_query(
                "insert into etl.rejected_record \
                 (file_id, position, location, resource_type, fhir_id, reason, message, raw) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8)",
            )
            .bind::<BigInt, _>(reject.file_id)
            .bind::<BigInt, _>(reject.position as i64)
            .bind::<Text, _>(reject.location)
            .bind::<Nullable<Text>, _>(reject.resource_type)
            .bind::<Nullable<Text>, _>(reject.fhir_id)
            .bind::<Text, _>(reject.reason)
            .bind::<Text, _>(reject.message)
            .bind::<Binary, _>(reject.raw)
            .execute(connection)?;
            failpoint::passed(Step::RejectsWritten);
        }
        Ok(stored)
    }
}
