//! *Feeds*: all of them, and one with its runs and files; run now, pause and resume.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{DateTime, TimeDelta, Utc};
use fhirmill_postgres::ledger::page::{FeedFile, FeedFilePage, FeedRun};
use fhirmill_postgres::ledger::{Feed, FeedEntry};
use serde::Deserialize;
use tracing::info;

use super::ask;
use super::error::PageError;
use super::format::{badge, bytes, number, query, since, span, things, time, with_commands};
use super::frame::Frame;
use super::session::{OperatorPosted, Posted, Visitor};
use crate::server::state::Shared;

/// The most feeds that are listed, and runs and files of one that are on a page.
const MOST: i64 = 200;
const RUNS: i64 = 20;
const FILES: i64 = 50;
const PARTITIONS: usize = 200;

/// What the address asks for.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct FeedQuery {
    run: Option<i64>,
    before: Option<i64>,
    after: Option<i32>,
    only: Option<String>,
    done: Option<String>,
}

/// How far a partition of a Kafka feed is.
#[derive(Clone, Debug, Deserialize)]
struct Partition {
    topic: String,
    partition: i64,
    next_offset: i64,
    end_offset: Option<i64>,
    lag: Option<i64>,
    messages: i64,
    rejected: i64,
    lost_offsets: i64,
    moved_at: DateTime<Utc>,
}

/// A feed, and whether the settings have it.
struct Line {
    feed: FeedEntry,
    is_declared: bool,
}

#[derive(Template)]
#[template(path = "feeds.html", config = "src/server/page/askama.toml")]
struct Feeds {
    frame: Frame,
    feeds: Vec<Line>,
    is_cut: bool,
}

#[derive(Template)]
#[template(path = "feed.html", config = "src/server/page/askama.toml")]
struct OneFeed {
    frame: Frame,
    line: Line,
    runs: Vec<FeedRun>,
    older_runs: Option<i64>,
    /// The run whose files are shown.
    shown: Option<FeedRun>,
    files: Vec<FeedFile>,
    is_narrowed: bool,
    more_files: Option<i32>,
}

/// Lists the feeds.
pub async fn list(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let mut feeds = ask(&state, |connection| FeedEntry::find(connection, None, MOST + 1)).await?;
    let is_cut = feeds.len() as i64 > MOST;
    feeds.truncate(MOST as usize);
    let feeds = feeds.into_iter().map(|feed| Line::new(&state, feed)).collect();
    Ok(super::html(&Feeds { frame: visitor.frame("Feeds", "/page/feeds"), feeds, is_cut }))
}

/// Shows a feed with its runs, and the files of one of them.
pub async fn show(
    State(state): State<Shared>,
    visitor: Visitor,
    Path(name): Path<String>,
    Query(query): Query<FeedQuery>,
) -> Result<Response, PageError> {
    let missing = || PageError::NotFound("There is no such feed.".to_owned());
    let is_narrowed = query.only.as_deref() == Some("differences");
    let (wanted, asked) = (name.clone(), query.clone());
    let found = ask(&state, move |connection| {
        let Some(feed) = FeedEntry::find(connection, Some(&wanted), 1)?.pop() else { return Ok(None) };
        let runs = FeedRun::list(connection, &wanted, asked.before, RUNS + 1)?;
        let shown = match asked.run {
            Some(id) => {
                FeedRun::list(connection, &wanted, id.checked_add(1), 1)?.into_iter().find(|run| run.id == id)
            }
            None => runs.first().cloned(),
        };
        let files = match &shown {
            None => Vec::new(),
            Some(run) => {
                let after = asked.after.unwrap_or(0);
                let page =
                    FeedFilePage { run_id: run.id, after, only_differing: is_narrowed, limit: FILES + 1 };
                FeedFile::list(connection, page)?
            }
        };
        Ok(Some((feed, runs, shown, files)))
    });
    let (feed, mut runs, shown, mut files) = found.await?.ok_or_else(missing)?;
    if query.run.is_some() && shown.is_none() {
        return Err(PageError::NotFound("This feed has no such run.".to_owned()));
    }
    let older_runs = cut(&mut runs, RUNS, |run| run.id);
    let more_files = cut(&mut files, FILES, |file| file.number);
    let frame = visitor.frame(format!("Feed {name}"), "/page/feeds").with_notice(query.done.as_deref());
    let line = Line::new(&state, feed);
    Ok(super::html(&OneFeed { frame, line, runs, older_runs, shown, files, is_narrowed, more_files }))
}

/// Removes what is beyond the page; returns the last entry that stays if there was more.
fn cut<T, Id>(entries: &mut Vec<T>, page: i64, id: impl Fn(&T) -> Id) -> Option<Id> {
    if entries.len() as i64 <= page {
        return None;
    }
    entries.truncate(page as usize);
    entries.last().map(id)
}

/// Asks for a run at once.
pub async fn run(
    state: State<Shared>,
    name: Path<String>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    act(state, name, posted, "requested", |connection, feed| Feed::request(connection, &feed.name)).await
}

/// Pauses a feed.
pub async fn pause(
    state: State<Shared>,
    name: Path<String>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    act(state, name, posted, "paused", |connection, feed| {
        Feed::pause_by_name(connection, &feed.name, true).map(|()| feed.paused_at.is_none())
    })
    .await
}

/// Lets a feed run again.
pub async fn resume(
    state: State<Shared>,
    name: Path<String>,
    OperatorPosted(posted): OperatorPosted,
) -> Result<Response, PageError> {
    act(state, name, posted, "resumed", |connection, feed| {
        Feed::pause_by_name(connection, &feed.name, false).map(|()| feed.paused_at.is_some())
    })
    .await
}

/// Does something with a feed that is known, and tells the threads of the feeds.
async fn act(
    State(state): State<Shared>,
    Path(name): Path<String>,
    posted: Posted,
    word: &'static str,
    action: impl FnOnce(&mut diesel::PgConnection, &FeedEntry) -> diesel::QueryResult<bool> + Send + 'static,
) -> Result<Response, PageError> {
    // The address could say anything.
    posted.visitor.call.set_target(format!("feed {}", name.chars().take(100).collect::<String>()));
    let wanted = name.clone();
    let done = state.pool.run(move |connection| {
        let Some(feed) = FeedEntry::find(connection, Some(&wanted), 1)?.pop() else { return Ok(None) };
        // A second click asks for nothing more.
        let is_over =
            word == "requested" && (feed.is_running || feed.requested_at.is_some() || is_continuous(&feed));
        let done = !is_over && action(connection, &feed)?;
        Ok::<_, PageError>(Some(done))
    });
    let done = done.await?.ok_or_else(|| PageError::NotFound("There is no such feed.".to_owned()))?;
    state.service.wake_feeds.notify_waiters();
    if done {
        info!(user = %posted.visitor.user.name, "feed {name} was {word} by the page");
    }
    let address = format!("/page/feeds/{}?done={word}-{}", query(&name), u8::from(done));
    Ok(Redirect::to(&address).into_response())
}

impl Line {
    fn new(state: &Shared, feed: FeedEntry) -> Self {
        let is_declared = state.settings.feeds.iter().any(|declared| declared.name == feed.name);
        Line { feed, is_declared }
    }

    /// The class and the word of its state.
    fn state(&self) -> (&'static str, &'static str) {
        match self.feed.state() {
            "paused" => ("warn", "paused"),
            "running" if self.feed.last_error.is_some() => ("bad", "in trouble"),
            "running" => ("busy", "running"),
            "failed" => ("bad", "failed"),
            _ if !self.is_declared => ("quiet", "not in the settings"),
            _ if self.feed.last_started_at.is_none() => ("quiet", "not run yet"),
            _ => ("good", "well"),
        }
    }

    /// When it runs next, in words; the time itself if there is one.
    fn next_run(&self) -> (&'static str, Option<DateTime<Utc>>) {
        let feed = &self.feed;
        match feed.next_run_at {
            _ if feed.paused_at.is_some() => ("not before it is resumed", None),
            _ if !self.is_declared => ("never: the settings do not have it", None),
            _ if is_continuous(feed) => ("all the time", None),
            _ if feed.requested_at.is_some() => ("in a moment: somebody asked for it", None),
            Some(at) if at < Utc::now() && !feed.is_running => ("due since", Some(at)),
            Some(at) => ("", Some(at)),
            None if feed.schedule.is_none() => ("on request", None),
            None => ("not known yet", None),
        }
    }

    /// How old the oldest record is that it has not loaded.
    fn lag(&self) -> Option<TimeDelta> {
        self.feed.lag_seconds.map(|seconds| TimeDelta::seconds(seconds as i64))
    }

    /// Its partitions, the first ones.
    fn partitions(&self) -> Vec<Partition> {
        let all = self.feed.partitions.as_array().map(Vec::as_slice).unwrap_or_default();
        let shown = all.iter().take(PARTITIONS);
        shown.filter_map(|partition| Partition::deserialize(partition).ok()).collect()
    }

    /// Whether there are more.
    fn has_more_partitions(&self) -> bool {
        self.feed.partitions.as_array().is_some_and(|all| all.len() > PARTITIONS)
    }

    /// Whether it can be asked to run.
    fn can_run(&self) -> bool {
        let feed = &self.feed;
        let is_free = feed.paused_at.is_none() && !feed.is_running && feed.requested_at.is_none();
        self.is_declared && is_free && !is_continuous(feed)
    }
}

/// Whether a feed runs all the time.
fn is_continuous(feed: &FeedEntry) -> bool {
    feed.kind == "kafka"
}

/// The class of the state of a run.
fn run_class(status: &str) -> &'static str {
    match status {
        "finished" => "good",
        "failed" => "bad",
        "abandoned" => "warn",
        _ => "busy",
    }
}

/// The class of the state of a file.
fn feed_file_class(status: &str) -> &'static str {
    match status {
        "loaded" => "good",
        "landing" | "landed" => "busy",
        _ => "quiet",
    }
}

/// How many more or fewer resources a file has than announced.
fn difference(file: &FeedFile) -> String {
    let difference = file.seen.unwrap_or(0) - file.announced.unwrap_or(0);
    match difference {
        1.. => format!("{} more than announced", number(difference)),
        _ => format!("{} fewer than announced", number(-difference)),
    }
}

/// How long a run took.
fn took(run: &FeedRun) -> Option<String> {
    run.finished_at.map(|finished| span(finished - run.started_at))
}

/// A schedule as it is usually written: without seconds, if it is at the full minute.
fn schedule(text: &str) -> &str {
    let is_long = text.split_whitespace().count() == 6;
    text.strip_prefix("0 ").filter(|_| is_long).unwrap_or(text)
}

/// What a feed fetches from.
fn kind(kind: &str) -> &str {
    match kind {
        "export" => "bulk export",
        "kafka" => "topics of Kafka",
        kind => kind,
    }
}
