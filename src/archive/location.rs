//! A *location* is where an archived file is, as the ledger stores it:
//! relative to the archive's root, so that the archive may move.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::folder_forms::compressed_path;
use crate::inbox::{escaped, unescaped};

/// Where a file is below the root of an archive: names joined by `/`, each
/// escaped like the paths of inbox files.
///
/// Versions before 2026-11-28 stored absolute paths. Those that the migration
/// could not shorten are still locations: the file is there, or, if the archive
/// has moved, at the same place below the archive's root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location(String);

impl Location {
    /// The location with these names, from the root down.
    pub fn of_names<'n>(names: impl IntoIterator<Item = &'n OsStr>) -> Self {
        Location(names.into_iter().map(escaped).collect::<Vec<_>>().join("/"))
    }

    /// The location that the ledger stores as `text`.
    pub fn stored(text: &str) -> Self {
        Location(text.to_owned())
    }

    /// As the ledger stores it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same folder with another name in it.
    pub fn with_file_name(&self, name: &OsStr) -> Self {
        match self.0.rsplit_once('/') {
            Some((folder, _)) => Location(format!("{folder}/{}", escaped(name))),
            None => Location(escaped(name)),
        }
    }

    /// The file's path in an archive with this root, where files lie `depth`
    /// names deep.
    ///
    /// An absolute location is that path as long as a file is there, and
    /// otherwise its last `depth` names below the root: the archive has moved.
    pub(super) fn path_under(&self, root: &Path, depth: usize) -> PathBuf {
        let absolute = Path::new(&self.0);
        if !absolute.is_absolute() {
            return root.join(unescaped(&self.0));
        }
        if absolute.is_file() || compressed_path(absolute).is_file() {
            return absolute.to_owned();
        }
        let names: Vec<OsString> = absolute
            .components()
            .filter_map(|component| match component {
                Component::Normal(name) => Some(name.to_owned()),
                _ => None,
            })
            .collect();
        let tail = &names[names.len().saturating_sub(depth)..];
        root.join(tail.iter().collect::<PathBuf>())
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn names_come_back_byte_for_byte() {
        let names = ["2026-03-01", "north%20", "50%.json"].map(OsStr::new);
        let names = [names[0], names[1], names[2], OsStr::from_bytes(b"caf\xe9\n.json")];
        let location = Location::of_names(names);
        assert_eq!(location.as_str(), "2026-03-01/north%2520/50%.json/caf%e9%0a.json");
        let path = location.path_under(Path::new("/archive"), 3);
        assert_eq!(path, Path::new("/archive").join(names.iter().collect::<PathBuf>()));
    }

    #[test]
    fn an_absolute_location_is_followed_until_the_file_is_gone() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = folder.path().join("2026-03-01/north/a%20.json");
        std::fs::create_dir_all(old.parent().expect("a folder")).expect("folders");
        std::fs::write(&old, "{}").expect("a file");
        let location = Location::stored(&old.display().to_string());
        assert_eq!(location.path_under(Path::new("/new"), 3), old);
        std::fs::remove_file(&old).expect("a file");
        assert_eq!(location.path_under(Path::new("/new"), 3), Path::new("/new/2026-03-01/north/a%20.json"));
        assert_eq!(location.path_under(Path::new("/new"), 2), Path::new("/new/north/a%20.json"));
    }

    #[test]
    fn another_name_stays_in_the_folder() {
        let location = Location::stored("2026-03-01/north/a.json");
        let other = location.with_file_name(OsStr::new("b%20.json"));
        assert_eq!(other.as_str(), "2026-03-01/north/b%2520.json");
    }
}
