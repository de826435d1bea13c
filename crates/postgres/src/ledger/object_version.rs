//! *Versions of objects* that the ledger knows: an object that was seen and has not changed is not
//! read again to learn its hash.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, Text, Timestamptz};

use super::Run;
use super::candidates::NewFile;

/// The same path, ETag, size and time of the same sender.
const KNOWN: &str = "\
select a.ordinal - 1 as number, known.sha256
from unnest($1, $2, $3, $4, $5) with ordinality as a (code, path, size_bytes, etag, modified_at, ordinal)
join etl.source s using (code)
cross join lateral (
  select f.sha256 from etl.load_file f
   where f.path = a.path and f.source_id = s.id and f.size_bytes = a.size_bytes and f.etag = a.etag
     and f.modified_at = a.modified_at and f.is_hashed
   order by f.id desc limit 1) known";

/// Files of the same sender and size, which may have the same bytes; but for the very object, which a
/// process that died was loading.
const TWINS: &str = "\
select a.ordinal - 1 as number
from unnest($1, $2, $3) with ordinality as a (code, size_bytes, sha256, ordinal)
join etl.source s using (code)
where exists (select from etl.load_file f where f.source_id = s.id and f.size_bytes = a.size_bytes
                 and (f.status in ('loaded', 'rejected') or f.status = 'loading' and f.sha256 <> a.sha256))";

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

impl Run {
    /// The hashes of the bytes of objects that the ledger has in the same version: the number of
    /// each among the files, and its hash.
    pub fn known_objects(&mut self, files: &[NewFile<'_>]) -> QueryResult<Vec<(usize, [u8; 32])>> {
        let objects = || files.iter().map(|file| file.object);
        let known: Vec<Known> = sql_query(KNOWN)
            .bind::<Array<Text>, _>(files.iter().map(|file| file.source).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(files.iter().map(|file| file.path).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(files.iter().map(|file| file.size.cast_signed()).collect::<Vec<_>>())
            .bind::<Array<Nullable<Text>>, _>(objects().map(|object| object?.etag).collect::<Vec<_>>())
            .bind::<Array<Nullable<Timestamptz>>, _>(
                objects().map(|object| Some(object?.modified)).collect::<Vec<_>>(),
            )
            .load(&mut self.connection)?;
        Ok(known
            .into_iter()
            .filter_map(|Known { number, sha256 }| {
                Some((usize::try_from(number).ok()?, sha256.try_into().ok()?))
            })
            .collect())
    }

    /// Which of the files may have the bytes of one that the ledger has, by their numbers.
    pub fn twins(&mut self, files: &[NewFile<'_>]) -> QueryResult<Vec<usize>> {
        let twins: Vec<Number> = sql_query(TWINS)
            .bind::<Array<Text>, _>(files.iter().map(|file| file.source).collect::<Vec<_>>())
            .bind::<Array<BigInt>, _>(files.iter().map(|file| file.size.cast_signed()).collect::<Vec<_>>())
            .bind::<Array<Binary>, _>(files.iter().map(|file| &file.sha256[..]).collect::<Vec<_>>())
            .load(&mut self.connection)?;
        Ok(twins.into_iter().filter_map(|Number { number }| usize::try_from(number).ok()).collect())
    }
}
