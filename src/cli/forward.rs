//! Arguments of `forward`.

use clap::{Args, Subcommand};

use super::JsonArguments;

/// Commands of `forward`.
#[derive(Debug, Subcommand)]
pub enum ForwardCommand {
    /// Show how far each sink is: what is outstanding, accepted and refused, and whether it fails
    ///
    /// Example: fhirmill forward status --json
    Status(JsonArguments),
    /// Have everything that was refused sent again
    ///
    /// The service sends it, or `fhirmill forward once`.
    ///
    /// Example: fhirmill forward retry hapi
    Retry(ForwardArguments),
    /// Send to the sinks until it is told to stop, without loading anything
    ///
    /// `fhirmill run` does the same beside its scans. Where several processes run, one sends to a sink, and another
    /// takes over when it is gone.
    ///
    /// Example: fhirmill forward run
    Run(ForwardArguments),
    /// Send what is outstanding, then exit
    ///
    /// Exits with code 3 if the server refused resources, and with code 1 if it could not be reached for too long.
    ///
    /// Example: fhirmill once && fhirmill forward once
    Once(ForwardArguments),
    /// Forget a sink with its outbox, for example when its server is gone; the server keeps what it has
    ///
    /// Example: fhirmill forward forget hapi
    Forget(ForwardForgetArguments),
}

/// Which sinks a command is about.
#[derive(Debug, Args)]
pub struct ForwardArguments {
    /// The name of a sink; all of them without it
    pub name: Option<String>,
}

/// The sink to forget.
#[derive(Debug, Args)]
pub struct ForwardForgetArguments {
    /// The name of the sink
    pub name: String,
}
