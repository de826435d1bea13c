//! `fhirmill backup` and `fhirmill restore`.

use std::str::FromStr;
use std::sync::Arc;

use anyhow::Result;
use chrono::{DateTime, Utc};
use fhirmill_postgres::database::{Database, Wait};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::backup::{self, BackupError, BackupJob, Manifest, RestoreJob, Restored, Taken, Target};
use crate::cli::{BackupArguments, ExitCode, RestoreArguments};
use crate::config::{Settings, SnapshotTarget};
use crate::report::ProgressMeter;

/// How many missing files are named.
const MOST_MISSING: usize = 10;

/// Takes, lists or verifies backups.
pub fn run(settings: &Settings, arguments: &BackupArguments, runtime: &Handle) -> Result<ExitCode> {
    let to = target("--to", &arguments.to)?;
    if arguments.list {
        return list(settings, &to, arguments.json);
    }
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    if arguments.verify {
        return verify(settings, (&to, arguments.name.as_deref()), &cancel, arguments.json);
    }
    let database = Database::open_existing(&settings.database(), Wait::No)?;
    backup::require_tables(&database).map_err(plain)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let keep = arguments.keep.map(|keep| keep as usize);
    let job =
        BackupJob { settings, database: &database, to: &to, keep, cancel: &cancel, progress: &progress };
    let taken = backup::take(&job);
    drop(meter);
    match taken {
        Err(BackupError::Cancelled) => {
            eprintln!("stopped: there is no backup of this time");
            Ok(ExitCode::Interrupted)
        }
        taken => print_taken(&to, &taken.map_err(plain)?, arguments.json),
    }
}

/// Restores a backup.
pub fn restore(settings: &Settings, arguments: &RestoreArguments, runtime: &Handle) -> Result<ExitCode> {
    let from = target("--from", &arguments.from)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let job = RestoreJob {
        settings,
        from: &from,
        name: arguments.name.as_deref(),
        may_overwrite: arguments.overwrite,
        without_roles: arguments.without_roles,
        cancel: &cancel,
        progress: &progress,
    };
    let restored = backup::restore(&job);
    drop(meter);
    match restored {
        Err(BackupError::Cancelled) => {
            eprintln!("stopped: the database is not restored; the same command begins anew");
            Ok(ExitCode::Interrupted)
        }
        restored => print_restored(&restored.map_err(plain)?, arguments.json),
    }
}

/// The error by which the exit code is chosen.
fn plain(error: BackupError) -> anyhow::Error {
    match error {
        BackupError::Database(error) => error.into(),
        other => other.into(),
    }
}

fn target(flag: &str, text: &str) -> Result<SnapshotTarget, Refusal> {
    SnapshotTarget::from_str(text).map_err(|expected| Refusal::new(format!("{flag} must be {expected}")))
}

fn open(settings: &Settings, to: &SnapshotTarget) -> Result<Box<dyn Target>, BackupError> {
    backup::open(to, settings).map_err(|source| BackupError::Target { place: to.to_string(), source })
}

/// A backup, for programs.
#[derive(Serialize)]
struct Report<'r> {
    name: &'r str,
    target: String,
    taken_at: DateTime<Utc>,
    program_version: &'r str,
    schema_version: &'r str,
    server_version: u32,
    database_bytes: u64,
    files: u64,
    file_bytes: u64,
    missing: &'r [String],
}

impl<'r> Report<'r> {
    fn of(to: &SnapshotTarget, manifest: &'r Manifest) -> Self {
        Report {
            name: &manifest.name,
            target: to.to_string(),
            taken_at: manifest.taken_at,
            program_version: &manifest.program_version,
            schema_version: &manifest.schema_version,
            server_version: manifest.server_version,
            database_bytes: manifest.part_bytes(),
            files: manifest.files,
            file_bytes: manifest.file_bytes,
            missing: &manifest.missing,
        }
    }

    fn line(&self) -> String {
        format!(
            "{}  database {:.1} MB, {} files of {:.1} MB, fhirmill {}, PostgreSQL {}",
            self.name,
            megabytes(self.database_bytes),
            self.files,
            megabytes(self.file_bytes),
            self.program_version,
            self.server_version
        )
    }
}

/// A backup that was taken, for programs.
#[derive(Serialize)]
struct TakenReport<'r> {
    #[serde(flatten)]
    backup: Report<'r>,
    copied_files: u64,
    copied_bytes: u64,
    removed: &'r [String],
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn print_taken(to: &SnapshotTarget, taken: &Taken, json: bool) -> Result<ExitCode> {
    let backup = Report::of(to, &taken.manifest);
    let missing = &taken.manifest.missing;
    if json {
        let Taken { copied, copied_bytes, removed, .. } = taken;
        let report = TakenReport { backup, copied_files: *copied, copied_bytes: *copied_bytes, removed };
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("backup {} in {to}", backup.name);
        println!(
            "database {:.1} MB; {} files of {:.1} MB, of which {} were copied now",
            megabytes(backup.database_bytes),
            backup.files,
            megabytes(backup.file_bytes),
            taken.copied
        );
        for name in &taken.removed {
            println!("removed {name}");
        }
    }
    if missing.is_empty() {
        return Ok(ExitCode::Success);
    }
    eprintln!(
        "warning: {} files that the ledger names are not in the archive as they were loaded:",
        missing.len()
    );
    for location in missing.iter().take(MOST_MISSING) {
        eprintln!("  {location}");
    }
    eprintln!("the backup has everything else; `fhirmill check --archive` says more");
    Ok(ExitCode::CheckFailed)
}

fn list(settings: &Settings, to: &SnapshotTarget, json: bool) -> Result<ExitCode> {
    let target = open(settings, to)?;
    let failed = |source| BackupError::Target { place: to.to_string(), source };
    let mut manifests = Vec::new();
    for name in backup::names(&*target).map_err(failed)?.iter().rev() {
        manifests.push(backup::manifest(&*target, name).map_err(failed)?);
    }
    let reports: Vec<Report<'_>> = manifests.iter().map(|manifest| Report::of(to, manifest)).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&reports)?);
    } else if reports.is_empty() {
        println!("there is no backup in {to}");
    }
    for report in reports.iter().filter(|_| !json) {
        println!("{}", report.line());
    }
    Ok(ExitCode::Success)
}

/// What was verified, for programs.
#[derive(Serialize)]
struct VerifiedReport<'r> {
    name: &'r str,
    files: u64,
    bytes: u64,
    problems: Vec<ProblemReport<'r>>,
}

#[derive(Serialize)]
struct ProblemReport<'r> {
    path: &'r str,
    problem: &'r str,
}

fn verify(
    settings: &Settings,
    (to, name): (&SnapshotTarget, Option<&str>),
    cancel: &CancellationToken,
    json: bool,
) -> Result<ExitCode> {
    let target = open(settings, to)?;
    let manifest = backup::chosen(&*target, name, &to.to_string())?;
    let progress = Arc::default();
    let meter = ProgressMeter::watch(&progress);
    let verified = backup::verify(&*target, &manifest, (cancel, &progress));
    drop(meter);
    let verified = match verified {
        Err(BackupError::Cancelled) => return Ok(ExitCode::Interrupted),
        verified => verified?,
    };
    let problems = verified.problems.iter();
    if json {
        let problems = problems
            .map(|problem| ProblemReport { path: &problem.path, problem: &problem.problem })
            .collect();
        let report =
            VerifiedReport { name: &manifest.name, files: verified.files, bytes: verified.bytes, problems };
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        for problem in problems {
            println!("{}: {}", problem.path, problem.problem);
        }
        println!(
            "backup {}: {} files of {:.1} MB were read, {} are damaged or missing",
            manifest.name,
            verified.files,
            megabytes(verified.bytes),
            verified.problems.len()
        );
    }
    Ok(if verified.problems.is_empty() { ExitCode::Success } else { ExitCode::CheckFailed })
}

/// What was restored, for programs.
#[derive(Serialize)]
struct RestoredReport<'r> {
    name: &'r str,
    taken_at: DateTime<Utc>,
    files: u64,
    file_bytes: u64,
    roles: &'r [String],
    migrations: &'r [String],
    warnings: &'r [String],
    missing: &'r [String],
}

fn print_restored(restored: &Restored, json: bool) -> Result<ExitCode> {
    let Restored { manifest, files, file_bytes, roles, migrations, warnings } = restored;
    if json {
        let report = RestoredReport {
            name: &manifest.name,
            taken_at: manifest.taken_at,
            files: *files,
            file_bytes: *file_bytes,
            roles,
            migrations,
            warnings,
            missing: &manifest.missing,
        };
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(ExitCode::Success);
    }
    println!(
        "restored {}: the database and {files} files of {:.1} MB",
        manifest.name,
        megabytes(*file_bytes)
    );
    if !roles.is_empty() {
        println!("created the roles {}", roles.join(", "));
    }
    if !migrations.is_empty() {
        println!("{} migrations applied", migrations.len());
    }
    for warning in warnings {
        eprintln!("warning: {warning}");
    }
    if !manifest.missing.is_empty() {
        eprintln!(
            "warning: {} archived files were missing when the backup was taken",
            manifest.missing.len()
        );
    }
    println!("`fhirmill check --archive` proves that the database and the archive fit");
    Ok(ExitCode::Success)
}
