//! The command line: every command, every flag, every exit code.
//!
//! Commands write their answer to standard output and everything else (log
//! lines, warnings, errors, progress) to standard error, so that an answer
//! can be piped. `--json` turns an answer into one JSON document.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::RawSettings;
use crate::logging::Audience;

const EXIT_CODES: &str = "\
Exit codes:
  0    done; everything that was read is loaded
  1    unexpected error
  2    wrong usage or wrong setting
  3    loaded, but some resources or files were rejected
  4    the database cannot be had
  5    the account does not add up, or a check failed
  130  interrupted before the work was done";

/// How a run ends, as a number that a script can branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Done; everything that was read is loaded.
    Success = 0,
    /// An error that has no number of its own.
    Unexpected = 1,
    /// A wrong flag, argument or setting; nothing was done.
    Usage = 2,
    /// The work is done, but some resources or files were rejected.
    Rejected = 3,
    /// No database: not reachable, no rights, no server to start.
    DatabaseUnavailable = 4,
    /// A reconciliation does not add up, or a check found something wrong.
    CheckFailed = 5,
    /// SIGINT or SIGTERM came before the work was done.
    Interrupted = 130,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// Turns FHIR R4 files into Postgres tables that people can read.
///
/// Files dropped into the inbox are parsed, their resources upserted into tables, and the files moved to an
/// archive. Without DATABASE_URL fhirmill runs its own private Postgres server.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub settings: RawSettings,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch the inbox and load what arrives, until stopped
    ///
    /// Looks at the inbox at start, at every time of SCHEDULE, and as soon as a file arrives (WATCH). Looks
    /// never overlap. SIGTERM and SIGINT finish or abandon the batch in hand and end within ten seconds;
    /// what was abandoned is taken again at the next start.
    ///
    /// Example: fhirmill run --schedule '*/5 * * * *'
    Run,
    /// Load all that is in the inbox, then end
    ///
    /// Ends with a summary of what was seen, inserted, updated, unchanged, stale, deleted, rejected and
    /// skipped, by resource type.
    ///
    /// Example: fhirmill once --inbox-dir ./delivery --workers 4
    Once(OnceArguments),
    /// Count what is in files, without a database
    ///
    /// Reads each file as a load would and prints its resources by type and its problems by place.
    ///
    /// Example: fhirmill inspect patients.ndjson bundles.zip
    Inspect(InspectArguments),
    /// Bring the database's tables up or down, or say where they stand
    #[command(subcommand)]
    Migrate(MigrateCommand),
    /// Start, stop or reset the private Postgres server, or say how to connect to it
    #[command(subcommand)]
    Database(DatabaseCommand),
    /// Build or drop the secondary indexes, or say where they stand
    #[command(subcommand)]
    Indexes(IndexesCommand),
    /// Say how the service is doing: last runs, files waiting, rejects, database
    ///
    /// Example: fhirmill status --json
    Status(StatusArguments),
    /// List the files that were taken, newest first, with their counts
    ///
    /// Example: fhirmill files --limit 20 --source st-marys
    Files(FilesArguments),
    /// List the resources and files that were rejected, each with its reason
    ///
    /// Example: fhirmill rejects --file 12
    Rejects(RejectsArguments),
    /// Take rejected resources again, after a fix
    ///
    /// Example: fhirmill retry --file 12
    Retry(RetryArguments),
    /// Print a resource's JSON as it was received
    ///
    /// Example: fhirmill show Patient/123
    Show(ShowArguments),
    /// Refill tables from the archived files, for example after a column was added
    ///
    /// Example: fhirmill remap --resource-type Patient
    Remap(RemapArguments),
    /// Prove that tables, keys and ledger agree
    ///
    /// Every child row has its parent, every key its row in the registry, and the ledger's counts are those
    /// of the tables. Ends with exit code 5 if anything does not hold.
    ///
    /// Example: fhirmill check --json
    Check(CheckArguments),
    /// Write files of invented patients, always the same for the same seed
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

#[derive(Debug, Args)]
pub struct InspectArguments {
    /// Files to read, plain, gzip or zip
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the counts as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply every migration that is not yet applied
    ///
    /// Several processes may do this at once; one works, the others wait for it.
    ///
    /// Example: fhirmill migrate up
    Up,
    /// Take back the newest migrations, with the data in their tables
    ///
    /// Example: fhirmill migrate down 2
    Down(MigrateDownArguments),
    /// List the migrations and say which are applied
    ///
    /// Example: fhirmill migrate status --json
    Status(JsonArguments),
}

#[derive(Debug, Args)]
pub struct MigrateDownArguments {
    /// How many migrations to take back
    #[arg(value_name = "NUMBER", default_value_t = 1)]
    pub count: usize,
    /// Take back all of them
    #[arg(long, conflicts_with = "count")]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct JsonArguments {
    /// Print the list as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub enum IndexesCommand {
    /// Build those that are missing
    ///
    /// Every run and every remap does so at its end, unless the tables are empty. While another process
    /// builds them, this one leaves them to it.
    ///
    /// Example: fhirmill indexes build
    Build,
    /// Drop them all, before a very large load
    ///
    /// Loading without them and building them at the end of the run takes less time than keeping them up,
    /// where a load brings more than the tables hold.
    ///
    /// Example: fhirmill indexes drop && fhirmill once
    Drop,
    /// Say how many stand and how many are missing
    ///
    /// Example: fhirmill indexes status
    Status(JsonArguments),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum DatabaseCommand {
    /// Start the private server, if it is not running
    ///
    /// The first start makes the cluster under DATA_DIR. Started by root, the server runs as another user,
    /// since Postgres refuses to run as root.
    ///
    /// Example: fhirmill database start
    Start,
    /// Stop the private server; its data stay
    ///
    /// Example: fhirmill database stop
    Stop,
    /// Print the URL at which the database can be reached, password included
    ///
    /// Example: psql "$(fhirmill database url)"
    Url,
    /// Stop the private server and delete its cluster with all data
    ///
    /// Archived files stay, and can be loaded again. A database named by DATABASE_URL is never touched.
    ///
    /// Example: fhirmill database reset --yes
    Reset {
        /// Confirm that all data of the private server is to be deleted
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
pub struct StatusArguments {
    /// Print the status as one JSON document
    #[arg(long)]
    pub json: bool,
    /// Print nothing and only tell by the exit code whether the service is healthy
    #[arg(long, conflicts_with = "json")]
    pub health: bool,
}

#[derive(Debug, Args)]
pub struct FilesArguments {
    /// Only files of this source
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// At most this many files
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    pub limit: u32,
    /// Print the files as one JSON document
    #[arg(long)]
    pub json: bool,
}

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

#[derive(Debug, Args)]
pub struct RetryArguments {
    /// Only rejects of the file with this number
    #[arg(long, value_name = "NUMBER")]
    pub file: Option<i64>,
}

#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The resource, as TYPE/ID
    #[arg(value_name = "TYPE/ID")]
    pub resource: String,
    /// The source it came from, where several sources have a resource of that id
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
}

#[derive(Debug, Args)]
pub struct RemapArguments {
    /// Only resources of this type; may be given several times
    #[arg(long, value_name = "TYPE")]
    pub resource_type: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Print the findings as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// How many patients
    #[arg(long, value_name = "NUMBER", default_value_t = 10)]
    pub patients: u64,
    /// Where the random numbers begin: the same seed gives the same files, byte by byte
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
    /// The folder to write to; made if it is not there
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// The shape of the files
    #[arg(long, value_enum, default_value_t = GenerateFormat::Bundles)]
    pub format: GenerateFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GenerateFormat {
    /// One transaction Bundle for each patient
    Bundles,
    /// Bulk export: one NDJSON file for each resource type
    Ndjson,
    /// All patients in one Bundle
    Bundle,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_declaration_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [["fhirmill", "--workers", "3", "once"], ["fhirmill", "once", "--workers", "3"]] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.settings.check().unwrap().workers.get(), 3);
        }
    }

    #[test]
    fn every_visible_command_tells_an_example_or_has_subcommands_that_do() {
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
