//! Steps that many tests share: put files, load them, load them again, compare.

use serde_json::Value;

use crate::support::{TestEnvironment, tables_with_pages};

/// Puts the files into the inbox and loads them; requires the exit code.
/// Returns the summary.
#[track_caller]
pub fn load_with_code(environment: &TestEnvironment, files: &[(&str, &[u8])], code: i32) -> Value {
    for (name, content) in files {
        environment.put(&format!("inbox/{name}"), content);
    }
    environment.run(&["once", "--json"]).expect_code(code).json()
}

/// Puts the files into the inbox and loads them without rejects. Returns the
/// summary.
#[track_caller]
pub fn load(environment: &TestEnvironment, files: &[(&str, &[u8])]) -> Value {
    load_with_code(environment, files, 0)
}

/// Loads the files twice; the second time must not write any row of a clinical
/// table. Returns the first summary.
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

/// Loads a file for each of several cases, twice, as [`load_twice`] does: each case is a source of
/// its own (`case-00` and on), whose IDs do not collide with those of others, so that many cases
/// need one database and one run. Returns the summary of all.
#[track_caller]
pub fn load_cases_twice(environment: &TestEnvironment, name: &str, contents: &[String]) -> Value {
    let paths: Vec<String> = (0..contents.len()).map(|case| format!("case-{case:02}/{name}")).collect();
    let files: Vec<(&str, &[u8])> =
        paths.iter().zip(contents).map(|(path, content)| (path.as_str(), content.as_bytes())).collect();
    load_twice(environment, &files)
}

/// A digest of where the rows of each clinical table are and which transactions
/// wrote them. Any write to a table changes it.
#[track_caller]
pub fn rows_as_written(environment: &TestEnvironment) -> Vec<Vec<String>> {
    let parts: Vec<String> = tables_with_pages(&environment.current_url())
        .iter()
        .map(|table| {
            format!(
                "select '{table}' as name, count(*) as rows, md5(string_agg(ctid::text || xmin::text, ' ' order by ctid)) as places from {table} having count(*) > 0"
            )
        })
        .collect();
    if parts.is_empty() {
        return Vec::new();
    }
    // A parallel plan gives them in any order.
    environment.query(&format!("{} order by name", parts.join(" union all ")))
}

/// The counts of a summary that are not zero.
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

/// Requires that there is exactly one row, and that its columns have these
/// values.
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
