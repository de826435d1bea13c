//! The watch: wake-ups from the file system.
//!
//! Events tell that a file was closed after writing, or was moved in; what is
//! still being written says nothing worth a look. Network folders and folders
//! shared with a virtual machine send no events, for which there is polling.
//! A watch that cannot be had is a warning: the schedule still finds every
//! file, only later.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use crate::config::Watch;

/// How often polling looks at names and times.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Notifies `wake` soon after a file arrived anywhere in the folder, for as
/// long as what is returned lives.
pub fn start(watch: Watch, folder: &Path, wake: &Arc<Notify>) -> Option<Box<dyn Watcher + Send>> {
    let watcher = match watch {
        Watch::Off => return None,
        Watch::Native => native(folder, wake),
        Watch::Poll => poll(folder, wake),
    };
    match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            warn!("cannot watch {}, so files wait for the schedule: {error}", folder.display());
            None
        }
    }
}

fn native(folder: &Path, wake: &Arc<Notify>) -> notify::Result<Box<dyn Watcher + Send>> {
    let mut watcher = RecommendedWatcher::new(handler(wake, arrived_by_event), Config::default())?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

fn poll(folder: &Path, wake: &Arc<Notify>) -> notify::Result<Box<dyn Watcher + Send>> {
    let config = Config::default().with_poll_interval(POLL_INTERVAL);
    let mut watcher = PollWatcher::new(handler(wake, arrived_by_poll), config)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

fn handler(
    wake: &Arc<Notify>,
    has_arrived: fn(&EventKind) -> bool,
) -> impl Fn(notify::Result<Event>) + Send + 'static {
    let wake = Arc::clone(wake);
    move |event| match event {
        Ok(event) if event.need_rescan() || has_arrived(&event.kind) => wake.notify_one(),
        Ok(_) => {}
        Err(error) => {
            warn!("the watch reports: {error}");
            wake.notify_one();
        }
    }
}

/// A file was closed after writing or moved in. A folder that was made or
/// moved in may hold files that came before its own watch.
fn arrived_by_event(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Create(CreateKind::Folder)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both | RenameMode::Any))
    ) || (cfg!(not(target_os = "linux")) && matches!(kind, EventKind::Create(_) | EventKind::Modify(_)))
}

/// Polling sees only that names and times differ from the last time.
fn arrived_by_poll(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Create(_) | EventKind::Modify(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_and_leaving_are_no_arrival() {
        use notify::event::{DataChange, RemoveKind};
        assert!(!arrived_by_event(&EventKind::Modify(ModifyKind::Name(RenameMode::From))));
        assert!(!arrived_by_event(&EventKind::Remove(RemoveKind::File)));
        assert!(!arrived_by_poll(&EventKind::Remove(RemoveKind::File)));
        if cfg!(target_os = "linux") {
            assert!(!arrived_by_event(&EventKind::Create(CreateKind::File)));
            assert!(!arrived_by_event(&EventKind::Modify(ModifyKind::Data(DataChange::Any))));
        }
    }
}
