//! The *system*: disk, queue, services, versions and settings.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use chrono::TimeDelta;
use diesel::sql_types::{BigInt, Text};
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use fhirmill_postgres::ledger::{DatabaseDisk, ServiceEntry, StoredFiles};

use super::ask;
use super::disk::{self, Room, Waiting};
use super::error::PageError;
use super::format::{badge, bytes, number, since, span};
use super::frame::Frame;
use super::session::Visitor;
use crate::config::ShownSetting;
use crate::report::health;
use crate::server::state::Shared;

#[derive(Template)]
#[template(path = "system.html", config = "src/server/page/askama.toml")]
struct System {
    frame: Frame,
    complaint: Option<String>,
    rooms: Vec<Room>,
    areas: Vec<(&'static str, i64, String)>,
    waiting: Option<Waiting>,
    services: Vec<ServiceEntry>,
    database: String,
    server: Server,
    version: &'static str,
    running_for: TimeDelta,
    settings: Vec<ShownSetting>,
}

/// What the database server says of itself.
#[derive(Clone, Debug, QueryableByName)]
struct Server {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = BigInt)]
    sessions: i64,
    #[diesel(sql_type = BigInt)]
    most_sessions: i64,
}

const SERVER: &str = "\
select current_setting('server_version') as version, pg_database_size(current_database()) as bytes,
       (select count(*) from pg_stat_activity where backend_type = 'client backend') as sessions,
       current_setting('max_connections')::bigint as most_sessions";

/// Shows the system.
pub async fn show(State(state): State<Shared>, visitor: Visitor) -> Result<Response, PageError> {
    let asked = ask(&state, |connection| {
        let server: Server = sql_query(SERVER).get_result(connection)?;
        let stored = StoredFiles::load(connection)?;
        let areas = areas(&stored, &DatabaseDisk::load(connection)?);
        Ok((ServiceEntry::list(connection)?, server, areas))
    });
    let (asked, waiting) = tokio::join!(asked, state.page.inbox.look(&state.settings));
    let (services, server, areas) = asked?;
    let database = state.settings.database_url.as_ref();
    let view = System {
        frame: visitor.frame("System", "/page/system"),
        complaint: health::complaint(&state.settings, &health::host(), &services),
        rooms: disk::rooms(&state.settings),
        areas,
        waiting,
        services,
        database: database.map_or("private server".to_owned(), ToString::to_string),
        server,
        version: env!("CARGO_PKG_VERSION"),
        running_for: TimeDelta::from_std(state.page.started.elapsed()).unwrap_or_default(),
        settings: state.settings.shown.clone(),
    };
    Ok(super::html(&view))
}

/// What things take: what they are, the bytes, and a remark.
fn areas(stored: &StoredFiles, of: &DatabaseDisk) -> Vec<(&'static str, i64, String)> {
    let archive = match stored.ratio() {
        Some(ratio) => format!(
            "{} files, sent as {}; {} of them compressed, {ratio:.1} : 1",
            number(stored.archive_files),
            bytes(stored.archive_sent_bytes),
            number(stored.compressed_files)
        ),
        None => format!("{} files", number(stored.archive_files)),
    };
    vec![
        ("Archive", stored.archive_bytes, archive),
        ("Rejects", stored.rejected_bytes, format!("{} files", number(stored.rejected_files))),
        ("Snapshots", stored.snapshot_bytes, number(stored.snapshots)),
        ("Clinical tables", of.clinical_bytes, String::new()),
        ("History", of.history_bytes, "earlier names and addresses".to_owned()),
        ("Registry", of.registry_bytes, "keys and versions of resources".to_owned()),
        ("Ledger", of.ledger_bytes, "runs, files, rejects, uploads".to_owned()),
        ("Views", of.view_bytes, String::new()),
        ("Indexes", of.index_bytes, String::new()),
    ]
}

/// The class and the word of a service's state.
fn service_state(service: &ServiceEntry) -> (&'static str, &'static str) {
    match service {
        ServiceEntry { ended_at: Some(_), .. } => ("quiet", "stopped"),
        ServiceEntry { is_alive: false, .. } => ("warn", "gone"),
        ServiceEntry { last_error: Some(_), .. } => ("bad", "scans fail"),
        ServiceEntry { scan_started_at: Some(_), .. } => ("busy", "scanning"),
        _ => ("good", "alive"),
    }
}
