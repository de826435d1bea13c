//! The *reader* polls Kafka, gathers messages to batches, and gives these to the lanes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::failpoint::{self, KafkaStep};
use fhirmill_postgres::ledger::{EndOffset, Feed, FeedAmounts, FeedOffset, OffsetMove};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::{debug, info, warn};

use super::batch::MessageBatch;
use super::client::{self, Client, Decision, failure, transient};
use super::lane::{LaneContext, Order};
use super::lanes::Lanes;
use super::message::{self, Received};
use super::offsets::{self, Place, Places};
use super::partitions::{Partition, Partitions, seen};
use super::topics::TopicMap;
use super::{KafkaRun, Loaded, Until};
use crate::feeds::http::Failure;

/// How long a poll waits at most.
const POLL: Duration = Duration::from_millis(100);
/// How long the lanes may hold the reader up before it stops fetching, and tells Kafka that
/// it is alive.
const HELD_UP: Duration = Duration::from_secs(5);
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
    partitions: Partitions,
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
            ends_run: until == Until::CurrentEnd,
        };
        let lanes = Lanes::start(&context, run.context.settings.workers.get())?;
        let mut reader = Reader {
            run,
            connection,
            client,
            topics,
            lanes,
            partitions: Partitions::default(),
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
        failpoint::passed_kafka(KafkaStep::Assigned);
        self.partitions = Partitions::new(&places, &self.topics, self.lanes.count())?;
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
            if self.until == Until::CurrentEnd && self.partitions.are_drained() {
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

    /// Takes one message, or whatever else there is.
    fn poll(&mut self) -> Result<(), Failure> {
        let told = self.client.context().statistics_count();
        let (since, patience) = (Instant::now(), self.patience());
        match self.client.poll(patience) {
            Some(Ok(message)) => {
                let message = Taken::of(&message);
                self.gather(&message)?;
                return self.give_full();
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) => self.heed(&error)?,
            None => {
                let is_quiet =
                    since.elapsed() >= patience && self.client.context().statistics_count() == told;
                if is_quiet && let Some(statistics) = self.statistics.take() {
                    self.pass_gaps(&statistics)?;
                }
            }
        }
        if let Some(statistics) = self.client.context().take_statistics() {
            self.note(&statistics)?;
            self.statistics = Some(statistics);
        }
        Ok(())
    }

    /// How long to wait for a message: until a batch is due, at most.
    fn patience(&self) -> Duration {
        let due = self
            .partitions
            .batches
            .values()
            .map(|batch| self.run.kafka.max_latency.saturating_sub(batch.since.elapsed()));
        due.min().unwrap_or(POLL).min(POLL)
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
                self.partitions = Partitions::default();
                self.client
                    .unassign()
                    .map_err(|error| failure(&self.client, "the partitions cannot be given back", &error))
            }
        }
    }

    fn gather(&mut self, taken: &Taken) -> Result<(), Failure> {
        let Some(partition) = self.partitions.get_mut(&taken.topic, taken.partition) else {
            debug!(taken.topic, taken.partition, "a message of a partition that was given back");
            return Ok(());
        };
        if taken.offset < partition.next {
            return Ok(());
        }
        let (lane, topic) = (partition.lane, Arc::clone(&partition.topic));
        let named = taken.source.as_deref().map(|source| message::header_text(source).unwrap_or_default());
        let allowed = &self.run.kafka.header_sources;
        let (source, is_allowed) = match named {
            Some(named) if allowed.iter().any(|source| source == named) => (Arc::from(named), true),
            Some(_) => (Arc::clone(&partition.source), false),
            None => (Arc::clone(&partition.source), true),
        };
        let other = partition.gathered_for.clone().filter(|other| *other != source);
        if let Some(other) = other {
            // The messages of a partition are loaded in their order.
            self.give_batch(&(lane, other))?;
        }
        let batch = self.partitions.batches.entry((lane, Arc::clone(&source)));
        let batch = batch.or_insert_with(|| MessageBatch::new(Arc::clone(&source)));
        let place = format!("topic {topic}, partition {}, offset {}", taken.partition, taken.offset);
        if is_allowed {
            message::append(&mut batch.messages, &taken.received(), &place, self.run.kafka.max_message_bytes);
        } else {
            let message = "the header source names a source that is not among header_sources".to_owned();
            let raw = taken.value.as_deref().unwrap_or_default();
            message::append_bad(&mut batch.messages, &place, ("source_not_allowed", message), raw);
        }
        let Some(partition) = self.partitions.get_mut(&taken.topic, taken.partition) else { return Ok(()) };
        let next = taken.offset + 1;
        let from = std::mem::replace(&mut partition.next, next);
        partition.is_drained |= next >= partition.end;
        partition.gathered_for = Some(Arc::clone(&source));
        if let Some(batch) = self.partitions.batches.get_mut(&(lane, source)) {
            let time = taken.timestamp.and_then(chrono::DateTime::from_timestamp_millis);
            batch.note(&topic, taken.partition, (from, next), time);
        }
        Ok(())
    }

    /// Gives batches that are full to their lanes.
    fn give_full(&mut self) -> Result<(), Failure> {
        let kafka = self.run.kafka;
        let most_bytes = kafka.batch_bytes.min(self.run.context.settings.max_batch_bytes());
        let is_full = |batch: &MessageBatch| {
            batch.messages.lines.len() >= most_bytes || batch.count >= kafka.batch_messages
        };
        self.give_batches(is_full)
    }

    /// Gives batches that are due to their lanes, or all of them.
    fn give_due(&mut self, are_all: bool) -> Result<(), Failure> {
        let max_latency = self.run.kafka.max_latency;
        self.give_batches(|batch| are_all || batch.since.elapsed() >= max_latency)
    }

    fn give_batches(&mut self, is_wanted: impl Fn(&MessageBatch) -> bool) -> Result<(), Failure> {
        let batches = self.partitions.batches.iter().filter(|(_, batch)| is_wanted(batch));
        let keys: Vec<(usize, Arc<str>)> = batches.map(|(key, _)| key.clone()).collect();
        keys.iter().try_for_each(|key| self.give_batch(key))
    }

    fn give_batch(&mut self, key: &(usize, Arc<str>)) -> Result<(), Failure> {
        match self.partitions.take_batch(key) {
            Some(batch) => self.give(key.0, Order::Load(Box::new(batch))),
            None => Ok(()),
        }
    }

    /// Gives an order to a lane, and waits until it takes it.
    fn give(&mut self, lane: usize, order: Order) -> Result<(), Failure> {
        let since = Instant::now();
        let (mut order, mut paused) = (order, None);
        while let Some(refused) = self.lanes.give(lane, order)? {
            order = refused;
            self.look()?;
            self.lanes.collect(Duration::from_millis(20))?;
            self.tell_moved()?;
            if paused.is_none() && since.elapsed() >= HELD_UP {
                paused = Some(self.pause()?);
            }
            // Kafka gives the partitions of a consumer that does not poll to others.
            if paused.is_some()
                && let Some(Ok(_)) = self.client.poll(Duration::ZERO)
            {
                return Err(transient("a message came from a partition that is not fetched".to_owned()));
            }
        }
        match paused {
            Some(partitions) => self
                .client
                .resume(&partitions)
                .map_err(|error| failure(&self.client, "fetching cannot go on", &error)),
            None => Ok(()),
        }
    }

    fn pause(&self) -> Result<TopicPartitionList, Failure> {
        let failed = |error| failure(&self.client, "fetching cannot be stopped", &error);
        let partitions = self.client.assignment().map_err(failed)?;
        self.client.pause(&partitions).map_err(failed)?;
        Ok(partitions)
    }

    /// Tells the group at Kafka which offsets were moved, for those who watch its lag.
    fn tell_moved(&mut self) -> Result<(), Failure> {
        let moved = std::mem::take(&mut self.lanes.moved);
        if moved.is_empty() {
            return Ok(());
        }
        let records = moved.iter().map(|moved| moved.messages).sum();
        Feed::add(self.connection, self.run.feed.id, FeedAmounts { records, ..FeedAmounts::default() })?;
        let mut list = TopicPartitionList::new();
        for OffsetMove { topic, partition, to, messages, rejected, .. } in &moved {
            self.loaded.messages += messages;
            self.loaded.rejected += rejected;
            let _ = match list.find_partition(topic, *partition) {
                Some(mut known) => known.set_offset(Offset::Offset(*to)),
                None => list.add_partition_offset(topic, *partition, Offset::Offset(*to)),
            };
        }
        // Closing the client waits for it.
        if let Err(error) = self.client.commit(&list, CommitMode::Async) {
            debug!("the group's offsets were not committed: {error}");
        }
        failpoint::passed_kafka(KafkaStep::Told);
        Ok(())
    }

    /// Notes where partitions end, and that the feed works or does not.
    fn note(&mut self, statistics: &Statistics) -> Result<(), Failure> {
        let end_of = |partition: &Partition| {
            let end = seen(statistics, partition)?.end?;
            Some(EndOffset { topic: partition.topic.to_string(), partition: partition.number, end })
        };
        let ends: Vec<EndOffset> = self.partitions.all().filter_map(end_of).collect();
        let feed_id = self.run.feed.id;
        FeedOffset::note_ends(self.connection, feed_id, &ends)?;
        let is_connected = statistics.brokers.values().any(|broker| broker.state == "UP");
        match self.client.context().take_trouble() {
            Some(trouble) if !is_connected => Feed::note_trouble(self.connection, feed_id, &trouble)?,
            _ if is_connected && !ends.is_empty() => Feed::note_success(self.connection, feed_id)?,
            _ => {}
        }
        Ok(())
    }

    /// Moves offsets past what has no messages at the end of partitions: control records and
    /// messages of transactions that were given up. All messages before were taken.
    fn pass_gaps(&mut self, statistics: &Statistics) -> Result<(), Failure> {
        let positions =
            self.client.position().map_err(|error| failure(&self.client, "no positions", &error))?;
        let position_of = |partition: &Partition| match positions
            .find_partition(&partition.topic, partition.number)?
            .offset()
        {
            Offset::Offset(position) => Some(position),
            _ => None,
        };
        let mut orders = Vec::new();
        for partition in self.partitions.all_mut() {
            let mut reached = position_of(partition);
            // An end that a client has reached may be one of an earlier assignment, if it is a
            // member of a group.
            if self.until == Until::CurrentEnd {
                let end = seen(statistics, partition).and_then(|seen| seen.reached);
                partition.is_drained |= end.is_some();
                reached = reached.max(end);
            }
            let Some(reached) = reached.filter(|reached| *reached > partition.next) else { continue };
            if partition.gathered_for.is_some() {
                continue;
            }
            let from = std::mem::replace(&mut partition.next, reached);
            let to = OffsetMove {
                topic: partition.topic.to_string(),
                partition: partition.number,
                from,
                to: reached,
                messages: 0,
                rejected: 0,
                message_at: None,
            };
            orders.push((partition.lane, Order::Move(to)));
        }
        orders.into_iter().try_for_each(|(lane, order)| self.give(lane, order))
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

/// A message that was taken.
struct Taken {
    topic: String,
    partition: i32,
    offset: i64,
    timestamp: Option<i64>,
    value: Option<Vec<u8>>,
    key: Option<Vec<u8>>,
    deleted: Option<Vec<u8>>,
    time: Option<Vec<u8>>,
    source: Option<Vec<u8>>,
}

impl Taken {
    fn of(message: &BorrowedMessage<'_>) -> Self {
        let header = |name: &str| {
            let headers = message.headers()?;
            let found = headers.iter().find(|header| header.key.eq_ignore_ascii_case(name))?;
            Some(found.value.unwrap_or_default().to_vec())
        };
        Taken {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            timestamp: message.timestamp().to_millis(),
            value: message.payload().map(<[u8]>::to_vec),
            key: message.key().map(<[u8]>::to_vec),
            deleted: header("deleted"),
            time: header("time"),
            source: header("source"),
        }
    }

    fn received(&self) -> Received<'_> {
        Received {
            value: self.value.as_deref(),
            key: self.key.as_deref(),
            deleted: self.deleted.as_deref(),
            time: self.time.as_deref(),
        }
    }
}
