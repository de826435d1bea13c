//! Settings: what the operator decided, in two stages.
//!
//! [`RawSettings`] is what was typed, as text, from flags, the environment and
//! `.env`. [`Settings`] is what the program works with: typed, checked against
//! each other, secrets wrapped. Between them stands [`RawSettings::check`],
//! which collects every complaint before it gives up, so that an operator
//! mends a wrong `.env` once and not once a line.

mod schedule;
mod values;
mod variables;

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fhirmill_postgres::database::{DatabaseSettings, DatabaseUrl};

use clap::{ArgMatches, Args, Command, FromArgMatches};

pub use fhirmill_core::datatype::Timezone;
pub use schedule::Schedule;
pub use variables::{VARIABLES, Variable};

/// Everything that can be set, checked. Paths are absolute. `Debug` shows no
/// secret.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server to fill; none means the private one under `data_dir`.
    pub database_url: Option<DatabaseUrl>,
    pub server_binaries_dir: Option<PathBuf>,
    pub inbox_dir: PathBuf,
    pub archive_dir: PathBuf,
    pub rejects_dir: PathBuf,
    pub data_dir: PathBuf,
    pub schedule: Schedule,
    pub watch: Watch,
    /// How long a file must have stood still before it is taken.
    pub settle: Duration,
    pub workers: NonZeroUsize,
    /// Bytes of resources that one transaction loads.
    pub batch_bytes: u64,
    pub keep_bodies: KeepBodies,
    pub resource_types: ResourceTypes,
    pub eob_coverage: EobCoverage,
    /// Zone of times that name none, in the data and in `schedule`.
    pub assume_timezone: Timezone,
    pub limits: Limits,
    pub log: LogSettings,
}

impl Settings {
    /// What opening the database needs.
    pub fn database(&self) -> DatabaseSettings {
        DatabaseSettings {
            url: self.database_url.clone(),
            data_dir: self.data_dir.clone(),
            server_binaries_dir: self.server_binaries_dir.clone(),
            workers: self.workers.get(),
        }
    }
}

/// Whether and how new files wake the scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    Native,
    Poll,
    Off,
}

/// Where the JSON of each resource is kept as received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepBodies {
    Archive,
    Database,
}

/// What happens to the payer's Coverage references of an
/// ExplanationOfBenefit before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EobCoverage {
    Keep,
    Drop,
}

/// Which resource types are loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceTypes {
    All,
    Only(BTreeSet<String>),
}

impl ResourceTypes {
    pub fn contains(&self, resource_type: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(types) => types.contains(resource_type),
        }
    }
}

/// How much may come out of one file, so that none can fill memory or disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub max_resource_bytes: u64,
    pub max_archive_members: u64,
    pub max_archive_ratio: u64,
    pub max_archive_bytes: u64,
    pub max_rejects_per_file: u64,
}

/// Where log lines go and what they look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    pub dir: PathBuf,
    pub level: LogLevel,
    pub format: LogFormat,
    /// How many daily files are kept.
    pub days: usize,
    pub standard_output: LogStandardOutput,
}

/// A level, or a list of target=level, as the log filter reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLevel(String);

impl LogLevel {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStandardOutput {
    /// For the service only.
    Auto,
    On,
    Off,
}

/// What is wrong with the settings: everything at once.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    pub complaints: Vec<Complaint>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.complaints.len() {
            1 => write!(formatter, "a setting is wrong")?,
            count => write!(formatter, "{count} settings are wrong")?,
        }
        for complaint in &self.complaints {
            write!(formatter, "\n  {complaint}")?;
        }
        Ok(())
    }
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    pub variable: &'static str,
    pub problem: String,
    pub example: &'static str,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { variable, problem, example } = self;
        write!(formatter, "{variable} {problem} (for example {variable}={example})")
    }
}

/// The file `.env` is there but is not lines of NAME=value.
#[derive(Debug, thiserror::Error)]
pub enum EnvFileError {
    // The line itself may hold a password, so it is named and not shown.
    #[error("{path}, line {line}: not of the form NAME=value; a value with spaces needs quotes")]
    Syntax { path: PathBuf, line: usize },
    #[error("{path} cannot be read")]
    Unreadable { path: PathBuf, source: std::io::Error },
}

/// Puts the assignments of an `.env` file into the environment, except those
/// that the environment has already. No such file is fine.
pub fn load_env_file(path: &Path) -> Result<(), EnvFileError> {
    match dotenvy::from_path(path) {
        Ok(()) => Ok(()),
        Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(dotenvy::Error::Io(source)) => Err(EnvFileError::Unreadable { path: path.to_owned(), source }),
        Err(dotenvy::Error::LineParse(wrong, _)) => {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let index = text.lines().position(|line| line.trim_end() == wrong.trim_end());
            let line = index.map_or(1, |index| index + 1);
            Err(EnvFileError::Syntax { path: path.to_owned(), line })
        }
        Err(error) => Err(EnvFileError::Unreadable {
            path: path.to_owned(),
            source: std::io::Error::other(error.to_string()),
        }),
    }
}

/// What was typed, by the name of the variable. Empty values are left out.
#[derive(Default)]
pub struct RawSettings {
    values: HashMap<&'static str, OsString>,
}

impl fmt::Debug for RawSettings {
    /// Names only: a value may be a secret, and may be wrong, too.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl Args for RawSettings {
    fn augment_args(command: Command) -> Command {
        command.args(VARIABLES.iter().map(Variable::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RawSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut raw = Self::default();
        raw.update_from_arg_matches(matches)?;
        Ok(raw)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for variable in VARIABLES {
            if let Some(value) = matches.get_one::<OsString>(variable.name)
                && !value.is_empty()
            {
                self.values.insert(variable.name, value.clone());
            }
        }
        Ok(())
    }
}

impl RawSettings {
    /// Turns what was typed into settings, or into every complaint about it.
    pub fn check(&self) -> Result<Settings, SettingsError> {
        let mut check = Check { raw: self, complaints: Vec::new() };

        let database_url = check.value("DATABASE_URL", values::database_url);
        let server_binaries_dir = check.folder("PG_BIN_DIR");
        let inbox_dir = check.folder("INBOX_DIR");
        let archive_dir = check.folder("ARCHIVE_DIR");
        let rejects_dir = check.folder("REJECTS_DIR");
        let data_dir = check.folder("DATA_DIR");
        check.apart_from_inbox(&inbox_dir, "ARCHIVE_DIR", &archive_dir);
        check.apart_from_inbox(&inbox_dir, "REJECTS_DIR", &rejects_dir);
        check.apart_from_inbox(&inbox_dir, "DATA_DIR", &data_dir);

        let schedule = check.value("SCHEDULE", values::schedule);
        let watch = check.value("WATCH", values::watch);
        let settle = check.value("SETTLE_SECONDS", values::seconds);

        let workers = check.value("WORKERS", values::whole_number(1, 256));
        let batch_bytes = check.value("BATCH_BYTES", values::size(64 << 10, 1 << 30));

        let keep_bodies = check.value("KEEP_BODIES", values::keep_bodies);
        let resource_types = check.value("RESOURCE_TYPES", values::resource_types);
        let eob_coverage = check.value("EOB_COVERAGE", values::eob_coverage);
        let assume_timezone = check.value("ASSUME_TIMEZONE", values::timezone);

        let max_resource_bytes = check.value("MAX_RESOURCE_BYTES", values::size(1 << 10, 1 << 27));
        let max_archive_members = check.value("MAX_ARCHIVE_MEMBERS", values::whole_number(1, 100_000_000));
        let max_archive_ratio = check.value("MAX_ARCHIVE_RATIO", values::whole_number(1, 1_000_000));
        let max_archive_bytes = check.value("MAX_ARCHIVE_BYTES", values::size(1 << 20, 1 << 50));
        let max_rejects_per_file =
            check.value("MAX_REJECTS_PER_FILE", values::whole_number(1, 1_000_000_000));

        let log_dir = check.folder("LOG_DIR");
        let level = check.value("LOG_LEVEL", values::log_level);
        let format = check.value("LOG_FORMAT", values::log_format);
        let days = check.value("LOG_DAYS", values::whole_number(1, 3650));
        let standard_output = check.value("LOG_STDOUT", values::log_standard_output);

        let complaints = std::mem::take(&mut check.complaints);
        if !complaints.is_empty() {
            return Err(SettingsError { complaints });
        }
        const DEFAULT: &str = "a variable without complaint that has a default has a value";
        Ok(Settings {
            database_url,
            server_binaries_dir,
            inbox_dir: inbox_dir.expect(DEFAULT),
            archive_dir: archive_dir.expect(DEFAULT),
            rejects_dir: rejects_dir.expect(DEFAULT),
            data_dir: data_dir.expect(DEFAULT),
            schedule: schedule.expect(DEFAULT),
            watch: watch.expect(DEFAULT),
            settle: settle.expect(DEFAULT),
            workers: workers
                .and_then(|number| NonZeroUsize::new(number as usize))
                .unwrap_or_else(processor_cores),
            batch_bytes: batch_bytes.expect(DEFAULT),
            keep_bodies: keep_bodies.expect(DEFAULT),
            resource_types: resource_types.expect(DEFAULT),
            eob_coverage: eob_coverage.expect(DEFAULT),
            assume_timezone: assume_timezone.expect(DEFAULT),
            limits: Limits {
                max_resource_bytes: max_resource_bytes.expect(DEFAULT),
                max_archive_members: max_archive_members.expect(DEFAULT),
                max_archive_ratio: max_archive_ratio.expect(DEFAULT),
                max_archive_bytes: max_archive_bytes.expect(DEFAULT),
                max_rejects_per_file: max_rejects_per_file.expect(DEFAULT),
            },
            log: LogSettings {
                dir: log_dir.expect(DEFAULT),
                level: level.expect(DEFAULT),
                format: format.expect(DEFAULT),
                days: days.expect(DEFAULT) as usize,
                standard_output: standard_output.expect(DEFAULT),
            },
        })
    }
}

fn processor_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// One pass over the variables, with the complaints so far.
struct Check<'raw> {
    raw: &'raw RawSettings,
    complaints: Vec<Complaint>,
}

impl Check<'_> {
    /// The typed value of a variable, or of its default. `None` where there
    /// is neither, or after a complaint.
    fn value<Value>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<Value, values::Expectation>,
    ) -> Option<Value> {
        let variable = VARIABLES
            .iter()
            .find(|variable| variable.name == name)
            .expect("every setting that is read is in the list of variables");
        let given = match self.raw.values.get(name) {
            Some(given) => given.to_str().map(str::trim),
            None if variable.default.is_empty() => return None,
            None => Some(variable.default),
        };
        let Some(text) = given else {
            self.complain(variable, "is not UTF-8 text".to_owned());
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(expectation) => {
                let shown = if variable.secret { String::new() } else { format!("is {text:?}, but ") };
                self.complain(variable, format!("{shown}must be {expectation}"));
                None
            }
        }
    }

    /// An absolute path that is a folder, or does not exist yet.
    fn folder(&mut self, name: &'static str) -> Option<PathBuf> {
        self.value(name, |text| {
            let path = std::path::absolute(text).map_err(|_| "a path".to_owned())?;
            if path.exists() && !path.is_dir() {
                return Err("a folder, and this is a file".to_owned());
            }
            Ok(path)
        })
    }

    /// Files that fhirmill writes must not be found by its own scan.
    fn apart_from_inbox(&mut self, inbox: &Option<PathBuf>, name: &'static str, folder: &Option<PathBuf>) {
        let (Some(inbox), Some(folder)) = (inbox, folder) else {
            return;
        };
        if folder.starts_with(inbox) {
            let problem = format!("is {folder:?}, but must not be inside INBOX_DIR ({inbox:?})");
            let example = VARIABLES
                .iter()
                .find(|variable| variable.name == name)
                .map_or("", |variable| variable.example);
            self.complaints.push(Complaint { variable: name, problem, example });
        }
    }

    fn complain(&mut self, variable: &Variable, problem: String) {
        self.complaints.push(Complaint { variable: variable.name, problem, example: variable.example });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(values: &[(&'static str, &str)]) -> RawSettings {
        let values = values.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        RawSettings { values }
    }

    #[test]
    fn nothing_set_gives_the_defaults() {
        let settings = raw(&[]).check().unwrap();
        assert!(settings.database_url.is_none());
        assert_eq!(settings.inbox_dir, std::env::current_dir().unwrap().join("inbox"));
        assert_eq!(settings.schedule.expression(), "0 * * * * *");
        assert_eq!(settings.watch, Watch::Native);
        assert_eq!(settings.settle, Duration::from_secs(2));
        assert_eq!(settings.workers, std::thread::available_parallelism().unwrap());
        assert_eq!(settings.batch_bytes, 6 * 1024 * 1024);
        assert_eq!(settings.resource_types, ResourceTypes::All);
        assert_eq!(settings.limits.max_archive_bytes, 1 << 40);
        assert_eq!(settings.log.days, 14);
    }

    #[test]
    fn every_complaint_comes_at_once_and_names_its_variable_and_an_example() {
        let error = raw(&[
            ("SETTLE_SECONDS", "soon"),
            ("WORKERS", "0"),
            ("SCHEDULE", "hourly"),
            ("DATABASE_URL", "mysql://root:swordfish@db"),
            ("ARCHIVE_DIR", "inbox/done"),
        ])
        .check()
        .unwrap_err();
        let variables: Vec<&str> = error.complaints.iter().map(|complaint| complaint.variable).collect();
        assert_eq!(variables, ["DATABASE_URL", "ARCHIVE_DIR", "SCHEDULE", "SETTLE_SECONDS", "WORKERS"]);
        let text = error.to_string();
        assert!(text.starts_with("5 settings are wrong\n"), "{text}");
        assert!(
            text.contains(
                "WORKERS is \"0\", but must be a whole number from 1 to 256 (for example WORKERS=4)"
            ),
            "{text}"
        );
        assert!(!text.contains("swordfish"), "{text}");
    }

    #[test]
    fn debug_shows_no_secret() {
        let raw = raw(&[("DATABASE_URL", "postgres://fhirmill:swordfish@db/fhirmill")]);
        let settings = raw.check().unwrap();
        let shown = format!("{raw:?} {settings:?}");
        assert!(!shown.contains("swordfish"), "{shown}");
        assert!(shown.contains("DATABASE_URL"), "{shown}");
    }

    #[test]
    fn a_wrong_line_of_the_env_file_is_named_by_number_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        std::fs::write(&path, "# settings\n\nswordfish is my password\n").unwrap();
        let error = load_env_file(&path).unwrap_err().to_string();
        assert!(error.contains(", line 3:"), "{error}");
        assert!(!error.contains("swordfish"), "{error}");
        assert!(load_env_file(&folder.path().join("absent")).is_ok());
    }
}
