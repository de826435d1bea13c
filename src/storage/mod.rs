//! *Object storage*: a [`Store`] is a bucket or container with a prefix, on S3, Azure Blob Storage
//! or Google Cloud Storage. Its methods block, may be called on any thread, and try again for some
//! minutes when the store throttles them or is away.
//!
//! What needs whole objects takes them from here: [`Store::reader`] reads one in ranges, ahead of
//! whoever reads it, and [`Store::writer`] writes one in parts, which appears when it is finished.
//! To write a set of files that appears at once, finish the object that names the others last:
//!
//! ```no_run
//! # use std::io::Write;
//! # fn lake(settings: &fhirmill::config::StorageSettings) -> std::io::Result<()> {
//! use fhirmill::{config::StorageUrl, storage::Store};
//! let url = StorageUrl::parse("s3://clinic/lake").map_err(std::io::Error::other)?;
//! let store = Store::open(&url, settings)?;
//! let mut part = store.writer("patient/part-0.parquet", None)?;
//! part.write_all(b"PAR1")?;
//! part.finish()?;
//! store.put("patient/manifest.json", b"{}".to_vec())?;
//! # Ok(()) }
//! ```

mod copy;
mod copy_parts;
mod credentials;
mod error;
mod hashed_reader;
mod health;
mod http;
mod listing;
mod open;
mod reader;
mod runtime;
mod store;
mod writer;

pub use copy::Copied;

pub use error::{is_absent, is_replaced};
pub use hashed_reader::{HashedReader, Hashing};
pub use health::trouble;
pub use listing::{Found, Page};
pub use reader::{Access, ObjectReader};
pub use store::{Object, Store};
pub use writer::ObjectWriter;
