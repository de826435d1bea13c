//! Mapping an input batch: its records become rows, deletes and rejects.

use std::collections::BTreeMap;
use std::sync::Arc;

use fhirmill_core::datatype::{Timezone, moment};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{
    Deletion, EarlierReferences, Fingerprint, FullUrls, IdentifierCache, Input, MapError, MapSettings,
    Mapper, Plan, RowBatch,
};
use fhirmill_core::sink::{Delete, Origin};
use fhirmill_postgres::failpoint::{self, Fault};
use fhirmill_postgres::load::Reject;
use rustc_hash::FxHashMap;

use super::conditions::{RedirectedUrls, Redirects};
use super::input_batch::{InputBatch, Record};
use crate::config::{ResourceTypes, Settings};

/// Maps one batch at a time, and reuses the memory of its rows.
pub(super) struct BatchMapper {
    mapper: Mapper,
    /// The rows of the batch that was mapped last.
    pub rows: RowBatch,
    /// What conditional requests of the batch lead to.
    pub redirects: Redirects,
    /// In a remap, by position what the references of a resource led to before.
    pub earlier: FxHashMap<u64, EarlierReferences>,
    wanted: ResourceTypes,
    timezone: Timezone,
}

/// What a batch was mapped to, besides its rows.
#[derive(Default)]
pub(super) struct Mapped {
    /// Where each resource of the rows stands.
    pub origins: Vec<Origin>,
    /// The number of the record that each resource of the rows was mapped from.
    pub records: Vec<usize>,
    /// The DELETE entries, and resources that are marked as deleted.
    pub deletes: Vec<Delete>,
    /// Records that could not be mapped.
    pub rejects: Vec<Reject>,
    /// How many resources are not wanted, by file and type.
    pub skipped: BTreeMap<(usize, ResourceType), u64>,
    /// How many header lines of exports there are, by file: they are no data.
    pub headers: BTreeMap<usize, u64>,
}

impl Mapped {
    /// How many records are skipped, and the file that each of these counts is of.
    pub fn skipped_in_files(&self) -> impl Iterator<Item = (usize, u64)> {
        let of_types = self.skipped.iter().map(|((file, _), count)| (*file, *count));
        of_types.chain(self.headers.iter().map(|(file, count)| (*file, *count)))
    }

    /// The JSON of each resource of the rows.
    pub fn bodies<'b>(&self, batch: &'b InputBatch) -> Vec<&'b [u8]> {
        self.records.iter().map(|record| batch.bytes(&batch.records()[*record])).collect()
    }
}

impl BatchMapper {
    /// Maps by that plan, as the settings say.
    pub fn new(settings: &Settings, plan: Arc<Plan>) -> Self {
        let timezone = settings.assume_timezone;
        BatchMapper {
            rows: RowBatch::new(plan.tables.len()),
            mapper: Mapper::new(plan, MapSettings { timezone }),
            redirects: Redirects::new(),
            earlier: FxHashMap::default(),
            wanted: settings.resource_types.clone(),
            timezone,
        }
    }

    /// The plan that it maps by.
    pub fn plan(&self) -> &Plan {
        self.mapper.plan()
    }

    /// From now on maps by that plan.
    pub fn follow(&mut self, plan: Arc<Plan>) {
        self.rows = RowBatch::new(plan.tables.len());
        // Whoever maps allows views again.
        self.mapper = Mapper::new(plan, MapSettings { timezone: self.timezone });
    }

    /// From now on only resources of these types are wanted, whatever the settings
    /// say.
    pub fn want(&mut self, resource_types: ResourceTypes) {
        self.wanted = resource_types;
    }

    /// Whether ViewDefinitions are mapped.
    pub fn allow_views(&mut self, are_allowed: bool) {
        self.mapper.allow_views(are_allowed);
    }

    /// The owners of identifiers in references, as far as they are known.
    pub fn identifiers(&mut self) -> &mut IdentifierCache {
        self.mapper.identifiers()
    }

    /// Identity, version and hash of a record; `None` if it cannot be mapped or is
    /// not wanted.
    pub fn fingerprint(&mut self, batch: &InputBatch, record: &Record) -> Option<Fingerprint> {
        self.mapper.fingerprint(&input(batch, record, &self.wanted, self.timezone))
    }

    /// Maps the records of the batch, but for those that are left out by their
    /// number.
    pub fn map(&mut self, batch: &InputBatch, is_left_out: &dyn Fn(usize) -> bool) -> Mapped {
        self.rows.clear();
        let mut mapped = Mapped::default();
        for (number, record) in batch.records().iter().enumerate() {
            if is_left_out(number) || failpoint::has(Fault::RecordDropped) {
                continue;
            }
            if let Some(url) = &record.delete {
                match self.delete(url, record) {
                    Some(delete) => mapped.deletes.push(delete),
                    None => {
                        let message = "DELETE does not name one resource as Type/id".to_owned();
                        let reject = record.reject("conditional_delete", message, batch.bytes(record));
                        mapped.rejects.push(reject);
                    }
                }
                continue;
            }
            let earlier = self.earlier.get(&record.origin.position);
            let redirected = record.bundle.as_deref().map(|bundle| RedirectedUrls {
                bundle,
                redirects: &self.redirects,
                earlier,
            });
            let mut input = Input { earlier, ..input(batch, record, &self.wanted, self.timezone) };
            if let Some(redirected) = redirected.as_ref().filter(|_| !self.redirects.is_empty()) {
                input.full_urls = Some(redirected);
            }
            match self.mapper.map(&input, &mut self.rows) {
                Ok(()) => {
                    mapped.origins.push(record.origin);
                    mapped.records.push(number);
                }
                Err(MapError::Deleted { target, effective_at, version }) => mapped.deletes.push(Delete {
                    file: record.origin.file,
                    target,
                    position: record.origin.position,
                    effective_at,
                    version,
                }),
                Err(MapError::NotWanted { resource_type }) => {
                    *mapped.skipped.entry((record.origin.file, resource_type)).or_default() += 1;
                }
                Err(MapError::ExportHeader) => *mapped.headers.entry(record.origin.file).or_default() += 1,
                Err(error) => mapped.rejects.push(reject(batch, record, &error)),
            }
        }
        mapped
    }

    /// The deletion that a DELETE entry orders, if its URL names one resource.
    fn delete(&mut self, url: &str, record: &Record) -> Option<Delete> {
        let is_history = record.bundle.as_ref().is_some_and(|bundle| bundle.bundle_type() == Some("history"));
        let Deletion { resource_type, fhir_id, version } = Deletion::of(url, is_history)?;
        let effective_at = record
            .effective_at(self.timezone)
            .and_then(|written| moment::date_time(written, self.timezone))
            .map(|span| span.start);
        Some(Delete {
            file: record.origin.file,
            target: self.rows.target(resource_type, &fhir_id),
            position: record.origin.position,
            effective_at,
            version,
        })
    }
}

/// A record that cannot be mapped.
fn reject(batch: &InputBatch, record: &Record, error: &MapError) -> Reject {
    let (resource_type, fhir_id) = error.resource();
    Reject {
        resource_type: resource_type.map(str::to_owned),
        fhir_id: fhir_id.map(str::to_owned),
        ..record.reject(error.reason(), error.to_string(), batch.bytes(record))
    }
}

/// A record as the mapper takes it.
fn input<'b>(
    batch: &'b InputBatch,
    record: &'b Record,
    wanted: &'b ResourceTypes,
    timezone: Timezone,
) -> Input<'b> {
    Input {
        bytes: batch.bytes(record),
        id: record.id.as_deref(),
        full_url: record.full_url.as_deref(),
        full_urls: record.bundle.as_deref().map(|bundle| bundle as &dyn FullUrls),
        base_urls: batch.base_urls(),
        effective_at: record.effective_at(timezone),
        earlier: None,
        wanted: match wanted {
            ResourceTypes::All => None,
            ResourceTypes::Only(types) => Some(types),
        },
    }
}
