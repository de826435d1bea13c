//! *Reports* lie in the rejects under the name of the file that they are about, beside it
//! if the file is there, too.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::SystemTime;

use super::{Archive as _, FolderArchive, Location, Storage};
use crate::inbox::{FileContent, InboxFile, LONGEST_NAME, rename, unescaped};

/// The ending of a report's name.
pub(super) const REPORT: &str = ".report.txt";

/// Puts the report on a loaded file, some of whose records were rejected, into the rejects.
/// If another report has the file's name, its name begins with the file's hash; no file and
/// no report of another file is overwritten.
pub(super) fn publish(
    rejects: &FolderArchive,
    file: &InboxFile,
    content: &FileContent,
    report: &str,
) -> io::Result<()> {
    let name = file.place.name();
    let place = rejects.path(&Location::of_names([OsStr::new(&file.source), name]));
    let hash = hash(content);
    let unnamed = place.with_file_name(fitting(&hash, name, &format!("{REPORT}.part")));
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&unnamed, report)?;
    let places =
        [place.with_file_name(fitting("", name, REPORT)), place.with_file_name(fitting(&hash, name, REPORT))];
    for to in &places {
        match rename(&unnamed, to) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if is_written(to, report) {
                    return fs::remove_file(&unnamed);
                }
            }
            other => return other,
        }
    }
    // It is on the same content, delivered before.
    fs::rename(&unnamed, &places[1])
}

/// Removes reports that are older and whose file is not there, or counts them; how many there are.
/// Rejects lie in folders of their sources.
pub(super) fn remove_old(root: &Path, before: SystemTime, is_dry_run: bool) -> io::Result<u64> {
    let mut removed = 0;
    let sources = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(0),
        sources => sources?,
    };
    for source in sources {
        let source = source?;
        if !source.file_type()?.is_dir() {
            continue;
        }
        for entry in fs::read_dir(source.path())? {
            let entry = entry?;
            let path = entry.path();
            let name = entry.file_name();
            let Some(of) = name.as_bytes().strip_suffix(REPORT.as_bytes()) else { continue };
            let metadata = entry.metadata()?;
            let is_old = metadata.is_file() && metadata.modified()? < before;
            if !is_old || path.with_file_name(OsStr::from_bytes(of)).symlink_metadata().is_ok() {
                continue;
            }
            if !is_dry_run {
                fs::remove_file(path)?;
            }
            removed += 1;
        }
    }
    Ok(removed)
}

/// Whether the report is there already.
fn is_written(to: &Path, report: &str) -> bool {
    let is_as_long =
        to.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == report.len() as u64);
    is_as_long && fs::read(to).is_ok_and(|found| found == report.as_bytes())
}

/// The report that a rejected file at this place would get is another file's.
pub(super) fn is_of_another(rejects: &FolderArchive, place: &Location) -> bool {
    let path = rejects.path(place);
    let report = path.with_file_name(fitting("", path.file_name().unwrap_or_default(), REPORT));
    report.symlink_metadata().is_ok() && !rejects.contains(place)
}

/// Where reports on a file may lie: beside it if it was rejected, and else under its name.
pub(crate) fn reports_on(source: &str, name: &OsStr, sha256: &[u8], beside: Option<&str>) -> Vec<Location> {
    let hash: String =
        sha256.iter().take(6).map(|byte| format!("{byte:02x}")).chain(["-".to_owned()]).collect();
    let of_source = |name: OsString| Location::of_names([OsStr::new(source), &name]);
    let mut locations = vec![of_source(fitting("", name, REPORT)), of_source(fitting(&hash, name, REPORT))];
    // The name in a store has a hash of its own.
    locations.push(of_source(fitting("", &fitting(&hash, name, ""), REPORT)));
    if let Some(beside) = beside.map(Location::stored) {
        let name = unescaped(beside.as_str().rsplit('/').next().unwrap_or_default());
        locations.push(beside.with_file_name(&fitting("", &name, REPORT)));
    }
    locations.sort();
    locations.dedup();
    locations
}

/// Whether the report on the file of that path is there: a report begins with the path.
pub(crate) fn is_report_on(storage: &Storage, location: &Location, path: &str) -> bool {
    let Ok(report) = storage.rejects.open(location) else { return false };
    let expected = format!("{path}\n");
    let mut begin = vec![0; expected.len()];
    let mut filled = 0;
    while let Ok(length @ 1..) = report.read_at(&mut begin[filled..], filled as u64) {
        filled += length;
    }
    filled == begin.len() && begin == expected.as_bytes()
}

/// The locations of all reports below the folder.
pub(super) fn all(root: &Path) -> io::Result<Vec<Location>> {
    let mut locations = Vec::new();
    let sources = match fs::read_dir(root) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(locations),
        sources => sources?,
    };
    for source in sources {
        let source = source?;
        if !source.file_type()?.is_dir() {
            continue;
        }
        for file in fs::read_dir(source.path())? {
            let file = file?;
            if file.file_name().as_bytes().ends_with(REPORT.as_bytes()) && file.file_type()?.is_file() {
                locations.push(Location::of_names([&*source.file_name(), &*file.file_name()]));
            }
        }
    }
    Ok(locations)
}

/// The beginning of a name that tells contents apart.
pub(crate) fn hash(content: &FileContent) -> String {
    let digits = |byte: &u8| format!("{byte:02x}");
    content.sha256[..6].iter().map(digits).chain(["-".to_owned()]).collect()
}

/// The name with something before and behind it, its end cut off if the whole
/// would be too long.
pub(crate) fn fitting(before: &str, name: &OsStr, behind: &str) -> OsString {
    let room = LONGEST_NAME - before.len() - behind.len();
    let name = name.as_bytes();
    let kept = &name[..name.len().min(room)];
    OsString::from_vec([before.as_bytes(), kept, behind.as_bytes()].concat())
}
