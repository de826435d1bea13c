//! The *table* of a view, as SQL.

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use fhirmill_core::map::{KEY_OF_VIEW_ROWS, view_columns};
use fhirmill_core::views::{ColumnType, View};

use super::VIEW_SCHEMA;

/// The statements that make the table of a view, with its comments.
pub(super) fn create_table(view: &View, table: &str) -> String {
    let columns = view_columns(view);
    let declared = columns.iter().map(|column| {
        let required = if column.is_nullable { "" } else { " not null" };
        format!("\"{}\" {}{required}", column.name, column.sql_type.sql())
    });
    let name = format!("{VIEW_SCHEMA}.\"{table}\"");
    let mut sql = format!("create table {name} ({});\n", declared.collect::<Vec<_>>().join(", "));
    let told = view.description.as_deref().unwrap_or("a view that a user has declared");
    sql.push_str(&format!("comment on table {name} is {};\n", literal(told)));
    for column in columns.iter().filter(|column| !column.comment.is_empty()) {
        let comment = literal(&column.comment);
        sql.push_str(&format!("comment on column {name}.\"{}\" is {comment};\n", column.name));
    }
    // Rows are replaced and deleted by it.
    sql.push_str(&format!("create index on {name} ({KEY_OF_VIEW_ROWS});\n"));
    sql
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The columns of a table in schema `views` that have an index of their own.
const INDEXED: &str = "\
select a.attname::text as name from pg_index i
  join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
  join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0]
 where n.nspname = $1 and c.relname = $2 and i.indnatts = 1 and i.indisvalid";

/// Makes the indexes of a view that are missing: of keys, and by tag.
pub(super) fn create_indexes(connection: &mut PgConnection, view: &View, table: &str) -> QueryResult<()> {
    let indexed: Vec<Column> =
        sql_query(INDEXED).bind::<Text, _>(VIEW_SCHEMA).bind::<Text, _>(table).load(connection)?;
    for column in &view.columns {
        let is_tagged = column.tags.iter().any(|tag| tag.name == "fhirmill/index" && tag.value != "false");
        let is_key = column.column_type == ColumnType::Key;
        let name = column.name.to_ascii_lowercase();
        if column.is_collection || !(is_tagged || is_key) || indexed.iter().any(|of| of.name == name) {
            continue;
        }
        // A text may be longer than a B-tree takes.
        let method = match column.column_type {
            ColumnType::Text | ColumnType::Bytes | ColumnType::Json | ColumnType::Decimal => "hash",
            _ => "btree",
        };
        // Postgres finds a name that is free.
        let create = format!("create index on {VIEW_SCHEMA}.\"{table}\" using {method} (\"{name}\")");
        sql_query(create).execute(connection)?;
    }
    Ok(())
}

/// A text as a literal of SQL.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\0', "").replace('\'', "''"))
}
