//! *Mended rejects*: those whose record has loaded since, as a corrected one of the
//! same resource or by a retry.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};

use super::Run;

/// A record that has loaded although an earlier one of the same resource was
/// rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedRecord {
    /// The file that brought it.
    pub file_id: i64,
    /// Its type.
    pub resource_type: &'static str,
    /// Its id.
    pub fhir_id: String,
}

/// How many rejects are read at a time.
const PAGE: i64 = 10_000;

#[derive(QueryableByName)]
struct OpenReject {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = SmallInt)]
    source_id: i16,
    #[diesel(sql_type = Text)]
    resource_type: String,
    #[diesel(sql_type = Text)]
    fhir_id: String,
}

const OPEN: &str = "\
select r.id, f.source_id, r.resource_type, r.fhir_id
from etl.rejected_record r join etl.load_file f on f.id = r.file_id
where r.resolved_at is null and r.dismissed_at is null and r.resource_type is not null and r.fhir_id is not null
  and r.id > $1 order by r.id limit $2";

const RESOLVE: &str = "\
update etl.rejected_record r set resolved_at = now(), resolved_by_file_id = m.file_id
from unnest($1, $2, $3) as m (file_id, resource_type, fhir_id)
join etl.load_file by_file on by_file.id = m.file_id, etl.load_file f
where r.resource_type = m.resource_type and r.fhir_id = m.fhir_id and r.resolved_at is null
  and r.dismissed_at is null and f.id = r.file_id and f.source_id = by_file.source_id and r.file_id < m.file_id";

/// The registry knows the current version, and which file brought it.
const RESOLVE_BY_REGISTRY: &str = "\
update etl.rejected_record r set resolved_at = now(), resolved_by_file_id = v.file_id
from etl.load_file f, etl.resource_key k, etl.resource_version v
where r.id > $1 and r.resolved_at is null and r.dismissed_at is null and f.id = r.file_id
  and k.source_id = f.source_id and k.resource_type = r.resource_type and k.fhir_id = r.fhir_id and v.id = k.id
  and v.content_hash is not null
  and (v.file_id > r.file_id or (v.file_id = r.file_id and v.position > r.position))";

const RESOLVE_RETRIED: &str = "\
update etl.rejected_record r set resolved_at = now(), resolved_by_file_id = m.file_id
from unnest($1, $2) as m (id, file_id)
join etl.load_file by_file on by_file.id = m.file_id, etl.load_file f
where r.id = m.id and r.retried_at is not null and r.resolved_at is null and r.dismissed_at is null
  and f.id = r.file_id and f.source_id = by_file.source_id";

/// What an update mends is older than the update, whatever the order of their files: a file of updates
/// may be open for long.
const RESOLVE_EARLIER: &str = "\
update etl.rejected_record r set resolved_at = now(), resolved_by_file_id = m.file_id
from unnest($1, $2, $3) as m (file_id, resource_type, fhir_id)
join etl.load_file by_file on by_file.id = m.file_id, etl.load_file f
where r.resource_type = m.resource_type and r.fhir_id = m.fhir_id and r.resolved_at is null
  and r.dismissed_at is null and f.id = r.file_id and f.source_id = by_file.source_id and r.id <= $4";

/// Passes the source, type and id of every reject with a greater number than `after` that is not
/// resolved or dismissed, as far as they are known. Returns the number of the last one.
pub fn for_each_open_reject(
    connection: &mut PgConnection,
    mut after: i64,
    each: &mut dyn FnMut(i16, &str, &str),
) -> QueryResult<i64> {
    loop {
        let page: Vec<OpenReject> =
            sql_query(OPEN).bind::<BigInt, _>(after).bind::<BigInt, _>(PAGE).load(connection)?;
        for reject in &page {
            each(reject.source_id, &reject.resource_type, &reject.fhir_id);
        }
        after = page.last().map_or(after, |last| last.id);
        if (page.len() as i64) < PAGE {
            return Ok(after);
        }
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The number of the last reject so far; 0 if there is none.
pub fn last_reject(connection: &mut PgConnection) -> QueryResult<i64> {
    let query = "select coalesce(max(id), 0) as number from etl.rejected_record";
    let last: Number = sql_query(query).get_result(connection)?;
    Ok(last.number)
}

impl Run {
    /// Resolves the rejects that these records mend.
    pub fn resolve_mended(&mut self, mended: &[MendedRecord]) -> QueryResult<usize> {
        if mended.is_empty() {
            return Ok(0);
        }
        sql_query(RESOLVE)
            .bind::<Array<BigInt>, _>(mended.iter().map(|record| record.file_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(mended.iter().map(|record| record.resource_type).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(mended.iter().map(|record| record.fhir_id.as_str()).collect::<Vec<_>>())
            .execute(&mut self.connection)
    }

    /// Resolves the rejects up to that number that these records mend, which have come after them.
    pub fn resolve_earlier(&mut self, mended: &[MendedRecord], until: i64) -> QueryResult<usize> {
        sql_query(RESOLVE_EARLIER)
            .bind::<Array<BigInt>, _>(mended.iter().map(|record| record.file_id).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(mended.iter().map(|record| record.resource_type).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(mended.iter().map(|record| record.fhir_id.as_str()).collect::<Vec<_>>())
            .bind::<BigInt, _>(until)
            .execute(&mut self.connection)
    }

    /// Resolves the rejects with greater numbers than `after` whose resource has a
    /// current version that was read later.
    pub fn resolve_superseded(&mut self, after: i64) -> QueryResult<usize> {
        sql_query(RESOLVE_BY_REGISTRY).bind::<BigInt, _>(after).execute(&mut self.connection)
    }

    /// Resolves retried rejects; each comes with the file by which its record has
    /// loaded.
    pub fn resolve_retried(&mut self, retried: &[(i64, i64)]) -> QueryResult<usize> {
        if retried.is_empty() {
            return Ok(0);
        }
        let (ids, files): (Vec<i64>, Vec<i64>) = retried.iter().copied().unzip();
        sql_query(RESOLVE_RETRIED)
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Array<BigInt>, _>(files)
            .execute(&mut self.connection)
    }
}
