//! The *unchanged records* of a batch: the registry holds them already as the
//! current versions of their resources, and they are not mapped.

use std::collections::BTreeMap;

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::Fingerprint;
use fhirmill_core::version::Place;
use fhirmill_postgres::ledger::FileRelations;
use fhirmill_postgres::load::FilePart;
use fhirmill_postgres::registry::UnchangedAnswer;

use super::input_batch::InputBatch;

/// See the module.
#[derive(Default)]
pub(super) struct UnchangedRecords {
    /// By record; empty if the registry was not asked.
    is_unchanged: Vec<bool>,
    by_type: BTreeMap<&'static str, u64>,
    /// Which files have contents that other files brought first.
    pub relations: FileRelations,
    /// File, type and id of each, if they were noted.
    pub identities: Vec<(i64, ResourceType, String)>,
}

impl UnchangedRecords {
    /// What the registry answered, and the fingerprint of each record.
    pub fn new(answer: UnchangedAnswer, fingerprints: &[Option<Fingerprint>]) -> Self {
        let UnchangedAnswer { is_unchanged, relations } = answer;
        let mut by_type = BTreeMap::new();
        for (fingerprint, _) in fingerprints.iter().zip(&is_unchanged).filter(|(_, is)| **is) {
            if let Some(fingerprint) = fingerprint {
                *by_type.entry(fingerprint.resource_type.name()).or_default() += 1;
            }
        }
        UnchangedRecords { is_unchanged, by_type, relations, identities: Vec::new() }
    }

    /// These records are left out, by number.
    pub fn left_out(is_left_out: Vec<bool>) -> Self {
        UnchangedRecords { is_unchanged: is_left_out, ..UnchangedRecords::default() }
    }

    /// The record of that number is left out, too.
    pub fn leave_out(&mut self, record: usize) {
        if let Some(is_left_out) = self.is_unchanged.get_mut(record) {
            *is_left_out = true;
        }
    }

    /// Notes what the unchanged records are, by the places and the fingerprints of all.
    pub fn note_identities(&mut self, places: &[Place], fingerprints: Vec<Option<Fingerprint>>) {
        let records = places.iter().zip(fingerprints).zip(&self.is_unchanged).filter(|(_, is)| **is);
        let identities = records.filter_map(|((place, fingerprint), _)| {
            fingerprint.map(|known| (place.file, known.resource_type, known.fhir_id))
        });
        self.identities = identities.collect();
    }

    /// The record of that number, of `count`, changes nothing either.
    pub fn mark(&mut self, record: usize, count: usize, resource_type: ResourceType) {
        self.is_unchanged.resize(count, false);
        if !std::mem::replace(&mut self.is_unchanged[record], true) {
            *self.by_type.entry(resource_type.name()).or_default() += 1;
        }
    }

    /// Whether the record of that number is unchanged.
    pub fn contains(&self, record: usize) -> bool {
        self.is_unchanged.get(record).copied().unwrap_or(false)
    }

    /// The record of that number leaves the batch.
    pub fn remove(&mut self, record: usize) {
        if record < self.is_unchanged.len() {
            self.is_unchanged.remove(record);
        }
    }

    /// Their number by resource type.
    pub fn by_type(&self) -> &BTreeMap<&'static str, u64> {
        &self.by_type
    }

    /// Counts them in the files of the batch.
    pub fn count_in(&self, batch: &InputBatch, files: &mut [FilePart]) {
        for (record, _) in batch.records().iter().zip(&self.is_unchanged).filter(|(_, is)| **is) {
            files[record.origin.file].unchanged += 1;
        }
    }
}
