//! A connection of DBeaver with virtual foreign keys, as its own file `data-sources.json`
//! has them (`DBVModelSerializerModern`): a table is its name after a colon, and the target
//! of a key is a place in the navigator. The file must have that name: of others DBeaver
//! reads the keys, and drops them when it saves the connection.

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

/// Where the navigator shows a table, in the notation without the numbers that a server
/// gives to its databases, schemas and tables. It names all folders; a view of the
/// navigator that hides folders skips them.
pub fn place(table: &str) -> String {
    let folder = |kind: &str| format!("org.jkiss.dbeaver.ext.postgresql.model.Postgre{kind}");
    format!(
        "database://{CONNECTION}/{}/fhirmill/{}/public/{}/{table}",
        folder("Database"),
        folder("Schema"),
        folder("Table")
    )
}
