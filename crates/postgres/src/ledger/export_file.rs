//! The *files of exports*, from the manifest to the ledger's entry of their load.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz};
use serde::Serialize;

/// A file whose resources are counted, and are not those that were announced. Records that
/// only say which resource the next ones belong to are resources for some servers, and none
/// for others. Of deletes, some servers count the Bundles that they come in.
pub(super) const DIFFERS: &str = "e.kind in ('output', 'deleted') and e.status in ('loaded', 'empty') \
     and (j.organized_by is null or e.kind = 'deleted' or e.status = 'empty' or e.header_count is not null) \
     and e.announced_count is not null and e.seen_count is distinct from e.announced_count \
     and e.seen_count - e.header_count is distinct from e.announced_count \
     and e.bundle_count is distinct from e.announced_count";

/// A file that a manifest announces.
#[derive(Clone, Copy, Debug)]
pub struct NewExportFile<'f> {
    /// Its place in the manifest, from 1.
    pub number: i32,
    /// `output`, `deleted` or `outcome`.
    pub kind: &'f str,
    /// The type of its resources.
    pub resource_type: Option<&'f str>,
    /// Its URL without parameters.
    pub location: &'f str,
    /// How many resources it has.
    pub count: Option<i64>,
}

impl NewExportFile<'_> {
    pub(super) fn insert(&self, connection: &mut PgConnection, job_id: i64) -> QueryResult<()> {
        sql_query(
            "insert into etl.export_file (job_id, number, kind, resource_type, location, announced_count) \
             values ($1, $2, $3, $4, $5, $6)",
        )
        .bind::<BigInt, _>(job_id)
        .bind::<Integer, _>(self.number)
        .bind::<Text, _>(self.kind)
        .bind::<Nullable<Text>, _>(self.resource_type)
        .bind::<Text, _>(self.location)
        .bind::<Nullable<BigInt>, _>(self.count)
        .execute(connection)?;
        Ok(())
    }
}

/// A file of an export.
#[derive(Clone, Debug, QueryableByName)]
pub struct ExportFile {
    /// The export.
    #[diesel(sql_type = BigInt)]
    pub job_id: i64,
    /// Its place in the manifest, from 1.
    #[diesel(sql_type = Integer)]
    pub number: i32,
    /// `output`, `deleted` or `outcome`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    /// The type of its resources.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_type: Option<String>,
    /// How many resources were announced.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub announced_count: Option<i64>,
    /// How many records were read.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub seen_count: Option<i64>,
    /// `waiting`, `landing`, `landed`, `loaded`, `empty` or `kept`.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// How many bytes are certainly on disk.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// What the rest must belong to; none if it must be fetched from the beginning.
    #[diesel(sql_type = Nullable<Text>)]
    pub validator: Option<String>,
    /// Its path in the inbox.
    #[diesel(sql_type = Nullable<Text>)]
    pub landed_path: Option<String>,
    /// When that was noted.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub landing_at: Option<DateTime<Utc>>,
}

/// A file that has another number of resources than was announced.
#[derive(Clone, Debug, QueryableByName, Serialize)]
pub struct CountDifference {
    /// Its place in the manifest.
    #[diesel(sql_type = Integer)]
    pub number: i32,
    /// The type of its resources.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_type: Option<String>,
    /// How many were announced.
    #[diesel(sql_type = BigInt)]
    pub announced: i64,
    /// How many were read, without those that only say whose the next ones are.
    #[diesel(sql_type = BigInt)]
    pub seen: i64,
}

/// Files that were loaded, and not loaded without success. Of a file that was known
/// already, the count is that of the one that it equals.
const FOLLOW: &str = "\
with followed as (
update etl.export_file e
   set status = 'loaded', file_id = f.id,
       seen_count = case f.status when 'duplicate' then (
         select o.seen from etl.load_file o
          where o.source_id = f.source_id and o.sha256 = f.sha256 and o.status in ('loaded', 'rejected')
          order by o.id desc limit 1) else f.seen end,
       rejected_count = f.rejected
  from etl.export_job j join etl.source s on s.code = j.source
  join etl.load_file f on f.source_id = s.id
 where e.job_id = $1 and j.id = e.job_id and e.status = 'landed' and f.path = e.landed_path
   and f.started_at >= e.landing_at and f.status in ('loaded', 'duplicate', 'rejected')
 returning e.seen_count)
update etl.feed f set records = f.records + t.records
  from (select coalesce(sum(seen_count), 0)::bigint as records from followed) t, etl.export_job j
 where j.id = $1 and f.id = j.feed_id and t.records > 0";

/// A file is here: counts for its feed, too.
const FETCHED: &str = "\
with fetched as (
  update etl.export_file set status = $3, seen_count = coalesce($4, seen_count)
   where job_id = $1 and number = $2 returning size_bytes)
update etl.feed f set files = f.files + 1, bytes = f.bytes + t.size_bytes
  from fetched t, etl.export_job j where j.id = $1 and f.id = j.feed_id";

/// Files that nobody has claimed, or that were lost.
const UNCLAIMED: &str = "\
select e.number from etl.export_file e join etl.export_job j on j.id = e.job_id
 where e.job_id = $1 and e.status = 'landed'
   and not exists (select from etl.load_file f join etl.source s on s.id = f.source_id
                    where s.code = j.source and f.path = e.landed_path and f.started_at >= e.landing_at
                      and f.status <> 'abandoned')";

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    number: i32,
}

impl ExportFile {
    /// The files of an export, in the order of its manifest.
    pub fn list(connection: &mut PgConnection, job_id: i64) -> QueryResult<Vec<ExportFile>> {
        sql_query(
            "select job_id, number, kind, resource_type, announced_count, seen_count, status, size_bytes, validator, landed_path, landing_at \
               from etl.export_file where job_id = $1 order by number",
        )
        .bind::<BigInt, _>(job_id)
        .load(connection)
    }

    /// So many bytes of it are on disk.
    pub fn checkpoint(
        &self,
        connection: &mut PgConnection,
        size: u64,
        validator: Option<&str>,
    ) -> QueryResult<()> {
        sql_query(
            "update etl.export_file set size_bytes = $3, validator = $4 where job_id = $1 and number = $2",
        )
        .bind::<BigInt, _>(self.job_id)
        .bind::<Integer, _>(self.number)
        .bind::<BigInt, _>(size.cast_signed())
        .bind::<Nullable<Text>, _>(validator)
        .execute(connection)?;
        Ok(())
    }

    /// It is about to be moved there in the inbox.
    pub fn note_landing(&self, connection: &mut PgConnection, path: &str) -> QueryResult<()> {
        sql_query(
            "update etl.export_file set status = 'landing', landed_path = $3, landing_at = clock_timestamp() \
             where job_id = $1 and number = $2",
        )
        .bind::<BigInt, _>(self.job_id)
        .bind::<Integer, _>(self.number)
        .bind::<Text, _>(path)
        .execute(connection)?;
        Ok(())
    }

    /// So many of its records only say which resource the next ones belong to.
    pub fn note_headers(&self, connection: &mut PgConnection, count: i64) -> QueryResult<()> {
        sql_query("update etl.export_file set header_count = $3 where job_id = $1 and number = $2")
            .bind::<BigInt, _>(self.job_id)
            .bind::<Integer, _>(self.number)
            .bind::<BigInt, _>(count)
            .execute(connection)?;
        Ok(())
    }

    /// It has deletes, which come in so many Bundles.
    pub fn note_bundles(&self, connection: &mut PgConnection, count: i64) -> QueryResult<()> {
        sql_query("update etl.export_file set bundle_count = $3 where job_id = $1 and number = $2")
            .bind::<BigInt, _>(self.job_id)
            .bind::<Integer, _>(self.number)
            .bind::<BigInt, _>(count)
            .execute(connection)?;
        Ok(())
    }

    /// It was fetched: it is `landed`, `empty` or `kept` from now on, and has so many records
    /// if that is known.
    pub fn note_fetched(
        &self,
        connection: &mut PgConnection,
        status: &str,
        seen: Option<i64>,
    ) -> QueryResult<()> {
        sql_query(FETCHED)
            .bind::<BigInt, _>(self.job_id)
            .bind::<Integer, _>(self.number)
            .bind::<Text, _>(status)
            .bind::<Nullable<BigInt>, _>(seen)
            .execute(connection)?;
        Ok(())
    }

    /// Learns which files are loaded, and counts their records for the feed.
    pub fn follow(connection: &mut PgConnection, job_id: i64) -> QueryResult<()> {
        sql_query(FOLLOW).bind::<BigInt, _>(job_id).execute(connection)?;
        Ok(())
    }

    /// The numbers of the files that have landed and that no load has claimed.
    pub fn unclaimed(connection: &mut PgConnection, job_id: i64) -> QueryResult<Vec<i32>> {
        let numbers: Vec<Number> = sql_query(UNCLAIMED).bind::<BigInt, _>(job_id).load(connection)?;
        Ok(numbers.into_iter().map(|Number { number }| number).collect())
    }

    /// Whether a file that landed could not be loaded, and stays in the inbox.
    pub fn have_failed(connection: &mut PgConnection, job_id: i64) -> QueryResult<bool> {
        let failed: Vec<Number> = sql_query(
            "select e.number from etl.export_file e join etl.export_job j on j.id = e.job_id \
               join etl.source s on s.code = j.source join etl.load_file f on f.source_id = s.id \
              where e.job_id = $1 and e.status = 'landed' and f.path = e.landed_path \
                and f.started_at >= e.landing_at and f.status = 'failed' limit 1",
        )
        .bind::<BigInt, _>(job_id)
        .load(connection)?;
        Ok(!failed.is_empty())
    }

    /// These files have to be fetched again.
    pub fn fetch_again(connection: &mut PgConnection, job_id: i64, numbers: &[i32]) -> QueryResult<()> {
        sql_query(
            "update etl.export_file set status = 'waiting', size_bytes = 0, validator = null, landed_path = null, \
             landing_at = null where job_id = $1 and number = any($2)",
        )
        .bind::<BigInt, _>(job_id)
        .bind::<Array<Integer>, _>(numbers)
        .execute(connection)?;
        Ok(())
    }

    /// The files of an export that have another number of resources than was announced.
    pub fn differences(connection: &mut PgConnection, job_id: i64) -> QueryResult<Vec<CountDifference>> {
        sql_query(format!(
            "select e.number, e.resource_type, e.announced_count as announced, \
                    coalesce(e.seen_count, 0) - coalesce(e.header_count, 0) as seen \
               from etl.export_file e join etl.export_job j on j.id = e.job_id \
              where e.job_id = $1 and {DIFFERS} order by e.number"
        ))
        .bind::<BigInt, _>(job_id)
        .load(connection)
    }
}
