//! Which of the older snapshots go.

use chrono::{DateTime, TimeDelta, Utc};

use super::target::time_of;
use crate::config::Keep;

/// Those that neither the number nor the age keeps, of names sorted from the oldest. The newest
/// always stays; without any rule all stay.
pub(super) fn surplus(names: &[String], keep: Keep, now: DateTime<Utc>) -> Vec<String> {
    if keep == Keep::default() {
        return Vec::new();
    }
    let oldest = keep.age.and_then(|age| TimeDelta::from_std(age).ok()).map(|age| now - age);
    let stays = |number: usize, name: &str| {
        let newer = names.len() - 1 - number;
        let is_counted = keep.number.is_some_and(|most| newer < most as usize);
        let is_young = oldest.zip(time_of(name)).is_some_and(|(oldest, (taken_at, _))| taken_at >= oldest);
        newer == 0 || is_counted || is_young
    };
    let numbered = names.iter().enumerate();
    numbered.filter(|(number, name)| !stays(*number, name)).map(|(_, name)| name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::time::Duration;

    #[test]
    fn a_snapshot_stays_if_number_or_age_keeps_it_and_the_newest_always_does() {
        let names: Vec<String> = (1..=4).map(|day| format!("2026-11-0{day}T10-00-00Z")).collect();
        let gone = |number, days: Option<u64>, now: &str| {
            let age = days.map(|days| Duration::from_secs(days * 24 * 60 * 60));
            surplus(&names, Keep { number, age }, now.parse().unwrap()).len()
        };
        let now = "2026-11-04T11:00:00Z";
        assert_eq!(gone(None, None, now), 0);
        assert_eq!(gone(Some(1), None, now), 3);
        assert_eq!(gone(Some(3), None, now), 1);
        assert_eq!(gone(Some(9), None, now), 0);
        assert_eq!(gone(None, Some(2), now), 2);
        assert_eq!(gone(Some(3), Some(2), now), 1);
        assert_eq!(gone(Some(1), Some(3), now), 1);
        assert_eq!(gone(None, Some(1), "2027-01-01T00:00:00Z"), 3, "the newest stays");
        assert_eq!(
            surplus(&[], Keep { number: Some(1), age: None }, now.parse().unwrap()),
            Vec::<String>::new()
        );
    }
}
