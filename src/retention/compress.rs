//! *Compressing* what lies in the archive as it was sent. Each file by itself: the compressed file is
//! complete, on disk and read again before the original goes, and the ledger gets its size afterwards.
//! Whoever is killed in between leaves a file that can be read, which the next time completes.

use std::time::Duration;

use diesel::PgConnection;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::archive::{Compaction, Location, Storage};
use crate::report::{RunProgress, Unit, in_one_line};
use fhirmill_postgres::ledger::PlainFile;

/// What was done. Its JSON is part of the interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CompressedArchive {
    /// Files that were compressed.
    pub files: u64,
    /// Their size as they were sent.
    pub bytes: u64,
    /// The bytes that they take now.
    pub stored_bytes: u64,
    /// Files that stay as they are: empty, compressed by their sender, or with a name that has no room.
    pub unsuitable_files: u64,
    /// Files that are not what was loaded, or not there, or cannot be compressed.
    pub failed_files: u64,
    /// Whether it was stopped before its end.
    pub is_interrupted: bool,
}

/// Compresses all files of the archive that were loaded at least so long ago.
pub fn compress(
    storage: &Storage,
    connection: &mut PgConnection,
    age: Duration,
    (cancel, progress): (&CancellationToken, &RunProgress),
) -> diesel::QueryResult<CompressedArchive> {
    let mut done = CompressedArchive::default();
    let mut after = 0;
    progress.begin("compressing the archive", 0, Unit::Items("files"));
    loop {
        let files = PlainFile::after(connection, after, age)?;
        let Some(last) = files.last() else { break };
        after = last.id;
        for file in &files {
            if cancel.is_cancelled() {
                done.is_interrupted = true;
                return Ok(done);
            }
            compress_file(storage, connection, file, &mut done)?;
            progress.set(done.files + done.unsuitable_files + done.failed_files);
        }
    }
    progress.end();
    Ok(done)
}

fn compress_file(
    storage: &Storage,
    connection: &mut PgConnection,
    file: &PlainFile,
    done: &mut CompressedArchive,
) -> diesel::QueryResult<()> {
    let location = Location::stored(&file.archive_path);
    let Ok(sha256) = <[u8; 32]>::try_from(&file.sha256[..]) else { return Ok(()) };
    let problem = match storage.archive.compact(&location, &sha256) {
        Ok(Compaction::Done(stored) | Compaction::Before(stored)) => {
            done.files += 1;
            done.bytes += file.size_bytes.unsigned_abs();
            done.stored_bytes += stored.bytes;
            return file.note_stored(connection, i64::try_from(stored.bytes).ok());
        }
        Ok(Compaction::Unsuitable) => {
            done.unsuitable_files += 1;
            return Ok(());
        }
        Ok(Compaction::NameTaken) => "another file has the name that it would get".to_owned(),
        Ok(Compaction::Changed) => "it is not what was loaded".to_owned(),
        Ok(Compaction::Missing) => "it is not there".to_owned(),
        Err(error) => in_one_line(&error),
    };
    warn!(file.id = file.id, "{} is not compressed: {problem}", storage.archive.address(&location));
    done.failed_files += 1;
    Ok(())
}
