//! *Feeds* fetch files from elsewhere and put them into the inbox, where they are files
//! like all others. What a feed has fetched and how far it is, is in the ledger, so that it
//! goes on after the death of its process, in this one or another.
//!
//! - [`http`]: calls to servers
//! - [`export`]: FHIR Bulk Data `$export`
//! - `kafka`: topics of Kafka (feature `kafka`); what they bring is loaded at once
//! - [`secret`]: secrets of feeds
//! - [`service`]: feeds that run as scheduled, within `fhirmill run`

pub mod export;
pub mod http;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod secret;
mod service;

use diesel::PgConnection;
use fhirmill_postgres::ledger::{Feed, FeedFailure, NewFeed};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

pub use service::Feeds;

use crate::config::{FeedKind, FeedSettings, Settings};
use crate::report::{Activity, RunProgress};
use export::{ExportOf, ExportRun, Exported, Loads};
use http::{Failure, HttpClient};

/// What runs of feeds share.
#[derive(Clone)]
pub struct FeedContext {
    /// All settings.
    pub settings: Settings,
    /// Where network calls are made.
    pub runtime: Handle,
    /// Cancelled when the program ends.
    pub cancel: CancellationToken,
    /// Where the work of feeds that load by themselves is counted.
    pub activity: Activity,
}

impl FeedContext {
    /// A client that may call any host.
    pub fn http(&self) -> Result<HttpClient, Failure> {
        HttpClient::new(None, &self.runtime, &self.cancel)
    }
}

/// The feed in the ledger; it is entered if it is new.
pub fn register(connection: &mut PgConnection, feed: &FeedSettings) -> Result<Feed, Failure> {
    let schedule = feed.schedule.as_ref().map(ToString::to_string);
    let new = NewFeed {
        name: &feed.name,
        kind: feed.kind.name(),
        source: &feed.source,
        schedule: schedule.as_deref(),
    };
    Ok(Feed::register(connection, &new)?)
}

/// Runs a feed of files to its end over a session that holds its lock, and notes how that went.
pub fn run(
    context: &FeedContext,
    declared: &FeedSettings,
    session: (Feed, PgConnection),
    loads: Loads<'_>,
    progress: &RunProgress,
) -> Result<Exported, Failure> {
    let (feed, mut connection) = session;
    let id = feed.id;
    let FeedKind::Export(export) = &declared.kind else {
        return Err(Failure::Settings(format!("feed {} is not of files", declared.name)));
    };
    Feed::begin_run(&mut connection, id)?;
    let of = ExportOf { settings: &context.settings, export, source: &declared.source, feed: Some(feed) };
    let run = ExportRun::new(of, context.http()?, connection, loads, progress)?;
    let outcome = run.run();
    let failure = match &outcome {
        Err(Failure::Cancelled | Failure::Paused) => return outcome,
        Err(failure) => Some(FeedFailure {
            reason: crate::report::in_one_line(failure),
            advice: failure.advice(&declared.name),
        }),
        Ok(_) => None,
    };
    Feed::end_run(&mut run.into_connection(), id, failure.as_ref())?;
    outcome
}
