//! The command line: all commands, flags and exit codes.
//!
//! A command writes its result to standard output and everything else (log
//! lines, warnings, errors, progress) to standard error, so that the result can
//! be piped. With `--json` the result is one JSON document.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::RawSettings;
use crate::logging::Audience;

const EXIT_CODES: &str = "\
Exit codes:
  0    success; everything that was read is loaded
  1    unexpected error
  2    invalid argument or setting
  3    loaded, but some resources or files were rejected or unreadable
  4    the database is unavailable
  5    record counts do not reconcile, or a check failed
  130  interrupted before the work was finished";

/// How a command ends, for scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Success: everything that was read is loaded.
    Success = 0,
    /// An error without a code of its own.
    Unexpected = 1,
    /// An invalid flag, argument or setting; nothing was done.
    Usage = 2,
    /// Done, but some resources or files were rejected or could not be read.
    Rejected = 3,
    /// No database: unreachable, missing privileges, or no server to start.
    DatabaseUnavailable = 4,
    /// Record counts do not reconcile, or a check found a problem.
    CheckFailed = 5,
    /// SIGINT or SIGTERM arrived before the work was finished.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// Turns FHIR R4 files into Postgres tables that people can read.
///
/// Files dropped into the inbox are parsed, their resources are upserted into tables, and the files are moved
/// to an archive. Without DATABASE_URL, fhirmill runs its own private Postgres server.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    /// What was set by flags and the environment.
    #[command(flatten)]
    pub settings: RawSettings,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the inbox and load what arrives, until stopped
    ///
    /// Scans the inbox at start, on SCHEDULE, and as soon as a file arrives (WATCH). Scans never overlap. On
    /// SIGTERM or SIGINT, the service finishes or abandons the current batch and ends within ten seconds; the
    /// next start resumes what was abandoned.
    ///
    /// Example: fhirmill run --schedule '*/5 * * * *'
    Run,
    /// Load everything in the inbox, then exit
    ///
    /// Prints how many resources were seen, inserted, updated, unchanged, stale, deleted, rejected and
    /// skipped.
    ///
    /// Example: fhirmill once --inbox-dir ./delivery --workers 4
    Once(OnceArguments),
    /// Count the resources in files, without a database
    ///
    /// Reads files as a load would, and prints resources by type and problems by location.
    ///
    /// Example: fhirmill inspect patients.ndjson bundles.zip
    Inspect(InspectArguments),
    /// Apply, revert or list database migrations
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Start, stop or reset the private Postgres server, or print its URL
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Build, drop or list the secondary indexes
    #[command(subcommand)]
    Indexes(IndexesCommand),
    /// Show the state of the service: last runs, waiting files, rejects, database
    ///
    /// Example: fhirmill status --json
    Status(StatusArguments),
    /// List loaded and rejected files, newest first, with their counts
    ///
    /// Example: fhirmill files --limit 20 --source st-marys
    Files(FilesArguments),
    /// List rejected resources and files, each with the reason
    ///
    /// Example: fhirmill rejects --file 12
    Rejects(RejectsArguments),
    /// List, show or set the sources: names, FHIR servers, descriptions
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Load rejected resources again, after a fix
    ///
    /// Example: fhirmill retry --file 12
    Retry(RetryArguments),
    /// Print the JSON of a resource as it was received
    ///
    /// Example: fhirmill show Patient/123
    Show(ShowArguments),
    /// Rebuild table rows from the archived files, for example after a column was added
    ///
    /// Example: fhirmill remap --resource-type Patient
    Remap(RemapArguments),
    /// Check that tables, keys and ledger are consistent
    ///
    /// Every child row has its parent, every key is in the registry, and the counts in the ledger match the
    /// tables. Exits with code 5 if a rule is violated.
    ///
    /// Example: fhirmill check --json
    Check(CheckArguments),
    /// Generate files of synthetic patients
    ///
    /// Example: fhirmill generate --patients 100 --seed 7 --out inbox/demo --format bundles
    Generate(GenerateArguments),
}

impl Command {
    /// Who reads the command's log lines.
    pub fn audience(&self) -> Audience {
        match self {
            Self::Run => Audience::Service,
            Self::Inspect(_)
            | Self::Sources(_)
            | Self::Status(_)
            | Self::Files(_)
            | Self::Rejects(_)
            | Self::Show(_)
            | Self::Generate(_)
            | Self::Migrate(MigrateCommand::Status(_))
            | Self::Indexes(IndexesCommand::Status(_))
            | Self::Database(DatabaseCommand::Url) => Audience::Reader,
            Self::Once(_)
            | Self::Migrate(_)
            | Self::Indexes(_)
            | Self::Database(_)
            | Self::Retry(_)
            | Self::Remap(_)
            | Self::Check(_) => Audience::Operator,
        }
    }
}

/// Arguments of `once`.
#[derive(Debug, Args)]
pub struct OnceArguments {
    /// Print the summary as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Files to read: plain, gzip or zip
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the counts as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What `migrate` does.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply all pending migrations
    ///
    /// Safe to run in several processes at once: one applies them, the others wait.
    ///
    /// Example: fhirmill migrate up
    Up,
    /// Revert the newest migrations, and delete the data in their tables
    ///
    /// Example: fhirmill migrate down 2
    Down(MigrateDownArguments),
    /// List migrations and whether they are applied
    ///
    /// Example: fhirmill migrate status --json
    Status(JsonArguments),
}

/// Arguments of `migrate down`.
#[derive(Debug, Args)]
pub struct MigrateDownArguments {
    /// How many migrations to revert
    #[arg(value_name = "NUMBER", default_value_t = 1)]
    pub count: usize,
    /// Revert all migrations
    #[arg(long, conflicts_with = "count")]
    pub all: bool,
}

/// Arguments of commands that print a list.
#[derive(Debug, Args)]
pub struct JsonArguments {
    /// Print the list as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What `indexes` does.
#[derive(Debug, Subcommand)]
pub enum IndexesCommand {
    /// Build missing indexes
    ///
    /// Every run and every remap does this at its end, unless the tables are empty. If another process is
    /// building them, this one leaves it to that.
    ///
    /// Example: fhirmill indexes build
    Build,
    /// Drop all secondary indexes, before a very large load
    ///
    /// If a load brings more data than the tables hold, loading without indexes and building them at the end
    /// is faster.
    ///
    /// Example: fhirmill indexes drop && fhirmill once
    Drop,
    /// Show which indexes are built and which are missing
    ///
    /// Example: fhirmill indexes status
    Status(JsonArguments),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum DatabaseCommand {
    /// Start the private server, if it is not running
    ///
    /// The first start creates the cluster in DATA_DIR. If started by root, the server runs as another user,
    /// because Postgres refuses to run as root.
    ///
    /// Example: fhirmill database start
    Start,
    /// Stop the private server; its data are kept
    ///
    /// Example: fhirmill database stop
    Stop,
    /// Print the URL of the database, including the password
    ///
    /// Example: psql "$(fhirmill database url)"
    Url,
    /// Stop the private server and delete its cluster with all data
    ///
    /// Archived files are kept and can be loaded again. A database named by DATABASE_URL is never touched.
    ///
    /// Example: fhirmill database reset --yes
    Reset {
        /// Confirm that all data of the private server is to be deleted
        #[arg(long)]
        yes: bool,
    },
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Print the status as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Print only what is wrong; the exit code tells whether the service runs and its scans succeed
    #[arg(long, conflicts_with = "json")]
    pub health: bool,
}

/// Commands of `sources`.
#[derive(Debug, Subcommand)]
pub enum SourcesCommand {
    /// List all sources with their FHIR servers
    ///
    /// Example: fhirmill sources list
    List(JsonArguments),
    /// Show one source
    ///
    /// Example: fhirmill sources show st-marys
    Show(SourcesShowArguments),
    /// Set the name, the description or the FHIR servers of a source
    ///
    /// Absolute references to a source's own servers mean its resources. Most servers are learned from its
    /// files; those that are not can be set here. References that this makes clear are resolved at once.
    ///
    /// Example: fhirmill sources set st-marys --base-url https://ehr.example.com/R4/
    Set(SourcesSetArguments),
}

/// Arguments of `sources show`.
#[derive(Debug, Args)]
pub struct SourcesShowArguments {
    /// The source: the name of its folder in the inbox
    pub source: String,
    /// Print the source as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sources set`.
#[derive(Debug, Args)]
pub struct SourcesSetArguments {
    /// The source: the name of its folder in the inbox
    pub source: String,
    /// Its name, for people
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// What else there is to say of it
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The base URL of one of its FHIR servers; repeat it for several
    #[arg(long, value_name = "URL")]
    pub base_url: Vec<String>,
}

/// Arguments of `files`.
#[derive(Debug, Args)]
pub struct FilesArguments {
    /// Only files from this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// At most this many files
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// Print the files as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `rejects`.
#[derive(Debug, Args)]
pub struct RejectsArguments {
    /// Only rejects of the file with this number (`fhirmill files` shows it)
    #[arg(long, value_name = "NUMBER")]
    pub file: Option<i64>,
    /// At most this many rejects
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// Print the rejects as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub struct RetryArguments {
    /// Only rejects of the file with this number
    #[arg(long, value_name = "NUMBER")]
    pub file: Option<i64>,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The resource, as TYPE/ID
    #[arg(value_name = "TYPE/ID")]
    pub resource: String,
    /// Its source, if several sources have a resource with that id
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

/// Arguments of `remap`.
#[derive(Debug, Args)]
pub struct RemapArguments {
    /// Only resources of this type; may be given several times
    #[arg(long, value_name = "TYPE")]
    pub resource_type: Vec<String>,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Print the findings as one JSON document
    #[arg(long)]
    pub json: bool,
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_may_come_before_or_after_the_command() {
        for line in [["fhirmill", "--workers", "3", "once"], ["fhirmill", "once", "--workers", "3"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.settings.check().unwrap().workers.get(), 3);
        }
    }

    #[test]
    fn every_visible_command_has_an_example() {
        fn check(command: &clap::Command) {
            if command.is_hide_set() || command.get_name() == "help" {
                return;
            }
            if command.has_subcommands() {
                command.get_subcommands().for_each(check);
                return;
            }
            let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.contains("Example: "), "{} has no example", command.get_name());
        }
        check(&Cli::command());
    }
}
