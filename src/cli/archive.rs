//! Arguments of `archive` and `prune`.

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::config::values;

/// What is done with the archive.
#[derive(Debug, Subcommand)]
pub enum ArchiveCommand {
    /// Compress the files that lie in the archive as they were sent
    ///
    /// Each record can still be read by itself, and `zstd -d` reads the files, too. Files that are compressed
    /// already stay as they are. It may be stopped at any time; the next time goes on.
    /// ARCHIVE_COMPRESSION=zstd compresses new files when they are moved to the archive.
    ///
    /// Example: fhirmill archive compress --older-than 30d
    Compress(CompressArguments),
}

/// Arguments of `archive compress`.
#[derive(Debug, Args)]
pub struct CompressArguments {
    /// Only files that were loaded at least so long ago: 30d, 12h
    #[arg(long, value_name = "DURATION", value_parser = values::long_duration)]
    pub older_than: Option<Duration>,
    /// Print what was done as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
pub struct PruneArguments {
    /// Remove nothing, and print what would be removed
    #[arg(long)]
    pub dry_run: bool,
    /// Print what was removed as one JSON document
    #[arg(long)]
    pub json: bool,
}
