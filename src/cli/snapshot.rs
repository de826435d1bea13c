//! Arguments of `snapshot`.

use clap::{Args, Subcommand};

use super::JsonArguments;

/// Arguments of `snapshot`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct SnapshotArguments {
    /// What to do instead of writing a snapshot to --to.
    #[command(subcommand)]
    pub command: Option<SnapshotCommand>,
    /// Where to write it, and what.
    #[command(flatten)]
    pub take: SnapshotTakeArguments,
}

/// Commands of `snapshot`.
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// List snapshots, newest first, with their state
    ///
    /// Example: fhirmill snapshot list
    List(JsonArguments),
    /// Take a snapshot of the settings file now
    ///
    /// Example: fhirmill snapshot run nightly
    Run(SnapshotRunArguments),
}

/// Arguments of `snapshot run`.
#[derive(Debug, Args)]
pub struct SnapshotRunArguments {
    /// The name of the snapshot
    pub name: String,
    /// Print what was written as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Where to write a snapshot, and what. The arguments have the names and meanings that a
/// snapshot has in the settings file.
#[derive(Debug, Args)]
pub struct SnapshotTakeArguments {
    /// The folder that holds the snapshots, or s3://BUCKET/PREFIX, az://… or gs://…
    #[arg(long, value_name = "FOLDER", required = true)]
    pub to: Option<String>,
    /// The format of the files
    #[arg(long, value_name = "FORMAT", default_value = "parquet", value_parser = ["parquet", "arrow", "csv", "ndjson"])]
    pub format: String,
    /// Only tables and views of these schemas: public, analytics, views, etl, deidentified; the last one is left
    /// out unless it is named
    #[arg(long, visible_alias = "schema", value_name = "SCHEMA", value_delimiter = ',')]
    pub schemas: Vec<String>,
    /// Only these tables and views, such as patient or analytics.patient_summary
    #[arg(long, value_name = "TABLE", value_delimiter = ',')]
    pub tables: Vec<String>,
    /// Write also tables that have not changed since the snapshot before
    #[arg(long)]
    pub whole: bool,
    /// Afterwards keep so many snapshots in the folder, and those that --keep-for keeps
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub keep: Option<u32>,
    /// Afterwards keep snapshots that are not older, such as 30d, and those that --keep keeps
    #[arg(long, value_name = "AGE")]
    pub keep_for: Option<String>,
    /// Print what was written as one JSON document
    #[arg(long)]
    pub json: bool,
}
