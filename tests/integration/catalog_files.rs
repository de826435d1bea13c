//! Files that tell clients about the tables and their keys, which servers before
//! PostgreSQL 18 cannot declare: DBML, DBeaver's virtual keys, and the sources of the
//! dbt package. `make dictionary` writes them; this test fails if one is stale.

mod dbeaver;
mod dbml;
mod dbt_sources;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::dictionary::{self, Table};
use crate::support::TestEnvironment;

/// What the files are made from: the tables and views that readers see.
pub struct Catalog {
    pub tables: Vec<Table>,
    /// The table that a column is a key of, by the table's heading and the column.
    references: BTreeMap<(String, String), String>,
    /// Tables with the key `id`.
    roots: BTreeSet<String>,
}

impl Catalog {
    fn of(environment: &TestEnvironment) -> Self {
        let mut tables = dictionary::tables(environment);
        tables.retain(|table| table.schema != "etl");
        let roots = tables
            .iter()
            .filter(|table| {
                table.schema == "public" && table.columns.iter().any(|column| column[0] == "fhir_id")
            })
            .map(|table| table.name.clone())
            .collect();
        Catalog { tables, references: dictionary::references(environment), roots }
    }

    /// The table of schema `public` whose `id` a column holds. A view's column says it by
    /// its name.
    pub fn target<'a>(&'a self, table: &Table, column: &'a str) -> Option<&'a str> {
        if table.schema == "analytics" {
            return column.strip_suffix("_id").filter(|name| self.roots.contains(*name));
        }
        let target = self.references.get(&(table.name.clone(), column.to_owned()))?;
        self.roots.get(target).map(String::as_str)
    }
}

/// The columns of the primary key.
pub fn key(table: &Table) -> Vec<&str> {
    let is_key = |column: &&[String; 4]| column[2].split(' ').next() == Some("key");
    table.columns.iter().filter(is_key).map(|column| column[0].as_str()).collect()
}

#[test]
fn the_files_follow_the_catalog() {
    let catalog = Catalog::of(&TestEnvironment::new());
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (file, content) in [
        ("docs/fhirmill.dbml", dbml::file(&catalog)),
        ("docs/dbeaver/data-sources-fhirmill.json", dbeaver::file(&catalog)),
        ("dbt/models/sources/fhirmill.yml", dbt_sources::file(&catalog, "fhirmill", "public")),
        ("dbt/models/sources/analytics.yml", dbt_sources::file(&catalog, "analytics", "analytics")),
    ] {
        let path = root.join(file);
        if std::env::var_os(dictionary::WRITE).is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            continue;
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let differs =
            content.lines().zip(written.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
        assert_eq!(differs, None, "{file} is stale (new, old): run `make dictionary`");
        assert_eq!(content.len(), written.len(), "{file} is stale: run `make dictionary`");
    }
}

/// A key that clients draw is one that the declarations have.
#[test]
fn every_declared_key_is_in_the_files() {
    let catalog = Catalog::of(&TestEnvironment::new());
    let declared = fhirmill_core::model::tables()
        .iter()
        .flat_map(|table| &table.columns)
        .filter(|column| column.refers_to.as_ref().is_some_and(|target| !target.starts_with("etl.")))
        .count();
    assert!(declared > 300, "{declared}");
    let of_tables = |text: &str, mark: &str| text.matches(mark).count();
    let dbml = dbml::file(&catalog);
    let (tables, views) = dbml.split_once("Table \"analytics\"").unwrap();
    assert_eq!(of_tables(tables, "ref: > \"public\""), declared);
    assert!(of_tables(views, "ref: > \"public\"") > 20);
    let dbeaver: serde_json::Value = serde_json::from_str(&dbeaver::file(&catalog)).unwrap();
    let public = &dbeaver["virtual-models"][dbeaver::CONNECTION]["fhirmill"]["public"];
    let keys = public.as_object().unwrap().values();
    let count: usize = keys.map(|entity| entity["foreign-keys"].as_array().unwrap().len()).sum();
    assert_eq!(count, declared);
    let example = &public[":encounter_participant"]["foreign-keys"];
    assert!(
        example.as_array().unwrap().contains(&serde_json::json!({
            "entity": "database://postgres-jdbc-fhirmill/fhirmill/org.jkiss.dbeaver.ext.postgresql.model.PostgreSchema/public/\
                       org.jkiss.dbeaver.ext.postgresql.model.PostgreTable/practitioner",
            "constraint": "practitioner_pkey",
            "attributes": {"practitioner_id": "id"},
        })),
        "{example}"
    );
}
