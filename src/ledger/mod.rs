//! The *ledger* says what became of every file: which run has it, how far it
//! is, and its account. A file is claimed here before it is read, so that two
//! processes never load one file, and a dead one's files are taken over.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Binary, Bool, Integer, Jsonb, Nullable, SmallInt, Text};
use diesel::{Connection, OptionalExtension, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use tracing::info;

use crate::inbox::InboxFile;
use crate::load::Account;

/// The first of the two numbers of the advisory lock that a live run holds.
const RUN_LOCK: i32 = 7_303_014;
/// Held for the moment in which a file is claimed.
const CLAIM_LOCK: i64 = 7_303_015;

/// A run: one look at the inbox that found files. It lives as long as the
/// connection does that began it.
pub struct Run {
    pub id: i64,
    connection: PgConnection,
}

/// A file that is this run's to load.
#[derive(Clone, Debug)]
pub struct ClaimedFile {
    pub id: i64,
    pub source_id: i16,
    pub sha256: [u8; 32],
    /// Parts that an interrupted run has committed: first and last record.
    pub done: Vec<(u64, u64)>,
    /// What became of the records of those parts.
    pub account: Account,
}

/// The answer to a claim.
#[derive(Clone, Debug)]
pub enum Claim {
    /// Load it.
    Load(ClaimedFile),
    /// It is loaded already; it only has to go to the archive.
    Loaded { id: i64 },
    /// Another process has it.
    Taken,
    /// This run is loading another file of the same content.
    InFlight,
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

#[derive(QueryableByName)]
struct SourceId {
    #[diesel(sql_type = SmallInt)]
    id: i16,
}

#[derive(QueryableByName)]
struct Open {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Binary)]
    sha256: Vec<u8>,
    #[diesel(sql_type = Bool)]
    is_alive: bool,
    #[diesel(sql_type = Bool)]
    is_own: bool,
}

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = BigInt)]
    first_position: i64,
    #[diesel(sql_type = BigInt)]
    last_position: i64,
    #[diesel(sql_type = BigInt)]
    inserted: i64,
    #[diesel(sql_type = BigInt)]
    updated: i64,
    #[diesel(sql_type = BigInt)]
    unchanged: i64,
    #[diesel(sql_type = BigInt)]
    stale: i64,
    #[diesel(sql_type = BigInt)]
    deleted: i64,
    #[diesel(sql_type = BigInt)]
    rejected: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
}

impl Run {
    /// Begins a run.
    pub fn begin(mut connection: PgConnection, command: &str) -> Result<Run, diesel::result::Error> {
        let Id { id } =
            sql_query("insert into etl.load_run (program_version, command) values ($1, $2) returning id")
                .bind::<Text, _>(env!("CARGO_PKG_VERSION"))
                .bind::<Text, _>(command)
                .get_result(&mut connection)?;
        sql_query("select pg_advisory_lock($1, $2)")
            .bind::<Integer, _>(RUN_LOCK)
            .bind::<Integer, _>(id as i32)
            .execute(&mut connection)?;
        Ok(Run { id, connection })
    }

    /// Asks for a file.
    pub fn claim(&mut self, file: &InboxFile, sha256: [u8; 32]) -> Result<Claim, diesel::result::Error> {
        let run_id = self.id;
        self.connection.transaction(|connection| {
            sql_query("select pg_advisory_xact_lock($1)")
                .bind::<BigInt, _>(CLAIM_LOCK)
                .execute(connection)?;
            claim(connection, run_id, file, sha256)
        })
    }

    /// Ends the account of a file whose records are all committed. Tells
    /// whether it adds up: `seen` was counted by the reader, the rest by the
    /// batches. A file that does not add up is marked failed.
    pub fn finish_file(
        &mut self,
        file: &ClaimedFile,
        seen: u64,
        form: &str,
        error: Option<&str>,
    ) -> Result<(Account, bool), diesel::result::Error> {
        let run_id = self.id;
        self.connection.transaction(|connection| {
            let (_, account) = parts(connection, file.id)?;
            let adds_up = account.total() == seen;
            let status = match (adds_up, error) {
                (false, _) => "failed",
                (true, Some(_)) => "rejected",
                // Nothing of it could be used.
                (true, None) if seen > 0 && account.rejected == seen => "rejected",
                (true, None) => "loaded",
            };
            sql_query(
                "update etl.load_file set status = $3, finished_at = now(), form = $4, seen = $5, inserted = $6, \
                 updated = $7, unchanged = $8, stale = $9, deleted = $10, rejected = $11, skipped = $12, error = $13 \
                 where id = $1 and load_run_id = $2",
            )
            .bind::<BigInt, _>(file.id)
            .bind::<BigInt, _>(run_id)
            .bind::<Text, _>(status)
            .bind::<Text, _>(form)
            .bind::<BigInt, _>(seen as i64)
            .bind::<BigInt, _>(account.inserted as i64)
            .bind::<BigInt, _>(account.updated as i64)
            .bind::<BigInt, _>(account.unchanged as i64)
            .bind::<BigInt, _>(account.stale as i64)
            .bind::<BigInt, _>(account.deleted as i64)
            .bind::<BigInt, _>(account.rejected as i64)
            .bind::<BigInt, _>(account.skipped as i64)
            .bind::<Nullable<Text>, _>(error)
            .execute(connection)?;
            if adds_up {
                sql_query("delete from etl.load_batch where file_id = $1")
                    .bind::<BigInt, _>(file.id)
                    .execute(connection)?;
            }
            Ok((account, adds_up))
        })
    }

    /// Notes where a file lies now.
    pub fn note_moved(&mut self, file_id: i64, path: &str) -> Result<(), diesel::result::Error> {
        sql_query("update etl.load_file set archive_path = $2 where id = $1")
            .bind::<BigInt, _>(file_id)
            .bind::<Text, _>(path)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// Ends the run with its counts.
    pub fn end(&mut self, status: &str, counts: &BTreeMap<&str, u64>) -> Result<(), diesel::result::Error> {
        let counts = serde_json::to_value(counts).unwrap_or_default();
        sql_query("update etl.load_run set finished_at = now(), status = $2, counts = $3 where id = $1")
            .bind::<BigInt, _>(self.id)
            .bind::<Text, _>(status)
            .bind::<Jsonb, _>(counts)
            .execute(&mut self.connection)?;
        sql_query("select pg_advisory_unlock($1, $2)")
            .bind::<Integer, _>(RUN_LOCK)
            .bind::<Integer, _>(self.id as i32)
            .execute(&mut self.connection)?;
        Ok(())
    }

    /// The connection, for questions between files.
    pub fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

fn claim(
    connection: &mut PgConnection,
    run_id: i64,
    file: &InboxFile,
    sha256: [u8; 32],
) -> Result<Claim, diesel::result::Error> {
    sql_query("insert into etl.source (code) values ($1) on conflict do nothing")
        .bind::<Text, _>(&file.source)
        .execute(connection)?;
    let SourceId { id: source_id } = sql_query("select id from etl.source where code = $1")
        .bind::<Text, _>(&file.source)
        .get_result(connection)?;

    // A file of that content is loaded once for each source.
    let loaded: Option<Id> = sql_query(
        "select id from etl.load_file where source_id = $1 and sha256 = $2 and status = 'loaded' order by id limit 1",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<Binary, _>(&sha256[..])
    .get_result(connection)
    .optional()?;
    if let Some(Id { id }) = loaded {
        return Ok(Claim::Loaded { id });
    }

    let open: Vec<Open> = sql_query(
        "select f.id, f.sha256, exists (select from pg_locks l where l.locktype = 'advisory' and l.granted \
           and l.database = (select oid from pg_database where datname = current_database()) \
           and l.classid::bigint = $3 and l.objid::bigint = f.load_run_id and f.load_run_id <> $4) as is_alive, \
         f.load_run_id = $4 as is_own \
         from etl.load_file f where f.status = 'loading' and f.source_id = $1 and (f.path = $2 or f.sha256 = $5) \
         order by f.id",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<Text, _>(&file.relative)
    .bind::<BigInt, _>(i64::from(RUN_LOCK))
    .bind::<BigInt, _>(run_id)
    .bind::<Binary, _>(&sha256[..])
    .load(connection)?;
    if open.iter().any(|open| open.is_alive) {
        return Ok(Claim::Taken);
    }
    if open.iter().any(|open| open.is_own) {
        return Ok(Claim::InFlight);
    }
    let mut resumed = None;
    for open in open {
        if open.sha256 == sha256 && resumed.is_none() {
            resumed = Some(open.id);
            continue;
        }
        // The file was replaced while it was read; what was loaded of it stays.
        sql_query("update etl.load_file set status = 'abandoned', finished_at = now() where id = $1")
            .bind::<BigInt, _>(open.id)
            .execute(connection)?;
    }
    let id = match resumed {
        Some(id) => {
            sql_query("update etl.load_file set load_run_id = $2, path = $3 where id = $1")
                .bind::<BigInt, _>(id)
                .bind::<BigInt, _>(run_id)
                .bind::<Text, _>(&file.relative)
                .execute(connection)?;
            info!(file.id = id, "goes on with {}, which an earlier run has begun", file.relative);
            id
        }
        None => {
            let Id { id } = sql_query(
                "insert into etl.load_file (load_run_id, source_id, path, size_bytes, sha256, status) \
                 values ($1, $2, $3, $4, $5, 'loading') returning id",
            )
            .bind::<BigInt, _>(run_id)
            .bind::<SmallInt, _>(source_id)
            .bind::<Text, _>(&file.relative)
            .bind::<BigInt, _>(file.size as i64)
            .bind::<Binary, _>(&sha256[..])
            .get_result(connection)?;
            id
        }
    };
    let (done, account) = parts(connection, id)?;
    Ok(Claim::Load(ClaimedFile { id, source_id, sha256, done, account }))
}

/// The committed parts of a file, and their account.
fn parts(
    connection: &mut PgConnection,
    file_id: i64,
) -> Result<(Vec<(u64, u64)>, Account), diesel::result::Error> {
    let parts: Vec<Part> =
        sql_query("select * from etl.load_batch where file_id = $1 order by first_position")
            .bind::<BigInt, _>(file_id)
            .load(connection)?;
    let mut account = Account::default();
    let mut done = Vec::with_capacity(parts.len());
    for part in parts {
        done.push((part.first_position as u64, part.last_position as u64));
        account += Account {
            inserted: part.inserted as u64,
            updated: part.updated as u64,
            unchanged: part.unchanged as u64,
            stale: part.stale as u64,
            deleted: part.deleted as u64,
            rejected: part.rejected as u64,
            skipped: part.skipped as u64,
            rows: 0,
        };
    }
    Ok((done, account))
}
