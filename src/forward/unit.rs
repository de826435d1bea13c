//! One *unit*: its records are read, sent and noted at the same time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use fhirmill_postgres::failpoint::{self, ForwardStep};
use fhirmill_postgres::ledger::forward::{
    Answered, ForwardWork, Method, Refusal, SentResource, Sink, missing_on_sink,
};
use fhirmill_postgres::lock::lock;
use tracing::{info, warn};

use super::body::BodyWriter;
use super::bundle::{Bundle, Entry, Reason};
use super::deliver::{Delivery, Event};
use super::read;
use crate::config::{Settings, SinkSettings};
use crate::feeds::http::Failure;

/// How often the session is asked whether it is still there: another process takes over when it
/// is not.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Versions that were accepted.
    pub accepted: u64,
    /// Resources that were deleted.
    pub deleted: u64,
    /// Versions and deletions that were refused.
    pub refused: u64,
}

impl std::ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.deleted += other.deleted;
        self.refused += other.refused;
    }
}

/// Who sends what to where.
pub struct Sending<'s> {
    pub settings: &'s Settings,
    pub declared: &'s SinkSettings,
    pub sink: &'s Sink,
    pub delivery: &'s Delivery,
    /// Who sends: host and process id.
    pub process: &'s str,
}

/// Where the Bundles of a unit come from.
pub enum Origin<'o> {
    /// Records of the archive, of one type.
    Records(&'o str, &'o ForwardWork),
    /// Deletions, by types and ids.
    Deletions(&'o [(String, String)]),
}

/// Gives the Bundles to the threads that send, and what cannot be sent to whoever notes it.
struct Hand<'h> {
    bundles: SyncSender<Bundle>,
    events: Sender<Event>,
    delivery: &'h Delivery,
}

impl read::Receiver for Hand<'_> {
    fn bundle(&mut self, bundle: Bundle) -> bool {
        !self.delivery.is_stopped() && self.bundles.send(bundle).is_ok()
    }

    fn unsendable(&mut self, entry: Entry, reason: Reason) -> bool {
        !self.delivery.is_stopped() && self.events.send(Event::Unsendable(entry, reason)).is_ok()
    }
}

impl Sending<'_> {
    /// Sends all of it, and notes every answer.
    pub fn run(&self, connection: &mut PgConnection, origin: &Origin<'_>) -> Result<Sent, Failure> {
        self.delivery.begin();
        let (events, happened) = channel();
        let (bundles, to_send) = sync_channel(self.declared.parallel);
        // It ends with the last thread that takes from it, so that the reader does not wait.
        let to_send = Arc::new(Mutex::new(to_send));
        thread::scope(|scope| {
            let mut threads = Vec::new();
            let mut hand = Hand { bundles, events: events.clone(), delivery: self.delivery };
            threads.push(scope.spawn(move || self.read(origin, &mut hand)));
            for _ in 0..self.declared.parallel {
                let (events, to_send) = (events.clone(), Arc::clone(&to_send));
                threads.push(scope.spawn(move || self.send(&to_send, &events)));
            }
            drop((events, to_send));
            let noted = self.note(connection, &happened);
            if noted.is_err() {
                self.delivery.stop();
            }
            let mut failure = None;
            for thread in threads {
                let ended = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
                // A thread that was stopped does not know why.
                match ended {
                    Err(Failure::Cancelled) if failure.is_some() => {}
                    Err(error) => failure = Some(error),
                    Ok(()) => {}
                }
            }
            match (noted, failure) {
                (Err(error), _) | (Ok(_), Some(error)) => Err(error),
                (Ok(sent), None) => Ok(sent),
            }
        })
    }

    fn read(&self, origin: &Origin<'_>, hand: &mut Hand<'_>) -> Result<(), Failure> {
        let read = match origin {
            Origin::Records(resource_type, work) => {
                read::read_unit((self.settings, self.declared), resource_type, work, hand)
            }
            Origin::Deletions(resources) => {
                self.deletions(resources, hand);
                Ok(())
            }
        };
        if read.is_err() {
            self.delivery.stop();
        }
        read
    }

    fn deletions(&self, resources: &[(String, String)], hand: &mut Hand<'_>) {
        let entry = |(resource_type, fhir_id): &(String, String)| Entry {
            resource_type: resource_type.clone(),
            fhir_id: fhir_id.clone(),
            content_hash: Vec::new(),
            place: None,
            body: Vec::new(),
        };
        for bundle in resources.chunks(self.declared.batch_size) {
            let entries = bundle.iter().map(entry).collect();
            if !read::Receiver::bundle(hand, Bundle { method: Method::Delete, entries }) {
                return;
            }
        }
    }

    fn send(&self, to_send: &Mutex<Receiver<Bundle>>, events: &Sender<Event>) -> Result<(), Failure> {
        loop {
            // Nobody holds the lock while it sends.
            let next = lock(to_send).recv();
            let Ok(bundle) = next else { return Ok(()) };
            let delivered = self.delivery.deliver(bundle, events);
            if delivered.is_err() {
                self.delivery.stop();
                // The reader must not wait for room that nobody makes.
                while lock(to_send).recv().is_ok() {}
                return delivered;
            }
        }
    }

    /// Notes what happens until nothing more can.
    fn note(&self, connection: &mut PgConnection, happened: &Receiver<Event>) -> Result<Sent, Failure> {
        let mut sent = Sent::default();
        let mut writer = BodyWriter::new(&[]);
        loop {
            match happened.recv_timeout(ASK_EVERY) {
                Ok(event) => sent += self.note_event(connection, event, &mut writer)?,
                Err(RecvTimeoutError::Timeout) => connection.batch_execute("select")?,
                Err(RecvTimeoutError::Disconnected) => return Ok(sent),
            }
        }
    }

    fn note_event(
        &self,
        connection: &mut PgConnection,
        event: Event,
        writer: &mut BodyWriter,
    ) -> Result<Sent, Failure> {
        match event {
            Event::Failing { reason, wait } => {
                let seconds = wait.as_secs_f64();
                warn!(sink = %self.sink.name, "sink {}: {reason}; again in {seconds:.1} seconds", self.sink.name);
                self.sink.note_failure(connection, &reason, seconds)?;
                Ok(Sent::default())
            }
            Event::Unsendable(entry, reason) => {
                self.refuse(connection, Method::Put, (&entry, &reason), &[])?;
                Ok(Sent { refused: 1, ..Sent::default() })
            }
            Event::Answered { method, entries, status, took, bytes } => {
                self.note_answered(connection, (method, &entries), (status, took, bytes), writer)
            }
        }
    }

    fn note_answered(
        &self,
        connection: &mut PgConnection,
        (method, entries): (Method, &[(Entry, Option<Reason>)]),
        (status, took, bytes): (u16, Duration, usize),
        writer: &mut BodyWriter,
    ) -> Result<Sent, Failure> {
        failpoint::passed(ForwardStep::Answered);
        let resource_type = entries.first().map_or("", |(entry, _)| entry.resource_type.as_str());
        let accepted: Vec<SentResource<'_>> =
            entries.iter().filter(|(_, reason)| reason.is_none()).map(|(entry, _)| sent(entry)).collect();
        let refused: Vec<(&Entry, &Reason)> =
            entries.iter().filter_map(|(entry, reason)| Some((entry, reason.as_ref()?))).collect();
        let answered = Answered {
            method,
            resource_type,
            entries: entries.len(),
            refused: refused.len(),
            status,
            milliseconds: took.as_millis(),
            bytes,
            process: self.process,
        };
        for refusal in &refused {
            let references = writer.references(&refusal.0.body);
            let awaits = missing_on_sink(connection, self.sink, &references)?;
            self.refuse(connection, method, *refusal, &awaits)?;
        }
        self.sink.note_answer(connection, &answered, &accepted)?;
        info!(
            sink = %self.sink.name,
            "sink {}: {} {} of {resource_type}, {} accepted, status {status}, {} ms",
            self.sink.name,
            method.name(),
            entries.len(),
            accepted.len(),
            took.as_millis()
        );
        failpoint::passed(ForwardStep::Noted);
        let (accepted, refused) = (accepted.len() as u64, refused.len() as u64);
        Ok(match method {
            Method::Put => Sent { accepted, refused, deleted: 0 },
            Method::Delete => Sent { deleted: accepted, refused, accepted: 0 },
        })
    }

    fn refuse(
        &self,
        connection: &mut PgConnection,
        method: Method,
        (entry, reason): (&Entry, &Reason),
        awaits: &[String],
    ) -> Result<(), Failure> {
        let refusal = Refusal {
            resource_type: &entry.resource_type,
            fhir_id: &entry.fhir_id,
            place: entry.place,
            status: reason.status,
            code: reason.code.as_deref(),
            server_code: reason.server_code.as_deref(),
            expression: reason.expression.as_deref(),
            awaits,
        };
        let (file_id, position) = entry.place.unzip();
        warn!(
            sink = %self.sink.name,
            file_id,
            position,
            status = reason.status,
            "sink {} has refused a {} of {}{}",
            self.sink.name,
            method.name(),
            entry.resource_type,
            reason.code.as_deref().map_or_else(String::new, |code| format!(": {code}"))
        );
        Ok(self.sink.note_refusal(connection, method, &refusal)?)
    }
}

fn sent(entry: &Entry) -> SentResource<'_> {
    SentResource {
        resource_type: &entry.resource_type,
        fhir_id: &entry.fhir_id,
        content_hash: &entry.content_hash,
    }
}
