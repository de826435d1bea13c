//! What the engine does with what is found in a file.

use fhirmill_core::datatype::{Timezone, moment};
use fhirmill_core::fhir::requested_base;
use fhirmill_core::map::{Deletion, Input, MapError};
use fhirmill_core::read::{
    Companion, Document, DocumentFormat, Frame, Location, Payload, ReadDefect, ResourceHandler, Stopped,
    effective_at,
};
use fhirmill_core::version::{Place, Version};

use super::{Delete, Engine, EngineError, MAX_RECORDS, Reject};

/// Records between two questions whether to stop.
const PATIENCE: u64 = 256;
const PATIENCE_BYTES: usize = 1 << 20;

/// Hands the content of one file to the engine.
pub struct Handler<'e> {
    engine: &'e mut Engine,
    /// The row that the file stands in, if it is a text of a column.
    row: Option<u64>,
    document: String,
    bytes_since_asked: usize,
}

impl<'e> Handler<'e> {
    pub fn new(engine: &'e mut Engine, row: Option<u64>) -> Self {
        Handler { engine, row, document: String::new(), bytes_since_asked: 0 }
    }

    fn place(&self, location: &Location) -> String {
        let is_whole = *location == Location::default();
        match (self.row, self.document.is_empty()) {
            (Some(row), _) if is_whole => format!("row {row}"),
            (Some(row), _) => format!("row {row}, {location}"),
            (None, true) => location.to_string(),
            (None, false) => format!("{}, {location}", self.document),
        }
    }

    /// Before a record of that many bytes: closes the batch if it is full, and asks whether
    /// to stop.
    fn begin(&mut self, bytes: usize) -> Result<(), Stopped> {
        let engine = &mut *self.engine;
        let records = engine.places.len() + engine.deletes.len();
        if engine.json_bytes + bytes > engine.options.batch_bytes || records >= MAX_RECORDS {
            if let Err(error) = engine.close_batch() {
                engine.stopped = Some(EngineError::Output(error));
                return Err(Stopped);
            }
        }
        engine.json_bytes += bytes;
        self.bytes_since_asked += bytes;
        if self.bytes_since_asked > PATIENCE_BYTES || engine.file().seen.is_multiple_of(PATIENCE) {
            self.bytes_since_asked = 0;
            if (engine.is_interrupted)() {
                engine.stopped = Some(EngineError::Interrupted);
                return Err(Stopped);
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Stopped> {
        if self.engine.stopped.is_some() { Err(Stopped) } else { Ok(()) }
    }

    fn learn_servers(&mut self, frame: &Frame<'_>) {
        if let Some(bundle) = frame.bundle
            && self.engine.servers.is_new(bundle.number())
            && let Some(base_url) = bundle.base_url()
        {
            self.engine.learn_server(base_url);
        }
    }

    fn resource(&mut self, frame: &Frame<'_>) {
        let engine = &mut *self.engine;
        let timezone = engine.options.timezone;
        let base_urls = engine.servers.base_urls();
        let input = Input { base_urls, effective_at: time_of(frame, timezone), ..Input::from(frame) };
        let place = Place { file: engine.files.len() as i64, position: frame.position as i64 };
        let faults_before = fault_count(engine);
        match engine.mapper.map(&input, &mut engine.rows) {
            Ok(()) => {
                engine.places.push(place);
                engine.file().seen += 1;
                if fault_count(engine) > faults_before {
                    self.view_fault(frame);
                }
            }
            Err(MapError::Deleted { target, effective_at, version }) => {
                let version = Version { time: effective_at, number: version, place };
                engine.deletes.push(Delete { target, version });
                engine.file().seen += 1;
            }
            Err(MapError::NotWanted { .. } | MapError::ExportHeader) => self.skip(),
            Err(error) => self.refuse(&frame.location, &error),
        }
    }

    fn delete(&mut self, frame: &Frame<'_>) {
        let url = frame.request.as_ref().map_or("", |request| &request.url);
        let is_history = frame.bundle.is_some_and(|bundle| bundle.bundle_type() == Some("history"));
        let Some(Deletion { resource_type, fhir_id, version }) = Deletion::of(url, is_history) else {
            let place = self.place(&frame.location);
            let reason = "DELETE does not name one resource as Type/id".to_owned();
            return self.engine.reject(&place, "conditional_delete", reason);
        };
        let engine = &mut *self.engine;
        let timezone = engine.options.timezone;
        let time = time_of(frame, timezone).and_then(|written| moment::date_time(written, timezone));
        let version = Version {
            time: time.map(|span| span.start),
            number: version,
            place: Place { file: engine.files.len() as i64, position: frame.position as i64 },
        };
        let target = engine.rows.target(resource_type, &fhir_id);
        engine.deletes.push(Delete { target, version });
        engine.file().seen += 1;
    }

    fn skip(&mut self) {
        let file = self.engine.file();
        file.seen += 1;
        file.skipped += 1;
    }

    fn refuse(&mut self, location: &Location, error: &MapError) {
        let location = self.place(location);
        let (resource_type, fhir_id) = error.resource();
        let path = match error {
            MapError::Value { path, .. } => Some(path.clone()),
            _ => None,
        };
        let engine = &mut *self.engine;
        let file = engine.file();
        file.seen += 1;
        file.rejected += 1;
        let file = file.file.clone();
        engine.keep(Reject {
            file,
            location,
            resource_type: resource_type.map(str::to_owned),
            fhir_id: fhir_id.map(str::to_owned),
            path,
            reason: error.reason().to_owned(),
            message: error.to_string(),
        });
    }

    /// The resource just mapped does not fit the view, and has no rows in it.
    fn view_fault(&mut self, frame: &Frame<'_>) {
        let location = self.place(&frame.location);
        let engine = &mut *self.engine;
        let identity = engine.rows.identity(engine.places.len() - 1);
        let (resource_type, fhir_id) =
            (identity.resource_type.name().to_owned(), identity.fhir_id.to_owned());
        let faults = engine.rows.view_faults();
        let message = match faults.last() {
            Some(fault) if fault.resources == 1 => fault.first.to_string(),
            _ => "the resource does not fit the view".to_owned(),
        };
        let file = engine.file().file.clone();
        engine.keep(Reject {
            file,
            location,
            resource_type: Some(resource_type),
            fhir_id: Some(fhir_id),
            path: None,
            reason: "view".to_owned(),
            message,
        });
    }
}

fn fault_count(engine: &Engine) -> u64 {
    engine.rows.view_faults().iter().map(|fault| fault.resources).sum()
}

/// When the record took effect.
fn time_of<'f>(frame: &'f Frame<'_>, timezone: Timezone) -> Option<&'f str> {
    effective_at(frame.last_modified.as_deref(), frame.bundle, timezone)
}

impl ResourceHandler for Handler<'_> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        if let DocumentFormat::Companion(Companion::ExportManifest { request: Some(request), .. }) =
            &document.format
            && let Some(base_url) = requested_base(request)
        {
            self.engine.learn_server(&base_url);
        }
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        self.begin(frame.bytes.len())?;
        self.learn_servers(&frame);
        match frame.payload {
            Payload::Resource => self.resource(&frame),
            Payload::Delete => self.delete(&frame),
            Payload::None => self.skip(),
            Payload::Patch => {
                let place = self.place(&frame.location);
                let reason = "PATCH changes what only the sender's server has; ask for the whole resource";
                self.engine.reject(&place, "patch", reason.to_owned());
            }
        }
        self.end()
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.begin(defect.bytes.len())?;
        let place = self.place(&defect.location);
        let reason = format!("{}, at byte {} of the document", defect.reason, defect.detected_at);
        self.engine.reject(&place, defect.reason.code(), reason);
        self.end()
    }
}
