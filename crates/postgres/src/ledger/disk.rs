//! How much *disk* things take, as far as the database knows: its own relations by what is in them, and
//! what the ledger has of archived files, rejected files and snapshots.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;
use serde::Serialize;

/// The bytes of the database's relations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName, Serialize)]
pub struct DatabaseDisk {
    /// Tables of current resources.
    #[diesel(sql_type = BigInt)]
    pub clinical_bytes: i64,
    /// Tables of earlier names and addresses.
    #[diesel(sql_type = BigInt)]
    pub history_bytes: i64,
    /// Keys and versions of resources, and their JSON with KEEP_BODIES=database.
    #[diesel(sql_type = BigInt)]
    pub registry_bytes: i64,
    /// The other tables of schema etl: runs, files, rejects, uploads, and so on.
    #[diesel(sql_type = BigInt)]
    pub ledger_bytes: i64,
    /// Tables of views that somebody has applied.
    #[diesel(sql_type = BigInt)]
    pub view_bytes: i64,
    /// Indexes of all of these.
    #[diesel(sql_type = BigInt)]
    pub index_bytes: i64,
    /// What is in none of these: the catalog, and what others keep in the database.
    #[diesel(sql_type = BigInt)]
    pub other_bytes: i64,
}

/// The bytes of files, as the ledger knows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName, Serialize)]
pub struct StoredFiles {
    /// Files in the archive.
    #[diesel(sql_type = BigInt)]
    pub archive_files: i64,
    /// Their bytes as they were sent.
    #[diesel(sql_type = BigInt)]
    pub archive_sent_bytes: i64,
    /// The bytes that they take.
    #[diesel(sql_type = BigInt)]
    pub archive_bytes: i64,
    /// Those of them that are compressed by fhirmill.
    #[diesel(sql_type = BigInt)]
    pub compressed_files: i64,
    /// The bytes of those as they were sent.
    #[diesel(sql_type = BigInt)]
    pub compressed_sent_bytes: i64,
    /// The bytes that those take.
    #[diesel(sql_type = BigInt)]
    pub compressed_bytes: i64,
    /// Rejected files.
    #[diesel(sql_type = BigInt)]
    pub rejected_files: i64,
    /// Their bytes.
    #[diesel(sql_type = BigInt)]
    pub rejected_bytes: i64,
    /// Snapshots that were not removed.
    #[diesel(sql_type = BigInt)]
    pub snapshots: i64,
    /// The bytes of their files; those that several share are counted for each.
    #[diesel(sql_type = BigInt)]
    pub snapshot_bytes: i64,
}

/// Relations of the registry.
const REGISTRY: &str = "'resource_key', 'resource_version', 'resource_body', 'row_since', 'contained_resource', \
'conditional_resource', 'resolved_identifier', 'unresolved_reference', 'adopted_resource', 'undone_key'";

impl DatabaseDisk {
    /// Asks for the sizes as they are now.
    pub fn load(connection: &mut PgConnection) -> QueryResult<DatabaseDisk> {
        sql_query(format!(
            "with relation as (\
               select n.nspname as schema, c.relname as name, coalesce(pg_table_size(c.oid), 0) as bytes, \
                      coalesce(pg_indexes_size(c.oid), 0) as indexes \
                 from pg_class c join pg_namespace n on n.oid = c.relnamespace \
                where c.relkind in ('r', 'm') and n.nspname in ('public', 'etl', 'views')), \
             kind as (\
               select r.*, case \
                 when schema = 'views' then 'view' \
                 when schema = 'etl' then case when name in ({REGISTRY}) then 'registry' else 'ledger' end \
                 when name like '%\\_history' then 'history' else 'clinical' end as kind \
                 from relation r), \
             total as (select \
               coalesce(sum(bytes) filter (where kind = 'clinical'), 0)::bigint as clinical_bytes, \
               coalesce(sum(bytes) filter (where kind = 'history'), 0)::bigint as history_bytes, \
               coalesce(sum(bytes) filter (where kind = 'registry'), 0)::bigint as registry_bytes, \
               coalesce(sum(bytes) filter (where kind = 'ledger'), 0)::bigint as ledger_bytes, \
               coalesce(sum(bytes) filter (where kind = 'view'), 0)::bigint as view_bytes, \
               coalesce(sum(indexes), 0)::bigint as index_bytes \
               from kind) \
             select t.*, greatest(0, pg_database_size(current_database()) - clinical_bytes - history_bytes \
               - registry_bytes - ledger_bytes - view_bytes - index_bytes) as other_bytes from total t"
        ))
        .get_result(connection)
    }
}

/// Deliveries of the same bytes share one file.
const STORED: &str = "\
select count(*) filter (where not is_rejected) as archive_files,
       coalesce(sum(size_bytes) filter (where not is_rejected), 0)::bigint as archive_sent_bytes,
       coalesce(sum(coalesce(stored_bytes, size_bytes)) filter (where not is_rejected), 0)::bigint as archive_bytes,
       count(stored_bytes) filter (where not is_rejected) as compressed_files,
       coalesce(sum(size_bytes) filter (where not is_rejected and stored_bytes is not null), 0)::bigint
         as compressed_sent_bytes,
       coalesce(sum(stored_bytes) filter (where not is_rejected), 0)::bigint as compressed_bytes,
       count(*) filter (where is_rejected) as rejected_files,
       coalesce(sum(size_bytes) filter (where is_rejected), 0)::bigint as rejected_bytes,
       (select count(*) from etl.snapshot where state = 'complete' and removed_at is null) as snapshots,
       (select coalesce(sum(bytes), 0)::bigint from etl.snapshot where state = 'complete' and removed_at is null)
         as snapshot_bytes
from (
  select max(f.size_bytes) as size_bytes, max(f.stored_bytes) as stored_bytes,
         bool_and(coalesce(u.status_before, f.status) = 'rejected') as is_rejected
    from etl.load_file f left join etl.undo u on u.file_id = f.id and u.redone_at is null
   where f.archive_path is not null and f.archive_removed_at is null and f.status <> 'loading'
   group by f.archive_path) place";

impl StoredFiles {
    /// Asks for the sizes as they are now.
    pub fn load(connection: &mut PgConnection) -> QueryResult<StoredFiles> {
        sql_query(STORED).get_result(connection)
    }

    /// How many bytes were sent for each that the files take which fhirmill has compressed.
    pub fn ratio(&self) -> Option<f64> {
        (self.compressed_bytes > 0).then(|| self.compressed_sent_bytes as f64 / self.compressed_bytes as f64)
    }
}
