//! How many rows the tables have by which a restored database is compared with its backup.

use std::collections::BTreeMap;

use diesel::sql_types::BigInt;
use diesel::{PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query};

/// Tables that every load fills.
const TABLES: [&str; 5] =
    ["etl.load_batch", "etl.load_file", "etl.load_run", "etl.resource_key", "etl.resource_version"];

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    rows: i64,
}

/// The numbers of rows, by table.
pub fn row_counts(connection: &mut PgConnection) -> QueryResult<BTreeMap<String, i64>> {
    let mut counts = BTreeMap::new();
    for table in TABLES {
        let Count { rows } =
            sql_query(format!("select count(*) as rows from {table}")).get_result(connection)?;
        counts.insert(table.to_owned(), rows);
    }
    Ok(counts)
}
