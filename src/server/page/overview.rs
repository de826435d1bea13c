//! The *overview*: is it alive, when did each source deliver, what is running, and what
//! needs attention.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use fhirmill_postgres::ledger::page::{BOUND, DayCount, Delivered, OpenReason, SourceHabit, ViewLine};
use fhirmill_postgres::ledger::{FeedEntry, FileEntry, FileFilter, RunFilter, ServiceEntry};
use tokio::sync::Mutex;

use super::ask;
use super::chart::Chart;
use super::disk::{self, Room, Waiting};
use super::error::PageError;
use super::format::{ago, badge, bounded, bytes, count, number, query, since, span, things};
use super::frame::Frame;
use super::live::Running;
use super::session::Visitor;
use crate::inbox::DEFAULT_SOURCE;
use crate::report::health;
use crate::server::state::Shared;

/// How many days the charts have.
const DAYS: i64 = 30;
/// For how long past days are remembered.
const REMEMBERED: Duration = Duration::from_secs(600);
/// How many troubled files are named.
const TROUBLED: i64 = 5;
/// How many feeds and applied views are looked at.
const MOST_FEEDS: i64 = 200;
const MOST_VIEWS: i64 = 200;
/// For how long a troubled file is news.
const NEWS: TimeDelta = TimeDelta::days(7);

#[derive(Template)]
#[template(path = "overview.html", config = "src/server/page/askama.toml")]
struct Overview {
    frame: Frame,
    attention: Vec<Attention>,
    service: Option<ServiceEntry>,
    complaint: Option<String>,
    disk: Option<Room>,
    waiting: Option<Waiting>,
    running: String,
    sources: Vec<SourceLine>,
    troubled: Vec<FileEntry>,
    rejects: i64,
    charts: [Titled; 2],
}

/// A chart with its words.
struct Titled {
    id: &'static str,
    title: &'static str,
    unit: &'static str,
    chart: Chart,
}

/// Something that needs attention: what, where to look, and what to do.
struct Attention {
    sentence: String,
    href: String,
    link: &'static str,
}

/// A source in the table.
struct SourceLine {
    habit: SourceHabit,
    /// The class and the words of its state.
    state: (&'static str, &'static str),
}

/// What the ledger is asked.
struct Asked {
    services: Vec<ServiceEntry>,
    habits: Vec<SourceHabit>,
    today: Vec<DayCount>,
    troubled: Vec<FileEntry>,
    reasons: Vec<OpenReason>,
    feeds: Vec<FeedEntry>,
    views: Vec<ViewLine>,
}

/// When days were counted, the day that they end before, and the counts.
type Counted = (Instant, NaiveDate, Arc<[DayCount]>);

/// What was loaded on the days before today. Only a file that is finished late changes that,
/// so it is remembered for a while.
#[derive(Debug, Default)]
pub struct ClosedDays {
    last: Mutex<Option<Counted>>,
}

impl ClosedDays {
    /// The days of the charts before that one.
    async fn before(&self, state: &Shared, today: NaiveDate) -> Result<Arc<[DayCount]>, PageError> {
        let mut last = self.last.lock().await;
        if let Some((since, until, days)) = &*last
            && since.elapsed() < REMEMBERED
            && *until == today
        {
            return Ok(Arc::clone(days));
        }
        let first = today - TimeDelta::days(DAYS - 1);
        let days =
            ask(state, move |connection| DayCount::between(connection, first, today - TimeDelta::days(1)));
        let days: Arc<[DayCount]> = days.await?.into();
        *last = Some((Instant::now(), today, Arc::clone(&days)));
        Ok(days)
    }
}

/// Shows the overview.
pub async fn show(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let now = Utc::now();
    let today = now.date_naive();
    let asked = ask(&state, move |connection| {
        let statuses = ["rejected", "failed", "abandoned"].map(str::to_owned);
        let of = RunFilter { statuses: &statuses, since: None, until: None, before: None, limit: TROUBLED };
        Ok(Asked {
            services: ServiceEntry::list(connection)?,
            habits: SourceHabit::list(connection)?,
            today: DayCount::between(connection, today, today)?,
            troubled: FileEntry::list(connection, &FileFilter { source: None, run_id: None, of })?,
            reasons: OpenReason::list(connection)?,
            feeds: FeedEntry::find(connection, None, MOST_FEEDS)?,
            views: ViewLine::list(connection, MOST_VIEWS)?,
        })
    });
    let (asked, running, waiting, days) = tokio::join!(
        asked,
        Running::now(&state),
        state.page.inbox.look(&state.settings),
        state.page.closed_days.before(&state, today)
    );
    let (asked, days) = (asked?, days?);
    let complaint = health::complaint(&state.settings, &health::host(), &asked.services);
    let rooms = disk::rooms(&state.settings);
    let chart = |count: fn(&DayCount) -> i64| {
        let counts: Vec<_> =
            days.iter().chain(&asked.today).map(|day| (day.day, day.source.as_str(), count(day))).collect();
        Chart::new(today, DAYS, &counts)
    };
    let view = Overview {
        frame: visitor.frame("Overview", "/page"),
        attention: attention(&asked, complaint.as_deref(), &rooms, now),
        service: own_service(asked.services),
        complaint,
        disk: rooms.into_iter().next(),
        waiting,
        running: running?.html(),
        sources: source_lines(&asked.habits, now),
        rejects: asked.reasons.iter().map(|reason| reason.records).sum(),
        charts: [
            Titled {
                id: "resources",
                title: "Resources a day",
                unit: "inserted or updated",
                chart: chart(|day| day.resources),
            },
            Titled {
                id: "rejected",
                title: "Rejects a day",
                unit: "rejected",
                chart: chart(|day| day.rejects),
            },
        ],
        troubled: asked.troubled,
    };
    Ok(super::html(&view))
}

/// The service that answers this call.
fn own_service(services: Vec<ServiceEntry>) -> Option<ServiceEntry> {
    let (host, process) = (health::host(), std::process::id());
    let is_own =
        |service: &ServiceEntry| service.host == host && service.process_id.unsigned_abs() == process;
    services.into_iter().find(is_own)
}

/// The sources, but for the one of files without one, unless there were some.
fn source_lines(habits: &[SourceHabit], now: DateTime<Utc>) -> Vec<SourceLine> {
    let is_shown = |habit: &&SourceHabit| habit.source != DEFAULT_SOURCE || habit.last_file_at.is_some();
    let line = |habit: &SourceHabit| SourceLine { habit: habit.clone(), state: words(habit, now) };
    habits.iter().filter(is_shown).map(line).collect()
}

fn words(habit: &SourceHabit, now: DateTime<Utc>) -> (&'static str, &'static str) {
    match habit.at(now) {
        Delivered::Never => ("quiet", "nothing yet"),
        Delivered::Unknown => ("quiet", "no habit yet"),
        Delivered::InTime => ("good", "in time"),
        Delivered::Late => ("warn", "late"),
        Delivered::Overdue => ("bad", "overdue"),
    }
}

/// What needs attention, the most urgent first.
fn attention(asked: &Asked, complaint: Option<&str>, rooms: &[Room], now: DateTime<Utc>) -> Vec<Attention> {
    let mut list = Vec::new();
    let mut add = |sentence: String, href: &str, link| {
        list.push(Attention { sentence, href: href.to_owned(), link });
    };
    if let Some(complaint) = complaint {
        add(format!("fhirmill is not well: {complaint}."), "/page/system", "System");
    }
    let mut disks: Vec<(i64, i64)> = Vec::new();
    for room in rooms.iter().filter(|room| room.is_low) {
        // Folders are often on one disk.
        if !disks.contains(&(room.free, room.total)) {
            disks.push((room.free, room.total));
            add(
                format!("The disk of the {} has only {} left.", room.what.to_lowercase(), bytes(room.free)),
                "/page/system",
                "System",
            );
        }
    }
    for habit in &asked.habits {
        if let (Delivered::Overdue, Some(last), Some(interval)) =
            (habit.at(now), habit.last_file_at, habit.interval)
        {
            let sentence = format!(
                "{} is overdue: it delivers about every {}, and last did {}. Ask the sender.",
                habit.source,
                span(interval),
                ago(last)
            );
            add(sentence, &format!("/page/files?source={}", query(&habit.source)), "Its files");
        }
    }
    for feed in asked.feeds.iter().filter(|feed| feed.state() == "failed") {
        let sentence =
            format!("The feed {} fails: {}.", feed.name, feed.last_error.as_deref().unwrap_or_default());
        add(sentence, &format!("/page/feeds/{}", query(&feed.name)), "What helps");
    }
    for view in &asked.views {
        if let Some(problem) = &view.problem {
            let sentence = format!("The table of the view {} is not complete: {problem}.", view.name);
            add(sentence, &format!("/page/views/{}", query(&view.name)), "The view");
        }
    }
    let recent = asked.troubled.iter().filter(|file| now - file.started_at < NEWS).count();
    if recent > 0 {
        let more = if recent as i64 == TROUBLED { "At least " } else { "" };
        let files = if recent == 1 { "file" } else { "files" };
        add(
            format!("{more}{recent} {files} of the last week could not be loaded in full; see below."),
            "#troubled",
            "These files",
        );
    }
    list
}

impl Overview {
    fn href(&self, file: &FileEntry) -> String {
        format!("/page/files/{}", file.id)
    }
}
