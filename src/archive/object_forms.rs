//! The *forms* of a file in an object store, as those of a file in a folder: as it was sent, under its
//! own key, or compressed, under its key with `.zst`.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::time::SystemTime;

use fhirmill_core::read::ReadAt;
use fhirmill_postgres::failpoint::{self, ArchiveStep};

use super::reports::REPORT;
use super::seekable::{Compressed, ENDING, SeekableReader, Sequential, compress, gains, sha256_of};
use super::{Compaction, Stored};
use crate::config::ArchiveCompression;
use crate::inbox::{FileContent, Place};
use crate::storage::{Access, Copied, Object, Store};

/// A file that was found.
pub(super) enum Found {
    /// As it was sent.
    Original(Object),
    /// Compressed.
    Compressed(Object, SeekableReader),
}

impl Found {
    /// How it is kept.
    pub fn stored(&self) -> Stored {
        let (object, is_compressed) = match self {
            Found::Original(object) => (object, false),
            Found::Compressed(object, _) => (object, true),
        };
        Stored { bytes: object.size, is_compressed }
    }
}

pub(super) fn compressed_key(key: &str) -> String {
    format!("{key}{ENDING}")
}

/// The compressed form of the file with that key.
fn find_compressed(store: &Store, key: &str) -> io::Result<Option<Found>> {
    let Some(object) = store.find(&compressed_key(key))? else { return Ok(None) };
    let reader = SeekableReader::open(Box::new(store.reader(&object, Access::Random)?))?;
    Ok(reader.map(|reader| Found::Compressed(object, reader)))
}

fn find_original(store: &Store, key: &str) -> io::Result<Option<Found>> {
    Ok(store.find(key)?.map(Found::Original))
}

/// Asks for one form of the file with a key.
type Ask = fn(&Store, &str) -> io::Result<Option<Found>>;

/// The file with that key; the form that is most likely is asked for first.
pub(super) fn find(store: &Store, key: &str, likely: ArchiveCompression) -> io::Result<Option<Found>> {
    let (first, second): (Ask, Ask) = match likely {
        ArchiveCompression::None => (find_original, find_compressed),
        ArchiveCompression::Zstd => (find_compressed, find_original),
    };
    match first(store, key)? {
        None => second(store, key),
        found => Ok(found),
    }
}

/// Opens the file with that key; `None` if it is not there.
pub(super) fn open(
    store: &Store,
    key: &str,
    likely: ArchiveCompression,
) -> io::Result<Option<Box<dyn ReadAt>>> {
    Ok(match find(store, key, likely)? {
        Some(Found::Original(object)) => Some(Box::new(store.reader(&object, Access::Random)?)),
        Some(Found::Compressed(_, reader)) => Some(Box::new(reader)),
        None => None,
    })
}

/// Opens the file as it is kept; `None` if it is not there.
pub(super) fn open_stored(
    store: &Store,
    key: &str,
    likely: ArchiveCompression,
) -> io::Result<Option<(Box<dyn ReadAt>, Stored)>> {
    let Some(found) = find(store, key, likely)? else { return Ok(None) };
    let stored = found.stored();
    let (Found::Original(object) | Found::Compressed(object, _)) = found;
    Ok(Some((Box::new(store.reader(&object, Access::Stream)?), stored)))
}

/// Puts the file there compressed. `None` if it is to be kept as it is, or is there as it was sent.
pub(super) fn put_compressed(
    store: &Store,
    key: &str,
    from: &dyn Place,
    content: &FileContent,
    (compression, is_copy_there): (ArchiveCompression, bool),
) -> io::Result<Option<Copied>> {
    let wants = compression == ArchiveCompression::Zstd;
    if (wants || is_copy_there)
        && let Some(Found::Compressed(_, reader)) = find_compressed(store, key)?
    {
        let is_copy = match is_copy_there {
            true => reader.content_size() == content.size,
            false => reader.is_of(&content.sha256),
        };
        return Ok(Some(if is_copy { Copied::Done } else { Copied::Taken }));
    }
    if !wants || store.find(key)?.is_some() {
        return Ok(None);
    }
    let original = from.open()?;
    if !gains(&*original)? {
        return Ok(None);
    }
    let (mut file, compressed, hash) = write_compressed(&mut Sequential::new(&*original))?;
    let is_changed = from.path().is_some_and(|path| !content.is_still_at(path));
    if compressed.sha256 != content.sha256 || is_changed {
        return Ok(Some(Copied::Replaced));
    }
    store.write_from(&mut file, compressed.stored, &compressed_key(key), &hash).map(Some)
}

/// Compresses into a file without a name, and gives the SHA-256 of what is in it.
fn write_compressed(from: &mut dyn Read) -> io::Result<(File, Compressed, [u8; 32])> {
    let mut file = tempfile::tempfile()?;
    let compressed = compress(from, &mut file)?;
    file.seek(SeekFrom::Start(0))?;
    let sha256 = sha256_of(&mut file)?;
    file.seek(SeekFrom::Start(0))?;
    Ok((file, compressed, sha256))
}

/// Compresses a file that lies there as it was sent, if it has this SHA-256.
pub(super) fn compact(store: &Store, key: &str, sha256: &[u8; 32]) -> io::Result<Compaction> {
    let Some(object) = store.find(key)? else {
        return Ok(match find_compressed(store, key)? {
            Some(found) => Compaction::Before(found.stored()),
            None => Compaction::Missing,
        });
    };
    let original = store.reader(&object, Access::Stream)?;
    if !gains(&original)? {
        return Ok(Compaction::Unsuitable);
    }
    if find_compressed(store, key)?.is_none() {
        let (mut file, compressed, hash) = write_compressed(&mut Sequential::new(&original))?;
        if compressed.sha256 != *sha256 {
            return Ok(Compaction::Changed);
        }
        if store.write_from(&mut file, compressed.stored, &compressed_key(key), &hash)? != Copied::Done {
            return Ok(Compaction::NameTaken);
        }
    }
    // What was written is read again before the only other copy goes.
    let stored = match find_compressed(store, key)? {
        Some(Found::Compressed(object, reader)) if reader.is_of(sha256) => {
            Stored { bytes: object.size, is_compressed: true }
        }
        _ => return Ok(Compaction::NameTaken),
    };
    failpoint::passed(ArchiveStep::Compressed);
    store.remove(&object)?;
    failpoint::passed(ArchiveStep::OriginalRemoved);
    Ok(Compaction::Done(stored))
}

/// Replaces the content of a file, which keeps its form.
pub(super) fn replace(store: &Store, key: &str, content: &mut dyn Read) -> io::Result<Stored> {
    let compressed = find_compressed(store, key)?;
    let original = store.find(key)?;
    let (mut file, to) = match (&original, &compressed) {
        (None, None) => return Err(ErrorKind::NotFound.into()),
        (Some(_), _) => {
            let mut file = tempfile::tempfile()?;
            io::copy(content, &mut file)?;
            (file, key.to_owned())
        }
        (None, Some(_)) => (write_compressed(content)?.0, compressed_key(key)),
    };
    if let (Some(_), Some(Found::Compressed(object, _))) = (&original, &compressed) {
        // It has the old content: a process died before it had removed one of the two.
        store.remove(object)?;
    }
    let bytes = file.metadata()?.len();
    file.seek(SeekFrom::Start(0))?;
    let mut writer = store.writer(&to, Some(bytes))?;
    io::copy(&mut file, &mut writer)?;
    writer.finish()?;
    Ok(Stored { bytes, is_compressed: original.is_none() })
}

/// Removes the file, whatever its forms; whether there was one.
pub(super) fn remove(store: &Store, key: &str) -> io::Result<bool> {
    let mut was_there = false;
    let compressed = match find_compressed(store, key)? {
        Some(Found::Compressed(object, _)) => Some(object),
        _ => None,
    };
    for object in compressed.into_iter().chain(store.find(key)?) {
        store.remove(&object)?;
        was_there = true;
    }
    Ok(was_there)
}

/// How many keys are asked for at a time.
const LISTED_KEYS: usize = 1000;

/// Removes reports that are older and whose file is not there, or counts them; how many there are.
pub(super) fn remove_reports(store: &Store, before: SystemTime, is_dry_run: bool) -> io::Result<u64> {
    let (mut removed, mut next) = (0, None);
    loop {
        let page = store.list(next, LISTED_KEYS)?;
        for found in page.found {
            let crate::storage::Found::Object(object) = found else { continue };
            if object.modified >= before {
                continue;
            }
            let Some(of) = object.key.strip_suffix(REPORT) else { continue };
            if store.find(of)?.is_some() {
                continue;
            }
            if !is_dry_run {
                store.remove(&object)?;
            }
            removed += 1;
        }
        next = page.next;
        if next.is_none() {
            return Ok(removed);
        }
    }
}
