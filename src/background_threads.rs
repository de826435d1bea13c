//! The *background threads* of a service: what it does beside its scans. They end by themselves
//! once the service is told to stop, and its end waits a moment for them.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::error;

/// See the module.
#[derive(Debug, Default)]
pub struct BackgroundThreads(Vec<JoinHandle<()>>);

impl BackgroundThreads {
    /// Starts one, with a name such as `feed lab`. The service does without it if it cannot be
    /// started, and says so.
    pub fn start(&mut self, name: String, work: impl FnOnce() + Send + 'static) {
        match thread::Builder::new().name(name.clone()).spawn(work) {
            Ok(thread) => self.0.push(thread),
            Err(failure) => error!("the thread \"{name}\" cannot be started: {failure}"),
        }
    }

    /// Waits until all have ended, or so long at most.
    pub fn wait(&self, patience: Duration) {
        let since = Instant::now();
        while self.0.iter().any(|thread| !thread.is_finished()) && since.elapsed() < patience {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
