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
        ("docs/dbeaver/data-sources.json", dbeaver::file(&catalog)),
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
            "entity": dbeaver::place("practitioner"),
            "constraint": "practitioner_pkey",
            "attributes": {"practitioner_id": "id"},
        })),
        "{example}"
    );
}

/// A folder or object of DBeaver's navigator, and what is in it.
struct Node(&'static str, Vec<Node>);

/// What the legacy look-up of DBeaver's navigator (`DBNLegacyUtils`) finds for a place:
/// parts that are not there are skipped, and the last one must be.
fn found<'a>(node: &'a Node, place: &[&str]) -> Option<&'a Node> {
    let mut current = node;
    for (index, part) in place.iter().enumerate() {
        for child in current.1.iter().filter(|child| child.0 == *part) {
            match index + 1 == place.len() {
                true => current = child,
                false => {
                    if let Some(target) = found(child, &place[index + 1..]) {
                        return Some(target);
                    }
                }
            }
        }
    }
    (Some(&current.0) == place.last()).then_some(current)
}

/// DBeaver finds the target of a key in both views of its navigator, with folders
/// ("advanced", of versions before and since 21.3) and without ("simple").
#[test]
fn dbeaver_finds_the_target_of_a_key() {
    const FOLDERS: [&str; 3] = [
        "org.jkiss.dbeaver.ext.postgresql.model.PostgreDatabase",
        "org.jkiss.dbeaver.ext.postgresql.model.PostgreSchema",
        "org.jkiss.dbeaver.ext.postgresql.model.PostgreTable",
    ];
    let in_folder = |folder: usize, is_shown: bool, node: Node| match is_shown {
        true => Node(FOLDERS[folder], vec![node]),
        false => node,
    };
    for (has_databases, has_others) in [(true, true), (false, true), (false, false)] {
        let table = in_folder(2, has_others, Node("patient", Vec::new()));
        let schema = in_folder(1, has_others, Node("public", vec![table]));
        let database = in_folder(0, has_databases, Node("fhirmill", vec![schema]));
        let connection = Node(dbeaver::CONNECTION, vec![database]);
        let place = dbeaver::place("patient");
        let parts: Vec<&str> = place.strip_prefix("database://").unwrap().split('/').collect();
        assert_eq!(parts[0], dbeaver::CONNECTION);
        let target = found(&connection, &parts[1..]).map(|node| node.0);
        assert_eq!(target, Some("patient"), "folders: {has_databases}, {has_others}");
    }
}

/// The keys name the constraints of the targets as the database does.
#[test]
fn dbeaver_finds_the_constraint_of_a_key() {
    let environment = TestEnvironment::new();
    let catalog = Catalog::of(&environment);
    let file: serde_json::Value = serde_json::from_str(&dbeaver::file(&catalog)).unwrap();
    let schemas = &file["virtual-models"][dbeaver::CONNECTION]["fhirmill"];
    let named: BTreeSet<&str> = ["public", "analytics"]
        .iter()
        .flat_map(|schema| schemas[schema].as_object().unwrap().values())
        .flat_map(|entity| entity["foreign-keys"].as_array().unwrap())
        .map(|key| key["constraint"].as_str().unwrap())
        .collect();
    let unique: BTreeSet<String> = environment
        .query(
            "select conname from pg_constraint where contype = 'p' and connamespace = 'public'::regnamespace",
        )
        .into_iter()
        .flatten()
        .collect();
    let unknown: Vec<&&str> = named.iter().filter(|name| !unique.contains(**name)).collect();
    assert!(unknown.is_empty() && named.len() > 20, "{unknown:?}");
}

/// A parser of DBML reads the file, and finds the tables, columns, comments and keys of the
/// database in it. Views that show a table are left out, because they repeat it.
#[test]
fn a_parser_of_dbml_reads_what_the_database_has() {
    let environment = TestEnvironment::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = std::process::Command::new(root.join("scripts/dbml-json"))
        .args([root.join("target/dbml-venv"), root.join("docs/fhirmill.dbml")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let parsed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tables = parsed["tables"].as_object().unwrap();

    let mut columns: BTreeMap<String, Vec<[String; 3]>> = BTreeMap::new();
    for row in environment.query(
        "select n.nspname || '.' || c.relname as name, a.attname, replace(format_type(a.atttypid, null), 'timestamp with time zone', 'timestamptz') as type, col_description(c.oid, a.attnum) as comment \
         from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
         where c.relkind in ('r', 'v') and n.nspname in ('public', 'analytics') and c.relname !~ '^__' \
           and not (c.relkind = 'v' and to_regclass(format('public.%I', c.relname)) is not null) order by 1, a.attnum",
    ) {
        let [table, column @ ..] = <[String; 4]>::try_from(row).unwrap();
        columns.entry(table).or_default().push(column);
    }
    let names: BTreeSet<&String> = tables.keys().collect();
    assert_eq!(names, columns.keys().collect::<BTreeSet<_>>());
    for (name, columns) in &columns {
        assert_eq!(tables[name]["columns"], serde_json::json!(columns), "{name}");
    }
    for row in environment.query(
        "select n.nspname || '.' || c.relname as name, json_agg(a.attname order by array_position(i.indkey::smallint[], a.attnum))::text as key \
         from pg_index i join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace \
         join pg_attribute a on a.attrelid = c.oid and a.attnum = any (i.indkey) \
         where i.indisprimary and n.nspname = 'public' and c.relname !~ '^__' group by 1",
    ) {
        let key: serde_json::Value = serde_json::from_str(&row[1]).unwrap();
        assert_eq!(tables[&row[0]]["key"], key, "{}", row[0]);
    }

    let found: BTreeSet<Vec<String>> = parsed["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| serde_json::from_value(row.clone()).unwrap())
        .collect();
    let declared: BTreeSet<Vec<String>> = fhirmill_core::model::tables()
        .iter()
        .flat_map(|table| table.columns.iter().map(move |column| (table, column)))
        .filter_map(|(table, column)| Some((table, column, column.refers_to.as_ref()?)))
        .filter(|(.., target)| !target.starts_with("etl."))
        .map(|(table, column, target)| {
            [
                format!("public.{}", table.name),
                column.name.clone(),
                ">".to_owned(),
                format!("public.{target}"),
                "id".to_owned(),
            ]
            .to_vec()
        })
        .collect();
    let missing: Vec<_> = declared.difference(&found).collect();
    assert!(missing.is_empty(), "{missing:?}");
    let others: Vec<_> =
        found.difference(&declared).filter(|row| !row[0].starts_with("analytics.")).collect();
    assert!(others.is_empty(), "{others:?}");
}
