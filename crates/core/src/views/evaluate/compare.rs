//! Compares items.

use std::cmp::Ordering;
use std::ops::Range;

use super::super::number;
use super::super::program::Order;
use super::super::types::Family;
use super::item::Item;
use crate::datatype::{Timezone, moment};
use crate::json::{JsonType, Value};

/// Whether the items of two lists are equal in pairs; `None` if one of the lists is
/// empty, or if partial dates leave it open.
pub(super) fn all_equal(family: Family, left: &[Item<'_>], right: &[Item<'_>]) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut equal = Some(true);
    for (left, right) in left.iter().zip(right) {
        match self::equal(family, left, right) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => equal = None,
        }
    }
    equal
}

fn equal(family: Family, left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    match family {
        Family::Moment => {
            let (left, right) = (left.text()?, right.text()?);
            if left == right {
                return Some(true);
            }
            match compare_spans(&span(&left)?, &span(&right)?)? {
                Ordering::Equal => Some(true),
                _ => Some(false),
            }
        }
        Family::Time => Some(moment::time(&left.text()?)? == moment::time(&right.text()?)?),
        _ => Some(are_same(left, right)),
    }
}

/// Whether two items of the same kind are equal.
pub(super) fn are_same(left: &Item<'_>, right: &Item<'_>) -> bool {
    if let (Item::Key(left), Item::Key(right)) = (left, right) {
        return left == right;
    }
    if let (Some(left), Some(right)) = (left.text(), right.text()) {
        return left == right;
    }
    if let (Some(left), Some(right)) = (left.digits(), right.digits()) {
        return left == right || number::compare(&left, &right) == Some(Ordering::Equal);
    }
    if let (Some(left), Some(right)) = (left.boolean(), right.boolean()) {
        return left == right;
    }
    match (left.object(), right.object()) {
        (Some(left), Some(right)) => are_same_values(left, right),
        _ => false,
    }
}

/// Whether two values are equal, whatever the order of members. The depth is that
/// of the text, which the parser limits.
fn are_same_values(left: Value<'_>, right: Value<'_>) -> bool {
    match (left.json_type(), right.json_type()) {
        (JsonType::Object, JsonType::Object) => {
            let is_in = |member: crate::json::Member<'_>| {
                right.get(member.text()).is_some_and(|other| are_same_values(member.value(), other))
            };
            left.members().count() == right.members().count() && left.members().all(is_in)
        }
        (JsonType::Array, JsonType::Array) => {
            left.items().count() == right.items().count()
                && left.items().zip(right.items()).all(|(left, right)| are_same_values(left, right))
        }
        (JsonType::Null, JsonType::Null) => true,
        _ => are_same(&Item::Value(left), &Item::Value(right)),
    }
}

/// Whether two items are in that order; `None` if that cannot be said.
pub(super) fn is_in_order(family: Family, order: Order, left: &Item<'_>, right: &Item<'_>) -> Option<bool> {
    let ordering = match family {
        Family::Moment => compare_spans(&span(&left.text()?)?, &span(&right.text()?)?)?,
        Family::Time => moment::time(&left.text()?)?.cmp(&moment::time(&right.text()?)?),
        Family::Number => number::compare(&left.digits()?, &right.digits()?)?,
        _ => left.text()?.cmp(&right.text()?),
    };
    Some(match order {
        Order::Less => ordering.is_lt(),
        Order::LessOrEqual => ordering.is_le(),
        Order::Greater => ordering.is_gt(),
        Order::GreaterOrEqual => ordering.is_ge(),
    })
}

/// The span of a date or dateTime in microseconds; without an offset, of UTC.
fn span(text: &str) -> Option<Range<i64>> {
    moment::date_time(text, Timezone::default())
}

/// The order of two spans; `None` if they overlap without being the same.
fn compare_spans(left: &Range<i64>, right: &Range<i64>) -> Option<Ordering> {
    if left == right {
        Some(Ordering::Equal)
    } else if left.end <= right.start {
        Some(Ordering::Less)
    } else if right.end <= left.start {
        Some(Ordering::Greater)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    fn text(text: &str) -> Item<'_> {
        Item::Text(text.into())
    }

    #[test]
    fn dates_of_different_precision_are_compared_as_far_as_they_go() {
        let equal = |left, right| all_equal(Family::Moment, &[text(left)], &[text(right)]);
        assert_eq!(equal("2012", "2012"), Some(true));
        assert_eq!(equal("2012", "2012-01"), None);
        assert_eq!(equal("2012", "2013-01"), Some(false));
        assert_eq!(equal("2012-01-01T10:00:00Z", "2012-01-01T12:00:00+02:00"), Some(true));
        let less = |left, right| is_in_order(Family::Moment, Order::Less, &text(left), &text(right));
        assert_eq!(less("2012", "2013-05"), Some(true));
        assert_eq!(less("2012-05", "2012"), None);
        assert_eq!(less("2012-05-02", "2012-05-01"), Some(false));
        let at_most =
            |left, right| is_in_order(Family::Moment, Order::LessOrEqual, &text(left), &text(right));
        assert_eq!(at_most("2012-05", "2012-05"), Some(true));
    }

    #[test]
    fn lists_are_equal_in_pairs() {
        let list = |texts: &'static [&'static str]| texts.iter().map(|one| text(one)).collect::<Vec<_>>();
        let equal = |left, right| all_equal(Family::Text, &list(left), &list(right));
        assert_eq!(equal(&["a", "b"], &["a", "b"]), Some(true));
        assert_eq!(equal(&["a", "b"], &["b", "a"]), Some(false));
        assert_eq!(equal(&["a"], &["a", "a"]), Some(false));
        assert_eq!(equal(&[], &["a"]), None);
    }
}
