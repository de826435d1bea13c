//! The tables in DBML, which dbdiagram.io and other tools draw.
//! Source: <https://dbml.dbdiagram.io/docs/>.

use std::fmt::Write as _;

use super::{Catalog, key};

pub fn file(catalog: &Catalog) -> String {
    let mut file = String::from(
        "// Every table and view that analysts see, with their keys. Made by `make dictionary`; not\n\
         // to be edited.\n\nProject fhirmill {\n  database_type: 'PostgreSQL'\n}\n",
    );
    for schema in ["public", "analytics"] {
        for table in catalog.tables.iter().filter(|table| table.schema == schema) {
            let key = key(table);
            write!(file, "\nTable \"{schema}\".\"{}\" {{\n", table.name).unwrap();
            for [name, sql_type, _, comment] in &table.columns {
                let mut settings = Vec::new();
                if key == [name.as_str()] {
                    settings.push("pk".to_owned());
                }
                if let Some(target) = catalog.target(table, name) {
                    settings.push(format!("ref: > \"public\".\"{target}\".\"id\""));
                }
                settings.push(format!("note: {}", quoted(comment)));
                writeln!(file, "  \"{name}\" \"{sql_type}\" [{}]", settings.join(", ")).unwrap();
            }
            if key.len() > 1 {
                let columns: Vec<String> = key.iter().map(|name| format!("\"{name}\"")).collect();
                write!(file, "  indexes {{\n    ({}) [pk]\n  }}\n", columns.join(", ")).unwrap();
            }
            write!(file, "  Note: {}\n}}\n", quoted(&table.comment)).unwrap();
        }
    }
    file
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}
