//! *Scanning* an archived file: every record in it, with what it is and where it stands.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::undo::UndoFile;

use super::EraseError;
use super::reading::{Meaning, Reader, Reading, Surroundings};
use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::job::Job;
use crate::pipeline::worker::{Named, Worker};

/// The most records of a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

/// What stands somewhere in a file.
pub(super) enum What<'w> {
    /// A resource, and what it is named, if it can be mapped.
    Resource { reading: Reading, named: Option<Named> },
    /// A Bundle entry without a resource to load, and what its URLs mean.
    Entry(Vec<Meaning>),
    /// What cannot be read, or its beginning. `is_frame`: but where it ends is known.
    Text { bytes: Cow<'w, [u8]>, is_frame: bool },
}

/// Something in a file.
pub(super) struct Found<'w> {
    /// The number of the document.
    pub member: u32,
    /// Where it stands there; without an end if that is not known.
    pub start: u64,
    /// How long it is.
    pub length: Option<u64>,
    /// The Bundle entry around it.
    pub entry: Option<Range<u64>>,
    /// Its position in the file; 0 if it is none of its frames.
    pub position: u64,
    /// What it is.
    pub what: What<'w>,
}

type Take<'t> = dyn FnMut(Found<'_>) -> Result<(), EraseError> + 't;

/// Passes on everything that is in the file. Batches are numbered from `number` on.
pub(super) fn scan(
    job: &Job<'_>,
    worker: &mut Worker,
    (file, archived): (&UndoFile, Box<dyn ReadAt>),
    number: &mut u64,
    take: &mut Take<'_>,
) -> Result<(), EraseError> {
    let progress = Arc::new(FileProgress::new(ClaimedFile {
        id: file.id,
        source_id: file.source_id,
        base_urls: file.base_urls.clone(),
        done: Vec::new(),
        rejected: 0,
    }));
    let mut batch = InputBatch::new(*number, Vec::new());
    batch.begin_file(&progress);
    let mut handler = Handler {
        job,
        worker,
        take,
        progress: &progress,
        base_urls: &file.base_urls,
        reader: Reader::new(),
        batch,
        places: Vec::new(),
        number,
        failure: None,
    };
    // What follows a place that cannot be read was not loaded either.
    let _ = read::read_file(archived, &job.settings.read_limits(), &mut handler);
    if let Some(failure) = handler.failure.take() {
        return Err(failure);
    }
    handler.flush()
}

struct Handler<'h> {
    job: &'h Job<'h>,
    worker: &'h mut Worker,
    take: &'h mut Take<'h>,
    progress: &'h Arc<FileProgress>,
    base_urls: &'h [String],
    reader: Reader,
    batch: InputBatch,
    /// The entries around the records of the batch, and whether they are entries themselves.
    places: Vec<(Option<Range<u64>>, bool)>,
    number: &'h mut u64,
    failure: Option<EraseError>,
}

impl Handler<'_> {
    fn flush(&mut self) -> Result<(), EraseError> {
        if self.places.is_empty() {
            return Ok(());
        }
        // As they stand in the file: what is named may be other JSON, by EOB_COVERAGE.
        let read: Vec<What<'static>> = (0..self.places.len()).map(|record| self.read(record)).collect();
        let (named, _) = self.worker.named(&mut self.batch)?;
        let places = std::mem::take(&mut self.places);
        let records = self.batch.records().iter().zip(places).zip(named).zip(read);
        for (((record, (entry, _)), named), mut what) in records {
            match &mut what {
                What::Resource { reading, named: of_resource } => {
                    for mention in &mut reading.mentions {
                        if let Meaning::Resource(named) = &mut mention.meaning
                            && let Some(id) = self.worker.led_to(named)
                        {
                            named.1 = id.to_owned();
                        }
                    }
                    *of_resource = named;
                }
                What::Entry(urls) => urls.extend(named.map(Meaning::Resource)),
                What::Text { .. } => {}
            }
            let origin = &record.origin;
            (self.take)(Found {
                member: origin.member,
                start: origin.offset,
                length: Some(origin.length),
                entry,
                position: origin.position,
                what,
            })?;
        }
        *self.number += 1;
        let mut bytes = std::mem::take(&mut self.batch).into_bytes();
        bytes.clear();
        self.batch = InputBatch::new(*self.number, bytes);
        self.batch.begin_file(self.progress);
        Ok(())
    }

    fn read(&mut self, number: usize) -> What<'static> {
        let record = &self.batch.records()[number];
        let bytes = self.batch.bytes(record);
        let around = Surroundings {
            bundle: record.bundle.as_ref(),
            full_url: record.full_url.as_deref(),
            base_urls: self.base_urls,
        };
        match self.places[number].1 {
            true => What::Entry(self.reader.urls(bytes, &around)),
            false => match self.reader.read(bytes, &around) {
                Some(reading) => What::Resource { reading, named: None },
                None => What::Text { bytes: Cow::Owned(bytes.to_vec()), is_frame: true },
            },
        }
    }

    fn stopped(&mut self, done: Result<(), EraseError>) -> Result<(), Stopped> {
        done.map_err(|failure| {
            self.failure = Some(failure);
            Stopped
        })
    }

    fn push(&mut self, frame: &Frame<'_>) -> Result<(), EraseError> {
        if self.job.cancel.is_cancelled() {
            return Err(EraseError::Interrupted);
        }
        let is_full = self.batch.byte_count() + frame.bytes.len() > self.job.settings.max_batch_bytes();
        if is_full || self.places.len() >= MAX_RECORDS {
            self.flush()?;
        }
        if !matches!(frame.payload, Payload::Resource | Payload::Delete) {
            let around = Surroundings {
                bundle: frame.bundle,
                full_url: frame.full_url.as_deref(),
                base_urls: self.base_urls,
            };
            let what = What::Entry(self.reader.urls(frame.bytes, &around));
            let length = Some(frame.bytes.len() as u64);
            let (member, start, entry, position) =
                (frame.member, frame.offset, frame.entry.clone(), frame.position);
            return (self.take)(Found { member, start, length, entry, position, what });
        }
        self.batch.note_record(frame.position);
        self.batch.push(frame, String::new());
        self.places.push((frame.entry.clone(), frame.payload == Payload::Delete));
        Ok(())
    }
}

impl ResourceHandler for Handler<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        let done = self.push(&frame);
        self.stopped(done)
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        let done = (self.take)(Found {
            member: defect.member,
            start: defect.offset,
            length: defect.length,
            entry: None,
            position: 0,
            what: What::Text { bytes: Cow::Borrowed(defect.bytes), is_frame: false },
        });
        self.stopped(done)
    }
}
