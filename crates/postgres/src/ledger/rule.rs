//! *Rules* that tables, registry and ledger keep: each a sentence, and a query
//! for the rows that break it.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text};
use fhirmill_core::datatype::SqlType;
use fhirmill_core::fhir::snake_case;
use fhirmill_core::map::{KEY_OF_VIEW_ROWS, ViewTable};
use fhirmill_core::model::{Table, TableColumn, TableKind, sql};

use super::AppliedView;

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The rule in words.
    pub sentence: String,
    /// The table whose rows it is about: without rows none breaks it.
    table: Option<String>,
    /// Counts the rows that break it.
    query: String,
}

/// The tables that have rows, or had some.
#[derive(Debug, Default)]
pub struct FilledTables(BTreeSet<String>);

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl FilledTables {
    /// Finds them, by the sizes of their files. Of a few hundred tables a sender usually fills a few.
    pub fn find(connection: &mut PgConnection) -> QueryResult<Self> {
        let names: Vec<Name> = sql_query(
            "select case relnamespace when 'etl'::regnamespace then 'etl.' else '' end || relname as name from pg_class \
             where relnamespace in ('public'::regnamespace, 'etl'::regnamespace) and relkind = 'r' \
               and pg_relation_size(oid) > 0",
        )
        .load(connection)?;
        Ok(FilledTables(names.into_iter().map(|of| of.name).collect()))
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

const LEDGER: [(&str, &str); 4] = [
    (
        "the account of every file adds up",
        "select count(*) from etl.load_file where status in ('loaded', 'rejected') and seen <> \
         inserted + updated + unchanged + stale + deleted + rejected + skipped",
    ),
    (
        "the rejected records of every file are kept",
        "select count(*) from etl.load_file f where status in ('loaded', 'rejected') and rejected <> \
         (select count(*) from etl.rejected_record r where r.file_id = f.id)",
    ),
    (
        "every living resource refers to the file that brought it",
        "select count(*) from etl.resource r where content_hash is not null and not exists \
         (select from etl.load_file f where f.id = r.file_id)",
    ),
    (
        "every contained resource belongs to a living resource",
        "select count(*) from etl.contained_resource c where not exists \
         (select from etl.resource_version v where v.id = c.container_id and v.content_hash is not null)",
    ),
];

/// Whether the resource `r` of the registry, with that container or none, lives.
fn lives(container: &str) -> String {
    format!(
        "case when {container} is null then r.content_hash is not null else exists \
         (select from etl.contained_resource c where c.id = r.id and c.container_id = {container}) end"
    )
}

impl Rule {
    /// That no row of a view belongs to a resource that is gone.
    pub fn of_view(view: &AppliedView) -> Rule {
        let ViewTable { table, .. } = view.table();
        Rule {
            sentence: format!("every row of {table} belongs to a living resource of its type"),
            table: None,
            query: format!(
                "select count(*) from {table} w where not exists (select from etl.resource r \
                  where r.id = w.{KEY_OF_VIEW_ROWS} and r.content_hash is not null and r.resource_type = '{}')",
                view.resource_type
            ),
        }
    }

    /// The rules for the tables of a model, and those of the ledger.
    pub fn all(tables: &[Table]) -> Vec<Rule> {
        let mut rules = Vec::new();
        for table in tables {
            rules.push(Rule::parent_exists(table));
            let is_key = |column: &&TableColumn| {
                column.name.ends_with("_id")
                    && column.sql_type == SqlType::BigInt
                    && !table.key.contains(&column.name)
            };
            rules.extend(table.columns.iter().filter(is_key).map(|column| Rule::key_exists(table, column)));
        }
        rules.extend(tables.iter().flat_map(Rule::references_are_told));
        let roots = tables.iter().filter(|table| table.kind == TableKind::Resource);
        rules.extend(roots.clone().map(Rule::row_exists));
        let types: BTreeSet<&str> = roots.clone().map(|table| table.resource.as_str()).collect();
        rules.extend(types.into_iter().map(|resource| Rule::unresolved_are_told(resource, tables)));
        rules.extend(roots.map(Rule::contained_row_exists));
        let rule = |(sentence, query): (&str, &str)| Rule {
            sentence: sentence.into(),
            table: None,
            query: query.into(),
        };
        rules.extend(LEDGER.map(rule));
        rules
    }

    /// Every row belongs to a resource.
    fn parent_exists(table: &Table) -> Rule {
        let name = &table.name;
        let parent = snake_case(&table.resource);
        let (sentence, condition) = match table.kind {
            TableKind::Resource | TableKind::Other => {
                let of_type = match table.kind {
                    TableKind::Other => "r.resource_type = t.resource_type".to_owned(),
                    _ => format!("r.resource_type = '{}'", table.resource),
                };
                (
                    format!("every row of {name} is a living or contained resource of the registry, with its id and source"),
                    format!(
                        "select from etl.resource r where r.id = t.id and {of_type} and r.fhir_id = t.fhir_id \
                         and r.source_id = t.source_id and {}",
                        lives("t.container_id")
                    ),
                )
            }
            TableKind::Child => (
                format!("every row of {name} has its {parent}"),
                format!("select from {parent} p where p.id = t.{parent}_id"),
            ),
            TableKind::History => (
                format!("every row of {name} has its {parent}"),
                format!("select from etl.resource p where p.id = t.{parent}_id"),
            ),
            TableKind::Generic => (
                format!("every row of {name} has its resource in the registry"),
                "select from etl.resource r where r.id = t.resource_id and r.resource_type = t.resource_type \
                 and (r.content_hash is not null or exists (select from etl.contained_resource c where c.id = r.id))"
                    .to_owned(),
            ),
        };
        let query = format!("select count(*) from {name} t where not exists ({condition})");
        Rule { sentence, table: Some(name.clone()), query }
    }

    /// Every key in the column is one of the registry's.
    fn key_exists(table: &Table, column: &TableColumn) -> Rule {
        let (name, quoted) = (&table.name, sql::quoted(&column.name));
        Rule {
            sentence: format!("every {name}.{} is a key of the registry", column.name),
            table: Some(name.clone()),
            query: format!(
                "select count(*) from {name} t where t.{quoted} is not null \
                 and not exists (select from etl.resource r where r.id = t.{quoted})"
            ),
        }
    }

    /// Every reference that was written has a key or a text, for the references of a
    /// table whose type and display are columns.
    fn references_are_told(table: &Table) -> Vec<Rule> {
        let has = |name: &String| table.columns.iter().any(|column| column.name == *name);
        // A column of another element may have that name: the type of a choice, or of
        // a claim.
        let is_type_of_target = |name: &String| {
            let is_told = |comment: &str| comment.ends_with(": type of the target");
            table.columns.iter().any(|column| column.name == *name && is_told(&column.comment))
        };
        let references = table.columns.iter().filter_map(|column| column.name.strip_suffix("_reference"));
        let rule = |reference: &str| {
            let part = |part: &str| format!("{reference}_{part}");
            let (target_type, key, display) = (part("type"), part("id"), part("display"));
            let is_told = [&key, &display].into_iter().all(has) && is_type_of_target(&target_type);
            is_told.then(|| Rule {
                sentence: format!("every {}.{reference} that was written has a key or a text", table.name),
                table: Some(table.name.clone()),
                query: format!(
                    "select count(*) from {} where {} is not null and {} is null and {} is null and {} is null",
                    table.name,
                    sql::quoted(&target_type),
                    sql::quoted(&key),
                    sql::quoted(&display),
                    sql::quoted(&part("reference"))
                ),
            })
        };
        references.filter_map(rule).collect()
    }

    /// Every resource with a reference that could not be resolved has the text of one,
    /// whatever the element. Texts in contained resources are in tables of other types.
    fn unresolved_are_told(resource: &str, tables: &[Table]) -> Rule {
        let told = tables.iter().filter_map(|table| {
            let of_type = table.resource == resource || table.kind == TableKind::Generic;
            let texts: Vec<String> = table
                .columns
                .iter()
                .filter(|column| column.name == "reference" || column.name.ends_with("_reference"))
                .map(|column| format!("t.{} is not null", sql::quoted(&column.name)))
                .collect();
            let key = match table.kind {
                TableKind::Resource => "id",
                TableKind::Generic => "resource_id",
                TableKind::Child => table.key.first()?.as_str(),
                TableKind::History | TableKind::Other => return None,
            };
            (of_type && !texts.is_empty()).then(|| {
                format!(
                    "and not exists (select from {} t where t.{} = u.resource_id and ({}))",
                    table.name,
                    sql::quoted(key),
                    texts.join(" or ")
                )
            })
        });
        let told: Vec<String> = told.collect();
        Rule {
            sentence: format!("every {resource} with an unresolved reference has the text of one"),
            table: Some("etl.unresolved_reference".to_owned()),
            query: format!(
                "select count(*) from (select distinct resource_id from etl.unresolved_reference) u \
                 join etl.resource_key k on k.id = u.resource_id and k.resource_type = '{resource}' \
                 where not exists (select from etl.contained_resource c where c.container_id = u.resource_id) {}",
                told.join(" ")
            ),
        }
    }

    /// Every living resource of the registry has its row.
    fn row_exists(table: &Table) -> Rule {
        let (resource_type, name) = (&table.resource, &table.name);
        Rule {
            sentence: format!("every living {resource_type} of the registry has its row"),
            table: Some("etl.resource_version".to_owned()),
            query: format!(
                "select count(*) from etl.resource r where r.resource_type = '{resource_type}' \
                 and r.content_hash is not null and not exists (select from {name} t where t.id = r.id)"
            ),
        }
    }

    /// Every contained resource of the registry has its row.
    fn contained_row_exists(table: &Table) -> Rule {
        let (resource_type, name) = (&table.resource, &table.name);
        Rule {
            sentence: format!("every contained {resource_type} of the registry has its row"),
            table: Some("etl.contained_resource".to_owned()),
            query: format!(
                "select count(*) from etl.contained_resource c join etl.resource_key k on k.id = c.id \
                 where k.resource_type = '{resource_type}' and not exists (select from {name} t where t.id = c.id)"
            ),
        }
    }

    /// The number of rows that break the rule.
    pub fn count_broken(&self, connection: &mut PgConnection, filled: &FilledTables) -> QueryResult<i64> {
        if self.table.as_ref().is_some_and(|table| !filled.0.contains(table)) {
            return Ok(0);
        }
        let Count { count } = sql_query(&self.query).get_result(connection)?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_choice_or_a_claim_is_not_taken_for_that_of_a_reference() {
        let rules = Rule::all(&fhirmill_core::model::tables());
        let told = |reference: &str| {
            let sentence = format!("every {reference} that was written has a key or a text");
            rules.iter().any(|rule| rule.sentence == sentence)
        };
        assert!(told("encounter_participant.individual"));
        assert!(!told("explanation_of_benefit_procedure.procedure"));
        assert!(!told("explanation_of_benefit.claim"));
    }
}
