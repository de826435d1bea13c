//! The answers in docs/ANALYSTS.md are correct: every query on the page is run
//! on the data that `make demo` loads, and its result compared. With
//! WRITE_ANSWERS=1 the results are written to the page instead.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

use crate::support::{NULL, TestEnvironment, execute};

/// The samples and the synthetic patients, as `make demo` loads them.
fn demo() -> TestEnvironment {
    let environment = TestEnvironment::new();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for folder in ["", "export"] {
        for entry in fs::read_dir(samples.join(folder)).unwrap().flatten() {
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_file() && name != "README.md" {
                environment.put(&format!("inbox/{folder}/{name}"), fs::read(entry.path()).unwrap());
            }
        }
    }
    environment
        .run(&["generate", "--patients", "10", "--seed", "1", "--out", "inbox/generated"])
        .expect_code(0);
    environment.run(&["once"]).expect_code(0);
    environment
}

/// The answer as a Markdown table.
fn answer(environment: &TestEnvironment, sql: &str) -> String {
    let names = environment.query(&format!(
        "select array_to_string(array(select name from json_object_keys(row_to_json(answer)) as key (name)), ' | ') as names \
         from ({sql}) as answer limit 1"
    ));
    let rows = environment.query(sql);
    assert!(!rows.is_empty(), "an answer without rows tells nothing: {sql}");
    let mut table = format!("| {} |\n|{}\n", names[0][0], "---|".repeat(rows[0].len()));
    for row in rows {
        table.push('|');
        for value in row {
            let _ = if value == NULL {
                write!(table, " |")
            } else {
                write!(table, " {} |", value.replace('|', "\\|"))
            };
        }
        table.push('\n');
    }
    table
}

#[test]
fn the_answers_on_the_page_are_correct() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ANALYSTS.md");
    let page = fs::read_to_string(&path).unwrap();
    let environment = demo();
    let mut answered = String::new();
    let mut rest = page.as_str();
    while let Some((text, after)) = rest.split_once("```sql\n") {
        let (sql, after) = after.split_once("```\n").unwrap();
        // The blank line, then what stands there as a table.
        let after = after.trim_start_matches('\n');
        let table: usize =
            after.split_inclusive('\n').take_while(|line| line.starts_with('|')).map(str::len).sum();
        let _ = write!(
            answered,
            "{text}```sql\n{sql}```\n\n{}",
            answer(&environment, sql.trim().trim_end_matches(';'))
        );
        rest = &after[table..];
        if table == 0 {
            answered.push('\n');
        }
    }
    answered.push_str(rest);
    if std::env::var_os("WRITE_ANSWERS").is_some() {
        fs::write(&path, answered).unwrap();
        return;
    }
    pretty_assertions::assert_eq!(page, answered);
}

#[test]
fn the_page_names_every_view() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ANALYSTS.md")).unwrap();
    let environment = TestEnvironment::new();
    for view in environment
        .query(
            "select relname as view from pg_class where relnamespace = 'analytics'::regnamespace \
             and relname not in (select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r')",
        )
        .concat()
    {
        assert!(page.contains(&format!("`{view}`")), "{view} is not on the page");
    }
}

/// The statements of all SQL blocks of a document.
fn statements(document: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let blocks = text.split("```sql\n").skip(1).map(|block| block.split("```").next().unwrap());
    let statements = blocks.flat_map(|block| block.split(";\n")).map(str::trim).filter(|one| !one.is_empty());
    statements.map(|one| one.trim_end_matches(';').to_owned()).collect()
}

#[test]
fn analysts_can_run_every_query_of_the_documents() {
    let mut queries = statements("README.md");
    let count = queries.len();
    queries.extend(statements("docs/ANALYSTS.md"));
    assert!(count >= 6 && queries.len() >= count + 15, "{queries:?}");
    for environment in [demo(), TestEnvironment::new()] {
        let member = format!("fhirmill_test_{}_reader", std::process::id());
        execute(
            environment.database_url(),
            &format!("create role {member} login password 'read' in role {}", environment.readers_role()),
        );
        let (_, server) = environment.database_url().rsplit_once('@').unwrap();
        let mut connection = PgConnection::establish(&format!("postgres://{member}:read@{server}")).unwrap();
        let mut failed = Vec::new();
        for query in &queries {
            if let Err(error) = connection.batch_execute(query) {
                failed.push(format!("{error}\nin {query}"));
            }
        }
        drop(connection);
        execute(environment.database_url(), &format!("drop role {member}"));
        assert_eq!(failed, Vec::<String>::new());
    }
}
