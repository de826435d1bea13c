//! Versions that the registry *knows*: resources that came before, just so.
//! Most of a repeated delivery is of this kind, and needs neither mapping nor
//! writing.
//!
//! Nothing is written of such a record, and still the order rule must hold: a
//! batch that was read earlier and comes later has to see that its version
//! was followed by the one that the registry knows. The loaders of a run tell
//! each other, for as long as such a batch is under way; where another run
//! has an older file in hand, nothing counts as known.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use diesel::data_types::PgTimestamp;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, SmallInt, Text, Timestamptz};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use hashbrown::HashMap;
use rustc_hash::FxHashMap;

use crate::LoadError;
use fhirmill_core::map::{Fingerprint, Identity};

/// The fingerprints come as arrays: a temporary table takes longer to make and
/// to drop than the question itself.
const KNOWN: &str = "\
select coalesce(array_agg(f.ordinal), '{}') as ordinals, coalesce(array_agg(k.id), '{}') as keys
from unnest($4, $5, $6, $7, $8, $9)
  as f (ordinal, resource_type, fhir_id, content_hash, effective_at, version_id)
join etl.resource_key k on k.source_id = $3 and k.resource_type = f.resource_type and k.fhir_id = f.fhir_id
join etl.resource_version v on v.id = k.id
where v.content_hash = f.content_hash
  and v.effective_at is not distinct from f.effective_at
  and v.version_id is not distinct from f.version_id
  and not exists (select from etl.load_file o where o.status = 'loading' and o.load_run_id <> $1 and o.id < $2)";

#[derive(QueryableByName)]
struct Known {
    #[diesel(sql_type = Array<Integer>)]
    ordinals: Vec<i32>,
    #[diesel(sql_type = Array<BigInt>)]
    keys: Vec<i64>,
}

#[derive(QueryableByName)]
struct HasResources {
    #[diesel(sql_type = Bool)]
    has_resources: bool,
}

pub(crate) fn has_resources(connection: &mut PgConnection) -> Result<bool, LoadError> {
    let query = sql_query("select exists (select from etl.resource_version) as has_resources");
    Ok(query.get_result::<HasResources>(connection)?.has_resources)
}

/// When a version took effect, as far as its sender says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Confirmation {
    pub effective_at: Option<i64>,
    pub version: Option<i64>,
}

/// What the batches of a run found to be known, while older ones are under
/// way. Batches are numbered from 0 as they are read.
///
/// Nobody asks while somebody writes, who may just be replacing what is asked
/// for; but all may ask together, and all may write together.
#[derive(Debug, Default)]
pub struct Confirmed {
    batches: Mutex<Batches>,
    turn: Mutex<Turn>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct Batches {
    /// All batches before it are done.
    oldest: u64,
    done: BTreeSet<u64>,
    confirmed: Vec<(u64, FxHashMap<i64, Confirmation>)>,
}

/// How many do what, and how many wait until they can write.
#[derive(Debug, Default)]
struct Turn {
    asking: usize,
    writing: usize,
    waiting_to_write: usize,
}

/// While it lives nobody writes.
struct Asking<'c>(&'c Confirmed);

/// While it lives nobody asks.
pub(crate) struct Writing<'c>(&'c Confirmed);

impl Confirmed {
    /// The batch is loaded, or given up.
    pub fn finish(&self, batch: u64) {
        let mut batches = self.batches();
        batches.done.insert(batch);
        let mut oldest = batches.oldest;
        while batches.done.remove(&oldest) {
            oldest += 1;
        }
        batches.oldest = oldest;
        batches.confirmed.retain(|(batch, _)| *batch > oldest);
    }

    /// For the time in which a batch is written.
    pub(crate) fn writing(&self) -> Writing<'_> {
        let mut turn = self.turn();
        turn.waiting_to_write += 1;
        let mut turn = self.wait_while(turn, |turn| turn.asking > 0);
        turn.waiting_to_write -= 1;
        turn.writing += 1;
        Writing(self)
    }

    /// Those who wait to write come first: they are fewer than the workers, and
    /// who has written asks again.
    fn asking(&self) -> Asking<'_> {
        let mut turn = self.wait_while(self.turn(), |turn| turn.writing + turn.waiting_to_write > 0);
        turn.asking += 1;
        Asking(self)
    }

    fn wait_while<'c>(
        &'c self,
        turn: MutexGuard<'c, Turn>,
        is_in_the_way: impl Fn(&Turn) -> bool,
    ) -> MutexGuard<'c, Turn> {
        self.turned.wait_while(turn, |turn| is_in_the_way(turn)).unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn batches(&self) -> MutexGuard<'_, Batches> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.turn().asking -= 1;
        self.0.turned.notify_all();
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.turn().writing -= 1;
        self.0.turned.notify_all();
    }
}

impl Writing<'_> {
    /// What came again after that batch, though it was loaded before it.
    pub fn after(&self, batch: u64, key: i64) -> Option<Confirmation> {
        let batches = self.0.batches();
        let mut later = batches.confirmed.iter().rev().filter(|(confirmed, _)| *confirmed > batch);
        later.find_map(|(_, confirmations)| confirmations.get(&key).copied())
    }
}

/// The batch whose records may be known.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub run_id: i64,
    pub source_id: i16,
    /// Its number in the run.
    pub batch: u64,
    /// The last of its files.
    pub file_id: i64,
}

/// Which of the records the registry has as its current version of their
/// resource. A resource of which the batch also has another version is left
/// to the order rule: none of its records is known.
pub(crate) fn known(
    connection: &mut PgConnection,
    confirmed: &Confirmed,
    question: Question,
    fingerprints: &[Option<Fingerprint>],
) -> Result<Vec<bool>, LoadError> {
    let asked =
        || fingerprints.iter().enumerate().filter_map(|(ordinal, asked)| Some((ordinal, asked.as_ref()?)));
    let question_to_server = sql_query(KNOWN)
        .bind::<BigInt, _>(question.run_id)
        .bind::<BigInt, _>(question.file_id)
        .bind::<SmallInt, _>(question.source_id)
        .bind::<Array<Integer>, _>(asked().map(|(ordinal, _)| ordinal as i32).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked().map(|(_, asked)| asked.resource_type.name()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(asked().map(|(_, asked)| asked.fhir_id.as_str()).collect::<Vec<_>>())
        .bind::<Array<Binary>, _>(asked().map(|(_, asked)| &asked.content_hash[..]).collect::<Vec<_>>())
        .bind::<Array<Nullable<Timestamptz>>, _>(
            asked().map(|(_, asked)| asked.effective_at.map(PgTimestamp)).collect::<Vec<_>>(),
        )
        .bind::<Array<Nullable<Text>>, _>(
            asked().map(|(_, asked)| asked.version_id.as_deref()).collect::<Vec<_>>(),
        );
    let _asking = confirmed.asking();
    let Known { ordinals, keys } = question_to_server.get_result(connection)?;
    let mut known = vec![false; fingerprints.len()];
    for ordinal in &ordinals {
        known[*ordinal as usize] = true;
    }
    let mut is_settled: HashMap<Identity<'_>, bool> = HashMap::default();
    for (fingerprint, is_known) in fingerprints.iter().zip(&known) {
        if let Some(fingerprint) = fingerprint {
            *is_settled.entry(fingerprint.identity()).or_insert(true) &= is_known;
        }
    }
    for (fingerprint, is_known) in fingerprints.iter().zip(&mut known) {
        *is_known = fingerprint.as_ref().is_some_and(|fingerprint| is_settled[&fingerprint.identity()]);
    }
    let confirmations: FxHashMap<i64, Confirmation> = ordinals
        .iter()
        .zip(keys)
        .filter_map(|(ordinal, key)| Some((key, confirmation(fingerprints[*ordinal as usize].as_ref()?)?)))
        .collect();
    let mut batches = confirmed.batches();
    if question.batch > batches.oldest && !confirmations.is_empty() {
        batches.confirmed.push((question.batch, confirmations));
    }
    Ok(known)
}

/// `None` for a version that says both when it is of and its number: the
/// registry's entry then settles every comparison.
fn confirmation(fingerprint: &Fingerprint) -> Option<Confirmation> {
    let Fingerprint { effective_at, version_id, .. } = fingerprint;
    let version = version_id.as_deref().and_then(|version| version.parse().ok());
    let is_complete = effective_at.is_some() && version.is_some();
    (!is_complete).then_some(Confirmation { effective_at: *effective_at, version })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    #[test]
    fn askers_and_writers_never_meet_and_all_get_their_turn() {
        let confirmed = Confirmed::default();
        let (asking, writing, most_asking) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        let turn = |own: &AtomicUsize, other: &AtomicUsize| {
            let together = own.fetch_add(1, Ordering::SeqCst) + 1;
            thread::yield_now();
            assert_eq!(other.load(Ordering::SeqCst), 0);
            own.fetch_sub(1, Ordering::SeqCst);
            together
        };
        thread::scope(|scope| {
            for worker in 0..4 {
                let (confirmed, asking, writing, most_asking, turn) =
                    (&confirmed, &asking, &writing, &most_asking, &turn);
                scope.spawn(move || {
                    for round in 0..2_000 {
                        if (round + worker) % 3 == 0 {
                            let _writing = confirmed.writing();
                            turn(writing, asking);
                        } else {
                            let _asking = confirmed.asking();
                            most_asking.fetch_max(turn(asking, writing), Ordering::SeqCst);
                        }
                    }
                });
            }
        });
        assert!(most_asking.into_inner() > 1, "nobody asked beside another");
    }
}
