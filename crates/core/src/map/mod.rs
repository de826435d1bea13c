//! The *map* turns the bytes of a resource into rows, driven by a [`Plan`]: parse
//! into borrowed nodes, collect each row's elements by name, and write them by
//! their datatypes in COPY's binary form into a [`RowBatch`].
//!
//! A resource becomes all of its rows or none. A defect is reported with its
//! JSON path and never with a value, and does not affect other resources.

mod batch;
mod chunk;
mod contained;
mod deletion;
mod descend;
mod earlier;
mod extension;
mod extension_rows;
mod fields;
mod fingerprint;
mod frame;
mod gather;
mod generic;
mod identifier;
mod input;
mod keys;
mod mapper;
mod plan;
mod reference;
mod registration;
mod repaired;
mod route;
mod rows;
mod shape;
mod target;
mod unmapped;
mod view_keys;
mod view_rows;
mod view_runner;
mod writing;

pub use batch::RowBatch;
pub use batch::ViewFault;
pub use contained::contained_json;
pub use deletion::Deletion;
pub use earlier::EarlierReferences;
pub use fingerprint::Fingerprint;
pub use identifier::{ANY_SYSTEM, ID_SYSTEM, IdentifierCache, IdentifierKey, REFERENCE_SYSTEM};
pub use input::{Input, MapError};
pub use keys::Keys;
pub use mapper::{MapSettings, Mapper};
pub use plan::{ClearTable, HistoryTable, KEY_OF_VIEW_ROWS, Plan, PlanError, ViewTable, view_columns};
pub use reference::FullUrls;
pub use registration::Registration;
pub use shape::{DeviantElement, Deviation};
pub use target::{AbsoluteReferences, Identity, TargetIdentity};
pub use unmapped::Unmapped;
pub use view_rows::ViewRows;
pub use view_runner::{ViewError, ViewRunner};
