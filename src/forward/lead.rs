//! *Leading*: the process that has the lock of a sink sends unit after unit.

use std::time::{Duration, Instant};

use diesel::PgConnection;
use fhirmill_postgres::database::Database;
use fhirmill_postgres::failpoint::{self, ForwardStep};
use fhirmill_postgres::ledger::forward::{Sink, Taking, Wanted, release_awaited, wanted_deletions};
use tracing::{info, warn};

use super::deliver::Delivery;
use super::unit::{Origin, Sending, Sent};
use crate::config::{Settings, SinkSettings};
use crate::feeds::http::{Failure, HttpClient};
use crate::report::{health, in_one_line};

/// About how many resources a unit has. What comes meanwhile waits for its end; and each unit
/// reads its files from their beginnings.
const RESOURCES_OF_A_UNIT: i64 = 50_000;
/// After so many units, deletions are asked for, even if there is more to send.
const UNITS_BETWEEN_DELETIONS: u32 = 5;
/// How many deletions are asked for at a time.
const MOST_DELETIONS: i64 = 10_000;
/// How often it is looked whether there is something to do, and whether the process that sends is
/// gone.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// When sending ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// When the program is told to stop.
    Stopped,
    /// When there is nothing left to send. It fails if the server is away for too long.
    Drained,
}

/// Sends to one sink.
pub struct Leader<'l> {
    settings: &'l Settings,
    declared: &'l SinkSettings,
    delivery: Delivery,
    until: Until,
    process: String,
}

/// What the leader remembers between two units.
struct Course {
    /// From then on, nothing that another process has sent can still arrive.
    safe_at: Instant,
    /// Batches with resources of which another process may still be sending another version.
    held: Vec<i64>,
    units: u32,
    /// Whether anything was accepted since refused deletions were last asked for.
    is_changed: bool,
    sent: Sent,
}

impl<'l> Leader<'l> {
    /// For a sink of the settings.
    pub fn new(
        settings: &'l Settings,
        declared: &'l SinkSettings,
        http: HttpClient,
        until: Until,
    ) -> Result<Self, Failure> {
        let retries = (until == Until::Drained).then_some(declared.retries);
        let delivery = Delivery::new(declared, http, retries)?;
        let process = format!("{}:{}", health::host(), std::process::id());
        Ok(Leader { settings, declared, delivery, until, process })
    }

    /// Sends until there is nothing left or the program ends. Waits while another process
    /// sends.
    pub fn run(&self, database: &Database) -> Result<Sent, Failure> {
        let mut connection = connect(database)?;
        let sink = super::register(&mut connection, self.declared)?;
        let mut is_told = false;
        while !sink.lock(&mut connection)? {
            if !is_told {
                info!(sink = %sink.name, "another process sends to sink {}; this one stands by", sink.name);
                is_told = true;
            }
            if self.until == Until::Drained && !self.is_outstanding(&mut connection, &sink)? {
                return Ok(Sent::default());
            }
            self.delivery.sleep(LOOK_EVERY)?;
        }
        failpoint::passed(ForwardStep::Locked);
        sink.prune(&mut connection)?;
        // A request of a process that is gone ends with its time-out.
        let may_arrive = sink.is_sending(&mut connection)?;
        if may_arrive {
            self.delivery.note_overlap();
        }
        let grace = if may_arrive { grace(self.declared.timeout) } else { Duration::ZERO };
        if sink.has_accepted {
            self.delivery.note_accepted();
        }
        let mut course = Course {
            safe_at: Instant::now() + grace,
            held: Vec::new(),
            units: 0,
            is_changed: true,
            sent: Sent::default(),
        };
        let led = self.lead(&mut connection, &sink, &mut course);
        // The session may be gone, and with it the lock.
        let _ = sink.unlock(&mut connection);
        led.map(|()| course.sent)
    }

    fn lead(&self, connection: &mut PgConnection, sink: &Sink, course: &mut Course) -> Result<(), Failure> {
        loop {
            if Instant::now() >= course.safe_at {
                course.held.clear();
            }
            match self.step(connection, sink, course) {
                Ok(true) => {}
                Ok(false) if self.until == Until::Drained && !self.is_outstanding(connection, sink)? => {
                    return Ok(());
                }
                Ok(false) => self.delivery.sleep(LOOK_EVERY.min(self.rest(course)))?,
                Err(failure @ (Failure::Cancelled | Failure::Ledger(_) | Failure::Settings(_))) => {
                    return Err(failure);
                }
                Err(failure) if self.until == Until::Drained => return Err(failure),
                // Such as an archive that is away.
                Err(failure) => {
                    let reason = in_one_line(&failure);
                    let wait = self.declared.retry_wait;
                    warn!(sink = %sink.name, "sink {}: {reason}", sink.name);
                    sink.note_failure(connection, &reason, wait.as_secs_f64())?;
                    self.delivery.sleep(wait)?;
                }
            }
        }
    }

    /// How long there is nothing to do but wait for requests of others to end.
    fn rest(&self, course: &Course) -> Duration {
        let left = course.safe_at.saturating_duration_since(Instant::now());
        if left.is_zero() { LOOK_EVERY } else { left.max(Duration::from_millis(10)) }
    }

    /// Sends one unit. False if there is none.
    fn step(&self, connection: &mut PgConnection, sink: &Sink, course: &mut Course) -> Result<bool, Failure> {
        let is_safe = Instant::now() >= course.safe_at;
        if course.units >= UNITS_BETWEEN_DELETIONS {
            course.units = 0;
            self.delete(connection, sink, course, false)?;
        }
        let taking = Taking { held: &course.held, resources: RESOURCES_OF_A_UNIT, is_safe };
        if let Some((unit, work)) = sink.take(connection, taking)? {
            failpoint::passed(ForwardStep::Taken);
            course.units += 1;
            if work.has_risks {
                course.held.extend_from_slice(unit.batches());
            }
            if !work.files.is_empty() {
                let origin = Origin::Records(&unit.resource_type, &work);
                self.send(connection, sink, course, &origin)?;
            }
            failpoint::passed(ForwardStep::Sent);
            sink.finish(connection, &unit)?;
            failpoint::passed(ForwardStep::Finished);
            return Ok(true);
        }
        if release_awaited(connection, sink)? > 0 {
            return Ok(true);
        }
        self.delete(connection, sink, course, course.is_changed)
    }

    fn send(
        &self,
        connection: &mut PgConnection,
        sink: &Sink,
        course: &mut Course,
        origin: &Origin<'_>,
    ) -> Result<(), Failure> {
        let Leader { settings, declared, delivery, process, .. } = self;
        let sending = Sending { settings, declared, sink, delivery, process };
        let sent = sending.run(connection, origin)?;
        course.is_changed |= sent.accepted + sent.deleted > 0;
        course.sent += sent;
        Ok(())
    }

    /// Has resources deleted. False if there are none.
    fn delete(
        &self,
        connection: &mut PgConnection,
        sink: &Sink,
        course: &mut Course,
        refused: bool,
    ) -> Result<bool, Failure> {
        let at_risk = Instant::now() >= course.safe_at;
        let wanted = Wanted { refused, at_risk, limit: MOST_DELETIONS };
        let resources = wanted_deletions(connection, sink, wanted)?;
        if refused {
            course.is_changed = false;
        }
        if resources.is_empty() {
            return Ok(false);
        }
        failpoint::passed(ForwardStep::DeletesTaken);
        // One type after the other, the later ones first.
        for of_type in resources.chunk_by(|one, other| one.0 == other.0) {
            self.send(connection, sink, course, &Origin::Deletions(of_type))?;
        }
        Ok(true)
    }

    fn is_outstanding(&self, connection: &mut PgConnection, sink: &Sink) -> Result<bool, Failure> {
        Ok(sink.has_outstanding(connection)?)
    }
}

/// How long a request of a process that is gone may still be under way.
fn grace(timeout: Duration) -> Duration {
    Duration::from_millis(failpoint::limit("forward-grace", timeout.as_millis() as u64))
}

fn connect(database: &Database) -> Result<PgConnection, Failure> {
    database.connect().map_err(|error| Failure::Transient {
        reason: format!("the database cannot be reached: {}", in_one_line(&error)),
        after: None,
        is_verdict: false,
    })
}
