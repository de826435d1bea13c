//! The declarations that fhirmill is built with. They are covered by tests, so
//! the panics here can only be seen by a developer who edits a `*.model` file.

use std::sync::LazyLock;

use super::tables::unchecked_tables_of;
use super::{Index, Resource, Table, indexes_of, parse_resources};

/// One file for each subject, in the order of their tables.
const DECLARATIONS: [(&str, &str); 9] = [
    ("people.model", include_str!("people.model")),
    ("encounters.model", include_str!("encounters.model")),
    ("findings.model", include_str!("findings.model")),
    ("treatment.model", include_str!("treatment.model")),
    ("medication.model", include_str!("medication.model")),
    ("communication.model", include_str!("communication.model")),
    ("claims.model", include_str!("claims.model")),
    ("provenance.model", include_str!("provenance.model")),
    ("other.model", include_str!("other.model")),
];

/// All built-in declarations, parsed once.
pub static DECLARED: LazyLock<Vec<Resource>> =
    LazyLock::new(|| DECLARATIONS.iter().flat_map(|(file, text)| parsed(file, text)).collect());

static TABLES: LazyLock<Vec<Table>> = LazyLock::new(|| {
    unchecked_tables_of(&DECLARED).unwrap_or_else(|error| panic!("built-in model: {error}"))
});

fn parsed(file: &str, text: &str) -> Vec<Resource> {
    parse_resources(text).unwrap_or_else(|error| panic!("src/model/{file}: {error}"))
}

/// All tables of the built-in declarations: each resource type's own table and
/// its child tables, in the order of declaration, then the generic tables.
pub fn tables() -> Vec<Table> {
    TABLES.clone()
}

/// All secondary indexes of the built-in declarations, table by table.
pub fn indexes() -> Vec<Index> {
    indexes_of(&TABLES)
}

/// The subjects of the built-in declarations (`people`, `claims`, …), each with
/// the resource types that it declares.
pub fn subjects() -> Vec<(&'static str, Vec<String>)> {
    let of_file = |(file, text): &(&'static str, &str)| {
        let names = parsed(file, text).into_iter().map(|resource| resource.name).collect();
        (file.trim_end_matches(".model"), names)
    };
    DECLARATIONS.iter().map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tables_of;
    use super::*;

    #[test]
    fn the_tables_that_are_not_checked_at_each_start_are_valid() {
        let names =
            |tables: &[Table]| -> Vec<String> { tables.iter().map(|table| table.name.clone()).collect() };
        assert_eq!(names(&tables_of(&DECLARED).expect("valid")), names(&tables()));
    }
}
