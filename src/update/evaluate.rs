//! What became of an update, by what was decided on its records.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use fhirmill_core::sink::Outcome;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::load::Loader;
use fhirmill_postgres::registry::Revision;

use super::{Answer, Applied, Change, Precondition, Refusal, Update, Versions};
use crate::pipeline::updates::{GroupOutcome, LineEntry, LineOutcome, Problem};

impl Refusal {
    /// For that reason.
    pub fn refused(message: &str) -> Self {
        Refusal::Refused { message: message.to_owned(), path: None }
    }

    /// For that problem.
    fn of(problem: &Problem) -> Self {
        Refusal::Refused { message: problem.message.clone(), path: problem.path.clone() }
    }
}

/// The revisions of resources that a group leaves as they are.
pub struct Revisions(HashMap<i64, Revision>);

impl Revisions {
    /// Asks for those that the outcomes do not tell.
    pub fn load(connection: &mut PgConnection, outcomes: &GroupOutcome) -> Result<Self, LoadError> {
        let keys: Vec<i64> = outcomes
            .values()
            .filter_map(|outcome| match outcome {
                LineOutcome::Decided(decided) if decided.outcome.revision().is_none() => decided.key,
                _ => None,
            })
            .collect();
        if keys.is_empty() {
            return Ok(Revisions(HashMap::new()));
        }
        let found = Loader::revisions(connection, &keys)?;
        Ok(Revisions(found.into_iter().map(|revision| (revision.key, revision)).collect()))
    }
}

/// The version of a resource before an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Before {
    exists: bool,
    revision: i32,
}

/// The answer to the update on that line of its group, if nothing else gets in its way.
pub fn evaluate(update: &Update, line: usize, outcomes: &GroupOutcome, revisions: &Revisions) -> Answer {
    let now = Utc::now();
    let mut applied: BTreeMap<u32, Applied> = BTreeMap::new();
    for record in &update.records {
        let entry = record.entry;
        if applied.contains_key(&entry) {
            continue;
        }
        let mut of_entry = Applied {
            entry,
            resource_type: record.resource_type,
            fhir_id: record.fhir_id.clone(),
            change: Err(Refusal::refused("it holds nothing that can be loaded")),
            revision: None,
            last_modified: now,
        };
        if let Some(outcome) = outcomes.get(&LineEntry { line, entry }) {
            let before = of_entry.take(outcome, revisions, now);
            let condition = update.preconditions.iter().find(|condition| condition.entry == entry);
            if let Some(condition) = condition {
                check(condition, before).map_err(|refusal| (entry, refusal))?;
            }
        }
        if let (Err(refusal), true) = (&of_entry.change, update.is_atomic) {
            return Err((entry, refusal.clone()));
        }
        applied.insert(entry, of_entry);
    }
    Ok(applied.into_values().collect())
}

impl Applied {
    /// Takes over what was decided; returns what there was before.
    fn take(&mut self, outcome: &LineOutcome, revisions: &Revisions, now: DateTime<Utc>) -> Option<Before> {
        let decided = match outcome {
            LineOutcome::Decided(decided) => decided,
            LineOutcome::Rejected(reject) => {
                self.change = Err(match reject.reason.as_str() {
                    "conditional_delete" => Refusal::PreconditionFailed(reject.message.clone()),
                    _ => Refusal::of(&Problem::of(self.entry, reject)),
                });
                return None;
            }
        };
        self.resource_type = decided.resource_type;
        self.fhir_id.clone_from(&decided.fhir_id);
        self.revision = decided.outcome.revision();
        let stored = decided.key.and_then(|key| revisions.0.get(&key));
        let is_revived = decided.is_revived;
        let before =
            |revision: i32| Some(Before { exists: !is_revived && revision > 1, revision: revision - 1 });
        let unchanged = || stored.map(|of| Before { exists: !of.is_deleted, revision: of.revision });
        let (change, before) = match decided.outcome {
            Outcome::Inserted { .. } => (Ok(Change::Created), before(1)),
            Outcome::Updated { revision, .. } if is_revived => (Ok(Change::Created), before(revision)),
            Outcome::Updated { revision, .. } => (Ok(Change::Updated), before(revision)),
            Outcome::Deleted { revision, .. } => (Ok(Change::Deleted), before(revision)),
            Outcome::Unchanged if stored.is_some_and(|of| of.is_deleted) => {
                (Ok(Change::Deleted), unchanged())
            }
            Outcome::Unchanged => (Ok(Change::Unchanged), unchanged()),
            Outcome::Stale => (Err(Refusal::Stale), unchanged()),
        };
        self.change = change;
        self.revision = self.revision.or(stored.map(|of| of.revision));
        self.last_modified = stored.map_or(now, |of| of.loaded_at);
        before
    }
}

/// Refuses an entry whose condition does not hold.
fn check(condition: &Precondition, before: Option<Before>) -> Result<(), Refusal> {
    let before = before.unwrap_or(Before { exists: false, revision: 0 });
    let is_one_of = |versions: &Versions| match versions {
        Versions::Any => before.exists,
        Versions::These(revisions) => before.exists && revisions.contains(&before.revision),
    };
    if condition.if_match.as_ref().is_some_and(|versions| !is_one_of(versions)) {
        let sentence = match before.exists {
            true => format!("the version of the resource is {}", before.revision),
            false => "the resource does not exist".to_owned(),
        };
        return Err(Refusal::PreconditionFailed(sentence));
    }
    if condition.if_none_match.as_ref().is_some_and(is_one_of) {
        let sentence = format!("the resource exists, in version {}", before.revision);
        return Err(Refusal::PreconditionFailed(sentence));
    }
    Ok(())
}
