//! *Archived files*, and the positions in them that the registry names, for proving
//! that the archive has what it should.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Integer, Nullable};

use super::stored_file::{STORED_FILE, StoredFile};

/// A file that should be in the archive.
#[derive(Debug, QueryableByName)]
pub struct ArchivedFile {
    /// Its number in the ledger.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// Where it lies.
    #[diesel(embed)]
    pub stored: StoredFile,
    /// How many bytes it takes in the archive, if it lies there compressed.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub stored_bytes: Option<i64>,
    /// How many resources of the tables are in it.
    #[diesel(sql_type = BigInt)]
    pub positions: i64,
}

/// A resource as it was found in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundResource {
    /// Its position in the file.
    pub position: u64,
    /// The number of the container's member that it is in.
    pub member: u32,
    /// Its first byte there.
    pub offset: u64,
    /// In bytes.
    pub length: u64,
    /// The hash of its content.
    pub content_hash: [u8; 32],
    /// The hash of its content without what EOB_COVERAGE may have removed.
    pub reduced_hash: [u8; 32],
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Deliveries of the same bytes share one archived file. Rejected files are for
/// people, who may remove them, unless something in them was loaded.
fn files_sql() -> String {
    format!(
        "\
select f.id, f.status, {STORED_FILE}, f.stored_bytes, v.positions
from etl.load_file f
cross join lateral (
  select count(*) as positions from etl.resource_version v
   where v.file_id = f.id and v.content_hash is not null) v
where f.id > $1 and f.archive_removed_at is null and (f.status = 'loaded' or v.positions > 0
  or (f.status = 'undone' and exists (
    select from etl.undo u where u.file_id = f.id and u.redone_at is null and u.status_before = 'loaded'))
  or (f.status = 'duplicate' and not exists (
  select from etl.load_file o
   where o.archive_path = f.archive_path and o.sha256 = f.sha256 and o.status = 'loaded')))
order by f.id limit 1000"
    )
}

const TOTAL_BYTES: &str = "\
select coalesce(sum(size_bytes), 0)::bigint as number from etl.load_file
 where status in ('loaded', 'rejected') and archive_removed_at is null";

const SELECT: &str = "\
insert into named
select position, member, byte_offset, byte_length, content_hash from etl.resource_version
 where file_id = $1 and content_hash is not null";

const COMPARE: &str = "\
select count(*) as number
from unnest($1, $2, $3, $4, $5, $6) as a (position, member, byte_offset, byte_length, content_hash, reduced_hash)
join named n on n.position = a.position
where n.member = a.member and n.byte_offset = a.byte_offset and n.byte_length = a.byte_length
  and n.content_hash in (a.content_hash, a.reduced_hash)";

impl ArchivedFile {
    /// The next files after the one with this number; none at the end.
    pub fn after(connection: &mut PgConnection, id: i64) -> QueryResult<Vec<ArchivedFile>> {
        sql_query(files_sql()).bind::<BigInt, _>(id).load(connection)
    }

    /// About how many bytes all of them have.
    pub fn total_bytes(connection: &mut PgConnection) -> QueryResult<u64> {
        let Number { number } = sql_query(TOTAL_BYTES).get_result(connection)?;
        Ok(number.unsigned_abs())
    }

    /// Selects the positions in the file that the registry names, for
    /// [`FoundResource::count_named`].
    pub fn select_positions(&self, connection: &mut PgConnection) -> QueryResult<()> {
        connection.batch_execute(
            "create temporary table if not exists named (position bigint primary key, member integer, \
             byte_offset bigint, byte_length bigint, content_hash bytea); truncate named",
        )?;
        sql_query(SELECT).bind::<BigInt, _>(self.id).execute(connection)?;
        Ok(())
    }
}

impl FoundResource {
    /// How many of these are at a selected position, and have the content that the
    /// registry has.
    pub fn count_named(connection: &mut PgConnection, found: &[FoundResource]) -> QueryResult<u64> {
        let numbers = |value: fn(&FoundResource) -> u64| {
            found.iter().map(|resource| value(resource) as i64).collect::<Vec<i64>>()
        };
        let hashes = |hash: fn(&FoundResource) -> &[u8; 32]| {
            found.iter().map(|resource| hash(resource).to_vec()).collect::<Vec<_>>()
        };
        let Number { number } = sql_query(COMPARE)
            .bind::<Array<BigInt>, _>(numbers(|resource| resource.position))
            .bind::<Array<Integer>, _>(
                found.iter().map(|resource| resource.member as i32).collect::<Vec<_>>(),
            )
            .bind::<Array<BigInt>, _>(numbers(|resource| resource.offset))
            .bind::<Array<BigInt>, _>(numbers(|resource| resource.length))
            .bind::<Array<Binary>, _>(hashes(|resource| &resource.content_hash))
            .bind::<Array<Binary>, _>(hashes(|resource| &resource.reduced_hash))
            .get_result(connection)?;
        Ok(number.unsigned_abs())
    }
}
