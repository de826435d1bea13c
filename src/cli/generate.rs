//! Arguments of `generate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Number of patients
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub patients: u64,
    /// Seed of the random numbers; the same seed gives the same files, byte for byte
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// Folder to write to; created if it does not exist
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Format of the files
    #[arg(long, value_enum, default_value_t = GenerateFormat::Bundles)]
    pub format: GenerateFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GenerateFormat {
    /// One transaction Bundle per patient
    Bundles,
    /// As in a bulk export: one NDJSON file per resource type
    Ndjson,
    /// All patients in one Bundle
    Bundle,
}
