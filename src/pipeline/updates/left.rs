//! Files of updates that processes which died have *left*: they land in the inbox, where
//! the next scan goes on with them, as with any file of a run that broke off.

use std::ffi::OsStr;
use std::fs::{self, DirEntry, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use diesel::PgConnection;
use fhirmill_postgres::ledger::{FeedFile, LeftFile, adopt_left, left_file};
use tracing::{info, warn};

use crate::inbox::{self, DEFAULT_SOURCE, FileContent, escaped, source_folder};
use crate::pipeline::error::PipelineError;
use crate::report::in_one_line;

/// The folder of the inbox that has files of updates while they are written: one folder for
/// each source.
pub const UPDATES_FOLDER: &str = ".fhirmill-updates";

/// Lands the files that nobody writes any more; returns how many are left to be landed
/// later.
pub fn land_left(inbox: &Path, connection: &mut PgConnection) -> Result<usize, PipelineError> {
    let mut later = 0;
    for folder in entries(&inbox.join(UPDATES_FOLDER))? {
        let source = escaped(&folder.file_name());
        for file in entries(&folder.path())? {
            let landed = land(inbox, connection, &source, &file.path()).unwrap_or_else(|failure| {
                warn!("{} cannot land: {}", file.path().display(), in_one_line(&failure));
                false
            });
            later += usize::from(!landed);
        }
    }
    Ok(later)
}

fn inbox_error(path: &Path) -> impl Fn(io::Error) -> PipelineError {
    let path = path.display().to_string();
    move |source| PipelineError::Inbox { path: path.clone(), source }
}

fn entries(folder: &Path) -> Result<Vec<DirEntry>, PipelineError> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect::<io::Result<_>>().map_err(inbox_error(folder)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(inbox_error(folder)(error)),
    }
}

/// The path in the inbox of a file of that source.
pub(super) fn relative_path(source: &str, name: &OsStr) -> String {
    if source == DEFAULT_SOURCE { escaped(name) } else { format!("{source}/{}", escaped(name)) }
}

/// Lands one file, unless it is being written. False if it is to be tried again.
fn land(
    inbox: &Path,
    connection: &mut PgConnection,
    source: &str,
    path: &Path,
) -> Result<bool, PipelineError> {
    let Some(file) = take(path).map_err(inbox_error(path))? else { return Ok(true) };
    let mut length = complete_length(&file).map_err(inbox_error(path))?;
    let name = path.file_name().unwrap_or_default();
    let relative = relative_path(source, name);
    if left_file(connection, &relative)? == LeftFile::Alive {
        return Ok(false);
    }
    // What was not committed of messages comes from Kafka again.
    if let Some(loaded) = FeedFile::size_of(connection, &relative)? {
        length = length.min(loaded);
    }
    if length == 0 {
        adopt_left(connection, &relative, None)?;
        fs::remove_file(path).map_err(inbox_error(path))?;
        return Ok(true);
    }
    file.set_len(length).and_then(|()| file.sync_all()).map_err(inbox_error(path))?;
    let content = FileContent::of(path).map_err(inbox_error(path))?;
    adopt_left(connection, &relative, Some((length, content.sha256)))?;
    let folder = source_folder(inbox, source).map_err(inbox_error(inbox))?;
    let landed = inbox::land_file(path, &folder, &name.to_string_lossy(), &mut |_| Ok(()))
        .map_err(inbox_error(path))?;
    info!("the updates in {} go on in the inbox: their process died", landed.display());
    Ok(true)
}

/// The file, locked; `None` if somebody writes it, or has moved it.
fn take(path: &Path) -> io::Result<Option<File>> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Ok(None),
        Err(fs::TryLockError::Error(error)) => return Err(error),
    }
    let own = file.metadata()?;
    let is_there = path.symlink_metadata().is_ok_and(|found| found.ino() == own.ino());
    Ok(is_there.then_some(file))
}

/// How many bytes the complete lines of a file have: the process may have died while it
/// wrote one, and nobody was told that it is stored.
fn complete_length(mut file: &File) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut buffer = vec![0; 64 * 1024];
    while end > 0 {
        let start = end.saturating_sub(buffer.len() as u64);
        let piece = &mut buffer[..(end - start) as usize];
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(last) = memchr::memrchr(b'\n', piece) {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Where the files of a source are while they are written.
pub(super) fn spool_folder(inbox: &Path, source: &str) -> PathBuf {
    inbox.join(UPDATES_FOLDER).join(crate::inbox::unescaped(source))
}
