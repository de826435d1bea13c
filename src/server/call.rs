//! What is noted of each *call*: its request id, who made it, how many bytes came. When
//! it is answered, all of it goes to the audit table.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::ledger::AuditEvent;
use fhirmill_postgres::lock::lock;
use tokio::sync::{mpsc, oneshot};
use tracing::field::Empty;
use tracing::{Instrument, Span, error, info_span, warn};
use uuid::Uuid;

use super::pool::Pool;
use super::state::Shared;
use crate::report::{TRACES, in_one_line};

/// The header that identifies a call.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;
/// How long an answer waits for its entry in the audit table.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// The most entries that wait to be written, and that are written at once.
const WAITING: usize = 1024;
const AT_ONCE: usize = 200;

/// What is noted of a call while it is handled. Handlers find it in the request's
/// extensions.
#[derive(Debug, Default)]
pub struct Call {
    /// Identifies it, in the answer and in the audit table.
    pub request_id: String,
    sender_id: OnceLock<i32>,
    user_id: OnceLock<i32>,
    action: OnceLock<String>,
    target: OnceLock<String>,
    bytes: AtomicU64,
}

impl Call {
    /// Notes who makes it.
    pub fn set_sender(&self, sender_id: i32) {
        let _ = self.sender_id.set(sender_id);
    }

    /// Notes which user of the operator's page makes it.
    pub fn set_user(&self, user_id: i32) {
        let _ = self.user_id.set(user_id);
    }

    /// Notes what it asks for, where its route does not say it.
    pub fn set_action(&self, action: String) {
        let _ = self.action.set(action);
    }

    /// Notes what it is about, such as the id of an upload. Never a value of a patient.
    pub fn set_target(&self, target: impl ToString) {
        let _ = self.target.set(target.to_string());
    }

    /// Notes bytes of its body that came.
    pub fn add_bytes(&self, count: u64) {
        self.bytes.fetch_add(count, Ordering::Relaxed);
    }

    /// The call as an entry of the audit table.
    pub fn event(&self, action: String, client_address: String, status: u16) -> AuditEvent {
        AuditEvent {
            request_id: self.request_id.clone(),
            sender_id: self.sender_id.get().copied(),
            user_id: self.user_id.get().copied(),
            action: self.action.get().cloned().unwrap_or(action),
            target: self.target.get().cloned(),
            client_address,
            bytes: i64::try_from(self.bytes.load(Ordering::Relaxed)).unwrap_or(i64::MAX),
            status: i16::try_from(status).unwrap_or(0),
        }
    }
}

/// Gives every call its id, and notes it in the audit table once it is answered; health
/// checks and what the operator's page is made of are left out.
pub async fn note(State(state): State<Shared>, mut request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    let call = Arc::new(Call { request_id: request_id.clone(), ..Call::default() });
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or("(none)");
    let (route, method) = (route.to_owned(), method_name(request.method()));
    let is_noted = !matches!(route.as_str(), "/live" | "/ready" | "/page/assets/{name}");
    let action = format!("{method} {route}");
    let since = Instant::now();
    let span = if is_noted { span(&action, &call, request.headers()) } else { Span::none() };
    let address = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_string());
    request.extensions_mut().insert(Arc::clone(&call));
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let route = call.action.get().unwrap_or(&route);
    let (status, bytes) = (response.status().as_u16(), call.bytes.load(Ordering::Relaxed));
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    state.http.add((method, route), status, bytes, since.elapsed());
    if is_noted {
        let event = call.event(action, address.unwrap_or_default(), response.status().as_u16());
        state.audit.record(event).await;
    }
    response
}

/// The span of a call in a trace, which is that of the caller if it has one.
fn span(action: &str, call: &Call, headers: &HeaderMap) -> Span {
    let span = info_span!(
        target: TRACES, "call", otel.name = action, otel.kind = "server", request.id = call.request_id,
        http.response.status_code = Empty, otel.status_code = Empty
    );
    #[cfg(feature = "traces")]
    {
        let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        crate::traces::follow(&span, header("traceparent"), header("tracestate"));
    }
    #[cfg(not(feature = "traces"))]
    let _ = headers;
    span
}

/// Methods are words that anyone may invent.
fn method_name(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "PUT" => "PUT",
        "POST" => "POST",
        "DELETE" => "DELETE",
        "PATCH" => "PATCH",
        "OPTIONS" => "OPTIONS",
        _ => "OTHER",
    }
}

/// The caller's id of the call, if it is one word; otherwise one of ours.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let is_word = |id: &&str| {
        let is_plain =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        !id.is_empty() && id.len() <= LONGEST_REQUEST_ID && id.chars().all(is_plain)
    };
    given.filter(is_word).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

/// How many calls of nobody are recorded per minute. Whoever is refused could otherwise fill
/// the disk; the log says how many were left out.
const OF_NOBODY: u64 = 600;

/// Counts the calls of nobody in the current minute.
#[derive(Debug, Default)]
struct OfNobody {
    minute: u64,
    count: u64,
}

impl OfNobody {
    /// Whether another call of nobody, in that minute, is recorded.
    fn is_recorded(&mut self, minute: u64) -> bool {
        if self.minute != minute {
            if self.count > OF_NOBODY {
                let left_out = self.count - OF_NOBODY;
                warn!("{left_out} calls that nobody was authenticated for are missing in the audit table");
            }
            *self = OfNobody { minute, count: 0 };
        }
        self.count += 1;
        self.count <= OF_NOBODY
    }
}

/// Writes entries of the audit table, many at once when there are many.
#[derive(Clone, Debug)]
pub struct Audit {
    queue: mpsc::Sender<(AuditEvent, oneshot::Sender<()>)>,
    of_nobody: Arc<Mutex<OfNobody>>,
}

impl Audit {
    /// Starts the writer on the current runtime. It ends with the last clone.
    pub fn start(pool: Pool) -> Self {
        let (queue, entries) = mpsc::channel(WAITING);
        tokio::spawn(write(pool, entries));
        Audit { queue, of_nobody: Arc::default() }
    }

    /// Records an event, and waits until it is in the table, or a moment at most: an answer
    /// is not held back by a database that is away.
    pub async fn record(&self, event: AuditEvent) {
        let minute = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() / 60);
        if event.sender_id.is_none() && event.user_id.is_none() && !lock(&self.of_nobody).is_recorded(minute)
        {
            return;
        }
        let (written, is_written) = oneshot::channel();
        let recorded = async {
            if self.queue.send((event, written)).await.is_ok() {
                let _ = is_written.await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_WAIT, recorded).await;
    }

    /// Waits until what was recorded before is written, or a moment at most.
    pub async fn flush(&self) {
        let is_empty = async {
            while self.queue.capacity() < WAITING {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(LONGEST_WAIT, is_empty).await;
    }
}

async fn write(pool: Pool, mut entries: mpsc::Receiver<(AuditEvent, oneshot::Sender<()>)>) {
    let mut batch = Vec::new();
    while entries.recv_many(&mut batch, AT_ONCE).await > 0 {
        let (events, written): (Vec<_>, Vec<_>) = batch.drain(..).unzip();
        let stored: Result<(), AuditError> = pool
            .run(move |connection| {
                diesel::connection::SimpleConnection::batch_execute(
                    connection,
                    "set synchronous_commit = off",
                )?;
                let stored = AuditEvent::insert(connection, &events);
                diesel::connection::SimpleConnection::batch_execute(connection, "reset synchronous_commit")?;
                Ok(stored?)
            })
            .await;
        if let Err(failure) = stored {
            error!("{} calls are missing in the audit table: {}", written.len(), in_one_line(&failure));
        }
        written.into_iter().for_each(|written| {
            // Nobody waits for it any more.
            let _ = written.send(());
        });
    }
}

#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("the database is unavailable")]
    Connect(#[from] DatabaseError),
    #[error("the database refused the entries")]
    Query(#[from] diesel::result::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_of_nobody_are_recorded_up_to_a_number_per_minute() {
        let mut of_nobody = OfNobody::default();
        let recorded = (0..2 * OF_NOBODY).filter(|_| of_nobody.is_recorded(1)).count() as u64;
        assert_eq!(recorded, OF_NOBODY);
        assert!(of_nobody.is_recorded(2));
    }
}
