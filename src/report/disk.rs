//! How much *disk* everything takes, by area, and how much is free. What lies in an archive is known from
//! the ledger; folders are walked up to a limit, and object stores are not listed.

use std::fs;
use std::path::{Path, PathBuf};

use diesel::{PgConnection, QueryResult};
use fhirmill_postgres::ledger::{DatabaseDisk, StoredFiles};
use serde::Serialize;

use crate::config::Settings;

/// How many entries of a folder are looked at.
const MOST_ENTRIES: u64 = 20_000;

/// All areas. Its JSON is part of the interface.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DiskUse {
    /// Files that wait; null if the inbox is in an object store.
    pub inbox: Option<Folder>,
    /// What is being uploaded or fetched, and is not in the inbox yet.
    pub spool: Option<Folder>,
    /// Log files.
    pub logs: Folder,
    /// Archived files, rejected files and snapshots, as the ledger has them.
    #[serde(flatten)]
    pub stored: StoredFiles,
    /// Bytes sent for each byte that compressed files take; null if none is.
    pub compression_ratio: Option<f64>,
    /// The database.
    pub database_disk: DatabaseDisk,
    /// The file systems that folders are on.
    pub file_systems: Vec<FileSystem>,
}

/// The files in a folder and below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Folder {
    /// How many.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether there are more, which were not counted.
    pub has_more: bool,
}

/// A file system that some of the folders are on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileSystem {
    /// What is on it.
    pub areas: Vec<&'static str>,
    /// One of the folders.
    pub path: String,
    /// Bytes that fhirmill may still write.
    pub free_bytes: u64,
    /// All of its bytes.
    pub total_bytes: u64,
}

impl DiskUse {
    /// Looks at everything.
    pub fn of(settings: &Settings, connection: &mut PgConnection) -> QueryResult<DiskUse> {
        let stored = StoredFiles::load(connection)?;
        let is_local = settings.storage.inbox.is_none();
        Ok(DiskUse {
            inbox: is_local.then(|| folder(&settings.inbox_dir, Names::Visible)),
            spool: is_local.then(|| folder(&settings.inbox_dir, Names::Hidden)),
            logs: folder(&settings.log.dir, Names::All),
            compression_ratio: stored.ratio(),
            stored,
            database_disk: DatabaseDisk::load(connection)?,
            file_systems: file_systems(settings),
        })
    }
}

/// Which names directly in a folder are looked at: the spools are hidden folders of the inbox.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Names {
    All,
    Visible,
    Hidden,
}

fn folder(path: &Path, names: Names) -> Folder {
    let (mut found, mut folders, mut entries) = (Folder::default(), vec![(path.to_owned(), names)], 0);
    while let Some((folder, names)) = folders.pop() {
        // One that is gone or cannot be read has nothing to tell.
        let Ok(read) = fs::read_dir(folder) else { continue };
        for entry in read.flatten() {
            entries += 1;
            if entries > MOST_ENTRIES {
                found.has_more = true;
                return found;
            }
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if names != Names::All && is_hidden != (names == Names::Hidden) {
                continue;
            }
            // Links are not followed.
            match entry.metadata() {
                Ok(metadata) if metadata.is_dir() => folders.push((entry.path(), Names::All)),
                Ok(metadata) if metadata.is_file() => {
                    found.files += 1;
                    found.bytes += metadata.len();
                }
                _ => {}
            }
        }
    }
    found
}

/// The file systems of the folders that are in use.
fn file_systems(settings: &Settings) -> Vec<FileSystem> {
    let (storage, mut folders) = (&settings.storage, Vec::<(&'static str, &PathBuf)>::new());
    for (area, folder, is_remote) in [
        ("inbox", &settings.inbox_dir, storage.inbox.is_some()),
        ("archive", &settings.archive_dir, storage.archive.is_some()),
        ("rejects", &settings.rejects_dir, storage.rejects.is_some()),
        ("logs", &settings.log.dir, false),
        ("database", &settings.data_dir, settings.database_url.is_some()),
    ] {
        if !is_remote {
            folders.push((area, folder));
        }
    }
    let mut systems: Vec<(u64, FileSystem)> = Vec::new();
    for (area, folder) in folders {
        // The nearest one above it, if it does not exist yet.
        let Some(existing) = folder.ancestors().find(|path| path.exists()) else { continue };
        let (Ok(found), Ok(metadata)) = (rustix::fs::statvfs(existing), existing.metadata()) else {
            continue;
        };
        let device = std::os::unix::fs::MetadataExt::dev(&metadata);
        match systems.iter_mut().find(|(known, _)| *known == device) {
            Some((_, system)) => system.areas.push(area),
            None => systems.push((
                device,
                FileSystem {
                    areas: vec![area],
                    path: existing.display().to_string(),
                    free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
                    total_bytes: found.f_blocks.saturating_mul(found.f_frsize),
                },
            )),
        }
    }
    systems.into_iter().map(|(_, system)| system).collect()
}
