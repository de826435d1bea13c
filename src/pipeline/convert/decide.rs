//! Which records of a conversion count: the version rule as a fold over all versions of a
//! resource, in the order in which they were read.

use std::collections::{HashMap, HashSet};
use std::io;

use fhirmill_arrow::Key;
use fhirmill_core::version::{Version, fold};
use fhirmill_postgres::ledger::Account;

use super::merge::Merge;
use super::spill::{Head, Run};

/// Numbers of records.
#[derive(Default)]
pub(super) struct Records(Vec<u64>);

impl Records {
    pub fn insert(&mut self, record: u64) {
        let word = (record / 64) as usize;
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (record % 64);
    }

    pub fn remove(&mut self, record: u64) {
        if let Some(word) = self.0.get_mut((record / 64) as usize) {
            *word &= !(1 << (record % 64));
        }
    }

    pub fn contains(&self, record: u64) -> bool {
        self.0.get((record / 64) as usize).is_some_and(|word| word >> (record % 64) & 1 == 1)
    }
}

/// A version of a resource, as it is spilled: its head's key is the resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpilledVersion {
    pub time: Option<i64>,
    pub number: Option<i64>,
    /// `None` for a deletion.
    pub content_hash: Option<[u8; 32]>,
}

impl SpilledVersion {
    pub fn write(&self, out: &mut Vec<u8>) {
        for number in [self.time, self.number] {
            out.push(u8::from(number.is_some()));
            out.extend_from_slice(&number.unwrap_or_default().to_le_bytes());
        }
        out.push(u8::from(self.content_hash.is_some()));
        out.extend_from_slice(&self.content_hash.unwrap_or_default());
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (time, rest) = bytes.split_at_checked(9)?;
        let (number, hash) = rest.split_at_checked(9)?;
        let read = |bytes: &[u8]| {
            let number = i64::from_le_bytes(*bytes[1..].first_chunk()?);
            (bytes[0] == 1).then_some(number)
        };
        let content_hash = (*hash.first()? == 1).then(|| hash[1..].first_chunk().copied()).flatten();
        Some(SpilledVersion { time: read(time), number: read(number), content_hash })
    }
}

/// What was decided.
#[derive(Default)]
pub(super) struct Decisions {
    /// The records whose rows are written.
    pub kept: Records,
    /// With all versions: those that count. Else the kept ones do.
    pub current: Records,
    /// Which version of its resource a kept record is, unless it is the first.
    pub revisions: HashMap<u64, i32>,
    /// The account of each file, by its number.
    pub accounts: HashMap<i64, Account>,
}

/// A version with its head.
type Candidate = (Head, SpilledVersion);

/// Decides on all resources, whose versions are in that table of the runs.
pub(super) fn decide(runs: &[Run], versions: usize, keeps_all: bool) -> io::Result<Decisions> {
    let mut decisions = Decisions::default();
    each_resource(runs, versions, |candidates| decisions.resource(candidates, keeps_all))?;
    Ok(decisions)
}

/// Those of the keys whose resource is there, and not deleted.
pub(super) fn living(
    runs: &[Run],
    versions: usize,
    decisions: &Decisions,
    keys: &HashSet<Key>,
) -> io::Result<HashSet<Key>> {
    let mut living = HashSet::new();
    let mut merge = Merge::new(runs, versions)?;
    while let Some((head, rows)) = merge.next()? {
        if keys.contains(&head.sort_key)
            && decisions.current.contains(head.record)
            && SpilledVersion::read(rows).is_some_and(|version| version.content_hash.is_some())
        {
            living.insert(head.sort_key);
        }
    }
    Ok(living)
}

fn each_resource(runs: &[Run], versions: usize, mut decide: impl FnMut(&[Candidate])) -> io::Result<()> {
    let mut merge = Merge::new(runs, versions)?;
    let mut candidates: Vec<Candidate> = Vec::new();
    while let Some((head, rows)) = merge.next()? {
        let version = SpilledVersion::read(rows).ok_or(io::ErrorKind::InvalidData)?;
        if candidates.last().is_some_and(|(last, _)| last.sort_key != head.sort_key) {
            decide(&candidates);
            candidates.clear();
        }
        candidates.push((head, version));
    }
    if !candidates.is_empty() {
        decide(&candidates);
    }
    Ok(())
}

impl Decisions {
    /// Decides on the versions of one resource, which come in the order of reading.
    fn resource(&mut self, candidates: &[Candidate], keeps_all: bool) {
        let winner = winner(candidates);
        let (winning, winning_version) = candidates[winner];
        self.kept.insert(winning.record);
        self.current.insert(winning.record);
        let mut kept = vec![winner];
        let mut contents = HashSet::from([winning_version.content_hash]);
        for (number, (head, version)) in candidates.iter().enumerate() {
            let account = self.accounts.entry(head.place.file).or_default();
            let is_new = number != winner && keeps_all && contents.insert(version.content_hash);
            match (number == winner, version.content_hash) {
                (true, None) => account.deleted += 1,
                (true, Some(_)) => account.inserted += 1,
                (false, hash) if hash == winning_version.content_hash => account.unchanged += 1,
                (false, _) if is_new => {
                    account.inserted += u64::from(version.content_hash.is_some());
                    account.deleted += u64::from(version.content_hash.is_none());
                    self.kept.insert(head.record);
                    kept.push(number);
                }
                (false, _) => account.stale += 1,
            }
        }
        if kept.len() > 1 {
            kept.sort_by_key(|number| {
                let (head, version) = candidates[*number];
                (*number == winner, version.time, version.number, head.place)
            });
            for (revision, number) in (1..).zip(&kept).skip(1) {
                self.revisions.insert(candidates[*number].0.record, revision);
            }
        }
    }

    /// A record was mapped once more, as `new`.
    pub fn replace(&mut self, old: u64, new: u64) {
        for records in [&mut self.kept, &mut self.current] {
            if records.contains(old) {
                records.remove(old);
                records.insert(new);
            }
        }
        if let Some(revision) = self.revisions.remove(&old) {
            self.revisions.insert(new, revision);
        }
    }
}

/// The number of the version that counts.
fn winner(candidates: &[Candidate]) -> usize {
    let version = |(head, version): &Candidate| Version {
        time: version.time,
        number: version.number,
        place: head.place,
    };
    fold(None, candidates.iter().map(version)).and_then(|folded| folded.winner).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhirmill_core::version::Place;
    use pretty_assertions::assert_eq;

    fn candidate(record: u64, time: Option<i64>, content: Option<u8>) -> Candidate {
        let place = Place { file: 1, position: record as i64 };
        let version = SpilledVersion { time, number: None, content_hash: content.map(|byte| [byte; 32]) };
        (Head { sort_key: [1; 16], place, record }, version)
    }

    #[test]
    fn a_version_survives_being_spilled() {
        for version in [
            SpilledVersion { time: Some(-5), number: None, content_hash: Some([7; 32]) },
            SpilledVersion { time: None, number: Some(3), content_hash: None },
        ] {
            let mut bytes = Vec::new();
            version.write(&mut bytes);
            assert_eq!(SpilledVersion::read(&bytes), Some(version));
        }
        assert_eq!(SpilledVersion::read(&[1, 2]), None);
    }

    #[test]
    fn the_latest_counts_and_every_record_is_accounted_for() {
        let mut decisions = Decisions::default();
        let candidates = [
            candidate(0, Some(3), Some(1)),
            candidate(1, Some(5), Some(2)),
            candidate(2, Some(4), Some(3)),
            candidate(3, Some(5), Some(2)),
        ];
        decisions.resource(&candidates, false);
        let kept: Vec<u64> = (0..4).filter(|record| decisions.kept.contains(*record)).collect();
        assert_eq!(kept, [3]);
        let account = Account { inserted: 1, unchanged: 1, stale: 2, ..Account::default() };
        assert_eq!(decisions.accounts[&1], account);

        let mut decisions = Decisions::default();
        decisions.resource(&[candidate(0, None, Some(1)), candidate(1, None, None)], false);
        assert_eq!(decisions.accounts[&1], Account { deleted: 1, stale: 1, ..Account::default() });
        assert!(decisions.kept.contains(1) && !decisions.kept.contains(0));
    }

    #[test]
    fn all_versions_are_numbered_in_their_order() {
        let mut decisions = Decisions::default();
        let candidates = [
            candidate(0, Some(9), Some(1)),
            candidate(1, Some(5), Some(2)),
            candidate(2, Some(7), Some(3)),
            candidate(3, Some(6), Some(2)),
        ];
        decisions.resource(&candidates, true);
        let kept: Vec<u64> = (0..4).filter(|record| decisions.kept.contains(*record)).collect();
        assert_eq!(kept, [0, 1, 2]);
        assert_eq!(decisions.revisions, HashMap::from([(2, 2), (0, 3)]));
        assert!(decisions.current.contains(0) && !decisions.current.contains(2));
        decisions.replace(0, 8);
        assert!(decisions.kept.contains(8) && !decisions.kept.contains(0));
        assert_eq!(decisions.revisions[&8], 3);
    }
}
