//! A *connection* to a server, in the state in which every session begins.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{
    Connection, ConnectionError, PgConnection, QueryResult, QueryableByName, RunQueryDsl, sql_query,
    sql_types,
};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::error::{DatabaseError, refusal};
use super::url::DatabaseUrl;

/// Parameters of every connection, unless DATABASE_URL overrides them. A server
/// that has vanished is noticed within two minutes instead of two hours.
const CONNECTION_PARAMETERS: &str = "fallback_application_name=fhirmill&connect_timeout=10\
     &keepalives_idle=60&keepalives_interval=10&keepalives_count=6";

/// What every session begins with. Times are read and written in UTC. Waiting
/// five minutes for another session's lock (unless the database or the user has
/// another `lock_timeout`), or being idle in a transaction for ten minutes, is a
/// fault that should end and be reported. Messages are in English where the user
/// may set that, since [`Failure`](super::Failure) interprets them. libpq would print notices to
/// standard error.
const SESSION_START: &str = "\
    set timezone = 'UTC';
    select set_config('lock_timeout', '5min', false) where current_setting('lock_timeout') = '0';
    set idle_in_transaction_session_timeout = '10min';
    do $$ begin perform set_config('lc_messages', 'C', false); exception when insufficient_privilege then null; end $$;
    set client_min_messages = 'warning';";

/// How long opening waits for a server that is unavailable.
#[derive(Debug, Clone, Copy)]
pub enum Wait<'a> {
    /// Not at all: the first failure is returned.
    No,
    /// That long.
    AtMost(Duration),
    /// Until the server is available, or the token is cancelled.
    UntilCancelled(&'a CancellationToken),
}

impl Wait<'_> {
    fn is_over(&self, since: Instant) -> bool {
        match self {
            Self::No => true,
            Self::AtMost(duration) => since.elapsed() >= *duration,
            Self::UntilCancelled(token) => token.is_cancelled(),
        }
    }
}

/// Connects to a server, whatever its version.
pub(super) fn connect(url: &DatabaseUrl) -> Result<PgConnection, DatabaseError> {
    let full_url = url.with_parameters(CONNECTION_PARAMETERS);
    let mut connection = PgConnection::establish(full_url.expose_secret()).map_err(|error| match error {
        ConnectionError::BadConnection(sentence) => refusal(url, &sentence),
        other => refusal(url, &other.to_string()),
    })?;
    connection
        .batch_execute(SESSION_START)
        .map_err(|source| DatabaseError::Query { action: "begin the session", source })?;
    Ok(connection)
}

/// Takes away what a session has been given since it began. Not `discard all`: the
/// statements that the connection has prepared are still good. The encoding is what
/// diesel begins with.
const RENEW: &str = "\
    reset all;
    set client_encoding = 'UTF8';
    discard temp;
    select pg_advisory_unlock_all();";

/// Puts a connection that was used for something else into the state in which every
/// session begins.
pub(super) fn renew(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(RENEW)?;
    connection.batch_execute(SESSION_START)
}

/// The longest pause between attempts, while the server is away and while somebody
/// has to mend something.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE_FOR_MENDING: Duration = Duration::from_secs(60);

/// Connects to a server, and retries while it is unavailable for as long as `wait`
/// says. A service also waits while the server refuses it: ending would only make its
/// supervisor start it again and again.
pub(super) fn connect_patiently(url: &DatabaseUrl, wait: Wait<'_>) -> Result<PgConnection, DatabaseError> {
    let since = Instant::now();
    let mut pause = Duration::from_millis(200);
    loop {
        let error = match connect(url) {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let is_refused = matches!(wait, Wait::UntilCancelled(_)) && error.is_mended_at_the_server();
        if !(error.is_transient() || is_refused) || wait.is_over(since) {
            return Err(error);
        }
        let seconds = pause.as_secs_f64();
        if is_refused {
            let hint = error.hint().unwrap_or_default();
            error!(database = %url, pause.seconds = seconds, "{error}; trying again in {seconds} seconds; {hint}");
        } else {
            warn!(database = %url, pause.seconds = seconds, "{error}; retrying");
        }
        pause_unless_over(pause, wait, since);
        pause = (pause * 2).min(if is_refused { LONGEST_PAUSE_FOR_MENDING } else { LONGEST_PAUSE });
    }
}

/// Sleeps in short intervals, so that a cancelled service ends soon.
fn pause_unless_over(pause: Duration, wait: Wait<'_>, since: Instant) {
    let end = Instant::now() + pause;
    while Instant::now() < end && !wait.is_over(since) {
        thread::sleep(Duration::from_millis(50));
    }
}

#[derive(QueryableByName)]
struct ServerVersion {
    #[diesel(sql_type = sql_types::Integer)]
    number: i32,
}

/// The major version: 15 for 15.18, whose number is 150018.
pub(super) fn server_version(connection: &mut PgConnection) -> Result<u32, DatabaseError> {
    let version: ServerVersion = sql_query("select current_setting('server_version_num')::integer as number")
        .get_result(connection)
        .map_err(|source| DatabaseError::Query { action: "read the server's version", source })?;
    Ok(u32::try_from(version.number / 10_000).unwrap_or(0))
}

#[derive(QueryableByName)]
struct Encoding {
    #[diesel(sql_type = sql_types::Text)]
    encoding: String,
}

/// The encoding of the database's texts, such as UTF8.
pub fn server_encoding(connection: &mut PgConnection) -> QueryResult<String> {
    let found: Encoding =
        sql_query("select current_setting('server_encoding') as encoding").get_result(connection)?;
    Ok(found.encoding)
}
