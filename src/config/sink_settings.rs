//! The settings of *sinks*: where resources are sent besides the database.

use std::time::Duration;

use super::feed_settings::{ExportAuthorization, Secret};

/// A FHIR server that gets the resources of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSettings {
    /// Its name.
    pub name: String,
    /// The source whose resources it gets.
    pub source: String,
    /// The base of the FHIR server, without a slash at the end.
    pub url: String,
    /// The types that it gets, in the order in which they are sent.
    pub types: Vec<String>,
    /// The types that are left out of other resources, with the references to them.
    pub leave_out: Vec<String>,
    /// How fhirmill proves who it is.
    pub authorization: SinkAuthorization,
    /// How many resources a Bundle has at most.
    pub batch_size: usize,
    /// How many Bundles are sent at once.
    pub parallel: usize,
    /// How long an answer may take.
    pub timeout: Duration,
    /// How long it waits after a first failure; after further ones twice as long each time.
    pub retry_wait: Duration,
    /// How many calls in a row may fail before `fhirmill forward once` gives up.
    pub retries: u32,
}

/// How fhirmill proves to the server of a sink who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SinkAuthorization {
    /// By name and password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// As the servers of feeds want it.
    Token(ExportAuthorization),
}
