//! Locks that a panic leaves usable. A thread that panics while it holds a lock
//! poisons it, and the standard library then makes every other thread panic as
//! well. The panic is reported where it happened; what the locks here protect is
//! valid between any two statements, so the other threads go on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Locks the mutex.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits to be notified. May also return without.
pub fn wait<'m, T>(condvar: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    condvar.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits to be notified, or so long.
pub fn wait_for<'m, T>(condvar: &Condvar, guard: MutexGuard<'m, T>, most: Duration) -> MutexGuard<'m, T> {
    condvar.wait_timeout(guard, most).unwrap_or_else(PoisonError::into_inner).0
}

/// Waits to be notified until `condition` no longer holds.
pub fn wait_while<'m, T>(
    condvar: &Condvar,
    guard: MutexGuard<'m, T>,
    condition: impl FnMut(&mut T) -> bool,
) -> MutexGuard<'m, T> {
    condvar.wait_while(guard, condition).unwrap_or_else(PoisonError::into_inner)
}
