//! A *declaration* is what a `*.model` text says, line by line, as values. What
//! it means as tables and columns is for `tables` and `columns`.

use super::generic::GenericTable;
use super::path::Route;
use crate::fhir::snake_case;

/// One root table: which resources have a row in it, its columns and its child
/// tables. A resource type may have any number of root tables.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The FHIR resource type; `Other` stands for all types without a
    /// declaration of their own.
    pub name: String,
    /// The name of the root table, which is also the beginning of its child
    /// tables' names: the word after `as`, else the type's name in snake_case.
    pub table: String,
    /// Only resources that have a string of this value at this path have rows;
    /// `None`: all resources of the type.
    pub condition: Option<(Vec<String>, String)>,
    /// What a row is, for people.
    pub comment: String,
    /// Elements that become columns of the root table, in order.
    pub elements: Vec<Element>,
    /// Lists that become child tables, in order.
    pub tables: Vec<ChildTable>,
    /// Lists whose items become rows of generic tables.
    pub lists: Vec<List>,
    /// Elements that R4 defines and no column holds.
    pub archived: Vec<String>,
}

impl Resource {
    /// A declaration without elements, of a root table with the default name.
    pub fn new(name: &str, comment: &str) -> Self {
        let table = if name == OTHER { OTHER_TABLE.to_owned() } else { snake_case(name) };
        Resource {
            name: name.to_owned(),
            table,
            condition: None,
            comment: comment.to_owned(),
            elements: Vec::new(),
            tables: Vec::new(),
            lists: Vec::new(),
            archived: Vec::new(),
        }
    }

    /// Whether it declares the table of all types without a declaration of
    /// their own.
    pub fn is_other(&self) -> bool {
        self.name == OTHER
    }
}

const OTHER: &str = "Other";
const OTHER_TABLE: &str = "other_resource";

/// A list whose items become rows of a generic table.
#[derive(Clone, Debug)]
pub struct List {
    /// The generic table.
    pub table: GenericTable,
    /// Where the list stands in the resource.
    pub path: Route,
}

/// One line of a declaration: an element and its datatype.
#[derive(Clone, Debug)]
pub struct Element {
    /// Where it stands, relative to the row; the first route that leads to a
    /// value is used. A choice (`value[x]`) has exactly one route.
    pub path: Vec<Route>,
    /// The datatype, which gives the columns.
    pub datatype: DatatypeName,
    /// How the names of the columns begin.
    pub name: Naming,
    /// What to add to the columns' comments; may be empty.
    pub comment: String,
}

/// How the names of an element's columns begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// With the path in snake_case.
    Derived,
    /// With the word after `as`.
    As(String),
    /// `as -`: without a prefix.
    Bare,
}

/// A datatype as declarations name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatatypeName {
    /// The datatype of an element with one type.
    One(DatatypeWord),
    /// `value[x]`: the FHIR type and the datatype of every variant.
    Choice(Vec<(String, DatatypeWord)>),
}

/// A datatype's name with its argument, such as `Reference(Organization)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatatypeWord {
    /// The word before the parentheses.
    pub name: String,
    /// The resource type in parentheses.
    pub argument: Option<String>,
}

/// A child table: one row for each item of a list.
#[derive(Clone, Debug)]
pub struct ChildTable {
    /// The list element, from which the table's name is derived.
    pub element: String,
    /// What a row is, for people.
    pub comment: String,
    /// What numbers the rows.
    pub rows: Rows,
    /// Superseded rows are kept in a second table, `…_history`.
    pub has_history: bool,
    /// Where the rows come from; empty: from the element itself.
    pub from: Vec<RowRoute>,
    /// Columns with the position of a row in the lists around it.
    pub place: Vec<String>,
    /// Elements of an item that become columns, in order.
    pub elements: Vec<Element>,
    /// Lists within an item that become child tables of their own.
    pub tables: Vec<ChildTable>,
}

/// What numbers the rows of a child table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The position in the list, within the enclosing row.
    Nested,
    /// The position among all rows of the resource.
    KeyedByOrdinal,
    /// The positions in all the lists around the row.
    KeyedByPlace,
    /// Items within items, one row for each answer: QuestionnaireResponse.
    Recursive,
}

/// A `from` clause: where rows come from, and the constants that some of their
/// columns then hold.
#[derive(Clone, Debug)]
pub struct RowRoute {
    /// The path to the rows' items, relative to the enclosing row.
    pub path: Route,
    /// Names of columns with their values.
    pub constants: Vec<(String, String)>,
}
