//! The *candidates* of a batch: its records as the order rule sees them. Of
//! several records of one resource only the newest goes to the registry.

use fhirmill_core::rows::Target;
use fhirmill_core::sink::{KeyedBatch, Outcome, Outcomes};

use super::confirmations::Confirmation;

/// A record of a batch.
pub(super) struct Candidate {
    pub key: i64,
    pub target: Target,
    /// In microseconds since 2000-01-01 UTC, as of every time here.
    pub effective_at: Option<i64>,
    /// `meta.versionId`, if it is a number.
    pub version: Option<i64>,
    /// Its file, by its place among the batch's files.
    pub file: usize,
    /// Its position in the file.
    pub position: u64,
    pub content_hash: Option<[u8; 32]>,
    pub record: Record,
}

/// Which record of the batch a candidate is.
#[derive(Clone, Copy)]
pub(super) enum Record {
    /// The resource of that number.
    Resource(usize),
    /// The delete of that number.
    Delete(usize),
}

impl Record {
    /// The record's outcome.
    pub fn outcome(self, outcomes: &mut Outcomes) -> &mut Outcome {
        match self {
            Record::Resource(resource) => &mut outcomes.of_resources[resource],
            Record::Delete(delete) => &mut outcomes.of_deletes[delete],
        }
    }
}

impl Candidate {
    /// Whether it takes effect after `other`, by the same rule as the registry's.
    fn is_newer_than(&self, other: &Self) -> bool {
        let is_later_in_order = (self.file, self.position) > (other.file, other.position);
        self.is_later(other.effective_at, other.version).unwrap_or(is_later_in_order)
    }

    /// Whether it takes effect after a record that was read later and was found
    /// unchanged.
    pub fn is_newer_than_confirmed(&self, confirmed: Confirmation) -> bool {
        self.is_later(confirmed.effective_at, confirmed.version).unwrap_or(false)
    }

    /// The record's outcome as that revision of its resource.
    pub fn applied(&self, revision: i32) -> Outcome {
        let key = self.key;
        match self.record {
            Record::Delete(_) => Outcome::Deleted { key, revision },
            Record::Resource(_) if revision > 1 => Outcome::Updated { key, revision },
            Record::Resource(_) => Outcome::Inserted { key },
        }
    }

    /// By times, then by versions, as far as senders give both; `None` if that
    /// leaves it open.
    fn is_later(&self, effective_at: Option<i64>, version: Option<i64>) -> Option<bool> {
        let by_time = self.effective_at.zip(effective_at).filter(|(own, others)| own != others);
        let by_version = || self.version.zip(version).filter(|(own, others)| own != others);
        by_time.or_else(by_version).map(|(own, others)| own > others)
    }
}

/// The newest record of each resource, in the order of keys. Of the others,
/// notes those as unchanged that have the same content as the newest.
pub(super) fn newest(batch: &KeyedBatch<'_>, outcomes: &mut Outcomes) -> Vec<Candidate> {
    let mut candidates = candidates(batch);
    candidates.sort_unstable_by_key(|candidate| (candidate.key, candidate.file, candidate.position));
    let mut newest: Vec<Candidate> = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        let Some(last) = newest.last_mut().filter(|last| last.key == candidate.key) else {
            newest.push(candidate);
            continue;
        };
        let is_newer = candidate.is_newer_than(last);
        let older = if is_newer { std::mem::replace(last, candidate) } else { candidate };
        if older.content_hash == last.content_hash {
            *older.record.outcome(outcomes) = Outcome::Unchanged;
        }
    }
    newest
}

fn candidates(batch: &KeyedBatch<'_>) -> Vec<Candidate> {
    let resources = batch.rows.resources().iter().zip(batch.origins).enumerate();
    let resources = resources.map(|(number, (registration, origin))| Candidate {
        key: batch.keys[registration.target as usize],
        target: registration.target,
        effective_at: registration.effective_at,
        version: registration.version_id.as_deref().and_then(|version| version.parse().ok()),
        file: origin.file,
        position: origin.position,
        content_hash: registration.content_hash,
        record: Record::Resource(number),
    });
    let deletes = batch.deletes.iter().enumerate().map(|(number, delete)| Candidate {
        key: batch.keys[delete.target as usize],
        target: delete.target,
        effective_at: delete.effective_at,
        version: None,
        file: delete.file,
        position: delete.position,
        content_hash: None,
        record: Record::Delete(number),
    });
    let mut candidates = Vec::with_capacity(batch.origins.len() + batch.deletes.len());
    candidates.extend(resources);
    candidates.extend(deletes);
    candidates
}
