//! The *forms* of a file in a folder: as it was sent, under its own name, or compressed, under its
//! name with `.zst`. If both are there, because a process died between making one and removing the
//! other, they have the same content, and the file as it was sent is read.

use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Read, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::failpoint::{self, ArchiveStep};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::seekable::{Compressed, ENDING, SeekableReader, Sequential, compress, gains};
use super::{Compaction, Stored};
use crate::config::ArchiveCompression;
use crate::inbox::{FileContent, LONGEST_NAME, Place, Relocation, is_free_for, relocate, rename};

/// How much is copied at a time.
const COPIED_BYTES: usize = 1 << 20;
/// A file from a store has no permissions of its own: the owner writes, and the group reads.
const FILE_MODE: u32 = 0o640;

/// What is beside the place of a file as it was sent.
pub(super) enum Beside {
    /// Nothing that matters.
    Nothing,
    /// The file that belongs there, compressed.
    Compressed(SeekableReader),
    /// Another file, which has the name that the compressed one would get.
    Another,
}

/// The path that the file gets when it is compressed.
pub(super) fn compressed_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ENDING);
    path.with_file_name(name)
}

/// Whether there is room for the ending in the name.
fn can_be_named(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.len() + ENDING.len() <= LONGEST_NAME)
}

/// What is beside the path, unless a file is there itself.
pub(super) fn beside(path: &Path, compression: ArchiveCompression) -> Beside {
    let compressed = compressed_path(path);
    if path.symlink_metadata().is_ok() || compressed.symlink_metadata().is_err() {
        return Beside::Nothing;
    }
    match open_compressed(&compressed) {
        Ok(Some(reader)) => Beside::Compressed(reader),
        _ if compression == ArchiveCompression::Zstd => Beside::Another,
        _ => Beside::Nothing,
    }
}

/// Opens a regular file. Asked first, because opening a FIFO would wait.
fn open_file(path: &Path) -> io::Result<Option<File>> {
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => File::open(path).map(Some),
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file that fhirmill has compressed; `None` if there is none.
fn open_compressed(path: &Path) -> io::Result<Option<SeekableReader>> {
    match open_file(path)? {
        Some(file) => SeekableReader::open(Box::new(file)),
        None => Ok(None),
    }
}

/// Opens the file, whatever its form; `None` if it is not there.
pub(super) fn open(path: &Path) -> io::Result<Option<Box<dyn ReadAt>>> {
    if let Some(file) = open_file(path)? {
        return Ok(Some(Box::new(file)));
    }
    let compressed = open_compressed(&compressed_path(path))?;
    Ok(compressed.map(|reader| Box::new(reader) as Box<dyn ReadAt>))
}

/// How the file is kept; `None` if it is not there.
pub(super) fn stored(path: &Path) -> io::Result<Option<Stored>> {
    if let Some(file) = open_file(path)? {
        return Ok(Some(Stored { bytes: file.metadata()?.len(), is_compressed: false }));
    }
    let compressed = compressed_path(path);
    match open_compressed(&compressed)? {
        Some(_) => Ok(Some(Stored { bytes: compressed.metadata()?.len(), is_compressed: true })),
        None => Ok(None),
    }
}

/// Opens the file as it is kept; `None` if it is not there.
pub(super) fn open_stored(path: &Path) -> io::Result<Option<(Box<dyn ReadAt>, Stored)>> {
    if let Some(file) = open_file(path)? {
        let stored = Stored { bytes: file.metadata()?.len(), is_compressed: false };
        return Ok(Some((Box::new(file), stored)));
    }
    let compressed = compressed_path(path);
    if open_compressed(&compressed)?.is_none() {
        return Ok(None);
    }
    let Some(file) = open_file(&compressed)? else { return Ok(None) };
    let stored = Stored { bytes: file.metadata()?.len(), is_compressed: true };
    Ok(Some((Box::new(file), stored)))
}

/// Puts the file there, in the form that the archive wants.
pub(super) fn put(
    from: &dyn Place,
    content: &FileContent,
    to: &Path,
    (compression, is_copy_there): (ArchiveCompression, bool),
) -> io::Result<Relocation> {
    let is_changed = || from.path().is_some_and(|path| !content.is_still_at(path));
    match beside(to, compression) {
        Beside::Nothing => {}
        _ if is_changed() => return Ok(Relocation::Replaced),
        Beside::Another => return Ok(Relocation::Taken),
        Beside::Compressed(reader) => {
            let is_copy = match is_copy_there {
                true => reader.content_size() == content.size,
                false => reader.is_of(&content.sha256),
            };
            return Ok(if is_copy { Relocation::Copied } else { Relocation::Taken });
        }
    }
    if compression == ArchiveCompression::Zstd && to.symlink_metadata().is_err() {
        match put_compressed(from, content, to) {
            Ok(Some(done)) => return Ok(done),
            // On a full disk the file can still be renamed; `fhirmill archive compress` comes later.
            Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {}
            other => drop(other?),
        }
    }
    match from.path() {
        Some(path) => relocate(path, to, content, is_copy_there),
        None => fetch(from, to, content, is_copy_there),
    }
}

/// Puts the file there compressed; `None` if it stays as it is.
fn put_compressed(from: &dyn Place, content: &FileContent, to: &Path) -> io::Result<Option<Relocation>> {
    let original = from.open()?;
    if !can_be_named(to) || !gains(&*original)? {
        return Ok(None);
    }
    let (partial, compressed) = write_compressed(&mut Sequential::new(&*original), to)?;
    let is_changed = from.path().is_some_and(|path| !content.is_still_at(path));
    if compressed.sha256 != content.sha256 || is_changed {
        return Ok(Some(Relocation::Replaced));
    }
    let permissions = match from.path() {
        Some(path) => path.metadata()?.permissions(),
        None => Permissions::from_mode(FILE_MODE),
    };
    let to = compressed_path(to);
    match place(&partial, permissions, &to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let reader = open_compressed(&to).ok().flatten();
            let is_copy = reader.is_some_and(|reader| reader.is_of(&content.sha256));
            Ok(Some(if is_copy { Relocation::Copied } else { Relocation::Taken }))
        }
        other => other.map(|()| Some(Relocation::Copied)),
    }
}

/// Compresses into a file beside `to` that has no name yet.
fn write_compressed(from: &mut dyn Read, to: &Path) -> io::Result<(NamedTempFile, Compressed)> {
    let mut partial = partial_beside(to)?;
    let compressed = compress(from, partial.as_file_mut())?;
    Ok((partial, compressed))
}

fn partial_beside(to: &Path) -> io::Result<NamedTempFile> {
    let folder = to.parent().unwrap_or(to);
    tempfile::Builder::new().prefix("moving-").suffix(".part").tempfile_in(folder)
}

/// The same, under a name that whoever compresses the file after a death takes again.
fn sole_partial_beside(path: &Path, sha256: &[u8; 32]) -> io::Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(path);
    let digits: String = sha256[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let name = format!("moving-{digits}.part");
    match fs::remove_file(folder.join(&name)) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => tempfile::Builder::new().prefix(&name).rand_bytes(0).tempfile_in(folder),
    }
}

/// Flushes the file to disk and gives it its name, unless that is taken.
fn place(partial: &NamedTempFile, permissions: Permissions, to: &Path) -> io::Result<()> {
    partial.as_file().set_permissions(permissions)?;
    partial.as_file().sync_all()?;
    rename(partial.path(), to)
}

/// Compresses a file that lies there as it was sent, if it has this SHA-256.
pub(super) fn compact(path: &Path, sha256: &[u8; 32]) -> io::Result<Compaction> {
    let compressed = compressed_path(path);
    let Some(original) = open_file(path)? else {
        return Ok(match stored(path)? {
            Some(stored) => Compaction::Before(stored),
            None => Compaction::Missing,
        });
    };
    if !can_be_named(path) || !gains(&original)? {
        return Ok(Compaction::Unsuitable);
    }
    if compressed.symlink_metadata().is_err() {
        let mut partial = sole_partial_beside(path, sha256)?;
        let done = compress(&mut Sequential::new(&original), partial.as_file_mut())?;
        if done.sha256 != *sha256 {
            return Ok(Compaction::Changed);
        }
        match place(&partial, original.metadata()?.permissions(), &compressed) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
    }
    // What was written is read again before the only other copy goes.
    if !open_compressed(&compressed)?.is_some_and(|reader| reader.is_of(sha256)) {
        return Ok(Compaction::NameTaken);
    }
    sync_folder(path)?;
    failpoint::passed(ArchiveStep::Compressed);
    fs::remove_file(path)?;
    failpoint::passed(ArchiveStep::OriginalRemoved);
    Ok(Compaction::Done(Stored { bytes: compressed.metadata()?.len(), is_compressed: true }))
}

/// Replaces the content of a file, which keeps its form. Whoever reads it meanwhile sees the old content
/// or the new one, and when this returns the old one is gone.
pub(super) fn replace(path: &Path, content: &mut dyn Read) -> io::Result<Stored> {
    let stored = stored(path)?.ok_or(ErrorKind::NotFound)?;
    let compressed = compressed_path(path);
    let to = if stored.is_compressed { &compressed } else { path };
    let permissions = to.metadata()?.permissions();
    let mut partial = partial_beside(path)?;
    match stored.is_compressed {
        true => drop(compress(content, partial.as_file_mut())?),
        false => drop(io::copy(content, partial.as_file_mut())?),
    }
    partial.as_file().set_permissions(permissions)?;
    partial.as_file().sync_all()?;
    let bytes = partial.as_file().metadata()?.len();
    if !stored.is_compressed && open_compressed(&compressed)?.is_some() {
        // It has the old content: a process died before it had removed one of the two.
        fs::remove_file(&compressed)?;
    }
    partial.persist(to).map_err(|error| error.error)?;
    sync_folder(path)?;
    Ok(Stored { bytes, ..stored })
}

/// Removes the file, whatever its forms; whether there was one.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    let compressed = compressed_path(path);
    let there = [
        open_compressed(&compressed)?.is_some().then_some(&*compressed),
        open_file(path)?.is_some().then_some(path),
    ];
    for path in there.into_iter().flatten() {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => sync_folder(path)?,
        }
    }
    Ok(there.iter().any(Option::is_some))
}

/// Returns when names in the folder of the path survive a power failure.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// Copies a file that is not in a folder to `to`, and flushes it to disk, if it has this content.
fn fetch(from: &dyn Place, to: &Path, content: &FileContent, is_copy_there: bool) -> io::Result<Relocation> {
    if to.symlink_metadata().is_ok() {
        let is_copy =
            if is_copy_there { content.is_as_long_as(to) } else { is_free_for(to, &content.sha256) };
        return Ok(if is_copy { Relocation::Copied } else { Relocation::Taken });
    }
    let folder = to.parent().unwrap_or(to);
    let mut partial = tempfile::Builder::new().prefix("moving-").suffix(".part").tempfile_in(folder)?;
    let original = from.open()?;
    let (mut hasher, mut buffer, mut offset) = (Sha256::new(), vec![0; COPIED_BYTES], 0);
    loop {
        let length = original.read_at(&mut buffer, offset)?;
        if length == 0 {
            break;
        }
        hasher.update(&buffer[..length]);
        partial.write_all(&buffer[..length])?;
        offset += length as u64;
    }
    if hasher.finalize()[..] != content.sha256 {
        return Ok(Relocation::Replaced);
    }
    partial.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(FILE_MODE))?;
    partial.as_file().sync_all()?;
    match rename(partial.path(), to) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let is_copy = is_free_for(to, &content.sha256);
            Ok(if is_copy { Relocation::Copied } else { Relocation::Taken })
        }
        other => other.map(|()| Relocation::Copied),
    }
}
