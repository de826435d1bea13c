//! Arguments of `convert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fhirmill_arrow::Format;

use crate::inbox::DEFAULT_SOURCE;

/// Arguments of `convert`.
#[derive(Debug, Args)]
pub struct ConvertArguments {
    /// Files or folders to read: anything that the inbox takes
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// Folder to write to, empty or not there yet, or s3://BUCKET/PREFIX, az://… or gs://…
    #[arg(long, value_name = "FOLDER|URL")]
    pub to: String,
    /// Format of the files
    #[arg(long, value_enum, default_value_t = ConvertFormat::Parquet)]
    pub format: ConvertFormat,
    /// Source of the resources; its name is part of their keys
    #[arg(long, value_name = "NAME", default_value = DEFAULT_SOURCE)]
    pub source: String,
    /// Only resources of this type; may be given several times
    #[arg(long, value_name = "TYPE")]
    pub resource_type: Vec<String>,
    /// Keep all versions of each resource, and not only the one that counts
    #[arg(long)]
    pub all_versions: bool,
    /// Replace the conversion that is there
    #[arg(long)]
    pub replace: bool,
    /// Megabytes of rows that are held in memory before they go to temporary files
    #[arg(long, value_name = "MB", default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub memory: u32,
    /// Print the manifest instead of a summary
    #[arg(long)]
    pub json: bool,
}

/// The format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConvertFormat {
    /// Parquet, compressed by zstd
    Parquet,
    /// Arrow IPC files
    Arrow,
    /// Comma-separated values with a header
    Csv,
    /// One JSON object per line
    Ndjson,
}

impl From<ConvertFormat> for Format {
    fn from(format: ConvertFormat) -> Self {
        match format {
            ConvertFormat::Parquet => Format::Parquet,
            ConvertFormat::Arrow => Format::Arrow,
            ConvertFormat::Csv => Format::Csv,
            ConvertFormat::Ndjson => Format::Ndjson,
        }
    }
}
