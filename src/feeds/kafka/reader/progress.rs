//! The *progress* of the partitions: the ledger learns where they end, the group at Kafka
//! where they are, and gaps are passed.

use fhirmill_postgres::failpoint::{self, KafkaStep};
use fhirmill_postgres::ledger::{EndOffset, Feed, FeedAmounts, FeedOffset, OffsetMove};
use rdkafka::consumer::{CommitMode, Consumer};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tracing::debug;

use super::Reader;
use crate::feeds::http::Failure;
use crate::feeds::kafka::Until;
use crate::feeds::kafka::client::failure;
use crate::feeds::kafka::lane::Order;
use crate::feeds::kafka::partitions::{Partition, seen};

impl Reader<'_> {
    /// Tells the group at Kafka which offsets were moved, for those who watch its lag.
    pub(super) fn tell_moved(&mut self) -> Result<(), Failure> {
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
        failpoint::passed(KafkaStep::Told);
        Ok(())
    }

    /// Notes where partitions end, and that the feed works or does not.
    pub(super) fn note(&mut self, statistics: &Statistics) -> Result<(), Failure> {
        let end_of = |partition: &Partition| {
            let end = seen(statistics, partition)?.end?;
            Some(EndOffset { topic: partition.topic.to_string(), partition: partition.number, end })
        };
        let ends: Vec<EndOffset> = self.gathering.partitions.all().filter_map(end_of).collect();
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
    pub(super) fn pass_gaps(&mut self, statistics: &Statistics) -> Result<(), Failure> {
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
        for partition in self.gathering.partitions.all_mut() {
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
