//! The watch: wake-ups from the file system.
//!
//! An event is a wake-up if a file was closed after writing or moved in; writes
//! to a file that is still open are not. Network folders and folders shared
//! with a virtual machine send no events and have to be polled. If a watch is
//! unavailable, that is a warning: the schedule still finds every file, only
//! later.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;
use tracing::warn;

use crate::config::Watch;

/// How often polling compares names and times.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// Notifies `wake` soon after a file has arrived anywhere in `folder`, until
/// the result is dropped. None if watching is off or unavailable.
pub fn start(watch: Watch, folder: &Path, wake: &Arc<Notify>) -> Option<Box<dyn Watcher + Send>> {
    let watcher = match watch {
        Watch::Off => return None,
        Watch::Native => native(folder, wake),
        Watch::Poll => poll(folder, wake),
    };
    match watcher {
        Ok(watcher) => Some(watcher),
        Err(error) => {
            warn!("{} cannot be watched, so files wait for the schedule: {error}", folder.display());
            None
        }
    }
}

fn native(folder: &Path, wake: &Arc<Notify>) -> notify::Result<Box<dyn Watcher + Send>> {
    let mut watcher = RecommendedWatcher::new(handler(wake, folder, arrived_by_event), Config::default())?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

fn poll(folder: &Path, wake: &Arc<Notify>) -> notify::Result<Box<dyn Watcher + Send>> {
    let config = Config::default().with_poll_interval(POLL_INTERVAL);
    let mut watcher = PollWatcher::new(handler(wake, folder, arrived_by_poll), config)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(Box::new(watcher))
}

fn handler(
    wake: &Arc<Notify>,
    folder: &Path,
    has_arrived: fn(&EventKind) -> bool,
) -> impl Fn(notify::Result<Event>) + Send + 'static {
    let (wake, folder) = (Arc::clone(wake), folder.to_owned());
    move |event| match event {
        Ok(event) if event.need_rescan() => wake.notify_one(),
        Ok(event) if has_arrived(&event.kind) && !is_hidden(&event, &folder) => wake.notify_one(),
        Ok(_) => {}
        Err(error) => {
            warn!("the watch failed: {error}");
            wake.notify_one();
        }
    }
}

/// Whether all that the event names is hidden, as unfinished uploads are: scans do not
/// look at it.
fn is_hidden(event: &Event, folder: &Path) -> bool {
    let is_hidden = |path: &PathBuf| {
        let below = path.strip_prefix(folder).unwrap_or(path);
        below.components().any(|component| component.as_os_str().as_encoded_bytes().starts_with(b"."))
    };
    !event.paths.is_empty() && event.paths.iter().all(is_hidden)
}

/// Whether a file was closed after writing or moved in. A folder that was
/// created or moved in may hold files that arrived before it was watched.
fn arrived_by_event(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::Access(AccessKind::Close(AccessMode::Write))
            | EventKind::Create(CreateKind::Folder)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To | RenameMode::Both | RenameMode::Any))
    ) || (cfg!(not(target_os = "linux")) && matches!(kind, EventKind::Create(_) | EventKind::Modify(_)))
}

/// Whether something changed: polling only sees that names and times differ.
fn arrived_by_poll(kind: &EventKind) -> bool {
    matches!(kind, EventKind::Create(_) | EventKind::Modify(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writing_and_leaving_are_not_arrival() {
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
