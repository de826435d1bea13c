//! The *content* of a file in the inbox, and how to tell that it is still the
//! one that was looked at: senders replace, cut, lengthen, rename and delete
//! files whenever they like.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::OFlag;
use sha2::{Digest, Sha256};

/// A content by its hash, and the file that had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    /// What tells two deliveries apart.
    pub sha256: [u8; 32],
    identity: Identity,
}

/// Changes with everything that is done to a file, except for reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Content {
    /// Reads the file once.
    pub fn of(path: &Path) -> io::Result<Self> {
        Self::unless(&AtomicBool::new(false), path)
    }

    /// Reads the file once, unless that becomes true meanwhile.
    pub fn unless(is_over: &AtomicBool, path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let identity = Identity::of(&file.metadata()?);
        Ok(Content { sha256: hash(file, is_over)?, identity })
    }

    /// Whether the file at the path is still the one that was read, and nobody
    /// has written to it since.
    pub fn is_still_at(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|metadata| Identity::of(&metadata) == self.identity)
    }

    /// Whether a file of the same length lies at the path.
    pub fn is_as_long_as(&self, path: &Path) -> bool {
        path.symlink_metadata().is_ok_and(|other| other.is_file() && other.size() == self.identity.size)
    }
}

/// Opens a regular file. What has taken its place since the scan is refused:
/// a link could lead anywhere, and a pipe would hold the reader.
pub fn open(path: &Path) -> io::Result<File> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    Ok(file)
}

/// The most that is read of a file at once.
const READ_BYTES: usize = 256 << 10;

/// The SHA-256 of a file's bytes.
fn hash(mut file: File, is_over: &AtomicBool) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    // For a small file one byte more than it has, to see that it ends.
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
