//! The sessions that see a picture: the first takes it, the others join it.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::sql_types::{BigInt, Integer, Text, Timestamptz};
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// For sessions that do nothing but read: a scan begins at the beginning of a table, so that
/// equal tables give equal streams, and the session may rest while others still read.
const READER: &str = "\
    set synchronize_seqscans = off;
    set max_parallel_workers_per_gather = 0;
    set jit = off;
    set idle_in_transaction_session_timeout = 0;
    set statement_timeout = 0;
    begin isolation level repeatable read read only;";

/// By which other sessions join a picture, and what is known of it.
#[derive(Clone, Debug, QueryableByName)]
pub struct PictureId {
    /// The name that Postgres has for it, good for as long as the first session sees it.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// When it was taken.
    #[diesel(sql_type = Timestamptz)]
    pub taken_at: DateTime<Utc>,
    /// The oldest transaction that was in progress then, or else the next one. Everything
    /// that is not in the picture is of this transaction or of a later one.
    #[diesel(sql_type = BigInt)]
    pub oldest_transaction: i64,
    /// The server's cluster and database. Transactions are numbered by cluster.
    #[diesel(sql_type = Text)]
    pub database: String,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    id: i32,
}

/// A picture, seen over a connection.
pub struct Picture {
    connection: PgConnection,
    id: PictureId,
}

const TAKE: &str = "\
select pg_export_snapshot() as name, now() as taken_at,
       pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_transaction,
       (select system_identifier from pg_control_system()) || '/'
         || (select oid from pg_database where datname = current_database()) as database";

impl Picture {
    /// Takes a picture of what is committed now.
    pub fn take(mut connection: PgConnection) -> QueryResult<Self> {
        connection.batch_execute(READER)?;
        let id = sql_query(TAKE).get_result(&mut connection)?;
        Ok(Picture { connection, id })
    }

    /// Sees a picture over another connection. The first session must still see it.
    pub fn join(id: &PictureId, mut connection: PgConnection) -> QueryResult<Self> {
        connection.batch_execute(READER)?;
        connection.batch_execute(&format!("set transaction snapshot '{}'", id.name.replace('\'', "''")))?;
        Ok(Picture { connection, id: id.clone() })
    }

    /// The version of its tables: the last migration.
    pub fn schema_version(&mut self) -> QueryResult<String> {
        let version: Version =
            sql_query("select coalesce(max(version), '') as version from __diesel_schema_migrations")
                .get_result(&mut self.connection)?;
        Ok(version.version)
    }

    /// The server's process of this session, by which a long query can be ended.
    pub fn backend(&mut self) -> QueryResult<i32> {
        let backend: Backend = sql_query("select pg_backend_pid() as id").get_result(&mut self.connection)?;
        Ok(backend.id)
    }

    /// What is known of it.
    pub fn id(&self) -> &PictureId {
        &self.id
    }

    /// The connection that sees it.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}
