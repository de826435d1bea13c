//! The ledger's `schema.rs` is generated from the migrated catalog, and says
//! what the catalog says. `make schema` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use crate::support::TestEnvironment;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/crates/postgres/src/ledger/schema.rs");

#[test]
fn the_ledgers_schema_is_the_catalog() {
    let schema = schema(&TestEnvironment::new());
    if std::env::var_os("WRITE_SCHEMA").is_some() {
        fs::write(PATH, &schema).unwrap();
    }
    let written = fs::read_to_string(PATH).unwrap();
    pretty_assertions::assert_eq!(written, schema, "{PATH} is stale: run `make schema`");
}

/// The text of `schema.rs`, in rustfmt's style.
fn schema(environment: &TestEnvironment) -> String {
    let mut text = "\
//! The tables of schema `etl`, for diesel's query language. Generated from the
//! migrated catalog by `make schema`; do not edit.
"
    .to_owned();
    let tables = tables(environment);
    for (name, table) in &tables {
        let keys = table.key.join(", ");
        write!(text, "\ndiesel::table! {{\n    etl.{name} ({keys}) {{\n").unwrap();
        for (column, sql_type) in &table.columns {
            writeln!(text, "        {column} -> {sql_type},").unwrap();
        }
        text.push_str("    }\n}\n");
    }
    text.push('\n');
    for [child, column, parent] in references(environment) {
        writeln!(text, "diesel::joinable!({child} -> {parent} ({column}));").unwrap();
    }
    text.push_str("\ndiesel::allow_tables_to_appear_in_same_query!(\n");
    for name in tables.keys() {
        writeln!(text, "    {name},").unwrap();
    }
    text.push_str(");\n");
    text
}

/// A table's columns, with diesel's names of their types.
#[derive(Default)]
struct Table {
    key: Vec<String>,
    columns: Vec<(String, String)>,
}

fn tables(environment: &TestEnvironment) -> BTreeMap<String, Table> {
    let rows = environment.query(
        "select c.relname, a.attname, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull, \
                exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary \
                                                 and a.attnum = any(i.indkey)) as is_key \
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
          where c.relnamespace = 'etl'::regnamespace and c.relkind = 'r' order by c.relname, a.attnum",
    );
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for row in rows {
        let [table, column, sql_type, is_required, is_key] = row.try_into().unwrap();
        let sql_type = of_diesel(&sql_type);
        let sql_type = if is_required == "true" { sql_type } else { format!("Nullable<{sql_type}>") };
        let table = tables.entry(table).or_default();
        if is_key == "true" {
            table.key.push(column.clone());
        }
        table.columns.push((column, sql_type));
    }
    tables
}

fn of_diesel(sql_type: &str) -> String {
    let name = match sql_type {
        "bigint" => "BigInt",
        "bigint[]" => "Array<BigInt>",
        "boolean" => "Bool",
        "bytea" => "Binary",
        "double precision" => "Double",
        "integer" => "Integer",
        "jsonb" => "Jsonb",
        "smallint" => "SmallInt",
        "text" => "Text",
        "text[]" => "Array<Text>",
        "timestamp with time zone" => "Timestamptz",
        "uuid" => "Uuid",
        other => panic!("add diesel's name of {other}"),
    };
    name.to_owned()
}

/// The foreign keys within the schema: table, column, and the table it refers to.
fn references(environment: &TestEnvironment) -> Vec<[String; 3]> {
    let rows = environment.query(
        "select t.relname as child, a.attname, f.relname as parent \
           from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid \
           join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) \
          where c.contype = 'f' and t.relnamespace = 'etl'::regnamespace and f.relnamespace = 'etl'::regnamespace \
          order by 1, 2",
    );
    rows.into_iter().map(|row| row.try_into().unwrap()).collect()
}
