//! How much room the *disk* has, and what waits in the *inbox*.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use crate::config::Settings;
use crate::inbox::Inboxes;

/// For how long what was found in the inbox is good enough.
const FRESH: Duration = Duration::from_secs(5);
/// How long a view waits for the inbox, which may have very many files.
const PATIENCE: Duration = Duration::from_millis(100);
/// A disk with less room than this, or this part of it, is nearly full.
const LEAST_BYTES: u64 = 5_000_000_000;
const LEAST_PART: u64 = 20;

/// The room of the disk that has a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// What the folder is for.
    pub what: &'static str,
    /// The folder.
    pub path: String,
    /// Bytes that are free.
    pub free: i64,
    /// All bytes.
    pub total: i64,
    /// Whether it is nearly full.
    pub is_low: bool,
}

impl Room {
    /// How many in a hundred are used.
    pub fn used_percent(&self) -> i64 {
        if self.total == 0 { 0 } else { 100 - (self.free * 100 / self.total) }
    }
}

/// The room where files arrive, stay and are rejected, and where the private server has its
/// data.
pub fn rooms(settings: &Settings) -> Vec<Room> {
    let mut folders = vec![
        ("Inbox", &settings.inbox_dir),
        ("Archive", &settings.archive_dir),
        ("Rejects", &settings.rejects_dir),
        ("Logs", &settings.log.dir),
    ];
    if settings.database_url.is_none() {
        folders.push(("Database", &settings.data_dir));
    }
    folders.into_iter().filter_map(|(what, path)| room(what, path)).collect()
}

/// The room of one folder; of the nearest one above it, if it does not exist yet.
fn room(what: &'static str, path: &Path) -> Option<Room> {
    let existing = path.ancestors().find(|path| path.exists())?;
    let disk = rustix::fs::statvfs(existing).ok()?;
    let (free, total) =
        (disk.f_bavail.saturating_mul(disk.f_frsize), disk.f_blocks.saturating_mul(disk.f_frsize));
    let count = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let is_low = free < LEAST_BYTES || free < total / LEAST_PART;
    Some(Room { what, path: path.display().to_string(), free: count(free), total: count(total), is_low })
}

/// What waits in the inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Files that are ready to be loaded.
    pub ready: i64,
    /// Files that are still being written.
    pub settling: i64,
    /// The path of the file that has waited longest, and since when.
    pub oldest: Option<(String, DateTime<Utc>)>,
    /// Paths that are left alone, with the reason.
    pub skipped: Vec<(String, String)>,
}

/// Looks into the inbox, at most once in a while.
#[derive(Debug, Default)]
pub struct InboxWatch {
    last: Arc<Mutex<Option<(Instant, Waiting)>>>,
}

impl InboxWatch {
    /// What waits; none if it takes too long to find out. The next view has it then.
    pub async fn look(&self, settings: &Settings) -> Option<Waiting> {
        let (last, inbox, settle) = (Arc::clone(&self.last), Inboxes::of(settings), settings.settle);
        let look = tokio::spawn(async move {
            let mut last = last.lock().await;
            if let Some((since, waiting)) = &*last
                && since.elapsed() < FRESH
            {
                return Some(waiting.clone());
            }
            let waiting = tokio::task::spawn_blocking(move || waiting(&inbox, settle)).await.ok()??;
            *last = Some((Instant::now(), waiting.clone()));
            Some(waiting)
        });
        tokio::time::timeout(PATIENCE, look).await.ok()?.ok()?
    }
}

fn waiting(inboxes: &Inboxes, settle: Duration) -> Option<Waiting> {
    let (scan, None) = inboxes.scan(settle, false) else { return None };
    let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let time = |time: SystemTime| DateTime::<Utc>::from(time);
    Some(Waiting {
        ready: count(scan.ready.len()),
        settling: count(scan.settling),
        oldest: scan.oldest.map(|(since, path)| (path, time(since))),
        skipped: scan
            .skipped
            .named
            .into_iter()
            .map(|skipped| (skipped.path, skipped.reason.to_string()))
            .collect(),
    })
}
