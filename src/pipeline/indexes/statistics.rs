//! The planner's *statistics*, which are gathered when an onboarding ends.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::model::{Index, indexes, tables};
use fhirmill_postgres::database::DatabaseError;
use rustc_hash::FxHashMap;

use super::failed;

/// The tables that loading itself looks up.
const REGISTRY: [&str; 2] = ["etl.resource_key", "etl.resource_version"];

/// How many small tables one statement analyzes: most are empty, and asking takes longer than
/// analyzing them.
const ANALYZED_AT_ONCE: usize = 8;

/// A table of so many bytes is analyzed by a statement of its own.
const ANALYZED_ALONE: i64 = 1 << 20;

/// Three hundred times as many rows are read to estimate how the values of a column are
/// distributed: a third of Postgres' default, which is soon enough for most columns.
const STATISTICS: &str = "set default_statistics_target = 30";
/// Postgres' default, for codes that people search by: hundreds of them, of which some are
/// common and others rare.
const STATISTICS_OF_CODES: &str = "set default_statistics_target = 100";

#[derive(QueryableByName)]
struct TableSize {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// The bytes of each table.
pub(super) fn table_sizes(connection: &mut PgConnection) -> Result<FxHashMap<String, i64>, DatabaseError> {
    let sizes: Vec<TableSize> = sql_query(
        "select case relnamespace when 'etl'::regnamespace then 'etl.' else '' end || relname as name, \
                pg_relation_size(oid) as bytes \
         from pg_class where relkind = 'r' and relnamespace in ('public'::regnamespace, 'etl'::regnamespace)",
    )
    .load(connection)
    .map_err(failed("ask for the sizes of tables"))?;
    Ok(sizes.into_iter().map(|table| (table.name, table.bytes)).collect())
}

/// The statements that update the planner's statistics of all tables, those of the largest
/// ones first. Those that have no index but their key are joined, too.
pub(super) fn analyses(sizes: &FxHashMap<String, i64>) -> Vec<String> {
    let size = |name: &str| sizes.get(name).copied().unwrap_or(0);
    let mut names: Vec<String> =
        tables().into_iter().map(|table| table.name).chain(REGISTRY.map(str::to_owned)).collect();
    names.sort_by_key(|name| Reverse(size(name)));
    let (large, small) = names.split_at(names.partition_point(|name| size(name) >= ANALYZED_ALONE));
    let searched = searched_codes();
    let of_large = large.iter().map(|table| match searched.get(table) {
        None => format!("{STATISTICS}; analyze {table}"),
        Some(codes) => format!(
            "{STATISTICS}; analyze {table}; {STATISTICS_OF_CODES}; analyze {table} ({})",
            codes.join(", ")
        ),
    });
    let of_small =
        small.chunks(ANALYZED_AT_ONCE).map(|names| format!("{STATISTICS}; analyze {}", names.join(", ")));
    of_large.chain(of_small).collect()
}

/// The columns with texts by which indexes are sorted first, by table.
fn searched_codes() -> BTreeMap<String, Vec<String>> {
    let tables = tables();
    let is_text = |index: &Index, first: &String| {
        let table = tables.iter().find(|table| table.name == index.table);
        let mut columns = table.into_iter().flat_map(|table| &table.columns);
        columns.any(|column| column.name == *first && column.sql_type == SqlType::Text)
    };
    let mut codes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for index in indexes() {
        let Some(first) = index.columns.first().filter(|first| is_text(&index, first)) else { continue };
        let of_table = codes.entry(index.table.clone()).or_default();
        if !of_table.contains(first) {
            of_table.push(first.clone());
        }
    }
    codes
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn large_tables_come_first_and_their_codes_are_looked_at_closely() {
        let sizes = [("observation", 9 << 20), ("patient", 2 << 20), ("encounter", 4096)];
        let sizes = sizes.map(|(name, bytes)| (name.to_owned(), bytes)).into_iter().collect();
        let statements = analyses(&sizes);
        assert_eq!(
            statements[..2],
            [
                "set default_statistics_target = 30; analyze observation; \
                 set default_statistics_target = 100; analyze observation (code)",
                "set default_statistics_target = 30; analyze patient",
            ]
        );
        assert!(statements[2].starts_with("set default_statistics_target = 30; analyze encounter, "));
        for table in tables() {
            let is_of_table =
                |statement: &&String| statement.split([' ', ',', ';']).any(|word| word == table.name);
            assert!(statements.iter().any(|statement| is_of_table(&statement)), "{}", table.name);
        }
    }
}
