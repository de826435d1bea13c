//! What *waits* in the inbox, counted by source without keeping the names: for metrics.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::name::{DEFAULT_SOURCE, escaped, is_unfinished};
use super::scan::changed;

/// The files of one source that are in the inbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many there are, those that are being written or loaded included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When the one that has waited longest arrived.
    pub oldest: Option<SystemTime>,
}

impl Waiting {
    /// Adds those of another source.
    pub fn add(&mut self, other: &Waiting) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.oldest = [self.oldest, other.oldest].into_iter().flatten().min();
    }
}

/// Counts the files that scans would see, by source. Folders that cannot be read count as
/// empty; only the inbox itself must be readable.
pub fn waiting(inbox: &Path) -> io::Result<BTreeMap<String, Waiting>> {
    let mut found: BTreeMap<String, Waiting> = BTreeMap::new();
    let mut folders: Vec<(PathBuf, Option<String>)> = vec![(inbox.to_owned(), None)];
    while let Some((folder, source)) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if source.is_none() => return Err(error),
            Err(_) => continue,
        };
        for entry in entries.flatten() {
            let (name, Ok(metadata)) = (entry.file_name(), entry.metadata()) else { continue };
            let shown = name.to_string_lossy();
            if shown.starts_with('.') {
                continue;
            }
            if metadata.is_dir() {
                folders.push((entry.path(), Some(source.clone().unwrap_or_else(|| escaped(&name)))));
            } else if metadata.is_file() && !is_unfinished(&shown) {
                let of =
                    found.entry(source.clone().unwrap_or_else(|| DEFAULT_SOURCE.to_owned())).or_default();
                let arrived = changed(&metadata);
                of.add(&Waiting { files: 1, bytes: metadata.len(), oldest: Some(arrived) });
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn files_count_by_source_and_hidden_and_unfinished_ones_do_not() {
        let inbox = tempfile::tempdir().expect("a folder");
        for name in ["a.json", "st-marys/b.json", "st-marys/deep/c.json", "st-marys/d.part", ".hidden/e"] {
            let path = inbox.path().join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(path, "12345").expect("a file");
        }
        let found = waiting(inbox.path()).expect("an inbox");
        let counts: Vec<(&str, u64, u64)> =
            found.iter().map(|(source, waiting)| (source.as_str(), waiting.files, waiting.bytes)).collect();
        assert_eq!(counts, [("default", 1, 5), ("st-marys", 2, 10)]);
        assert!(found["default"].oldest.is_some_and(|oldest| oldest <= SystemTime::now()));
        assert!(waiting(&inbox.path().join("missing")).is_err());
    }
}
