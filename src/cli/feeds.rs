//! Arguments of `feeds` and `export`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::JsonArguments;

/// Commands of `feeds`.
#[derive(Debug, Subcommand)]
pub enum FeedsCommand {
    /// List the feeds of the settings file, with their state
    ///
    /// Example: fhirmill feeds list
    List(JsonArguments),
    /// Run a feed now, or go on with its run, and load what it brings
    ///
    /// Example: fhirmill feeds run st-marys-nightly
    Run(FeedsRunArguments),
    /// Stop a feed, and leave it stopped until it is resumed
    ///
    /// What it has fetched stays, and the server's export, too: the feed goes on where it was.
    ///
    /// Example: fhirmill feeds pause st-marys-nightly
    Pause(FeedArguments),
    /// Let a paused feed run again
    ///
    /// Example: fhirmill feeds resume st-marys-nightly
    Resume(FeedArguments),
    /// Forget where a feed is: its next run asks for everything
    ///
    /// An export that is not finished is abandoned. A Kafka feed can also be set to an offset
    /// or a time; what it reads again and has loaded is unchanged.
    ///
    /// Example: fhirmill feeds reset events --to 2026-01-31T06:00:00Z
    Reset(FeedsResetArguments),
    /// Try the settings of a feed, without fetching anything
    ///
    /// Example: fhirmill feeds test st-marys-nightly
    Test(FeedArguments),
}

/// The argument of commands about one feed.
#[derive(Debug, Args)]
pub struct FeedArguments {
    /// The name of the feed
    pub name: String,
}

/// Arguments of `feeds reset`.
#[derive(Debug, Args)]
pub struct FeedsResetArguments {
    /// The name of the feed
    pub name: String,
    /// Where a Kafka feed continues: beginning, end, an offset, or a time
    #[arg(long, value_name = "PLACE")]
    pub to: Option<String>,
    /// Only this topic
    #[arg(long, value_name = "TOPIC")]
    pub topic: Option<String>,
    /// Only this partition
    #[arg(long, value_name = "NUMBER", requires = "topic")]
    pub partition: Option<i32>,
}

/// Arguments of `feeds run`.
#[derive(Debug, Args)]
pub struct FeedsRunArguments {
    /// The name of the feed
    pub name: String,
    /// Print what it brought as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `export`. They have the names and meanings that a feed has in the settings
/// file.
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The base of the FHIR server, or the whole URL that ends with $export
    pub url: String,
    /// The source that the files belong to: the name of a folder in the inbox
    #[arg(long, value_name = "NAME")]
    pub source: String,
    /// Export the patients of this group
    #[arg(long, value_name = "ID", conflicts_with = "level")]
    pub group: Option<String>,
    /// Export all data, or those of all patients
    #[arg(long, value_name = "LEVEL", value_parser = ["system", "patient"])]
    pub level: Option<String>,
    /// Only resources of these types; repeat it or separate by commas
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only resources that a search finds, such as Observation?category=laboratory; may be repeated
    #[arg(long, value_name = "SEARCH")]
    pub type_filter: Vec<String>,
    /// Only these elements; repeat it or separate by commas
    #[arg(long, value_name = "ELEMENT", value_delimiter = ',')]
    pub elements: Vec<String>,
    /// Only these patients; may be repeated; asked for by POST
    #[arg(long, value_name = "ID")]
    pub patient: Vec<String>,
    /// Related resources, such as LatestProvenanceResources; may be repeated
    #[arg(long, value_name = "SET")]
    pub include_associated_data: Vec<String>,
    /// Have files organized by this type, such as Patient
    #[arg(long, value_name = "TYPE")]
    pub organize_output_by: Option<String>,
    /// Only what changed since
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// How to ask for it
    #[arg(long, value_name = "METHOD", default_value = "auto", value_parser = ["auto", "get", "post"])]
    pub method: String,
    /// A file with a token for the server
    #[arg(long, value_name = "FILE", conflicts_with = "client_id")]
    pub token_file: Option<PathBuf>,
    /// The client_id for SMART Backend Services
    #[arg(long, value_name = "ID", requires = "private_key_file")]
    pub client_id: Option<String>,
    /// The file of its private key, PEM
    #[arg(long, value_name = "FILE", requires = "client_id")]
    pub private_key_file: Option<PathBuf>,
    /// The id of that key
    #[arg(long, value_name = "ID", requires = "client_id")]
    pub key_id: Option<String>,
    /// The token endpoint, if the server does not tell it
    #[arg(long, value_name = "URL", requires = "client_id")]
    pub token_url: Option<String>,
    /// The scopes to ask for
    #[arg(long, value_name = "SCOPES", requires = "client_id")]
    pub scope: Option<String>,
    /// How many files are fetched at once
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub downloads: u8,
    /// How long to wait after a failed call; after further ones twice, four and eight times as long
    #[arg(long, value_name = "DURATION", default_value = "1m")]
    pub retry_wait: String,
    /// How many calls in a row may fail
    #[arg(long, value_name = "NUMBER", default_value_t = 12)]
    pub retries: u32,
    /// How long the server may take
    #[arg(long, value_name = "DURATION", default_value = "3d")]
    pub give_up_after: String,
    /// Leave the export at the server
    #[arg(long)]
    pub keep: bool,
    /// Print what it brought as one JSON document
    #[arg(long)]
    pub json: bool,
}
