//! An archive below a prefix of an object store. A location is the key of its object. Every name
//! begins with the hash of the content, so that two processes that choose the same key at the same
//! moment put the same there; and what is there already is never replaced.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

use fhirmill_core::read::ReadAt;

use super::reports::{REPORT, fitting, hash};
use super::{Archive, ArchiveError, Location, Rejects};
use crate::config::{StorageSettings, StorageUrl};
use crate::inbox::{FileContent, InboxFile, Place, Relocation};
use crate::storage::{Access, Copied, Store, is_absent};

/// See the module.
#[derive(Clone, Debug)]
pub struct ObjectArchive {
    url: StorageUrl,
    settings: StorageSettings,
    /// The setting that names it.
    setting: &'static str,
    /// How many names a location has.
    depth: usize,
}

impl ObjectArchive {
    /// The archive at that URL.
    pub fn new(url: &StorageUrl, settings: &StorageSettings, setting: &'static str, depth: usize) -> Self {
        ObjectArchive { url: url.clone(), settings: settings.clone(), setting, depth }
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
        if is_copy_there && let Some(found) = store.find(&key)? {
            return Ok(if found.size == content.size { Relocation::Copied } else { Relocation::Taken });
        }
        let copied = match (from.object(), from.path()) {
            (Some(place), _) => store.copy_from(&place.store, &place.object, &key, &content.sha256)?,
            (None, Some(path)) => put_file(&store, path, content, &key)?,
            (None, None) => return Err(ErrorKind::Unsupported.into()),
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
        self.store().and_then(|store| store.find(&self.key(location))).is_ok_and(|found| found.is_some())
    }

    fn open(&self, location: &Location) -> Result<Box<dyn ReadAt>, ArchiveError> {
        let key = self.key(location);
        let failed = |source: io::Error| ArchiveError::Open { path: self.address(location), source };
        let missing = || ArchiveError::Missing {
            location: location.to_string(),
            setting: self.setting,
            root: self.url.to_string(),
        };
        let store = self.store().map_err(failed)?;
        let object = match store.find(&key) {
            Ok(found) => found.ok_or_else(missing)?,
            Err(error) if is_absent(&error) => return Err(missing()),
            Err(error) => return Err(failed(error)),
        };
        Ok(Box::new(store.reader(&object, Access::Random).map_err(failed)?))
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
