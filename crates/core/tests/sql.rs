//! The SQL statements that the declarations stand for.

use std::collections::BTreeSet;

use fhirmill_core::model::{sql, tables};

#[test]
fn every_table_is_created_with_its_key_and_comments_and_dropped_in_reverse_order() {
    let tables = tables();
    let created = sql::create_tables(&tables);
    assert_eq!(created.matches("create table ").count(), tables.len());
    assert_eq!(created.matches("primary key (").count(), tables.len());
    assert_eq!(created.matches("comment on table ").count(), tables.len());
    let columns: usize =
        tables.iter().map(|table| table.columns.len() + table.filled_by_database().len()).sum();
    assert_eq!(created.matches("comment on column ").count(), columns);
    assert_eq!(created.matches("\n  loaded_at timestamptz not null default now(),\n").count(), 38);
    let patient = created.split("\n\n").find(|text| text.starts_with("create table patient (")).unwrap();
    assert!(patient.contains("\n  fhir_id text not null,\n"), "{patient}");
    assert!(patient.contains("\n  birth_date date,\n"), "{patient}");
    assert!(patient.contains("\n  primary key (id)\n);\n"), "{patient}");
    // Reserved words need quotes.
    assert!(created.contains("\n  \"use\" ") && !created.contains("\n  use "));

    let last = &tables.last().unwrap().name;
    assert!(sql::drop_tables(&tables).starts_with(&format!("drop table {last};\n")));
    assert_eq!(sql::drop_tables(&tables).lines().count(), tables.len());
}

#[test]
fn foreign_keys_have_unique_names_that_postgres_does_not_shorten() {
    let tables = tables();
    let keys = sql::foreign_keys(&tables);
    let names: BTreeSet<String> =
        keys.iter().map(|(table, column, _)| sql::foreign_key_name(table, column)).collect();
    assert_eq!(names.len(), keys.len());
    assert!(names.iter().all(|name| name.len() <= 63));
    let statements = sql::add_foreign_keys(&tables);
    assert_eq!(statements.lines().count(), keys.len());
    let name = "alter table patient_name add constraint patient_name_patient_id_fkey \
                foreign key (patient_id) references patient (id) not enforced;";
    assert!(statements.lines().any(|line| line == name), "{name}");
    let declared: BTreeSet<&str> = tables.iter().map(|table| table.name.as_str()).collect();
    let is_known = |target: &str| declared.contains(target) || target.starts_with("etl.");
    let unknown: Vec<&str> = keys.iter().map(|key| key.2).filter(|target| !is_known(target)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}
