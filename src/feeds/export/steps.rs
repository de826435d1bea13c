//! The *steps* of an export: asked for, worked on by the server, fetched, loaded.

use chrono::Utc;
use fhirmill_postgres::failpoint::{FeedStep, passed};
use fhirmill_postgres::ledger::{ExportFile, ExportJob, Feed, NewExport};
use fhirmill_postgres::lock::lock;
use tracing::{info, warn};

use super::loads::MOST_LOADS;
use super::{ExportRun, Exported};
use crate::feeds::http::Failure;

/// How often in a row links may have expired, without a file having been fetched between.
const MOST_EXPIRIES: u32 = 3;

impl ExportRun<'_> {
    /// Goes on with the export that is open, or asks for a new one, and brings it to its end.
    pub fn run(&self) -> Result<Exported, Failure> {
        self.delete_ended();
        let mut was_open = true;
        let job = match self.open()? {
            Some(job) => job,
            None => {
                was_open = false;
                self.begin()?
            }
        };
        let job = match self.bring_to_end(job) {
            // What an earlier run had asked for is there no more.
            Err(Failure::Gone(_)) if was_open => self.bring_to_end(self.begin()?),
            ended => ended,
        }?;
        self.delete_ended();
        let connection = &mut lock(&self.connection);
        Ok(Exported {
            files: ExportFile::list(connection, job.id)?,
            differences: ExportFile::differences(connection, job.id)?,
            job: ExportJob::find(connection, job.id)?,
        })
    }

    /// The export that an earlier run has left. One that the settings no longer ask for is
    /// abandoned.
    fn open(&self) -> Result<Option<ExportJob>, Failure> {
        let connection = &mut lock(&self.connection);
        let Some(feed) = &self.feed else {
            return Ok(ExportJob::open_of_request(connection, &self.request_hash, self.source)?);
        };
        let Some(job) = ExportJob::open_of_feed(connection, feed.id)? else { return Ok(None) };
        if job.request_hash == self.request_hash {
            return Ok(Some(job));
        }
        warn!(export = job.id, "export {} is abandoned: the settings of its feed have changed", job.id);
        ExportJob::end(connection, job.id, "abandoned", "the settings of the feed have changed")?;
        self.spool.remove(job.id);
        Ok(None)
    }

    /// Enters a new export into the ledger.
    fn begin(&self) -> Result<ExportJob, Failure> {
        let connection = &mut lock(&self.connection);
        let continues = |feed: &Feed| {
            let is_same = feed.request_hash.as_deref() == Some(self.request_hash.as_str());
            feed.position.clone().filter(|_| self.export.incremental && is_same)
        };
        let since = self.feed.as_ref().and_then(continues).or_else(|| self.export.since.clone());
        let new = NewExport {
            feed_id: self.feed.as_ref().map(|feed| feed.id),
            request_hash: &self.request_hash,
            source: self.source,
            url: &self.request.location(),
            since: since.as_deref(),
        };
        Ok(ExportJob::begin(connection, &new)?)
    }

    pub(super) fn bring_to_end(&self, job: ExportJob) -> Result<ExportJob, Failure> {
        if let Some(wait) = job.retry_at.and_then(|at| (at - Utc::now()).to_std().ok()) {
            // What the process before was told to wait is waited.
            self.wait(wait)?;
        }
        let outcome = self.go_on(job.id);
        if let Err(failure) = &outcome {
            self.note_end(job.id, failure)?;
        }
        outcome?;
        self.spool.remove(job.id);
        Ok(job)
    }

    /// Ends an export that cannot be brought to its end by any later run.
    fn note_end(&self, id: i64, failure: &Failure) -> Result<(), Failure> {
        let connection = &mut lock(&self.connection);
        let is_requested = ExportJob::find(connection, id)?.status == "requested";
        let is_over = match failure {
            Failure::Gone(_) | Failure::Permanent(_) => true,
            Failure::Transient { is_verdict, .. } => *is_verdict || is_requested,
            Failure::Unauthorized | Failure::Settings(_) => is_requested,
            _ => false,
        };
        if is_over {
            ExportJob::end(connection, id, "failed", &failure.to_string())?;
            self.spool.remove(id);
        }
        Ok(())
    }

    fn go_on(&self, id: i64) -> Result<(), Failure> {
        let mut expiries = 0;
        let mut loads = 0;
        loop {
            let job = ExportJob::find(&mut lock(&self.connection), id)?;
            match job.status.as_str() {
                "requested" => self.ask(&job)?,
                "exporting" | "fetching" => {
                    let manifest = self.poll(&job)?;
                    passed(FeedStep::ManifestRead);
                    self.note_files(&job, &manifest)?;
                    match self.fetch_all(id, &manifest) {
                        Err(Failure::Gone(status)) => {
                            expiries += 1;
                            if expiries > MOST_EXPIRIES {
                                let reason =
                                    format!("the server gives links that have expired (status {status})");
                                return Err(Failure::Transient { reason, after: None, is_verdict: false });
                            }
                            info!(export = id, "links of export {id} have expired, and are asked for again");
                            self.wait(self.export.retry_wait / 12 * expiries)?;
                        }
                        fetched => {
                            fetched?;
                            ExportJob::set_status(&mut lock(&self.connection), id, "loading")?;
                            passed(FeedStep::AllLanded);
                        }
                    }
                }
                "loading" => {
                    loads += 1;
                    if self.loaded(id)? {
                        ExportJob::finish(&mut lock(&self.connection), id)?;
                        passed(FeedStep::Finished);
                        self.tell_differences(id)?;
                    } else if loads > MOST_LOADS {
                        return Err(Failure::Permanent(
                            "files disappear from the inbox before they are loaded".to_owned(),
                        ));
                    }
                }
                "finished" => return Ok(()),
                status => return Err(Failure::Permanent(format!("the export has already ended: {status}"))),
            }
        }
    }
}
