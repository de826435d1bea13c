//! The *model* declares every clinical table: for each resource type, which
//! elements become columns of which datatype, and which lists become child
//! tables. Declarations are text in FHIR's own terms, in the `*.model` files of
//! this folder; `docs/ARCHITECTURE.md` describes the language. Programs may
//! also declare tables of their own at run time, with [`parse_resources`].
//!
//! From declarations follow the [tables](tables_of) with names, columns, keys
//! and comments, their secondary [indexes](indexes_of), their [SQL](mod@sql),
//! and the plan that `map` runs. What the [de-identified copy](deidentified_tables) shows of
//! each column is declared beside them. The model neither maps resources nor talks to
//! a database.

mod built_in;
mod child;
mod columns;
mod declaration;
mod deidentified;
mod error;
mod generic;
mod indexes;
mod lines;
mod names;
mod parse;
mod path;
mod primary_keys;
pub mod sql;
mod table;
mod tables;
mod validate;

pub use built_in::{DECLARED, indexes, subjects, tables};
pub(crate) use child::has_patient;
pub(crate) use columns::{element_datatype, element_prefix, front_element, is_only_front};
pub use declaration::{
    ChildTable, DatatypeName, DatatypeWord, Element, List, Naming, Resource, RowRoute, Rows,
};
pub use deidentified::{
    DeidentifiedTable, Rule, TableRules, deidentified_rules, deidentified_tables, undecided_columns,
};
pub use error::{DeclarationError, ModelError, ModelProblem};
pub use generic::{GenericTable, generic_tables};
pub(crate) use indexes::indexed_columns;
pub use indexes::{Index, indexes_of};
pub(crate) use names::{ENCOUNTER_ID, GENERIC_KEY, PATIENT_ID, parent_column};
pub use parse::resources as parse_resources;
pub(crate) use path::route_text;
pub use path::{Route, RouteStep};
pub use primary_keys::PrimaryKey;
pub use table::{Table, TableColumn, TableKind};
pub use tables::tables_of;
