//! Arguments of `backup` and `restore`.

use clap::Args;

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArguments {
    /// The folder that holds the backups, or s3://BUCKET/PREFIX, az://… or gs://…
    #[arg(long, value_name = "TARGET")]
    pub to: String,
    /// Afterwards keep so many backups, and the files that belong to them
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000), conflicts_with_all = ["list", "verify"])]
    pub keep: Option<u32>,
    /// List the backups instead, newest first
    #[arg(long)]
    pub list: bool,
    /// Read a backup instead, and prove that all of it is as it was written
    #[arg(long, conflicts_with = "list")]
    pub verify: bool,
    /// The name of the backup to verify; without it, the newest
    #[arg(long, value_name = "NAME", requires = "verify")]
    pub name: Option<String>,
    /// Print the answer as one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArguments {
    /// The folder that holds the backups, or s3://BUCKET/PREFIX, az://… or gs://…
    #[arg(long, value_name = "TARGET")]
    pub from: String,
    /// The name of the backup; without it, the newest
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Delete everything that is in the database
    #[arg(long)]
    pub overwrite: bool,
    /// Create no roles, and give no rights but those that every start gives
    #[arg(long)]
    pub without_roles: bool,
    /// Print what was restored as one JSON document
    #[arg(long)]
    pub json: bool,
}
