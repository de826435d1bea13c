//! docs/DATA_DICTIONARY.md is the catalog of a migrated database, written
//! down. `make dictionary` writes it anew; this test says when it is stale.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use fhirmill::model;

use crate::support::{Mill, NULL};

/// Set by `make dictionary`.
const WRITE: &str = "WRITE_DICTIONARY";

struct Table {
    schema: String,
    name: String,
    comment: String,
    /// Name, type, key, comment.
    columns: Vec<[String; 4]>,
}

#[test]
fn the_dictionary_is_the_catalog() {
    let mill = Mill::new();
    let tables = tables(&mill);
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

fn tables(mill: &Mill) -> Vec<Table> {
    let refers_to: BTreeMap<(String, String), String> = model::tables()
        .into_iter()
        .flat_map(|table| {
            let name = table.name;
            table
                .columns
                .into_iter()
                .filter_map(move |column| Some(((name.clone(), column.name), column.refers_to?)))
        })
        .collect();
    let rows = mill.query(
        "select n.nspname as schema, c.relname as name, obj_description(c.oid, 'pg_class') as comment, \
                a.attname as column_name, replace(format_type(a.atttypid, a.atttypmod), ' with time zone', 'tz') as type, \
                exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary and a.attnum = any(i.indkey)) as is_key, \
                col_description(c.oid, a.attnum) as holds \
           from pg_class c join pg_namespace n on n.oid = c.relnamespace \
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped \
          where n.nspname in ('public', 'analytics', 'etl') and c.relkind in ('r', 'v') and c.relname not like '\\_\\_%' \
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
        let key = match (is_key.as_str(), refers_to.get(&(name, column.clone()))) {
            ("true", _) => "key".to_owned(),
            (_, Some(table)) => format!("→ [{table}](#{})", table.trim_start_matches("etl.")),
            _ => String::new(),
        };
        tables.last_mut().unwrap().columns.push([column, sql_type, key, holds]);
    }
    tables
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
            .filter(|table| resources.contains(&table.resource))
            .map(|table| table.name)
            .collect();
        take(&capitalized(subject), &|table| table.schema == "public" && of_subject.contains(&table.name));
    }
    take("Of all types", &|table| table.schema == "public");
    take("Views for analysts (schema analytics)", &|table| table.schema == "analytics");
    take("The ledger (schema etl)", &|table| table.schema == "etl");

    let mut page = String::from(
        "# Data dictionary\n\nEvery table and view, made by `make dictionary` from a migrated database; not to be edited.\n\
         `→` is a key of another table. What a column holds is FHIRPath from the resource or the\n\
         list's item, or words.\n",
    );
    for (title, tables) in &sections {
        let links: Vec<String> = tables.iter().map(|table| format!("[{0}](#{0})", table.name)).collect();
        write!(page, "\n**{title}**: {}\n", links.join(", ")).unwrap();
    }
    for (title, tables) in sections {
        write!(page, "\n## {title}\n").unwrap();
        for table in tables {
            write!(page, "\n### {}\n\n{}\n\n", table.name, capitalized(&table.comment)).unwrap();
            page.push_str("| column | type | key | holds |\n|---|---|---|---|\n");
            for [name, sql_type, key, holds] in &table.columns {
                writeln!(page, "| {name} | {sql_type} | {key} | {} |", holds.replace('|', "\\|")).unwrap();
            }
        }
    }
    page
}

fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
