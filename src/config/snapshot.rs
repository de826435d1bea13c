//! `[[snapshot]]` in the settings file: each snapshot has a name, a target and a schedule.

use std::str::FromStr;

use toml::Spanned;
use toml::de::DeValue;

use super::fields::Fields;
use super::file::Parser;
use super::schedule::Schedule;
use super::snapshot_settings::{Keep, SnapshotFormat, SnapshotPlan, SnapshotSettings, SnapshotTarget};
use super::values;

/// What a snapshot has.
const KEYS: [&str; 9] =
    ["name", "to", "schedule", "format", "schemas", "tables", "whole", "keep", "keep_for"];

impl Parser<'_> {
    /// The snapshots of the list.
    pub(super) fn snapshots(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut snapshots = Vec::new();
        self.entries("snapshot", items, &mut |fields| snapshots.extend(fields.snapshot()));
        self.file.snapshots.extend(snapshots);
    }
}

impl Fields<'_, '_, '_> {
    fn snapshot(&mut self) -> Option<SnapshotSettings> {
        let before = self.complaint_count();
        if !cfg!(feature = "lake") {
            self.complain("", "needs the feature `lake`, which this fhirmill was built without");
        }
        self.refuse_others(&KEYS, "of a snapshot");
        let to = self.required("to", SnapshotTarget::from_str);
        let schedule = self.parsed("schedule", Schedule::from_str);
        let format = self.parsed("format", SnapshotFormat::from_str).unwrap_or_default();
        let any = |_: &str| Ok(());
        let (schemas, tables) = (self.texts("schemas", any), self.texts("tables", any));
        let number = self.number("keep", 1, 100_000).map(|number| number as u32);
        let keep = Keep { number, age: self.parsed("keep_for", values::long_duration) };
        let is_whole = self.truth("whole").unwrap_or_default();
        let plan = SnapshotPlan { to: to?, format, schemas: schemas?, tables: tables?, is_whole, keep };
        let name = self.name().to_owned();
        (self.complaint_count() == before).then_some(SnapshotSettings { name, schedule, plan })
    }
}

#[cfg(test)]
#[cfg(all(feature = "lake", feature = "storage"))]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::config::StorageUrl;
    use crate::config::file::test_support::{assert_begin, parse};
    use pretty_assertions::assert_eq;

    #[test]
    fn a_snapshot_has_what_is_set_and_defaults_for_the_rest() {
        let (file, complaints) = parse(
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
        assert_eq!(file.snapshots[0], SnapshotSettings { name: "a".to_owned(), schedule: None, plan: first });
        let second = SnapshotPlan {
            to: SnapshotTarget::Store(StorageUrl::parse("s3://bucket/lake").unwrap()),
            format: SnapshotFormat::Csv,
            schemas: vec!["public".to_owned()],
            tables: vec!["etl.source".to_owned()],
            is_whole: true,
            keep: Keep { number: Some(7), age: Some(Duration::from_secs(400 * 24 * 60 * 60)) },
        };
        assert_eq!(file.snapshots[1].plan, second);
        assert_eq!(
            file.snapshots[1].schedule.as_ref().map(ToString::to_string).as_deref(),
            Some("0 0 4 * * *")
        );
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let (file, complaints) = parse(
            "[[snapshot]]\nname = 'a'\nshedule = '0 4 * * *'\n\
             [[snapshot]]\nname = 'a'\nto = '/x'\n\
             [[snapshot]]\nname = 'b'\nto = 'ftp://x'\nschedule = 'nightly'\nformat = 'orc'\ntables = 5\n\
             keep = 0\nkeep_for = 'long'\nwhole = 1\n",
        );
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
        assert_begin(&complaints, &begins);
        assert_eq!(file.snapshots, []);
    }
}
