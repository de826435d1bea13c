//! How files *relate*: what one of them would change if it were delivered again.
//!
//! A file that was loaded changes nothing when its bytes come again, unless one of
//! its records was superseded since by a record of another file, and would count
//! again by being the one read last. Such files are marked. A file whose records
//! found their content in the tables already depends on the files that brought it.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt};

/// What a batch tells of files; see the module.
#[derive(Clone, Debug, Default)]
pub struct FileRelations {
    /// By superseded file the first and the last that did it.
    superseded: BTreeMap<i64, (i64, i64)>,
    /// Files, with the file that first brought a content they have too.
    overlaps: BTreeSet<(i64, i64)>,
}

/// Only what is not there yet, so that batches seldom wait for each other; in the
/// same order in every transaction.
const MARK: &str = "\
insert into etl.superseded_file as s (file_id, first_by_file_id, last_by_file_id)
select a.file_id, a.first_by, a.last_by from unnest($1, $2, $3) as a (file_id, first_by, last_by)
where not exists (select from etl.superseded_file o where o.file_id = a.file_id
                     and o.first_by_file_id <= a.first_by and o.last_by_file_id >= a.last_by)
order by a.file_id
on conflict (file_id) do update set
  first_by_file_id = least(s.first_by_file_id, excluded.first_by_file_id),
  last_by_file_id = greatest(s.last_by_file_id, excluded.last_by_file_id)";

const OVERLAP: &str = "\
insert into etl.file_overlap (file_id, content_file_id)
select a.file_id, a.content_file_id from unnest($1, $2) as a (file_id, content_file_id)
where not exists (select from etl.file_overlap o where o.file_id = a.file_id and o.content_file_id = a.content_file_id)
order by 1, 2
on conflict do nothing";

impl FileRelations {
    /// A record of `file` was superseded by one of the file `by`.
    pub fn add_superseded(&mut self, file: i64, by: i64) {
        let (first, last) = self.superseded.entry(file).or_insert((by, by));
        (*first, *last) = (by.min(*first), by.max(*last));
    }

    /// `file` has a content that `content_file` brought first.
    pub fn add_overlap(&mut self, file: i64, content_file: i64) {
        if file != content_file {
            self.overlaps.insert((file, content_file));
        }
    }

    /// Adds what others tell.
    pub fn extend(&mut self, other: &FileRelations) {
        for (file, (first, last)) in &other.superseded {
            self.add_superseded(*file, *first);
            self.add_superseded(*file, *last);
        }
        self.overlaps.extend(&other.overlaps);
    }

    /// Writes them into the ledger.
    pub fn insert(&self, connection: &mut PgConnection) -> QueryResult<()> {
        if !self.overlaps.is_empty() {
            let (files, content_files): (Vec<i64>, Vec<i64>) = self.overlaps.iter().copied().unzip();
            sql_query(OVERLAP)
                .bind::<Array<BigInt>, _>(files)
                .bind::<Array<BigInt>, _>(content_files)
                .execute(connection)?;
        }
        if !self.superseded.is_empty() {
            let (first, last): (Vec<i64>, Vec<i64>) = self.superseded.values().copied().unzip();
            sql_query(MARK)
                .bind::<Array<BigInt>, _>(self.superseded.keys().copied().collect::<Vec<_>>())
                .bind::<Array<BigInt>, _>(first)
                .bind::<Array<BigInt>, _>(last)
                .execute(connection)?;
        }
        Ok(())
    }
}

/// A condition that holds if the loaded file `of` would change something if it
/// were delivered again. `before` is the number of the new delivery: what later
/// files superseded stays so.
pub(crate) fn is_superseded(of: &str, before: &str) -> String {
    format!(
        "(exists (select from etl.superseded_file s where s.file_id = {of} and s.first_by_file_id < {before}) \
          or exists (select from etl.file_overlap o join etl.superseded_file s on s.file_id = o.content_file_id \
                      where o.file_id = {of} and s.last_by_file_id > {of} and s.first_by_file_id < {before}))"
    )
}
