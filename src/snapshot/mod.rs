//! *Snapshots*: a picture of all tables and views at one time, written as files into a folder
//! of their own: `TARGET/2026-11-29T10-00-00Z/patient/part-0.parquet`.
//!
//! One session takes the picture, and WORKERS sessions see it and write ([`write`]). Tables
//! that look as they did in the snapshot before share its files ([`reuse`]). The [`Manifest`]
//! is written last, and only then has the folder its name, so nothing that is not whole is
//! taken for a snapshot. A [`target`] is a folder or a prefix in an object store.

mod error;
mod items;
mod manifest;
mod remove;
mod reuse;
mod select;
mod service;
mod take;
mod target;
mod write;

pub use error::SnapshotError;
pub use manifest::{Manifest, ManifestColumn, ManifestFile, ManifestTable};
pub use service::Snapshots;
pub use take::{SnapshotJob, Taken, take};
