//! The *check* turns text into settings, or into every complaint about it.
//!
//! For each variable the first of these that has a value decides: a flag, the
//! environment (with `.env`), the settings file, the default.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::complaint::{Complaint, Place, SettingsError};
use super::file::{self, SettingsFile};
use super::raw::RawSettings;
use super::settings::{Limits, LogSettings, Settings, ShownSetting};
use super::values::{self, Expectation};
use super::variables::{CONFIG_FILE, VARIABLES, Variable};

impl RawSettings {
    /// Reads the settings file and checks everything that is set.
    pub fn check(&self) -> Result<Settings, SettingsError> {
        let mut complaints = Vec::new();
        let path = self.get(CONFIG_FILE).unwrap_or_else(|| variable(CONFIG_FILE).default.as_ref());
        let file = file::read(Path::new(path), self.get(CONFIG_FILE).is_none(), &mut complaints);
        let mut check = Check { raw: self, file, complaints: Vec::new() };
        let settings = check.settings();
        check.complaints.append(&mut complaints);
        match settings {
            Some(settings) if check.complaints.is_empty() => Ok(settings),
            _ => Err(SettingsError { complaints: check.complaints }),
        }
    }
}

/// One pass over the variables. A method gives `None` after a complaint.
pub(super) struct Check<'r> {
    raw: &'r RawSettings,
    file: SettingsFile,
    complaints: Vec<Complaint>,
}

struct Folders {
    inbox: PathBuf,
    archive: PathBuf,
    rejects: PathBuf,
    data: PathBuf,
}

/// What a variable is set to, and where.
struct Given<'g> {
    /// `None` if it is not UTF-8.
    text: Option<&'g str>,
    /// `None` for flags, the environment and defaults.
    place: Option<Place>,
}

impl Check<'_> {
    fn settings(&mut self) -> Option<Settings> {
        // All of them are checked before the first `?` gives up.
        let database_url = self.optional("DATABASE_URL", values::database_url);
        let server_binaries_dir = self.optional("PG_BIN_DIR", folder);
        let views_dir = self.optional("VIEWS_DIR", folder);
        let storage = self.storage();
        let folders = self.folders(storage.as_ref().map(|(folders, _)| folders));
        let schedule = self.value("SCHEDULE", values::schedule);
        let watch = self.value("WATCH", values::watch);
        let settle = self.value("SETTLE_SECONDS", values::seconds);
        let empty_folder_age = self.value("EMPTY_FOLDER_HOURS", values::hours_or_off);
        let workers = self.optional("WORKERS", values::whole_number(1, 256));
        let batch_bytes = self.value("BATCH_BYTES", values::size(64 << 10, 1 << 30));
        let archive_compression = self.archive_compression();
        let keep = self.keep();
        let keep_bodies = self.value("KEEP_BODIES", values::keep_bodies);
        let resource_types = self.value("RESOURCE_TYPES", values::resource_types);
        let eob_coverage = self.value("EOB_COVERAGE", values::eob_coverage);
        let assume_timezone = self.value("ASSUME_TIMEZONE", values::timezone);
        let limits = self.limits();
        let server = self.server();
        let notify = self.notify();
        let deidentified = self.deidentified(assume_timezone);
        let log = self.log();
        let folders = folders?;
        Some(Settings {
            database_url,
            server_binaries_dir,
            missing_inbox: self.missing_inbox(&folders.inbox),
            inbox_dir: folders.inbox,
            archive_dir: folders.archive,
            rejects_dir: folders.rejects,
            views_dir,
            storage: storage?.1,
            data_dir: folders.data,
            schedule: schedule?,
            watch: watch?,
            settle: settle?,
            empty_folder_age: empty_folder_age?,
            workers: workers
                .and_then(|number| NonZeroUsize::new(number as usize))
                .unwrap_or_else(processor_cores),
            batch_bytes: batch_bytes?,
            archive_compression: archive_compression?,
            keep: keep?,
            keep_bodies: keep_bodies?,
            resource_types: resource_types?,
            eob_coverage: eob_coverage?,
            assume_timezone: assume_timezone?,
            limits: limits?,
            server: server?,
            log: log?,
            notify,
            deidentified,
            shown: VARIABLES.iter().map(|variable| self.shown(variable)).collect(),
            sources: std::mem::take(&mut self.file.sources),
            feeds: std::mem::take(&mut self.file.feeds),
            snapshots: std::mem::take(&mut self.file.snapshots),
            sinks: std::mem::take(&mut self.file.sinks),
        })
    }

    /// The folders; those that a URL names take precedence.
    fn folders(&mut self, named: Option<&[Option<PathBuf>; 3]>) -> Option<Folders> {
        let by_url = |number: usize| named.and_then(|named| named[number].clone());
        let inbox = by_url(0).or_else(|| self.value("INBOX_DIR", folder));
        let archive = by_url(1).or_else(|| self.value("ARCHIVE_DIR", folder));
        let rejects = by_url(2).or_else(|| self.value("REJECTS_DIR", folder));
        let data = self.value("DATA_DIR", folder);
        for (name, folder) in [("ARCHIVE_DIR", &archive), ("REJECTS_DIR", &rejects), ("DATA_DIR", &data)] {
            self.outside_inbox(inbox.as_deref(), name, folder.as_deref());
        }
        Some(Folders { inbox: inbox?, archive: archive?, rejects: rejects?, data: data? })
    }

    /// The complaint about an inbox that was chosen and does not exist.
    fn missing_inbox(&self, inbox: &Path) -> Option<Complaint> {
        let variable = variable("INBOX_DIR");
        let place = self.given(variable)?.place;
        let is_chosen = place.is_some() || self.raw.get(variable.name).is_some();
        if !is_chosen || inbox.exists() {
            return None;
        }
        let setting =
            if place.is_some() { variable.name.to_ascii_lowercase() } else { variable.name.to_owned() };
        let problem = format!("is {inbox:?}, which does not exist: create the folder, or correct the path");
        Some(Complaint { place, setting, problem, example: None })
    }

    fn limits(&mut self) -> Option<Limits> {
        let max_resource_bytes = self.value("MAX_RESOURCE_BYTES", values::size(1 << 10, 1 << 27));
        let max_archive_members = self.value("MAX_ARCHIVE_MEMBERS", values::whole_number(1, 100_000_000));
        let max_archive_ratio = self.value("MAX_ARCHIVE_RATIO", values::whole_number(1, 1_000_000));
        let max_archive_bytes = self.value("MAX_ARCHIVE_BYTES", values::size(1 << 20, 1 << 50));
        let max_rejects_per_file = self.value("MAX_REJECTS_PER_FILE", values::whole_number(1, 1_000_000_000));
        Some(Limits {
            max_resource_bytes: max_resource_bytes?,
            max_archive_members: max_archive_members?,
            max_archive_ratio: max_archive_ratio?,
            max_archive_bytes: max_archive_bytes?,
            max_rejects_per_file: max_rejects_per_file?,
        })
    }

    fn log(&mut self) -> Option<LogSettings> {
        let dir = self.value("LOG_DIR", folder);
        let level = self.value("LOG_LEVEL", values::log_level);
        let format = self.value("LOG_FORMAT", values::log_format);
        let days = self.value("LOG_DAYS", values::whole_number(1, 3650));
        let standard_output = self.value("LOG_STDOUT", values::log_standard_output);
        let otlp_endpoint = self.optional("OTEL_EXPORTER_OTLP_ENDPOINT", values::public_url);
        if otlp_endpoint.is_some() && !cfg!(feature = "traces") {
            self.complain_of(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                "is set, but this fhirmill was built without the feature `traces`",
            );
        }
        Some(LogSettings {
            dir: dir?,
            level: level?,
            format: format?,
            days: days? as usize,
            standard_output: standard_output?,
            otlp_endpoint,
        })
    }

    /// The value of a variable that has a default.
    pub(super) fn value<Value>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<Value, Expectation>,
    ) -> Option<Value> {
        debug_assert!(!variable(name).default.is_empty(), "{name} has no default");
        self.optional(name, parse)
    }

    /// The value of a variable, if it is set or has a default.
    pub(super) fn optional<Value>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<Value, Expectation>,
    ) -> Option<Value> {
        let variable = variable(name);
        let Given { text, place } = self.given(variable)?;
        let problem = match text.map(|text| (text, parse(text))) {
            None => "is not UTF-8 text".to_owned(),
            Some((_, Ok(value))) => return Some(value),
            Some((_, Err(expectation))) if variable.secret => format!("must be {expectation}"),
            Some((text, Err(expectation))) => format!("is {text:?}, but must be {expectation}"),
        };
        self.complain(variable, place, problem);
        None
    }

    fn given(&self, variable: &'static Variable) -> Option<Given<'_>> {
        if let Some(given) = self.raw.get(variable.name) {
            return Some(Given { text: given.to_str().map(str::trim), place: None });
        }
        if let Some(assignment) = self.file.values.get(variable.name) {
            let place = Some(assignment.place.clone());
            return Some(Given { text: Some(assignment.text.trim()), place });
        }
        (!variable.default.is_empty()).then_some(Given { text: Some(variable.default), place: None })
    }

    fn shown(&self, variable: &'static Variable) -> ShownSetting {
        let text = self.given(variable).and_then(|given| given.text);
        let value = text.map(|text| if variable.secret { "set, not shown" } else { text }.to_owned());
        let is_default = text.is_none_or(|text| text == variable.default);
        ShownSetting { name: variable.name, help: variable.help, value, is_default }
    }

    /// Files that fhirmill writes must not be found by its own scan.
    pub(super) fn outside_inbox(&mut self, inbox: Option<&Path>, name: &'static str, folder: Option<&Path>) {
        let (Some(inbox), Some(folder)) = (inbox, folder) else { return };
        if folder.starts_with(inbox) {
            let variable = variable(name);
            let place = self.given(variable).and_then(|given| given.place);
            let problem = format!("is {folder:?}, but must not be inside INBOX_DIR ({inbox:?})");
            self.complain(variable, place, problem);
        }
    }

    /// Complains about a variable of this name, wherever it is set.
    pub(super) fn complain_of(&mut self, name: &str, problem: &str) {
        let variable = variable(name);
        let place = self.given(variable).and_then(|given| given.place);
        self.complain(variable, place, problem.to_owned());
    }

    fn complain(&mut self, variable: &Variable, place: Option<Place>, problem: String) {
        let (setting, example) = match place {
            Some(_) => (variable.name.to_ascii_lowercase(), file::example(variable)),
            None => (variable.name.to_owned(), format!("{}={}", variable.name, variable.example)),
        };
        self.complaints.push(Complaint { place, setting, problem, example: Some(example) });
    }
}

/// The variable of this name. Every name in this module is in the list.
fn variable(name: &str) -> &'static Variable {
    let found = VARIABLES.iter().find(|variable| variable.name == name);
    found.expect("every setting that is checked is in the list of variables")
}

/// An absolute path that is a folder, or does not exist yet.
pub(super) fn folder(text: &str) -> Result<PathBuf, Expectation> {
    let path = std::path::absolute(text).map_err(|_| "a path".to_owned())?;
    if path.exists() && !path.is_dir() {
        return Err("a folder, and this is a file".to_owned());
    }
    Ok(path)
}

fn processor_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ResourceTypes, Watch};
    use pretty_assertions::assert_eq;
    use std::ffi::OsString;
    use std::time::Duration;

    fn raw(values: &[(&'static str, &str)]) -> RawSettings {
        values.iter().map(|(name, value)| (*name, OsString::from(value))).collect()
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
    fn all_settings_are_shown_but_for_secrets() {
        let settings =
            raw(&[("DATABASE_URL", "postgres://u:swordfish@db/d"), ("WORKERS", "3")]).check().unwrap();
        assert_eq!(settings.shown.len(), VARIABLES.len());
        let shown = |name: &str| settings.shown.iter().find(|setting| setting.name == name).unwrap();
        assert_eq!(shown("DATABASE_URL").value.as_deref(), Some("set, not shown"));
        assert_eq!((shown("WORKERS").value.as_deref(), shown("WORKERS").is_default), (Some("3"), false));
        assert_eq!((shown("LOG_DAYS").value.as_deref(), shown("LOG_DAYS").is_default), (Some("14"), true));
        assert!(!format!("{settings:?}").contains("swordfish"));
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
        let settings: Vec<&str> =
            error.complaints.iter().map(|complaint| complaint.setting.as_str()).collect();
        assert_eq!(settings, ["DATABASE_URL", "ARCHIVE_DIR", "SCHEDULE", "SETTLE_SECONDS", "WORKERS"]);
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
    fn the_file_gives_way_to_what_is_typed_and_complaints_name_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fhirmill.toml");
        std::fs::write(
            &path,
            "workers = 3\nlog_days = 'many'\nschedule = 'hourly'\ndatabase_url = 'mysql://me:swordfish@db'\nnew = 1\n",
        )
        .unwrap();
        let file = path.to_str().unwrap();
        let typed = [(CONFIG_FILE, file), ("SCHEDULE", "*/5 * * * *"), ("SETTLE_SECONDS", "soon")];
        let text = raw(&typed).check().unwrap_err().to_string();
        assert!(text.starts_with("4 settings are wrong\n"), "{text}");
        for part in [
            format!("\n  {file}, line 4: database_url must be "),
            "\n  SETTLE_SECONDS is \"soon\", but must be ".to_owned(),
            format!(
                "\n  {file}, line 2: log_days is \"many\", but must be a whole number from 1 to 3650 (for example log_days = 14)"
            ),
            format!("\n  {file}, line 5: new is not a setting"),
        ] {
            assert!(text.contains(&part), "{part} in {text}");
        }
        assert!(!text.contains("swordfish"), "{text}");

        std::fs::write(&path, "workers = 3\nlog_days = 5\n[[source]]\nname = 'st-marys'\n").unwrap();
        let settings = raw(&[(CONFIG_FILE, file), ("LOG_DAYS", "7")]).check().unwrap();
        assert_eq!((settings.workers.get(), settings.log.days), (3, 7));
        assert_eq!(settings.sources[0].name, "st-marys");
    }
}
