//! The resources that a *remap* writes again, in a temporary table of the
//! session: they may be all there are.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, SmallInt, Text};
use fhirmill_core::fhir::ResourceType;

use super::schema::unresolved_reference;
use super::source::BASE_URLS;
use super::stored_file::{STORED_FILE, StoredFile};
use crate::registry::owners;

const TEMPORARY_TABLE: &str = "\
create temporary table if not exists wanted (file_id bigint, position bigint, primary key (file_id, position));
truncate wanted";

/// Selects resources whose references can be resolved by now: exactly one
/// resource has the identifier, or one patient where that is allowed; or the server
/// has become known.
fn select_resolvable_sql() -> String {
    format!(
        "\
insert into wanted
select distinct r.file_id, r.position
from etl.unresolved_reference u
join etl.resource r on r.id = u.resource_id
where r.file_id is not null and case u.system
  when 'reference' then u.value like '%://%' and exists (
    select from {BASE_URLS} b
     where b.source_id = r.source_id and starts_with(lower(u.value), lower(b.base_url))
       and split_part(substr(u.value, length(b.base_url) + 1), '/', 1) = any($1))
  else (select count(distinct m.id) = 1
           or ((u.resource_type = '' or 'Patient' = any(string_to_array(u.resource_type, '|')))
               and count(distinct m.id) filter (where m.resource_type = 'Patient') = 1)
          from ({owners}) m) end",
        owners = owners("u", "r.source_id", "$1")
    )
}

const SELECT_CURRENT: &str = "\
insert into wanted
select file_id, position from etl.resource
where content_hash is not null and file_id is not null
  and (cardinality($1::text[]) = 0 or resource_type = any($1) or id in (
    select c.container_id from etl.contained_resource c join etl.resource_key k on k.id = c.id
     where k.resource_type = any($1)))";

fn files_sql() -> String {
    format!(
        "\
select f.id as file_id, f.source_id, f.status, {STORED_FILE}, w.last, w.resources,
       array(select b.base_url from {BASE_URLS} b where b.source_id = f.source_id) as base_urls
from (select file_id, max(position) as last, count(*) as resources from wanted group by 1) w
join etl.load_file f on f.id = w.file_id
order by 1"
    )
}

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
    /// The base URLs of the sender's FHIR servers, with a trailing slash.
    #[diesel(sql_type = Array<Text>)]
    pub base_urls: Vec<String>,
    /// Where it lies.
    #[diesel(embed)]
    pub stored: StoredFile,
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
#[derive(Clone, Debug)]
pub struct RemapPositions(Vec<u64>);

impl RemapPositions {
    /// Whether the resource at that position is to be written again.
    pub fn contains(&self, position: u64) -> bool {
        self.0.get(position as usize / 64).is_some_and(|bits| bits >> (position % 64) & 1 == 1)
    }

    /// Takes a position out.
    pub fn remove(&mut self, position: u64) {
        if let Some(bits) = self.0.get_mut(position as usize / 64) {
            *bits &= !(1 << (position % 64));
        }
    }

    /// The lowest position from there on.
    pub fn first_from(&self, position: u64) -> Option<u64> {
        let word = position as usize / 64;
        let rest = self.0.get(word)? >> (position % 64);
        if rest != 0 {
            return Some(position + u64::from(rest.trailing_zeros()));
        }
        let later = self.0.iter().enumerate().skip(word + 1).find(|(_, bits)| **bits != 0);
        later.map(|(word, bits)| word as u64 * 64 + u64::from(bits.trailing_zeros()))
    }
}

/// Selects resources that refer to identifiers whose owners have arrived since;
/// returns the files that hold them.
pub fn select_resolvable(connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
    begin_selection(connection)?;
    sql_query(select_resolvable_sql())
        .bind::<Array<Text>, _>(ResourceType::all().map(ResourceType::name).collect::<Vec<_>>())
        .execute(connection)?;
    selected_files(connection)
}

/// Begins to select resources for a remap: none so far.
pub(super) fn begin_selection(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(TEMPORARY_TABLE)
}

/// The files that hold the selected resources, by their numbers.
pub(super) fn selected_files(connection: &mut PgConnection) -> QueryResult<Vec<RemapFile>> {
    sql_query(files_sql()).load(connection)
}

/// The number of references without a key.
pub fn count_unresolved(connection: &mut PgConnection) -> QueryResult<u64> {
    let count: i64 = unresolved_reference::table.count().get_result(connection)?;
    Ok(count.unsigned_abs())
}

/// Selects all current resources, or those of some types if any is given, with
/// those that contain one of these types;
/// returns the files that hold them.
pub fn select_current(
    connection: &mut PgConnection,
    resource_types: &[String],
) -> QueryResult<Vec<RemapFile>> {
    begin_selection(connection)?;
    sql_query(SELECT_CURRENT).bind::<Array<Text>, _>(resource_types).execute(connection)?;
    selected_files(connection)
}

impl RemapFile {
    /// The position of the last of the selected resources.
    pub fn last_position(&self) -> u64 {
        self.last.unsigned_abs()
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_position_is_found_in_any_word() {
        let mut positions = RemapPositions(vec![1 << 5, 0, 1 << 63 | 1]);
        assert_eq!(positions.first_from(0), Some(5));
        assert_eq!((positions.first_from(5), positions.first_from(6)), (Some(5), Some(128)));
        positions.remove(128);
        assert_eq!((positions.first_from(6), positions.first_from(191)), (Some(191), Some(191)));
        assert_eq!((positions.first_from(192), positions.first_from(10_000)), (None, None));
    }
}
