//! Whether the rows that a table of the copy was made from have changed since: as a
//! snapshot tells it ([`crate::picture::Earlier`]).

use diesel::sql_types::{BigInt, Text};
use diesel::{OptionalExtension, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

use crate::database::quoted;

/// The picture that a transaction sees.
#[derive(QueryableByName)]
pub(super) struct Seen {
    #[diesel(sql_type = BigInt)]
    oldest_transaction: i64,
    #[diesel(sql_type = Text)]
    database: String,
}

/// The table that one of the copy is made from.
#[derive(QueryableByName)]
pub(super) struct Source {
    #[diesel(sql_type = BigInt)]
    oid: i64,
    #[diesel(sql_type = BigInt)]
    file: i64,
}

#[derive(QueryableByName)]
struct Noted {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    oldest_transaction: i64,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = BigInt)]
    newer: i64,
}

impl Source {
    /// The clinical table of that name.
    pub fn of(connection: &mut PgConnection, name: &str) -> QueryResult<Self> {
        sql_query(
            "select c.oid::bigint as oid, c.relfilenode::bigint as file from pg_class c \
             where c.relnamespace = 'public'::regnamespace and c.relname = $1",
        )
        .bind::<Text, _>(name)
        .get_result(connection)
    }
}

/// The picture that the transaction sees.
pub(super) fn picture(connection: &mut PgConnection) -> QueryResult<Seen> {
    sql_query(
        "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest_transaction, \
         (select system_identifier from pg_control_system()) || '/' \
         || (select oid from pg_database where datname = current_database()) as database",
    )
    .get_result(connection)
}

/// Whether a table of the copy shows what it would show if it were made now.
pub(super) fn is_unchanged(
    connection: &mut PgConnection,
    (name, definition): (&str, &str),
    now: &Seen,
    source: &Source,
) -> QueryResult<bool> {
    let noted: Option<Noted> = sql_query(
        "select rows, oldest_transaction from etl.deidentified_table where name = $1 and definition = $2 \
         and database = $3 and source_oid = $4 and source_file = $5 and to_regclass(format('deidentified.%I', name)) \
         is not null",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(definition)
    .bind::<Text, _>(&now.database)
    .bind::<BigInt, _>(source.oid)
    .bind::<BigInt, _>(source.file)
    .get_result(connection)
    .optional()?;
    let Some(noted) = noted else { return Ok(false) };
    if !(0..1 << 31).contains(&(now.oldest_transaction - noted.oldest_transaction)) {
        return Ok(false);
    }
    let count: Count = sql_query(format!(
        "select count(*) as rows, count(*) filter (where age(xmin) <= (select age($1::xid))) as newer from only public.{}",
        quoted(name)
    ))
    .bind::<Text, _>((noted.oldest_transaction & 0xffff_ffff).to_string())
    .get_result(connection)?;
    Ok(count.newer == 0 && count.rows == noted.rows)
}

/// Notes of what a table of the copy was made.
pub(super) fn note(
    connection: &mut PgConnection,
    (name, definition): (&str, &str),
    seen: &Seen,
    (source, rows): (&Source, i64),
) -> QueryResult<()> {
    sql_query(
        "insert into etl.deidentified_table \
         (name, definition, rows, oldest_transaction, database, source_oid, source_file) \
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (name) do update set definition = excluded.definition, \
         rows = excluded.rows, oldest_transaction = excluded.oldest_transaction, database = excluded.database, \
         source_oid = excluded.source_oid, source_file = excluded.source_file, made_at = now()",
    )
    .bind::<Text, _>(name)
    .bind::<Text, _>(definition)
    .bind::<BigInt, _>(rows)
    .bind::<BigInt, _>(seen.oldest_transaction)
    .bind::<Text, _>(&seen.database)
    .bind::<BigInt, _>(source.oid)
    .bind::<BigInt, _>(source.file)
    .execute(connection)?;
    Ok(())
}
