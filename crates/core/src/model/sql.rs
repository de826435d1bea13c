//! Tables as SQL: the statements from which migrations are written, and names
//! that other statements need. `cargo run -p fhirmill-core --example model`
//! prints the statements; tests compare the catalog of a migrated database with
//! the declarations.

use std::fmt::Write as _;

use super::table::{Table, TableColumn, TableKind};
use super::validate::MAX_NAME_BYTES;

/// Reserved words of SQL that are names of columns here
/// (<https://www.postgresql.org/docs/current/sql-keywords-appendix.html>).
const RESERVED: [&str; 5] = ["end", "order", "start", "use", "user"];

/// A name as SQL text, in quotes where it needs them.
pub fn quoted(name: &str) -> String {
    if RESERVED.contains(&name) { format!("\"{name}\"") } else { name.to_owned() }
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// `CREATE TABLE` for each table, with its primary key and comments, in order.
pub fn create_tables(tables: &[Table]) -> String {
    let mut sql = String::new();
    for table in tables {
        let _ = writeln!(sql, "create table {} (", table.name);
        for column in &table.columns {
            let null = if column.is_nullable { "" } else { " not null" };
            let _ = writeln!(sql, "  {} {}{null},", quoted(&column.name), column.sql_type.sql());
        }
        for column in &table.filled_by_database() {
            let _ = writeln!(sql, "  {} {} not null default now(),", column.name, column.sql_type.sql());
        }
        let key: Vec<String> = table.key.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(sql, "  primary key ({})\n);", key.join(", "));
        let _ = writeln!(sql, "comment on table {} is {};", table.name, literal(&table.comment));
        for column in table.columns.iter().chain(&table.filled_by_database()) {
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

/// `DROP TABLE` for each table, the last one first.
pub fn drop_tables(tables: &[Table]) -> String {
    tables.iter().rev().map(|table| format!("drop table {};\n", table.name)).collect()
}

/// All foreign keys, each as a table, its column and the table it refers to.
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

/// `ALTER TABLE` for each foreign key. They are `NOT ENFORCED`, which needs
/// PostgreSQL 18 or later.
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

/// The name of a foreign key, short enough for Postgres to keep whole.
pub fn foreign_key_name(table: &Table, column: &TableColumn) -> String {
    let full = format!("{}_{}_fkey", table.name, column.name);
    if full.len() <= MAX_NAME_BYTES {
        full
    } else {
        format!("{}_{}_fkey", abbreviated(&table.name), column.name)
    }
}

/// The first letters of a name's words, for names that are too long.
fn abbreviated(name: &str) -> String {
    name.split('_').filter_map(|word| word.chars().next()).collect()
}

/// What the rows of a table are, for the data dictionary.
pub fn table_kind(table: &Table) -> &'static str {
    match table.kind {
        TableKind::Resource => "one row a resource",
        TableKind::Child => "rows of a resource",
        TableKind::History => "superseded rows",
        TableKind::Generic => "rows of all types",
        TableKind::Other => "all other types",
    }
}
