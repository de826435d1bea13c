//! *Skipped paths*: files and folders of the inbox that are left alone, because
//! they cannot be read, moved or removed. Each is named with the reason; everything
//! else is loaded.

use serde::Serialize;
use tracing::warn;

/// The most that are named; the others are counted.
const MOST_NAMED: usize = 100;

/// A file or folder that is left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SkippedPath {
    /// Its path in the inbox, escaped like all paths there.
    pub path: String,
    /// Why, for people.
    pub reason: String,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SkippedPaths {
    /// The first of them.
    pub named: Vec<SkippedPath>,
    /// Their number.
    pub count: u64,
}

impl SkippedPaths {
    /// Adds a path.
    pub fn add(&mut self, path: String, reason: String) {
        self.count += 1;
        if self.named.len() < MOST_NAMED {
            self.named.push(SkippedPath { path, reason });
        }
    }

    /// Adds those of another list.
    pub fn extend(&mut self, other: SkippedPaths) {
        self.count += other.count;
        let room = MOST_NAMED - self.named.len();
        self.named.extend(other.named.into_iter().take(room));
    }

    /// Logs a warning for each that is named, and one for the others.
    pub fn tell(&self) {
        for SkippedPath { path, reason } in &self.named {
            warn!(path, "skipped {path} in the inbox: {reason}");
        }
        let others = self.count - self.named.len() as u64;
        if others > 0 {
            warn!(paths = others, "skipped {others} more files and folders in the inbox");
        }
    }
}
