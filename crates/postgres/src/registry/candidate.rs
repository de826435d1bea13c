//! The *candidates* of a batch: its records as the version order sees them.

use fhirmill_core::rows::Target;
use fhirmill_core::sink::{KeyedBatch, Outcome, Outcomes};
use fhirmill_core::version::{Place, Version, number_of};

/// A record of a batch.
pub(super) struct Candidate {
    pub key: i64,
    pub target: Target,
    pub version: Version,
    /// `None` for a delete.
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
    /// The record's outcome as that revision of its resource.
    pub fn applied(&self, revision: i32) -> Outcome {
        let key = self.key;
        match self.record {
            Record::Delete(_) => Outcome::Deleted { key, revision },
            Record::Resource(_) if revision > 1 => Outcome::Updated { key, revision },
            Record::Resource(_) => Outcome::Inserted { key },
        }
    }
}

/// All records of the batch, in the order of keys, and those of one resource as
/// they were read.
pub(super) fn candidates(batch: &KeyedBatch<'_>) -> Vec<Candidate> {
    let place = |file: usize, position: u64| Place { file: batch.file_ids[file], position: position as i64 };
    let resources = batch.rows.resources().iter().zip(batch.origins).enumerate();
    let resources = resources.map(|(number, (registration, origin))| Candidate {
        key: batch.keys[registration.target as usize],
        target: registration.target,
        version: Version {
            time: registration.effective_at,
            number: registration.version_id.as_deref().and_then(number_of),
            place: place(origin.file, origin.position),
        },
        content_hash: registration.content_hash,
        record: Record::Resource(number),
    });
    let deletes = batch.deletes.iter().enumerate().map(|(number, delete)| Candidate {
        key: batch.keys[delete.target as usize],
        target: delete.target,
        version: Version {
            time: delete.effective_at,
            number: delete.version,
            place: place(delete.file, delete.position),
        },
        content_hash: None,
        record: Record::Delete(number),
    });
    let mut candidates = Vec::with_capacity(batch.origins.len() + batch.deletes.len());
    candidates.extend(resources);
    candidates.extend(deletes);
    candidates.sort_unstable_by_key(|candidate| (candidate.key, candidate.version.place));
    candidates
}
