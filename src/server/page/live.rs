//! What is running now: once for the view, and then as it goes on, by server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use fhirmill_postgres::ledger::page::{PageSession, RunInProgress, RunLine, RunPage};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::ask;
use super::error::PageError;
use super::format::{bytes, number, things, time};
use super::session::{IDLE_SECONDS, Visitor};
use crate::report::{Snapshot, Unit};
use crate::server::auth::hash;
use crate::server::state::Shared;

/// How often watchers are told, however many they are.
const EVERY: Duration = Duration::from_secs(1);
/// A connection without news gets a comment, so that a proxy does not close it.
const SILENCE: Duration = Duration::from_secs(15);
/// How many may watch.
const WATCHERS: usize = 64;
/// How often it is asked whether a watcher is still signed in.
const SESSION_CHECK: Duration = Duration::from_secs(10);

/// What watchers share.
#[derive(Debug)]
pub struct Live {
    /// What was last found, and when.
    last: Mutex<Option<(Instant, Arc<str>)>>,
    watchers: Arc<Semaphore>,
}

impl Default for Live {
    fn default() -> Self {
        Live { last: Mutex::default(), watchers: Arc::new(Semaphore::new(WATCHERS)) }
    }
}

/// What is running.
#[derive(Template)]
#[template(path = "running.html", config = "src/server/page/askama.toml")]
pub struct Running {
    runs: Vec<RunInProgress>,
    /// What this process does.
    stage: Option<StageNow>,
    /// The last run that has ended.
    last: Option<RunLine>,
}

/// How far a stage is.
pub struct StageNow {
    run_id: i64,
    name: &'static str,
    done: i64,
    total: i64,
    done_text: String,
    total_text: String,
    files: i64,
}

impl Running {
    /// As it is now.
    pub async fn now(state: &Shared) -> Result<Self, PageError> {
        let (runs, last) = ask(state, |connection| {
            let runs = RunInProgress::list(connection)?;
            let last = RunLine::list(connection, RunPage { limit: 5, ..RunPage::default() })?;
            Ok((runs, last.into_iter().find(|run| run.finished_at.is_some())))
        })
        .await?;
        let snapshot = state.page.progress.snapshot();
        let is_running = |run_id| runs.iter().any(|run: &RunInProgress| Some(run.run_id) == run_id);
        let stage = stage(&snapshot).filter(|_| is_running(snapshot.run_id));
        Ok(Running { runs, stage, last })
    }

    /// As HTML.
    pub fn html(&self) -> String {
        self.render().unwrap_or_default()
    }

    fn stage_of(&self, run: &RunInProgress) -> Option<&StageNow> {
        self.stage.as_ref().filter(|stage| stage.run_id == run.run_id)
    }
}

fn stage(snapshot: &Snapshot) -> Option<StageNow> {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let stage = snapshot.stage?;
    let (done, total) = (count(snapshot.done.min(stage.total)), count(stage.total));
    let text = |count: i64| match stage.unit {
        Unit::Bytes => bytes(count),
        Unit::Items(plural) => format!("{} {plural}", number(count)),
    };
    Some(StageNow {
        run_id: snapshot.run_id?,
        name: stage.name,
        done,
        total,
        done_text: text(done),
        total_text: text(total),
        files: count(snapshot.files),
    })
}

/// What is running as HTML, found anew once a second for all watchers together.
async fn shared(state: &Shared) -> Option<Arc<str>> {
    let mut last = state.page.live.last.lock().await;
    if let Some((since, html)) = &*last
        && since.elapsed() < EVERY / 2
    {
        return Some(Arc::clone(html));
    }
    let html: Arc<str> = Running::now(state).await.ok()?.html().into();
    *last = Some((Instant::now(), Arc::clone(&html)));
    Some(html)
}

/// A connection that watches.
struct Watcher {
    state: Shared,
    token_hash: [u8; 32],
    checked: Instant,
    told: Option<Arc<str>>,
    spoken: Instant,
    is_ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Watcher {
    /// The next event: news, or a comment after a long silence. None at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.is_ended || self.state.cancel.is_cancelled() {
                return None;
            }
            if self.checked.elapsed() >= SESSION_CHECK {
                self.checked = Instant::now();
                if !self.is_signed_in().await {
                    self.is_ended = true;
                    return Some(Event::default().event("end").data(""));
                }
            }
            if let Some(html) = shared(&self.state).await
                && self.told.as_ref() != Some(&html)
            {
                self.told = Some(Arc::clone(&html));
                self.spoken = Instant::now();
                return Some(Event::default().event("running").data(&*html));
            }
            if self.spoken.elapsed() >= SILENCE {
                self.spoken = Instant::now();
                return Some(Event::default().comment(""));
            }
            tokio::select! {
                () = self.state.cancel.cancelled() => return None,
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Watching is not using: who leaves the view open is signed out in time.
    async fn is_signed_in(&self) -> bool {
        let token_hash = self.token_hash;
        let find = move |connection: &mut _| {
            PageSession::find(connection, &token_hash, IDLE_SECONDS, false).map_err(PageError::from)
        };
        // A database that is away does not end a session.
        self.state.pool.run(find).await.map_or(true, |found| found.is_some())
    }
}

/// Tells what is running, as it goes on.
pub async fn events(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let Ok(permit) = Arc::clone(&state.page.live.watchers).try_acquire_owned() else {
        return Err(PageError::Unavailable);
    };
    let now = Instant::now();
    let watcher = Watcher {
        token_hash: hash(&visitor.word),
        state,
        checked: now,
        told: None,
        spoken: now,
        is_ended: false,
        _permit: permit,
    };
    let stream = futures_util::stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        Some((Ok::<_, Infallible>(event), watcher))
    });
    Ok(([("x-accel-buffering", "no")], Sse::new(stream)).into_response())
}
