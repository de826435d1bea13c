//! The *tasks* that an erasure leaves when the tables no longer have the person. Each may be
//! done twice, so that a process that died is followed by another one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::erase::{Erasure, Pending, Task, TaskKind, vacuum};
use fhirmill_postgres::failpoint::{self, EraseStep};
use fhirmill_postgres::ledger::Run;
use fhirmill_postgres::undo::UndoFile;
use tracing::{info, warn};

use super::{EraseError, go_on};
use crate::archive::{Location, Storage};
use crate::inbox::unescaped;
use crate::pipeline::job::Job;
use crate::pipeline::{reject_report, views};
use crate::report::in_one_line;

/// Finishes erasures that were begun; returns how many. Whoever calls it holds
/// [`Erasure::lock`].
pub fn finish_pending(job: &Job<'_>) -> Result<usize, EraseError> {
    let mut finished = 0;
    for Pending { id, is_erased, subject } in Erasure::pending(&mut job.database.connect()?)? {
        if is_erased {
            finish(job, id)?;
        } else if go_on(job, &subject, id)?.is_nothing() {
            Erasure::withdraw(&mut job.database.connect()?, id)?;
        }
        info!("finished erasure {id}, which was begun before");
        finished += 1;
    }
    Ok(finished)
}

/// Finishes erasures that were begun by a process that died. One that cannot be finished
/// is told, and keeps nothing from being loaded.
pub fn recover(job: &Job<'_>) -> Result<(), DatabaseError> {
    let mut connection = job.database.connect()?;
    let pending = Erasure::pending(&mut connection);
    if pending.as_ref().is_ok_and(Vec::is_empty) {
        return Ok(());
    }
    let finished = pending.map_err(EraseError::from).and_then(|_| {
        if !Erasure::lock(&mut connection)? {
            return Ok(0);
        }
        let finished = finish_pending(job);
        Erasure::unlock(&mut connection)?;
        finished
    });
    if let Err(error) = finished {
        warn!("an erasure that was begun is not finished: {}", in_one_line(&error));
    }
    Ok(())
}

/// Does what an erasure has left to do; returns how many keys the registry still has.
pub fn finish(job: &Job<'_>, id: i64) -> Result<u64, EraseError> {
    let mut connection = job.database.connect()?;
    let storage = Storage::of(job.settings);
    for task in Erasure::tasks(&mut connection, id)? {
        do_task(job, &storage, &task)?;
        Erasure::done(&mut connection, &task)?;
        failpoint::passed(EraseStep::TaskDone);
    }
    let plan = views::plan(&mut connection)?;
    let remembered = Erasure::forget_keys(&mut connection, id, &plan.tables)?;
    if remembered == 0 {
        for table in ["etl.resource_key", "etl.undone_key"] {
            vacuum(&mut connection, table)?;
        }
        failpoint::passed(EraseStep::Finished);
        Erasure::finish(&mut connection, id)?;
    }
    Ok(remembered)
}

fn do_task(job: &Job<'_>, storage: &Storage, task: &Task) -> Result<(), EraseError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error| EraseError::Unfinished(what, error)
    };
    let location = || Location::stored(&task.text);
    match task.kind {
        TaskKind::Archive => {
            storage.archive.remove(&location()).map_err(failed("a file of the archive"))?;
        }
        TaskKind::Rejects => {
            storage.rejects.remove(&location()).map_err(failed("a file of the rejects"))?;
        }
        TaskKind::Report => report(job, storage, &task.text)?,
        TaskKind::Log => {
            scrub_logs(&job.settings.log.dir, &task.text).map_err(failed("a text of the logs"))?
        }
        TaskKind::Table => vacuum(&mut job.database.connect()?, &task.text)?,
    }
    Ok(())
}

/// Writes the report on a file again, if records of it were rejected.
fn report(job: &Job<'_>, storage: &Storage, file_id: &str) -> Result<(), EraseError> {
    let mut run = Run::begin(job.database.connect()?, "erase")?;
    let written = write_report(&mut run, storage, file_id.parse().unwrap_or_default());
    run.end(fhirmill_postgres::ledger::RunStatus::of(written.is_ok()), &Default::default(), true)?;
    written
}

fn write_report(run: &mut Run, storage: &Storage, file_id: i64) -> Result<(), EraseError> {
    let Some(file) = UndoFile::list(run.connection(), &[file_id])?.into_iter().next() else { return Ok(()) };
    let Some(text) = reject_report::on_loaded(run, file_id, &file.stored.path)? else { return Ok(()) };
    let name = unescaped(file.stored.path.rsplit('/').next().unwrap_or_default());
    let location = match file.stored.archive_path.as_deref().filter(|_| file.stored.status == "rejected") {
        Some(beside) => Location::stored(beside),
        None => Location::of_names([std::ffi::OsStr::new(&file.source), &name]),
    };
    let unnamed = std::ffi::OsString::from(format!("erased-{file_id}.part"));
    let failed = |error| EraseError::Unfinished("a report".to_owned(), error);
    storage.rejects.begin_report(&location, &unnamed, &text).map_err(failed)?;
    storage.rejects.name_report(&location, &unnamed, &text).map_err(failed)
}

/// Writes `x` over every place in the logs where the text stands. Whoever writes to a log adds
/// to its end.
fn scrub_logs(folder: &Path, text: &str) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        // Links and folders are not ours.
        if path.symlink_metadata().is_ok_and(|metadata| metadata.is_file()) {
            scrub(&OpenOptions::new().read(true).write(true).open(&path)?, text.as_bytes())?;
        }
    }
    Ok(())
}

fn scrub(log: &File, text: &[u8]) -> io::Result<()> {
    const READ_BYTES: usize = 1 << 20;
    let (mut buffer, mut start) = (Vec::new(), 0_u64);
    loop {
        let before = buffer.len();
        log.take(READ_BYTES as u64).read_to_end(&mut buffer)?;
        if buffer.len() == before {
            return Ok(());
        }
        for place in memchr::memmem::find_iter(&buffer, text) {
            let behind = buffer.get(place + text.len());
            // A longer id is another one.
            if !behind.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-') {
                log.write_all_at(&vec![b'x'; text.len()], start + place as u64)?;
            }
        }
        // What may be cut in two is read again.
        let kept = (text.len()).min(buffer.len());
        start += (buffer.len() - kept) as u64;
        buffer.drain(..buffer.len() - kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_lose_the_text_wherever_it_stands_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.log");
        let far = " ".repeat((1 << 20) - 4);
        fs::write(&path, format!("Patient/1 Patient/12{far}Patient/1\nend")).expect("written");
        scrub_logs(folder.path(), "Patient/1").expect("scrubbed");
        let text = fs::read_to_string(&path).expect("read");
        assert!(text == format!("xxxxxxxxx Patient/12{far}xxxxxxxxx\nend"));
        scrub_logs(&folder.path().join("none"), "x").expect("no folder");
    }
}
