//! *Delivering* Bundles: each is sent until every one of its entries is accepted or refused.
//!
//! - An answer that says "later" (429, 5xx, no answer at all) is waited out, longer each time,
//!   by all threads at once.
//! - A Bundle that is refused is sent again in halves, until those entries are alone that are
//!   to blame.
//! - What does not depend on what is sent, such as a token that is not accepted, is waited out,
//!   too: somebody has to mend it, and nothing is lost meanwhile.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use chrono::Utc;
use fhirmill_postgres::ledger::forward::Method;
use fhirmill_postgres::lock::lock;
use reqwest::header::HeaderMap;
use reqwest::{Method as HttpMethod, Url};
use uuid::Uuid;

use super::bundle::{self, Bundle, Entry, Reason};
use crate::config::{Secret, SinkAuthorization, SinkSettings};
use crate::feeds::export::Authorizer;
use crate::feeds::http::{Call, Failure, HttpClient, retry_after};
use crate::feeds::secret;
use crate::report::in_one_line;

/// The longest wait between two attempts, whatever the server says.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// How often a Bundle is sent as it is, before its entries are suspected: servers have conflicts
/// of their own.
const PATIENCE: u32 = 3;
/// The most bytes of an answer.
const MOST_ANSWER: usize = 256 << 20;
const FHIR_JSON: &str = "application/fhir+json";

/// What happened, for whoever writes the ledger.
#[derive(Debug)]
pub enum Event {
    /// A Bundle was answered. Of each entry why it was refused, or none if it was accepted.
    Answered {
        /// What was asked for.
        method: Method,
        /// The requests, with the bodies of those only that were refused.
        entries: Vec<(Entry, Option<Reason>)>,
        /// The status of the answer.
        status: u16,
        /// How long it took.
        took: Duration,
        /// The size of the Bundle.
        bytes: usize,
    },
    /// A resource cannot be sent.
    Unsendable(Entry, Reason),
    /// A call failed, and is made again after that time.
    Failing {
        /// Why.
        reason: String,
        /// When.
        wait: Duration,
    },
}

/// Proves to the server who fhirmill is.
#[derive(Debug)]
enum Authorization {
    Basic { user: String, password: Secret },
    Token(Box<Authorizer>),
}

/// What the threads that send share.
#[derive(Debug)]
pub struct Delivery {
    http: HttpClient,
    base: Url,
    authorization: Authorization,
    timeout: Duration,
    retry_wait: Duration,
    /// How many calls in a row may fail; none if any number may.
    retries: Option<u32>,
    waiting: Mutex<Waiting>,
    /// Whether the server has ever accepted anything.
    has_accepted: AtomicBool,
    /// Until then, something that was sent and not answered may still be under way.
    overlap_until: Mutex<Instant>,
    /// Set when what is sent could not be noted.
    stop: AtomicBool,
}

#[derive(Debug)]
struct Waiting {
    failures: u32,
    until: Instant,
}

/// An answer for good.
enum Verdict {
    Answers { answers: Vec<Option<Reason>>, status: u16, took: Duration, bytes: usize },
    Refused { reason: Reason, took: Duration, bytes: usize },
}

/// What an attempt led to.
enum Attempt {
    Verdict(Verdict),
    /// It may succeed if it is made again. After several times, the entries may be to blame.
    Failed {
        failure: Failure,
        suspect: Option<Verdict>,
    },
}

impl Delivery {
    /// To the server of that sink. With `retries`, it is given up after so many failures in a
    /// row.
    pub fn new(sink: &SinkSettings, http: HttpClient, retries: Option<u32>) -> Result<Self, Failure> {
        let base = Url::parse(&sink.url)
            .map_err(|_| Failure::Settings(format!("the url of sink {} is not a URL", sink.name)))?;
        let authorization = match &sink.authorization {
            SinkAuthorization::Basic { user, password } => {
                Authorization::Basic { user: user.clone(), password: password.clone() }
            }
            SinkAuthorization::Token(token) => {
                Authorization::Token(Box::new(Authorizer::for_writing(token, base.clone(), &sink.types)))
            }
        };
        Ok(Delivery {
            http,
            base,
            authorization,
            timeout: sink.timeout,
            retry_wait: sink.retry_wait,
            retries,
            waiting: Mutex::new(Waiting { failures: 0, until: Instant::now() }),
            has_accepted: AtomicBool::new(false),
            overlap_until: Mutex::new(Instant::now()),
            stop: AtomicBool::new(false),
        })
    }

    /// Notes that the server has accepted something before.
    pub fn note_accepted(&self) {
        self.has_accepted.store(true, Ordering::Relaxed);
    }

    /// Notes that something that was sent, and not answered, may still be under way.
    pub fn note_overlap(&self) {
        *lock(&self.overlap_until) = Instant::now() + self.timeout;
    }

    /// Ends what is being sent as soon as possible: nothing more is sent.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Sends may begin again.
    pub fn begin(&self) {
        self.stop.store(false, Ordering::SeqCst);
    }

    /// Whether it was told to end.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Waits; fails if the program ends before.
    pub fn sleep(&self, duration: Duration) -> Result<(), Failure> {
        self.http.sleep(duration)
    }

    /// Sends the Bundle, and tells what became of its entries.
    pub fn deliver(&self, bundle: Bundle, events: &Sender<Event>) -> Result<(), Failure> {
        let method = bundle.method;
        let mut left = vec![bundle.entries];
        let mut is_suspected = false;
        while let Some(mut entries) = left.pop() {
            let patience = match (is_suspected, entries.len()) {
                (false, _) => PATIENCE,
                (true, 1) => 2,
                (true, _) => 1,
            };
            match self.send((method, &entries), patience, events)? {
                Verdict::Answers { answers, status, took, bytes } => {
                    let entries = entries.into_iter().zip(answers).map(settled(method)).collect();
                    let _ = events.send(Event::Answered { method, entries, status, took, bytes });
                }
                Verdict::Refused { reason, took, bytes } if entries.len() == 1 => {
                    let status = reason.status;
                    let answers = entries.into_iter().map(|entry| (entry, Some(reason.clone())));
                    let entries = answers.map(settled(method)).collect();
                    let _ = events.send(Event::Answered { method, entries, status, took, bytes });
                }
                Verdict::Refused { .. } => {
                    is_suspected = true;
                    // The first half is sent first: later entries may refer to earlier ones.
                    let second = entries.split_off(entries.len() / 2);
                    left.push(second);
                    left.push(entries);
                }
            }
        }
        Ok(())
    }

    /// Sends requests until there is an answer for good.
    fn send(
        &self,
        (method, entries): (Method, &[Entry]),
        patience: u32,
        events: &Sender<Event>,
    ) -> Result<Verdict, Failure> {
        let body = bundle::transaction(method, entries);
        let mut attempts = 0;
        loop {
            self.wait_for_others()?;
            if self.is_stopped() {
                return Err(Failure::Cancelled);
            }
            match self.attempt(&body, entries.len())? {
                Attempt::Verdict(verdict) => {
                    self.went_well(&verdict);
                    return Ok(verdict);
                }
                Attempt::Failed { failure, suspect } => {
                    attempts += u32::from(suspect.is_some());
                    match suspect {
                        Some(verdict) if attempts >= patience && self.is_well() => return Ok(verdict),
                        // It may be a matter of these entries alone: the others go on.
                        Some(_) if attempts < patience => {
                            let wait = back_off(self.retry_wait, attempts);
                            let _ = events.send(Event::Failing { reason: in_one_line(&failure), wait });
                            self.http.sleep(wait)?;
                        }
                        _ => self.failed(failure, events)?,
                    }
                }
            }
        }
    }

    fn attempt(&self, body: &[u8], requests: usize) -> Result<Attempt, Failure> {
        let since = Instant::now();
        let answered = self.call(body);
        let took = since.elapsed();
        let (status, headers, answer) = match answered {
            Ok(answered) => answered,
            Err(Failure::Cancelled) => return Err(Failure::Cancelled),
            // Too much for the server, perhaps.
            Err(failure) => {
                self.note_overlap();
                let is_slow = took >= self.timeout;
                let refused = |reason| Verdict::Refused { reason, took, bytes: body.len() };
                let suspect = (is_slow && requests > 1).then(|| refused(Reason::default()));
                return Ok(Attempt::Failed { failure, suspect });
            }
        };
        Ok(self.judge((status, &headers, &answer), requests, (took, body.len())))
    }

    /// What an answer to so many requests means.
    fn judge(
        &self,
        (status, headers, answer): (u16, &HeaderMap, &[u8]),
        requests: usize,
        (took, bytes): (Duration, usize),
    ) -> Attempt {
        if (200..300).contains(&status) {
            return match bundle::answers(answer, requests) {
                Some(answers) => Attempt::Verdict(Verdict::Answers { answers, status, took, bytes }),
                None => Attempt::Failed {
                    failure: Failure::Permanent(format!(
                        "the answer (status {status}) is not a transaction-response with {requests} entries: is {} the \
                         base of a FHIR server?",
                        crate::feeds::http::location(&self.base)
                    )),
                    suspect: None,
                },
            };
        }
        let (reason, is_outcome) = bundle::reason(status, answer);
        let said = reason.code.clone();
        let refused = Verdict::Refused { reason, took, bytes };
        let failure = |what: &str| {
            let said = said.as_deref().map_or_else(String::new, |said| format!(": {said}"));
            Failure::Transient {
                reason: format!("{what} was answered with status {status}{said}"),
                after: retry_after(headers, Utc::now()),
                is_verdict: false,
            }
        };
        match status {
            408 | 425 | 429 | 502..=504 => Attempt::Failed { failure: failure("a Bundle"), suspect: None },
            // With itself, as long as what was sent before is under way.
            409 if Instant::now() < *lock(&self.overlap_until) => {
                Attempt::Failed { failure: failure("a Bundle"), suspect: None }
            }
            409 | 412 | 500 | 501 | 505..=599 => {
                Attempt::Failed { failure: failure("a Bundle"), suspect: Some(refused) }
            }
            401 => Attempt::Failed { failure: Failure::Unauthorized, suspect: None },
            // Some resources may be forbidden, if others were accepted.
            403 | 405 => {
                let suspect = self.has_accepted.load(Ordering::Relaxed).then_some(refused);
                Attempt::Failed { failure: failure("a Bundle"), suspect }
            }
            300..=399 | 407 => Attempt::Failed { failure: failure("a Bundle"), suspect: None },
            404 if !is_outcome => Attempt::Failed { failure: failure("a Bundle"), suspect: None },
            _ => Attempt::Verdict(refused),
        }
    }

    fn call(&self, body: &[u8]) -> Result<(u16, HeaderMap, Vec<u8>), Failure> {
        let call = Call::new(HttpMethod::POST, self.base.clone())
            .accept(FHIR_JSON)
            .header("Prefer", "return=minimal")
            .authorization(self.authorization()?)
            .within(self.timeout)
            .body(FHIR_JSON, body.to_vec());
        let mut answer = self.http.send(&call)?;
        let status = answer.status.as_u16();
        let body = match answer.status.is_success() {
            true => self.http.body(&mut answer, MOST_ANSWER)?,
            false => self.http.error_body(&mut answer),
        };
        Ok((status, answer.headers, body))
    }

    fn authorization(&self) -> Result<Option<String>, Failure> {
        match &self.authorization {
            Authorization::Basic { user, password } => {
                use base64::Engine as _;
                let pair = format!("{user}:{}", secret::read(password)?);
                Ok(Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))))
            }
            Authorization::Token(authorizer) => authorizer.header(&self.http, &self.base),
        }
    }

    /// Whether the server answers at all: then what it does not take is to blame.
    fn is_well(&self) -> bool {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/metadata", self.base.path().trim_end_matches('/')));
        let Ok(authorization) = self.authorization() else { return false };
        let call = Call::get(url).accept(FHIR_JSON).authorization(authorization).within(self.timeout);
        self.http.send(&call).is_ok_and(|answer| answer.status.is_success())
    }

    fn went_well(&self, verdict: &Verdict) {
        if matches!(verdict, Verdict::Answers { .. }) {
            self.has_accepted.store(true, Ordering::Relaxed);
        }
        let mut waiting = lock(&self.waiting);
        (waiting.failures, waiting.until) = (0, Instant::now());
    }

    /// Notes a failure, and when the next attempt is due; gives it back if there is to be none.
    pub fn failed(&self, failure: Failure, events: &Sender<Event>) -> Result<(), Failure> {
        if matches!(failure, Failure::Cancelled | Failure::Ledger(_)) {
            return Err(failure);
        }
        if matches!(failure, Failure::Unauthorized)
            && let Authorization::Token(authorizer) = &self.authorization
        {
            authorizer.renew();
        }
        let after = match &failure {
            Failure::Transient { after, .. } => *after,
            _ => None,
        };
        let mut waiting = lock(&self.waiting);
        let now = Instant::now();
        // Others may have noted the same failure of the server just before.
        if waiting.until <= now {
            waiting.failures += 1;
        }
        if self.retries.is_some_and(|retries| waiting.failures > retries) {
            return Err(failure);
        }
        let wait = after.unwrap_or_else(|| back_off(self.retry_wait, waiting.failures)).min(LONGEST_WAIT);
        waiting.until = waiting.until.max(now + wait);
        drop(waiting);
        let _ = events.send(Event::Failing { reason: in_one_line(&failure), wait });
        Ok(())
    }

    /// Waits until the next attempt is due. A stop ends it.
    fn wait_for_others(&self) -> Result<(), Failure> {
        loop {
            let left = lock(&self.waiting).until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_stopped() {
                return Ok(());
            }
            self.http.sleep(left.min(Duration::from_millis(500)))?;
        }
    }
}

/// Bodies are needed only of what was refused. What is to be deleted and is not there is deleted.
fn settled(method: Method) -> impl Fn((Entry, Option<Reason>)) -> (Entry, Option<Reason>) {
    move |(entry, reason)| {
        let is_gone = |reason: &Reason| method == Method::Delete && matches!(reason.status, 404 | 410);
        match reason.filter(|reason| !is_gone(reason)) {
            Some(reason) => (entry, Some(reason)),
            None => (Entry { body: Vec::new(), ..entry }, None),
        }
    }
}

/// How long to wait after so many failures in a row: twice as long each time, more or less.
fn back_off(wait: Duration, failures: u32) -> Duration {
    let doubled = wait * 2_u32.pow(failures.saturating_sub(1).min(8));
    let [random, ..] = *Uuid::new_v4().as_bytes();
    doubled.min(LONGEST_WAIT).mul_f64(0.75 + f64::from(random) / 512.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_limit_and_differ() {
        let second = Duration::from_secs(1);
        for (failures, about) in [(1, 1.0), (2, 2.0), (3, 4.0), (9, 256.0), (60, 256.0)] {
            let wait = back_off(second, failures).as_secs_f64() / about;
            assert!((0.75..1.25).contains(&wait), "{failures}: {wait}");
        }
        assert!(back_off(second * 100, 9) <= LONGEST_WAIT.mul_f64(1.25));
    }
}
