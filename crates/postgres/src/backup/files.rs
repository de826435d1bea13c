//! The *files* that the ledger names: those in the archive and the rejects, and those whose
//! resources are in the tables while they are still in the inbox.

use diesel::sql_types::{BigInt, Binary, Nullable, Text};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// A file that the ledger names.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct LedgerFile {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The path it had, or has, in the inbox.
    #[diesel(sql_type = Text)]
    pub path: String,
    /// Its status.
    #[diesel(sql_type = Text)]
    pub status: String,
    /// Its location in the archive or the rejects; none while it is in the inbox.
    #[diesel(sql_type = Nullable<Text>)]
    pub archive_path: Option<String>,
    /// Its size in bytes.
    #[diesel(sql_type = BigInt)]
    pub size_bytes: i64,
    /// The hash of its bytes.
    #[diesel(sql_type = Binary)]
    pub sha256: Vec<u8>,
}

const FIELDS: &str =
    "select f.id, f.path, f.status, f.archive_path, f.size_bytes, f.sha256 from etl.load_file f ";

/// What retention has removed is not asked for; older versions have no such column.
const AFTER: &str = "\
 where f.id > $1 and to_jsonb(f) ->> 'archive_removed_at' is null and (f.archive_path is not null
   or exists (select from etl.resource_version v where v.file_id = f.id))
 order by f.id limit 10000";

impl LedgerFile {
    /// The next files after the one with this number; none at the end.
    pub fn after(connection: &mut PgConnection, id: i64) -> QueryResult<Vec<LedgerFile>> {
        sql_query(format!("{FIELDS}{AFTER}")).bind::<BigInt, _>(id).load(connection)
    }

    /// What the ledger has of the file now; none if retention has removed it.
    pub fn now(&self, connection: &mut PgConnection) -> QueryResult<Option<LedgerFile>> {
        sql_query(format!("{FIELDS} where f.id = $1 and to_jsonb(f) ->> 'archive_removed_at' is null"))
            .bind::<BigInt, _>(self.id)
            .get_result(connection)
            .optional()
    }
}
