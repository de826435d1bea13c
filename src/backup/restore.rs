//! *Restores* a backup: files, roles, database, and the migrations since.
//!
//! Until it is whole, the database is marked, and every command refuses it but another restore,
//! which begins anew. Files that are restored are only added.

use std::io;
use std::path::{Path, PathBuf};

use fhirmill_postgres::backup::{Former, RESTORE_APPLICATION, RestoredRoles, Restoring, Roles, row_counts};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::tools::ClientTool;
use fhirmill_postgres::database::{Database, Wait, server_encoding};
use fhirmill_postgres::failpoint::{RestoreStep, passed};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::dump::hash;
use super::entry::hexadecimal;
use super::error::BackupError;
use super::list::manifest;
use super::manifest::{DATABASE, FORMAT_VERSION, Manifest, ROLES};
use super::remove::names;
use super::restore_files::restore_files;
use super::target::{self, Target};
use super::tool;
use crate::config::{Settings, SnapshotTarget};
use crate::report::{RunProgress, Unit};

/// A restore.
#[derive(Clone, Copy)]
pub struct RestoreJob<'j> {
    /// All settings.
    pub settings: &'j Settings,
    /// Where backups are.
    pub from: &'j SnapshotTarget,
    /// The name of one; none for the newest.
    pub name: Option<&'j str>,
    /// Whether everything that is in the database may be deleted.
    pub may_overwrite: bool,
    /// Whether roles and rights are left out.
    pub without_roles: bool,
    /// Cancelled when the program ends.
    pub cancel: &'j CancellationToken,
    /// Told how far it is.
    pub progress: &'j RunProgress,
}

/// A backup that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What was in it.
    pub manifest: Manifest,
    /// How many files were restored.
    pub files: u64,
    /// Their bytes.
    pub file_bytes: u64,
    /// Roles that were created.
    pub roles: Vec<String>,
    /// Migrations that were applied.
    pub migrations: Vec<String>,
    /// What somebody has to do.
    pub warnings: Vec<String>,
}

/// Restores a backup into an empty database.
///
/// # Errors
/// The database is not empty, the backup is damaged or of a newer version, a tool is missing, or the
/// database, the target or a folder failed.
pub fn restore(job: &RestoreJob<'_>) -> Result<Restored, BackupError> {
    let place = job.from.to_string();
    let target = target::open(job.from, job.settings).map_err(BackupError::target(&place))?;
    let target = target.as_ref();
    let manifest = chosen(target, job.name, &place)?;
    let usable = Usable::of(&manifest)?;
    let roles: Roles = read_roles(target, &manifest)?;
    let database = Database::open(&job.settings.database(), Wait::No)?;
    usable.fits(&database)?;
    let version = database.version.max(manifest.dump_version);
    let tool = ClientTool::find("pg_restore", job.settings.server_binaries_dir.as_deref(), version)?;
    let dump = LocalDump::fetch(target, &manifest, job)?;
    let restoring = Restoring::begin(database.connect()?, &database.url().database, job.may_overwrite)?;
    passed(RestoreStep::Marked);
    let restored = (Filling { job, database: &database, manifest: &manifest, roles: &roles, tool: &tool })
        .fill(restoring, (target, &dump));
    job.progress.end();
    restored
}

/// The backup of that name, or the newest.
pub fn chosen(target: &dyn Target, name: Option<&str>, place: &str) -> Result<Manifest, BackupError> {
    let names = names(target).map_err(BackupError::target(place))?;
    let unknown = |what: String| BackupError::Unknown { what, target: place.to_owned() };
    let name = match name {
        Some(name) => {
            names.iter().find(|known| *known == name).ok_or_else(|| unknown(format!("backup {name}")))?
        }
        None => names.last().ok_or_else(|| unknown("backup".to_owned()))?,
    };
    manifest(target, name).map_err(BackupError::target(place))
}

fn read_roles(target: &dyn Target, manifest: &Manifest) -> Result<Roles, BackupError> {
    let path = format!("{}/{ROLES}", Manifest::folder(&manifest.name));
    let read =
        || -> io::Result<Roles> { Ok(serde_json::from_reader(io::BufReader::new(target.read(&path)?))?) };
    read().map_err(BackupError::target(&path))
}

/// A backup that this version of fhirmill can restore.
struct Usable<'u>(&'u Manifest);

impl<'u> Usable<'u> {
    fn of(manifest: &'u Manifest) -> Result<Self, BackupError> {
        let unusable = |problem: String| BackupError::Unusable { name: manifest.name.clone(), problem };
        if manifest.format_version > FORMAT_VERSION || manifest.schema_version > migrations::newest() {
            let version = &manifest.program_version;
            return Err(unusable(format!(
                "a newer version of fhirmill, {version}, took it: restore it with that version or a later one"
            )));
        }
        Ok(Usable(manifest))
    }

    fn fits(&self, database: &Database) -> Result<(), BackupError> {
        let Manifest { name, server_version, encoding, .. } = self.0;
        let unusable = |problem: String| BackupError::Unusable { name: name.clone(), problem };
        if database.version < *server_version {
            let version = database.version;
            return Err(unusable(format!(
                "it is of PostgreSQL {server_version}, and the server is {version}"
            )));
        }
        let query = BackupError::query("read the encoding of the database");
        let found = server_encoding(&mut database.connect()?).map_err(query)?;
        if found != *encoding {
            return Err(unusable(format!("its texts are in {encoding}, and the database is in {found}")));
        }
        Ok(())
    }
}

/// The dump, on a disk, with the hashes that its files should have.
struct LocalDump {
    path: PathBuf,
    /// Removed when it is dropped.
    _scratch: Option<TempDir>,
}

impl LocalDump {
    fn fetch(target: &dyn Target, manifest: &Manifest, job: &RestoreJob<'_>) -> Result<Self, BackupError> {
        let folder = Manifest::folder(&manifest.name);
        let local = target.local(&format!("{folder}/{DATABASE}")).map_err(BackupError::target(&folder))?;
        let scratch = match local {
            Some(_) => None,
            None => Some(tempfile::tempdir().map_err(BackupError::target("the folder for temporary files"))?),
        };
        let parts: Vec<_> = manifest.parts.iter().filter(|part| part.path.starts_with(DATABASE)).collect();
        job.progress.begin("reading the dump", parts.len() as u64, Unit::Items("files"));
        for (number, part) in parts.iter().enumerate() {
            if job.cancel.is_cancelled() {
                return Err(BackupError::Cancelled);
            }
            let path = format!("{folder}/{}", part.path);
            let failed = || BackupError::target(&path);
            let mut bytes = target.read(&path).map_err(failed())?;
            let found = match &scratch {
                None => hash(&mut *bytes),
                Some(scratch) => keep(&mut *bytes, &scratch.path().join(&part.path)),
            };
            let (size, sha256) = found.map_err(failed())?;
            if size != part.bytes || hexadecimal(&sha256) != part.sha256 {
                let problem = format!("{} is damaged", part.path);
                return Err(BackupError::Unusable { name: manifest.name.clone(), problem });
            }
            job.progress.set(number as u64 + 1);
        }
        let path = match (local, &scratch) {
            (Some(path), _) => path,
            (None, Some(scratch)) => scratch.path().join(DATABASE),
            (None, None) => PathBuf::new(),
        };
        Ok(LocalDump { path, _scratch: scratch })
    }
}

/// Writes what is read to a file; returns its size and hash.
fn keep(bytes: &mut dyn io::Read, to: &Path) -> io::Result<super::target::Written> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::File::create(to)?;
    io::copy(bytes, &mut file)?;
    hash(&mut std::fs::File::open(to)?)
}

/// A database that is being filled.
struct Filling<'f> {
    job: &'f RestoreJob<'f>,
    database: &'f Database,
    manifest: &'f Manifest,
    roles: &'f Roles,
    tool: &'f ClientTool,
}

impl Filling<'_> {
    fn fill(
        &self,
        mut restoring: Restoring,
        (target, dump): (&dyn Target, &LocalDump),
    ) -> Result<Restored, BackupError> {
        let prepared = self.prepare(&mut restoring, target);
        let ((files, file_bytes), roles) = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                restoring.abandon();
                return Err(error);
            }
        };
        self.job.progress.begin("restoring the database", 1, Unit::Items("databases"));
        self.run(&mut restoring, &dump.path)?;
        self.compare(&mut restoring)?;
        let mut warnings = roles.warnings;
        if !self.job.without_roles {
            self.give(&mut restoring, &mut warnings)?;
        }
        passed(RestoreStep::Filled);
        restoring.finish()?;
        passed(RestoreStep::Unmarked);
        let migrations = migrations::up(self.database, MIGRATIONS)?;
        let manifest = self.manifest.clone();
        Ok(Restored { manifest, files, file_bytes, roles: roles.created, migrations, warnings })
    }

    /// Restores files and roles, while the database is still empty.
    fn prepare(
        &self,
        restoring: &mut Restoring,
        target: &dyn Target,
    ) -> Result<((u64, u64), RestoredRoles), BackupError> {
        let roles = self.create_roles(restoring)?;
        passed(RestoreStep::RolesCreated);
        let watch = (self.job.cancel, self.job.progress);
        let files = restore_files(target, self.manifest, self.job.settings, watch)?;
        passed(RestoreStep::FilesRestored);
        Ok((files, roles))
    }

    fn create_roles(&self, restoring: &mut Restoring) -> Result<RestoredRoles, BackupError> {
        if self.job.without_roles {
            return Ok(RestoredRoles::default());
        }
        let created = self.roles.create(restoring.connection());
        let created = created.map_err(BackupError::query("create the roles"))?;
        match created.missing.is_empty() {
            true => Ok(created),
            false => Err(BackupError::NoRoles { statements: created.missing }),
        }
    }

    /// Runs `pg_restore`.
    fn run(&self, restoring: &mut Restoring, dump: &Path) -> Result<(), BackupError> {
        let former = self.roles.former(restoring.connection());
        let former = former.map_err(BackupError::query("look the former owner up"))?;
        // Rights that another role gives to what it will create are of no use.
        let list = self.list(dump, former != Former::Same)?;
        let mut command = self.tool.command(self.database.url(), RESTORE_APPLICATION);
        command.args(["--format=directory", "--exit-on-error", "--no-owner"]);
        if self.job.without_roles {
            command.arg("--no-acl");
        }
        command
            .arg(format!("--jobs={}", self.job.settings.workers))
            .arg("--use-list")
            .arg(list.path())
            .arg(dump);
        tool::run(command, self.tool.name(), self.job.cancel)
    }

    /// The list of what is restored.
    fn list(&self, dump: &Path, without_defaults: bool) -> Result<tempfile::NamedTempFile, BackupError> {
        let failed = || BackupError::target("the list of what is restored");
        let output = self.tool.list(dump).map_err(failed())?;
        let kept: Vec<&str> =
            output.lines().filter(|line| !(without_defaults && line.contains(" DEFAULT ACL "))).collect();
        let mut file = tempfile::NamedTempFile::new().map_err(failed())?;
        io::Write::write_all(&mut file, kept.join("\n").as_bytes()).map_err(failed())?;
        Ok(file)
    }

    /// The tables have as many rows as they had.
    fn compare(&self, restoring: &mut Restoring) -> Result<(), BackupError> {
        let found = row_counts(restoring.connection()).map_err(BackupError::query("count rows"))?;
        for (table, rows) in &self.manifest.rows {
            let restored = found.get(table).copied().unwrap_or_default();
            if restored != *rows {
                let problem = format!("{table} has {restored} rows, and had {rows}");
                return Err(BackupError::Unusable { name: self.manifest.name.clone(), problem });
            }
        }
        Ok(())
    }

    /// Gives everybody what they had.
    fn give(&self, restoring: &mut Restoring, warnings: &mut Vec<String>) -> Result<(), BackupError> {
        let session = restoring.connection();
        let failed = || BackupError::query("give roles their rights");
        let takes_back = self.roles.become_members(session).map_err(failed())?;
        self.roles.give(session, warnings).map_err(failed())?;
        for statement in takes_back {
            diesel::connection::SimpleConnection::batch_execute(session, &statement).map_err(failed())?;
        }
        self.roles.ensure_readers(session).map_err(failed())?;
        self.roles.add_members(session, warnings).map_err(failed())
    }
}
