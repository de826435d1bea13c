//! Arguments of the commands that manage the database and what is known of it:
//! `migrate`, `indexes`, `database` and `sources`.

use clap::{Args, Subcommand};

use super::JsonArguments;

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

/// What `indexes` does.
#[derive(Debug, Subcommand)]
pub enum IndexesCommand {
    /// Build missing indexes, and primary keys that a first load has not made yet
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
