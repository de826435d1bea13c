//! The resources that a *remap* writes again, in a temporary table of the
//! session: they may be all there are.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use fhirmill_core::fhir::ResourceType;

const TEMPORARY_TABLE: &str = "\
create temporary table if not exists wanted (file_id bigint, position bigint, primary key (file_id, position));
truncate wanted";

/// Resources that refer to identifiers whose owners have arrived by now.
const SELECT_RESOLVABLE: &str = "\
insert into wanted
select distinct r.file_id, r.position
from etl.unresolved_reference u
join etl.resource r on r.id = u.resource_id
where r.file_id is not null and (select count(distinct m.id) from (
    select i.patient_id as id from patient_identifier i join etl.resource b on b.id = i.patient_id and b.content_hash is not null
     where u.resource_type = 'Patient' and i.value = u.value and coalesce(i.system, '') = u.system
       and b.source_id = r.source_id
    union all
    select i.resource_id from resource_identifier i join etl.resource b on b.id = i.resource_id and b.content_hash is not null
     where i.resource_type = u.resource_type and i.value = u.value and coalesce(i.system, '') = u.system
       and b.source_id = r.source_id
    union all
    select b.id from etl.resource b
     where u.system = 'urn:uuid' and b.source_id = r.source_id
       and b.resource_type = any(case u.resource_type when '' then $1 else array[u.resource_type] end)
       and b.fhir_id = u.value and b.content_hash is not null) m) = 1";

const SELECT_CURRENT: &str = "\
insert into wanted
select file_id, position from etl.resource
where content_hash is not null and file_id is not null
  and (cardinality($1::text[]) = 0 or resource_type = any($1) or id in (
    select c.container_id from etl.contained_resource c join etl.resource_key k on k.id = c.id
     where k.resource_type = any($1)))";

const FILES: &str = "\
select f.id as file_id, f.source_id, rtrim(s.base_url, '/') || '/' as base_url, f.path, f.status, f.archive_path, w.last, w.resources
from (select file_id, max(position) as last, count(*) as resources from wanted group by 1) w
join etl.load_file f on f.id = w.file_id
join etl.source s on s.id = f.source_id
order by 1";

const POSITIONS: &str = "\
select position from wanted where file_id = $1 and position > $2 order by position limit 50000";

/// A file that holds resources to be written again.
#[derive(Debug, QueryableByName)]
pub struct RemapFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub file_id: i64,
    /// The sender's number.
    #[diesel(sql_type = SmallInt)]
    pub source_id: i16,
    /// The URL of the sender's FHIR server, with a trailing slash.
    #[diesel(sql_type = Nullable<Text>)]
    pub base_url: Option<String>,
    /// The path it had in the inbox.
    #[diesel(sql_type = Text)]
    pub path: String,
    /// Its status.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Its location in the archive, once it has left the inbox.
    #[diesel(sql_type = Nullable<Text>)]
    pub archive_path: Option<String>,
    /// The position of the last of these resources.
    #[diesel(sql_type = BigInt)]
    last: i64,
    /// Their number.
    #[diesel(sql_type = BigInt)]
    pub resources: i64,
}

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// A set of positions in a file: one bit for each position.
pub struct RemapPositions(Vec<u64>);

impl RemapPositions {
    /// Whether the resource at that position is to be written again.
    pub fn contains(&self, position: u64) -> bool {
        self.0.get(position as usize / 64).is_some_and(|bits| bits >> (position % 64) & 1 == 1)
    }
}

/// Selects resources that refer to identifiers whose owners have arrived since;
/// returns the files that hold them.
pub fn select_resolvable(connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
    connection.batch_execute(TEMPORARY_TABLE)?;
    sql_query(SELECT_RESOLVABLE)
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .execute(connection)?;
    sql_query(FILES).load(connection)
}

/// Selects all current resources, or those of some types if any is given, with
/// those that contain one of these types;
/// returns the files that hold them.
pub fn select_current(
    connection: &mut PgConnection,
    resource_types: &[String],
) -> QueryResult<Vec<RemapFile>> {
    connection.batch_execute(TEMPORARY_TABLE)?;
    sql_query(SELECT_CURRENT).bind::<Array<Text>, _>(resource_types).execute(connection)?;
    sql_query(FILES).load(connection)
}

impl RemapFile {
    /// The positions of the selected resources of the file.
    pub fn positions(&self, connection: &mut PgConnection) -> QueryResult<RemapPositions> {
        let mut bits = vec![0; self.last as usize / 64 + 1];
        let mut after = -1;
        loop {
            let page: Vec<Position> = sql_query(POSITIONS)
                .bind::<BigInt, _>(self.file_id)
                .bind::<BigInt, _>(after)
                .load(connection)?;
            let Some(last) = page.last() else { return Ok(RemapPositions(bits)) };
            after = last.position;
            for Position { position } in page {
                bits[position as usize / 64] |= 1 << (position % 64);
            }
        }
    }
}
