//! The specification that the oracle follows: `tests/data/columns.csv`, one line a column of every
//! table, and `tests/data/lists.csv`, the top-level lists of concepts and references of FHIR R4
//! that have no table of their own.

use std::collections::BTreeMap;
use std::sync::OnceLock;

const COLUMNS: &str = include_str!("../../data/columns.csv");
const LISTS: &str = include_str!("../../data/lists.csv");

/// One column of one table.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    /// The Postgres type as the catalog names it: `text`, `bigint`, `timestamptz`, `text[]` …
    pub postgres_type: String,
    pub is_key: bool,
    /// The table that the column refers to, or empty.
    pub foreign_key: String,
    /// Where the value comes from, relative to the row's element.
    pub path: String,
    pub comment: String,
}

/// One table of one resource type.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

impl Table {
    /// Whether this is the table of the resource itself.
    pub fn is_resource(&self) -> bool {
        self.columns[0].name == "id"
    }

    /// What a child table has a row for: one or more paths below the resource.
    pub fn row_sources(&self) -> Vec<&str> {
        let comment = &self.columns[0].comment;
        match comment.strip_prefix("row per ") {
            Some(sources) => sources.split('|').collect(),
            None => Vec::new(),
        }
    }
}

/// A top-level list of FHIR R4 whose items go to a generic table.
#[derive(Debug)]
pub struct List {
    pub element: String,
    pub holds_references: bool,
}

/// All tables and lists, by resource type.
#[derive(Debug)]
pub struct Specification {
    pub tables: BTreeMap<String, Vec<Table>>,
    pub lists: BTreeMap<String, Vec<List>>,
    /// The resource type of each resource table.
    resource_types: BTreeMap<String, String>,
}

impl Specification {
    /// The specification, read once.
    pub fn get() -> &'static Specification {
        static SPECIFICATION: OnceLock<Specification> = OnceLock::new();
        SPECIFICATION.get_or_init(Specification::read)
    }

    /// The resource type whose table has that name.
    pub fn resource_type(&self, table: &str) -> Option<&str> {
        self.resource_types.get(table).map(String::as_str)
    }

    fn read() -> Specification {
        let mut tables: BTreeMap<String, Vec<Table>> = BTreeMap::new();
        let mut resource_types = BTreeMap::new();
        for line in records(COLUMNS) {
            let [_, table, _, name, postgres_type, _, key, foreign_key, resource, path, comment] =
                line.as_slice()
            else {
                panic!("columns.csv: a line has {} fields", line.len());
            };
            let is_history = table.starts_with("patient_") && table.ends_with("_history");
            if resource.is_empty() || resource == "*" || is_history {
                continue;
            }
            let of_resource = tables.entry(resource.clone()).or_default();
            if of_resource.last().is_none_or(|last| last.name != *table) {
                of_resource.push(Table { name: table.clone(), columns: Vec::new() });
            }
            let last = of_resource.last_mut().expect("a table was just pushed");
            if name == "fhir_id" {
                resource_types.insert(table.clone(), resource.clone());
            }
            last.columns.push(Column {
                name: name.clone(),
                postgres_type: postgres_type.clone(),
                is_key: key == "PK",
                foreign_key: foreign_key.clone(),
                path: path.clone(),
                comment: comment.clone(),
            });
        }
        let mut lists: BTreeMap<String, Vec<List>> = BTreeMap::new();
        for line in records(LISTS) {
            let [resource, element, kind] = line.as_slice() else {
                panic!("lists.csv: a line has {} fields", line.len());
            };
            lists
                .entry(resource.clone())
                .or_default()
                .push(List { element: element.clone(), holds_references: kind == "Reference" });
        }
        Specification { tables, lists, resource_types }
    }
}

/// The lines of a CSV text after its heading, each as its fields.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut records = Vec::new();
    for line in text.lines().skip(1) {
        let mut fields = vec![String::new()];
        let mut is_quoted = false;
        let mut characters = line.chars().peekable();
        while let Some(character) = characters.next() {
            let field = fields.last_mut().expect("there is always a field");
            match character {
                '"' if is_quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    field.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => fields.push(String::new()),
                other => field.push(other),
            }
        }
        records.push(fields);
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_hold_commas_and_quotes() {
        let lines = records("a,b,c\n1,\"x, \"\"y\"\"\",\n");

        assert_eq!(lines, [["1", "x, \"y\"", ""]]);
    }

    #[test]
    fn the_specification_is_whole() {
        let specification = Specification::get();
        let mut tables = 0;
        for of_resource in specification.tables.values() {
            tables += of_resource.len();
        }

        assert_eq!(specification.tables.len(), 37);
        assert_eq!(tables, 143);
        assert_eq!(specification.resource_type("care_plan"), Some("CarePlan"));
    }
}
