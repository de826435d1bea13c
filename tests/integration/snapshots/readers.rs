//! Independent readers of a snapshot: DuckDB and Polars count and sum as Postgres does.

use std::process::Command;

use pretty_assertions::assert_eq;

use super::{latest, snapshot};
use crate::support::TestEnvironment;

/// Prints a line for each table: its name, and by each reader the rows, and the sum of the
/// numbers of every column of numbers that is a key or a decimal.
const READ: &str = r#"
import json, pathlib, sys
import duckdb, polars
folder = pathlib.Path(sys.argv[1])
for table in json.loads((folder / "manifest.json").read_text())["tables"]:
    files = [str(folder / file["path"]) for file in table["files"]]
    numbers = [c["name"] for c in table["columns"] if c["type"] in ("bigint", "integer", "smallint", "numeric")]
    sums = ", ".join(f'coalesce(sum("{n}"), 0)::decimal(38, 9)' for n in numbers) or "0"
    ours = duckdb.sql(f"select count(*), {sums} from read_parquet({files!r})").fetchall()[0]
    frame = polars.scan_parquet(files)
    theirs = frame.select(polars.len(), *[polars.col(n).sum().cast(polars.Decimal(38, 9)).alias("s_" + n) for n in numbers]).collect().row(0)
    same = ours[0] == theirs[0] and all(abs((a or 0) - (b or 0)) == 0 for a, b in zip(ours[1:], theirs[1:]))
    print(json.dumps([table["schema"], table["name"], numbers, ours[0], [format(v, "f") if v else "0.000000000" for v in ours[1:]][:len(numbers)], same]))
"#;

#[test]
#[ignore = "needs DuckDB and Polars: make lake-readers"]
fn lake_readers_count_and_sum_as_postgres_does() {
    let environment = TestEnvironment::new();
    environment.run(&["generate", "--patients", "40", "--seed", "9", "--out", "inbox/demo"]).expect_code(0);
    environment.run(&["once"]).expect_code(0);
    snapshot(&environment, &[]).expect_code(0);
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/lake-readers/bin/python");
    let folder = environment.path(&format!("lake/{}", latest(&environment)));
    let read = Command::new(python).arg("-c").arg(READ).arg(folder).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let lines = String::from_utf8(read.stdout).unwrap();
    let mut rows = 0;
    for line in lines.lines() {
        type Line = (String, String, Vec<String>, i64, Vec<String>, bool);
        let (schema, name, numbers, count, sums, is_same): Line = serde_json::from_str(line).unwrap();
        assert!(is_same, "DuckDB and Polars differ: {line}");
        let wanted: String = numbers
            .iter()
            .map(|number| format!(", coalesce(sum(\"{number}\"), 0)::numeric(38, 9)::text"))
            .collect();
        let sql = format!("select array[count(*)::text{wanted}]::text as it from {schema}.\"{name}\"");
        let found: Vec<String> = std::iter::once(count.to_string()).chain(sums).collect();
        assert_eq!(format!("{{{}}}", found.join(",")), environment.value(&sql), "{schema}.{name}");
        rows += count;
    }
    assert!(lines.lines().count() > 250 && rows > 100_000, "{rows}");
}
