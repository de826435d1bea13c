//! The *spool*: the hidden folder of the inbox that holds the bytes of unfinished
//! uploads. It is inside the inbox because only then it is certainly on the same file
//! system, and scans ignore what is hidden.
//!
//! A file is named after its upload: `ID` holds the parts that are in their place,
//! `ID.N.x` one that is not, and `ID.whole` a file that is being put together.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use tracing::warn;
use uuid::Uuid;

use super::UploadError;

const FOLDER: &str = ".fhirmill-uploads";

/// The folder of unfinished uploads.
#[derive(Debug)]
pub struct Spool {
    inbox: PathBuf,
    folder: PathBuf,
}

impl Spool {
    /// Opens the spool of an inbox; creates it if it is missing.
    pub fn open(inbox: &Path) -> io::Result<Self> {
        let folder = inbox.join(FOLDER);
        fs::create_dir_all(&folder)?;
        Ok(Spool { inbox: inbox.to_owned(), folder })
    }

    /// The folder that complete files enter.
    pub fn inbox(&self) -> &Path {
        &self.inbox
    }

    /// The file of the parts that are in their place.
    pub fn data(&self, id: Uuid) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// The file that is put together from parts that are not.
    pub fn whole(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{id}.whole"))
    }

    /// A file of the spool by its name.
    pub fn named(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Opens the file of the parts that are in their place.
    pub fn open_data(&self, id: Uuid) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o640).open(self.data(id))
    }

    /// Creates a file for one part; returns its name, too.
    pub fn create_part(&self, id: Uuid, number: i32) -> io::Result<(String, File)> {
        let name = format!("{id}.{number}.{}", Uuid::new_v4().simple());
        let file =
            OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(self.named(&name))?;
        Ok((name, file))
    }

    /// Flushes the names of the spool to disk.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// Removes everything of an upload.
    pub fn remove(&self, id: Uuid) {
        for path in self.files_of(id) {
            if let Err(error) = fs::remove_file(&path)
                && error.kind() != ErrorKind::NotFound
            {
                warn!("{} cannot be removed: {error}", path.display());
            }
        }
    }

    fn files_of(&self, id: Uuid) -> Vec<PathBuf> {
        let id = id.to_string();
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_of_upload = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(&id);
        entries.filter(is_of_upload).map(|entry| entry.path()).collect()
    }

    /// The uploads that have files.
    pub fn ids(&self) -> io::Result<BTreeSet<Uuid>> {
        let mut ids = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let id = name.to_string_lossy();
            ids.extend(id.split('.').next().and_then(|id| Uuid::try_parse(id).ok()));
        }
        Ok(ids)
    }

    /// Refuses bytes for which there is no space on disk.
    pub fn check_space(&self, bytes: u64) -> Result<(), UploadError> {
        let statistics = rustix::fs::statvfs(&self.folder).map_err(io::Error::from)?;
        let free = statistics.f_bavail.saturating_mul(statistics.f_frsize);
        if bytes > free { Err(UploadError::DiskFull) } else { Ok(()) }
    }
}

/// Locks a range of a file, or all of it if `length` is 0, until the file is closed.
/// False if another open file has locked some of it, in this process or another.
pub fn lock(file: &File, start: u64, length: u64) -> io::Result<bool> {
    let range = libc::flock {
        l_type: libc::F_WRLCK as i16,
        l_whence: libc::SEEK_SET as i16,
        l_start: start.cast_signed(),
        l_len: length.cast_signed(),
        l_pid: 0,
    };
    #[cfg(target_os = "linux")]
    let command = FcntlArg::F_OFD_SETLK(&range);
    #[cfg(not(target_os = "linux"))]
    let command = FcntlArg::F_SETLK(&range);
    match fcntl(file, command) {
        Ok(_) => Ok(true),
        Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
