//! *Brings back* a file that a backup has.

use std::fs;
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::inbox::{is_free_for, rename};

/// How much is copied at a time.
const COPIED_BYTES: usize = 1 << 20;
/// The owner writes, and the group reads.
const FILE_MODE: u32 = 0o640;

/// Writes a file that a backup has to `to`; false if another one is there.
pub(crate) fn bring_back(to: &Path, bytes: &mut dyn Read, sha256: &[u8; 32]) -> io::Result<bool> {
    if to.symlink_metadata().is_ok() {
        return Ok(is_free_for(to, sha256));
    }
    let folder = to.parent().unwrap_or(to);
    fs::create_dir_all(folder)?;
    let mut partial = tempfile::Builder::new().prefix("restoring-").suffix(".part").tempfile_in(folder)?;
    let (mut hasher, mut buffer) = (Sha256::new(), vec![0; COPIED_BYTES]);
    loop {
        let length = bytes.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        partial.write_all(&buffer[..length])?;
    }
    if hasher.finalize()[..] != *sha256 {
        return Err(io::Error::new(ErrorKind::InvalidData, "the bytes have another hash than they should"));
    }
    partial.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(FILE_MODE))?;
    partial.as_file().sync_all()?;
    match rename(partial.path(), to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(is_free_for(to, sha256)),
        other => other.map(|()| true),
    }
}
