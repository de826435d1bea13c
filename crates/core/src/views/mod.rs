//! *Views* are tables that users declare: ViewDefinitions of SQL on FHIR
//! (<https://sql-on-fhir.org/ig/>).
//!
//! A definition is read with the place of every value in its file, each of its
//! FHIRPath expressions is parsed and checked against R4's elements, and the whole
//! becomes a [`View`]: a program over the same parsed [`Tree`](crate::json::Tree)
//! that the mapper reads. Running it copies nothing but the values of columns, and
//! decimals and dates keep their digits as written.
//!
//! ```
//! use fhirmill_core::json::Dictionary;
//! use fhirmill_core::views::View;
//!
//! let text = r#"{"resource": "Patient", "select": [{"column": [{"name": "born", "path": "birthDat"}]}]}"#;
//! let diagnostics = View::compile(text, &mut Dictionary::new()).expect_err("it has a mistake");
//! assert_eq!(diagnostics[0].message, "Patient has no element `birthDat`");
//! assert_eq!(diagnostics[0].help.as_deref(), Some("did you mean `birthDate`?"));
//! ```

mod compile;
mod definition;
mod diagnostic;
mod evaluate;
mod fhirpath;
mod number;
mod output;
mod program;
mod schema;
mod selection;
mod types;

pub use diagnostic::{Diagnostic, Severity, render};
pub use evaluate::{Cell, Fault, FaultReason, Item, Refused, RowSink, ViewKeys, run};
pub use number::Number;
pub use output::{Format, RowWriter};
pub use program::{ColumnType, Tag, View, ViewColumn};

/// Parses one FHIRPath expression, as fuzzing does. The error is its first mistake.
///
/// # Errors
///
/// The text is not an expression of the subset that views may use.
pub fn check_expression(text: &str) -> Result<(), Diagnostic> {
    fhirpath::parse(text)
        .map(|_| ())
        .map_err(|mistake| Diagnostic::error(mistake.message, String::new(), mistake.span))
}
