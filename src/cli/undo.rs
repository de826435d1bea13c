//! Arguments of `undo`.

use clap::Args;

/// Arguments of `undo`.
#[derive(Debug, Args)]
pub struct UndoArguments {
    /// The file with this number (`fhirmill files` shows it); may be given several times
    #[arg(long, value_name = "NUMBER", required_unless_present = "run", conflicts_with = "run")]
    pub file: Vec<i64>,
    /// All files of the run with this number (`fhirmill runs` shows it)
    #[arg(long, value_name = "NUMBER")]
    pub run: Option<i64>,
    /// Bring back what was taken back
    #[arg(long)]
    pub redo: bool,
    /// Change nothing, and print what would change
    #[arg(long)]
    pub dry_run: bool,
    /// Print what changed as one JSON document
    #[arg(long)]
    pub json: bool,
}
