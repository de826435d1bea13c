//! The order against a model that keeps all versions and goes through them as
//! they were read.

use super::*;
use pretty_assertions::assert_eq;

const fn version(time: Option<i64>, number: Option<i64>, file: i64) -> Version {
    Version { time, number, place: Place { file, position: 1 } }
}

/// The place of the version that counts after all of them, by the rule as it is
/// documented.
fn model(versions: &[Version]) -> Option<Place> {
    let mut in_order = versions.to_vec();
    in_order.sort_by_key(|version| version.place);
    let mut current: Option<(Option<i64>, Option<i64>, Place)> = None;
    for Version { time, number, place } in in_order {
        current = Some(match current {
            None => (time, number, place),
            Some((current_time, current_number, current_place)) => {
                let time = time.or(current_time);
                let number = number.or(current_number.filter(|_| time == current_time));
                (current_time, current_number, current_place).max((time, number, place))
            }
        });
    }
    current.map(|(_, _, place)| place)
}

fn decided<'v>(versions: impl IntoIterator<Item = &'v Version>) -> Option<Place> {
    let mut current: Option<Current> = None;
    for version in versions {
        match &mut current {
            Some(current) => drop(current.decide(version)),
            None => current = Some(Current::first(*version)),
        }
    }
    current.map(|current| current.version.place)
}

/// As `decided`, but with the versions in batches (by file), of which the workers
/// take `orders`. A batch that needs the earlier ones waits for them.
fn decided_by_workers(versions: &[Version], order: &[usize]) -> Option<Place> {
    let mut batches: Vec<Vec<Version>> = vec![Vec::new(); order.len()];
    for version in versions {
        batches[version.place.file as usize].push(*version);
    }
    let mut current: Option<Current> = None;
    let mut is_done = vec![false; order.len()];
    let mut waiting: Vec<usize> = order.to_vec();
    while !waiting.is_empty() {
        let at = waiting
            .iter()
            .position(|number| {
                let is_in_turn = is_done[..*number].iter().all(|is_done| *is_done);
                is_in_turn || !needs_order(current, &batches[*number])
            })
            .expect("the first batch never waits");
        let number = waiting.remove(at);
        for version in &batches[number] {
            match &mut current {
                Some(current) => drop(current.decide(version)),
                None => current = Some(Current::first(*version)),
            }
        }
        is_done[number] = true;
    }
    current.map(|current| current.version.place)
}

fn needs_order(mut current: Option<Current>, batch: &[Version]) -> bool {
    batch.iter().any(|version| {
        let needs_order = match &mut current {
            Some(current) => current.decide(version).needs_order,
            None => {
                current = Some(Current::first(*version));
                false
            }
        };
        needs_order || version.needs_order()
    })
}

#[test]
fn an_undated_version_takes_the_time_of_the_one_it_replaces() {
    let versions = [version(Some(2020), None, 0), version(None, None, 1), version(Some(2019), None, 2)];
    assert_eq!(decided(&versions), Some(versions[1].place));
    assert_eq!(decided([&versions[1], &versions[0], &versions[2]]), Some(versions[1].place));
    let numbered = [version(None, Some(5), 0), version(None, None, 1), version(None, Some(3), 2)];
    assert_eq!(decided(&numbered), Some(numbered[1].place));
}

#[test]
fn times_come_before_numbers_and_numbers_before_places() {
    for (one, other, wins) in [
        (version(Some(2), Some(1), 0), version(Some(1), Some(9), 1), false),
        (version(Some(1), Some(9), 0), version(Some(1), Some(10), 1), true),
        (version(Some(1), Some(9), 0), version(Some(1), Some(9), 1), true),
        (version(None, None, 0), version(Some(1), None, 1), true),
        (version(Some(1), None, 0), version(None, None, 1), true),
        (version(Some(1), Some(5), 0), version(None, Some(4), 1), false),
    ] {
        assert_eq!(Current::first(one).decide(&other).wins, wins, "{one:?} {other:?}");
    }
}

/// A generator of numbers, from Knuth's constants.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn optional(&mut self, limit: u64, missing: u64) -> Option<i64> {
        (self.below(10) >= missing).then(|| self.below(limit) as i64)
    }
}

fn random_versions(random: &mut Random, batches: u64) -> Vec<Version> {
    let count = 1 + random.below(7);
    let (no_time, no_number) = (random.below(11), random.below(11));
    let mut versions: Vec<Version> = (0..count)
        .map(|position| Version {
            time: random.optional(4, no_time),
            number: random.optional(4, no_number),
            place: Place { file: random.below(batches) as i64, position: position as i64 },
        })
        .collect();
    versions.sort_by_key(|version| version.place);
    versions
}

#[test]
fn in_the_order_of_reading_the_model_is_met() {
    let mut random = Random(1);
    for _ in 0..200_000 {
        let versions = random_versions(&mut random, 5);
        assert_eq!(decided(&versions), model(&versions), "{versions:?}");
    }
}

#[test]
fn in_any_order_of_batches_the_model_is_met() {
    let mut random = Random(2);
    for _ in 0..300_000 {
        let versions = random_versions(&mut random, 5);
        let mut order: Vec<usize> = (0..5).collect();
        for index in (1..5).rev() {
            order.swap(index, random.below(index as u64 + 1) as usize);
        }
        assert_eq!(decided_by_workers(&versions, &order), model(&versions), "{order:?} {versions:?}");
    }
}

#[test]
fn a_loser_that_is_not_reversible_never_wins_when_it_is_delivered_again() {
    let mut random = Random(3);
    for _ in 0..200_000 {
        let versions = random_versions(&mut random, 5);
        let Some((first, rest)) = versions.split_first() else { continue };
        let mut current = Current::first(*first);
        let mut losers: Vec<Version> = Vec::new();
        for version in rest {
            let before = current.version;
            let change = current.decide(version);
            let loser = if change.wins { before } else { *version };
            // A number without a time counts at the time of the version before it.
            if !change.is_reversible && !loser.needs_order() && loser.place.file != current.version.place.file
            {
                losers.push(loser);
            }
        }
        for loser in losers {
            let again = Version { place: Place { file: 9, position: 1 }, ..loser };
            assert!(!current.clone().decide(&again).wins, "{loser:?} {versions:?}");
        }
    }
}
