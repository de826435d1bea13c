//! A *lifeline*: the contents that a resource went through in one batch, for the
//! history of its rows.

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::sink::KeyedBatch;

use super::candidate::{Candidate, Record};
use super::verdict::Verdict;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Lifeline {
    /// The resource's key.
    pub key: i64,
    /// When the content took effect that the tables have; `None` if they have none.
    /// In microseconds since 2000-01-01 UTC.
    pub stored_since: Option<i64>,
    /// The contents that followed, at least one.
    pub contents: Vec<Content>,
}

/// One content of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    /// The number of the resource in the batch; `None` for a delete.
    pub resource: Option<usize>,
    /// When it took effect, in microseconds since 2000-01-01 UTC, if the sender
    /// gave a time.
    pub time: Option<i64>,
}

/// The lifelines of those resources of these types of which other contents than
/// the first one came.
pub(super) fn lifelines(
    batch: &KeyedBatch<'_>,
    candidates: &[Candidate],
    verdicts: &[Verdict],
    resource_types: &[ResourceType],
) -> Vec<Lifeline> {
    let mut lifelines = Vec::new();
    for verdict in verdicts {
        let is_only = verdict.stored.is_none() && verdict.changes.len() == 1;
        let Some(first) = verdict.changes.first().filter(|_| !is_only) else { continue };
        if !resource_types.contains(&batch.rows.resource_type(candidates[*first].target)) {
            continue;
        }
        let contents = verdict.changes.iter().map(|number| content(&candidates[*number])).collect();
        let living = verdict.stored.filter(|stored| stored.content_hash.is_some());
        let stored_since = living.map(|stored| stored.content_since);
        lifelines.push(Lifeline { key: verdict.key, stored_since, contents });
    }
    lifelines
}

fn content(candidate: &Candidate) -> Content {
    let resource = match candidate.record {
        Record::Resource(number) => Some(number),
        Record::Delete(_) => None,
    };
    Content { resource, time: candidate.version.time }
}
