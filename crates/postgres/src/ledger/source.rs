//! *Sources*: the senders of files, and the FHIR servers behind them.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text};
use serde::Serialize;

use super::Run;
use super::schema::source;

/// The base URLs of all sources, in the columns `source_id` and `base_url`, with a
/// slash at the end.
pub(crate) const BASE_URLS: &str = "\
(select source_id, base_url from etl.source_base_url
 union select id, rtrim(base_url, '/') || '/' from etl.source where base_url is not null)";

/// A time as text in UTC.
fn time_text(time: &str) -> String {
    format!("to_char({time} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
}

/// A sender of files.
#[derive(Debug, QueryableByName, Serialize)]
pub struct Source {
    /// The name of its folder in the inbox.
    #[diesel(sql_type = Text)]
    pub code: String,
    /// Its name, if it was set.
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
    /// What else was set of it.
    #[diesel(sql_type = Nullable<Text>)]
    pub description: Option<String>,
    /// The base URLs of its FHIR servers, set or learned.
    #[diesel(sql_type = Array<Text>)]
    pub base_urls: Vec<String>,
    /// The number of its files in the ledger.
    #[diesel(sql_type = BigInt)]
    pub files: i64,
    /// The last run that took one of them.
    #[diesel(sql_type = Nullable<BigInt>)]
    pub last_run_id: Option<i64>,
    /// When its last file was taken, in UTC.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_file_at: Option<String>,
    /// When a file of it was loaded last, in UTC.
    #[diesel(sql_type = Nullable<Text>)]
    pub last_loaded_at: Option<String>,
    /// The number of its references without a key.
    #[diesel(sql_type = BigInt)]
    pub unresolved_references: i64,
}

/// Whether the source with that number has one of these names.
pub fn is_source_among(connection: &mut PgConnection, source_id: i16, names: &[String]) -> QueryResult<bool> {
    let named = source::table.filter(source::id.eq(source_id)).filter(source::code.eq_any(names));
    diesel::select(diesel::dsl::exists(named)).get_result(connection)
}

/// What is to be set of a source; `None` leaves what is there.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourceChange<'c> {
    /// Its name.
    pub name: Option<&'c str>,
    /// What else there is to say of it.
    pub description: Option<&'c str>,
    /// Its servers, with a slash at the end: they replace those that were set
    /// before, and those that were learned stay.
    pub base_urls: Option<&'c [String]>,
}

impl Source {
    /// The names of all folders that are sources, in alphabetical order.
    pub fn codes(connection: &mut PgConnection) -> QueryResult<Vec<String>> {
        source::table.select(source::code).order(source::code).load(connection)
    }

    /// The number of the source with that name.
    pub fn id_of(connection: &mut PgConnection, code: &str) -> QueryResult<i16> {
        source::table.filter(source::code.eq(code)).select(source::id).first(connection)
    }

    /// All sources by name of their folder, or only the one with that name.
    pub fn list(connection: &mut PgConnection, code: Option<&str>) -> QueryResult<Vec<Source>> {
        sql_query(format!(
            "\
select s.code, s.name, s.description,
       array(select b.base_url from {BASE_URLS} b where b.source_id = s.id order by 1) as base_urls,
       f.files, f.last_run_id, {} as last_file_at, {} as last_loaded_at,
       (select count(*) from etl.unresolved_reference u join etl.resource_key k on k.id = u.resource_id
         where k.source_id = s.id) as unresolved_references
from etl.source s, lateral (
  select count(*) as files, max(load_run_id) as last_run_id, max(started_at) as last_file_at,
         max(finished_at) filter (where status = 'loaded') as last_loaded_at
    from etl.load_file f where f.source_id = s.id) f
 where $1 is null or s.code = $1 order by 1",
            time_text("f.last_file_at"),
            time_text("f.last_loaded_at")
        ))
        .bind::<Nullable<Text>, _>(code)
        .load(connection)
    }

    /// Changes the source with that name, which need not exist yet.
    pub fn set(connection: &mut PgConnection, code: &str, change: SourceChange<'_>) -> QueryResult<()> {
        connection.transaction(|connection| {
            sql_query(
                "insert into etl.source (code, name, description) values ($1, $2, $3) \
                 on conflict (code) do update set name = coalesce(excluded.name, etl.source.name), \
                 description = coalesce(excluded.description, etl.source.description)",
            )
            .bind::<Text, _>(code)
            .bind::<Nullable<Text>, _>(change.name)
            .bind::<Nullable<Text>, _>(change.description)
            .execute(connection)?;
            let Some(base_urls) = change.base_urls else { return Ok(()) };
            sql_query(
                "delete from etl.source_base_url where origin = 'set' \
                 and source_id = (select id from etl.source where code = $1)",
            )
            .bind::<Text, _>(code)
            .execute(connection)?;
            sql_query(
                "insert into etl.source_base_url (source_id, base_url, origin) \
                 select s.id, b, 'set' from etl.source s, unnest($2) b where s.code = $1 \
                 on conflict (source_id, base_url) do update set origin = 'set'",
            )
            .bind::<Text, _>(code)
            .bind::<Array<Text>, _>(base_urls)
            .execute(connection)?;
            Ok(())
        })
    }
}

/// A server that a source's references name and that is none of the source's.
#[derive(Debug, QueryableByName, Serialize)]
pub struct UnknownServer {
    /// The name of the source's folder.
    #[diesel(sql_type = Text)]
    pub source: String,
    /// The base URL of the server.
    #[diesel(sql_type = Text)]
    pub base_url: String,
    /// The number of references without a key.
    #[diesel(sql_type = BigInt)]
    pub references: i64,
}

/// Only if most of the absolute references of the last run that had any led
/// nowhere.
const UNKNOWN_SERVERS: &str = r"
select s.code as source, u.base_url, count(*) as references
from (select resource_id, (regexp_match(value, '^(\w+://.*/)[A-Z][A-Za-z]+/[^/]+(/_history/[^/]+)?/?$'))[1] as base_url
        from etl.unresolved_reference where system = 'reference' and value like '%://%') u
join etl.resource_key k on k.id = u.resource_id
join etl.source s on s.id = k.source_id
where u.base_url is not null and (
  select 2 * (counts->>'unresolved_absolute_references')::bigint > (counts->>'absolute_references')::bigint
    from etl.load_run where (counts->>'absolute_references')::bigint > 0 order by id desc limit 1)
group by 1, 2 order by 3 desc, 1, 2 limit 3";

impl UnknownServer {
    /// The servers that most references name, if most of the absolute references of
    /// the last run that had any led nowhere.
    pub fn list(connection: &mut PgConnection) -> QueryResult<Vec<UnknownServer>> {
        sql_query(UNKNOWN_SERVERS).load(connection)
    }

    /// What is to be known of it, with the command that mends it.
    pub fn advice(&self) -> String {
        let UnknownServer { source, base_url, references } = self;
        format!(
            "{references} references of source {source} to {base_url} have no key; if that is the sender's own \
             server: fhirmill sources set {source} --base-url {base_url}"
        )
    }
}

impl Run {
    /// Notes servers of sources, given by number, that were learned from their files.
    pub fn learn_base_urls(&mut self, learned: &[(i16, String)]) -> QueryResult<()> {
        if learned.is_empty() {
            return Ok(());
        }
        let (source_ids, base_urls): (Vec<i16>, Vec<&str>) =
            learned.iter().map(|(source_id, base_url)| (*source_id, base_url.as_str())).unzip();
        sql_query(
            "insert into etl.source_base_url (source_id, base_url, origin) \
             select s, b, 'learned' from unnest($1, $2) as l (s, b) on conflict do nothing",
        )
        .bind::<Array<SmallInt>, _>(source_ids)
        .bind::<Array<Text>, _>(base_urls)
        .execute(&mut self.connection)?;
        Ok(())
    }
}
