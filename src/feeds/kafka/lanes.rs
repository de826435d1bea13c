//! The *lanes* of a run: orders go to them, and what became of these comes back.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fhirmill_postgres::ledger::OffsetMove;

use super::client::transient;
use super::lane::{Done, Lane, LaneContext, Order};
use crate::feeds::http::Failure;
use crate::pipeline::updates::EndingRun;

/// See the module.
pub struct Lanes {
    context: LaneContext,
    lanes: Vec<LaneHandle>,
    done: Receiver<Done>,
    /// Orders that were given and not carried out yet.
    outstanding: usize,
    /// Offsets that were moved, and that nobody was told of.
    pub moved: Vec<OffsetMove>,
}

struct LaneHandle {
    orders: SyncSender<Order>,
    thread: JoinHandle<Option<EndingRun>>,
}

impl Lanes {
    /// Starts so many lanes. They have no sessions until there is something to load.
    pub fn start(context: LaneContext, count: usize) -> std::io::Result<Self> {
        let (done_sender, done) = channel();
        let mut lanes = Vec::with_capacity(count);
        for number in 0..count {
            let (orders, receiver) = sync_channel(1);
            let lane = Lane::new(context.clone());
            let sender: Sender<Done> = done_sender.clone();
            let thread = std::thread::Builder::new().name(format!("kafka-{number}"));
            let thread = thread.spawn(move || lane.run(&receiver, &sender))?;
            lanes.push(LaneHandle { orders, thread });
        }
        Ok(Lanes { context, lanes, done, outstanding: 0, moved: Vec::new() })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.lanes.len()
    }

    /// Whether all orders are carried out.
    pub fn are_idle(&self) -> bool {
        self.outstanding == 0
    }

    /// Gives an order, unless the lane has too many: then it comes back.
    pub fn give(&mut self, lane: usize, order: Order) -> Result<Option<Order>, Failure> {
        match self.lanes[lane].orders.try_send(order) {
            Ok(()) => {
                self.outstanding += 1;
                Ok(None)
            }
            Err(TrySendError::Full(order)) => Ok(Some(order)),
            Err(TrySendError::Disconnected(_)) => Err(transient("a lane has ended".to_owned())),
        }
    }

    /// Takes note of what was carried out, after waiting for it so long at most.
    pub fn collect(&mut self, patience: Duration) -> Result<(), Failure> {
        let mut patience = patience;
        loop {
            let done = match self.done.recv_timeout(patience) {
                Ok(done) => done,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(transient("all lanes have ended".to_owned()));
                }
            };
            self.outstanding -= 1;
            match done {
                Done::Moved(moves) => self.moved.extend(moves),
                Done::OutOfTurn => {
                    let reason = "another process has loaded messages of the same partition; the feed goes on behind them";
                    return Err(transient(reason.to_owned()));
                }
                Done::Failed(reason) => {
                    return Err(transient(format!("messages could not be loaded: {reason}")));
                }
            }
            patience = Duration::ZERO;
        }
    }

    /// Waits until all orders are carried out, or so long. True if they are.
    pub fn wait(&mut self, patience: Duration) -> Result<bool, Failure> {
        let until = Instant::now() + patience;
        while !self.are_idle() && Instant::now() < until {
            self.collect(Duration::from_millis(100))?;
        }
        Ok(self.are_idle())
    }

    /// Ends the lanes once they have carried out what they were ordered to, and waits for it.
    pub fn end(self) {
        let Lanes { context, lanes, done, .. } = self;
        // Nobody waits for what they report.
        drop(done);
        let (orders, threads): (Vec<_>, Vec<_>) =
            lanes.into_iter().map(|lane| (lane.orders, lane.thread)).unzip();
        drop(orders);
        let ended = threads.into_iter().filter_map(|thread| thread.join().ok().flatten());
        context.end_runs(ended.collect());
    }
}
