//! An archive below a prefix of an object store. A location is the key of its object. Every name
//! begins with the hash of the content, so that two processes that choose the same key at the same
//! moment put the same there; and what is there already is never replaced.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::SystemTime;

use fhirmill_core::read::ReadAt;

use super::object_forms as forms;
use super::reports::{REPORT, fitting, hash};
use super::{Archive, ArchiveError, Compaction, Location, Rejects, Stored};
use crate::config::{ArchiveCompression, StorageSettings, StorageUrl};
use crate::inbox::{FileContent, InboxFile, Place, Relocation};
use crate::storage::{Copied, Found, Store, is_absent};

/// See the module.
#[derive(Clone, Debug)]
pub struct ObjectArchive {
    url: StorageUrl,
    settings: StorageSettings,
    /// The setting that names it.
    setting: &'static str,
    /// How many names a location has.
    depth: usize,
    /// How files that are put there are kept.
    compression: ArchiveCompression,
}

impl ObjectArchive {
    /// The archive at that URL.
    pub fn new(url: &StorageUrl, settings: &StorageSettings, setting: &'static str, depth: usize) -> Self {
        let (url, settings, compression) = (url.clone(), settings.clone(), ArchiveCompression::None);
        ObjectArchive { url, settings, setting, depth, compression }
    }

    /// The same, which compresses what is put there.
    pub fn with_compression(mut self, compression: ArchiveCompression) -> Self {
        self.compression = compression;
        self
    }

    fn store(&self) -> io::Result<Store> {
        Store::open(&self.url, &self.settings)
    }

    /// The key of a location. Of an absolute one, from before archives could move, the last names.
    fn key(&self, location: &Location) -> String {
        let text = location.as_str();
        if !text.starts_with('/') {
            return text.to_owned();
        }
        let names: Vec<&str> = text.split('/').filter(|name| !name.is_empty()).collect();
        names[names.len().saturating_sub(self.depth)..].join("/")
    }

    /// The key of the report of the file at that location.
    fn report_key(&self, location: &Location) -> String {
        let key = self.key(location);
        let name = key.rsplit('/').next().unwrap_or(&key);
        self.key(&location.with_file_name(&fitting("", OsStr::new(name), REPORT)))
    }
}

impl Archive for ObjectArchive {
    /// Always: what is in the way shows when the file is put there.
    fn is_free_for(&self, _: &Location, _: &[u8; 32]) -> bool {
        true
    }

    fn put(
        &self,
        from: &dyn Place,
        content: &FileContent,
        location: &Location,
        is_copy_there: bool,
    ) -> io::Result<Relocation> {
        let (store, key) = (self.store()?, self.key(location));
        let copied =
            match forms::put_compressed(&store, &key, from, content, (self.compression, is_copy_there))? {
                Some(copied) => copied,
                None if is_copy_there && let Some(found) = store.find(&key)? => {
                    if found.size == content.size { Copied::Done } else { Copied::Taken }
                }
                None => match (from.object(), from.path()) {
                    (Some(place), _) => {
                        store.copy_from(&place.store, &place.object, &key, &content.sha256)?
                    }
                    (None, Some(path)) => put_file(&store, path, content, &key)?,
                    (None, None) => return Err(ErrorKind::Unsupported.into()),
                },
            };
        Ok(match copied {
            Copied::Done => Relocation::Copied,
            Copied::Taken => Relocation::Taken,
            Copied::Replaced => Relocation::Replaced,
        })
    }

    fn is_writable(&self, location: &Location) -> io::Result<()> {
        let store = self.store()?;
        let probe = self.key(&location.with_file_name(OsStr::new(".fhirmill-probe")));
        store.put(&probe, b"probe".to_vec())?;
        if let Some(found) = store.find(&probe)? {
            store.remove(&found)?;
        }
        Ok(())
    }

    /// A store answers when it has an object for good.
    fn sync(&self, _: &[Location]) -> io::Result<()> {
        Ok(())
    }

    fn contains(&self, location: &Location) -> bool {
        matches!(self.stored(location), Ok(Some(_)))
    }

    fn open(&self, location: &Location) -> Result<Box<dyn ReadAt>, ArchiveError> {
        let opened =
            self.store().and_then(|store| forms::open(&store, &self.key(location), self.compression));
        match opened {
            Ok(Some(file)) => Ok(file),
            Err(error) if !is_absent(&error) => {
                Err(ArchiveError::Open { path: self.address(location), source: error })
            }
            Ok(None) | Err(_) => Err(ArchiveError::Missing {
                location: location.to_string(),
                setting: self.setting,
                root: self.url.to_string(),
            }),
        }
    }

    fn compresses(&self) -> bool {
        self.compression == ArchiveCompression::Zstd
    }

    fn stored(&self, location: &Location) -> io::Result<Option<Stored>> {
        Ok(forms::find(&self.store()?, &self.key(location), self.compression)?.map(|found| found.stored()))
    }

    fn compact(&self, location: &Location, sha256: &[u8; 32]) -> io::Result<Compaction> {
        forms::compact(&self.store()?, &self.key(location), sha256)
    }

    fn replace(&self, location: &Location, content: &mut dyn Read) -> io::Result<Stored> {
        forms::replace(&self.store()?, &self.key(location), content)
    }

    fn remove(&self, location: &Location) -> io::Result<bool> {
        forms::remove(&self.store()?, &self.key(location))
    }

    fn open_stored(&self, location: &Location) -> io::Result<Option<(Box<dyn ReadAt>, Stored)>> {
        forms::open_stored(&self.store()?, &self.key(location), self.compression)
    }

    fn bring_back(
        &self,
        location: &Location,
        bytes: &mut dyn Read,
        stored: Stored,
        sha256: &[u8; 32],
    ) -> io::Result<bool> {
        let key = self.key(location);
        let key = if stored.is_compressed { forms::compressed_key(&key) } else { key };
        match self.store()?.write_from(bytes, stored.bytes, &key, sha256)? {
            Copied::Done => Ok(true),
            Copied::Taken => Ok(false),
            Copied::Replaced => {
                Err(io::Error::new(ErrorKind::InvalidData, "the bytes have another hash than they should"))
            }
        }
    }

    fn address(&self, location: &Location) -> String {
        format!("{}/{}", self.url, self.key(location))
    }

    fn names_have_hashes(&self) -> bool {
        true
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl Rejects for ObjectArchive {
    /// Does nothing: the original is removed only after its report is there.
    fn begin_report(&self, _: &Location, _: &OsStr, _: &str) -> io::Result<()> {
        Ok(())
    }

    fn name_report(&self, location: &Location, _: &OsStr, report: &str) -> io::Result<()> {
        self.store()?.put(&self.report_key(location), report.as_bytes().to_vec())
    }

    fn drop_report(&self, _: &Location, _: &OsStr) -> io::Result<()> {
        Ok(())
    }

    fn publish(&self, file: &InboxFile, content: &FileContent, report: &str) -> io::Result<()> {
        let name = fitting(&hash(content), file.place.name(), "");
        let location = Location::of_names([OsStr::new(&file.source), &name]);
        self.name_report(&location, OsStr::new(""), report)
    }

    fn remove_report(&self, location: &Location) -> io::Result<()> {
        let store = self.store()?;
        if let Some(found) = store.find(&self.report_key(location))? {
            store.remove(&found)?;
        }
        Ok(())
    }

    fn remove_reports(&self, before: SystemTime, is_dry_run: bool) -> io::Result<u64> {
        forms::remove_reports(&self.store()?, before, is_dry_run)
    }

    fn reports(&self) -> io::Result<Vec<Location>> {
        let (store, mut locations, mut next) = (self.store()?, Vec::new(), None);
        loop {
            let page = store.list(next, usize::MAX)?;
            for found in page.found {
                if let Found::Object(object) = found
                    && object.key.ends_with(REPORT)
                {
                    locations.push(Location::stored(&object.key));
                }
            }
            match page.next {
                Some(token) => next = Some(token),
                None => return Ok(locations),
            }
        }
    }

    /// Never: the name of a report has the hash of its file.
    fn has_report_of_another(&self, _: &Location) -> bool {
        false
    }

    fn as_archive(&self) -> &dyn Archive {
        self
    }
}

/// Puts a file of a folder there.
fn put_file(store: &Store, path: &Path, content: &FileContent, key: &str) -> io::Result<Copied> {
    if !content.is_still_at(path) {
        return Ok(Copied::Replaced);
    }
    let mut file = File::open(path)?;
    store.write_from(&mut file, content.size, key, &content.sha256)
}
