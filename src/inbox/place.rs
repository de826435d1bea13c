//! The *place* of a file in the inbox: where it is, whatever keeps it. The pipeline hashes, opens and
//! removes a file by its place, and knows no more about it.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use fhirmill_core::read::ReadAt;

use super::file_content::{self, FileContent};

/// See the module.
pub trait Place: Debug + Send + Sync {
    /// The last name of its path.
    fn name(&self) -> &OsStr;

    /// Whether there is anything at the place. True if that cannot be determined.
    fn is_there(&self) -> bool;

    /// Hashes the file. Fails with `Interrupted` soon after `is_over` becomes true.
    fn content(&self, is_over: &AtomicBool) -> io::Result<FileContent>;

    /// Whether the file still has this content.
    fn has(&self, content: &FileContent) -> bool;

    /// Opens the file for reading at any offset.
    fn open(&self) -> io::Result<Box<dyn ReadAt>>;

    /// Removes the file with this content, unless another one took its place.
    fn remove(&self, content: &FileContent) -> io::Result<()>;

    /// Whether only the version that the scan found is ever read, so that it need not be asked for
    /// again between being hashed and being read.
    fn is_pinned(&self) -> bool {
        false
    }

    /// Its path, if it is a file of a folder.
    fn path(&self) -> Option<&Path> {
        None
    }

    /// Itself, if it is an object of a store.
    #[cfg(feature = "storage")]
    fn object(&self) -> Option<&super::ObjectPlace> {
        None
    }
}

/// A file of a folder.
#[derive(Clone, Debug)]
pub struct FilePlace(pub PathBuf);

impl Place for FilePlace {
    fn name(&self) -> &OsStr {
        self.0.file_name().unwrap_or_default()
    }

    fn is_there(&self) -> bool {
        self.0.symlink_metadata().is_ok()
    }

    fn content(&self, is_over: &AtomicBool) -> io::Result<FileContent> {
        FileContent::unless(is_over, &self.0)
    }

    fn has(&self, content: &FileContent) -> bool {
        content.is_still_at(&self.0)
    }

    fn open(&self) -> io::Result<Box<dyn ReadAt>> {
        Ok(Box::new(file_content::open(&self.0)?))
    }

    /// This also works if origin and target of a move are two links to one file, which a rename
    /// would leave alone.
    fn remove(&self, content: &FileContent) -> io::Result<()> {
        if self.has(content) { fs::remove_file(&self.0) } else { Ok(()) }
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.0)
    }
}
