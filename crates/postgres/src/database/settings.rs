//! What opening a database needs to know.

use std::path::PathBuf;

use super::url::DatabaseUrl;

/// Which server to use, and what a private one needs.
#[derive(Clone, Debug)]
pub struct DatabaseSettings {
    /// The server to fill; `None` for the private one under `data_dir`.
    pub url: Option<DatabaseUrl>,
    /// The folder of the private server's data.
    pub data_dir: PathBuf,
    /// The folder of the private server's binaries; `None` to search for them.
    pub server_binaries_dir: Option<PathBuf>,
    /// The number of sessions that write at the same time.
    pub workers: usize,
    /// Tells a person, in one line, what takes a while: making the private server.
    pub tell: fn(&str),
}
