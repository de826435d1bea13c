//! The *map* turns the bytes of a resource into rows, in one pass, driven by
//! the declared model: parse into borrowed nodes, collect each row's elements
//! by name, write them by their kinds in COPY's binary form.
//!
//! A resource becomes all of its rows or none: what is wrong in it is told
//! with its JSON path and never with its values, and its neighbours stay.

mod batch;
mod chunk;
mod extension;
mod fields;
mod fingerprint;
mod frame;
mod generic;
mod identifier;
mod keys;
mod lifecycle;
mod mapper;
mod plan;
mod reference;
mod route;
mod rows;
mod target;

pub use batch::{Registration, RowBatch};
pub use fingerprint::Fingerprint;
pub use identifier::{IdentifierCache, IdentifierKey};
pub use keys::Keys;
pub use lifecycle::{ClearTable, HistoryTable};
pub use mapper::{Input, MapError, MapSettings, Mapper};
pub use plan::Plan;
pub use reference::FullUrls;
pub use target::{Identity, TargetIdentity};
