//! The database as diesel knows it: a `table!` for every table that fhirmill
//! writes by COPY, and COPY into any of them by its name.
//!
//! It is a crate of its own because its hundred tables take the compiler
//! longer than the rest of the program, and change seldom.

mod copy;
mod tables;

pub use copy::{CopyError, copy_in};
pub use tables::*;
