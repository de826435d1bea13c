//! The search for *refused records*: when the database refuses a batch, those of
//! its records that it refuses alone.

use std::ops::Range;

/// If the database refuses more records of a batch, they are hardly the cause: a
/// table was altered, or the server misbehaves.
const MAX_REFUSED: usize = 20;

/// A record that the database refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefusedRecord {
    /// Its number in the batch.
    pub number: usize,
    /// The table, column and constraint that refuse it.
    pub refusal: String,
}

/// Finds the refused ones of `count` records by bisection. `refusal` says why the
/// database refuses a range of records, or `None` if it takes them. The result is
/// in order; it is empty if each record alone is taken, or if so many are refused
/// that they are hardly the cause.
pub(super) fn find<E>(
    count: usize,
    mut refusal: impl FnMut(&Range<usize>) -> Result<Option<String>, E>,
) -> Result<Vec<RefusedRecord>, E> {
    let mut refused = Vec::new();
    // All of them together were refused already.
    let mut waiting = vec![count / 2..count, 0..count / 2];
    while let Some(records) = waiting.pop() {
        if records.is_empty() {
            continue;
        }
        let Some(refusal) = refusal(&records)? else { continue };
        if records.len() == 1 {
            refused.push(RefusedRecord { number: records.start, refusal });
            if refused.len() > MAX_REFUSED {
                return Ok(Vec::new());
            }
            continue;
        }
        let middle = records.start + records.len() / 2;
        waiting.extend([middle..records.end, records.start..middle]);
    }
    Ok(refused)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use pretty_assertions::assert_eq;

    use super::*;

    fn numbers(count: usize, is_refused: impl Fn(usize) -> bool) -> Vec<usize> {
        let Ok(refused) = find(count, |records| {
            Ok::<_, Infallible>(records.clone().any(&is_refused).then(|| "table t".to_owned()))
        });
        refused.into_iter().map(|refused| refused.number).collect()
    }

    #[test]
    fn refused_records_are_found_in_order_unless_there_are_too_many() {
        assert_eq!(numbers(1000, |record| [0, 499, 500, 999].contains(&record)), [0, 499, 500, 999]);
        assert_eq!(numbers(1, |_| true), [0]);
        assert_eq!(numbers(7, |_| false), [0; 0]);
        assert_eq!(numbers(MAX_REFUSED, |_| true).len(), MAX_REFUSED);
        assert_eq!(numbers(MAX_REFUSED + 1, |_| true), [0; 0]);
    }

    #[test]
    fn a_failure_ends_the_search() {
        assert_eq!(find(4, |_| Err("server gone")), Err("server gone"));
    }
}
