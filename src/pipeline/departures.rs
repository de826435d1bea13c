//! *Departures*: files that leave the inbox, each with the location that the
//! ledger stores for it.

use std::io;

use fhirmill_postgres::ledger::Run;

use super::error::PipelineError;
use crate::archive::{Location, PendingMoves, Storage};
use crate::config::Settings;
use crate::inbox::{FileContent, InboxFile};

/// Files that are to leave the inbox together.
pub(super) struct Departures<'d> {
    settings: &'d Settings,
    moves: PendingMoves,
    /// By the file's id in the ledger.
    locations: Vec<(i64, Location)>,
}

impl<'d> Departures<'d> {
    /// None yet.
    pub fn new(settings: &'d Settings) -> Self {
        let moves = PendingMoves::new(Storage::of(settings));
        Departures { settings, moves, locations: Vec::new() }
    }

    /// A loaded file goes to the archive.
    pub fn archive(&mut self, id: i64, file: &InboxFile, content: &FileContent) {
        let location = self.moves.archive(file, content);
        self.locations.push((id, location));
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
        let pending = self.locations.iter().find(|(id, _)| *id == of).map(|(_, location)| location.clone());
        let is_there = |location: &Location| self.moves.storage().archive.contains(location);
        let location = match pending.or_else(|| stored.filter(is_there)) {
            Some(location) => self.moves.replace(file, content, location),
            None => self.moves.archive(file, content),
        };
        self.locations.push((id, location));
    }

    /// A rejected file goes to the rejects, with a report that says why.
    pub fn reject(&mut self, id: i64, file: &InboxFile, content: &FileContent, reason: &str) {
        let location = self.moves.reject(file, content, reject_report(file, id, reason));
        self.locations.push((id, location));
    }

    /// Stores the locations in the ledger, and then moves the files: a file that
    /// is still in the inbox is moved by the next run, but a file without a stored
    /// location would be lost.
    pub fn run(mut self, run: &mut Run) -> Result<(), PipelineError> {
        let mut locations = self.locations;
        while !locations.is_empty() {
            let stored: Vec<(i64, String)> =
                locations.iter().map(|(id, location)| (*id, location.as_str().to_owned())).collect();
            run.note_places(&stored)?;
            let displaced = self.moves.run().map_err(|source| not_moved(self.settings, source))?;
            let next =
                |location: &Location| Some(displaced.iter().find(|file| file.from == *location)?.to.clone());
            locations = locations.iter().filter_map(|(id, location)| Some((*id, next(location)?))).collect();
        }
        Ok(())
    }
}

fn not_moved(settings: &Settings, source: io::Error) -> PipelineError {
    let folder = format!("{} or {}", settings.archive_dir.display(), settings.rejects_dir.display());
    PipelineError::Move { folder, source }
}

/// What lies beside a rejected file.
fn reject_report(file: &InboxFile, id: i64, reason: &str) -> String {
    format!(
        "{}\n\n{reason}\n\
         Location and reason of each: fhirmill rejects --file {id}\n\
         Drop the corrected file into the inbox again.\n",
        file.relative
    )
}
