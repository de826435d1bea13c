//! The *files* of an export, from the manifest to the inbox.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use fhirmill_postgres::failpoint::{FeedStep, passed};
use fhirmill_postgres::ledger::{ExportFile, ExportJob, NewExportFile};
use fhirmill_postgres::lock::lock;
use tracing::warn;

use super::ExportRun;
use super::manifest::{Manifest, ManifestFile};
use crate::feeds::http::Failure;
use crate::report::Unit;

impl ExportRun<'_> {
    /// Notes the files of a manifest, unless they are those that the ledger has.
    pub(super) fn note_files(&self, job: &ExportJob, manifest: &Manifest) -> Result<(), Failure> {
        let connection = &mut lock(&self.connection);
        let known = ExportFile::list(connection, job.id)?;
        let is_same = known.len() == manifest.files.len()
            && known.iter().zip(&manifest.files).all(|(known, file)| {
                known.kind == file.kind
                    && known.resource_type == file.resource_type
                    && known.announced_count == file.count
            });
        if job.status == "fetching" && is_same {
            return Ok(());
        }
        let locations: Vec<String> = manifest.files.iter().map(ManifestFile::location).collect();
        let files: Vec<NewExportFile<'_>> = (1..)
            .zip(manifest.files.iter().zip(&locations))
            .map(|(number, (file, location))| NewExportFile {
                number,
                kind: file.kind,
                resource_type: file.resource_type.as_deref(),
                location,
                count: file.count,
            })
            .collect();
        self.spool.remove(job.id);
        let (time, organized_by) = (manifest.transaction_time.as_deref(), manifest.organized_by.as_deref());
        if time.is_none() {
            warn!(
                export = job.id,
                "the manifest of export {} has no transactionTime: the next one begins anew", job.id
            );
        }
        ExportJob::ready(connection, job.id, time, organized_by, &files)?;
        passed(FeedStep::FilesNoted);
        Ok(())
    }

    /// Fetches what is not in the inbox yet, several files at once.
    pub(super) fn fetch_all(&self, id: i64, manifest: &Manifest) -> Result<(), Failure> {
        if manifest.organized_by.is_some() {
            self.is_organized.store(true, Ordering::Relaxed);
        }
        let files = ExportFile::list(&mut lock(&self.connection), id)?;
        let total = files.len() as u64;
        for file in files.iter().filter(|file| file.status == "landing") {
            self.finish_landing(file)?;
        }
        let waiting: VecDeque<(&ExportFile, &ManifestFile)> =
            files.iter().zip(&manifest.files).filter(|(file, _)| file.status == "waiting").collect();
        let mut done = total - waiting.len() as u64;
        self.progress.begin("fetching", total, Unit::Items("files"));
        self.progress.set(done);
        let threads = self.export.downloads.min(waiting.len());
        let queue = Mutex::new(waiting);
        let (sender, results) = std::sync::mpsc::channel();
        let outcome = std::thread::scope(|scope| {
            for _ in 0..threads {
                let (queue, sender) = (&queue, sender.clone());
                scope.spawn(move || {
                    loop {
                        let Some((file, source)) = lock(queue).pop_front() else { return };
                        let fetched = self.fetch(file, source);
                        if fetched.is_err() {
                            lock(queue).clear();
                        }
                        // The receiver lives as long as the scope.
                        let _ = sender.send(fetched);
                    }
                });
            }
            drop(sender);
            let mut outcome = Ok(());
            for fetched in results {
                match fetched {
                    Ok(()) => {
                        done += 1;
                        self.progress.set(done);
                    }
                    Err(failure) if outcome.is_ok() => outcome = Err(failure),
                    Err(_) => {}
                }
            }
            outcome
        });
        self.progress.end();
        outcome
    }
}
