//! FHIR's calls that write (<https://hl7.org/fhir/R4/http.html>): an update, a deletion, a
//! Bundle. They are stored when they are answered; where too many wait, they are queued as
//! files. What is stored, and how, is in [`crate::update`].
//!
//! - [`json`]: members of objects as they were written
//! - [`request`]: what is asked for, checked
//! - [`bundle`]: the same for the entries of a Bundle
//! - [`store`]: has it stored, or queued
//! - [`answer`]: what became of it
//! - [`calls`], [`bundle_calls`]: the handlers
//! - `bulk_submit`, `bulk_status`: manifests of files that are fetched

mod answer;
#[cfg(feature = "feeds")]
pub mod bulk_status;
#[cfg(feature = "feeds")]
pub mod bulk_submit;
mod bundle;
pub mod bundle_calls;
pub mod calls;
mod json;
mod request;
mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use fhirmill_postgres::lock::lock;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{Service, SharedDatabase};
use crate::config::Settings;
use crate::pipeline::updates::Checkers;
use crate::update::Updates;

/// The largest body: a Bundle of this size is held in memory, a larger one is a file.
pub const MOST_BYTES: u64 = 8_000_000;

/// What the calls share.
#[derive(Debug)]
pub struct UpdateService {
    updates: Updates,
    checkers: Checkers,
    /// By source the last update that was queued as a file. As long as that is not loaded,
    /// later ones are queued behind it.
    queued: Mutex<HashMap<String, Uuid>>,
    /// Memory for bodies, in KiB.
    memory: Arc<Semaphore>,
}

/// The memory for all bodies together, in KiB. What is made of them takes a few times as
/// much.
const MEMORY: usize = 64 << 10;

impl UpdateService {
    /// Starts the threads that store.
    pub fn start(settings: &Settings, database: &SharedDatabase, service: &Service) -> std::io::Result<Self> {
        let of_service = (&service.cancel, service.progress.activity());
        let updates = Updates::start(settings, database, of_service)?;
        let (checkers, memory) = (Checkers::default(), Arc::new(Semaphore::new(MEMORY)));
        Ok(UpdateService { updates, checkers, queued: Mutex::default(), memory })
    }

    /// Stores what waits, and ends.
    pub fn end(&self) {
        self.updates.end();
    }

    fn queued(&self, source: &str) -> Option<Uuid> {
        lock(&self.queued).get(source).copied()
    }

    fn note_queued(&self, source: &str, upload: Uuid) {
        lock(&self.queued).insert(source.to_owned(), upload);
    }

    /// The file is loaded. Another may have been queued meanwhile.
    fn note_loaded(&self, source: &str, upload: Uuid) {
        let mut queued = lock(&self.queued);
        if queued.get(source) == Some(&upload) {
            queued.remove(source);
        }
    }
}
