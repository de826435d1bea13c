//! The *content* of a file in the inbox: its hash, and whether the file still
//! has it. Senders replace, truncate, extend, rename and delete files at any
//! time.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

/// The hash of a file's content, and the file that had it when it was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileContent {
    /// SHA-256 of the bytes: files of a source with equal hashes are one delivery.
    pub sha256: [u8; 32],
    /// Its size in bytes.
    pub size: u64,
    /// Whether that is the hash of the bytes. Otherwise it is the hash of the key and version of an
    /// object of a store, whose bytes are hashed as they are loaded.
    pub is_hashed: bool,
    /// None for an object of a store: its place knows which version it is.
    version: Option<FileVersion>,
}

/// One version of one file: differs after anything is done to the file except
/// reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FileVersion {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl FileVersion {
    fn of(metadata: &Metadata) -> Self {
        FileVersion {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl FileContent {
    /// Of a file whose bytes and version do not matter.
    pub const UNKNOWN: FileContent =
        FileContent { sha256: [0; 32], size: 0, is_hashed: false, version: None };

    /// Hashes the file. It must be a regular file and not a link.
    pub fn of(path: &Path) -> io::Result<Self> {
        Self::unless(&AtomicBool::new(false), path)
    }

    /// As [`FileContent::of`], but fails with `Interrupted` soon after `is_over`
    /// becomes true.
    pub fn unless(is_over: &AtomicBool, path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let version = FileVersion::of(&file.metadata()?);
        let sha256 = hash(file, is_over)?;
        Ok(FileContent { sha256, size: version.size, is_hashed: true, version: Some(version) })
    }

    /// The content of an object of a store, with the hash of its bytes, or, if not `is_hashed`, of
    /// its key and version.
    #[cfg(feature = "storage")]
    pub fn of_object(sha256: [u8; 32], size: u64, is_hashed: bool) -> Self {
        FileContent { sha256, size, is_hashed, version: None }
    }

    /// Whether the file at `path` is still the one that was hashed, and has not
    /// been written to since.
    pub fn is_still_at(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|metadata| Some(FileVersion::of(&metadata)) == self.version)
    }

    /// Whether a file of the same size is at `path`.
    pub fn is_as_long_as(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|other| other.is_file() && other.size() == self.size)
    }
}

/// Opens a regular file for reading. Whatever else has taken its place since
/// the scan is refused: a link could lead anywhere, and a pipe would block.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// How much of a file is read at a time.
const READ_BYTES: usize = 256 << 10;

/// The SHA-256 of a file's bytes.
fn hash(mut file: File, is_over: &AtomicBool) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    // One byte more than a small file has, so that one read sees its end.
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(READ_BYTES);
    let mut buffer = vec![0; READ_BYTES.min(size.saturating_add(1))];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&buffer[..read]);
        if is_over.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}
