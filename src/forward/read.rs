//! Reading the records of a unit from the *archive*, and making Bundles of them.

use std::collections::HashMap;

use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::ledger::forward::{ForwardFile, ForwardWork, Method, PendingResource};

use super::body::{Body, BodyContext, BodyWriter};
use super::bundle::{Bundle, Entry, Reason};
use crate::archive::{ArchiveError, Storage};
use crate::config::{EobCoverage, Settings, SinkSettings};
use crate::feeds::http::Failure;
use crate::pipeline::eob_coverage;
use crate::report::in_one_line;

/// A Bundle gets no more resources when it has so many bytes.
const MOST_BYTES: usize = 16 << 20;

/// Is given what was read.
pub trait Receiver {
    /// A Bundle to send. False to stop.
    fn bundle(&mut self, bundle: Bundle) -> bool;
    /// A resource that cannot be sent, and why. False to stop.
    fn unsendable(&mut self, entry: Entry, reason: Reason) -> bool;
}

/// Reads the records of a unit in the order of files and positions.
pub fn read_unit(
    (settings, sink): (&Settings, &SinkSettings),
    resource_type: &str,
    work: &ForwardWork,
    receiver: &mut dyn Receiver,
) -> Result<(), Failure> {
    let storage = Storage::of(settings);
    let mut gathering = Gathering {
        sink,
        resource_type,
        drops_coverage: settings.eob_coverage == EobCoverage::Drop,
        writer: BodyWriter::new(&sink.leave_out),
        entries: Vec::new(),
        bytes: 0,
        is_stopped: false,
        receiver,
    };
    for file in &work.files {
        let Some(resources) = work.resources.get(&file.id) else { continue };
        gathering.file(settings, &storage, file, resources)?;
        if gathering.is_stopped {
            return Ok(());
        }
    }
    gathering.flush();
    Ok(())
}

/// Gathers entries to Bundles.
struct Gathering<'g> {
    sink: &'g SinkSettings,
    resource_type: &'g str,
    drops_coverage: bool,
    writer: BodyWriter,
    entries: Vec<Entry>,
    bytes: usize,
    is_stopped: bool,
    receiver: &'g mut dyn Receiver,
}

impl Gathering<'_> {
    fn file(
        &mut self,
        settings: &Settings,
        storage: &Storage,
        file: &ForwardFile,
        resources: &[PendingResource],
    ) -> Result<(), Failure> {
        let mut wanted: HashMap<u64, &PendingResource> =
            resources.iter().map(|resource| (resource.position.unsigned_abs(), resource)).collect();
        match storage.open(&file.stored) {
            Ok(archived) => {
                let mut handler = Records { gathering: self, wanted: &mut wanted };
                let read = read::read_file(archived, &settings.read_limits(), &mut handler);
                // Files that were loaded may have defects behind what was loaded of them.
                if let Err(error) = read
                    && error.is_retryable()
                    && !wanted.is_empty()
                    && !self.is_stopped
                {
                    return Err(unreadable(file, &in_one_line(&error)));
                }
            }
            Err(
                ArchiveError::Missing { .. }
                | ArchiveError::Removed { .. }
                | ArchiveError::Resized { .. }
                | ArchiveError::Changed { .. },
            ) => {}
            // The archive is away: nothing is wrong with the resources.
            Err(error) => return Err(unreadable(file, &in_one_line(&error))),
        }
        let mut missing: Vec<&PendingResource> = wanted.into_values().collect();
        missing.sort_by_key(|resource| resource.position);
        for resource in missing {
            if self.is_stopped {
                break;
            }
            self.unsendable(resource, "archive");
        }
        Ok(())
    }

    fn entry(&self, resource: &PendingResource, body: Vec<u8>) -> Entry {
        Entry {
            resource_type: self.resource_type.to_owned(),
            fhir_id: resource.fhir_id.clone(),
            content_hash: resource.content_hash.clone(),
            place: Some((resource.file_id, resource.position)),
            body,
        }
    }

    fn unsendable(&mut self, resource: &PendingResource, code: &str) {
        let reason = Reason { code: Some(code.to_owned()), ..Reason::default() };
        let entry = self.entry(resource, Vec::new());
        self.is_stopped |= !self.receiver.unsendable(entry, reason);
    }

    fn record(&mut self, resource: &PendingResource, frame: &Frame<'_>) {
        let reduced = if self.drops_coverage { eob_coverage::without(frame.bytes) } else { None };
        let received = reduced.as_deref().unwrap_or(frame.bytes);
        let context = BodyContext { fhir_id: &resource.fhir_id, bundle: frame.bundle };
        let body = match self.writer.write(received, context) {
            Body::Same => received.to_vec(),
            Body::Changed(text) => text.into_bytes(),
            Body::Incomplete => return self.unsendable(resource, "incomplete"),
            Body::Unreadable => return self.unsendable(resource, "archive"),
        };
        if self.bytes + body.len() > MOST_BYTES || self.entries.len() >= self.sink.batch_size {
            self.flush();
        }
        self.bytes += body.len();
        let entry = self.entry(resource, body);
        self.entries.push(entry);
    }

    fn flush(&mut self) {
        let entries = std::mem::take(&mut self.entries);
        self.bytes = 0;
        if !entries.is_empty() && !self.is_stopped {
            self.is_stopped = !self.receiver.bundle(Bundle { method: Method::Put, entries });
        }
    }
}

fn unreadable(file: &ForwardFile, error: &str) -> Failure {
    let reason = format!("file {} cannot be read in the archive: {error}", file.id);
    Failure::Transient { reason, after: None, is_verdict: false }
}

/// The records of one file, of which some are wanted.
struct Records<'r, 'g, 'p> {
    gathering: &'r mut Gathering<'g>,
    wanted: &'r mut HashMap<u64, &'p PendingResource>,
}

impl ResourceHandler for Records<'_, '_, '_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource {
            return Ok(());
        }
        let Some(resource) = self.wanted.remove(&frame.position) else { return Ok(()) };
        self.gathering.record(resource, &frame);
        if self.gathering.is_stopped || self.wanted.is_empty() { Err(Stopped) } else { Ok(()) }
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
