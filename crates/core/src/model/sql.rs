//! The tables as text: SQL for the migrations, and facts for the data
//! dictionary. `cargo run --example model` prints it; tests compare the migrated
//! database's catalog with the declarations.

use std::fmt::Write as _;

use super::{Table, TableColumn, TableKind};

/// Words that SQL keeps to itself and that are columns here
/// (<https://www.postgresql.org/docs/current/sql-keywords-appendix.html>).
const RESERVED: [&str; 5] = ["end", "order", "start", "use", "user"];

/// A name as SQL reads it back.
pub fn quoted(name: &str) -> String {
    if RESERVED.contains(&name) { format!("\"{name}\"") } else { name.to_owned() }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `CREATE TABLE`s with primary keys and comments, in order.
pub fn create_tables(tables: &[Table]) -> String {
    let mut sql = String::new();
    for table in tables {
        let _ = writeln!(sql, "create table {} (", table.name);
        for column in &table.columns {
            let null = if column.is_nullable { "" } else { " not null" };
            let _ = writeln!(sql, "  {} {}{null},", quoted(&column.name), column.sql_type.sql());
        }
        let key: Vec<String> = table.key.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(sql, "  primary key ({})\n);", key.join(", "));
        let _ = writeln!(sql, "comment on table {} is {};", table.name, literal(&table.comment));
        for column in &table.columns {
            let _ = writeln!(
                sql,
                "comment on column {}.{} is {};",
                table.name,
                quoted(&column.name),
                literal(&column.comment)
            );
        }
        sql.push('\n');
    }
    sql
}

/// `DROP TABLE`s, last table first.
pub fn drop_tables(tables: &[Table]) -> String {
    tables.iter().rev().map(|table| format!("drop table {};\n", table.name)).collect()
}

/// A foreign key: table, column, table referred to.
pub fn foreign_keys(tables: &[Table]) -> Vec<(&Table, &TableColumn, &str)> {
    let mut keys = Vec::new();
    for table in tables {
        for column in &table.columns {
            if let Some(target) = &column.refers_to {
                keys.push((table, column, target.as_str()));
            }
        }
    }
    keys
}

/// The declarations of all foreign keys, `NOT ENFORCED`, for a server that
/// knows them (PostgreSQL 18 and later).
pub fn add_foreign_keys(tables: &[Table]) -> String {
    let mut sql = String::new();
    for (table, column, target) in foreign_keys(tables) {
        let _ = writeln!(
            sql,
            "alter table {table} add constraint {name} foreign key ({column}) references {target} (id) not enforced;",
            table = table.name,
            name = foreign_key_name(table, column),
            column = quoted(&column.name),
        );
    }
    sql
}

/// At most 63 characters, as Postgres wants names to be.
pub fn foreign_key_name(table: &Table, column: &TableColumn) -> String {
    let full = format!("{}_{}_fkey", table.name, column.name);
    if full.len() <= 63 { full } else { format!("{}_{}_fkey", abbreviated(&table.name), column.name) }
}

/// The first letters of a name's words, which the longest names need.
fn abbreviated(name: &str) -> String {
    name.split('_').filter_map(|word| word.chars().next()).collect()
}

/// What the data dictionary says of a table's place in the model.
pub fn table_kind(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Resource => "one row a resource",
        TableKind::Child => "rows of a resource",
        TableKind::History => "superseded rows",
        TableKind::Generic => "rows of all types",
        TableKind::Other => "all other types",
    }
}
