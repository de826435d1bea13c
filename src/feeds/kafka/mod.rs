//! *Kafka*: topics are read all the time, and their messages loaded in batches.
//!
//! How far each partition is, is in the ledger, and moves in the transaction that loads a
//! batch. So each message is loaded exactly once by effect, whatever dies: whoever reads a
//! partition begins where the ledger is, and a batch that does not begin there is refused.
//! What the group of consumers at Kafka has as offsets is for people who watch the lag.
//!
//! - `client`: librdkafka
//! - `topics`: which topics are read, and their sources
//! - `offsets`: where partitions are continued
//! - `reader`: the thread that polls
//! - `partitions`: what it reads
//! - `gathering`: messages of partitions are put into batches
//! - `batch`: messages that are loaded together
//! - `message`, `top`: a message becomes lines
//! - `lane`, `lanes`: the threads that load them
//! - `appending`: their lines go to the disk
//! - `reset`, `test`: commands

mod appending;
mod batch;
mod client;
mod gathering;
mod lane;
mod lanes;
mod message;
mod offsets;
mod partitions;
mod reader;
mod reset;
mod test;
mod top;
mod topics;

use diesel::PgConnection;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::ledger::{Feed, FeedFailure};
use serde::Serialize;

pub use reset::{ResetTo, Wanted as ResetWanted, reset};
pub use test::test;

use super::FeedContext;
use super::http::Failure;
use crate::config::KafkaSettings;
use reader::Reader;

/// Until when a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until the program ends or the feed is paused, as a member of the group.
    Stopped,
    /// Until the end that the partitions have when it begins: all of them, without the group.
    CurrentEnd,
}

/// What a run is of.
pub struct KafkaRun<'r> {
    /// What runs of feeds share.
    pub context: &'r FeedContext,
    /// The database.
    pub database: &'r Database,
    /// The settings of the feed.
    pub kafka: &'r KafkaSettings,
    /// The feed in the ledger.
    pub feed: Feed,
}

/// What a run has loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loaded {
    /// How many messages.
    pub messages: i64,
    /// How many of their records were rejected.
    pub rejected: i64,
    /// How many partitions were read.
    pub partitions: usize,
}

/// Runs a feed over a session that holds its lock, and notes how that went.
pub fn run(run: &KafkaRun<'_>, connection: PgConnection, until: Until) -> Result<Loaded, Failure> {
    let mut connection = connection;
    Feed::begin_run(&mut connection, run.feed.id)?;
    let outcome = Reader::begin(run, &mut connection, until).and_then(Reader::run);
    let error = match &outcome {
        Err(Failure::Cancelled | Failure::Paused) => return outcome,
        Err(failure) => Some(FeedFailure {
            reason: crate::report::in_one_line(failure),
            advice: failure.advice(&run.feed.name),
        }),
        Ok(_) => None,
    };
    let noted = Feed::end_run(&mut connection, run.feed.id, error.as_ref());
    // That the ledger is unavailable is what has failed, then.
    if outcome.is_ok() {
        noted?;
    }
    outcome
}
