//! *Expectations* of the next batch of a run, judged by the last one. They only
//! choose between ways to the same result: a wrong one costs time.

use std::sync::atomic::{AtomicBool, Ordering};

/// One expectation, shared by the workers of a run.
#[derive(Debug, Default)]
pub struct Hint(AtomicBool);

impl Hint {
    /// Whether to expect it.
    pub fn holds(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Judges by the batch just seen.
    pub fn set(&self, holds: bool) {
        self.0.store(holds, Ordering::Relaxed);
    }
}

/// What the next batch of a run is expected to be like.
#[derive(Debug, Default)]
pub struct Expectations {
    /// Most of its resources have no key yet: keys are inserted without asking.
    pub new_keys: Hint,
    /// All of its resources are new: their versions are copied without asking.
    pub new_resources: Hint,
    /// Most of its records are the current versions already: the registry is
    /// asked before they are mapped.
    pub unchanged_records: Hint,
}
