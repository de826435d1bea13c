//! The tables or views as a source of the dbt package: descriptions, keys, tests, and
//! freshness where a table tells when its rows were loaded.

use std::fmt::Write as _;

use super::{Catalog, key};

/// The source `name` of the tables of `schema`.
pub fn file(catalog: &Catalog, name: &str, schema: &str) -> String {
    let mut file = format!(
        "# Made by `make dictionary` from a migrated database; not to be edited.\nversion: 2\nsources:\n  - name: {name}\n    \
         schema: {schema}\n    tables:\n"
    );
    for table in catalog.tables.iter().filter(|table| table.schema == schema) {
        let key = key(table);
        write!(file, "      - name: {}\n        description: {}\n", table.name, quoted(&table.comment))
            .unwrap();
        let has = |name: &str| table.columns.iter().any(|column| column[0] == name);
        let is_loaded = schema == "public" && has("loaded_at");
        if is_loaded || !key.is_empty() {
            file.push_str("        config:\n");
        }
        if is_loaded {
            file.push_str("          loaded_at_field: loaded_at\n          freshness:\n            warn_after: {count: 7, period: day}\n");
        }
        if !key.is_empty() {
            writeln!(file, "          meta: {{primary_key: [{}]}}", key.join(", ")).unwrap();
        }
        file.push_str("        columns:\n");
        for [name, sql_type, _, comment] in &table.columns {
            write!(
                file,
                "          - name: {name}\n            data_type: {}\n            description: {}\n",
                quoted(sql_type),
                quoted(comment)
            )
            .unwrap();
            if let Some(target) = catalog.target(table, name) {
                writeln!(file, "            config: {{meta: {{references: {target}.id}}}}").unwrap();
            }
            if key == [name.as_str()] {
                file.push_str("            data_tests: [unique, not_null]\n");
            }
        }
    }
    file
}

/// A string in YAML, which has JSON's strings. Jinja must not see its own marks.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text.replace("{{", "{ {").replace("{%", "{ %")).to_string()
}
