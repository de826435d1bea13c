//! The *list* of the files that belong to a backup.

use std::io::{self, BufRead, BufReader};

use super::entry::FileEntry;
use super::manifest::{FILE_LIST, MANIFEST, Manifest};
use super::target::Target;

/// Passes on every entry of a backup's list.
pub fn each_entry(
    target: &dyn Target,
    name: &str,
    each: &mut dyn FnMut(FileEntry) -> io::Result<()>,
) -> io::Result<()> {
    let path = format!("{}/{FILE_LIST}", Manifest::folder(name));
    for line in BufReader::new(target.read(&path)?).lines() {
        each(serde_json::from_str(&line?)?)?;
    }
    Ok(())
}

/// The manifest of a backup.
pub fn manifest(target: &dyn Target, name: &str) -> io::Result<Manifest> {
    let path = format!("{}/{MANIFEST}", Manifest::folder(name));
    Ok(serde_json::from_reader(BufReader::new(target.read(&path)?))?)
}
