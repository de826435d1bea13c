//! What implementations of SQL on FHIR get wrong, beside what `rows` has.

use pretty_assertions::assert_eq;

use super::{mistakes, rows, value, view};

/// The value of an expression in an Observation with these members.
fn observation(path: &str, members: &str) -> String {
    value("Observation", path, &format!(r#"{{"resourceType": "Observation", "id": "o", {members}}}"#))
}

#[test]
fn boundaries_are_those_of_the_precision_that_is_written() {
    let of_date = |written: &str, boundary: &str| {
        let patient = format!(r#"{{"resourceType": "Patient", "birthDate": "{written}"}}"#);
        value("Patient", &format!("birthDate.{boundary}()"), &patient)
    };
    for (written, low, high) in [
        ("1970", "1970-01-01", "1970-12-31"),
        ("2020-02", "2020-02-01", "2020-02-29"),
        ("1900-02", "1900-02-01", "1900-02-28"),
        ("1970-06-05", "1970-06-05", "1970-06-05"),
    ] {
        assert_eq!(
            (of_date(written, "lowBoundary"), of_date(written, "highBoundary")),
            (low.into(), high.into())
        );
    }
    let of_time = |written: &str, boundary: &str| {
        let path = format!("effective.ofType(dateTime).{boundary}()");
        observation(&path, &format!(r#""effectiveDateTime": "{written}""#))
    };
    for (written, low, high) in [
        ("2020", "2020-01-01T00:00:00.000+14:00", "2020-12-31T23:59:59.999-12:00"),
        ("2020-02-29", "2020-02-29T00:00:00.000+14:00", "2020-02-29T23:59:59.999-12:00"),
        ("2020-02-29T10:30:15+02:00", "2020-02-29T10:30:15.000+02:00", "2020-02-29T10:30:15.999+02:00"),
        ("2020-02-29T10:30:15.250Z", "2020-02-29T10:30:15.250Z", "2020-02-29T10:30:15.250Z"),
    ] {
        assert_eq!(
            (of_time(written, "lowBoundary"), of_time(written, "highBoundary")),
            (low.into(), high.into())
        );
    }
    let of_number = |written: &str, boundary: &str| {
        let path = format!("value.ofType(Quantity).value.{boundary}()");
        observation(&path, &format!(r#""valueQuantity": {{"value": {written}}}"#))
    };
    for (written, low, high) in [
        ("1.0", "0.95", "1.05"),
        ("-1.0", "-1.05", "-0.95"),
        ("0", "-0.5", "0.5"),
        ("100.00", "99.995", "100.005"),
    ] {
        assert_eq!(
            (of_number(written, "lowBoundary"), of_number(written, "highBoundary")),
            (low.into(), high.into())
        );
    }
    let time = r#""valueTime": "12:34:00""#;
    assert_eq!(observation("value.ofType(time).lowBoundary()", time), "12:34:00.000");
    assert_eq!(observation("value.ofType(time).highBoundary()", time), "12:34:00.999");
    let period = r#""effectivePeriod": {"start": "2020-02", "end": "2020-03-01"}"#;
    assert_eq!(
        observation("effective.ofType(Period).lowBoundary()", period),
        "2020-02-01T00:00:00.000+14:00"
    );
    assert_eq!(
        observation("effective.ofType(Period).highBoundary()", period),
        "2020-03-01T23:59:59.999-12:00"
    );
    assert_eq!(
        observation("effective.ofType(Period).highBoundary()", r#""effectivePeriod": {"start": "2020"}"#),
        ""
    );
}

#[test]
fn times_are_compared_as_instants_and_partial_ones_as_far_as_they_go() {
    let effective = r#""effectiveDateTime": "2020-01-01T00:30:00+01:00""#;
    for (comparison, expected) in [
        ("= @2019-12-31T23:30:00Z", "true"),
        ("!= @2019-12-31T23:30:00Z", "false"),
        ("< @2020-01-01T00:00:00Z", "true"),
        ("> @2019-12-31T18:29:59-05:00", "true"),
        ("< @2021", "true"),
        ("> @2021", "false"),
        ("= '2019-12-31T23:30:00.000Z'", "true"),
    ] {
        let path = format!("effective.ofType(dateTime) {comparison}");
        assert_eq!(observation(&path, effective), expected, "{comparison}");
    }
    let month = r#""effectiveDateTime": "2020-01""#;
    assert_eq!(observation("effective.ofType(dateTime) = @2020-01-15", month), "");
    assert_eq!(observation("effective.ofType(dateTime) = @2020-02-15", month), "false");
    assert_eq!(observation("effective.ofType(dateTime) <= @2020-02", month), "true");
}

#[test]
fn numbers_keep_their_digits_and_arithmetic_is_exact_or_nothing() {
    let big = "123456789012345678901234567890.123456789";
    let quantity = |written: &str| format!(r#""valueQuantity": {{"value": {written}}}"#);
    let path = "value.ofType(Quantity).value";
    assert_eq!(observation(path, &quantity(big)), big);
    assert_eq!(observation(&format!("{path} > 123456789012345678901234567890.12"), &quantity(big)), "true");
    assert_eq!(observation(&format!("{path} = {path}"), &quantity("1E400")), "true");
    assert_eq!(observation(&format!("{path} * {path}"), &quantity(big)), "", "too many digits");
    assert_eq!(observation(&format!("{path} / 0"), &quantity("1")), "");
    assert_eq!(observation(&format!("{path} mod 0"), &quantity("1")), "");
    assert_eq!(observation(&format!("{path} + 0.10"), &quantity("0.20")), "0.30");
    assert_eq!(observation(&format!("-{path} div 2"), &quantity("7")), "-3");
    let literal = "9".repeat(60);
    let found = mistakes(&view("Observation", &[("x", &format!("{path} = {literal}"))]));
    assert_eq!(found, [("select[0].column[0].path".into(), "the number has too many digits".into())]);
}

#[test]
fn a_union_in_a_union_has_the_columns_where_they_stand() {
    let patient = r#"{"resourceType": "Patient", "id": "p", "active": true,
        "name": [{"family": "F", "given": ["A", "B"]}, {"given": ["C"]}],
        "contact": [{"name": {"family": "K", "given": ["D"]}}, {"gender": "male"}]}"#;
    let definition = r#"{"resource": "Patient", "select": [
        {"column": [{"name": "id", "path": "id"}],
         "unionAll": [
           {"forEach": "name", "select": [{"forEachOrNull": "given", "column": [{"name": "given", "path": "$this"}]},
                                         {"column": [{"name": "family", "path": "family"}]}]},
           {"unionAll": [
             {"forEach": "contact.name", "column": [{"name": "given", "path": "given.first()"}, {"name": "family", "path": "family"}]},
             {"forEach": "contact.where(name.empty())", "column": [{"name": "given", "path": "'none'"}, {"name": "family", "path": "gender"}]}]}]},
        {"column": [{"name": "last", "path": "active"}]}]}"#;
    let expected = ["p,A,F,true", "p,B,F,true", "p,C,,true", "p,D,K,true", "p,none,male,true"];
    assert_eq!(rows(definition, patient), expected);
    let swapped = definition.replace(
        r#"{"name": "given", "path": "'none'"}, {"name": "family", "path": "gender"}"#,
        r#"{"name": "family", "path": "gender"}, {"name": "given", "path": "'none'"}"#,
    );
    let found = mistakes(&swapped);
    assert_eq!(found[0].0, "select[0].unionAll[1].unionAll[1]");
    assert!(found[0].1.contains("the same columns in the same order"), "{found:?}");
}

#[test]
fn nulls_and_empty_lists_are_no_values() {
    let patient = r#"{"resourceType": "Patient", "id": "p", "gender": null, "active": false,
        "name": [{"given": [null, "A"], "_given": [{"extension": [{"url": "x"}]}, null], "family": null}, {}],
        "contact": [], "telecom": [null]}"#;
    for (path, expected) in [
        ("gender", ""),
        ("gender.exists()", "false"),
        ("name.given", "A"),
        ("name.family.empty()", "true"),
        ("name.count()", "2"),
        ("contact.empty()", "true"),
        ("contact.count()", "0"),
        ("telecom.exists()", "false"),
        ("active", "false"),
        ("active.not()", "true"),
        ("(contact.gender.first() = 'x').not()", ""),
        ("contact.gender.first() & 'x'", "x"),
        ("contact.gender.first() + 'x'", ""),
        ("1 = {}", ""),
        ("({} or true)", "true"),
        ("({} and false)", "false"),
        ("iif({}, 'then', 'else')", "else"),
        ("name.where({}).count()", "0"),
    ] {
        assert_eq!(value("Patient", path, patient), expected, "{path}");
    }
    let each = |select: &str| {
        rows(
            &format!(
                r#"{{"resource": "Patient", "select": [{{{select}, "column": [{{"name": "x", "path": "%rowIndex"}}]}}]}}"#
            ),
            patient,
        )
    };
    assert_eq!(each(r#""forEach": "contact""#), Vec::<String>::new());
    assert_eq!(each(r#""forEachOrNull": "contact""#), ["0"]);
    assert_eq!(each(r#""forEach": "name.given""#), ["0"]);
    assert_eq!(each(r#""repeat": ["contact"]"#), Vec::<String>::new());
    let nowhere = r#"{"resource": "Patient", "where": [{"path": "contact.gender.first() = 'x'"}],
        "select": [{"column": [{"name": "id", "path": "id"}]}]}"#;
    assert_eq!(rows(nowhere, patient), Vec::<String>::new());
}

#[test]
fn the_row_index_is_known_in_conditions_and_in_what_is_iterated() {
    let patient = r#"{"resourceType": "Patient", "id": "p", "name": [
        {"given": ["A", "B"]}, {"given": ["C", "D"]}]}"#;
    let definition = r#"{"resource": "Patient", "where": [{"path": "%rowIndex = 0"}], "select": [
        {"forEach": "name", "select": [
          {"forEach": "given.where($this != 'A').where(%rowIndex < 2)", "column": [
            {"name": "outer", "path": "%resource.name[%rowIndex].given.first()"}, {"name": "i", "path": "%rowIndex"}, {"name": "x", "path": "$this"}]},
          {"forEach": "given[%rowIndex]", "column": [{"name": "own", "path": "$this"}]}]}]}"#;
    // The second forEach has the index of the name: A is the first of the first, D the second of the second.
    assert_eq!(rows(definition, patient), ["A,0,B,A", "A,0,C,D", "C,1,D,D"]);
}
