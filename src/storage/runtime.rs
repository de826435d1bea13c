//! The *runtime* that talks to stores: threads of its own, so that whoever waits for it may be any
//! thread.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;

use tokio::runtime::{Builder, Handle, Runtime};

/// How many threads send and receive.
const THREADS: usize = 2;

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// The runtime, which lives as long as the process.
pub(super) fn handle() -> io::Result<&'static Handle> {
    let begin =
        || Builder::new_multi_thread().worker_threads(THREADS).thread_name("storage").enable_all().build();
    let runtime = RUNTIME.get_or_init(|| begin().ok());
    runtime.as_ref().map(Runtime::handle).ok_or_else(|| io::Error::other("no threads for object storage"))
}

/// Waits for what the future gives, on the thread of the caller.
pub(super) fn wait<Output: Send + 'static>(
    future: impl Future<Output = Output> + Send + 'static,
) -> io::Result<Output> {
    let (sender, receiver) = sync_channel(1);
    handle()?.spawn(async move {
        // Nobody waits any more.
        let _ = sender.send(future.await);
    });
    receiver.recv().map_err(|_| io::Error::other("a call of the object store was given up"))
}
