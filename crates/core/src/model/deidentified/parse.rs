//! Reads `rules.txt`. It is built in and covered by tests, so the panics here can only be
//! seen by a developer who edits it.

use std::collections::BTreeMap;

use super::Rule;

/// What is declared of a table.
#[derive(Debug)]
pub(super) enum Declared {
    /// It is hidden as a whole.
    Hidden,
    /// The rules of its columns.
    Columns(BTreeMap<&'static str, Rule>),
}

/// The tables of `text`, by name.
pub(super) fn declarations(text: &'static str) -> BTreeMap<&'static str, Declared> {
    let mut tables: BTreeMap<&'static str, Declared> = BTreeMap::new();
    let mut open = None;
    for (number, line) in (1..).zip(text.lines()) {
        let fail =
            |reason: &str| -> ! { panic!("src/model/deidentified/rules.txt: line {number}: {reason}") };
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(rest) = line.strip_prefix("hidden ") {
            let Some((table, _)) = rest.split_once(" : ") else { fail("a hidden table has a reason") };
            if tables.insert(table, Declared::Hidden).is_some() {
                fail("the table is declared twice");
            }
        } else if let Some(table) = line.strip_prefix("table ") {
            if tables.insert(table, Declared::Columns(BTreeMap::new())).is_some() {
                fail("the table is declared twice");
            }
            open = Some(table);
        } else {
            let Some(Declared::Columns(rules)) = open.and_then(|table| tables.get_mut(table)) else {
                fail("no table stands above it")
            };
            let Some((rule, columns)) = line.split_once(" : ") else { fail("a line is `rule : columns`") };
            for column in columns.split(',').map(str::trim) {
                let Some(rule) = named(rule.trim()) else { fail("there is no such rule") };
                if rules.insert(column, rule).is_some() {
                    fail("a column has two rules");
                }
            }
        }
    }
    for declared in tables.values_mut() {
        if let Declared::Columns(rules) = declared {
            find_systems(rules);
        }
    }
    tables
}

/// The rule of that name.
fn named(rule: &str) -> Option<Rule> {
    Some(match rule {
        "hide" => Rule::Hide,
        "key" => Rule::Key,
        "source" => Rule::Source,
        "keep" => Rule::Keep,
        "shift" => Rule::Shift,
        "year" => Rule::Year,
        "birth" => Rule::Birth,
        "precision" => Rule::Precision,
        "age" => Rule::Age,
        "number" => Rule::Number,
        "unit" => Rule::Unit,
        "currency" => Rule::Currency,
        "system" => Rule::System,
        "code" => Rule::Code { system: String::new() },
        "modifiers" => Rule::Modifiers,
        "type" => Rule::Type,
        "path" => Rule::Path,
        "state" => Rule::State,
        "zip" => Rule::Zip,
        "country" => Rule::Country,
        codes => {
            let codes = codes.strip_prefix("codes ")?;
            Rule::Codes(codes.split(" | ").map(|code| code.trim().to_owned()).collect())
        }
    })
}

/// Finds the columns with the systems of codes: `type_system` of `type_code`, but
/// `reason_code_system` of the `reason_code` that is an element `reasonCode`.
fn find_systems(rules: &mut BTreeMap<&'static str, Rule>) {
    let names: Vec<&'static str> = rules.keys().copied().collect();
    for (code, rule) in rules.iter_mut() {
        if let Rule::Code { system } = rule {
            let element = code.strip_suffix("_code").or(code.strip_suffix("code")).unwrap_or(code);
            let likely = [format!("{element}_system"), format!("{code}_system"), format!("{element}system")];
            let found = likely.into_iter().find(|name| names.contains(&name.as_str()));
            *system =
                found.unwrap_or_else(|| panic!("src/model/deidentified/rules.txt: {code} has no system"));
        }
    }
}
