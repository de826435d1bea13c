//! The *reader* receives the frames of one file after another and packs them
//! into batches of `BATCH_BYTES` for the workers. Small files share a batch.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use fhirmill_core::fhir::requested_base;
use fhirmill_core::read::{
    self, Companion, Document, DocumentFormat, Frame, Location, Payload, ReadDefect, ReadError, ReadLimits,
    ResourceHandler, Stopped,
};
use fhirmill_postgres::failpoint::{self, Step};
use tokio_util::sync::CancellationToken;

use super::buffer_pool::BufferPool;
use super::file_progress::FileProgress;
use super::input_batch::InputBatch;
use super::job::Job;
use super::known_servers::KnownServers;
use super::run_state::RunState;
use crate::config::Settings;
use crate::inbox::InboxFile;
use crate::report::{RunProgress, WorkStage};

/// The most records of a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

/// The surroundings of a reader.
#[derive(Clone, Copy)]
pub(super) struct ReadContext<'r> {
    /// The settings.
    pub settings: &'r Settings,
    /// Cancelled when reading should stop.
    pub cancel: &'r CancellationToken,
    /// Where progress is reported.
    pub progress: &'r RunProgress,
}

impl<'r> From<&Job<'r>> for ReadContext<'r> {
    fn from(job: &Job<'r>) -> Self {
        ReadContext { settings: job.settings, cancel: job.cancel, progress: job.progress }
    }
}

/// See the module.
pub(super) struct Reader<'r> {
    context: ReadContext<'r>,
    sender: SyncSender<InputBatch>,
    state: &'r RunState,
    pool: &'r BufferPool,
    limits: ReadLimits,
    batch_bytes: usize,
    batch: InputBatch,
    file: Option<CurrentFile>,
    servers: KnownServers,
    /// The number of the Bundle around the last frame.
    last_bundle: u64,
    /// The time that was spent waiting for the workers.
    waited: Duration,
}

/// The file that is being read.
struct CurrentFile {
    progress: Arc<FileProgress>,
    /// The bytes of the files before it.
    bytes_before: u64,
    size: u64,
    /// The name of the document that is being read.
    document: String,
    formats: Vec<&'static str>,
    /// The records seen so far, those of committed parts included.
    seen: u64,
    has_too_many_rejects: bool,
}

/// What was read of a file.
pub(super) struct Reading {
    /// How many records it has, as far as it was read.
    pub seen: u64,
    /// The formats of its documents, for people.
    pub form: String,
    /// Why it could not be read to its end. A file that was given up because of
    /// its rejects is no error.
    pub outcome: Result<(), ReadError>,
}

impl<'r> Reader<'r> {
    /// A reader that sends its batches to `sender`, and whose workers share
    /// `state` and `pool`.
    pub fn new(
        context: ReadContext<'r>,
        sender: SyncSender<InputBatch>,
        state: &'r RunState,
        pool: &'r BufferPool,
    ) -> Self {
        Reader {
            context,
            sender,
            state,
            pool,
            limits: context.settings.read_limits(),
            batch_bytes: context.settings.max_batch_bytes(),
            batch: InputBatch::new(0, pool.take()),
            file: None,
            servers: KnownServers::default(),
            last_bundle: 0,
            waited: Duration::ZERO,
        }
    }

    /// Reads a file. Its last records may wait for those of the next file until
    /// [`Reader::flush`]. Records before an error are complete, and are loaded. A
    /// file with too many rejects is not read to its end. Stops if the run is
    /// cancelled or given up.
    pub fn read(
        &mut self,
        file: &InboxFile,
        progress: &Arc<FileProgress>,
        bytes_before: u64,
    ) -> Result<Reading, Stopped> {
        // A file that fits into one batch is not split: its resources refer to
        // each other, and a batch waits for keys that another one is giving.
        let is_split = |room: usize| file.size <= self.batch_bytes as u64 && file.size > room as u64;
        let is_other_source =
            self.batch.source_id().is_some_and(|source_id| source_id != progress.file.source_id);
        if is_other_source || is_split(self.batch_bytes.saturating_sub(self.batch.byte_count())) {
            self.flush()?;
        }
        self.batch.begin_file(progress);
        self.servers.begin_file(&progress.file);
        self.file = Some(CurrentFile {
            progress: Arc::clone(progress),
            bytes_before,
            size: file.size,
            document: String::new(),
            formats: Vec::new(),
            seen: 0,
            has_too_many_rejects: false,
        });
        let limits = self.limits.clone();
        let (since, waited_before) = (Instant::now(), self.waited);
        let outcome = file
            .place
            .open()
            .map_err(ReadError::Open)
            .and_then(|content| read::read_file(content, &limits, self));
        let (seen, form, has_too_many_rejects) = self
            .file
            .take()
            .map(|file| (file.seen, file.formats.join(", "), file.has_too_many_rejects))
            .unwrap_or_default();
        let waited = self.waited - waited_before;
        self.context.progress.activity().add_time(WorkStage::Read, since.elapsed().saturating_sub(waited));
        self.batch.end_file();
        self.context.progress.set(bytes_before + file.size);
        match outcome {
            Err(ReadError::Stopped(_)) if has_too_many_rejects => Ok(Reading { seen, form, outcome: Ok(()) }),
            Err(ReadError::Stopped(stopped)) => Err(stopped),
            outcome => Ok(Reading { seen, form, outcome }),
        }
    }

    /// Sends what has been gathered.
    pub fn flush(&mut self) -> Result<(), Stopped> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let mut next = InputBatch::new(self.batch.number + 1, self.pool.take());
        if let Some(file) = &self.file {
            next.begin_file(&file.progress);
        }
        if let Some(source_id) = self.batch.source_id() {
            self.batch.set_base_urls(self.servers.of(source_id));
        }
        let since = Instant::now();
        let sent = self.sender.send(std::mem::replace(&mut self.batch, next));
        let waited = since.elapsed();
        self.waited += waited;
        self.context.progress.activity().add_time(WorkStage::Wait, waited);
        sent.map_err(|_| Stopped)
    }

    /// Learns from the file that is being read that this is a server of its source.
    fn learn_server(&mut self, base_url: &str) {
        let source_id = self.file().progress.file.source_id;
        self.servers.learn(source_id, base_url);
    }

    /// The servers that were learned since the last call, with their sources.
    pub fn take_learned_servers(&mut self) -> Vec<(i16, String)> {
        self.servers.take_learned()
    }

    fn file(&mut self) -> &mut CurrentFile {
        self.file.as_mut().expect("frames come while a file is read")
    }

    /// Notes a record of that many bytes; `false` if an earlier run has committed
    /// it.
    fn note(&mut self, length: usize) -> Result<bool, Stopped> {
        if self.context.cancel.is_cancelled() || self.state.is_aborted() {
            return Err(Stopped);
        }
        let is_full = self.batch.byte_count() + length > self.batch_bytes;
        if is_full || self.batch.record_count() >= MAX_RECORDS {
            self.flush()?;
        }
        let max_rejects = self.context.settings.limits.max_rejects_per_file;
        let file = self.file();
        let number = file.seen + 1;
        // What an earlier run has committed must be counted before giving up.
        let is_after_committed = || file.progress.file.done.iter().all(|(_, last)| *last < number);
        if file.progress.rejected() > max_rejects && is_after_committed() {
            file.has_too_many_rejects = true;
            return Err(Stopped);
        }
        file.seen = number;
        if file.progress.file.done.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
            self.flush()?;
            return Ok(false);
        }
        self.batch.note_record(number);
        Ok(true)
    }

    fn place(&self, location: &Location) -> String {
        place(self.file.as_ref().map_or("", |file| &file.document), location)
    }
}

impl ResourceHandler for Reader<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        failpoint::passed(Step::Opened);
        let file = self.file();
        document.name.clone_into(&mut file.document);
        let format = document.format.name();
        if !file.formats.contains(&format) {
            file.formats.push(format);
        }
        if let DocumentFormat::Companion(Companion::ExportManifest { request: Some(request), .. }) =
            &document.format
            && let Some(base_url) = requested_base(request)
        {
            self.learn_server(&base_url);
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if !self.note(frame.bytes.len())? {
            return Ok(());
        }
        failpoint::passed(Step::Framed);
        if let Some(bundle) = frame.bundle
            && self.last_bundle != bundle.number()
        {
            self.last_bundle = bundle.number();
            if let Some(base_url) = bundle.base_url() {
                self.learn_server(base_url);
            }
        }
        let file = self.file();
        let read = (frame.offset + frame.bytes.len() as u64).min(file.size);
        let done = file.bytes_before + read;
        self.context.progress.set(done);
        match &frame.payload {
            Payload::None => self.batch.skip(),
            Payload::Patch => {
                let location = self.place(&frame.location);
                let message = "PATCH changes what only the sender's server has; ask for the whole resource";
                self.batch.reject(frame.position, location, "patch", message.to_owned(), frame.bytes);
            }
            Payload::Resource | Payload::Delete => {
                let location = self.place(&frame.location);
                self.batch.push(&frame, location);
            }
        }
        Ok(())
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        if !self.note(defect.bytes.len())? {
            return Ok(());
        }
        let location = self.place(&defect.location);
        let message = format!("{}, at byte {} of the document", defect.reason, defect.detected_at);
        // Defects are not numbered: they take no part in the order of records.
        self.batch.reject(0, location, defect.reason.code(), message, defect.bytes);
        Ok(())
    }
}

/// A place in a file, for the ledger and for people.
pub(super) fn place(document: &str, location: &Location) -> String {
    if document.is_empty() { location.to_string() } else { format!("{document}, {location}") }
}
