//! A connection of DBeaver with virtual foreign keys, as its own files have them
//! (`DBVModelSerializerModern`): a table is its name after a colon, and the target of a
//! key is a place in the navigator.

use serde_json::{Map, Value, json};

use super::Catalog;

/// DBeaver's ID of the connection.
pub const CONNECTION: &str = "postgres-jdbc-fhirmill";

pub fn file(catalog: &Catalog) -> String {
    let mut schemas = Map::new();
    for table in &catalog.tables {
        let keys: Vec<Value> = table
            .columns
            .iter()
            .filter_map(|[name, ..]| Some((name, catalog.target(table, name)?)))
            .map(|(name, target)| {
                json!({
                    "entity": place(target),
                    "constraint": format!("{target}_pkey"),
                    "attributes": {name.as_str(): "id"},
                })
            })
            .collect();
        if !keys.is_empty() {
            let schema = schemas.entry(table.schema.clone()).or_insert_with(|| json!({}));
            schema[format!(":{}", table.name)] = json!({"foreign-keys": keys});
        }
    }
    let file = json!({
        "folders": {},
        "connections": {CONNECTION: {
            "provider": "postgresql",
            "driver": "postgres-jdbc",
            "name": "fhirmill",
            "save-password": true,
            "configuration": {
                "host": "localhost",
                "port": "5432",
                "database": "fhirmill",
                "url": "jdbc:postgresql://localhost:5432/fhirmill",
                "configurationType": "MANUAL",
                "type": "dev",
                "auth-model": "native",
            },
        }},
        "virtual-models": {CONNECTION: {"fhirmill": schemas}},
    });
    format!("{}\n", serde_json::to_string_pretty(&file).unwrap())
}

/// Where the navigator shows a table.
fn place(table: &str) -> String {
    let model = "org.jkiss.dbeaver.ext.postgresql.model";
    format!("database://{CONNECTION}/fhirmill/{model}.PostgreSchema/public/{model}.PostgreTable/{table}")
}
