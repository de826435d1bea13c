//! A *datatype* is a FHIR datatype and what it becomes in a table: which columns
//! (name, Postgres type), and how its JSON is written into a row. There is one
//! small file per family of datatypes; `docs/ARCHITECTURE.md` describes how the
//! engine uses them.
//!
//! Datatypes know nothing of files or connections. To resolve a reference they
//! ask the row's [`References`], which the engine provides.

mod attachment;
mod choice;
mod column;
mod concept;
mod date;
mod defect;
mod definition;
pub mod moment;
mod named;
mod primitive;
mod quantity;
mod reference;
mod resolve;
mod row;
mod spelling;
mod timezone;

pub use choice::{Choice, Variant};
pub use column::{Column, SqlType};
pub use concept::{chosen_coding, next_coding};
pub use defect::{MAX_INDEXED_BYTES, ValueDefect, ValueDefectReason, require_short};
pub use definition::Datatype;
pub use named::named;
pub use resolve::{Expected, Referenced, References};
pub use row::Row;
pub use timezone::{InvalidTimezone, Timezone};
