//! The versions of one resource that come together, decided on one after the other.

use super::{Current, Version};

/// The versions of one resource, decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    /// The version that counts now.
    pub current: Current,
    /// Which of the versions that is; `None` if it is the one that counted before.
    pub winner: Option<usize>,
}

/// What versions have done to the one that counted before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// The resource is new.
    Insert,
    /// Another content counts.
    Replace,
    /// The same content counts, of another time.
    Refresh,
    /// The same content counts, of another place or number.
    Move,
    /// The same version counts, with another inherited time or number.
    Raise,
    /// Nothing.
    Keep,
}

/// Decides on versions, in the order in which they were read, of which `before` counted until
/// now; `None` if there is neither.
pub fn fold(before: Option<Current>, versions: impl IntoIterator<Item = Version>) -> Option<Folded> {
    let mut folded = before.map(|current| Folded { current, winner: None });
    for (number, version) in versions.into_iter().enumerate() {
        match &mut folded {
            None => folded = Some(Folded { current: Current::first(version), winner: Some(number) }),
            Some(folded) => {
                if folded.current.decide(&version).wins {
                    folded.winner = Some(number);
                }
            }
        }
    }
    folded
}

impl Effect {
    /// The effect of versions of which one counts now if `has_won`, and `is_same` if it has the
    /// content of the one that counted before.
    pub fn of(before: Option<&Current>, now: &Current, has_won: bool, is_same: bool) -> Self {
        let Some(before) = before else { return Effect::Insert };
        let inherited = |order: &Current| (order.inherited_time, order.inherited_number, order.time_place);
        let (old, new) = (before.version, now.version);
        let is_complete = new.time.is_some() && new.number.is_some();
        match has_won {
            false if inherited(before) == inherited(now) => Effect::Keep,
            false => Effect::Raise,
            true if !is_same => Effect::Replace,
            // It is the same record.
            true if is_complete && (old.time, old.number) == (new.time, new.number) => Effect::Keep,
            true if old.time != new.time => Effect::Refresh,
            true => Effect::Move,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::Place;

    fn version(time: Option<i64>, number: Option<i64>, position: i64) -> Version {
        Version { time, number, place: Place { file: 1, position } }
    }

    #[test]
    fn the_winner_is_told_by_its_number() {
        let versions = [version(Some(2), None, 1), version(Some(3), None, 2), version(Some(1), None, 3)];
        let folded = fold(None, versions);
        assert_eq!(folded.and_then(|folded| folded.winner), Some(1));
        // What counted before is later than all of them.
        let before = Current::first(version(Some(9), None, 0));
        assert_eq!(fold(Some(before), versions), Some(Folded { current: before, winner: None }));
        assert_eq!(fold(None, []), None);
    }

    #[test]
    fn an_effect_tells_what_has_to_be_written() {
        let before = Current::first(version(Some(2), Some(1), 1));
        let effect = |time, number, is_same| {
            let folded = fold(Some(before), [version(time, number, 2)]).expect("a version counts");
            Effect::of(Some(&before), &folded.current, folded.winner.is_some(), is_same)
        };
        assert_eq!(Effect::of(None, &before, true, false), Effect::Insert);
        assert_eq!(effect(Some(3), Some(2), false), Effect::Replace);
        assert_eq!(effect(Some(3), Some(2), true), Effect::Refresh);
        assert_eq!(effect(Some(2), Some(2), true), Effect::Move);
        assert_eq!(effect(Some(2), Some(1), true), Effect::Keep);
        assert_eq!(effect(Some(1), Some(2), false), Effect::Keep);
        // An earlier version that lends its time to the one that counts.
        let before = Current::first(version(None, None, 2));
        let folded = fold(Some(before), [version(Some(1), None, 1)]).expect("a version counts");
        assert_eq!(folded.winner, None);
        assert_eq!(Effect::of(Some(&before), &folded.current, false, false), Effect::Raise);
    }
}
