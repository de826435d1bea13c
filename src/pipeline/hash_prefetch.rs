//! The *hash prefetch* hashes the files of a run, by which duplicates are
//! detected, in threads of its own while the files before them are claimed,
//! loaded and moved. It is bounded, so that a file is still in the page cache when
//! it is read for loading.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};

use fhirmill_postgres::lock::{lock, wait, wait_while};

use crate::inbox::{FileContent, InboxFile};

/// The most groups that are hashed and not taken, and the bytes of files from
/// which on no further group is begun.
const AHEAD_GROUPS: usize = 3;
const AHEAD_BYTES: u64 = 128 << 20;

/// See the module.
pub(super) struct HashPrefetch<'f> {
    /// Files that are claimed together.
    groups: Vec<&'f [InboxFile]>,
    state: Mutex<State>,
    is_hashed: Condvar,
    has_room: Condvar,
    /// Nobody will take more.
    is_over: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The number of groups that were taken.
    taken: usize,
    /// The groups after them that were begun. All files of all but the last are
    /// hashed or being hashed.
    begun: VecDeque<Group>,
}

struct Group {
    bytes: u64,
    /// Numbers of the files that no thread has begun, the largest last: it is
    /// hashed first, so that no thread is left alone with it at the end.
    waiting: Vec<usize>,
    /// The number of files that are not hashed.
    missing: usize,
    contents: Vec<Option<io::Result<FileContent>>>,
}

impl Group {
    fn of(files: &[InboxFile]) -> Self {
        let mut waiting: Vec<usize> = (0..files.len()).collect();
        waiting.sort_by_key(|number| files[*number].size);
        let bytes = files.iter().map(|file| file.size).sum();
        Group { bytes, waiting, missing: files.len(), contents: files.iter().map(|_| None).collect() }
    }
}

impl State {
    /// The numbers of a group and of the file in it that is next, if there is room.
    fn next(&mut self, groups: &[&[InboxFile]]) -> Option<(usize, usize)> {
        if self.begun.back().is_none_or(|group| group.waiting.is_empty()) && self.has_room() {
            self.begun.push_back(Group::of(groups.get(self.taken + self.begun.len())?));
        }
        let number = self.begun.back_mut()?.waiting.pop()?;
        Some((self.taken + self.begun.len() - 1, number))
    }

    fn has_room(&self) -> bool {
        let bytes: u64 = self.begun.iter().map(|group| group.bytes).sum();
        self.begun.is_empty() || (self.begun.len() < AHEAD_GROUPS && bytes < AHEAD_BYTES)
    }

    /// Whether any file of these groups is not begun.
    fn has_more(&self, groups: &[&[InboxFile]]) -> bool {
        self.taken + self.begun.len() < groups.len()
            || self.begun.back().is_some_and(|group| !group.waiting.is_empty())
    }
}

impl<'f> HashPrefetch<'f> {
    /// For these groups, in their order.
    pub fn new(groups: Vec<&'f [InboxFile]>) -> Self {
        let (is_hashed, has_room) = (Condvar::new(), Condvar::new());
        HashPrefetch { groups, state: Mutex::default(), is_hashed, has_room, is_over: AtomicBool::new(false) }
    }

    /// Hashes file after file until all are hashed or nobody takes them any more.
    /// Several threads share the files.
    pub fn run(&self) {
        let mut state = lock(&self.state);
        while state.has_more(&self.groups) && !self.is_over.load(Ordering::Relaxed) {
            let Some((group, number)) = state.next(&self.groups) else {
                state = wait(&self.has_room, state);
                continue;
            };
            drop(state);
            let content = self.groups[group][number].place.content(&self.is_over);
            state = lock(&self.state);
            let place = group - state.taken;
            let group = &mut state.begun[place];
            group.contents[number] = Some(content);
            group.missing -= 1;
            if group.missing == 0 {
                self.is_hashed.notify_one();
            }
        }
        // Threads that wait for room have nothing to wait for any more.
        self.has_room.notify_all();
    }

    /// For the thread that takes the groups.
    pub fn hashes(&self) -> PrefetchedHashes<'_> {
        PrefetchedHashes { prefetch: self }
    }
}

/// Takes the groups in their order. When it is dropped, prefetching ends.
pub(super) struct PrefetchedHashes<'p> {
    prefetch: &'p HashPrefetch<'p>,
}

impl<'p> PrefetchedHashes<'p> {
    /// All groups.
    pub fn groups(&self) -> &'p [&'p [InboxFile]] {
        &self.prefetch.groups
    }

    /// The contents of the files of the next group; waits until all are hashed.
    pub fn take(&self) -> Vec<io::Result<FileContent>> {
        let is_missing = |state: &mut State| state.begun.front().is_none_or(|group| group.missing > 0);
        let HashPrefetch { state, is_hashed, .. } = self.prefetch;
        let mut state = wait_while(is_hashed, lock(state), is_missing);
        state.taken += 1;
        self.prefetch.has_room.notify_all();
        state.begun.pop_front().into_iter().flat_map(|group| group.contents).flatten().collect()
    }
}

impl Drop for PrefetchedHashes<'_> {
    fn drop(&mut self) {
        // Under the lock, so that no thread begins to wait in between.
        let _state = lock(&self.prefetch.state);
        self.prefetch.is_over.store(true, Ordering::Relaxed);
        self.prefetch.has_room.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;
    use std::fs;
    use std::thread;
    use std::time::Duration;

    use tempfile::TempDir;

    fn ten_files() -> (TempDir, Vec<InboxFile>) {
        let inbox = tempfile::tempdir().expect("a folder");
        for number in 0..10_usize {
            // The first are the shortest, and hashed last of their group.
            fs::write(inbox.path().join(format!("{number}.json")), "x".repeat(number)).expect("a file");
        }
        let files = crate::inbox::scan(inbox.path(), Duration::ZERO).expect("a scan").ready;
        (inbox, files)
    }

    fn hashes(contents: Vec<io::Result<FileContent>>) -> Vec<Option<[u8; 32]>> {
        contents.into_iter().map(|content| content.ok().map(|content| content.sha256)).collect()
    }

    #[test]
    fn groups_are_taken_in_their_order_whichever_is_hashed_first() {
        let (_inbox, files) = ten_files();
        fs::remove_file(files[4].place.path().expect("a file")).expect("removed");
        let prefetch = HashPrefetch::new(files.chunks(3).collect());
        let taken = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| prefetch.run());
            }
            let taker = prefetch.hashes();
            taker.groups().iter().map(|_| hashes(taker.take())).collect::<Vec<_>>()
        });
        let expected: Vec<_> = files
            .chunks(3)
            .map(|group| {
                hashes(group.iter().map(|file| file.place.content(&AtomicBool::new(false))).collect())
            })
            .collect();
        assert_eq!(taken, expected);
        assert_eq!(taken[1][1], None);
    }

    #[test]
    fn no_more_is_hashed_than_is_taken_soon_and_nothing_when_nobody_takes_it() {
        let (_inbox, files) = ten_files();
        let prefetch = HashPrefetch::new(files.chunks(1).collect());
        let groups_begun = thread::scope(|scope| {
            scope.spawn(|| prefetch.run());
            let taker = prefetch.hashes();
            taker.take();
            thread::sleep(Duration::from_millis(50));
            lock(&prefetch.state).begun.len()
            // Here the taker goes, and the thread must not wait for ever.
        });
        assert_eq!(groups_begun, AHEAD_GROUPS);
    }
}
