//! The *texts* of the ledger that name a person: rejected records, names of files and
//! uploads, targets of requests.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Binary, Nullable, SmallInt, Text};

/// What a rejected record says of whom it is.
#[derive(Clone, Debug, QueryableByName)]
pub struct RejectText {
    /// Its number.
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    /// The file that has it.
    #[diesel(sql_type = BigInt)]
    pub file_id: i64,
    /// Its position in the file; 0 if it is none of its frames.
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    /// Its FHIR type, if known.
    #[diesel(sql_type = Nullable<Text>)]
    pub resource_type: Option<String>,
    /// Its id, if known.
    #[diesel(sql_type = Nullable<Text>)]
    pub fhir_id: Option<String>,
    /// Its bytes.
    #[diesel(sql_type = Nullable<Binary>)]
    pub raw: Option<Vec<u8>>,
}

/// The next rejected records of the source after the one with this number; none at the end.
pub fn rejects(connection: &mut PgConnection, source_id: i16, after: i64) -> QueryResult<Vec<RejectText>> {
    sql_query(
        "select r.id, r.file_id, coalesce(r.position, 0) as position, r.resource_type, r.fhir_id, r.raw \
         from etl.rejected_record r join etl.load_file f on f.id = r.file_id \
         where f.source_id = $1 and r.id > $2 and (r.raw is not null or r.fhir_id is not null) \
         order by r.id limit 200",
    )
    .bind::<SmallInt, _>(source_id)
    .bind::<BigInt, _>(after)
    .load(connection)
}

/// Takes everything from rejected records but their reason; those that are open are dismissed.
pub fn scrub_rejects(connection: &mut PgConnection, ids: &[i64]) -> QueryResult<usize> {
    sql_query(
        "update etl.rejected_record set fhir_id = null, raw = null, message = 'erased', location = 'erased', \
           note = 'erased', dismissed_at = coalesce(dismissed_at, case when resolved_at is null then now() end) \
         where id = any($1)",
    )
    .bind::<Array<BigInt>, _>(ids)
    .execute(connection)
}

/// What is removed from all texts of the ledger.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// Ids of patients and related people, by type: `Patient/1`.
    pub references: Vec<String>,
    /// Words that say by themselves who it is: long ids, names of files.
    pub words: Vec<String>,
}

/// Tables that have no such texts, or that are cleared by keys.
const NOT_SEARCHED: [&str; 15] = [
    "resource_key",
    "resource_version",
    "resource_body",
    "undone_key",
    "erasure",
    "erasure_subject",
    "erasure_task",
    "row_since",
    "resolved_identifier",
    "conditional_resource",
    "unresolved_reference",
    // Sinks need the ids until they have deleted the resources.
    "sink_resource",
    "sink_batch",
    "code_map",
    "drug_class",
];

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Columns of tables that hold text, as this database has them.
const COLUMNS: &str = "\
select format('%I.%I', n.nspname, c.relname) as table, quote_ident(a.attname) as column,
       format_type(a.atttypid, null) as kind
from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'etl' and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
  and a.atttypid in ('text'::regtype, 'varchar'::regtype, 'json'::regtype, 'jsonb'::regtype, 'text[]'::regtype)
  and not c.relname = any($1)
order by 1, 2";

impl Texts {
    /// A regular expression that matches each of them, but not as a part of a longer id.
    fn expression(&self) -> Option<String> {
        let quoted = |text: &String| {
            let mut quoted = String::new();
            for letter in text.chars() {
                if !letter.is_alphanumeric() {
                    quoted.push('\\');
                }
                quoted.push(letter);
            }
            quoted
        };
        let all: Vec<String> = self.references.iter().chain(&self.words).map(quoted).collect();
        let expression = format!("(?<![A-Za-z0-9.-])({})(?![A-Za-z0-9-])", all.join("|"));
        (!all.is_empty()).then_some(expression)
    }

    /// Replaces them in every text of the ledger; returns the tables that had any.
    pub fn remove(&self, connection: &mut PgConnection) -> QueryResult<Vec<String>> {
        let Some(expression) = self.expression() else { return Ok(Vec::new()) };
        let columns: Vec<Column> =
            sql_query(COLUMNS).bind::<Array<Text>, _>(NOT_SEARCHED.to_vec()).load(connection)?;
        let mut tables = Vec::new();
        for Column { table, column, kind } in columns {
            let replaced = |text: &str| format!("regexp_replace({text}, $1, 'erased', 'g')");
            let new = match &*kind {
                "json" | "jsonb" => format!("{}::{kind}", replaced(&format!("{column}::text"))),
                "text[]" => format!("array(select {} from unnest({column}) as t (item))", replaced("t.item")),
                _ => replaced(&column),
            };
            let changed = sql_query(format!("update {table} set {column} = {new} where {column}::text ~ $1"))
                .bind::<Text, _>(&expression)
                .execute(connection)?;
            if changed > 0 && tables.last() != Some(&table) {
                tables.push(table);
            }
        }
        Ok(tables)
    }
}

/// Removes the targets of requests for resources that are noted as erased.
pub fn scrub_requests(connection: &mut PgConnection) -> QueryResult<usize> {
    sql_query(
        "update etl.audit_event a set target = null where exists ( \
           select from regexp_matches(a.target, '([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})', 'g') as m (parts) \
           join erased_resource e on e.resource_type = m.parts[1] and e.fhir_id = m.parts[2])",
    )
    .execute(connection)
}
