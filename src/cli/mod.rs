//! The command line: all commands, flags and exit codes.
//!
//! A command writes its result to standard output and everything else (log
//! lines, warnings, errors, progress) to standard error, so that the result can
//! be piped. With `--json` the result is one JSON document.

mod absent;
mod administration;
mod archive;
mod backup;
#[cfg(feature = "lake")]
mod convert;
mod erase;
mod exit_code;
#[cfg(feature = "feeds")]
mod feeds;
#[cfg(feature = "feeds")]
mod forward;
mod generate;
mod help;
mod listing;
#[cfg(feature = "manual")]
pub(crate) mod manual;
mod moment;
mod rejects;
#[cfg(feature = "server")]
mod senders;
#[cfg(feature = "lake")]
mod snapshot;
mod undo;
#[cfg(feature = "server")]
mod users;
mod views;

use std::path::PathBuf;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::config::RawSettings;
use crate::logging::Audience;
pub use rejects::{DismissArguments, RejectsArguments, RejectsCommand};

pub use administration::{
    DatabaseCommand, IndexesCommand, MigrateCommand, MigrateDownArguments, SourcesCommand,
    SourcesSetArguments, SourcesShowArguments,
};
pub use archive::{ArchiveCommand, CompressArguments, PruneArguments};
pub use backup::{BackupArguments, RestoreArguments};
#[cfg(feature = "lake")]
pub use convert::{ConvertArguments, ConvertFormat};
pub use erase::EraseArguments;
pub use exit_code::ExitCode;
#[cfg(feature = "feeds")]
pub use feeds::{ExportArguments, FeedArguments, FeedsCommand, FeedsResetArguments, FeedsRunArguments};
#[cfg(feature = "feeds")]
pub use forward::{ForwardArguments, ForwardCommand, ForwardForgetArguments};
pub use generate::{GenerateArguments, GenerateFormat};
pub use listing::{FilesArguments, RunsArguments};
#[cfg(feature = "manual")]
pub use manual::{CompletionsArguments, ManArguments};
pub use moment::{InvalidMoment, Moment};
#[cfg(feature = "server")]
pub use senders::{SendersAddArguments, SendersCommand, SendersRotateArguments};
#[cfg(feature = "lake")]
pub use snapshot::{SnapshotArguments, SnapshotCommand, SnapshotRunArguments, SnapshotTakeArguments};
pub use undo::UndoArguments;
#[cfg(feature = "server")]
pub use users::{UsersAddArguments, UsersCommand, UsersPasswdArguments};
pub use views::{
    ViewFormat, ViewsApplyArguments, ViewsCheckArguments, ViewsCommand, ViewsDropArguments, ViewsRunArguments,
};

/// Turns FHIR R4 files into Postgres tables that people can read.
///
/// Files dropped into the inbox are parsed, their resources are upserted into tables, and the files are moved
/// to an archive. Without DATABASE_URL, fhirmill runs its own private Postgres server.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub struct Cli {
    /// What was set by flags and the environment.
    #[command(flatten)]
    pub settings: RawSettings,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// What was typed. Ends the process with a message if it is no command, or if help
    /// was asked for.
    pub fn read() -> Self {
        let matches =
            help::declaration().try_get_matches().unwrap_or_else(|error| absent::report(error).exit());
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
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
    /// Turn files into tables as files, Parquet above all, without a database
    ///
    /// Reads files as a load would, and writes a folder for each table, with the rows of the latest version of
    /// each resource, sorted by patient. Keys are UUIDs that are the same whenever the same resource of the same
    /// source is converted. Tables about files, resources and rejects are written, too. manifest.json comes
    /// last: a folder without it is no whole conversion.
    ///
    /// Example: fhirmill convert export.zip --to lake --source st-marys
    #[cfg(feature = "lake")]
    Convert(Box<ConvertArguments>),
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
    /// List runs, newest first, or show one with its files
    ///
    /// Example: fhirmill runs 12
    Runs(RunsArguments),
    /// List loaded and rejected files, newest first, with their counts
    ///
    /// Example: fhirmill files --status failed --since yesterday --source st-marys
    Files(FilesArguments),
    /// List rejected resources and files, each with the reason, or dismiss them
    ///
    /// Lists those that are open. A reject resolves when a mended record of the same resource has loaded.
    ///
    /// Example: fhirmill rejects --file 12
    Rejects(RejectsArguments),
    /// List, show or set the sources: names, FHIR servers, descriptions
    #[command(subcommand)]
    Sources(SourcesCommand),
    /// Add, list, rotate or disable the systems that may push data over HTTP
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Senders(SendersCommand),
    /// Add, list or disable the people who may sign in to the operator's page, or give them passwords
    #[cfg(feature = "server")]
    #[command(subcommand)]
    Users(UsersCommand),
    /// List, run, pause, resume, reset or test the feeds that fetch data from elsewhere
    #[cfg(feature = "feeds")]
    #[command(subcommand)]
    Feeds(FeedsCommand),
    /// Send resources to other FHIR servers, and show how far that is
    #[cfg(feature = "feeds")]
    #[command(subcommand)]
    Forward(ForwardCommand),
    /// Fetch a bulk export of a FHIR server, and load it
    ///
    /// Asks the server for an export ($export of FHIR Bulk Data), waits until it is finished, fetches its files into
    /// the inbox and loads the inbox. If it is stopped or killed, the same command goes on with the same export.
    ///
    /// Example: fhirmill export https://fhir.example.org/r4 --source st-marys --types Patient,Encounter
    #[cfg(feature = "feeds")]
    Export(Box<ExportArguments>),
    /// Write a picture of all tables and views as Parquet files, or list those that were written
    ///
    /// The files are in a folder of their own, which is named after the time of the picture and appears when it
    /// is whole; `latest` names the newest. Tables that have not changed since the snapshot before share its
    /// files. [[snapshot]] in fhirmill.toml has them taken by schedule.
    ///
    /// Example: fhirmill snapshot --to /lake --keep 7
    #[cfg(feature = "lake")]
    Snapshot(Box<SnapshotArguments>),
    /// Load rejected resources again, after a fix
    ///
    /// Example: fhirmill retry --file 12
    Retry(RetryArguments),
    /// Take back everything that a file or a run brought, or bring it back
    ///
    /// Resources that only the file brought go; others return to what the other files say, which are read again
    /// from the archive. What came later stays. All of it is one transaction for each source, in which nobody
    /// else loads files; if the archive lacks a file that is needed, nothing is changed. Both print what changed,
    /// and --dry-run what would.
    ///
    /// Example: fhirmill undo --file 12 --dry-run
    Undo(UndoArguments),
    /// Erase a person: from the tables, the ledger and the archived files
    ///
    /// Everything that belongs to the patient goes, every version and delivery of it, with former names, rejected
    /// records, and the rows of applied views. Archived files are written again without the person's records; the
    /// places of all others stay. Patients that are linked with this one (Patient.link) are the same person.
    /// It cannot be undone. Snapshots, copies elsewhere and backups are not changed; snapshots are listed.
    ///
    /// Example: fhirmill erase Patient/123 --source st-marys --dry-run
    Erase(EraseArguments),
    /// Make or refresh the tables without what identifies people, in schema deidentified
    ///
    /// The schema shows what HIPAA's Safe Harbor lets through, by a rule for each column, to members of the role
    /// researcher, who can read nothing else. DEIDENTIFIED says whether it has views or tables; of tables, only
    /// those are made again that were made from others that have changed since.
    ///
    /// Example: fhirmill deidentify
    Deidentify(DeidentifyArguments),
    /// Back up the database and the files of the archive, or list and verify backups
    ///
    /// The database as it is at one time, by pg_dump, and every archived and rejected file that it names; files
    /// that an earlier backup in the same place has are not copied again. Loads may go on meanwhile. A backup
    /// has the passwords' hashes, the tokens and all patient data: keep it as safe as the database.
    ///
    /// Example: fhirmill backup --to /backups/fhirmill --keep 14
    Backup(BackupArguments),
    /// Restore a backup into an empty database and archive
    ///
    /// The files, the roles and their rights, and the database; then pending migrations are applied. A restore
    /// that was broken off leaves a database that every other command refuses; the same command begins anew.
    ///
    /// Example: fhirmill restore --from /backups/fhirmill
    Restore(RestoreArguments),
    /// Print the JSON of a resource as it was received
    ///
    /// Example: fhirmill show Patient/123
    Show(ShowArguments),
    /// Rebuild table rows from the archived files, for example after a column was added
    ///
    /// Example: fhirmill remap --resource-type Patient
    Remap(RemapArguments),
    /// Check that tables, keys and ledger are consistent, and the archive with --archive
    ///
    /// Every child row has its parent, every key is in the registry, and the counts in the ledger match the
    /// tables. Exits with code 5 if a rule is violated.
    ///
    /// Example: fhirmill check --json
    Check(CheckArguments),
    /// Compress the files of the archive
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Remove what was kept for long enough: archived and rejected files, old rows of the ledger
    ///
    /// ARCHIVE_KEEP, REJECTS_KEEP, LEDGER_KEEP, AUDIT_RETENTION and UPLOAD_RETENTION say how long. A service does
    /// the same once a day. It may be stopped at any time; the next time goes on.
    ///
    /// Example: fhirmill prune --dry-run
    Prune(PruneArguments),
    /// Generate files of synthetic patients
    ///
    /// Example: fhirmill generate --patients 100 --seed 7 --out inbox/demo --format bundles
    Generate(GenerateArguments),
    /// Print completions for a shell
    ///
    /// Example: fhirmill completions bash > /usr/share/bash-completion/completions/fhirmill
    #[cfg(feature = "manual")]
    Completions(CompletionsArguments),
    /// Write man pages
    ///
    /// Example: fhirmill man --to /usr/share/man/man1
    #[cfg(feature = "manual")]
    Man(ManArguments),
    /// Check, run, apply, list or drop tables that you declare: ViewDefinitions of SQL on FHIR
    #[command(subcommand)]
    Views(ViewsCommand),
}

impl Command {
    /// Who reads the command's log lines.
    pub fn audience(&self) -> Audience {
        match self {
            Self::Run => Audience::Service,
            Self::Inspect(_)
            | Self::Sources(_)
            | Self::Status(_)
            | Self::Runs(_)
            | Self::Files(_)
            | Self::Rejects(_)
            | Self::Show(_)
            | Self::Generate(_)
            | Self::Views(ViewsCommand::Check(_) | ViewsCommand::Run(_) | ViewsCommand::List(_))
            | Self::Migrate(MigrateCommand::Status(_))
            | Self::Indexes(IndexesCommand::Status(_))
            | Self::Database(DatabaseCommand::Url) => Audience::Reader,
            Self::Once(_)
            | Self::Migrate(_)
            | Self::Indexes(_)
            | Self::Database(_)
            | Self::Retry(_)
            | Self::Undo(_)
            | Self::Erase(_)
            | Self::Deidentify(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Remap(_)
            | Self::Views(_)
            | Self::Archive(_)
            | Self::Prune(_)
            | Self::Check(_) => Audience::Operator,
            #[cfg(feature = "server")]
            Self::Senders(SendersCommand::List(_)) | Self::Users(UsersCommand::List(_)) => Audience::Reader,
            #[cfg(feature = "server")]
            Self::Senders(_) | Self::Users(_) => Audience::Operator,
            #[cfg(feature = "feeds")]
            Self::Feeds(FeedsCommand::List(_) | FeedsCommand::Test(_)) => Audience::Reader,
            #[cfg(feature = "feeds")]
            Self::Forward(ForwardCommand::Status(_)) => Audience::Reader,
            #[cfg(feature = "feeds")]
            Self::Forward(ForwardCommand::Run(_)) => Audience::Service,
            #[cfg(feature = "lake")]
            Self::Snapshot(arguments) => match arguments.command {
                Some(SnapshotCommand::List(_)) => Audience::Reader,
                _ => Audience::Operator,
            },
            #[cfg(feature = "feeds")]
            Self::Feeds(_) | Self::Export(_) | Self::Forward(_) => Audience::Operator,
            #[cfg(feature = "lake")]
            Self::Convert(_) => Audience::Reader,
            #[cfg(feature = "manual")]
            Self::Completions(_) | Self::Man(_) => Audience::Reader,
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

/// Arguments of commands that print a list.
#[derive(Debug, Args)]
pub struct JsonArguments {
    /// Print the list as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `deidentify`.
#[derive(Debug, Args)]
pub struct DeidentifyArguments {
    /// Print what was made as one JSON document
    #[arg(long)]
    pub json: bool,
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

/// Arguments of `retry`.
#[derive(Debug, Args)]
pub struct RetryArguments {
    /// Only rejects of the file with this number
    #[arg(long, value_name = "NUMBER")]
    pub file: Option<i64>,
    /// Print the summary as one JSON document
    #[arg(long)]
    pub json: bool,
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
    /// Print one JSON document: the resource, its source, and the file and the run that brought it
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `remap`.
#[derive(Debug, Args)]
pub struct RemapArguments {
    /// Only resources of this type; may be given several times
    #[arg(long, value_name = "TYPE")]
    pub resource_type: Vec<String>,
    /// Print the counts as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// Read the whole archive, too, and prove that every resource is where the ledger says
    #[arg(long)]
    pub archive: bool,
    /// Print the findings as one JSON document
    #[arg(long)]
    pub json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_valid() {
        help::declaration().debug_assert();
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
        check(&help::declaration());
    }
}
