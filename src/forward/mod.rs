//! *Forwarding*: resources of a source are sent to a FHIR server, a *sink*, by REST.
//!
//! What is to be sent follows from the outbox and the registry
//! ([`fhirmill_postgres::ledger::forward`]); bodies come from the archive. One process at a time
//! sends to a sink; the others stand by. It works through the outbox in *units*: resources of
//! one type, of many batches. While a unit is sent nothing else is, so that a version never
//! overtakes another one of its resource.
//!
//! - [`body`]: a resource as a sink gets it
//! - [`path`]: what R4 says of references
//! - [`bundle`]: transactions, and what is answered to them
//! - [`read`]: the records of a unit, from the archive
//! - [`deliver`]: sending Bundles until each entry is accepted or refused
//! - [`unit`]: one unit: reading, sending and noting at once
//! - [`lead`]: unit after unit, for the process that sends
//! - [`service`]: the sinks of `fhirmill run`

pub mod body;
mod bundle;
mod deliver;
mod lead;
mod path;
mod read;
mod service;
mod unit;

use fhirmill_postgres::ledger::forward::{NewSink, Sink, SinkError};

pub use lead::{Leader, Until};
pub use service::Forwarders;

use crate::config::{Settings, SinkSettings};
use crate::feeds::http::Failure;

/// The sink in the ledger; it is entered if it is new.
pub fn register(connection: &mut diesel::PgConnection, declared: &SinkSettings) -> Result<Sink, SinkError> {
    let SinkSettings { name, source, url, types, leave_out, .. } = declared;
    Sink::register(connection, &NewSink { name, source, url, types, leave_out })
}

/// Registers all sinks of the settings: what is wrong with one is told at the start.
pub fn register_all(connection: &mut diesel::PgConnection, settings: &Settings) -> Result<(), SinkError> {
    settings.sinks.iter().try_for_each(|declared| register(connection, declared).map(|_| ()))
}

impl From<SinkError> for Failure {
    fn from(error: SinkError) -> Self {
        match error {
            SinkError::Ledger(error) => Failure::Ledger(error),
            other => Failure::Settings(other.to_string()),
        }
    }
}
