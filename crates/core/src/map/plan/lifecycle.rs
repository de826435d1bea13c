//! The *lifecycle* of a resource's rows in a database that replaces them: which
//! rows to delete when a resource is replaced or deleted, and which tables keep
//! superseded rows. A sink reads all of it here and needs to know nothing of
//! FHIR or of the declarations.

use crate::fhir::ResourceType;
use crate::model::{GENERIC_KEY, Table, TableKind, parent_column};

/// Where rows of one resource type stand, and how to delete those of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClearTable {
    /// The table's name.
    pub table: String,
    /// The column that holds the key of the resource that a row belongs to.
    pub key_column: String,
    /// Rows of several resource types share the table: its column
    /// `resource_type` must be compared too.
    pub has_type_column: bool,
}

/// A table whose superseded rows move to a second table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryTable {
    /// The table with the rows of current versions.
    pub current: String,
    /// The table with superseded rows. Besides `columns` it has `content_hash`,
    /// `valid_from` and `valid_to`.
    pub history: String,
    /// The column that holds the resource's key, in both tables.
    pub key_column: String,
    /// The columns that both tables have, `key_column` first, in the order of
    /// the current table. Two rows are the same if they agree in all of these.
    pub columns: Vec<String>,
    /// The column that only the current table has. It is not compared: a list
    /// that is merely reordered has no history.
    pub position_column: String,
}

/// The lifecycle of one resource type's rows.
#[derive(Debug, Default)]
pub(super) struct Lifecycle {
    pub clear: Vec<ClearTable>,
    pub history: Vec<HistoryTable>,
}

impl Lifecycle {
    /// Of the rows of that type in all `tables`, of which only `own` and the
    /// generic ones can hold any.
    pub fn of(resource_type: ResourceType, tables: &[Table]) -> Self {
        let is_own = |table: &&Table| table.resource == resource_type.name();
        let has_own = tables.iter().any(|table| is_own(&table) && table.kind == TableKind::Resource);
        let mut lifecycle = Lifecycle::default();
        for table in tables {
            let (key_column, has_type_column) = match table.kind {
                TableKind::Resource if is_own(&table) => ("id".to_owned(), false),
                TableKind::Child if is_own(&table) => (parent_column(&table.resource), false),
                TableKind::History if is_own(&table) => {
                    lifecycle.history.extend(history_table(table, tables));
                    continue;
                }
                TableKind::Other if !has_own => ("id".to_owned(), true),
                TableKind::Generic if has_own => (GENERIC_KEY.to_owned(), true),
                _ => continue,
            };
            lifecycle.clear.push(ClearTable { table: table.name.clone(), key_column, has_type_column });
        }
        lifecycle
    }
}

fn history_table(history: &Table, tables: &[Table]) -> Option<HistoryTable> {
    let current = tables.iter().find(|table| history.name.strip_suffix("_history") == Some(&table.name))?;
    let is_kept = |name: &&String| history.columns.iter().any(|column| column.name == **name);
    let names = || current.columns.iter().map(|column| &column.name);
    Some(HistoryTable {
        current: current.name.clone(),
        history: history.name.clone(),
        key_column: parent_column(&current.resource),
        columns: names().filter(is_kept).cloned().collect(),
        position_column: names().find(|name| !is_kept(name))?.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Plan;
    use super::*;
    use pretty_assertions::assert_eq;

    fn resource_type(name: &str) -> ResourceType {
        ResourceType::named(name).expect(name)
    }

    fn cleared(name: &str) -> Vec<String> {
        let plan = Plan::built_in();
        let condition = |clear: &ClearTable| {
            let of_type = if clear.has_type_column { " of the type" } else { "" };
            format!("{}.{}{of_type}", clear.table, clear.key_column)
        };
        plan.tables_to_clear(resource_type(name)).iter().map(condition).collect()
    }

    const GENERIC: [&str; 6] = [
        "resource_identifier.resource_id of the type",
        "resource_telecom.resource_id of the type",
        "resource_concept.resource_id of the type",
        "resource_reference.resource_id of the type",
        "resource_note.resource_id of the type",
        "resource_coding.resource_id of the type",
    ];

    #[test]
    fn a_resource_is_cleared_from_its_own_tables_and_the_generic_ones() {
        let own = ["provenance.id", "provenance_target.provenance_id", "provenance_agent.provenance_id"];
        let rest = [&["provenance_entity.provenance_id"], &GENERIC[..]].concat();
        assert_eq!(cleared("Provenance"), [&own[..], &rest].concat());
        assert_eq!(cleared("Binary"), ["other_resource.id of the type"]);
    }

    #[test]
    fn names_and_addresses_of_patients_have_a_history() {
        let plan = Plan::built_in();
        assert_eq!(plan.types_with_history(), [resource_type("Patient")]);
        let tables = plan.history_tables(resource_type("Patient"));
        let names: Vec<&str> = tables.iter().map(|table| table.current.as_str()).collect();
        assert_eq!(names, ["patient_name", "patient_address"]);
        let HistoryTable { history, key_column, columns, position_column, .. } = &tables[0];
        assert_eq!((history.as_str(), key_column.as_str()), ("patient_name_history", "patient_id"));
        assert_eq!(columns[..3], ["patient_id", "use", "text"]);
        assert_eq!(position_column, "ordinal");
        assert_eq!(
            columns.iter().find(|column| ["content_hash", "ordinal"].contains(&column.as_str())),
            None
        );
        assert!(cleared("Patient").iter().all(|cleared| !cleared.contains("history")));
    }
}
