//! A *worker* takes batches from the queue, maps their resources and loads
//! them over its own connection.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tracing::error;

use super::handover::Handover;
use super::{PipelineError, Progress, eob_coverage, timezone};
use crate::config::{EobCoverage, KeepBodies, ResourceTypes, Settings};
use crate::database::Database;
use crate::json::{Parser, Value};
use crate::kind::moment;
use crate::load::{Account, Delete, Load, LoadError, Loader, Origin, Reject};
use crate::map::{self, Batch, FullUrls, Identity, Input, Mapper, Plan};
use crate::model::ResourceType;
use crate::source::{Bundle, Content, Frame};

impl FullUrls for Bundle {
    fn resolve(&self, full_url: &str) -> Option<(ResourceType, Cow<'_, str>)> {
        let (name, fhir_id) = Bundle::resolve(self, full_url)?;
        Some((ResourceType::named(name)?, fhir_id))
    }
}

/// A record that waits to be mapped.
pub(super) struct Record {
    bytes: Range<usize>,
    delete: Option<String>,
    origin: Origin,
    location: String,
    full_url: Option<String>,
    last_modified: Option<String>,
    bundle: Option<Arc<Bundle>>,
}

impl Record {
    pub fn of(frame: &Frame<'_>, location: String) -> Self {
        let url = || frame.request.as_ref().map(|request| request.url.clone().into_owned());
        let delete = (frame.content == Content::Delete).then(|| url().unwrap_or_default());
        Record {
            bytes: 0..0,
            delete,
            origin: Origin {
                position: frame.position,
                member: frame.member,
                offset: frame.offset,
                length: frame.bytes.len() as u64,
            },
            location,
            full_url: frame.full_url.clone().map(Cow::into_owned),
            last_modified: frame.last_modified.clone().map(Cow::into_owned),
            bundle: frame.bundle.cloned(),
        }
    }

    fn effective_at(&self) -> Option<&str> {
        let of_bundle = || self.bundle.as_ref()?.timestamp();
        self.last_modified.as_deref().or_else(of_bundle)
    }
}

/// Records of one file that are loaded together.
pub(super) struct Work {
    pub progress: Arc<Progress>,
    pub bytes: Vec<u8>,
    records: Vec<Record>,
    rejects: Vec<Reject>,
    rejected_bytes: usize,
    pub skipped: u64,
    numbers: Option<(u64, u64)>,
    /// Rows are written anew, nothing is decided.
    pub is_remap: bool,
}

impl Work {
    /// Empty; `bytes` is memory to use.
    pub fn new(progress: Arc<Progress>, bytes: Vec<u8>) -> Self {
        Work {
            progress,
            bytes,
            records: Vec::new(),
            rejects: Vec::new(),
            rejected_bytes: 0,
            skipped: 0,
            numbers: None,
            is_remap: false,
        }
    }

    pub fn note_record(&mut self, number: u64) {
        let first = self.numbers.map_or(number, |(first, _)| first);
        self.numbers = Some((first, number));
    }

    pub fn push(&mut self, record: Record, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.records.push(Record { bytes: start..self.bytes.len(), ..record });
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_none()
    }

    pub fn reject(&mut self, reject: Reject) {
        self.rejected_bytes += reject.raw.len();
        self.rejects.push(reject);
    }

    /// The bytes of all records that are held, rejected ones too.
    pub fn byte_count(&self) -> usize {
        self.bytes.len() + self.rejected_bytes
    }

    pub fn record_count(&self) -> usize {
        self.records.len() + self.rejects.len()
    }
}

pub(super) struct Worker {
    mapper: Mapper,
    loader: Loader,
    batch: Batch,
    keeps_bodies: bool,
    drops_coverage: bool,
    wanted: ResourceTypes,
    timezone: crate::kind::Timezone,
}

/// What mapping a batch gave, besides its rows.
#[derive(Default)]
struct Mapped {
    origins: Vec<Origin>,
    /// Which record each resource is of.
    records: Vec<usize>,
    deletes: Vec<Delete>,
    rejects: Vec<Reject>,
    skipped: u64,
}

impl Worker {
    pub fn new(settings: &Settings, database: &Database) -> Result<Self, PipelineError> {
        let plan = Plan::built_in();
        let timezone = timezone(settings);
        Ok(Worker {
            mapper: Mapper::new(plan, map::Settings { timezone }),
            loader: Loader::new(database.connect()?, plan)?,
            batch: Batch::new(plan.table_names.len()),
            keeps_bodies: settings.keep_bodies == KeepBodies::Database,
            drops_coverage: settings.eob_coverage == EobCoverage::Drop,
            wanted: settings.resource_types.clone(),
            timezone,
        })
    }

    /// Works until the queue is closed. After a failure of the database the
    /// rest of the queue is left unloaded: its files are taken again later.
    pub fn run(&mut self, handover: &Handover) {
        while let Some(mut work) = handover.receive() {
            let result = if handover.is_aborted() {
                Err(LoadError::Abandoned)
            } else {
                // A worker that died would leave its batch uncounted and the reader waiting.
                catch_unwind(AssertUnwindSafe(|| self.work(&mut work))).unwrap_or(Err(LoadError::Panicked))
            };
            if let Err(failure) = &result
                && !matches!(failure, LoadError::ClaimLost)
                && handover.abort()
            {
                error!(file.id = work.progress.file.id, "a batch could not be loaded: {failure}");
            }
            work.progress.done(result);
            handover.give_spare(work.bytes);
        }
    }

    /// Maps and loads one batch.
    pub fn work(&mut self, work: &mut Work) -> Result<(Account, BTreeMap<&'static str, u64>), LoadError> {
        if self.drops_coverage {
            drop_coverage(work);
        }
        let source_id = work.progress.file.source_id;
        let mut mapped = self.map(work);
        // The database knows who bears the numbers that references name; the
        // batch is mapped again with what it says, and remembers it.
        if self.loader.learn_identifiers(source_id, self.mapper.identifiers())? {
            mapped = self.map(work);
            self.mapper.identifiers().take_asked();
        }
        let mut by_type = BTreeMap::new();
        for resource in 0..self.batch.resources().len() {
            *by_type.entry(self.batch.identity(resource).resource_type.name()).or_default() += 1;
        }
        let bodies: Option<Vec<&[u8]>> = self.keeps_bodies.then(|| {
            mapped.records.iter().map(|record| &work.bytes[work.records[*record].bytes.clone()]).collect()
        });
        let mut rejects = std::mem::take(&mut work.rejects);
        rejects.append(&mut mapped.rejects);
        let account = self.loader.load(&mut Load {
            run_id: work.progress.run_id,
            file_id: work.progress.file.id,
            source_id,
            records: work.numbers.unwrap_or_default(),
            batch: &mut self.batch,
            origins: &mapped.origins,
            bodies: bodies.as_deref(),
            deletes: &mapped.deletes,
            rejects: &rejects,
            skipped: work.skipped + mapped.skipped,
            is_remap: work.is_remap,
        })?;
        Ok((account, by_type))
    }

    fn map(&mut self, work: &Work) -> Mapped {
        self.batch.clear();
        let mut mapped = Mapped::default();
        for (index, record) in work.records.iter().enumerate() {
            let bytes = &work.bytes[record.bytes.clone()];
            if let Some(url) = &record.delete {
                match self.delete(url, record) {
                    Some(delete) => mapped.deletes.push(delete),
                    None => mapped.rejects.push(Reject {
                        position: record.origin.position,
                        location: record.location.clone(),
                        resource_type: None,
                        fhir_id: None,
                        reason: "conditional_delete".to_owned(),
                        message: "DELETE does not name one resource as Type/id".to_owned(),
                        raw: bytes.to_vec(),
                    }),
                }
                continue;
            }
            if !self.is_wanted(bytes) {
                mapped.skipped += 1;
                continue;
            }
            let input = Input {
                bytes,
                full_url: record.full_url.as_deref(),
                full_urls: record.bundle.as_deref().map(|bundle| bundle as &dyn FullUrls),
                effective_at: record.effective_at(),
            };
            match self.mapper.map(&input, &mut self.batch) {
                Ok(()) => {
                    mapped.origins.push(record.origin);
                    mapped.records.push(index);
                }
                Err(error) => {
                    let (resource_type, fhir_id) = error.resource();
                    mapped.rejects.push(Reject {
                        position: record.origin.position,
                        location: record.location.clone(),
                        resource_type: resource_type.map(str::to_owned),
                        fhir_id: fhir_id.map(str::to_owned),
                        reason: error.reason().to_owned(),
                        message: error.to_string(),
                        raw: bytes.to_vec(),
                    });
                }
            }
        }
        mapped
    }

    fn is_wanted(&self, bytes: &[u8]) -> bool {
        match &self.wanted {
            ResourceTypes::All => true,
            ResourceTypes::Only(wanted) => {
                let mut parser = Parser::default();
                let Ok(tree) = parser.parse(bytes) else { return true };
                let resource_type = tree.root().get("resourceType").and_then(Value::as_text);
                resource_type.is_none_or(|resource_type| wanted.contains(&*resource_type))
            }
        }
    }

    fn delete(&mut self, url: &str, record: &Record) -> Option<Delete> {
        let (name, fhir_id) = url.rsplit_once('/')?;
        let name = name.rsplit('/').next()?;
        let resource_type = ResourceType::named(name)?;
        if fhir_id.is_empty() || fhir_id.contains(['?', '#']) {
            return None;
        }
        let effective_at = record
            .effective_at()
            .and_then(|written| moment::date_time(written, self.timezone))
            .map(|span| span.start);
        Some(Delete {
            identity: Identity { resource_type, fhir_id: fhir_id.to_owned() },
            position: record.origin.position,
            effective_at,
        })
    }
}

/// Rewrites the batch's ExplanationOfBenefits without their coverages.
fn drop_coverage(work: &mut Work) {
    for record in &mut work.records {
        if let Some(without) = eob_coverage::without(&work.bytes[record.bytes.clone()]) {
            let start = work.bytes.len();
            work.bytes.extend_from_slice(&without);
            record.bytes = start..work.bytes.len();
        }
    }
}
