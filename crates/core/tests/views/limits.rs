//! Views that a user gets wrong, or that are written to do harm: each is refused with its
//! place, or runs, and none takes memory or time without end.

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::read::{self, ReadLimits, Stopped};
use fhirmill_core::views::{Format, RowWriter};
use pretty_assertions::assert_eq;

use super::{mistakes, rows, view};

/// The path and message of the only mistake of a view of Patients with these columns.
fn mistake(columns: &[(&str, &str)]) -> (String, String) {
    let found = mistakes(&view("Patient", columns));
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap_or_default()
}

fn check(columns: &[(&str, &str)], path: &str, message: &str) {
    assert_eq!(mistake(columns), (path.to_owned(), message.to_owned()));
}

const FIRST_NAME: &str = "select[0].column[0].name";
const SECOND_NAME: &str = "select[0].column[1].name";
const FIRST_PATH: &str = "select[0].column[0].path";

#[test]
fn names_are_those_that_a_table_can_have() {
    check(&[("naïve", "id")], FIRST_NAME, "this cannot be the name of a column");
    check(&[("名前", "id")], FIRST_NAME, "this cannot be the name of a column");
    check(&[("a", "id"), ("A", "id")], SECOND_NAME, "there is another column `A`");
    check(&[("xmin", "id")], FIRST_NAME, "every table of Postgres has a column `xmin` of its own");
    check(&[("CTID", "id")], FIRST_NAME, "every table of Postgres has a column `CTID` of its own");
    let long = "x".repeat(51);
    check(&[(&long, "id")], FIRST_NAME, "the name of a column is longer than 50 characters");
    // Words of SQL are names like others.
    let words =
        ["select", "from", "user", "table", "order", "group", "null", "default", "end", "name", "oid"];
    let columns: Vec<(&str, &str)> = words.iter().map(|word| (*word, "id")).collect();
    assert_eq!(mistakes(&view("Patient", &columns)), []);

    let twice = r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]},
        {"forEach": "name", "column": [{"name": "a", "path": "use"}]}]}"#;
    assert_eq!(mistakes(twice), [("select[1].column[0].name".into(), "there is another column `a`".into())]);
    let named = |name: &str| {
        format!(
            r#"{{"resource": "Patient", "name": "{name}", "select": [{{"column": [{{"name": "a", "path": "id"}}]}}]}}"#
        )
    };
    let message = "the name of the view must not end in two underscores and a number";
    assert_eq!(mistakes(&named("people__2")), [("name".into(), message.into())]);
    assert_eq!(mistakes(&named("people__two")), []);
    assert_eq!(mistakes(&named("select")), []);
}

#[test]
fn mistakes_in_expressions_have_their_place() {
    check(
        &[("a", "deceased.ofType(Quantity)")],
        FIRST_PATH,
        "this is never of type Quantity, but boolean or dateTime",
    );
    check(
        &[("a", "name.where(given).family")],
        FIRST_PATH,
        "`where()` needs a condition, but this is string",
    );
    check(&[("a", "name.where(use = 1).family")], FIRST_PATH, "`=` compares code with integer");
    check(&[("a", "id = %unknown")], FIRST_PATH, "no constant is named `unknown`");
    check(&[("a", r"'\\u0000'")], FIRST_PATH, "no such escape sequence");
    check(&[("a", r"'\\u+041'")], FIRST_PATH, "no such escape sequence");
    let condition = r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}],
        "where": [{"path": "active"}, {"path": "name.family"}]}"#;
    let message = "a condition must be true or false, but this is string";
    assert_eq!(mistakes(condition), [("where[1].path".into(), message.into())]);
}

#[test]
fn a_view_has_columns_but_not_too_many() {
    let empty = r#"{"resource": "Patient", "select": [{"column": []}, {"unionAll": []}]}"#;
    assert_eq!(mistakes(empty), [("select".into(), "the view has no columns".into())]);
    let many = |count: usize| {
        let names: Vec<String> = (0..count).map(|number| format!("c{number}")).collect();
        let columns: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "gender")).collect();
        view("Patient", &columns)
    };
    let patient = r#"{"resourceType": "Patient", "gender": "male"}"#;
    assert_eq!(rows(&many(300), patient), [["male"; 300].join(",")]);
    assert_eq!(mistakes(&many(1500)), []);
    let found = mistakes(&many(50_000));
    assert_eq!(found, [("select[0].column[1500].name".into(), "a view has at most 1500 columns".into())]);
}

#[test]
fn selects_may_be_nested_and_many_but_not_without_end() {
    let nested = |depth: usize| {
        let inner = r#"{"column": [{"name": "a", "path": "id"}]}"#;
        let (open, close) = (r#"{"select": ["#.repeat(depth), "]}".repeat(depth));
        format!(r#"{{"resource": "Patient", "select": [{open}{inner}{close}]}}"#)
    };
    let patient = r#"{"resourceType": "Patient", "id": "p"}"#;
    assert_eq!(rows(&nested(49), patient), ["p"]);
    let found = mistakes(&nested(200));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].1, "selects are nested more than 50 deep");
    // Each is one call deeper than the one before.
    let many = |count: usize| {
        let selects: Vec<String> = (0..count)
            .map(|number| {
                format!(
                    r#"{{"forEachOrNull": "contact", "column": [{{"name": "c{number}", "path": "gender"}}]}}"#
                )
            })
            .collect();
        format!(r#"{{"resource": "Patient", "select": [{}]}}"#, selects.join(","))
    };
    assert_eq!(rows(&many(500), patient), [",".repeat(499)]);
    let found = mistakes(&many(60_000));
    assert_eq!(found, [("select[500]".into(), "the definition has more than 500 selects".into())]);
    let empty = format!(
        r#"{{"resource": "Patient", "select": [{}{{"column": [{{"name": "a", "path": "id"}}]}}]}}"#,
        r#"{"column": []},"#.repeat(100_000)
    );
    assert_eq!(mistakes(&empty).len(), 1);
}

#[test]
fn a_deep_expression_is_run_or_refused() {
    let patient = r#"{"resourceType": "Patient", "active": true, "name": [{"use": "usual"}]}"#;
    let nested = |depth: usize| {
        let (open, close) = ("%resource.name.where(".repeat(depth), ".exists())".repeat(depth));
        view("Patient", &[("a", &format!("{open}use{close}.count()"))])
    };
    assert_eq!(rows(&nested(45), patient), ["1"]);
    assert_eq!(mistakes(&nested(150)).len(), 1);
    let deep = |depth: usize| format!("{}active{}", "iif(active, ".repeat(depth), ")".repeat(depth));
    assert_eq!(rows(&view("Patient", &[("a", &deep(45))]), patient), ["true"]);
    check(&[("a", &deep(150))], FIRST_PATH, "the expression is nested too deep");
}

#[test]
fn a_file_of_mistakes_is_told_in_part() {
    let columns = vec![r#"{"name": "a b", "path": "nme", "tyqe": 1}"#; 40_000].join(",");
    let found = mistakes(&format!(r#"{{"resource": "Patient", "select": [{{"column": [{columns}]}}]}}"#));
    assert_eq!(found.len(), 100);
    let constants = vec![r#"{"name": "a", "valueDate": "x"}"#; 100_000].join(",");
    let found = mistakes(&format!(r#"{{"resource": "Patient", "constant": [{constants}], "select": []}}"#));
    assert_eq!(found[0], ("constant[1000]".into(), "more than 1000 items of `constant`".into()));
    let repeated = vec![r#""item""#; 100_000].join(",");
    let found = mistakes(&format!(
        r#"{{"resource": "Questionnaire", "select": [{{"repeat": [{repeated}], "column": [{{"name": "a", "path": "linkId"}}]}}]}}"#
    ));
    assert_eq!(found, [("select[0].repeat[100]".into(), "more than 100 items of `repeat`".into())]);
}

/// Why a resource has no rows. NDJSON is written faster than CSV.
fn fault(view: &str, json: &str) -> String {
    let mut runner = ViewRunner::new(view).unwrap_or_else(|found| panic!("{found:?}"));
    let mut writer = RowWriter::new(runner.view(), Format::Ndjson, Vec::new());
    let mut fault = String::new();
    read::read_each(json.as_bytes().to_vec(), &ReadLimits::default(), |found| {
        let frame = found.map_err(|_| Stopped)?;
        let result = runner.run(&Input::from(&frame), &mut writer);
        fault = result.err().map(|error| error.to_string()).unwrap_or_default();
        Ok(())
    })
    .expect("it is read");
    fault
}

#[test]
fn rows_and_steps_of_one_resource_have_limits() {
    let names = vec![r#"{"use": "usual"}"#; 100].join(",");
    let text = "x".repeat(4 << 20);
    let patient = format!(
        r#"{{"resourceType": "Patient", "id": "p", "text": {{"div": "{text}"}}, "name": [{names}]}}"#
    );
    let of_names = |path: &str| {
        format!(
            r#"{{"resource": "Patient", "select": [{{"forEach": "name", "column": [{{"name": "a", "path": "{path}"}}]}}]}}"#
        )
    };
    assert_eq!(
        fault(&of_names("%resource.text.div"), &patient),
        "select: rows of more than 128 MB for one resource"
    );
    assert_eq!(
        fault(&of_names("%resource = %resource"), &patient),
        "select[0].column[0].path: more than 50000000 steps for one resource"
    );
    // Within the limits it is right.
    assert_eq!(rows(&of_names("%resource.name.where(use = 'usual').count()"), &patient), ["100"; 100]);
}

#[test]
fn a_large_definition_is_compiled() {
    let described = "x".repeat(3 << 20);
    let text = format!(
        r#"{{"resource": "Patient", "description": "{described}", "select": [{{"column": [{{"name": "a", "path": "id"}}]}}]}}"#
    );
    assert!(ViewRunner::new(&text).is_ok());
}
