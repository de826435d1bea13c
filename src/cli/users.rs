//! Arguments of `users`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::JsonArguments;

/// Commands of `users`.
#[derive(Debug, Subcommand)]
pub enum UsersCommand {
    /// Add a user of the operator's page
    ///
    /// The password is asked for, or read from standard input or a file; it is never an argument, which other
    /// users of the machine could see. An operator may read raw records, retry and dismiss; a viewer looks.
    ///
    /// Example: fhirmill users add anna --role operator
    Add(UsersAddArguments),
    /// Give a user another password, also one who is locked out or disabled
    ///
    /// The user's sessions end.
    ///
    /// Example: fhirmill users passwd anna --password-file new-password
    Passwd(UsersPasswdArguments),
    /// List all users
    ///
    /// Example: fhirmill users list
    List(JsonArguments),
    /// Disable a user and end the user's sessions; passwd enables the user again
    ///
    /// Example: fhirmill users disable anna
    Disable {
        /// The name of the user
        name: String,
    },
}

/// Arguments of `users add`.
#[derive(Debug, Args)]
pub struct UsersAddArguments {
    /// The name of the user: letters, digits, hyphens, underscores, dots, @
    pub name: String,
    /// What the user may do
    #[arg(long, value_name = "ROLE", value_parser = ["operator", "viewer"])]
    pub role: String,
    /// A file with the password in its first line; otherwise it is asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}

/// Arguments of `users passwd`.
#[derive(Debug, Args)]
pub struct UsersPasswdArguments {
    /// The name of the user
    pub name: String,
    /// A file with the password in its first line; otherwise it is asked for, or read from standard input
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
}
