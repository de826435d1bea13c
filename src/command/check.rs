//! `fhirmill check`: proves that tables, keys and ledger agree.

use std::sync::Arc;

use anyhow::Result;
use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use serde::Serialize;

use crate::cli::{CheckArguments, ExitCode};
use crate::config::Settings;
use crate::report::{ProgressMeter, RunProgress, Unit};
use fhirmill_core::model::{self, Table, TableKind, sql};
use fhirmill_postgres::database::{Database, Wait};

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A rule, and how many rows break it.
#[derive(Serialize)]
struct Finding {
    rule: String,
    broken: i64,
}

/// Checks every rule and prints those that do not hold.
pub fn run(settings: &Settings, arguments: &CheckArguments) -> Result<ExitCode> {
    let mut connection = Database::open(&settings.database(), Wait::No)?.connect()?;
    let mut findings = Vec::new();
    let rules = rules(&model::tables());
    let progress: Arc<RunProgress> = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    progress.begin("checking", rules.len() as u64, Unit::Items("rules"));
    for (rule, query) in rules {
        findings.push(Finding { rule, broken: count(&mut connection, &query)? });
        progress.set(findings.len() as u64);
    }
    drop(meter);
    let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.broken > 0).collect();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&broken)?);
    } else {
        for finding in &broken {
            println!("BROKEN  {:>10} rows: {}", finding.broken, finding.rule);
        }
        println!("{} rules checked, {} broken", findings.len(), broken.len());
    }
    Ok(if broken.is_empty() { ExitCode::Success } else { ExitCode::CheckFailed })
}

fn count(connection: &mut PgConnection, query: &str) -> Result<i64> {
    let Count { count } = sql_query(query).get_result(connection)?;
    Ok(count)
}

/// Each rule in words, with a query that counts the rows that break it.
fn rules(tables: &[Table]) -> Vec<(String, String)> {
    let mut rules = Vec::new();
    for table in tables {
        let name = &table.name;
        match table.kind {
            TableKind::Resource | TableKind::Other => {
                let of_type = match table.kind {
                    TableKind::Other => "r.resource_type = t.resource_type".to_owned(),
                    _ => format!("r.resource_type = '{}'", table.resource),
                };
                rules.push((
                    format!("every row of {name} is a living resource of the registry, with its id and source"),
                    format!(
                        "select count(*) from {name} t where not exists (select from etl.resource r where r.id = t.id \
                         and {of_type} and r.fhir_id = t.fhir_id and r.source_id = t.source_id \
                         and r.content_hash is not null)"
                    ),
                ));
            }
            TableKind::Child | TableKind::History => {
                let parent = fhirmill_core::fhir::snake_case(&table.resource);
                let condition = if table.kind == TableKind::Child {
                    format!("select from {parent} p where p.id = t.{parent}_id")
                } else {
                    format!("select from etl.resource p where p.id = t.{parent}_id")
                };
                rules.push((
                    format!("every row of {name} has its {parent}"),
                    format!("select count(*) from {name} t where not exists ({condition})"),
                ));
            }
            TableKind::Generic => rules.push((
                format!("every row of {name} has its resource in the registry"),
                format!(
                    "select count(*) from {name} t where not exists (select from etl.resource r \
                     where r.id = t.resource_id and r.resource_type = t.resource_type and r.content_hash is not null)"
                ),
            )),
        }
        for column in &table.columns {
            let is_key =
                column.name.ends_with("_id") && column.sql_type == fhirmill_core::datatype::SqlType::BigInt;
            if !is_key || table.key.contains(&column.name) {
                continue;
            }
            let column_name = sql::quoted(&column.name);
            rules.push((
                format!("every {}.{} is a key of the registry", table.name, column.name),
                format!(
                    "select count(*) from {name} t where t.{column_name} is not null \
                     and not exists (select from etl.resource r where r.id = t.{column_name})"
                ),
            ));
        }
    }
    for table in tables.iter().filter(|table| table.kind == TableKind::Resource) {
        rules.push((
            format!("every living {} of the registry has its row", table.resource),
            format!(
                "select count(*) from etl.resource r where r.resource_type = '{}' and r.content_hash is not null \
                 and not exists (select from {} t where t.id = r.id)",
                table.resource, table.name
            ),
        ));
    }
    rules.push((
        "every file's account adds up".to_owned(),
        "select count(*) from etl.load_file where status in ('loaded', 'rejected') and seen <> \
         inserted + updated + unchanged + stale + deleted + rejected + skipped"
            .to_owned(),
    ));
    rules.push((
        "every file's rejected records are kept".to_owned(),
        "select count(*) from etl.load_file f where status in ('loaded', 'rejected') and rejected <> \
         (select count(*) from etl.rejected_record r where r.file_id = f.id)"
            .to_owned(),
    ));
    rules.push((
        "every living resource knows the file that it came in".to_owned(),
        "select count(*) from etl.resource r where content_hash is not null and not exists \
         (select from etl.load_file f where f.id = r.file_id)"
            .to_owned(),
    ));
    rules
}
