//! The *steps* of an export: asked for, worked on by the server, fetched, loaded.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use fhirmill_postgres::failpoint::{FeedStep, passed_feed};
use fhirmill_postgres::ledger::{ExportFile, ExportJob, NewExport, NewExportFile};
use fhirmill_postgres::lock::lock;
use reqwest::header::CONTENT_LOCATION;
use reqwest::{Method, StatusCode, Url};
use tracing::{info, warn};

use super::manifest::{Manifest, ManifestFile};
use super::outcome::{is_verdict, printable, said, said_in_full};
use super::retry::{Attempts, poll_wait};
use super::{ExportRun, Exported, Loads};
use crate::feeds::http::{Answer, Call, Failure, retry_after};
use crate::inbox::is_there;
use crate::report::Unit;

/// The most bytes of a page of a manifest.
const MOST_MANIFEST_BYTES: usize = 64 << 20;
/// How often in a row links may have expired, without a file having been fetched between.
const MOST_EXPIRIES: u32 = 3;
/// How long to wait before asking the ledger again whether files are loaded.
const LOOK_AT_LOADS: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(5)];
/// How often files that landed may turn out not to have been loaded by this process.
const MOST_LOADS: u32 = 3;

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
        let continues = |feed: &fhirmill_postgres::ledger::Feed| {
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
                    passed_feed(FeedStep::ManifestRead);
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
                            passed_feed(FeedStep::AllLanded);
                        }
                    }
                }
                "loading" => {
                    loads += 1;
                    if self.loaded(id)? {
                        ExportJob::finish(&mut lock(&self.connection), id)?;
                        passed_feed(FeedStep::Finished);
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

    /// Asks for the export. A process that dies between the answer and the ledger leaves an
    /// export at the server that nobody knows of: the standard has nothing against it.
    fn ask(&self, job: &ExportJob) -> Result<(), Failure> {
        passed_feed(FeedStep::Requested);
        let mut method = self.request.method();
        let mut attempts = Attempts::new(self, job.id);
        let answer = loop {
            match self.kick_off(&method, job.since.as_deref()) {
                Ok(answer)
                    if is_other_method_needed(answer.status)
                        && method == Method::GET
                        && self.request.may_be_posted() =>
                {
                    method = Method::POST;
                }
                Ok(answer) => match self.accepted(answer) {
                    Ok(url) => break url,
                    Err(failure) => attempts.failed(failure)?,
                },
                Err(failure) => attempts.failed(failure)?,
            }
        };
        ExportJob::accepted(&mut lock(&self.connection), job.id, answer.as_str())?;
        info!(export = job.id, "export {} was accepted by {}", job.id, self.request.location());
        passed_feed(FeedStep::Accepted);
        Ok(())
    }

    fn kick_off(&self, method: &Method, since: Option<&str>) -> Result<Answer, Failure> {
        self.send(self.request.call(method, since), true)
    }

    /// The status URL of an export that was accepted.
    fn accepted(&self, mut answer: Answer) -> Result<Url, Failure> {
        if answer.status.is_success() {
            let url = answer.headers.get(CONTENT_LOCATION).and_then(|url| url.to_str().ok());
            let url = url.and_then(|url| answer.url.join(url).ok());
            return url.ok_or_else(|| {
                Failure::Permanent(
                    "the server accepts the export, but does not say where its status is".to_owned(),
                )
            });
        }
        let said = said_in_full(&self.http.error_body(&mut answer));
        let failure =
            Failure::of_answer("the request for the export", answer.status, &answer.headers, said.clone());
        Err(match failure {
            Failure::Gone(status) => Failure::Permanent(format!(
                "there is no such export at {} (status {status}{})",
                self.request.location(),
                said.map_or_else(String::new, |said| format!(": {said}"))
            )),
            failure => failure,
        })
    }

    /// Asks how far the server is until it has finished; returns its manifest.
    fn poll(&self, job: &ExportJob) -> Result<Manifest, Failure> {
        let Some(url) = &job.status_url else {
            return Err(Failure::Permanent("the ledger has no status URL".to_owned()));
        };
        let mut next = Some(super::authorization::parse(url)?);
        let mut manifest = Manifest::default();
        while let Some(url) = next {
            let (body, from) = self.page(job, &url)?;
            manifest.add(&body, &from)?;
            next = manifest.next.clone();
        }
        Ok(manifest)
    }

    /// A page of the manifest, once the server has finished it.
    fn page(&self, job: &ExportJob, url: &Url) -> Result<(Vec<u8>, Url), Failure> {
        let mut attempts = Attempts::new(self, job.id);
        let mut polls = 0;
        loop {
            let asked = self.send(Call::get(url.clone()).accept("application/json"), true);
            let answered = asked.and_then(|mut answer| match answer.status {
                StatusCode::ACCEPTED => Ok(Err(answer)),
                StatusCode::OK => Ok(Ok((self.http.body(&mut answer, MOST_MANIFEST_BYTES)?, answer.url))),
                status => {
                    let body = self.http.error_body(&mut answer);
                    let mut failure = Failure::of_answer(
                        "the question for its status",
                        status,
                        &answer.headers,
                        said(&body),
                    );
                    if let Failure::Transient { is_verdict: verdict, after: None, .. } = &mut failure {
                        *verdict = is_verdict(&body);
                    }
                    Err(failure)
                }
            });
            match answered {
                Ok(Ok(page)) => return Ok(page),
                Ok(Err(answer)) => {
                    attempts.reset();
                    self.wait_for_server(job, &answer, polls)?;
                    polls += 1;
                }
                Err(failure) => attempts.failed(failure)?,
            }
        }
    }

    fn wait_for_server(&self, job: &ExportJob, answer: &Answer, polls: u32) -> Result<(), Failure> {
        let now = Utc::now();
        if (now - job.started_at).to_std().is_ok_and(|since| since > self.export.give_up_after) {
            let hours = self.export.give_up_after.as_secs_f64() / 3600.0;
            return Err(Failure::Permanent(format!(
                "the server has not finished the export in {hours:.1} hours"
            )));
        }
        let said =
            answer.headers.get("x-progress").and_then(|progress| progress.to_str().ok()).map(printable);
        let wait =
            retry_after(&answer.headers, now).unwrap_or_else(|| poll_wait(self.export.retry_wait, polls));
        let next = now + TimeDelta::from_std(wait).unwrap_or_default();
        ExportJob::note_progress(&mut lock(&self.connection), job.id, said.as_deref(), next)?;
        passed_feed(FeedStep::Polled);
        let said = said.unwrap_or_default();
        info!(export = job.id, "the server works on export {}: {said}", job.id);
        if self.is_submitted {
            return Err(Failure::Waiting);
        }
        self.wait(wait)
    }

    /// Notes the files of a manifest, unless they are those that the ledger has.
    fn note_files(&self, job: &ExportJob, manifest: &Manifest) -> Result<(), Failure> {
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
        passed_feed(FeedStep::FilesNoted);
        Ok(())
    }

    /// Fetches what is not in the inbox yet, several files at once.
    fn fetch_all(&self, id: i64, manifest: &Manifest) -> Result<(), Failure> {
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

    /// Waits until all files are loaded. False if some were lost and must be fetched again.
    fn loaded(&self, id: i64) -> Result<bool, Failure> {
        let mut wait = LOOK_AT_LOADS[0];
        let mut loads = 0;
        loop {
            let files = {
                let connection = &mut lock(&self.connection);
                ExportFile::follow(connection, id)?;
                ExportFile::list(connection, id)?
            };
            let landed: Vec<&ExportFile> = files.iter().filter(|file| file.status == "landed").collect();
            if landed.is_empty() {
                return Ok(true);
            }
            if self.fetch_lost(id, &landed)? {
                return Ok(false);
            }
            if let Loads::Here(load) = &self.loads
                && loads < MOST_LOADS
            {
                loads += 1;
                load().map_err(Failure::Permanent)?;
                wait = LOOK_AT_LOADS[0];
                continue;
            }
            if matches!(self.loads, Loads::Here(_))
                && ExportFile::have_failed(&mut lock(&self.connection), id)?
            {
                return Err(Failure::Permanent(
                    "some of its files cannot be loaded: see `fhirmill files`".to_owned(),
                ));
            }
            self.wait(wait)?;
            wait = (wait * 2).min(LOOK_AT_LOADS[1]);
        }
    }

    /// Whether files that landed have left the inbox without having been claimed; they are
    /// fetched again.
    fn fetch_lost(&self, id: i64, landed: &[&ExportFile]) -> Result<bool, Failure> {
        let inbox = &self.settings.inbox_dir;
        let is_missing =
            |file: &&&ExportFile| !file.landed_path.as_deref().is_some_and(|path| is_there(inbox, path));
        let missing: Vec<i32> = landed.iter().filter(is_missing).map(|file| file.number).collect();
        if missing.is_empty() {
            return Ok(false);
        }
        // Asked for after the look at the folder: a file is claimed before it leaves.
        let connection = &mut lock(&self.connection);
        let unclaimed = ExportFile::unclaimed(connection, id)?;
        let lost: Vec<i32> = missing.into_iter().filter(|number| unclaimed.contains(number)).collect();
        if lost.is_empty() {
            return Ok(false);
        }
        warn!(
            export = id,
            "{} files of export {id} have disappeared from the inbox, and are fetched again",
            lost.len()
        );
        ExportFile::fetch_again(connection, id, &lost)?;
        ExportJob::set_status(connection, id, "fetching")?;
        Ok(true)
    }

    fn tell_differences(&self, id: i64) -> Result<(), Failure> {
        for difference in ExportFile::differences(&mut lock(&self.connection), id)? {
            let name = difference.resource_type.as_deref().unwrap_or("resources");
            warn!(
                export = id,
                "file {} of export {id} has {} records of {name}, but the server announced {}",
                difference.number,
                difference.seen,
                difference.announced
            );
        }
        Ok(())
    }

    /// Asks the server to delete exports that have ended. What fails is tried again by the
    /// next run.
    fn delete_ended(&self) {
        if !self.export.delete_export {
            return;
        }
        let feed_id = self.feed.as_ref().map(|feed| feed.id);
        let ended = ExportJob::list_undeleted(&mut lock(&self.connection), feed_id, &self.request_hash);
        for job in ended.unwrap_or_default() {
            if let Err(failure) = self.delete(&job) {
                info!(export = job.id, "export {} could not be deleted at the server: {failure}", job.id);
            }
        }
    }

    fn delete(&self, job: &ExportJob) -> Result<(), Failure> {
        let url = super::authorization::parse(job.status_url.as_deref().unwrap_or_default())?;
        let mut answer = self.send(Call::new(Method::DELETE, url), true)?;
        let is_gone = answer.status.is_success() || matches!(answer.status.as_u16(), 404 | 410);
        if !is_gone {
            let said = said(&self.http.error_body(&mut answer));
            return Err(Failure::of_answer("the request to delete it", answer.status, &answer.headers, said));
        }
        ExportJob::note_deleted(&mut lock(&self.connection), job.id)?;
        passed_feed(FeedStep::Deleted);
        Ok(())
    }
}

/// Whether the server takes requests by POST only.
fn is_other_method_needed(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}
