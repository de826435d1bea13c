//! `[[snapshot]]` in the settings file: each snapshot has a name, a target and a schedule.

use std::collections::HashMap;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file::Parser;
use super::schedule::Schedule;
use super::snapshot_settings::{Keep, SnapshotFormat, SnapshotPlan, SnapshotSettings, SnapshotTarget};
use super::values::{self, Expectation};

/// What a snapshot has.
const KEYS: [&str; 9] =
    ["name", "to", "schedule", "format", "schemas", "tables", "whole", "keep", "keep_for"];

impl Parser<'_> {
    /// The snapshots of the list.
    pub(super) fn snapshots(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut lines: HashMap<String, usize> = HashMap::new();
        for item in items {
            let Some((name, offset)) = self.name("snapshot", item) else { continue };
            let line = self.place(offset).line;
            if let Some(first) = lines.insert(name.clone(), line) {
                self.complain(offset, "snapshot", &format!("{name:?} is already described in line {first}"));
                continue;
            }
            let Some(table) = item.get_ref().as_table() else { continue };
            let fields = Fields { table, offset: item.span().start, parser: self };
            if let Some(snapshot) = fields.snapshot(name) {
                self.file.snapshots.push(snapshot);
            }
        }
    }
}

/// The keys of one snapshot.
struct Fields<'p, 'f, 't> {
    table: &'t DeTable<'t>,
    offset: usize,
    parser: &'p mut Parser<'f>,
}

impl Fields<'_, '_, '_> {
    fn snapshot(mut self, name: String) -> Option<SnapshotSettings> {
        let before = self.parser.complaint_count();
        if !cfg!(feature = "lake") {
            let problem = format!("{name:?} needs the feature `lake`, which this fhirmill was built without");
            self.parser.complain(self.offset, "snapshot", &problem);
        }
        self.refuse_others();
        if !self.table.contains_key("to") {
            self.parser.complain(self.offset, "snapshot", &format!("{name:?} has no to"));
        }
        let to = self.parsed("to", SnapshotTarget::from_str);
        let schedule = self.parsed("schedule", Schedule::from_str);
        let format = self.parsed("format", SnapshotFormat::from_str).unwrap_or_default();
        let (schemas, tables) = (self.texts("schemas"), self.texts("tables"));
        let keep = Keep { number: self.number("keep"), age: self.parsed("keep_for", values::long_duration) };
        let is_whole = self.truth("whole");
        let plan = SnapshotPlan { to: to?, format, schemas, tables, is_whole, keep };
        (self.parser.complaint_count() == before).then_some(SnapshotSettings { name, schedule, plan })
    }

    fn refuse_others(&mut self) {
        for key in self.table.keys() {
            let name = key.get_ref().as_ref();
            if !KEYS.contains(&name) {
                let known = super::resource_type::nearest_name(name, KEYS.into_iter());
                let hint = known.map_or_else(String::new, |known| format!("; did you mean {known}?"));
                let problem = format!("is not a setting of a snapshot{hint}");
                self.parser.complain(key.span().start, name, &problem);
            }
        }
    }

    fn complain(&mut self, key: &str, problem: &str) {
        let place = self.table.get_key_value(key).map(|(key, _)| key.span().start);
        self.parser.complain(place.unwrap_or(self.offset), key, problem);
    }

    fn parsed<Value>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<Value, Expectation>,
    ) -> Option<Value> {
        let Some(text) =
            self.table.get(key)?.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty())
        else {
            self.complain(key, "must be a string that is not empty");
            return None;
        };
        match parse(text) {
            Ok(value) => Some(value),
            Err(expectation) => {
                self.complain(key, &format!("is {text:?}, but must be {expectation}"));
                None
            }
        }
    }

    /// A list of strings, or one.
    fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let texts: Option<Vec<String>> = match value.get_ref() {
            DeValue::String(text) => Some(vec![text.to_string()]),
            DeValue::Array(items) => {
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if texts.is_none() {
            self.complain(key, "must be a list of strings");
        }
        texts.unwrap_or_default()
    }

    fn number(&mut self, key: &str) -> Option<u32> {
        let value = self.table.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.to_string().parse::<u32>().ok(),
            _ => None,
        };
        let number = number.filter(|number| (1..=100_000).contains(number));
        if number.is_none() {
            self.complain(key, "must be a whole number from 1 to 100000");
        }
        number
    }

    fn truth(&mut self, key: &str) -> bool {
        let Some(value) = self.table.get(key) else { return false };
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.complain(key, "must be true or false");
        }
        truth.unwrap_or_default()
    }
}

#[cfg(test)]
#[cfg(all(feature = "lake", feature = "storage"))]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::config::StorageUrl;
    use crate::config::complaint::Complaint;
    use crate::config::file::read;
    use pretty_assertions::assert_eq;

    fn parse(text: &str) -> (Vec<SnapshotSettings>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fhirmill.toml");
        std::fs::write(&path, text).unwrap();
        let mut complaints: Vec<Complaint> = Vec::new();
        let file = read(&path, false, &mut complaints);
        let prefix = format!("{}, ", path.display());
        let complaints = complaints.iter().map(|complaint| complaint.to_string().replace(&prefix, ""));
        (file.snapshots, complaints.collect())
    }

    #[test]
    fn a_snapshot_has_what_is_set_and_defaults_for_the_rest() {
        let (snapshots, complaints) = parse(
            "[[snapshot]]\nname = 'a'\nto = '/lake'\n\
             [[snapshot]]\nname = 'b'\nto = 's3://bucket/lake/'\nschedule = '0 4 * * *'\nformat = 'csv'\n\
             schemas = ['public']\ntables = 'etl.source'\nwhole = true\nkeep = 7\nkeep_for = '400d'\n",
        );
        assert_eq!(complaints, Vec::<String>::new());
        let first = SnapshotPlan {
            to: SnapshotTarget::Folder(PathBuf::from("/lake")),
            format: SnapshotFormat::Parquet,
            schemas: Vec::new(),
            tables: Vec::new(),
            is_whole: false,
            keep: Keep::default(),
        };
        assert_eq!(snapshots[0], SnapshotSettings { name: "a".to_owned(), schedule: None, plan: first });
        let second = SnapshotPlan {
            to: SnapshotTarget::Store(StorageUrl::parse("s3://bucket/lake").unwrap()),
            format: SnapshotFormat::Csv,
            schemas: vec!["public".to_owned()],
            tables: vec!["etl.source".to_owned()],
            is_whole: true,
            keep: Keep { number: Some(7), age: Some(Duration::from_secs(400 * 24 * 60 * 60)) },
        };
        assert_eq!(snapshots[1].plan, second);
        assert_eq!(snapshots[1].schedule.as_ref().map(ToString::to_string).as_deref(), Some("0 0 4 * * *"));
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let (snapshots, mut complaints) = parse(
            "[[snapshot]]\nname = 'a'\nshedule = '0 4 * * *'\n\
             [[snapshot]]\nname = 'a'\nto = '/x'\n\
             [[snapshot]]\nname = 'b'\nto = 'ftp://x'\nschedule = 'nightly'\nformat = 'orc'\ntables = 5\n\
             keep = 0\nkeep_for = 'long'\nwhole = 1\n",
        );
        complaints
            .sort_by_key(|complaint| complaint[5..].split(':').next().unwrap().parse::<usize>().unwrap());
        let begins = [
            "line 1: snapshot \"a\" has no to",
            "line 3: shedule is not a setting of a snapshot; did you mean schedule?",
            "line 5: snapshot \"a\" is already described in line 2",
            "line 9: to is \"ftp://x\", but must be a folder, or the URL of a bucket",
            "line 10: schedule is \"nightly\", but must be a cron expression",
            "line 11: format is \"orc\", but must be parquet, arrow, csv or ndjson",
            "line 12: tables must be a list of strings",
            "line 13: keep must be a whole number from 1 to 100000",
            "line 14: keep_for is \"long\", but must be a duration",
            "line 15: whole must be true or false",
        ];
        assert_eq!(complaints.len(), begins.len(), "{complaints:#?}");
        for (complaint, begin) in complaints.iter().zip(begins) {
            assert!(complaint.starts_with(begin), "{complaint:?} does not begin with {begin:?}");
        }
        assert_eq!(snapshots, []);
    }
}
