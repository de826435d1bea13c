//! The *check* of updates: a line is mapped before it is written anywhere, so that whoever
//! sent it is told what is wrong with it, and nothing of it is kept.

use std::sync::Mutex;

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::Plan;
use fhirmill_core::read::{ReadError, ReadLimits};
use fhirmill_postgres::ledger::ClaimedFile;
use fhirmill_postgres::load::Reject;
use fhirmill_postgres::lock::lock;

use super::group::{Group, GroupStart, LineEntry};
use crate::config::{EobCoverage, Settings};
use crate::pipeline::batch_mapper::BatchMapper;
use crate::pipeline::eob_coverage;

/// Checks lines, one at a time.
struct UpdateChecker {
    mapper: BatchMapper,
    limits: ReadLimits,
    eob_coverage: EobCoverage,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The entry of the Bundle, from 1.
    pub entry: u32,
    /// The reason code of a reject.
    pub reason: String,
    /// The reason, for people.
    pub message: String,
    /// The path of the element that is wrong, such as `Patient.birthDate`.
    pub path: Option<String>,
}

/// The path of the element that a record was rejected for, such as `Patient.birthDate`:
/// messages begin with it.
pub fn element_path(resource_type: Option<&str>, reason: &str, message: &str) -> Option<String> {
    let (path, _) = message.split_once(": ").filter(|_| reason == "invalid_value")?;
    Some(format!("{}.{path}", resource_type?))
}

/// A resource that a line writes or deletes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRecord {
    /// The entry of the Bundle, from 1.
    pub entry: u32,
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub fhir_id: String,
}

/// What is found out about a line.
#[derive(Clone, Debug, Default)]
pub struct CheckedLine {
    /// What it writes or deletes, as far as it can be loaded.
    pub records: Vec<CheckedRecord>,
    /// What cannot be loaded.
    pub problems: Vec<Problem>,
}

impl UpdateChecker {
    /// Maps by the built-in plan, as the settings say.
    fn new(settings: &Settings) -> Self {
        let mut mapper = BatchMapper::new(settings, Plan::built_in());
        // Whether the source may send them is seen when they are loaded.
        mapper.allow_views(settings.view_sources().next().is_some());
        UpdateChecker { mapper, limits: settings.read_limits(), eob_coverage: settings.eob_coverage }
    }

    /// Checks one line.
    fn check(&mut self, line: &[u8]) -> Result<CheckedLine, ReadError> {
        let nowhere =
            ClaimedFile { id: 0, source_id: 0, base_urls: Vec::new(), done: Vec::new(), rejected: 0 };
        let start = GroupStart { batch_number: 0, records: 0, position: 1, offset: 0 };
        let mut group = Group::read(&nowhere, start, line.to_vec(), &self.limits)?;
        if self.eob_coverage == EobCoverage::Drop {
            group.batch.rewrite(eob_coverage::without);
        }
        let mapped = self.mapper.map(&group.batch, &|_| false);
        let mut checked = CheckedLine::default();
        let entry = |position| group.place(position).map_or(0, |LineEntry { entry, .. }| entry);
        for (resource, origin) in mapped.origins.iter().enumerate() {
            let identity = self.mapper.rows.identity(resource);
            checked.push(entry(origin.position), identity.resource_type, identity.fhir_id);
        }
        for delete in &mapped.deletes {
            let identity = self.mapper.rows.target_identity(delete.target);
            checked.push(entry(delete.position), identity.resource_type, identity.fhir_id);
        }
        for reject in mapped.rejects {
            let entry = entry(reject.position);
            checked.problems.push(Problem::of(entry, &reject));
        }
        for (_, resource_type) in mapped.skipped.keys() {
            let message = format!("{} is not among the types that are loaded here", resource_type.name());
            checked.problems.push(Problem { entry: 0, reason: "not_wanted".to_owned(), message, path: None });
        }
        for (place, message) in group.defects {
            checked.problems.push(Problem {
                entry: place.entry,
                reason: "not_json".to_owned(),
                message,
                path: None,
            });
        }
        Ok(checked)
    }
}

impl Problem {
    /// That of a record that was rejected.
    pub fn of(entry: u32, reject: &Reject) -> Self {
        let path = element_path(reject.resource_type.as_deref(), &reject.reason, &reject.message);
        Problem { entry, reason: reject.reason.clone(), message: reject.message.clone(), path }
    }
}

impl CheckedLine {
    fn push(&mut self, entry: u32, resource_type: ResourceType, fhir_id: &str) {
        self.records.push(CheckedRecord { entry, resource_type, fhir_id: fhir_id.to_owned() });
    }
}

/// Checkers that are not in use, so that their memory is used again.
#[derive(Default)]
pub struct Checkers(Mutex<Vec<UpdateChecker>>);

impl Checkers {
    /// Checks one line.
    pub fn check(&self, settings: &Settings, line: &[u8]) -> Result<CheckedLine, ReadError> {
        let idle = lock(&self.0).pop();
        let mut checker = idle.unwrap_or_else(|| UpdateChecker::new(settings));
        let checked = checker.check(line);
        lock(&self.0).push(checker);
        checked
    }
}

impl std::fmt::Debug for Checkers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Checkers")
    }
}
