//! Files that this process has *landed*. They were complete when they came, so that a scan
//! need not wait until they have not changed for some time. Whoever else loads them waits.

use std::collections::VecDeque;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;

use fhirmill_postgres::lock::lock;

/// The most files that are remembered; older ones wait as any other.
const MOST: usize = 4096;

/// What tells a file and its content from any other.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Landed {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

/// There is one inbox, and whatever lands files in it is in this process.
static LANDED: Mutex<VecDeque<Landed>> = Mutex::new(VecDeque::new());

fn of(metadata: &Metadata) -> Landed {
    Landed {
        device: metadata.dev(),
        inode: metadata.ino(),
        size: metadata.size(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
    }
}

/// Notes that a file is complete, before it gets its name.
pub(super) fn note(metadata: &Metadata) {
    let mut landed = lock(&LANDED);
    if landed.len() == MOST {
        landed.pop_front();
    }
    landed.push_back(of(metadata));
}

/// Whether this process has landed the file, and nobody has changed it since.
pub(super) fn has_landed(metadata: &Metadata) -> bool {
    let landed = lock(&LANDED);
    !landed.is_empty() && landed.contains(&of(metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_was_changed_since_it_landed_is_any_other() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"complete").expect("a write");
        let metadata = file.as_file().metadata().expect("a file");
        assert!(!has_landed(&metadata));
        note(&metadata);
        assert!(has_landed(&file.as_file().metadata().expect("a file")));
        file.write_all(b" and more").expect("a write");
        assert!(!has_landed(&file.as_file().metadata().expect("a file")));
    }

    #[test]
    fn the_number_of_files_that_are_remembered_is_bounded() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let metadata = file.as_file().metadata().expect("a file");
        for _ in 0..MOST + 10 {
            note(&metadata);
        }
        assert!(lock(&LANDED).len() <= MOST);
    }
}
