//! The *settings file* `fhirmill.toml`: the settings that can be given by flags
//! and in the environment, and lists of things that have names.
//!
//! ```toml
//! settle_seconds = 5
//! resource_types = ["Patient", "Encounter"]
//! database_url_file = "/run/secrets/database_url"
//!
//! [[source]]
//! name = "st-marys"
//! description = "St Mary's, nightly export"
//! ```
//!
//! A setting has its variable's name in lower case. A secret may be in a file
//! of its own, named by the setting with `_file` added. Everything that is not
//! understood is a [`Complaint`] with its line.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::complaint::{Complaint, Place};
use super::feed_settings::FeedSettings;
use super::settings::SourceSettings;
use super::sink_settings::SinkSettings;
use super::snapshot_settings::SnapshotSettings;
use super::variables::{CONFIG_FILE, VARIABLES, Variable};

/// A setting's text, and where it is.
#[derive(Clone)]
pub struct Assignment {
    pub text: String,
    pub place: Place,
}

/// What a settings file says.
#[derive(Default)]
pub struct SettingsFile {
    /// By the name of the variable.
    pub values: HashMap<&'static str, Assignment>,
    pub sources: Vec<SourceSettings>,
    pub feeds: Vec<FeedSettings>,
    pub snapshots: Vec<SnapshotSettings>,
    pub sinks: Vec<SinkSettings>,
}

/// Reads a settings file, as far as it can be understood, and adds what is
/// wrong with it to `complaints`. With `is_optional`, a missing file is empty.
pub fn read(path: &Path, is_optional: bool, complaints: &mut Vec<Complaint>) -> SettingsFile {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if is_optional && error.kind() == std::io::ErrorKind::NotFound => {
            return SettingsFile::default();
        }
        Err(error) => {
            complaints.push(Complaint {
                place: None,
                setting: CONFIG_FILE.to_owned(),
                problem: format!("names {}, which cannot be read: {error}", path.display()),
                example: None,
            });
            return SettingsFile::default();
        }
    };
    let mut parser = Parser { path, text: &text, complaints, file: SettingsFile::default() };
    let (document, errors) = DeTable::parse_recoverable(&text);
    for error in errors {
        // The message names keys at most; the line itself may hold a secret.
        parser.complain(error.span().map_or(0, |span| span.start), "the line", error.message());
    }
    parser.document(document.get_ref());
    parser.file
}

/// One pass over a settings file.
pub(super) struct Parser<'f> {
    path: &'f Path,
    text: &'f str,
    complaints: &'f mut Vec<Complaint>,
    pub(super) file: SettingsFile,
}

impl Parser<'_> {
    fn document(&mut self, document: &DeTable<'_>) {
        for (key, value) in document {
            let (name, offset) = (key.get_ref().as_ref(), key.span().start);
            match (name, value.get_ref()) {
                ("source", DeValue::Array(items)) => self.sources(items),
                ("feed", DeValue::Array(items)) => self.feeds(items),
                ("snapshot", DeValue::Array(items)) => self.snapshots(items),
                ("sink", DeValue::Array(items)) => self.sinks(items),
                ("source" | "feed" | "sink" | "snapshot", _) => {
                    self.complain(offset, name, &format!("must be a list: write [[{name}]]"));
                }
                (_, value) => self.setting(name, value, offset),
            }
        }
    }

    /// A setting that has a variable.
    fn setting(&mut self, key: &str, value: &DeValue<'_>, offset: usize) {
        let named = |name: &str| VARIABLES.iter().find(|variable| variable.name.eq_ignore_ascii_case(name));
        let is_lower_case = !key.contains(|letter: char| letter.is_ascii_uppercase());
        let secret = key.strip_suffix("_file").and_then(named).filter(|variable| variable.secret);
        let found = if is_lower_case { named(key).or(secret) } else { None };
        let Some(variable) = found.filter(|variable| variable.name != CONFIG_FILE) else {
            return self.complain(offset, key, "is not a setting; see `fhirmill help once`");
        };
        let Some(text) = text_of(value) else {
            let kind = value.type_str();
            return self.complain(offset, key, &format!("is of type {kind}, but must be one value"));
        };
        let text = if secret.is_some() { self.secret(key, &text, offset) } else { Some(text) };
        if self.file.values.contains_key(variable.name) {
            let (name, file) = (variable.name.to_ascii_lowercase(), key);
            return self.complain(
                offset,
                file,
                &format!("cannot be set together with {name} or {name}_file"),
            );
        }
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            let place = self.place(offset);
            self.file.values.insert(variable.name, Assignment { text, place });
        }
    }

    /// The secret in the file at `path`.
    fn secret(&mut self, key: &str, path: &str, offset: usize) -> Option<String> {
        match std::fs::read_to_string(path) {
            Ok(secret) => Some(secret.trim().to_owned()),
            Err(error) => {
                self.complain(offset, key, &format!("names {path:?}, which cannot be read: {error}"));
                None
            }
        }
    }

    /// The name of an entry of a list, and where it is.
    pub(super) fn name(&mut self, list: &str, item: &Spanned<DeValue<'_>>) -> Option<(String, usize)> {
        let Some(table) = item.get_ref().as_table() else {
            self.complain(item.span().start, list, &format!("must be a table: write [[{list}]]"));
            return None;
        };
        let name = table.get("name");
        match name.map(|name| (name.get_ref().as_str(), name.span().start)) {
            Some((Some(name), offset)) if !name.trim().is_empty() => Some((name.to_owned(), offset)),
            Some((_, offset)) => {
                self.complain(offset, list, "needs a string as its name");
                None
            }
            None => {
                self.complain(item.span().start, list, "has no name");
                None
            }
        }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let before = self.text.as_bytes().iter().take(offset);
        let line = before.filter(|byte| **byte == b'\n').count() + 1;
        Place { path: PathBuf::from(self.path), line }
    }

    /// How many complaints there are so far.
    pub(super) fn complaint_count(&self) -> usize {
        self.complaints.len()
    }

    pub(super) fn complain(&mut self, offset: usize, setting: &str, problem: &str) {
        let (place, setting) = (Some(self.place(offset)), setting.to_owned());
        self.complaints.push(Complaint { place, setting, problem: problem.to_owned(), example: None });
    }
}

/// A value as the environment would have it.
fn text_of(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Float(number) => Some(number.to_string()),
        DeValue::Boolean(truth) => Some(truth.to_string()),
        DeValue::Array(items) => {
            let names: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            Some(names?.join(","))
        }
        DeValue::Datetime(_) | DeValue::Table(_) => None,
    }
}

/// An assignment of the variable's example, as this file has it.
pub fn example(variable: &Variable) -> String {
    let (name, value) = (variable.name.to_ascii_lowercase(), variable.example);
    match value.parse::<f64>() {
        Ok(_) => format!("{name} = {value}"),
        Err(_) => format!("{name} = {value:?}"),
    }
}

#[cfg(test)]
pub(super) mod test_support {
    use super::*;
    use pretty_assertions::assert_eq;

    /// Reads the text of a settings file: what it says, and the complaints in the order of their
    /// lines, without the path.
    pub fn parse(text: &str) -> (SettingsFile, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fhirmill.toml");
        std::fs::write(&path, text).unwrap();
        let mut complaints = Vec::new();
        let file = read(&path, false, &mut complaints);
        let prefix = format!("{}, ", path.display());
        let mut complaints: Vec<String> =
            complaints.iter().map(|complaint| complaint.to_string().replace(&prefix, "")).collect();
        complaints.sort_by_key(|complaint| line(complaint));
        (file, complaints)
    }

    /// The complaints begin like this, in the order of their lines.
    #[track_caller]
    pub fn assert_begin(complaints: &[String], begins: &[&str]) {
        let mut begins = begins.to_vec();
        begins.sort_by_key(|begin| line(begin));
        assert_eq!(complaints.len(), begins.len(), "{complaints:#?}");
        for (complaint, begin) in complaints.iter().zip(begins) {
            assert!(complaint.starts_with(begin), "{complaint:?} does not begin with {begin:?}");
        }
    }

    /// The line that a complaint is of: `line 3: …`.
    fn line(complaint: &str) -> usize {
        complaint[5..].split(':').next().unwrap().parse().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::test_support::parse;
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn values_of_every_type_are_texts() {
        let (file, complaints) = parse(
            "workers = 4\nsettle_seconds = 0.5\ninbox_dir = './in'\nresource_types = ['Patient', 'Claim']\n\
             log_level = ''\n",
        );
        assert_eq!(complaints, Vec::<String>::new());
        let mut values: Vec<(&str, &str, usize)> = file
            .values
            .iter()
            .map(|(name, assignment)| (*name, assignment.text.as_str(), assignment.place.line))
            .collect();
        values.sort_unstable();
        let expected = [
            ("INBOX_DIR", "./in", 3),
            ("RESOURCE_TYPES", "Patient,Claim", 4),
            ("SETTLE_SECONDS", "0.5", 2),
            ("WORKERS", "4", 1),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn every_complaint_comes_at_once_with_its_line() {
        let text = "\
settle_second = 3
WORKERS = 2
fhirmill_config = 'other.toml'
inbox_dir_file = 'x'
log_days = 2026-03-01
feed = 'kafka'

[[source]]
name = 'st-marys'
description = 5
url = 'x'

[[source]]
name = 'st-marys'

[[source]]
name = '../etc'

[[source]]
description = 'nameless'
";
        let (file, complaints) = parse(text);
        let expected = [
            "line 1: settle_second is not a setting; see `fhirmill help once`",
            "line 2: WORKERS is not a setting; see `fhirmill help once`",
            "line 3: fhirmill_config is not a setting; see `fhirmill help once`",
            "line 4: inbox_dir_file is not a setting; see `fhirmill help once`",
            "line 5: log_days is of type datetime, but must be one value",
            "line 6: feed must be a list: write [[feed]]",
            "line 10: description must be a string",
            "line 11: url is not a setting of a source: it has name, description, interval, prefix, views",
            "line 14: source \"st-marys\" is already described in line 9",
            "line 17: source has the name \"../etc\", which no folder can have",
            "line 19: source has no name",
        ];
        assert_eq!(complaints, expected);
        assert_eq!(
            file.sources,
            [SourceSettings {
                name: "st-marys".to_owned(),
                description: None,
                interval: None,
                prefix: None,
                views: false
            }]
        );
    }

    #[test]
    fn a_line_that_is_not_toml_is_a_complaint_that_does_not_show_it() {
        let (file, complaints) = parse("workers = 4\ndatabase_url = swordfish@db\nlog_days = 3\n");
        assert!(complaints[0].starts_with("line 2: "), "{complaints:?}");
        assert!(!complaints.concat().contains("swordfish"), "{complaints:?}");
        assert_eq!(file.values["WORKERS"].text, "4");
    }

    #[test]
    fn a_secret_may_be_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let secret = folder.path().join("url");
        std::fs::write(&secret, "postgres://me:swordfish@db/fhir\n").unwrap();
        let (file, complaints) = parse(&format!("database_url_file = {secret:?}"));
        assert_eq!(complaints, Vec::<String>::new());
        assert_eq!(file.values["DATABASE_URL"].text, "postgres://me:swordfish@db/fhir");
        let (_, complaints) = parse(&format!("database_url = 'x'\ndatabase_url_file = {secret:?}"));
        assert_eq!(
            complaints,
            ["line 2: database_url_file cannot be set together with database_url or database_url_file"]
        );
        let (_, complaints) = parse("database_url_file = '/nowhere'");
        assert!(
            complaints[0].starts_with("line 1: database_url_file names \"/nowhere\", which cannot be read")
        );
    }

    #[test]
    fn only_a_file_that_is_asked_for_must_be_there() {
        let path = Path::new("/nowhere/fhirmill.toml");
        let mut complaints = Vec::new();
        read(path, true, &mut complaints);
        assert!(complaints.is_empty());
        read(path, false, &mut complaints);
        let complaint = complaints[0].to_string();
        assert!(complaint.starts_with("FHIRMILL_CONFIG names /nowhere/fhirmill.toml, which"), "{complaint}");
    }
}
