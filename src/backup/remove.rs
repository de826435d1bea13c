//! *Names* backups, and *removes* them: what is not complete, and older ones than shall stay.

use std::collections::{BTreeSet, HashSet};
use std::io;

use chrono::{DateTime, NaiveDateTime, Utc};
use fhirmill_postgres::failpoint::{BackupStep, passed};

use super::entry::FILES;
use super::list::each_entry;
use super::manifest::{BACKUPS, MANIFEST, Manifest};
use super::target::{PART, Target};

const NAME: &str = "%Y-%m-%dT%H-%M-%SZ";

/// The name of a backup that was taken then, other than those that are there.
pub fn name_of(taken_at: DateTime<Utc>, names: &[String]) -> String {
    let first = taken_at.format(NAME).to_string();
    let further = (2..).map(|number: u32| format!("{first}-{number}"));
    let mut all = std::iter::once(first.clone()).chain(further);
    all.find(|name| !names.contains(name)).unwrap_or(first)
}

/// When the backup of that name was taken, and its number among those of the same second.
fn time_of(name: &str) -> Option<(DateTime<Utc>, u32)> {
    let (time, rest) = name.split_at_checked(20)?;
    let number = match rest.strip_prefix('-') {
        Some(number) => number.parse().ok()?,
        None if rest.is_empty() => 1,
        None => return None,
    };
    Some((NaiveDateTime::parse_from_str(time, NAME).ok()?.and_utc(), number))
}

/// The names of the complete backups, oldest first.
pub fn names(target: &dyn Target) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for (path, _) in target.list(BACKUPS)? {
        if let Some((name, MANIFEST)) = folder_of(&path)
            && time_of(name).is_some()
        {
            names.push(name.to_owned());
        }
    }
    names.sort_by_key(|name| time_of(name));
    Ok(names)
}

/// The folder of a backup that a file is in, and its path there.
fn folder_of(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(BACKUPS)?.strip_prefix('/')?.split_once('/')
}

/// Removes what processes that have died or failed have left.
pub fn clean(target: &dyn Target, names: &[String]) -> io::Result<()> {
    let mut left = BTreeSet::new();
    for (path, _) in target.list(BACKUPS)? {
        let Some((name, _)) = folder_of(&path) else { continue };
        if time_of(name).is_some() && !names.iter().any(|complete| complete == name) {
            target.remove(&path)?;
            left.insert(name.to_owned());
        } else if path.ends_with(PART) {
            target.remove(&path)?;
        }
    }
    for name in left {
        target.remove_folder(&Manifest::folder(&name))?;
    }
    for (path, _) in target.list(FILES)? {
        if path.ends_with(PART) && is_ours(&path) {
            target.remove(&path)?;
        }
    }
    Ok(())
}

/// Whether it is the path of a file that backups share: in the folder that was given for them, there
/// may be others.
fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (Some(hash), Some("-")) = (name.get(..64), name.get(64..65)) else { return false };
    hash.bytes().all(|byte| byte.is_ascii_hexdigit())
        && path.starts_with(&format!("{FILES}/{}/{hash}", &hash[..2]))
}

/// Removes all but the newest backups, and the files that belong to none any more; returns the
/// names of those that were removed. The manifest goes first.
pub fn remove_surplus(target: &dyn Target, names: &[String], keep: usize) -> io::Result<Vec<String>> {
    let (old, kept) = names.split_at(names.len().saturating_sub(keep.max(1)));
    for name in old {
        let folder = Manifest::folder(name);
        target.remove(&format!("{folder}/{MANIFEST}"))?;
        passed(BackupStep::ManifestRemoved);
        for (path, _) in target.list(&folder)? {
            target.remove(&path)?;
        }
        target.remove_folder(&folder)?;
    }
    let mut used = HashSet::new();
    for name in kept {
        each_entry(target, name, &mut |entry| {
            used.insert(entry.path());
            Ok(())
        })?;
    }
    for (path, _) in target.list(FILES)? {
        if is_ours(&path) && !used.contains(&path) {
            target.remove(&path)?;
        }
    }
    Ok(old.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::FileEntry;
    use crate::backup::entry::Area;
    use crate::backup::manifest::FILE_LIST;
    use crate::backup::target::FolderTarget;
    use pretty_assertions::assert_eq;

    fn put(target: &dyn Target, path: &str, bytes: &str) {
        target.put(path, &mut bytes.as_bytes(), None).unwrap();
    }

    fn entry(digit: char) -> FileEntry {
        let sha256: String = std::iter::repeat_n(digit, 64).collect();
        let location = format!("2026-11-29/a/{digit}.json");
        FileEntry {
            area: Area::Archive,
            location,
            stored_sha256: sha256.clone(),
            sha256,
            bytes: 1,
            is_compressed: false,
        }
    }

    fn backup(target: &dyn Target, name: &str, digits: &str) {
        let mut list = String::new();
        for digit in digits.chars() {
            put(target, &entry(digit).path(), "x");
            list.push_str(&format!("{}\n", serde_json::to_string(&entry(digit)).unwrap()));
        }
        put(target, &format!("{BACKUPS}/{name}/{FILE_LIST}"), &list);
        put(target, &format!("{BACKUPS}/{name}/{MANIFEST}"), "{}");
    }

    #[test]
    fn files_go_with_the_last_backup_that_they_belong_to() {
        let folder = tempfile::tempdir().unwrap();
        let target = FolderTarget::open(folder.path());
        backup(&target, "2026-11-29T10-00-00Z", "ab");
        backup(&target, "2026-11-29T10-00-00Z-2", "bc");
        put(&target, &format!("{BACKUPS}/2026-11-29T11-00-00Z/database/toc.dat"), "half");
        put(&target, &format!("{}.1{PART}", entry('d').path()), "half");
        put(&target, &format!("{FILES}/mine"), "kept");
        put(&target, "mine/notes.txt", "kept");
        let found = names(&target).unwrap();
        assert_eq!(found, ["2026-11-29T10-00-00Z", "2026-11-29T10-00-00Z-2"]);
        clean(&target, &found).unwrap();
        assert!(!folder.path().join("backups/2026-11-29T11-00-00Z").exists());
        assert_eq!(remove_surplus(&target, &found, 1).unwrap(), ["2026-11-29T10-00-00Z"]);
        let mut left: Vec<String> = target.list(FILES).unwrap().into_iter().map(|(path, _)| path).collect();
        left.sort();
        assert_eq!(left, [entry('b').path(), entry('c').path(), format!("{FILES}/mine")]);
        assert!(folder.path().join("mine/notes.txt").exists());
    }
}
