//! The *reader* polls Kafka, and follows the decisions of the group.
//!
//! - [`handover`]: batches and orders go to the lanes
//! - [`progress`]: how far the partitions are, for the ledger and the group

mod handover;
mod progress;

use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::failpoint::{self, KafkaStep};
use fhirmill_postgres::ledger::Feed;
use fhirmill_postgres::registry::SharedKeys;
use rdkafka::consumer::Consumer;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::{info, warn};

use super::client::{self, Client, Decision, failure, transient};
use super::gathering::Gathering;
use super::lane::{LaneContext, Order};
use super::lanes::Lanes;
use super::offsets::{self, Place, Places};
use super::partitions::Partitions;
use super::topics::TopicMap;
use super::{KafkaRun, Loaded, Until};
use crate::feeds::http::Failure;

/// How long a poll waits at most.
const POLL: Duration = Duration::from_millis(100);
/// How many messages are taken before the reader looks around.
const AT_ONCE: usize = 1000;
/// How long partitions that are taken away are kept until their batches are loaded.
const LAST_BATCHES: Duration = Duration::from_secs(30);
/// How often the reader looks whether the feed was paused.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How often librdkafka tells where partitions end.
const STATISTICS: Duration = Duration::from_secs(5);
/// The same, if the run ends at their end.
const FREQUENT_STATISTICS: Duration = Duration::from_millis(200);

/// See the module.
pub struct Reader<'r> {
    run: &'r KafkaRun<'r>,
    connection: &'r mut PgConnection,
    client: Client,
    topics: TopicMap,
    lanes: Lanes,
    gathering: Gathering<'r>,
    until: Until,
    loaded: Loaded,
    looked: Instant,
    /// Statistics, and whether messages of before may still wait to be polled.
    statistics: Option<Box<Statistics>>,
}

impl<'r> Reader<'r> {
    /// Connects, and asks for partitions.
    pub fn begin(
        run: &'r KafkaRun<'r>,
        connection: &'r mut PgConnection,
        until: Until,
    ) -> Result<Self, Failure> {
        let topics = TopicMap::new(&run.kafka.topics)?;
        let statistics = if until == Until::CurrentEnd { FREQUENT_STATISTICS } else { STATISTICS };
        let client = client::connect(run.kafka, statistics)?;
        let context = LaneContext {
            settings: run.context.settings.clone(),
            database: run.database.clone(),
            cancel: run.context.cancel.clone(),
            activity: run.context.activity.clone(),
            feed_id: run.feed.id,
            feed: run.feed.name.clone(),
            keys: SharedKeys::default(),
            ends_run: until == Until::CurrentEnd,
        };
        let lanes = Lanes::start(context, run.context.settings.workers.get())?;
        let mut reader = Reader {
            run,
            connection,
            client,
            topics,
            lanes,
            gathering: Gathering::new(run.kafka, run.context.settings.max_batch_bytes()),
            until,
            loaded: Loaded::default(),
            looked: Instant::now(),
            statistics: None,
        };
        match until {
            Until::Stopped => reader.subscribe()?,
            Until::CurrentEnd => {
                let all = offsets::partitions(&reader.client, &reader.topics)?;
                if all.is_empty() {
                    return Err(Failure::Permanent("the brokers have none of the feed's topics".to_owned()));
                }
                reader.assign(&all)?;
            }
        }
        Ok(reader)
    }

    fn subscribe(&self) -> Result<(), Failure> {
        let topics: Vec<&str> = self.run.kafka.topics.iter().map(|topic| topic.pattern.as_str()).collect();
        self.client
            .subscribe(&topics)
            .map_err(|error| failure(&self.client, "the topics cannot be subscribed to", &error))
    }

    /// Reads these partitions from where the ledger is.
    fn assign(&mut self, partitions: &[(String, i32)]) -> Result<(), Failure> {
        let asked = Places {
            client: &self.client,
            kafka: self.run.kafka,
            feed: &self.run.feed.name,
            feed_id: self.run.feed.id,
        };
        let places = asked.of(self.connection, partitions)?;
        failpoint::passed(KafkaStep::Assigned);
        self.gathering.begin(Partitions::new(&places, &self.topics, self.lanes.count())?);
        // What others have read meanwhile is in files that are older than those begun now.
        for lane in 0..self.lanes.count() {
            self.give(lane, Order::BeginFiles)?;
        }
        self.loaded.partitions = places.len();
        let list = list(&places)?;
        self.client
            .assign(&list)
            .map_err(|error| failure(&self.client, "no partitions can be read", &error))?;
        info!(feed = %self.run.feed.name, partitions = places.len(), "feed {} reads {} partitions", self.run.feed.name, places.len());
        Ok(())
    }

    /// Reads until it is time to end.
    pub fn run(mut self) -> Result<Loaded, Failure> {
        let read = self.read();
        let Reader { client, lanes, mut loaded, .. } = self;
        lanes.end();
        drop(client);
        if matches!(read, Err(Failure::Cancelled | Failure::Paused)) {
            loaded = Loaded::default();
        }
        read.map(|()| std::mem::take(&mut loaded))
    }

    fn read(&mut self) -> Result<(), Failure> {
        loop {
            self.look()?;
            self.poll()?;
            while let Some(decision) = self.client.context().take_decision() {
                self.follow(&decision)?;
            }
            self.lanes.collect(Duration::ZERO)?;
            self.tell_moved()?;
            self.give_due(false)?;
            if self.until == Until::CurrentEnd && self.gathering.partitions.are_drained() {
                self.give_due(true)?;
                while !self.lanes.wait(POLL)? {
                    self.look()?;
                }
                self.tell_moved()?;
                return Ok(());
            }
        }
    }

    /// Whether the program ends or the feed is paused.
    fn look(&mut self) -> Result<(), Failure> {
        if self.run.context.cancel.is_cancelled() {
            return Err(Failure::Cancelled);
        }
        if self.looked.elapsed() >= LOOK_EVERY {
            self.looked = Instant::now();
            if Feed::is_paused(self.connection, self.run.feed.id)? {
                return Err(Failure::Paused);
            }
        }
        Ok(())
    }

    /// Takes the messages that are there, up to a complete batch, or whatever else there is.
    fn poll(&mut self) -> Result<(), Failure> {
        let told = self.client.context().statistics_count();
        let (since, first) = (Instant::now(), self.patience());
        let mut patience = first;
        for _ in 0..AT_ONCE {
            match self.client.poll(patience) {
                Some(Ok(message)) => {
                    if !self.gathering.take(&message) {
                        break;
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => break,
                Some(Err(error)) => {
                    self.heed(&error)?;
                    break;
                }
                None => {
                    let is_quiet = patience == first
                        && since.elapsed() >= first
                        && self.client.context().statistics_count() == told;
                    if is_quiet && let Some(statistics) = self.statistics.take() {
                        self.pass_gaps(&statistics)?;
                    }
                    break;
                }
            }
            patience = Duration::ZERO;
        }
        if let Some(statistics) = self.client.context().take_statistics() {
            self.note(&statistics)?;
            self.statistics = Some(statistics);
        }
        Ok(())
    }

    /// How long to wait for a message: until a batch is due, at most.
    fn patience(&self) -> Duration {
        self.gathering.due_in().unwrap_or(POLL).min(POLL)
    }

    /// An error that came in place of a message.
    fn heed(&mut self, error: &KafkaError) -> Result<(), Failure> {
        let trouble = self.client.context().take_trouble();
        let reason = trouble.map_or_else(|| error.to_string(), |trouble| format!("{error} ({trouble})"));
        let code = error.rdkafka_error_code();
        if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
            return Err(transient(format!("the client has failed: {reason}")));
        }
        // The places of all partitions are found anew: offsets may be gone.
        if matches!(code, Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange)) {
            return Err(transient(format!("an offset is not there any more: {reason}")));
        }
        if self.until == Until::CurrentEnd && code == Some(RDKafkaErrorCode::Authentication) {
            return Err(Failure::Permanent(reason));
        }
        warn!(feed = %self.run.feed.name, "feed {}: {reason}", self.run.feed.name);
        Feed::note_trouble(self.connection, self.run.feed.id, &reason)?;
        Ok(())
    }

    /// Follows a decision of the group.
    fn follow(&mut self, decision: &Decision) -> Result<(), Failure> {
        match decision {
            Decision::Assign(partitions) => self.assign(partitions),
            Decision::Revoke => {
                self.give_due(true)?;
                // If they take longer, whoever reads the partitions next finds their offsets
                // moved, or they find that.
                self.lanes.wait(LAST_BATCHES)?;
                self.tell_moved()?;
                self.gathering.begin(Partitions::default());
                self.client
                    .unassign()
                    .map_err(|error| failure(&self.client, "the partitions cannot be given back", &error))
            }
        }
    }
}

fn list(places: &[Place]) -> Result<TopicPartitionList, Failure> {
    let mut list = TopicPartitionList::new();
    for place in places {
        list.add_partition_offset(&place.topic, place.partition, Offset::Offset(place.next))
            .map_err(|error| transient(error.to_string()))?;
    }
    Ok(list)
}
