//! *Restores* the files of a backup to the archive, the rejects and the inbox.

use std::io;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::entry::{Area, FileEntry, hash_of};
use super::error::BackupError;
use super::list::each_entry;
use super::manifest::Manifest;
use super::target::Target;
use crate::archive::{Archive, Location, Storage, Stored, at_once, bring_back};
use crate::config::Settings;
use crate::inbox::unescaped;
use crate::report::{RunProgress, Unit};

/// How many files are restored before it is looked whether the program ends.
const AT_ONCE: usize = 256;

/// Where the files go.
#[derive(Debug)]
struct Places {
    storage: Storage,
    inbox: PathBuf,
}

/// Restores every file of a backup; returns how many there are, and their bytes. One that is at its
/// place already is left there; another one in its place ends the restore.
pub fn restore_files(
    target: &dyn Target,
    manifest: &Manifest,
    settings: &Settings,
    (cancel, progress): (&CancellationToken, &RunProgress),
) -> Result<(u64, u64), BackupError> {
    let place = Manifest::folder(&manifest.name);
    let places = Places { storage: Storage::of(settings), inbox: settings.inbox_dir.clone() };
    progress.begin("restoring files", manifest.files, Unit::Items("files"));
    let (mut waiting, mut files, mut bytes) = (Vec::new(), 0, 0);
    let mut failure = None;
    let mut flush = |waiting: &mut Vec<FileEntry>| -> Result<(), BackupError> {
        if cancel.is_cancelled() {
            return Err(BackupError::Cancelled);
        }
        places.restore_all(target, waiting)?;
        files += waiting.len() as u64;
        bytes += waiting.iter().map(|entry| entry.bytes).sum::<u64>();
        progress.set(files);
        waiting.clear();
        Ok(())
    };
    let listed = each_entry(target, &manifest.name, &mut |entry| {
        waiting.push(entry);
        if waiting.len() < AT_ONCE {
            return Ok(());
        }
        flush(&mut waiting).map_err(|error| {
            failure = Some(error);
            io::Error::other("a file was not restored")
        })
    });
    if let Some(failure) = failure {
        return Err(failure);
    }
    listed.map_err(BackupError::target(&place))?;
    flush(&mut waiting)?;
    progress.end();
    Ok((files, bytes))
}

impl Places {
    fn restore_all(&self, target: &dyn Target, entries: &[FileEntry]) -> Result<(), BackupError> {
        let is_remote =
            target.is_remote() || self.storage.archive.is_remote() || self.storage.rejects.is_remote();
        at_once(entries, is_remote, |entry| self.restore(target, entry))
            .into_iter()
            .collect::<Result<(), _>>()?;
        for area in [Area::Archive, Area::Rejects] {
            let of_area = entries.iter().filter(|entry| entry.area == area);
            let locations: Vec<Location> = of_area.map(|entry| Location::stored(&entry.location)).collect();
            self.archive_of(area).sync(&locations).map_err(BackupError::target("the archive"))?;
        }
        Ok(())
    }

    fn archive_of(&self, area: Area) -> &dyn Archive {
        match area {
            Area::Rejects => self.storage.rejects.as_archive(),
            _ => &*self.storage.archive,
        }
    }

    fn restore(&self, target: &dyn Target, entry: &FileEntry) -> Result<(), BackupError> {
        let path = entry.path();
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its hash is none");
        let restored = (|| {
            let sha256 = hash_of(&entry.stored_sha256).ok_or_else(damaged)?;
            let mut bytes = target.read(&path)?;
            match entry.area {
                Area::Inbox => bring_back(&self.inbox.join(unescaped(&entry.location)), &mut *bytes, &sha256),
                area => {
                    let location = Location::stored(&entry.location);
                    let stored = Stored { bytes: entry.bytes, is_compressed: entry.is_compressed };
                    self.archive_of(area).bring_back(&location, &mut *bytes, stored, &sha256)
                }
            }
        })();
        match restored.map_err(|source| BackupError::Target { place: path, source })? {
            true => Ok(()),
            false => Err(BackupError::Taken { place: self.address(entry) }),
        }
    }

    fn address(&self, entry: &FileEntry) -> String {
        match entry.area {
            Area::Inbox => self.inbox.join(unescaped(&entry.location)).display().to_string(),
            area => self.archive_of(area).address(&Location::stored(&entry.location)),
        }
    }
}
