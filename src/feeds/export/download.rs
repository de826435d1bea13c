//! *Downloads*: the files of an export on their way into the inbox.
//!
//! A download that breaks off goes on where it was if the server says that it still has the
//! same content, and begins anew otherwise. gzip on the wire stays gzip in the inbox.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::Ordering;

use fhirmill_postgres::failpoint::{FeedStep, passed};
use fhirmill_postgres::ledger::{ExportFile, ExportJob};
use fhirmill_postgres::lock::lock;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED};

use super::ExportRun;
use super::count::{count_bundles, count_headers, count_lines};
use super::manifest::ManifestFile;
use super::retry::Attempts;
use crate::feeds::http::{Answer, Call, Failure};
use crate::inbox::{Landing, escaped, land_file, source_folder};

/// After so many bytes they are flushed to disk, and the ledger notes it.
const CHECKPOINT_BYTES: u64 = 32 << 20;

/// What there is of a file.
struct Partial {
    file: File,
    size: u64,
    /// What the rest must belong to; none if it must be fetched from the beginning.
    validator: Option<String>,
    is_gzip: bool,
}

impl ExportRun<'_> {
    /// Fetches a file and puts it where it belongs.
    pub(super) fn fetch(&self, file: &ExportFile, source: &ManifestFile) -> Result<(), Failure> {
        let known = if file.validator.is_some() { file.size_bytes.unsigned_abs() } else { 0 };
        let (opened, size) = self.spool.open_file(file.job_id, file.number, known)?;
        let mut partial = Partial { file: opened, size, validator: file.validator.clone(), is_gzip: false };
        let mut attempts = Attempts::new(self, file.job_id);
        loop {
            let before = partial.size;
            let outcome = self.attempt(file, source, &mut partial);
            if partial.size > before && partial.validator.is_some() {
                attempts.reset();
            }
            match outcome {
                Ok(()) => break,
                Err(failure) => attempts.failed(failure)?,
            }
        }
        partial.file.sync_all()?;
        self.checkpoint(file, &partial)?;
        passed(FeedStep::Fetched);
        if !ExportJob::is_open(&mut lock(&self.connection), file.job_id)? {
            return Err(Failure::Permanent("the export was ended".to_owned()));
        }
        if file.kind == "outcome" {
            return self.keep(file, &partial);
        }
        if partial.size == 0 {
            file.note_fetched(&mut lock(&self.connection), "empty", Some(0))?;
            return Ok(std::fs::remove_file(self.spool.path(file.job_id, file.number))?);
        }
        self.count(file, &self.spool.path(file.job_id, file.number))?;
        self.land(file, partial.is_gzip)
    }

    /// Counts what the ledger does not when the file is loaded: header lines of organized files, and
    /// the Bundles that deletes come in.
    fn count(&self, file: &ExportFile, path: &Path) -> Result<(), Failure> {
        let limits = self.settings.read_limits();
        match file.kind.as_str() {
            "output" if self.is_organized.load(Ordering::Relaxed) => {
                let count = count_headers(path, &limits)?;
                Ok(file.note_headers(&mut lock(&self.connection), count)?)
            }
            "deleted" => {
                let count = count_bundles(path, &limits)?;
                Ok(file.note_bundles(&mut lock(&self.connection), count)?)
            }
            _ => Ok(()),
        }
    }

    fn attempt(
        &self,
        file: &ExportFile,
        source: &ManifestFile,
        partial: &mut Partial,
    ) -> Result<(), Failure> {
        let offset = if partial.validator.is_some() { partial.size } else { 0 };
        let mut call = Call::get(source.url.clone()).accept("application/fhir+ndjson");
        call = match &partial.validator {
            Some(validator) if offset > 0 => call
                .header("Accept-Encoding", "identity")
                .header("Range", &format!("bytes={offset}-"))
                .header("If-Range", validator),
            _ => call.header("Accept-Encoding", "gzip"),
        };
        let needs_token = source.needs_token.unwrap_or_else(|| self.authorizer.is_of_server(&source.url));
        let mut answer = self.send(call, needs_token)?;
        match answer.status {
            StatusCode::PARTIAL_CONTENT if continues_at(&answer.headers, offset) => {}
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                partial.begin_anew()?;
                return Err(transient("a file cannot be continued, and begins anew"));
            }
            StatusCode::OK | StatusCode::NO_CONTENT => partial.begin_anew()?,
            // How storage says that a link has expired.
            StatusCode::FORBIDDEN => return Err(Failure::Gone(403)),
            status => {
                let said = super::outcome::said(&self.http.error_body(&mut answer));
                return Err(Failure::of_answer("a file", status, &answer.headers, said));
            }
        }
        partial.is_gzip = is_gzip(&answer.headers)?;
        partial.validator = validator(&answer.headers).filter(|_| !partial.is_gzip);
        self.receive(file, &mut answer, partial)
    }

    fn receive(&self, file: &ExportFile, answer: &mut Answer, partial: &mut Partial) -> Result<(), Failure> {
        let mut flushed = partial.size;
        partial.file.seek(SeekFrom::Start(partial.size))?;
        while let Some(bytes) = self.http.chunk(answer)? {
            let bytes = bytes.as_ref();
            if partial.size + bytes.len() as u64 > self.most_file_bytes {
                return Err(Failure::Permanent(format!(
                    "a file has more than {} bytes",
                    self.most_file_bytes
                )));
            }
            partial.file.write_all(bytes)?;
            partial.size += bytes.len() as u64;
            if partial.size - flushed >= CHECKPOINT_BYTES {
                partial.file.sync_data()?;
                flushed = partial.size;
                self.checkpoint(file, partial)?;
            }
        }
        Ok(())
    }

    fn checkpoint(&self, file: &ExportFile, partial: &Partial) -> Result<(), Failure> {
        let connection = &mut lock(&self.connection);
        file.checkpoint(connection, partial.size, partial.validator.as_deref())?;
        passed(FeedStep::Checkpoint);
        Ok(())
    }

    /// Moves a file that is complete into the inbox.
    fn land(&self, file: &ExportFile, is_gzip: bool) -> Result<(), Failure> {
        let ending = if is_gzip { ".gz" } else { "" };
        // The type comes first: some are loaded before others.
        let resource_type = file.resource_type.as_deref().filter(|name| is_word(name)).unwrap_or(&file.kind);
        let name = format!("{resource_type}-export-{}-{:05}.ndjson{ending}", file.job_id, file.number);
        self.land_as(file, &name)
    }

    fn land_as(&self, file: &ExportFile, name: &str) -> Result<(), Failure> {
        let inbox = &self.settings.inbox_dir;
        let folder = source_folder(inbox, self.source)?;
        let from = self.spool.path(file.job_id, file.number);
        land_file(&from, &folder, name, &mut |target| {
            let below = target.strip_prefix(inbox).map_err(std::io::Error::other)?;
            let noted = file.note_landing(&mut lock(&self.connection), &escaped(below.as_os_str()));
            noted.map_err(std::io::Error::other)?;
            passed(FeedStep::LandingNoted);
            Ok(())
        })?;
        passed(FeedStep::Landed);
        file.note_fetched(&mut lock(&self.connection), "landed", None)?;
        Ok(())
    }

    /// Finishes the landing that a process that died had begun.
    pub(super) fn finish_landing(&self, file: &ExportFile) -> Result<(), Failure> {
        let name = file.landed_path.as_deref().map(|path| path.rsplit('/').next().unwrap_or(path));
        match name {
            Some(name) if self.spool.path(file.job_id, file.number).exists() => self.land_as(file, name),
            _ => Ok(file.note_fetched(&mut lock(&self.connection), "landed", None)?),
        }
    }

    /// Puts OperationOutcomes about the export beside the rejects: they are no data.
    fn keep(&self, file: &ExportFile, partial: &Partial) -> Result<(), Failure> {
        let path = self.spool.path(file.job_id, file.number);
        let seen = if partial.is_gzip { None } else { Some(count_lines(&path)?) };
        if partial.size > 0 {
            let ending = if partial.is_gzip { ".gz" } else { "" };
            let name = format!("outcomes-export-{}-{:05}.ndjson{ending}", file.job_id, file.number);
            let mut landing =
                Landing::begin(&source_folder(&self.settings.rejects_dir, self.source)?, &name)?;
            std::io::copy(&mut File::open(&path)?, &mut landing)?;
            landing.finish()?;
        }
        file.note_fetched(&mut lock(&self.connection), "kept", seen)?;
        Ok(std::fs::remove_file(path)?)
    }
}

impl Partial {
    fn begin_anew(&mut self) -> Result<(), Failure> {
        self.file.set_len(0)?;
        (self.size, self.validator) = (0, None);
        Ok(())
    }
}

fn is_word(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|letter| letter.is_ascii_alphanumeric())
}

fn transient(reason: &str) -> Failure {
    Failure::Transient {
        reason: reason.to_owned(),
        after: Some(std::time::Duration::ZERO),
        is_verdict: false,
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &reqwest::header::HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim)
}

/// Whether the part that came is the one that was asked for.
fn continues_at(headers: &HeaderMap, offset: u64) -> bool {
    let range = text(headers, &CONTENT_RANGE).and_then(|range| range.strip_prefix("bytes "));
    let first =
        range.and_then(|range| range.split_once('-')).and_then(|(first, _)| first.trim().parse().ok());
    offset > 0 && first == Some(offset)
}

/// What says that the content is the same; none where it cannot be continued.
fn validator(headers: &HeaderMap) -> Option<String> {
    if text(headers, &ACCEPT_RANGES) == Some("none") {
        return None;
    }
    let strong = text(headers, &ETAG).filter(|etag| etag.starts_with('"'));
    strong.or_else(|| text(headers, &LAST_MODIFIED)).map(str::to_owned)
}

fn is_gzip(headers: &HeaderMap) -> Result<bool, Failure> {
    match text(headers, &CONTENT_ENCODING).map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "identity") => Ok(false),
        Some("gzip" | "x-gzip") => Ok(true),
        Some(_) => Err(Failure::Permanent("a file came in an encoding that was not asked for".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn only_content_that_is_surely_the_same_is_continued() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            pairs.iter().for_each(|(name, value)| {
                headers.insert(*name, value.parse().unwrap());
            });
            validator(&headers)
        };
        assert_eq!(of(&[("etag", "\"a\"")]).as_deref(), Some("\"a\""));
        assert_eq!(of(&[("etag", "W/\"a\"")]), None);
        assert_eq!(of(&[("etag", "\"a\""), ("accept-ranges", "none")]), None);
        let modified = "Sun, 29 Nov 2026 10:01:40 GMT";
        assert_eq!(of(&[("etag", "W/\"a\""), ("last-modified", modified)]).as_deref(), Some(modified));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_RANGE, "bytes 5-9/10".parse().unwrap());
        assert!(continues_at(&headers, 5) && !continues_at(&headers, 4) && !continues_at(&headers, 0));
    }
}
