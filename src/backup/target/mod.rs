//! A *target* holds backups: a folder ([`FolderTarget`]), or a prefix in an object store. It knows
//! paths and bytes, and not what is in them.

mod folder;
#[cfg(feature = "storage")]
mod store;

use std::fmt::Debug;
use std::io::{self, Read};
use std::path::PathBuf;

pub use folder::{FolderTarget, PART};
#[cfg(feature = "storage")]
pub use store::StoreTarget;

use crate::config::{Settings, SnapshotTarget};

/// What a file got when it was written: its size, and the SHA-256 of its bytes.
pub type Written = (u64, [u8; 32]);

/// See the module. Paths have `/` between their names.
pub trait Target: Debug + Send + Sync {
    /// Keeps other processes from writing until it is dropped; false if one writes. Where the
    /// target has no locks, the database keeps them away.
    fn lock(&mut self) -> io::Result<bool>;

    /// All files below a folder, with their sizes, by their paths in the target.
    fn list(&self, folder: &str) -> io::Result<Vec<(String, u64)>>;

    /// Writes a file, which appears when it is whole. One that is there is replaced. Fails with
    /// `InvalidData`, and leaves nothing, if the bytes do not have the hash that is expected.
    fn put(&self, path: &str, bytes: &mut dyn Read, expected: Option<&[u8; 32]>) -> io::Result<Written>;

    /// Opens a file for reading from its beginning.
    fn read(&self, path: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Removes a file; one that is not there is no error.
    fn remove(&self, path: &str) -> io::Result<()>;

    /// Removes a folder that has no files any more.
    fn remove_folder(&self, folder: &str) -> io::Result<()>;

    /// The path of a folder that programs of this machine can write to and read from, if the target
    /// is one; it is created.
    fn local(&self, folder: &str) -> io::Result<Option<PathBuf>>;

    /// Returns when all that was written survives a power failure.
    fn sync(&self) -> io::Result<()>;

    /// Whether each call waits for a network, so that many are made at once.
    fn is_remote(&self) -> bool;
}

/// The error if bytes have another hash than they should.
fn check(found: &[u8; 32], expected: Option<&[u8; 32]>) -> io::Result<()> {
    match expected {
        Some(expected) if expected != found => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "the bytes have another hash than they should"))
        }
        _ => Ok(()),
    }
}

/// Opens a target.
pub fn open(target: &SnapshotTarget, settings: &Settings) -> io::Result<Box<dyn Target>> {
    match target {
        SnapshotTarget::Folder(path) => Ok(Box::new(FolderTarget::open(path))),
        #[cfg(feature = "storage")]
        SnapshotTarget::Store(url) => Ok(Box::new(StoreTarget::open(url, &settings.storage)?)),
        #[cfg(not(feature = "storage"))]
        SnapshotTarget::Store(_) => {
            let _ = settings;
            Err(io::Error::other("this fhirmill was built without the feature `storage`"))
        }
    }
}
