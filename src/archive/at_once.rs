//! Doing the same for many things *at once*, where each waits for a network.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use fhirmill_postgres::lock::lock;

/// How many are done at the same time.
const THREADS: usize = 16;

/// What `each` gives for the items, in their order. With `is_remote` many are done at the same time.
pub(crate) fn at_once<Item: Sync, Output: Send>(
    items: &[Item],
    is_remote: bool,
    each: impl Fn(&Item) -> Output + Sync,
) -> Vec<Output> {
    if !is_remote || items.len() < 2 {
        return items.iter().map(each).collect();
    }
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Output>>> = Mutex::new(items.iter().map(|_| None).collect());
    let work = || {
        while let Some((number, item)) = {
            let number = next.fetch_add(1, Ordering::Relaxed);
            items.get(number).map(|item| (number, item))
        } {
            let output = each(item);
            lock(&done)[number] = Some(output);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS.min(items.len()) {
            scope.spawn(work);
        }
    });
    let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_however_many_are_done_at_once() {
        let items: Vec<usize> = (0..100).collect();
        for is_remote in [false, true] {
            assert_eq!(
                at_once(&items, is_remote, |item| 2 * item),
                items.iter().map(|item| 2 * item).collect::<Vec<_>>()
            );
        }
        assert!(at_once(&[] as &[usize], true, |item| *item).is_empty());
    }
}
