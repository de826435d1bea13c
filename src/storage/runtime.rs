//! The *runtime* that talks to stores: threads of its own, so that whoever waits for it may be any
//! thread.

use std::future::Future;
use std::io;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

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

/// How often a wait looks whether it is to be given up.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// As [`wait`], but fails as soon as `gives_up` does. The call goes on, and nobody waits for it.
pub(super) fn wait_unless<Output: Send + 'static>(
    future: impl Future<Output = Output> + Send + 'static,
    gives_up: &dyn Fn() -> io::Result<()>,
) -> io::Result<Output> {
    let (sender, receiver) = sync_channel(1);
    handle()?.spawn(async move {
        let _ = sender.send(future.await);
    });
    loop {
        match receiver.recv_timeout(LOOK_EVERY) {
            Ok(output) => return Ok(output),
            Err(RecvTimeoutError::Timeout) => gives_up()?,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(io::Error::other("a call of the object store was given up"));
            }
        }
    }
}

/// The next of what is sent; fails as soon as `gives_up` does.
pub(super) fn receive<Item>(
    receiver: &mut Receiver<Item>,
    gives_up: &dyn Fn() -> io::Result<()>,
) -> io::Result<Option<Item>> {
    loop {
        match handle()?.block_on(async { timeout(LOOK_EVERY, receiver.recv()).await }) {
            Ok(item) => return Ok(item),
            Err(_) => gives_up()?,
        }
    }
}
