//! *Departures*: files that leave the inbox, each with the location that the
//! ledger stores for it.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use fhirmill_postgres::ledger::Run;

use super::error::PipelineError;
use crate::archive::{Location, PendingMoves, Storage, Stuck};
use crate::config::{Settings, StorageUrl};
use crate::inbox::{FileContent, InboxFile};
use crate::report::Summary;

/// Files that are to leave the inbox together.
pub(super) struct Departures<'d> {
    settings: &'d Settings,
    moves: PendingMoves,
    departing: Vec<Departing>,
}

/// A file that is to leave the inbox.
struct Departing {
    /// Its id in the ledger.
    id: i64,
    file: InboxFile,
    to: Location,
}

impl<'d> Departures<'d> {
    /// None yet.
    pub fn new(settings: &'d Settings) -> Self {
        let moves = PendingMoves::new(Storage::of(settings));
        Departures { settings, moves, departing: Vec::new() }
    }

    /// A loaded file goes to the archive.
    pub fn archive(&mut self, id: i64, file: &InboxFile, content: &FileContent) {
        let location = self.moves.archive(file, content);
        self.departing.push(Departing { id, file: file.clone(), to: location });
    }

    /// A file whose content was loaded before, by the file `of`, goes where that one
    /// is; `stored` is the location that the ledger has of it. `id` is that of this
    /// delivery.
    pub fn archive_duplicate(
        &mut self,
        (id, of): (i64, i64),
        file: &InboxFile,
        content: &FileContent,
        stored: Option<Location>,
    ) {
        let pending = self.departing.iter().find(|other| other.id == of).map(|other| other.to.clone());
        // Another process may have stored the location, and be about to move its file
        // there; or the archived file was lost, and comes back.
        let location = match pending.or(stored) {
            Some(location) => self.moves.replace(file, content, location),
            None => self.moves.archive(file, content),
        };
        self.departing.push(Departing { id, file: file.clone(), to: location });
    }

    /// Some records of a loaded file were rejected: its sender gets a report, too.
    pub fn report(&self, file: &InboxFile, content: &FileContent, report: &str) {
        self.moves.report(file, content, report);
    }

    /// A rejected file goes to the rejects, with a report that says why.
    pub fn reject(&mut self, id: i64, file: &InboxFile, content: &FileContent, report: String) {
        let location = self.moves.reject(file, content, report);
        self.departing.push(Departing { id, file: file.clone(), to: location });
    }

    /// Stores the locations in the ledger, and then moves the files: a file that
    /// is still in the inbox is moved by the next run, but a file without a stored
    /// location would be lost. A file that cannot be moved is among the skipped paths
    /// of the summary.
    pub fn run(mut self, run: &mut Run, summary: &mut Summary) -> Result<(), PipelineError> {
        let mut departing = self.departing;
        while !departing.is_empty() {
            let stored: Vec<(i64, String)> =
                departing.iter().map(|file| (file.id, file.to.as_str().to_owned())).collect();
            run.note_places(&stored)?;
            let moved = self.moves.run().map_err(|source| not_moved(self.settings, source))?;
            note_stuck(run, summary, &departing, &moved.stuck)?;
            note_compressed(run, &departing, &moved.compressed)?;
            let next = |file: Departing| {
                let to = moved.displaced.iter().find(|displaced| displaced.from == file.to)?.to.clone();
                Some(Departing { to, ..file })
            };
            departing = departing.into_iter().filter_map(next).collect();
        }
        Ok(())
    }
}

/// Notes files that cannot leave the inbox: the next scan tries again to move them,
/// and does not load them again.
fn note_stuck(
    run: &mut Run,
    summary: &mut Summary,
    departing: &[Departing],
    stuck: &[Stuck],
) -> Result<(), PipelineError> {
    for Stuck { relative, error, is_copied } in stuck {
        let Some(file) = departing.iter().find(|file| file.file.relative == *relative) else { continue };
        let reason = format!("it was read, and cannot be moved out of the inbox: {error}");
        run.note_stuck(file.id, &reason, *is_copied)?;
        summary.skip(file.file.relative.clone(), reason);
    }
    Ok(())
}

/// Notes how many bytes files take that lie compressed in the archive.
fn note_compressed(
    run: &mut Run,
    departing: &[Departing],
    compressed: &[(Location, u64)],
) -> Result<(), PipelineError> {
    if compressed.is_empty() {
        return Ok(());
    }
    let bytes: HashMap<&Location, u64> = compressed.iter().map(|(to, bytes)| (to, *bytes)).collect();
    let stored: Vec<(i64, i64)> = departing
        .iter()
        .filter_map(|file| Some((file.id, i64::try_from(*bytes.get(&file.to)?).ok()?)))
        .collect();
    Ok(run.note_stored(&stored)?)
}

fn not_moved(settings: &Settings, source: io::Error) -> PipelineError {
    let shown = |url: &Option<StorageUrl>, folder: &Path| match url {
        Some(url) => url.to_string(),
        None => folder.display().to_string(),
    };
    let archive = shown(&settings.storage.archive, &settings.archive_dir);
    let rejects = shown(&settings.storage.rejects, &settings.rejects_dir);
    let folder = format!("{archive} or {rejects}");
    PipelineError::Move { folder, source }
}
