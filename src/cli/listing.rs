//! Arguments of the commands that list the ledger: `files` and `runs`.

use clap::Args;

use super::moment::Moment;

/// The statuses of files, as the ledger has them.
const FILE_STATUSES: [&str; 8] =
    ["loading", "loaded", "duplicate", "rejected", "failed", "abandoned", "undone", "erased"];
/// The statuses of runs.
const RUN_STATUSES: [&str; 3] = ["running", "finished", "failed"];

/// Arguments of `files`.
#[derive(Debug, Args)]
pub struct FilesArguments {
    /// Only files from this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Only files with this status; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = FILE_STATUSES, value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only files of the run with this number (`fhirmill runs` shows it)
    #[arg(long, value_name = "NUMBER")]
    pub run: Option<i64>,
    /// Only files taken since then: yesterday, 2h, '3 days ago', 2026-03-01, 2026-03-01T08:00
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Only files taken before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// At most this many files
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// Print the files as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `runs`.
#[derive(Debug, Args)]
pub struct RunsArguments {
    /// Show this run, with its files
    #[arg(value_name = "NUMBER", conflicts_with_all = ["status", "since", "until", "limit"])]
    pub run: Option<i64>,
    /// Only runs with this status; may be given several times
    #[arg(long, value_name = "STATUS", value_parser = RUN_STATUSES, value_delimiter = ',')]
    pub status: Vec<String>,
    /// Only runs begun since then: yesterday, 2h, '3 days ago', 2026-03-01, 2026-03-01T08:00
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// Only runs begun before then
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// At most this many runs
    #[arg(long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: u32,
    /// Print the runs as one JSON document
    #[arg(long)]
    pub json: bool,
}
