//! The account: the operating system's user that the server runs as.
//!
//! Postgres refuses to run as root. When root starts it, the server and its tools
//! run as `postgres` if that user exists, or as `nobody`; an existing cluster runs
//! as its owner. Any other user runs it as themselves.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use crate::database::error::DatabaseError;

/// Users to run the server as when root starts it, in order of preference.
const SERVER_USERS: [&str; 2] = ["postgres", "nobody"];

/// The user that runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Set if the server runs as another user than this process.
    other: Option<(Uid, Gid)>,
}

impl Account {
    /// The user of this process.
    pub fn own() -> Self {
        Self { other: None }
    }

    /// The user for a cluster in this folder, which may not exist yet.
    pub fn for_cluster(cluster: &Path) -> Result<Self, DatabaseError> {
        if !Uid::effective().is_root() {
            return Ok(Self::own());
        }
        if let Ok(metadata) = fs::metadata(cluster)
            && metadata.uid() != 0
        {
            let owner = (Uid::from_raw(metadata.uid()), Gid::from_raw(metadata.gid()));
            return Ok(Self { other: Some(owner) });
        }
        for name in SERVER_USERS {
            if let Ok(Some(user)) = User::from_name(name) {
                return Ok(Self { other: Some((user.uid, user.gid)) });
            }
        }
        Err(DatabaseError::NoAccount)
    }

    /// Makes the command run as this account.
    pub fn run_as<'command>(&self, command: &'command mut Command) -> &'command mut Command {
        if let Some((uid, gid)) = self.other {
            command.uid(uid.as_raw()).gid(gid.as_raw());
        }
        command
    }

    /// Makes this account the owner of a file or folder.
    pub fn own_path(&self, path: &Path) -> io::Result<()> {
        match self.other {
            Some((uid, gid)) => std::os::unix::fs::chown(path, Some(uid.as_raw()), Some(gid.as_raw())),
            None => Ok(()),
        }
    }

    /// Whether this account can enter the folder. It must be able to enter every
    /// folder above it too, so this tries.
    pub fn can_enter(&self, folder: &Path) -> bool {
        if self.other.is_none() {
            return true;
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-c", ":"]).current_dir(folder).stdin(Stdio::null());
        self.run_as(&mut command).status().is_ok_and(|status| status.success())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn root_hands_the_server_to_another_user_and_others_keep_it() {
        let folder = tempfile::tempdir().unwrap();
        let account = Account::for_cluster(&folder.path().join("cluster")).unwrap();
        assert_eq!(account.other.is_some(), Uid::effective().is_root());
    }

    #[test]
    fn a_folder_closed_to_the_account_is_noticed() {
        if !Uid::effective().is_root() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let account = Account::for_cluster(folder.path().join("cluster").as_path()).unwrap();
        assert!(!account.can_enter(folder.path()));
        assert!(account.can_enter(Path::new("/")));
        assert!(Account::own().can_enter(folder.path()));
    }
}
