//! The *model* is the declaration of every clinical table: for each resource
//! type, which elements become columns, by which kind, and which lists become
//! child tables. It is written down once, in the `*.model` files beside this
//! one, in words of FHIR; the columns that the engine writes, the text of the
//! migrations, diesel's `table!`s and the data dictionary all come from it.
//!
//! This module reads the declarations (`parse`), tells the tables that they
//! mean (`tables`) with their `indexes`, and writes those as SQL (`sql`). It
//! knows nothing of connections or files.

mod indexes;
mod parse;
pub mod sql;
mod tables;

use std::sync::LazyLock;

pub use indexes::{Index, indexed_texts, indexes};
pub use parse::DeclarationError;
pub(crate) use tables::{
    ENCOUNTER_ID, GENERIC_KEY, PATIENT_ID, element_columns, element_datatype, front_element, is_only_front,
    parent_column, route_text,
};
pub use tables::{Table, TableColumn, TableKind, generic_tables, tables};

/// The declarations, a file a subject, in the order of their tables.
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

/// The declarations that fhirmill is built with.
pub static DECLARED: LazyLock<Vec<Resource>> =
    LazyLock::new(|| DECLARATIONS.iter().flat_map(|(file, text)| parsed(file, text)).collect());

fn parsed(file: &str, text: &str) -> Vec<Resource> {
    match parse::resources(text) {
        Ok(resources) => resources,
        // Built in and covered by a test, so only a developer can see it.
        Err(error) => panic!("src/model/{file}: {error}"),
    }
}

/// What the declared types are about, in a word, with their names.
pub fn subjects() -> Vec<(&'static str, Vec<String>)> {
    let of_file = |(file, text): &(&'static str, &str)| {
        let names = parsed(file, text).into_iter().map(|resource| resource.name).collect();
        (file.trim_end_matches(".model"), names)
    };
    DECLARATIONS.iter().map(of_file).collect()
}

/// A resource type's declaration.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The FHIR type; `Other` stands for all types without a declaration.
    pub name: String,
    /// What a row is, for people.
    pub comment: String,
    pub elements: Vec<Element>,
    pub tables: Vec<ChildTable>,
    /// Elements that go to the generic tables.
    pub lists: Vec<List>,
    /// Elements that R4 defines and no column takes.
    pub archived: Vec<String>,
}

/// Elements of a resource whose items go to a generic table.
#[derive(Clone, Debug)]
pub struct List {
    pub table: GenericTable,
    pub path: Route,
}

/// The tables that rows of all resource types share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GenericTable {
    Identifier,
    Telecom,
    Concept,
    Reference,
    Note,
}

/// One line of a declaration: an element and its kind.
#[derive(Clone, Debug)]
pub struct Element {
    /// Where it stands; the first route that leads to something counts.
    pub path: Vec<Route>,
    pub datatype: DatatypeName,
    pub name: Naming,
    pub comment: String,
}

/// How the columns of an element begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By the path.
    Derived,
    /// By the word after `as`.
    As(String),
    /// `as -`: not at all.
    Bare,
}

/// A kind as declarations name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatatypeName {
    One(DatatypeWord),
    /// `value[x]`: the FHIR type and the kind of every variant.
    Choice(Vec<(String, DatatypeWord)>),
}

/// `Reference(Organization)`: a name and perhaps an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatatypeWord {
    pub name: String,
    pub argument: Option<String>,
}

/// Rows for the items of a list.
#[derive(Clone, Debug)]
pub struct ChildTable {
    /// The list element, whose name the table's is made of.
    pub element: String,
    pub comment: String,
    pub rows: Rows,
    /// Superseded rows are kept in a second table, `…_history`.
    pub has_history: bool,
    /// Where the rows come from; empty: from the element itself.
    pub sources: Vec<RowSource>,
    /// Columns that tell where a row hangs.
    pub place: Vec<String>,
    pub elements: Vec<Element>,
    pub tables: Vec<ChildTable>,
}

/// What numbers the rows of a child table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Position in the list, within the enclosing row.
    Nested,
    /// Position among all rows of the resource.
    KeyedByOrdinal,
    /// The positions in all the lists around it.
    KeyedByPlace,
    /// Items within items, one row an answer: QuestionnaireResponse.
    Recursive,
}

/// Where rows come from, and what some of their columns then say.
#[derive(Clone, Debug)]
pub struct RowSource {
    pub path: Route,
    pub constants: Vec<(String, String)>,
}

/// A path without alternatives.
pub type Route = Vec<RouteStep>;

/// One step of a path, in FHIRPath's sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteStep {
    Member(String),
    /// `value[x]`, always last.
    Choice(String),
    /// `[n]`: that item of each list.
    Index(usize),
    /// `extension(url)`: the extensions with that url.
    Extension(String),
    /// `where(path = 'value')`: the items with that value there.
    Where(Vec<String>, String),
    /// `resolve()`: the contained resource that a reference means.
    Resolve,
    /// `itself`: the list's item.
    Itself,
}

impl Resource {
    /// Whether the declaration is the one for all types without their own.
    pub fn is_other(&self) -> bool {
        self.name == "Other"
    }
}
