//! The subset of FHIRPath (<https://hl7.org/fhirpath/>) that views may use: lexer,
//! syntax tree and parser. Every part knows its place in the text.

mod lexer;
mod parse;
mod syntax;

pub(super) use parse::parse;
pub(super) use syntax::{Literal, Mistake, Name, Operator, Syntax, SyntaxKind};
