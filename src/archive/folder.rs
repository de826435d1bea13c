//! An archive that is a *folder*.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use fhirmill_core::read::ReadAt;

use super::bring_back::bring_back;
use super::folder_forms::{self as forms, Beside};
use super::reports::{self, REPORT, fitting};
use super::{Archive, ArchiveError, Compaction, Location, Rejects, Stored};
use crate::config::ArchiveCompression;
use crate::inbox::{FileContent, InboxFile, Place, Relocation, is_free_for};

/// How much is written to find out whether an archive takes files.
const PROBE_BYTES: usize = 4096;

/// An archive that is a folder.
#[derive(Clone, Debug)]
pub struct FolderArchive {
    root: PathBuf,
    /// The setting that names the root.
    setting: &'static str,
    /// How many names a location has.
    depth: usize,
    /// How files that are put there are kept.
    compression: ArchiveCompression,
}

impl FolderArchive {
    /// An archive with this root, which that setting names, and so many names in its locations. It
    /// keeps files as they were sent.
    pub fn new(root: &Path, setting: &'static str, depth: usize) -> Self {
        FolderArchive { root: root.to_owned(), setting, depth, compression: ArchiveCompression::None }
    }

    /// The same, which compresses what is put there.
    pub fn with_compression(mut self, compression: ArchiveCompression) -> Self {
        self.compression = compression;
        self
    }

    /// Where the file at the location is.
    pub(super) fn path(&self, location: &Location) -> PathBuf {
        location.path_under(&self.root, self.depth)
    }
}

impl Archive for FolderArchive {
    fn is_free_for(&self, location: &Location, sha256: &[u8; 32]) -> bool {
        let path = self.path(location);
        match forms::beside(&path, self.compression) {
            Beside::Compressed(reader) => reader.is_of(sha256),
            Beside::Another => false,
            Beside::Nothing => is_free_for(&path, sha256),
        }
    }

    fn put(
        &self,
        from: &dyn Place,
        content: &FileContent,
        location: &Location,
        is_copy_there: bool,
    ) -> io::Result<Relocation> {
        let to = self.path(location);
        let moved = || forms::put(from, content, &to, (self.compression, is_copy_there));
        match moved() {
            // The first file of this day and source.
            Err(error) if error.kind() == ErrorKind::NotFound && from.is_there() => {
                fs::create_dir_all(to.parent().unwrap_or(&self.root))?;
                moved()
            }
            other => other,
        }
    }

    fn is_writable(&self, location: &Location) -> io::Result<()> {
        let path = self.path(location);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        // A full disk takes names, but no bytes.
        let mut probe = tempfile::Builder::new().prefix("probe-").suffix(".part").tempfile_in(folder)?;
        probe.write_all(&[0; PROBE_BYTES])
    }

    fn sync(&self, locations: &[Location]) -> io::Result<()> {
        let folder = |location| self.path(location).parent().map(Path::to_owned);
        let folders: BTreeSet<PathBuf> = locations.iter().filter_map(folder).collect();
        folders.iter().try_for_each(|folder| match File::open(folder) {
            // Another process moved the file, to an archive of its own.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            opened => opened?.sync_all(),
        })
    }

    fn contains(&self, location: &Location) -> bool {
        matches!(self.stored(location), Ok(Some(_)))
    }

    fn open(&self, location: &Location) -> Result<Box<dyn ReadAt>, ArchiveError> {
        let path = self.path(location);
        match forms::open(&path) {
            Ok(Some(file)) => Ok(file),
            Ok(None) => {
                let (location, setting) = (location.to_string(), self.setting);
                let root = self.root.display().to_string();
                Err(match self.root.is_dir() {
                    true => ArchiveError::Missing { location, setting, root },
                    false => ArchiveError::NoFolder { location, setting, root },
                })
            }
            Err(source) => Err(ArchiveError::Open { path: path.display().to_string(), source }),
        }
    }

    fn compresses(&self) -> bool {
        self.compression == ArchiveCompression::Zstd
    }

    fn stored(&self, location: &Location) -> io::Result<Option<Stored>> {
        forms::stored(&self.path(location))
    }

    fn compact(&self, location: &Location, sha256: &[u8; 32]) -> io::Result<Compaction> {
        forms::compact(&self.path(location), sha256)
    }

    fn replace(&self, location: &Location, content: &mut dyn Read) -> io::Result<Stored> {
        forms::replace(&self.path(location), content)
    }

    fn remove(&self, location: &Location) -> io::Result<bool> {
        forms::remove(&self.path(location))
    }

    fn open_stored(&self, location: &Location) -> io::Result<Option<(Box<dyn ReadAt>, Stored)>> {
        forms::open_stored(&self.path(location))
    }

    fn bring_back(
        &self,
        location: &Location,
        bytes: &mut dyn Read,
        stored: Stored,
        sha256: &[u8; 32],
    ) -> io::Result<bool> {
        let path = self.path(location);
        match stored.is_compressed {
            true => bring_back(&forms::compressed_path(&path), bytes, sha256),
            false => bring_back(&path, bytes, sha256),
        }
    }

    fn address(&self, location: &Location) -> String {
        let path = self.path(location);
        let compressed = forms::compressed_path(&path);
        let is_compressed = path.symlink_metadata().is_err() && compressed.is_file();
        (if is_compressed { compressed } else { path }).display().to_string()
    }
}

impl Rejects for FolderArchive {
    fn begin_report(&self, location: &Location, unnamed: &OsStr, report: &str) -> io::Result<()> {
        let unnamed = self.path(location).with_file_name(unnamed);
        if let Some(folder) = unnamed.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(unnamed, report)
    }

    fn name_report(&self, location: &Location, unnamed: &OsStr, _: &str) -> io::Result<()> {
        let to = self.path(location);
        let name = to.file_name().unwrap_or_default();
        fs::rename(to.with_file_name(unnamed), to.with_file_name(fitting("", name, REPORT)))
    }

    fn drop_report(&self, location: &Location, unnamed: &OsStr) -> io::Result<()> {
        fs::remove_file(self.path(location).with_file_name(unnamed))
    }

    fn publish(&self, file: &InboxFile, content: &FileContent, report: &str) -> io::Result<()> {
        reports::publish(self, file, content, report)
    }

    fn remove_report(&self, location: &Location) -> io::Result<()> {
        let path = self.path(location);
        let report = path.with_file_name(fitting("", path.file_name().unwrap_or_default(), REPORT));
        match fs::remove_file(report) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn remove_reports(&self, before: SystemTime, is_dry_run: bool) -> io::Result<u64> {
        reports::remove_old(&self.root, before, is_dry_run)
    }

    fn reports(&self) -> io::Result<Vec<Location>> {
        reports::all(&self.root)
    }

    fn has_report_of_another(&self, location: &Location) -> bool {
        reports::is_of_another(self, location)
    }

    fn as_archive(&self) -> &dyn Archive {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbox::FilePlace;

    fn folder_archive(root: &Path) -> FolderArchive {
        FolderArchive::new(root, "ARCHIVE_DIR", 3)
    }

    #[test]
    fn what_is_put_can_be_read_at_an_offset_wherever_the_archive_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let inbox_file = folder.path().join("a.json");
        fs::write(&inbox_file, "0123456789").expect("a file");
        let content = FileContent::of(&inbox_file).expect("a content");
        let location = Location::stored("2026-03-01/north/a.json");
        let archive = folder_archive(&folder.path().join("archive"));
        assert!(archive.is_free_for(&location, &content.sha256));
        let put = archive.put(&FilePlace(inbox_file.clone()), &content, &location, false).expect("put");
        assert_eq!(put, Relocation::Done);
        archive.sync(std::slice::from_ref(&location)).expect("synced");
        assert!(!archive.is_free_for(&location, &[0; 32]));

        fs::rename(folder.path().join("archive"), folder.path().join("moved")).expect("moved");
        let archive = folder_archive(&folder.path().join("moved"));
        assert!(archive.contains(&location));
        let bytes = archive.open(&location).expect("opened");
        let mut read = [0; 4];
        assert_eq!((bytes.size().expect("a size"), bytes.read_at(&mut read, 3).expect("read")), (10, 4));
        assert_eq!(&read, b"3456");
    }

    #[test]
    fn where_no_file_can_be_no_name_is_taken() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("archive");
        fs::write(&root, "no folder").expect("a file");
        let inbox_file = folder.path().join("a.json");
        fs::write(&inbox_file, "{}").expect("a file");
        let content = FileContent::of(&inbox_file).expect("a content");
        let location = Location::stored("2026-03-01/north/a.json");
        let archive = folder_archive(&root);
        assert!(archive.is_free_for(&location, &content.sha256));
        archive.put(&FilePlace(inbox_file.clone()), &content, &location, false).expect_err("put");
        assert!(inbox_file.exists());
    }

    #[test]
    fn what_is_missing_is_named_with_the_setting() {
        let folder = tempfile::tempdir().expect("a folder");
        let location = Location::stored("2026-03-01/north/a.json");
        let missing = folder_archive(folder.path()).open(&location).expect_err("opened").to_string();
        let expected =
            format!("2026-03-01/north/a.json is missing in {} (ARCHIVE_DIR)", folder.path().display());
        assert_eq!(missing, expected);
        let root = folder.path().join("nowhere");
        let error = folder_archive(&root).open(&location).expect_err("opened");
        assert!(matches!(error, ArchiveError::NoFolder { .. }), "{error}");
        fs::create_dir_all(folder.path().join("2026-03-01/north/a.json")).expect("a folder");
        let error = folder_archive(folder.path()).open(&location).expect_err("opened");
        assert!(matches!(error, ArchiveError::Open { .. }), "{error}");
    }
}
