//! *Duplicates*: deliveries with the bytes of a loaded file. They are read again only
//! if that would change the tables.

use diesel::dsl::{exists, not, now};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text};

use super::Run;
use super::candidates::ARCHIVE_PATH;
use super::relations::is_superseded;
use super::schema::{load_batch, load_file};
use super::skipped::has_skipped;

/// What is to become of a deferred file.
#[derive(Clone, Debug, QueryableByName)]
pub struct Verdict {
    /// The last loaded file of its content that was claimed before it.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub of: Option<i64>,
    /// Where that file lies in the archive, unless another content was put there.
    #[diesel(sql_type = Nullable<Text>)]
    pub archive_path: Option<String>,
    /// It would change nothing.
    #[diesel(sql_type = Bool)]
    pub is_duplicate: bool,
}

fn verdicts() -> String {
    let is_superseded = is_superseded("loaded.id", "f.id");
    let has_skipped = has_skipped("loaded.id", "$2");
    format!(
        "\
select loaded.id as of, {ARCHIVE_PATH} as archive_path,
       loaded.id is not null and not {is_superseded} and not {has_skipped}
         and not exists (select from etl.load_batch b where b.file_id = f.id)
         -- What another process has not loaded yet may supersede the loaded file.
         and not exists (select from etl.load_file o
                          where o.source_id = f.source_id and o.status = 'loading'
                            and o.load_run_id <> f.load_run_id and o.id > loaded.id and o.id < f.id) as is_duplicate
from unnest($1) with ordinality as a (id, ordinal)
join etl.load_file f on f.id = a.id
left join lateral (
  select l.id, l.archive_path, l.sha256 from etl.load_file l
   where l.source_id = f.source_id and l.sha256 = f.sha256 and l.status = 'loaded' and l.id < f.id
   order by l.id desc limit 1) loaded on true
order by a.ordinal"
    )
}

impl Run {
    /// Judges deferred files, in their order. It is final for a file if all files
    /// before it are loaded or found to be duplicates.
    pub fn judge(&mut self, ids: &[i64]) -> QueryResult<Vec<Verdict>> {
        sql_query(verdicts())
            .bind::<Array<BigInt>, _>(ids)
            .bind::<Nullable<Array<Text>>, _>(self.resource_types.as_deref())
            .load(&mut self.connection)
    }

    /// Notes that these deferred files are duplicates.
    pub fn mark_duplicates(&mut self, ids: &[i64]) -> QueryResult<()> {
        let own =
            load_file::table.filter(load_file::id.eq_any(ids)).filter(load_file::load_run_id.eq(self.id));
        diesel::update(own)
            .set((load_file::status.eq("duplicate"), load_file::finished_at.eq(now)))
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Removes the entry of a duplicate or deferred file that another process has
    /// moved meanwhile, unless something of it is loaded.
    pub fn forget(&mut self, id: i64) -> QueryResult<()> {
        let parts = load_batch::table.filter(load_batch::file_id.eq(load_file::id));
        let entry = load_file::table
            .find(id)
            .filter(load_file::load_run_id.eq(self.id))
            .filter(load_file::status.eq_any(["duplicate", "loading"]))
            .filter(not(exists(parts)));
        diesel::delete(entry).execute(&mut self.connection)?;
        Ok(())
    }
}
