//! Prints what the declarations mean, for developers who change them:
//! `cargo run --example model -- tables|drop|keys|columns`.

use fhirmill_core::model::{sql, tables};

fn main() {
    let tables = tables();
    match std::env::args().nth(1).as_deref() {
        Some("tables") => print!("{}", sql::create_tables(&tables)),
        Some("drop") => print!("{}", sql::drop_tables(&tables)),
        Some("keys") => print!("{}", sql::add_foreign_keys(&tables)),
        Some("columns") => {
            for table in &tables {
                for column in &table.columns {
                    let refers_to = column.refers_to.as_deref().unwrap_or_default();
                    println!("{},{},{},{refers_to}", table.name, column.name, column.sql_type.sql());
                }
            }
        }
        _ => eprintln!("usage: cargo run --example model -- tables|drop|keys|columns"),
    }
}
