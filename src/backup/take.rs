//! *Takes* a backup: a picture of the database, its dump, the files that it names, the manifest,
//! and the end of older backups.

use std::collections::{BTreeMap, HashSet};
use std::io::{Seek, SeekFrom, Write};

use chrono::{DateTime, Utc};
use fhirmill_postgres::backup::{LedgerFile, Roles, row_counts};
use fhirmill_postgres::database::migrations;
use fhirmill_postgres::database::tools::ClientTool;
use fhirmill_postgres::database::{Database, server_encoding};
use fhirmill_postgres::failpoint::{BackupStep, passed};
use fhirmill_postgres::picture::{Picture, Relation};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::copy::{Copier, Outcome};
use super::dump::Dump;
use super::entry::{Area, FileEntry, hexadecimal};
use super::error::BackupError;
use super::manifest::{FILE_LIST, FORMAT_VERSION, MANIFEST, Manifest, Part, ROLES};
use super::remove::{clean, name_of, names, remove_surplus};
use super::target::{self, Target};
use crate::config::{Settings, SnapshotTarget};
use crate::report::{RunProgress, Unit};

/// How often a backup is begun anew because a file or a table was rewritten meanwhile.
const ATTEMPTS: usize = 3;

/// A backup to be taken.
#[derive(Clone, Copy)]
pub struct BackupJob<'j> {
    /// All settings.
    pub settings: &'j Settings,
    /// The database.
    pub database: &'j Database,
    /// Where it is written.
    pub to: &'j SnapshotTarget,
    /// How many backups stay; none for all.
    pub keep: Option<usize>,
    /// Cancelled when the program ends.
    pub cancel: &'j CancellationToken,
    /// Told how far it is.
    pub progress: &'j RunProgress,
}

/// A backup that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What is in it.
    pub manifest: Manifest,
    /// How many files were copied; the others were in the target already.
    pub copied: u64,
    /// How many bytes these have.
    pub copied_bytes: u64,
    /// The names of backups that were removed.
    pub removed: Vec<String>,
}

/// An error unless the database has tables of fhirmill, of whatever version, and is not being
/// restored.
pub fn require_tables(database: &Database) -> Result<(), BackupError> {
    Ok(migrations::require_any(database)?)
}

/// Takes a backup. If it fails, it is not there.
///
/// # Errors
/// Another process writes to the target, a tool is missing, or the database or the target failed.
pub fn take(job: &BackupJob<'_>) -> Result<Taken, BackupError> {
    let place = job.to.to_string();
    let tool =
        ClientTool::find("pg_dump", job.settings.server_binaries_dir.as_deref(), job.database.version)?;
    let mut target = target::open(job.to, job.settings).map_err(BackupError::target(&place))?;
    let lock = job.database.lock_backups()?;
    if lock.is_none() || !target.lock().map_err(BackupError::target(&place))? {
        return Err(BackupError::Busy { target: place });
    }
    let target = target.as_ref();
    let mut attempt = 1;
    let taken = loop {
        match (Taking { job, target, place: &place, tool: &tool }).take() {
            Err(BackupError::Rewritten { what }) if attempt < ATTEMPTS => {
                attempt += 1;
                info!("{what} was rewritten or removed meanwhile: beginning anew");
            }
            other => break other,
        }
    };
    job.progress.end();
    if taken.is_err()
        && let Err(error) = names(target).and_then(|names| clean(target, &names))
    {
        warn!("{place}: what is left of the backup cannot be removed: {error}");
    }
    taken
}

/// A backup in progress.
struct Taking<'t> {
    job: &'t BackupJob<'t>,
    target: &'t dyn Target,
    place: &'t str,
    tool: &'t ClientTool,
}

/// What the picture shows.
struct Shown {
    taken_at: DateTime<Utc>,
    schema_version: String,
    encoding: String,
    rows: BTreeMap<String, i64>,
    /// By which what was emptied or replaced meanwhile is known.
    tables: BTreeMap<String, (i64, i64)>,
}

/// The files that belong to a backup.
struct Files {
    count: u64,
    bytes: u64,
    copied: u64,
    copied_bytes: u64,
    missing: Vec<String>,
    list: Part,
}

impl Taking<'_> {
    fn take(&self) -> Result<Taken, BackupError> {
        let failed = || BackupError::target(self.place);
        let mut existing = names(self.target).map_err(failed())?;
        clean(self.target, &existing).map_err(failed())?;
        let query = BackupError::query("take a picture of the database");
        let mut picture = Picture::take(self.job.database.connect()?).map_err(query)?;
        let shown = self.shown(&mut picture)?;
        let name = name_of(shown.taken_at, &existing);
        passed(BackupStep::PictureTaken);
        self.job.progress.begin("dumping the database", 1, Unit::Items("databases"));
        let dump = Dump { job: self.job, target: self.target, name: &name, tool: self.tool };
        let mut parts = dump.write(&picture.id().name.clone())?;
        passed(BackupStep::Dumped);
        let roles = Roles::of(picture.connection()).map_err(BackupError::query("read the roles"))?;
        parts.push(self.put_json(&name, ROLES, &roles)?);
        let files = self.files(&mut picture, &name, existing.last().map(String::as_str))?;
        drop(picture);
        self.still_there(&shown)?;
        parts.push(files.list);
        let manifest = Manifest {
            format_version: FORMAT_VERSION,
            program_version: env!("CARGO_PKG_VERSION").to_owned(),
            name: name.clone(),
            taken_at: shown.taken_at,
            schema_version: shown.schema_version,
            server_version: self.job.database.version,
            dump_version: self.tool.version,
            encoding: shown.encoding,
            rows: shown.rows,
            parts,
            files: files.count,
            file_bytes: files.bytes,
            missing: files.missing,
        };
        self.target.sync().map_err(failed())?;
        passed(BackupStep::Written);
        self.put_json(&name, MANIFEST, &manifest)?;
        self.target.sync().map_err(failed())?;
        passed(BackupStep::Complete);
        existing.push(name);
        let removed = match self.job.keep {
            Some(keep) => remove_surplus(self.target, &existing, keep),
            None => Ok(Vec::new()),
        };
        // The new one is complete, whatever happens to older ones.
        let removed = removed.unwrap_or_else(|error| {
            warn!("{}: older backups cannot be removed: {error}", self.place);
            Vec::new()
        });
        Ok(Taken { manifest, copied: files.copied, copied_bytes: files.copied_bytes, removed })
    }

    fn shown(&self, picture: &mut Picture) -> Result<Shown, BackupError> {
        let failed = || BackupError::query("look at the picture of the database");
        Ok(Shown {
            taken_at: picture.id().taken_at,
            schema_version: picture.schema_version().map_err(failed())?,
            encoding: server_encoding(picture.connection()).map_err(failed())?,
            rows: row_counts(picture.connection()).map_err(failed())?,
            tables: Relation::table_files(picture.connection()).map_err(failed())?,
        })
    }

    /// A table that is emptied at once or replaced before `pg_dump` holds it is empty to the picture,
    /// without any error.
    fn still_there(&self, shown: &Shown) -> Result<(), BackupError> {
        let failed = BackupError::query("check that the tables are still there");
        let now = Relation::table_files(&mut self.job.database.connect()?).map_err(failed)?;
        match shown.tables.iter().find(|(table, file)| now.get(*table) != Some(file)) {
            Some((table, _)) => Err(BackupError::Rewritten { what: table.clone() }),
            None => Ok(()),
        }
    }

    fn put_json(&self, name: &str, path: &str, value: &impl serde::Serialize) -> Result<Part, BackupError> {
        let failed = |error: serde_json::Error| BackupError::target(self.place)(error.into());
        let mut json = serde_json::to_vec_pretty(value).map_err(failed)?;
        json.push(b'\n');
        let to = format!("{}/{path}", Manifest::folder(name));
        let put = self.target.put(&to, &mut json.as_slice(), None);
        let (bytes, sha256) = put.map_err(BackupError::target(self.place))?;
        Ok(Part { path: path.to_owned(), bytes, sha256: hexadecimal(&sha256) })
    }

    /// Copies the files that the picture names and that the target lacks, and writes their list.
    fn files(&self, picture: &mut Picture, name: &str, base: Option<&str>) -> Result<Files, BackupError> {
        let failed = || BackupError::target(self.place);
        let query = || BackupError::query("list the files of the ledger");
        let copier = Copier::new(self.job, self.target, base).map_err(failed())?;
        let mut list = tempfile::tempfile().map_err(BackupError::target("a temporary file"))?;
        let part = Part { path: FILE_LIST.to_owned(), bytes: 0, sha256: String::new() };
        let mut files =
            Files { count: 0, bytes: 0, copied: 0, copied_bytes: 0, missing: Vec::new(), list: part };
        let total = shown_files(picture)?;
        self.job.progress.begin("copying files", total, Unit::Items("files"));
        let (mut last, mut seen, mut done) = (0, HashSet::new(), 0);
        loop {
            let page = LedgerFile::after(picture.connection(), last).map_err(query())?;
            let Some(end) = page.last() else { break };
            last = end.id;
            done += page.len() as u64;
            let fresh: Vec<LedgerFile> = page.into_iter().filter(|file| is_first(&mut seen, file)).collect();
            let outcomes = copier.copy_all(&fresh)?;
            for (file, outcome) in fresh.iter().zip(outcomes) {
                let outcome = self.resolved(&copier, file, outcome)?;
                files.add(outcome, file, &mut list).map_err(failed())?;
            }
            passed(BackupStep::FilesCopied);
            self.job.progress.set(done);
        }
        for report in copier.copy_reports()? {
            files.add_found(&report, &mut list).map_err(failed())?;
        }
        list.seek(SeekFrom::Start(0)).map_err(failed())?;
        let to = format!("{}/{FILE_LIST}", Manifest::folder(name));
        let (bytes, sha256) = self.target.put(&to, &mut list, None).map_err(failed())?;
        files.list.bytes = bytes;
        files.list.sha256 = hexadecimal(&sha256);
        Ok(files)
    }

    /// What became of a file that was not found, or has other bytes than in the picture: whether the
    /// ledger has changed since, or the archive lacks it.
    fn resolved(
        &self,
        copier: &Copier<'_>,
        file: &LedgerFile,
        outcome: Outcome,
    ) -> Result<Outcome, BackupError> {
        if !matches!(outcome, Outcome::Missing) {
            return Ok(outcome);
        }
        let query = BackupError::query("look a file up in the ledger");
        let now = file.now(&mut self.job.database.connect()?).map_err(query)?;
        if file.archive_path.is_none() {
            return copier.copy_loading(file, now.as_ref());
        }
        let is_same = now.as_ref().is_some_and(|now| {
            now.archive_path == file.archive_path
                && now.sha256 == file.sha256
                && now.size_bytes == file.size_bytes
        });
        match is_same {
            true => copier.copy(file),
            false => Err(BackupError::Rewritten { what: format!("the file {}", file.path) }),
        }
    }
}

/// Deliveries of the same bytes share a file.
fn is_first(seen: &mut HashSet<(bool, String)>, file: &LedgerFile) -> bool {
    match &file.archive_path {
        Some(location) => seen.insert((file.status == "rejected", location.clone())),
        None => true,
    }
}

fn shown_files(picture: &mut Picture) -> Result<u64, BackupError> {
    let counted =
        row_counts(picture.connection()).map_err(BackupError::query("count the files of the ledger"))?;
    Ok(counted.get("etl.load_file").map_or(0, |count| count.unsigned_abs()))
}

impl Files {
    fn add(&mut self, outcome: Outcome, file: &LedgerFile, list: &mut impl Write) -> std::io::Result<()> {
        match outcome {
            // People may remove rejected files, and nobody finds one that was abandoned or erased.
            Outcome::Missing if ["rejected", "abandoned", "erased"].contains(&file.status.as_str()) => Ok(()),
            Outcome::Missing => {
                self.missing.push(file.archive_path.clone().unwrap_or_else(|| file.path.clone()));
                Ok(())
            }
            found => self.add_found(&found, list),
        }
    }

    fn add_found(&mut self, outcome: &Outcome, list: &mut impl Write) -> std::io::Result<()> {
        match outcome {
            Outcome::Copied(entry) => {
                self.copied += 1;
                self.copied_bytes += entry.bytes;
                self.entry(entry, list)
            }
            Outcome::Shared(entry) => self.entry(entry, list),
            Outcome::Missing => Ok(()),
        }
    }

    fn entry(&mut self, entry: &FileEntry, list: &mut impl Write) -> std::io::Result<()> {
        self.count += 1;
        self.bytes += entry.bytes;
        debug_assert!(entry.area != Area::Inbox || !entry.location.starts_with('/'));
        serde_json::to_writer(&mut *list, entry)?;
        list.write_all(b"\n")
    }
}
