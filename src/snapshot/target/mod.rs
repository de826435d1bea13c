//! A *target* holds snapshots: a folder ([`FolderTarget`]), or a prefix in an object store.

mod folder;
#[cfg(feature = "storage")]
mod store;

use std::io::{self, Write};

use chrono::{DateTime, NaiveDateTime, Utc};

pub use folder::FolderTarget;
#[cfg(feature = "storage")]
pub use store::StoreTarget;

use super::manifest::ManifestFile;
use crate::config::{Settings, SnapshotTarget};

/// The name of the file that names the newest snapshot.
pub const LATEST: &str = "latest";

/// See the module. One process at a time writes.
pub trait Target: Send + Sync {
    /// Keeps other processes from writing until it is dropped; false if one writes. Where the
    /// target has no locks, the database keeps them away.
    fn lock(&mut self) -> io::Result<bool>;
    /// The names of the complete snapshots, oldest first.
    fn names(&self) -> io::Result<Vec<String>>;
    /// The manifest of a complete snapshot.
    fn manifest(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Makes room for a snapshot of that name.
    fn begin(&self, name: &str) -> io::Result<()>;
    /// A file of the snapshot in the making.
    fn create(&self, name: &str, path: &str) -> io::Result<Box<dyn NewFile>>;
    /// Gives the snapshot in the making files of another one; false, and none of them, if one is
    /// not there or has other bytes than it had.
    fn reuse(&self, from: &str, name: &str, files: &[ManifestFile]) -> io::Result<bool>;
    /// Puts files of another snapshot, which have the same bytes, in place of those of the
    /// snapshot in the making; false if that saves no room or they are not what they were.
    fn share(&self, from: &str, name: &str, files: &[ManifestFile]) -> io::Result<bool>;
    /// Completes the snapshot: from now on it is there.
    fn publish(&self, name: &str, manifest: &[u8]) -> io::Result<()>;
    /// Says which snapshot is the newest.
    fn set_latest(&self, name: &str) -> io::Result<()>;
    /// Removes a snapshot, the manifest first.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Removes what is not complete: what was left by processes that have died or failed.
    fn clean(&self) -> io::Result<()>;
}

/// A file in the making.
pub trait NewFile: Write + Send {
    /// Ends the file. Its bytes are safe when the snapshot is published.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Opens a target.
pub fn open(target: &SnapshotTarget, settings: &Settings) -> io::Result<Box<dyn Target>> {
    match target {
        SnapshotTarget::Folder(path) => Ok(Box::new(FolderTarget::open(path)?)),
        #[cfg(feature = "storage")]
        SnapshotTarget::Store(url) => Ok(Box::new(StoreTarget::open(url, &settings.storage)?)),
        #[cfg(not(feature = "storage"))]
        SnapshotTarget::Store(_) => {
            let _ = settings;
            Err(io::Error::other("this fhirmill was built without the feature `storage`"))
        }
    }
}

const NAME: &str = "%Y-%m-%dT%H-%M-%SZ";

/// The name of a snapshot that was taken at that time, other than those that are there.
pub fn name_of(taken_at: DateTime<Utc>, names: &[String]) -> String {
    let first = taken_at.format(NAME).to_string();
    let further = (2..).map(|number: u32| format!("{first}-{number}"));
    let mut all = std::iter::once(first.clone()).chain(further);
    all.find(|name| !names.contains(name)).unwrap_or(first)
}

/// When the snapshot of that name was taken, and its number among those of the same second;
/// none if it is no snapshot's.
pub fn time_of(name: &str) -> Option<(DateTime<Utc>, u32)> {
    let (time, rest) = name.split_at_checked(20)?;
    let number = match rest.strip_prefix('-') {
        Some(number) => number.parse().ok()?,
        None if rest.is_empty() => 1,
        None => return None,
    };
    Some((NaiveDateTime::parse_from_str(time, NAME).ok()?.and_utc(), number))
}

/// Sorts names, the oldest first.
pub fn sort(names: &mut [String]) {
    names.sort_by_key(|name| time_of(name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn names_are_times_and_differ_within_a_second() {
        let at: DateTime<Utc> = "2026-11-29T10:00:00.75Z".parse().unwrap();
        let mut names = Vec::new();
        for _ in 0..11 {
            names.insert(0, name_of(at, &names));
        }
        sort(&mut names);
        assert_eq!(names[0], "2026-11-29T10-00-00Z");
        assert_eq!(names[1], "2026-11-29T10-00-00Z-2");
        assert_eq!(names[10], "2026-11-29T10-00-00Z-11");
        assert_eq!(time_of("2026-11-29T10-00-00Z"), Some(("2026-11-29T10:00:00Z".parse().unwrap(), 1)));
        for other in ["latest", "2026-11-29", "2026-11-29T10-00-00Zx", "2026-13-29T10-00-00Z", "a"] {
            assert_eq!(time_of(other), None, "{other}");
        }
    }
}
