//! A *lane*: the updates that wait for one writer, in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use fhirmill_postgres::lock::lock;
use tokio::sync::oneshot;

use super::group::{MOST_BYTES, MOST_UPDATES, Names};
use super::{Answer, Full, Update};

/// The most bytes that wait.
const MOST_WAITING_BYTES: usize = 64 << 20;

/// An update that waits, and who waits for its answer.
#[derive(Debug)]
pub struct Waiting {
    /// The update.
    pub update: Update,
    answer: oneshot::Sender<Answer>,
}

impl Waiting {
    /// Answers. Whoever has gone away meanwhile is not told.
    pub fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }
}

/// What a writer is to do next.
#[derive(Debug)]
pub enum Next {
    /// Write these updates, which are of one source and of different resources.
    Group(Vec<Waiting>),
    /// Nothing came for a while.
    Idle,
    /// End.
    End,
}

/// See the module.
#[derive(Debug)]
pub struct Lane {
    most_waiting: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    is_ending: bool,
}

impl Lane {
    /// An empty lane, in which so many updates may wait.
    pub fn new(most_waiting: usize) -> Self {
        Lane { most_waiting, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Adds updates, unless too many wait already.
    pub fn push(&self, updates: Vec<Update>) -> Result<Vec<oneshot::Receiver<Answer>>, Full> {
        let mut state = lock(&self.state);
        if state.is_ending || state.waiting.len() >= self.most_waiting || state.bytes >= MOST_WAITING_BYTES {
            return Err(Full(updates));
        }
        let mut answers = Vec::with_capacity(updates.len());
        for update in updates {
            let (answer, receiver) = oneshot::channel();
            state.bytes += update.line.len();
            state.waiting.push_back(Waiting { update, answer });
            answers.push(receiver);
        }
        drop(state);
        self.changed.notify_one();
        Ok(answers)
    }

    /// Tells the writer to end when nothing waits.
    pub fn end(&self) {
        lock(&self.state).is_ending = true;
        self.changed.notify_all();
    }

    /// What to do next; waits for it.
    pub fn next(&self, idle: Duration) -> Next {
        let state = lock(&self.state);
        let waited = self
            .changed
            .wait_timeout_while(state, idle, |state| state.waiting.is_empty() && !state.is_ending);
        let (mut state, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        if state.waiting.is_empty() {
            return if state.is_ending { Next::End } else { Next::Idle };
        }
        Next::Group(state.take_group())
    }
}

impl State {
    /// Takes the updates that can be written together, from the oldest on. Updates of one
    /// resource are written one after the other, so one that is left keeps later ones of
    /// its resources back.
    fn take_group(&mut self) -> Vec<Waiting> {
        let mut group: Vec<Waiting> = Vec::new();
        let mut left = VecDeque::with_capacity(self.waiting.len());
        let (mut names, mut bytes) = (Names::default(), 0);
        let mut is_closed = false;
        while let Some(waiting) = self.waiting.pop_front() {
            let update = &waiting.update;
            let is_other_source = group.first().is_some_and(|first| first.update.source != update.source);
            let is_alone = !update.conditionals.is_empty();
            let is_full = group.len() >= MOST_UPDATES || bytes + update.line.len() > MOST_BYTES;
            if is_closed || is_other_source {
                left.push_back(waiting);
                continue;
            }
            if !group.is_empty() && (is_alone || is_full) {
                is_closed = true;
                left.push_back(waiting);
                continue;
            }
            // The names of those that are left count as well.
            if !names.add(update) {
                left.push_back(waiting);
                continue;
            }
            bytes += update.line.len();
            is_closed = is_alone;
            group.push(waiting);
        }
        self.waiting = left;
        self.bytes = self.waiting.iter().map(|waiting| waiting.update.line.len()).sum();
        group
    }
}
