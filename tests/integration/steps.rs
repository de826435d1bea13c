//! Steps that tests of the whole road share: drop, load, load again, compare.

use serde_json::Value;

use crate::support::TestEnvironment;

/// Drops the files into the inbox and loads them, with the exit code wanted.
/// Gives the summary.
#[track_caller]
pub fn load_with_code(environment: &TestEnvironment, files: &[(&str, &[u8])], code: i32) -> Value {
    for (name, content) in files {
        environment.put(&format!("inbox/{name}"), content);
    }
    environment.run(&["once", "--json"]).expect_code(code).json()
}

/// Drops the files into the inbox and loads them without a reject. Gives the
/// summary.
#[track_caller]
pub fn load(environment: &TestEnvironment, files: &[(&str, &[u8])]) -> Value {
    load_with_code(environment, files, 0)
}

/// Loads the files twice and demands that the second time changes no row of a
/// clinical table. Gives the summary of the first.
#[track_caller]
pub fn load_twice(environment: &TestEnvironment, files: &[(&str, &[u8])]) -> Value {
    let first = load(environment, files);
    let before = rows_as_written(environment);
    let second = load(environment, files);
    assert_eq!(rows_as_written(environment), before, "the second load wrote: {second}");
    assert_eq!(second["duplicate_files"], files.len(), "{second}");
    assert_eq!(second["seen"], 0, "{second}");
    first
}

/// Every row of every clinical table by its place and the transaction that
/// wrote it, condensed: tables that were written to differ.
#[track_caller]
pub fn rows_as_written(environment: &TestEnvironment) -> Vec<Vec<String>> {
    let tables =
        environment.query("select tablename from pg_tables where schemaname = 'public' order by tablename");
    let mut parts = Vec::new();
    for table in &tables {
        parts.push(format!(
            "select '{0}' as name, count(*) as rows, md5(string_agg(ctid::text || xmin::text, ' ' order by ctid)) as places from {0}",
            table[0]
        ));
    }
    // A parallel plan gives them in any order.
    environment.query(&format!("{} order by name", parts.join(" union all ")))
}

/// What became of the resources of a run, in the words of the summary, those
/// of which there are none left out.
pub fn account(summary: &Value) -> Vec<(&'static str, u64)> {
    let mut counts = Vec::new();
    for name in ["inserted", "updated", "unchanged", "stale", "deleted", "rejected", "skipped"] {
        let count = summary["account"][name].as_u64().unwrap();
        if count > 0 {
            counts.push((name, count));
        }
    }
    counts
}

/// One row with the columns asked for, under the names of their columns.
#[track_caller]
pub fn columns(environment: &TestEnvironment, from: &str, wanted: &[(&str, &str)]) {
    let list: Vec<String> = wanted
        .iter()
        .enumerate()
        .map(|(number, (column, _))| format!("({column})::text as c{number}"))
        .collect();
    let rows = environment.query(&format!("select {} from {from}", list.join(", ")));
    assert_eq!(rows.len(), 1, "rows of {from}");
    let found: Vec<(&str, &str)> =
        wanted.iter().zip(&rows[0]).map(|((column, _), value)| (*column, value.as_str())).collect();
    pretty_assertions::assert_eq!(found, wanted, "in {from}");
}
