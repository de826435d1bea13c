//! The *primary keys* as statements. Migrations create them with the tables. A large
//! onboarding goes without those for which [`PrimaryKey::is_postponable`] holds, and makes
//! them at its end.

use super::indexes::MIGRATED;
use super::sql::quoted;
use super::table::{Table, TableKind};

/// The primary key of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrimaryKey {
    /// The name of the constraint and of its index.
    pub name: String,
    /// The table's name.
    pub table: String,
    columns: String,
}

impl PrimaryKey {
    /// The key of that table.
    pub fn of(table: &Table) -> Self {
        let columns: Vec<String> = table.key.iter().map(|name| quoted(name)).collect();
        PrimaryKey {
            name: format!("{}_pkey", table.name),
            table: table.name.clone(),
            columns: columns.join(", "),
        }
    }

    /// Whether new resources can be loaded without it: rows are not looked up by the keys of
    /// such tables before resources are replaced.
    pub fn is_postponable(table: &Table) -> bool {
        table.kind != TableKind::History && MIGRATED.iter().all(|(searched, _)| *searched != table.name)
    }

    /// Drops it.
    pub fn drop(&self) -> String {
        format!("alter table {} drop constraint {}", self.table, self.name)
    }

    /// Creates its index where it is missing. Readers go on meanwhile.
    pub fn create_index(&self) -> String {
        format!("create unique index if not exists {} on {} ({})", self.name, self.table, self.columns)
    }

    /// Makes the index the table's primary key, which takes no time but needs the table for
    /// itself.
    pub fn use_index(&self) -> String {
        format!("alter table {0} add constraint {1} primary key using index {1}", self.table, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tables;

    #[test]
    fn a_key_is_dropped_and_made_again_by_its_name() {
        let table =
            tables().into_iter().find(|table| table.name == "observation_component").expect("declared");
        let key = PrimaryKey::of(&table);
        assert_eq!(
            [key.drop(), key.create_index(), key.use_index()],
            [
                "alter table observation_component drop constraint observation_component_pkey",
                "create unique index if not exists observation_component_pkey on observation_component \
                 (observation_id, ordinal)",
                "alter table observation_component add constraint observation_component_pkey primary key \
                 using index observation_component_pkey",
            ]
        );
    }

    #[test]
    fn tables_that_loading_looks_into_keep_theirs() {
        let of = |name: &str| {
            tables()
                .iter()
                .find(|table| table.name == name)
                .map(PrimaryKey::is_postponable)
                .expect("declared")
        };
        assert!(of("patient") && of("resource_concept"));
        assert!(!of("patient_identifier") && !of("patient_name_history"));
    }
}
