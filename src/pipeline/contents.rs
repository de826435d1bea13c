//! The *contents* of a delivery's files, which tell whether they came before:
//! read ahead by threads of their own, while the files before them are claimed,
//! loaded and moved. Bounded, so that what is read here is in memory still when
//! it is read for good.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::inbox::{FileContent, InboxFile};

/// So many groups are in hand at once, or groups of so many bytes.
const AHEAD_GROUPS: usize = 3;
const AHEAD_BYTES: u64 = 128 << 20;

/// See the module.
pub(super) struct Contents<'f> {
    /// Files that are claimed together.
    groups: Vec<&'f [InboxFile]>,
    state: Mutex<State>,
    is_read: Condvar,
    has_room: Condvar,
    /// Nobody takes more.
    is_over: AtomicBool,
}

#[derive(Default)]
struct State {
    /// How many groups were taken.
    taken: usize,
    /// Those that follow, as far as they are in hand. All but the last are
    /// read, or being read.
    in_hand: VecDeque<Group>,
}

struct Group {
    bytes: u64,
    /// Numbers of the files that nobody reads yet, the largest last: it is
    /// read first, so that no thread is left alone with it at the end.
    waiting: Vec<usize>,
    /// How many are not read.
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
    /// The group and the number of the file to be read next, if there is room.
    fn next(&mut self, groups: &[&[InboxFile]]) -> Option<(usize, usize)> {
        if self.in_hand.back().is_none_or(|group| group.waiting.is_empty()) && self.has_room() {
            self.in_hand.push_back(Group::of(groups.get(self.taken + self.in_hand.len())?));
        }
        let number = self.in_hand.back_mut()?.waiting.pop()?;
        Some((self.taken + self.in_hand.len() - 1, number))
    }

    fn has_room(&self) -> bool {
        let bytes: u64 = self.in_hand.iter().map(|group| group.bytes).sum();
        self.in_hand.is_empty() || (self.in_hand.len() < AHEAD_GROUPS && bytes < AHEAD_BYTES)
    }

    /// Whether a file waits, of these groups.
    fn has_more(&self, groups: &[&[InboxFile]]) -> bool {
        self.taken + self.in_hand.len() < groups.len()
            || self.in_hand.back().is_some_and(|group| !group.waiting.is_empty())
    }
}

impl<'f> Contents<'f> {
    /// Of these groups, in their order.
    pub fn new(groups: Vec<&'f [InboxFile]>) -> Self {
        let (is_read, has_room) = (Condvar::new(), Condvar::new());
        Contents { groups, state: Mutex::default(), is_read, has_room, is_over: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one file after the other, until all are read or nobody takes them.
    /// Several threads share the files.
    pub fn read_ahead(&self) {
        let mut state = self.lock();
        while state.has_more(&self.groups) && !self.is_over.load(Ordering::Relaxed) {
            let Some((group, number)) = state.next(&self.groups) else {
                state = self.has_room.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let content = FileContent::unless(&self.is_over, &self.groups[group][number].path);
            state = self.lock();
            let place = group - state.taken;
            let group = &mut state.in_hand[place];
            group.contents[number] = Some(content);
            group.missing -= 1;
            if group.missing == 0 {
                self.is_read.notify_one();
            }
        }
        // Whoever waits for room has nothing to wait for.
        self.has_room.notify_all();
    }

    /// For the one thread that takes the groups.
    pub fn taker(&self) -> Taker<'_> {
        Taker { contents: self }
    }
}

/// Takes the groups in their order. When it is dropped, reading ahead ends.
pub(super) struct Taker<'c> {
    contents: &'c Contents<'c>,
}

impl<'c> Taker<'c> {
    pub fn groups(&self) -> &'c [&'c [InboxFile]] {
        &self.contents.groups
    }

    /// The contents of the next group, when all are read.
    pub fn take(&self) -> Vec<io::Result<FileContent>> {
        let is_missing = |state: &mut State| state.in_hand.front().is_none_or(|group| group.missing > 0);
        let state = self.contents.is_read.wait_while(self.contents.lock(), is_missing);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        state.taken += 1;
        self.contents.has_room.notify_all();
        state.in_hand.pop_front().into_iter().flat_map(|group| group.contents).flatten().collect()
    }
}

impl Drop for Taker<'_> {
    fn drop(&mut self) {
        // Under the lock, so that nobody begins to wait in between.
        let _state = self.contents.lock();
        self.contents.is_over.store(true, Ordering::Relaxed);
        self.contents.has_room.notify_all();
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
            // The first are the shortest, and read last of their group.
            fs::write(inbox.path().join(format!("{number}.json")), "x".repeat(number)).expect("a file");
        }
        let files = crate::inbox::scan(inbox.path(), Duration::ZERO).expect("a scan").ready;
        (inbox, files)
    }

    fn hashes(contents: Vec<io::Result<FileContent>>) -> Vec<Option<[u8; 32]>> {
        contents.into_iter().map(|content| content.ok().map(|content| content.sha256)).collect()
    }

    #[test]
    fn groups_are_taken_in_their_order_whoever_reads_what_first() {
        let (_inbox, files) = ten_files();
        fs::remove_file(&files[4].path).expect("removed");
        let contents = Contents::new(files.chunks(3).collect());
        let taken = thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| contents.read_ahead());
            }
            let taker = contents.taker();
            taker.groups().iter().map(|_| hashes(taker.take())).collect::<Vec<_>>()
        });
        let expected: Vec<_> = files
            .chunks(3)
            .map(|group| hashes(group.iter().map(|file| FileContent::of(&file.path)).collect()))
            .collect();
        assert_eq!(taken, expected);
        assert_eq!(taken[1][1], None);
    }

    #[test]
    fn no_more_is_read_than_is_soon_taken_and_nothing_when_nobody_takes_it() {
        let (_inbox, files) = ten_files();
        let contents = Contents::new(files.chunks(1).collect());
        let in_hand = thread::scope(|scope| {
            scope.spawn(|| contents.read_ahead());
            let taker = contents.taker();
            taker.take();
            thread::sleep(Duration::from_millis(50));
            contents.lock().in_hand.len()
            // Here the taker goes, and the thread must not wait for ever.
        });
        assert_eq!(in_hand, AHEAD_GROUPS);
    }
}
