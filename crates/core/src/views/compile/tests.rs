//! What is said of definitions with mistakes.

use super::super::{ColumnType, Diagnostic, View};
use crate::json::Dictionary;
use pretty_assertions::assert_eq;

/// A definition of one column.
fn with_path(resource: &str, path: &str) -> String {
    format!(r#"{{"resource": "{resource}", "select": [{{"column": [{{"name": "c", "path": "{path}"}}]}}]}}"#)
}

fn compile(text: &str) -> Result<View, Vec<Diagnostic>> {
    View::compile(text, &mut Dictionary::new())
}

/// The first error, its help, and the bytes that it marks.
fn error(text: &str) -> (String, String, String) {
    let found = compile(text).expect_err(text);
    let first = found.into_iter().find(|found| !found.is_warning()).expect("an error");
    let marked = text.get(first.span.clone()).unwrap_or("?").to_owned();
    (first.message, first.help.unwrap_or_default(), marked)
}

#[test]
fn mistakes_in_paths_are_told_with_help() {
    for (resource, path, message, help, marked) in [
        (
            "Patient",
            "brithDate",
            "Patient has no element `brithDate`",
            "did you mean `birthDate`?",
            "brithDate",
        ),
        (
            "Patient",
            "name.familly",
            "HumanName has no element `familly`",
            "did you mean `family`?",
            "familly",
        ),
        (
            "Observation",
            "valueQuantity.value",
            "Observation has no element `valueQuantity`",
            "write `value.ofType(Quantity)`",
            "valueQuantity",
        ),
        (
            "Patient",
            "name.first",
            "HumanName has no element `first`",
            "functions have brackets: `first()`",
            "first",
        ),
        ("Patient", "name.frist()", "views cannot call `frist()`", "did you mean `first()`?", "frist"),
        (
            "Patient",
            "managingOrganization.name",
            "Reference has no element `name`",
            "views cannot follow references: join tables by `getReferenceKey()`",
            "name",
        ),
        (
            "Observation",
            "value.ofType(Quantitty)",
            "R4 has no type `Quantitty`",
            "did you mean `Quantity`?",
            "Quantitty",
        ),
        (
            "Observation",
            "value.ofType(Address)",
            "this is never of type Address, but boolean, CodeableConcept or 9 other types",
            "",
            "Address",
        ),
        (
            "Patient",
            "name.where(use)",
            "`where()` needs a condition, but this is code",
            "compare it with something, or append `.exists()`",
            "use",
        ),
        (
            "Patient",
            "active and gender",
            "`and` needs true or false, but this is code",
            "compare it with something, or append `.exists()`",
            "gender",
        ),
        ("Patient", "gender + 1 * 'a'", "`*` needs numbers, but this is string", "", "'a'"),
        (
            "Observation",
            "code = 'x'",
            "`=` compares CodeableConcept with string",
            "write `.coding.code` or `.text` after it",
            "code = 'x'",
        ),
        (
            "Observation",
            "value.ofType(Quantity) > 5",
            "`>` compares Quantity with integer",
            "write `.value` after it",
            "value.ofType(Quantity) > 5",
        ),
        ("Patient", "%nme", "no constant is named `nme`", "", "%nme"),
        ("Patient", "name[gender]", "an index is a number, but this is code", "", "gender"),
        (
            "Patient",
            "name.getResourceKey()",
            "`getResourceKey()` is for the resource, but this is HumanName",
            "write `%resource.getResourceKey()`, or move the column out of the `forEach`",
            "getResourceKey()",
        ),
        (
            "Patient",
            "birthDate.getReferenceKey()",
            "`getReferenceKey()` needs a Reference, but this is date",
            "",
            "getReferenceKey()",
        ),
        (
            "Patient",
            "name.resolve()",
            "views cannot call `resolve()`",
            "join tables by `getReferenceKey()` and `getResourceKey()`",
            "resolve",
        ),
        (
            "Patient",
            "name.exists(use = 'a', 1)",
            "`exists()` takes 0 to 1 arguments, not 2",
            "",
            "exists(use = 'a', 1)",
        ),
    ] {
        let (found, found_help, found_mark) = error(&with_path(resource, path));
        assert_eq!((found.as_str(), found_mark.as_str()), (message, marked), "{path}");
        if !help.is_empty() {
            let found_help = found_help.replace("`first`?", "`first()`?");
            assert_eq!(found_help, help, "{path}");
        }
    }
}

#[test]
fn mistakes_in_the_form_are_told_with_their_place() {
    for (text, message, path) in [
        (r#"{"resource": "Patient"}"#, "the definition selects nothing", "select"),
        (r#"{"select": [{"column": []}]}"#, "the definition has no `resource`", ""),
        (
            r#"{"resource": "Patint", "select": [{"column": []}]}"#,
            "R4 has no resource type `Patint`",
            "resource",
        ),
        (
            r#"{"resource": "Patient", "select": [{"colum": []}]}"#,
            "no such member: `colum`",
            "select[0].colum",
        ),
        (
            r#"{"resource": "Patient", "select": [{"forEach": 1, "column": []}]}"#,
            "this must be a string",
            "select[0].forEach",
        ),
        (
            r#"{"resource": "Patient", "select": [{"forEach": "name", "repeat": ["name"], "column": []}]}"#,
            "a select has either `forEach` or `repeat`",
            "select[0].repeat",
        ),
        (
            r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}, {"name": "A", "path": "id"}]}]}"#,
            "there is another column `A`",
            "select[0].column[1].name",
        ),
        (
            r#"{"resource": "Patient", "select": [{"column": [{"name": "a b", "path": "id"}]}]}"#,
            "this cannot be the name of a column",
            "select[0].column[0].name",
        ),
        (
            r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "birthDate", "type": "integer"}]}]}"#,
            "the column is declared as integer, but its path gives date",
            "select[0].column[0].type",
        ),
        (
            r#"{"resource": "Patient", "constant": [{"name": "c"}], "select": [{"column": [{"name": "a", "path": "%c"}]}]}"#,
            "the constant has no value",
            "constant[0]",
        ),
        (
            r#"{"resource": "Patient", "constant": [{"name": "c", "valueDate": "2020-13"}], "select": [{"column": [{"name": "a", "path": "%c"}]}]}"#,
            "this is not a value of type date",
            "constant[0].valueDate",
        ),
        (
            r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id"}]}], "where": [{"path": "gender"}]}"#,
            "a condition must be true or false, but this is code",
            "where[0].path",
        ),
        (
            r#"{"resource": "Patient", "select": [{"unionAll": [{"column": [{"name": "a", "path": "id"}]}, {"column": [{"name": "b", "path": "id"}]}]}]}"#,
            "all branches of `unionAll` must have the same columns in the same order: this one has b, the first one a",
            "select[0].unionAll[1]",
        ),
        (
            r#"{"resource": "Patient", "select": [{"column": [{"name": "a", "path": "id", "tag": [{"name": "ansi/type", "value": "MONEY"}]}]}]}"#,
            "`MONEY` is no SQL type that columns may have",
            "select[0].column[0].tag[0]",
        ),
    ] {
        let found = compile(text).expect_err(text);
        let first = found.iter().find(|found| !found.is_warning()).expect("an error");
        assert_eq!((first.message.as_str(), first.path.as_str()), (message, path));
    }
    assert!(compile("{").expect_err("no JSON")[0].message.starts_with("not JSON"));
    assert!(compile("[]").is_err());
}

#[test]
fn what_is_odd_is_a_warning() {
    let of = |text: &str| -> Vec<String> {
        compile(text).expect(text).warnings.into_iter().map(|warning| warning.message).collect()
    };
    let several = "this may be several values, which a resource must not have";
    assert_eq!(of(&with_path("Patient", "name.family")), [several]);
    assert_eq!(of(&with_path("Patient", "name.family.first()")), Vec::<String>::new());
    assert_eq!(of(&with_path("Patient", "name[0].family")), Vec::<String>::new());
    let unused = r#"{"resource": "Patient", "constant": [{"name": "c", "valueInteger": 1}],
        "select": [{"column": [{"name": "a", "path": "id"}]}]}"#;
    assert_eq!(of(unused), ["the constant `c` is not used"]);
}

#[test]
fn a_mistake_after_an_escape_sequence_is_marked_where_it_is_written() {
    let text = with_path("Patient", r"name.where(use = '\\u00e9\u00e9').familly");
    assert_eq!(error(&text).2, "familly");
}

#[test]
fn columns_have_the_type_of_their_tag_or_else_of_their_value() {
    let column = |member: &str, path: &str| {
        let text = format!(
            r#"{{"resource": "Observation", "select": [{{"column": [{{"name": "c", "path": "{path}"{member}}}]}}]}}"#
        );
        compile(&text).expect(&text).columns.remove(0).column_type
    };
    for (member, path, expected) in [
        ("", "value.ofType(boolean)", ColumnType::Boolean),
        ("", "value.ofType(integer)", ColumnType::Integer),
        ("", "value.ofType(Quantity).value", ColumnType::Decimal),
        ("", "value.ofType(Quantity)", ColumnType::Json),
        ("", "value.ofType(dateTime)", ColumnType::Text),
        ("", "issued", ColumnType::Timestamp),
        ("", "%rowIndex", ColumnType::Integer),
        ("", "getResourceKey()", ColumnType::Key),
        (r#", "type": "string""#, "subject.getReferenceKey(Patient)", ColumnType::Key),
        (r#", "type": "string""#, "issued", ColumnType::Text),
        (r#", "type": "integer64""#, "value.ofType(integer)", ColumnType::BigInteger),
        (
            r#", "tag": [{"name": "ansi/type", "value": "timestamp with time zone"}]"#,
            "value.ofType(dateTime)",
            ColumnType::Timestamp,
        ),
        (
            r#", "tag": [{"name": "ansi/type", "value": "VARCHAR(20)"}]"#,
            "value.ofType(integer)",
            ColumnType::Text,
        ),
        (r#", "tag": [{"name": "ansi/type", "value": "DATE"}]"#, "value.ofType(dateTime)", ColumnType::Date),
    ] {
        assert_eq!(column(member, path), expected, "{path} {member}");
    }
}
