//! The *place* of a file in the inbox: where it is, whatever keeps it. The pipeline hashes, opens and
//! removes a file by its place, and knows no more about it.

use std::ffi::OsStr;
use std::fmt::Debug;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use fhirmill_core::read::ReadAt;

use super::file_content::{self, FileContent};

/// See the module.
pub trait Place: Debug + Send + Sync {
    /// The last name of its path.
    fn name(&self) -> &OsStr;

    /// Whether there is anything at the place. True if that cannot be determined.
    fn is_there(&self) -> bool;

    /// The content that the file is claimed with: its hash, or, for an object of a store, its
    /// version where it is better hashed as it is read. Fails with `Interrupted` soon after
    /// `is_over` becomes true.
    fn content(&self, is_over: &AtomicBool) -> io::Result<FileContent>;

    /// The content with its hash, whatever it takes.
    fn hashed_content(&self) -> io::Result<FileContent> {
        self.content(&AtomicBool::new(false))
    }

    /// The content with its hash, after the file was read with what [`Place::content`] gave.
    fn content_read(&self, content: &FileContent) -> io::Result<FileContent> {
        Ok(*content)
    }

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

    /// Which version of an object of a store it is: what the store calls it, and when it was put
    /// there.
    fn version(&self) -> Option<(Option<&str>, SystemTime)> {
        None
    }

    /// The ledger has this version of it: this is the hash of its bytes.
    fn recognize(&self, _: [u8; 32]) {}

    /// It is not read now: what is kept of it for that is forgotten.
    fn release(&self) {}

    /// It is read next: begins to fetch it, if it is an object of a store.
    fn prepare(&self) {}

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
