//! Where several items stand for one column, every view and dbt model chooses by one rule:
//! what is in use first, then what the view prefers, then the order of the document.

use std::path::Path;

use serde_json::json;

use crate::support::{NULL, TestEnvironment};
use crate::views::load_resources;

/// The last key of an order that leaves no two items equal.
const UNIQUE: [&str; 5] = ["ordinal", "line_ordinal", "id", "observation_id", "position"];

/// Orders that end with another key, which is unique among what they order.
const GROUPED: [(&str, &str); 5] = [
    // One row an instant, a display, a practitioner, a replacement, a year.
    ("lab_trend", "effective_time"),
    ("code_name", "display collate c"),
    ("patient_attribution", "practitioner_id"),
    ("linked_patient", "new_id"),
    ("diabetes_registry", "year"),
];

/// The parts of a query, without comments, in one line.
fn normal(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split(" --").next().unwrap_or_default());
    let lines: Vec<&str> = lines.filter(|line| !line.trim_start().starts_with("--")).collect();
    lines.join(" ").split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase().replace('"', "")
}

/// The order that the parenthesis around a place has in front of it or behind: its keys as
/// written; none if there is no order.
fn order_around(sql: &str, at: usize) -> Option<&str> {
    let (mut depth, mut start) = (0, at);
    for (index, letter) in sql[..at].char_indices().rev() {
        match letter {
            ')' => depth += 1,
            '(' if depth == 0 => break,
            '(' => depth -= 1,
            _ => {}
        }
        start = index;
    }
    let (mut depth, mut end) = (0, sql.len());
    for (index, letter) in sql[at..].char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => {
                end = at + index;
                break;
            }
            ')' => depth -= 1,
            _ => {}
        }
    }
    let inside = &sql[start..end];
    let order = &inside[top_level(inside, "order by ")? + "order by ".len()..];
    let stop = [" limit ", " rows between "].iter().filter_map(|word| top_level(order, word)).min();
    Some(&order[..stop.unwrap_or(order.len())])
}

/// Where a word stands outside of inner parentheses, for the last time.
fn top_level(text: &str, word: &str) -> Option<usize> {
    let depth_at = |at: usize| {
        text[..at].chars().fold(0, |depth, letter| match letter {
            '(' => depth + 1,
            ')' => depth - 1,
            _ => depth,
        })
    };
    text.match_indices(word).map(|(at, _)| at).filter(|at| depth_at(*at) == 0).last()
}

/// The choices of one from several in a view or model whose order is missing or leaves
/// items equal.
fn faults(name: &str, sql: &str) -> Vec<String> {
    let sql = normal(sql);
    choices(&sql)
        .into_iter()
        .filter_map(|(what, at)| {
            let order = order_around(&sql, at).unwrap_or("no order");
            let last = order.rsplit([',', '.']).next().unwrap_or_default().trim();
            let last = last.trim_end_matches(" nulls last").trim_end_matches(" desc").trim_end_matches(')');
            let is_grouped = || GROUPED.iter().any(|(of, key)| name.ends_with(of) && last == *key);
            (!UNIQUE.contains(&last) && !is_grouped()).then(|| format!("{name}: {what} by {order}"))
        })
        .collect()
}

/// Where a query chooses one from several, inside the parenthesis with the order.
fn choices(sql: &str) -> Vec<(&'static str, usize)> {
    let mut choices = Vec::new();
    for what in ["limit 1", "distinct on ("] {
        choices.extend(sql.match_indices(what).map(|(at, _)| (what, at)));
    }
    for (at, call) in sql.match_indices("array_agg(") {
        let close = at + call.len() + closing(&sql[at + call.len()..]);
        if sql[close..].starts_with("))[1]")
            || sql[close..].starts_with(") filter") && is_first(&sql[close..])
        {
            choices.push(("the first of a list", close));
        }
    }
    for (at, call) in sql.match_indices("row_number() over ") {
        let window = &sql[at + call.len()..];
        let inside = match window.strip_prefix('(') {
            Some(_) => Some(at + call.len() + 1),
            None => {
                let name = window.split([' ', ',', ')']).next().unwrap_or_default();
                sql.find(&format!("{name} as (")).map(|start| start + name.len() + " as (".len())
            }
        };
        choices.push(("row_number", inside.unwrap_or(at)));
    }
    choices
}

/// Whether a list that is filtered is read at its first item.
fn is_first(behind: &str) -> bool {
    let Some(open) = behind.find("filter (").map(|at| at + "filter (".len()) else { return false };
    behind[open + closing(&behind[open..])..].starts_with("))[1]")
}

/// The length up to the parenthesis that closes.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 0 => return index,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn a_choice_without_an_order_is_found() {
    for (sql, is_fault) in [
        ("select (select a.x from a where a.y = 1 limit 1)", true),
        ("select (select a.x from a order by a.x limit 1)", true),
        ("select (select a.x from a order by a.x nulls last, a.ordinal limit 1)", false),
        ("select (select a.x from (select * from b order by b.ordinal) a limit 1)", true),
        ("select distinct on (a.x) a.x from a order by a.x, a.ordinal desc", false),
        ("select distinct on (a.x) a.x from a", true),
        ("select (array_agg(a.x order by a.y))[1] from a", true),
        ("select (array_agg(a.x order by lower(a.y), a.id))[1] from a", false),
        ("select (array_agg(a.x) filter (where a.y))[1] from a", true),
        ("select array_agg(a.x) from a", false),
        ("select row_number() over (partition by a.x order by a.y) from a", true),
        ("select row_number() over w as place from a window w as (partition by a.x order by a.y desc)", true),
        ("select row_number() over w as place from a window w as (order by a.y, a.id desc)", false),
    ] {
        assert_eq!(!faults("", sql).is_empty(), is_fault, "{sql}: {:?}", faults("", sql));
    }
}

#[test]
fn every_choice_follows_the_rule() {
    let environment = TestEnvironment::new();
    let mut definitions: Vec<[String; 2]> = environment
        .query(
            "select n.nspname || '.' || c.relname as name, pg_get_viewdef(c.oid) as sql from pg_class c \
             join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('analytics', 'etl') and c.relkind = 'v'",
        )
        .into_iter()
        .map(|row| <[String; 2]>::try_from(row).unwrap())
        .collect();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt/models");
    for folder in ["omop", "tuva", "examples"] {
        for entry in std::fs::read_dir(models.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "sql") {
                let sql = std::fs::read_to_string(&path).unwrap();
                definitions.push([path.file_stem().unwrap().to_string_lossy().into_owned(), sql]);
            }
        }
    }
    let mut wrong = Vec::new();
    for [name, sql] in &definitions {
        wrong.extend(faults(name, sql));
        let sql = normal(sql);
        // One of several names, addresses, phone numbers and identifiers is one in use.
        for list in [
            "patient_name",
            "patient_address",
            "patient_telecom",
            "patient_identifier",
            "resource_identifier",
        ] {
            let is_chosen = sql.match_indices(list).any(|(at, _)| {
                let is_read =
                    ["from ", "from {{ source('fhirmill', '"].iter().any(|read| sql[..at].ends_with(read));
                is_read && order_around(&sql, at).is_some()
            });
            if is_chosen && !sql.contains("is_in_use(") {
                wrong.push(format!("{name}: a choice from {list} without is_in_use"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(definitions.len() > 80, "{}", definitions.len());
}

/// The columns of tables choose by the same rule.
#[test]
fn one_in_use_is_chosen() {
    let environment = TestEnvironment::new();
    let npi = |value: &str, name_use: &str| json!({"system": "http://hl7.org/fhir/sid/us-npi", "value": value, "use": name_use});
    let ended = |mut item: serde_json::Value, day: &str| {
        item["period"] = json!({"end": day});
        item
    };
    let record = json!({"coding": [{"code": "MR"}]});
    load_resources(
        &environment,
        &[
            json!({"resourceType": "Practitioner", "id": "d", "identifier": [
                npi("1", "old"), ended(npi("2", "official"), "2001"), npi("3", "secondary"), npi("4", "official"), npi("5", "official")]}),
            json!({"resourceType": "Organization", "id": "o", "identifier": [
                {"system": "urn:x", "value": "0"}, npi("6", "old"), ended(npi("7", "official"), "2001"), ended(npi("8", "official"), "2005")]}),
            json!({"resourceType": "Patient", "id": "p", "identifier": [
                    {"type": record, "value": "M1", "use": "old"}, {"type": record, "value": "M2", "period": {"end": "2001"}},
                    {"type": record, "value": "M3", "period": {"start": "2001"}}],
                "telecom": [{"system": "phone", "value": "1", "period": {"start": "2999"}}, {"system": "phone", "value": "2", "period": {"end": "2001"}},
                    {"system": "phone", "value": "3"}, {"system": "email", "value": "a@b", "use": "old"}]}),
            json!({"resourceType": "Patient", "id": "q", "identifier": [{"type": record, "value": "M4", "use": "old"}]}),
        ],
    );
    assert_eq!(environment.value("select npi from practitioner"), "4");
    assert_eq!(environment.value("select npi from organization"), "8");
    assert_eq!(
        environment.query(
            "select medical_record_number, phone, email from analytics.patient_summary order by fhir_id"
        ),
        [["M3", "3", NULL], ["M4", NULL, NULL]]
    );
}
