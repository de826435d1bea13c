//! *Asking* a server for an export, how far it is, and to delete it.

use chrono::{TimeDelta, Utc};
use fhirmill_postgres::failpoint::{FeedStep, passed};
use fhirmill_postgres::ledger::ExportJob;
use fhirmill_postgres::lock::lock;
use reqwest::header::CONTENT_LOCATION;
use reqwest::{Method, StatusCode, Url};
use tracing::info;

use super::ExportRun;
use super::authorization::parse;
use super::manifest::Manifest;
use super::outcome::{is_verdict, printable, said, said_in_full};
use super::retry::{Attempts, poll_wait};
use crate::feeds::http::{Answer, Call, Failure, retry_after};

/// The most bytes of a page of a manifest.
const MOST_MANIFEST_BYTES: usize = 64 << 20;

impl ExportRun<'_> {
    /// Asks for the export. A process that dies between the answer and the ledger leaves an
    /// export at the server that nobody knows of: the standard has nothing against it.
    pub(super) fn ask(&self, job: &ExportJob) -> Result<(), Failure> {
        passed(FeedStep::Requested);
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
        passed(FeedStep::Accepted);
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
    pub(super) fn poll(&self, job: &ExportJob) -> Result<Manifest, Failure> {
        let Some(url) = &job.status_url else {
            return Err(Failure::Permanent("the ledger has no status URL".to_owned()));
        };
        let mut next = Some(parse(url)?);
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
        passed(FeedStep::Polled);
        let said = said.unwrap_or_default();
        info!(export = job.id, "the server works on export {}: {said}", job.id);
        if self.is_submitted {
            return Err(Failure::Waiting);
        }
        self.wait(wait)
    }

    /// Asks the server to delete exports that have ended. What fails is tried again by the
    /// next run.
    pub(super) fn delete_ended(&self) {
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
        let url = parse(job.status_url.as_deref().unwrap_or_default())?;
        let mut answer = self.send(Call::new(Method::DELETE, url), true)?;
        let is_gone = answer.status.is_success() || matches!(answer.status.as_u16(), 404 | 410);
        if !is_gone {
            let said = said(&self.http.error_body(&mut answer));
            return Err(Failure::of_answer("the request to delete it", answer.status, &answer.headers, said));
        }
        ExportJob::note_deleted(&mut lock(&self.connection), job.id)?;
        passed(FeedStep::Deleted);
        Ok(())
    }
}

/// Whether the server takes requests by POST only.
fn is_other_method_needed(status: StatusCode) -> bool {
    matches!(status, StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
}
