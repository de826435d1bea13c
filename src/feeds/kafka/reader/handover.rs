//! The *handover* of batches and other orders to the lanes. While a lane has enough to do,
//! the reader waits, and Kafka is told that it is alive.

use std::time::{Duration, Instant};

use rdkafka::consumer::Consumer;
use rdkafka::topic_partition_list::TopicPartitionList;

use super::Reader;
use crate::feeds::http::Failure;
use crate::feeds::kafka::client::{failure, transient};
use crate::feeds::kafka::lane::Order;

/// How long the lanes may hold the reader up before it stops fetching, and tells Kafka that
/// it is alive.
const HELD_UP: Duration = Duration::from_secs(5);

impl Reader<'_> {
    /// Gives batches that are due to their lanes, or all of them, and those that are full.
    pub(super) fn give_due(&mut self, are_all: bool) -> Result<(), Failure> {
        self.gathering.complete_due(are_all);
        while let Some((lane, batch)) = self.gathering.next_complete() {
            self.give(lane, Order::Load(Box::new(batch)))?;
        }
        Ok(())
    }

    /// Gives an order to a lane, and waits until it takes it.
    pub(super) fn give(&mut self, lane: usize, order: Order) -> Result<(), Failure> {
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
}
