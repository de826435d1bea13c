//! *Appending*: the lines of a batch go to the disk while its rows go to the database.
//! Neither waits for the other until the commit. Lines of a batch that is not committed are
//! cut off by whoever goes on with the file.

use std::io;
use std::thread::{Scope, ScopedJoinHandle};

use fhirmill_postgres::LoadError;

use crate::pipeline::updates::SpoolFile;

/// See the module.
pub struct Appending<'s> {
    thread: Option<ScopedJoinHandle<'s, io::Result<()>>>,
    failure: Option<io::Error>,
}

impl<'s> Appending<'s> {
    /// Begins to append lines at that offset.
    pub fn begin(scope: &'s Scope<'s, '_>, spool: &'s SpoolFile, offset: u64, lines: &'s [u8]) -> Self {
        Appending { thread: Some(scope.spawn(move || spool.append(offset, lines))), failure: None }
    }

    /// Waits until the lines are on the disk. May be called again.
    pub fn wait(&mut self) -> Result<(), LoadError> {
        if let Some(thread) = self.thread.take() {
            let panicked = |_| Err(io::Error::other("the thread that writes has died"));
            self.failure = thread.join().unwrap_or_else(panicked).err();
        }
        if self.failure.is_none() { Ok(()) } else { Err(LoadError::Withheld) }
    }

    /// Why the lines are not on the disk, if somebody has waited for them in vain.
    pub fn into_failure(self) -> Option<io::Error> {
        self.failure
    }
}
