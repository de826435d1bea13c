//! Arguments of `senders`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::JsonArguments;

/// Commands of `senders`.
#[derive(Debug, Subcommand)]
pub enum SendersCommand {
    /// Add a sender, and show its secrets once
    ///
    /// The sender reaches its own source and nothing else. Its name is its OAuth client_id.
    ///
    /// Example: fhirmill senders add st-marys --source st-marys --json
    Add(SendersAddArguments),
    /// List all senders, without secrets
    ///
    /// Example: fhirmill senders list
    List(JsonArguments),
    /// Replace the secrets of a sender, and show the new ones once
    ///
    /// The old secrets and the access tokens that were issued end at once.
    ///
    /// Example: fhirmill senders rotate st-marys
    Rotate(SendersRotateArguments),
    /// Refuse all further calls of a sender
    ///
    /// Example: fhirmill senders disable st-marys
    Disable {
        /// The name of the sender
        name: String,
    },
}

/// Arguments of `senders add`.
#[derive(Debug, Args)]
pub struct SendersAddArguments {
    /// The name of the sender: letters, digits, hyphens, underscores, dots
    pub name: String,
    /// The source that it pushes data of: the name of its folder in the inbox
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// What it may do; repeat it or separate by commas; all if not given
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', value_parser = ["push", "update", "status"])]
    pub scope: Vec<String>,
    /// The https URL of its public keys, for SMART Backend Services
    #[arg(long, value_name = "URL")]
    pub jwks_url: Option<String>,
    /// A file of its public keys (a JSON Web Key Set), for SMART Backend Services
    #[arg(long, value_name = "FILE")]
    pub jwks_file: Option<PathBuf>,
    /// The most uploads that it may have open at once
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(i32).range(1..))]
    pub max_open_uploads: i32,
    /// The most bytes that its open uploads may hold together
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 40, value_parser = clap::value_parser!(u64).range(1..1 << 60))]
    pub max_open_bytes: u64,
    /// Print the secrets as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `senders rotate`.
#[derive(Debug, Args)]
pub struct SendersRotateArguments {
    /// The name of the sender
    pub name: String,
    /// Print the secrets as JSON
    #[arg(long)]
    pub json: bool,
}
