//! The home: the folder of a private server.
//!
//! ```text
//! DATA_DIR/
//!   postgres.lock       held while a process starts, stops or resets the server
//!   postgres.location   path of the home, where it is not DATA_DIR/postgres
//!   postgres/           the home, accessible to the server's account only
//!     cluster/          Postgres' own data directory
//!     password          of the user fhirmill, randomly generated
//!     port              on 127.0.0.1, chosen once
//!     server.log
//!     .s.PGSQL.<port>   the server's socket
//! ```
//!
//! If root starts the server and DATA_DIR is in a folder that the server's account
//! cannot enter (such as a checkout in /root), the home is in /var/lib/fhirmill
//! instead, under a name derived from DATA_DIR's path. Once created, a home stays
//! where it is.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;
use sha2::{Digest, Sha256};
use tracing::warn;
use uuid::Uuid;

use super::account::Account;
use crate::database::error::DatabaseError;

const FALLBACK_PARENT: &str = "/var/lib/fhirmill";

/// A private server's folder and the account it belongs to.
#[derive(Debug, Clone)]
pub struct Home {
    data_dir: PathBuf,
    pub path: PathBuf,
    pub account: Account,
}

impl Home {
    /// The home that belongs to DATA_DIR. Creates nothing.
    pub fn of(data_dir: &Path) -> Result<Self, DatabaseError> {
        let data_dir = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
        let location = data_dir.join("postgres.location");
        let path = match fs::read_to_string(&location) {
            Ok(text) => PathBuf::from(text.trim()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => data_dir.join("postgres"),
            Err(source) => return Err(failure("read", &location)(source)),
        };
        let account = Account::for_cluster(&path.join("cluster"))?;
        Ok(Self { data_dir, path, account })
    }

    pub fn cluster(&self) -> PathBuf {
        self.path.join("cluster")
    }

    pub fn log(&self) -> PathBuf {
        self.path.join("server.log")
    }

    pub fn has_cluster(&self) -> bool {
        self.cluster().join("PG_VERSION").exists()
    }

    /// Creates DATA_DIR and takes its lock, so that no two processes start, stop or
    /// reset the server at the same time. Dropping the file releases the lock.
    pub fn lock(&self) -> Result<File, DatabaseError> {
        fs::create_dir_all(&self.data_dir).map_err(failure("create", &self.data_dir))?;
        let path = self.data_dir.join("postgres.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(failure("open", &path))?;
        file.lock().map_err(failure("lock", &path))?;
        Ok(file)
    }

    /// Creates the folder, in DATA_DIR or where the account can enter it. The caller
    /// holds the lock, so DATA_DIR exists.
    pub fn make(&mut self) -> Result<(), DatabaseError> {
        self.data_dir = fs::canonicalize(&self.data_dir).map_err(failure("enter", &self.data_dir))?;
        if !self.path.exists() && !self.account.can_enter(&self.data_dir) {
            self.path = fallback(&self.data_dir);
            let parent = Path::new(FALLBACK_PARENT);
            fs::create_dir_all(parent).map_err(failure("create", parent))?;
            let location = self.data_dir.join("postgres.location");
            fs::write(&location, format!("{}\n", self.path.display()))
                .map_err(failure("write", &location))?;
            warn!(
                "the server's user cannot enter {}; the private server keeps its cluster in {}",
                self.data_dir.display(),
                self.path.display()
            );
        }
        match fs::DirBuilder::new().mode(0o700).create(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(failure("create", &self.path)(source)),
        }
        self.account.own_path(&self.path).map_err(failure("give to the server's user", &self.path))?;
        self.close_to_others()
    }

    /// Takes all rights on an existing folder away from other users, if this
    /// process may: it holds the password, and somebody may have created it with
    /// wider permissions.
    pub fn close_to_others(&self) -> Result<(), DatabaseError> {
        let Ok(metadata) = fs::metadata(&self.path) else { return Ok(()) };
        let user = Uid::effective();
        let is_ours = user.is_root() || metadata.uid() == user.as_raw();
        if !is_ours || metadata.mode() & 0o077 == 0 {
            return Ok(());
        }
        fs::set_permissions(&self.path, Permissions::from_mode(0o700))
            .map_err(failure("close to other users", &self.path))
    }

    /// Deletes the folder with all data. The caller holds the lock.
    pub fn delete(&self) -> Result<(), DatabaseError> {
        if self.path.exists() {
            fs::remove_dir_all(&self.path).map_err(failure("delete", &self.path))?;
        }
        let location = self.data_dir.join("postgres.location");
        if location.exists() {
            fs::remove_file(&location).map_err(failure("delete", &location))?;
        }
        Ok(())
    }

    pub fn password(&self) -> Result<String, DatabaseError> {
        let path = self.password_file();
        let text = fs::read_to_string(&path).map_err(failure("read", &path))?;
        Ok(text.trim().to_owned())
    }

    pub fn password_file(&self) -> PathBuf {
        self.path.join("password")
    }

    /// Generates a new password: 244 random bits, without characters that a URL
    /// would have to encode.
    pub fn make_password(&self) -> Result<(), DatabaseError> {
        let password = format!("{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        self.write("password", &password)
    }

    pub fn port(&self) -> Option<u16> {
        fs::read_to_string(self.path.join("port")).ok()?.trim().parse().ok()
    }

    pub fn remember_port(&self, port: u16) -> Result<(), DatabaseError> {
        self.write("port", &format!("{port}\n"))
    }

    /// Writes a file that only the account can read. The old one stays until the new
    /// one is complete.
    pub fn write(&self, name: &str, text: &str) -> Result<(), DatabaseError> {
        let path = self.path.join(name);
        let new_path = self.path.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file =
                OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&new_path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            self.account.own_path(&new_path)?;
            fs::rename(&new_path, &path)
        };
        write().map_err(failure("write", &path))
    }
}

fn fallback(data_dir: &Path) -> PathBuf {
    let hash = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    let mut name = String::new();
    for byte in &hash[..8] {
        name.push_str(&format!("{byte:02x}"));
    }
    Path::new(FALLBACK_PARENT).join(name)
}

/// The error of an action on a path.
pub fn failure(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DatabaseError {
    let path = path.to_owned();
    move |source| DatabaseError::Io { action, path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_random_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("postgres")).unwrap();
        let home = Home {
            data_dir: folder.path().into(),
            path: folder.path().join("postgres"),
            account: Account::own(),
        };
        home.make_password().unwrap();
        let first = home.password().unwrap();
        home.make_password().unwrap();
        assert_ne!(first, home.password().unwrap());
        assert_eq!(first.len(), 64);
        assert_eq!(fs::metadata(home.password_file()).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn an_existing_folder_is_closed_to_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("postgres");
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let home = Home { data_dir: folder.path().into(), path, account: Account::own() };
        home.close_to_others().unwrap();
        assert_eq!(fs::metadata(&home.path).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn the_fallback_is_named_by_the_path_of_the_data() {
        let one = fallback(Path::new("/root/mill/data"));
        assert_eq!(one, fallback(Path::new("/root/mill/data")));
        assert_ne!(one, fallback(Path::new("/root/other/data")));
        assert_eq!(one.parent(), Some(Path::new(FALLBACK_PARENT)));
    }
}
