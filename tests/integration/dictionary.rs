//! docs/DATA_DICTIONARY.md lists the catalog of a migrated database. `make
//! dictionary` regenerates it; this test fails if it is stale.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use fhirmill_core::model::{self, TableKind};

use crate::dictionary_left_out;
use crate::support::{NULL, TestEnvironment};

/// Set by `make dictionary`.
pub const WRITE: &str = "WRITE_DICTIONARY";

pub struct Table {
    pub schema: String,
    pub name: String,
    pub comment: String,
    /// Name, type, key, comment.
    pub columns: Vec<[String; 4]>,
}

impl Table {
    /// As people write it: with its schema unless that is `public`.
    pub fn heading(&self) -> String {
        if self.schema == "public" { self.name.clone() } else { format!("{}.{}", self.schema, self.name) }
    }
}

#[test]
fn the_dictionary_is_the_catalog() {
    let environment = TestEnvironment::new();
    let tables = tables(&environment);
    let without: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            let columns =
                table.columns.iter().map(|[name, _, _, comment]| (format!("{}.{name}", table.name), comment));
            std::iter::once((table.name.clone(), &table.comment)).chain(columns).collect::<Vec<_>>()
        })
        .filter(|(_, comment)| comment.as_str() == NULL)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(without, Vec::<String>::new(), "have no comment");

    let page = page(&tables);
    assert_eq!(ambiguous_anchors(&page), Vec::<String>::new(), "are the anchors of several headings");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/DATA_DICTIONARY.md");
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, page).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs =
        page.lines().zip(written.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    if let Some((new, old)) = differs {
        panic!(
            "docs/DATA_DICTIONARY.md is stale: run `make dictionary`\n  it says:   {old}\n  should be: {new}"
        );
    }
    assert_eq!(
        page.lines().count(),
        written.lines().count(),
        "docs/DATA_DICTIONARY.md is stale: run `make dictionary`"
    );
}

/// Tables and views with their columns, in the order of schema and name.
pub fn tables(environment: &TestEnvironment) -> Vec<Table> {
    let refers_to = references(environment);
    let rows = environment.query(
        "select n.nspname as schema, c.relname as name, obj_description(c.oid, 'pg_class') as comment, \
                a.attname as column_name, replace(format_type(a.atttypid, a.atttypmod), ' with time zone', 'tz') as type, \
                exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)) as is_key, \
                col_description(c.oid, a.attnum) as holds \
           from pg_class c join pg_namespace n on n.oid = c.relnamespace \
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
          where n.nspname in ('public', 'analytics', 'etl') and c.relkind in ('r', 'v') and c.relname not like '\\_\\_%' \
            and not (n.nspname = 'analytics' and exists (select from pg_class t where t.relname = c.relname and t.relnamespace = 'public'::regnamespace)) \
          order by n.nspname, c.relname collate \"C\", a.attnum",
    );
    let mut tables: Vec<Table> = Vec::new();
    for row in rows {
        let Ok([schema, name, comment, column, sql_type, is_key, holds]) = <[String; 7]>::try_from(row)
        else {
            panic!("seven columns were asked for");
        };
        if tables.last().is_none_or(|last| (&last.schema, &last.name) != (&schema, &name)) {
            tables.push(Table { schema, name: name.clone(), comment, columns: Vec::new() });
        }
        let is_key = if is_key == "true" { "key" } else { "" };
        let reference = refers_to.get(&(tables.last().unwrap().heading(), column.clone()));
        let reference = reference.map(|table| format!("→ {}", link(table))).unwrap_or_default();
        let key = format!("{is_key} {reference}").trim().to_owned();
        tables.last_mut().unwrap().columns.push([column, sql_type, key, holds]);
    }
    tables
}

/// The table that each column is a key of: for `public` from the declarations,
/// because only PostgreSQL 18 has those keys in its catalog; for `etl` from the
/// catalog.
pub fn references(environment: &TestEnvironment) -> BTreeMap<(String, String), String> {
    let declared = model::tables().into_iter().flat_map(|table| {
        let name = table.name;
        table
            .columns
            .into_iter()
            .filter_map(move |column| Some(((name.clone(), column.name), column.refers_to?)))
    });
    let of_ledger = environment.query(
        "select format('etl.%s', t.relname) as name, a.attname as column_name, format('etl.%s', f.relname) as refers_to \
           from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid \
           join pg_attribute a on a.attrelid = c.conrelid and a.attnum = any(c.conkey) \
          where c.contype = 'f' and t.relnamespace = 'etl'::regnamespace and f.relnamespace = 'etl'::regnamespace",
    );
    let of_ledger = of_ledger.into_iter().map(|row| {
        let Ok([table, column, target]) = <[String; 3]>::try_from(row) else {
            panic!("three columns were asked for");
        };
        ((table, column), target)
    });
    declared.chain(of_ledger).collect()
}

fn link(heading: &str) -> String {
    format!("[{heading}](#{})", anchor(heading))
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let mut anchor = String::new();
    for character in heading.to_lowercase().chars() {
        match character {
            ' ' => anchor.push('-'),
            '_' | '-' => anchor.push(character),
            _ if character.is_alphanumeric() => anchor.push(character),
            _ => {}
        }
    }
    anchor
}

/// Anchors of several headings: a link leads only to the first one.
fn ambiguous_anchors(page: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let headings = page.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|heading| anchor(heading.trim_start_matches('#').trim()))
        .filter(|anchor| !seen.insert(anchor.clone()))
        .collect()
}

fn page(tables: &[Table]) -> String {
    let mut sections: Vec<(String, Vec<&Table>)> = Vec::new();
    let mut rest: Vec<&Table> = tables.iter().collect();
    let mut take = |title: &str, is_in: &dyn Fn(&Table) -> bool| {
        let (taken, left) = std::mem::take(&mut rest).into_iter().partition(|table| is_in(table));
        rest = left;
        sections.push((title.to_owned(), taken));
    };
    for (subject, resources) in model::subjects() {
        let of_subject: Vec<String> = model::tables()
            .into_iter()
            .filter(|table| resources.contains(&table.resource) && table.kind != TableKind::History)
            .map(|table| table.name)
            .collect();
        // Not the bare word, which may be a table's name, too.
        let title =
            if subject == "other" { "About anything else".to_owned() } else { format!("About {subject}") };
        take(&title, &|table| table.schema == "public" && of_subject.contains(&table.name));
    }
    let kept: Vec<String> = model::tables()
        .into_iter()
        .filter(|table| table.kind == TableKind::History)
        .map(|table| table.name)
        .collect();
    take("Of all types", &|table| table.schema == "public" && !kept.contains(&table.name));
    take("Superseded rows", &|table| table.schema == "public");
    take("Views for analysts (schema analytics)", &|table| table.schema == "analytics");
    take("The ledger (schema etl)", &|table| table.schema == "etl");

    let mut page = String::from(
        "# Data dictionary\n\nEvery table and view, made by `make dictionary` from a migrated database; not to be edited.\n\
         `key` is part of the primary key, `→` a key of another table. What an\n\
         element's column holds begins with FHIRPath from the resource or the list's item.\n\n\
         Tables with times have a view of the same name in schema `analytics`, with the table's\n\
         columns and `source`, `file_id`, `loaded_at`, and the day `x_date` of each time `x`.\n",
    );
    for (title, tables) in &sections {
        let links: Vec<String> = tables.iter().map(|table| link(&table.heading())).collect();
        write!(page, "\n**{}**: {}\n", link(title), links.join(", ")).unwrap();
    }
    for (title, tables) in sections {
        write!(page, "\n## {title}\n").unwrap();
        for table in tables {
            write!(page, "\n### {}\n\n{}\n\n", table.heading(), capitalized(&table.comment)).unwrap();
            page.push_str("| column | type | key | holds |\n|---|---|---|---|\n");
            for [name, sql_type, key, holds] in &table.columns {
                writeln!(page, "| {name} | {sql_type} | {key} | {} |", holds.replace('|', "\\|")).unwrap();
            }
        }
    }
    page.push_str(&dictionary_left_out::section());
    page
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
