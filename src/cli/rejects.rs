//! Arguments of `rejects`.

use clap::{Args, Subcommand};

/// Arguments of `rejects`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RejectsArguments {
    /// What to do instead of listing them.
    #[command(subcommand)]
    pub command: Option<RejectsCommand>,
    /// Only rejects of the file with this number (`fhirmill files` shows it)
    #[arg(long, value_name = "NUMBER")]
    pub file: Option<i64>,
    /// Those that were retried, resolved or dismissed, too
    #[arg(long)]
    pub all: bool,
    /// At most this many rejects
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// Print the rejects as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Commands of `rejects`.
#[derive(Debug, Subcommand)]
pub enum RejectsCommand {
    /// Dismiss rejects that need no more attention
    ///
    /// Dismissed rejects are no longer listed or retried, and stay in the ledger with the note. If several
    /// conditions are given, all of them must hold.
    ///
    /// Example: fhirmill rejects dismiss --file 12 --reason not_json --note 'test data'
    Dismiss(DismissArguments),
}

/// Arguments of `rejects dismiss`.
#[derive(Debug, Args)]
pub struct DismissArguments {
    /// The numbers of the rejects
    #[arg(value_name = "NUMBER")]
    pub ids: Vec<i64>,
    /// Only rejects of the file with this number
    #[arg(long = "file", value_name = "NUMBER")]
    pub of_file: Option<i64>,
    /// Only rejects with this reason, such as invalid_value
    #[arg(long, value_name = "REASON")]
    pub reason: Option<String>,
    /// Why they are dismissed
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}
