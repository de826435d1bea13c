//! A *verdict*: what the records of a batch do to one resource, by the version
//! order.

use fhirmill_core::sink::{KeyedBatch, Outcome, Outcomes};
use fhirmill_core::version::{Current, Effect};

use super::candidate::Candidate;
use super::confirmations::Confirmation;
use super::stored::Stored;
use crate::LoadError;
use crate::ledger::FileRelations;

/// What becomes of the registry's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The resource is new.
    Insert,
    /// Another content counts.
    Replace,
    /// The same content counts, of a later time or place.
    Move,
    /// The same version counts, with another inherited time or number.
    Raise,
    /// Nothing.
    Keep,
}

/// See the module. The numbers are those of candidates.
pub(super) struct Verdict {
    pub key: i64,
    pub action: Action,
    /// The candidate that counts; `None` if the stored version does.
    pub winner: Option<usize>,
    /// The candidates that counted one after the other, each with another content
    /// than the one before.
    pub changes: Vec<usize>,
    pub order: Current,
    pub stored: Option<Stored>,
    /// The first file that brought the content that counts.
    pub content_file: i64,
}

/// Decides on one resource: `numbers` are its candidates. Notes in `relations`
/// which files could change it if they were delivered again.
///
/// # Errors
///
/// [`LoadError::OutOfTurn`] if earlier batches have to be decided on first, and
/// it is not said that they are.
pub(super) fn judge(
    candidates: &[Candidate],
    numbers: std::ops::Range<usize>,
    stored: Option<Stored>,
    confirmed: Option<Confirmation>,
    is_in_turn: bool,
    relations: &mut FileRelations,
) -> Result<Verdict, LoadError> {
    let first = &candidates[numbers.start];
    let mut verdict = match stored {
        Some(stored) => Verdict::of_stored(first.key, stored, confirmed),
        None => Verdict::of_first(first, numbers.start),
    };
    let mut content_hash = stored.map_or(first.content_hash, |stored| stored.content_hash);
    for number in numbers.skip(usize::from(stored.is_none())) {
        let candidate = &candidates[number];
        let change = verdict.order.decide(&candidate.version);
        if change.needs_order && !is_in_turn {
            return Err(LoadError::OutOfTurn);
        }
        let is_same = candidate.content_hash == content_hash;
        let (file, content_file) = (candidate.version.place.file, verdict.content_file);
        match (change.is_reversible, is_same) {
            (true, true) => relations.add_overlap(file, content_file),
            (true, false) if change.wins => relations.add_superseded(content_file, file),
            (true, false) => relations.add_superseded(file, verdict.order.version.place.file),
            (false, _) => {}
        }
        if !change.wins {
            continue;
        }
        verdict.winner = Some(number);
        if !is_same {
            verdict.changes.push(number);
        }
        if !is_same || !change.is_reversible {
            verdict.content_file = file;
        }
        content_hash = candidate.content_hash;
    }
    verdict.action = verdict.action(content_hash);
    Ok(verdict)
}

impl Verdict {
    fn of_first(first: &Candidate, number: usize) -> Self {
        Verdict {
            key: first.key,
            action: Action::Insert,
            winner: Some(number),
            changes: vec![number],
            order: Current::first(first.version),
            stored: None,
            content_file: first.version.place.file,
        }
    }

    /// The stored version may have been found unchanged by a batch that was read
    /// later: it counts as if that had been written.
    fn of_stored(key: i64, stored: Stored, confirmed: Option<Confirmation>) -> Self {
        let mut order = stored.order;
        if let Some(confirmed) =
            confirmed.filter(|confirmed| Some(confirmed.content_hash) == stored.content_hash)
        {
            order.version.place = order.version.place.max(confirmed.place);
        }
        Verdict {
            key,
            action: Action::Keep,
            winner: None,
            changes: Vec::new(),
            order,
            stored: Some(stored),
            content_file: stored.content_file,
        }
    }

    fn action(&self, content_hash: Option<[u8; 32]>) -> Action {
        let before = self.stored.map(|stored| stored.order);
        let is_same = self.stored.is_some_and(|stored| stored.content_hash == content_hash);
        match Effect::of(before.as_ref(), &self.order, self.winner.is_some(), is_same) {
            Effect::Insert => Action::Insert,
            Effect::Replace => Action::Replace,
            Effect::Refresh | Effect::Move => Action::Move,
            Effect::Raise => Action::Raise,
            Effect::Keep => Action::Keep,
        }
    }

    /// When the content took effect, if it is the stored one and another version
    /// brought it again.
    pub fn content_since(&self) -> Option<i64> {
        let stored = self.stored.filter(|_| self.action == Action::Move && self.changes.is_empty())?;
        let since = stored.content_since;
        Some(self.order.version.time.map_or(since, |time| time.min(since)))
    }

    /// Notes the outcomes of its candidates, and whether the resource's rows are
    /// void.
    pub fn note(
        &self,
        batch: &KeyedBatch<'_>,
        candidates: &[Candidate],
        numbers: std::ops::Range<usize>,
        outcomes: &mut Outcomes,
    ) {
        let winner = self.winner.map(|winner| &candidates[winner]);
        let content_hash = match (winner, &self.stored) {
            (Some(winner), _) => winner.content_hash,
            (None, stored) => stored.and_then(|stored| stored.content_hash),
        };
        for number in numbers {
            let candidate = &candidates[number];
            let is_same = candidate.content_hash == content_hash;
            *candidate.record.outcome(outcomes) = if is_same { Outcome::Unchanged } else { Outcome::Stale };
        }
        let Some(winner) = winner else { return };
        let revision = match self.action {
            Action::Insert => 1,
            Action::Replace => self.stored.map_or(1, |stored| stored.revision + 1),
            Action::Move | Action::Raise | Action::Keep => return,
        };
        if revision > 1 {
            outcomes.replaced.push((batch.rows.resource_type(winner.target), self.key));
        }
        let was_deleted = self.stored.is_some_and(|stored| stored.content_hash.is_none());
        if was_deleted && winner.content_hash.is_some() {
            outcomes.revived.push(self.key);
        }
        *winner.record.outcome(outcomes) = winner.applied(revision);
    }
}
