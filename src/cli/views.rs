//! Arguments of `views`: tables that users declare.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::JsonArguments;

/// What `views` does.
#[derive(Debug, Subcommand)]
pub enum ViewsCommand {
    /// Check ViewDefinitions, without a database
    ///
    /// Prints every mistake with its place in the file and how to mend it. Exits with code 5 if a definition
    /// cannot be run.
    ///
    /// Example: fhirmill views check views/*.json
    Check(ViewsCheckArguments),
    /// Print a view's rows for the resources in files, without a database
    ///
    /// Reads files as a load would, in constant memory. Keys are printed as TYPE/ID. Resources that do not fit
    /// the view are listed on standard error and have no rows.
    ///
    /// Example: fhirmill views run --view views/problem_list.json --format parquet conditions.ndjson > rows.parquet
    Run(ViewsRunArguments),
    /// Make or change the tables of views, and fill them from the archive
    ///
    /// The table of a view is named after it, in schema views. From then on every load keeps it current. A
    /// changed view is filled beside the old one, which is then replaced. A service that runs fills the table
    /// in the background; without one, this command does. After an interruption the service goes on, or
    /// this command if you apply again.
    ///
    /// Example: fhirmill views apply views/blood_pressures.json
    Apply(ViewsApplyArguments),
    /// List the views that are applied
    ///
    /// Example: fhirmill views list --json
    List(JsonArguments),
    /// Drop views with their tables
    ///
    /// Example: fhirmill views drop blood_pressures
    Drop(ViewsDropArguments),
}

/// Arguments of `views apply`.
#[derive(Debug, Args)]
pub struct ViewsApplyArguments {
    /// Files with one ViewDefinition each
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Do not return before the tables are filled
    #[arg(long)]
    pub wait: bool,
}

/// Arguments of `views drop`.
#[derive(Debug, Args)]
pub struct ViewsDropArguments {
    /// Names of views
    #[arg(required = true, value_name = "NAME")]
    pub names: Vec<String>,
}

/// Arguments of `views check`.
#[derive(Debug, Args)]
pub struct ViewsCheckArguments {
    /// Files with one ViewDefinition each
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the findings as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `views run`.
#[derive(Debug, Args)]
pub struct ViewsRunArguments {
    /// File with the ViewDefinition
    #[arg(long, value_name = "FILE")]
    pub view: PathBuf,
    /// Files or folders to read: anything that the inbox takes
    #[arg(required = true, value_name = "IN")]
    pub inputs: Vec<PathBuf>,
    /// How rows are printed
    #[arg(long, value_enum, default_value_t = ViewFormat::Csv)]
    pub format: ViewFormat,
}

/// How `views run` prints rows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ViewFormat {
    /// Comma-separated values with a header
    Csv,
    /// One JSON object per line
    Ndjson,
    /// Parquet, compressed by zstd
    Parquet,
    /// An Arrow IPC file
    Arrow,
}
