//! `[[feed]]` in the settings file: each feed has a name, a kind, a source and a
//! schedule, and what its kind needs.

use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::DeValue;

use super::feed_settings::{FeedKind, FeedSettings};
use super::fields::Fields;
use super::file::Parser;
use super::kafka_settings::TopicSettings;
use super::schedule::Schedule;
use crate::inbox::source_folder;

/// What every feed has.
pub(super) const COMMON: [&str; 4] = ["name", "kind", "source", "schedule"];
/// The kinds of feeds that this version has.
const KINDS: &str = "export (a FHIR server with Bulk Data $export) and kafka (topics of Kafka)";

impl Parser<'_> {
    /// The feeds of the list.
    pub(super) fn feeds(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut feeds = Vec::new();
        self.entries("feed", items, &mut |fields| feeds.extend(fields.feed()));
        self.file.feeds.extend(feeds);
    }
}

impl Fields<'_, '_, '_> {
    fn feed(&mut self) -> Option<FeedSettings> {
        let before = self.complaint_count();
        if !cfg!(feature = "feeds") {
            self.complain("", "needs the feature `feeds`, which this fhirmill was built without");
        }
        let kind = self.text("kind");
        let source_name = |text: &str| match source_folder(Path::new(""), text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err("a name that a folder can have".to_owned()),
        };
        // Topics of Kafka may have sources of their own.
        let mut source = match kind.as_deref() {
            Some("kafka") => self.parsed("source", source_name),
            _ => self.required("source", source_name),
        };
        let is_kafka = kind.as_deref() == Some("kafka");
        let schedule = self.parsed("schedule", |text| match text {
            "continuous" if is_kafka => Ok(None),
            _ if is_kafka => Err("continuous, or missing: a Kafka feed runs all the time".to_owned()),
            "continuous" => {
                Err("a cron expression: an export ends, and is asked for again by its schedule".to_owned())
            }
            _ => Schedule::from_str(text).map(Some),
        });
        let kind = match kind.as_deref() {
            Some("export") => self.export().map(|export| FeedKind::Export(Box::new(export))),
            Some("kafka") => {
                let kafka = self.kafka(source.as_deref());
                source = source.or_else(|| Some(sources(&kafka.as_ref()?.topics)));
                kafka.map(|kafka| FeedKind::Kafka(Box::new(kafka)))
            }
            Some(kind) => {
                self.complain("kind", &format!("is of kind {kind:?}, but this version has only {KINDS}"));
                None
            }
            None if self.has("kind") => None,
            None => {
                self.complain("", &format!("has no kind: this version has {KINDS}"));
                None
            }
        };
        let schedule = schedule.flatten();
        let feed = FeedSettings { name: self.name().to_owned(), source: source?, schedule, kind: kind? };
        (self.complaint_count() == before).then_some(feed)
    }
}

/// The sources of topics, for people.
fn sources(topics: &[TopicSettings]) -> String {
    let mut sources: Vec<&str> = topics.iter().map(|topic| topic.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::feed_settings::{
        ExportAuthorization, ExportLevel, ExportMethod, ExportSettings, Secret, SmartSettings,
    };
    use crate::config::file::test_support::{assert_begin, parse};
    use pretty_assertions::assert_eq;

    #[test]
    fn a_feed_has_what_is_set_and_defaults_for_the_rest() {
        let (file, complaints) = parse(
            "[[feed]]\nname = 'a'\nkind = 'export'\nsource = 'north'\nurl = 'https://ehr.example/r4'\n\
             [[feed]]\nname = 'b'\nkind = 'export'\nsource = 'south'\nschedule = '0 2 * * *'\ngroup = '7'\n\
             url = 'http://ehr:8080/r4'\ntypes = ['Patient', 'Claim']\ntype_filters = 'Claim?status=active'\n\
             since = '2026-01-01'\nincremental = false\nmethod = 'post'\nclient_id = 'mill'\n\
             private_key_environment = 'KEY'\ndownloads = 9\nretry_wait = '10ms'\nretries = 0\ndelete_export = false\n",
        );
        assert_eq!(complaints, Vec::<String>::new());
        let FeedKind::Export(first) = &file.feeds[0].kind else { panic!("an export") };
        assert_eq!(**first, ExportSettings::of("https://ehr.example/r4".to_owned()));
        assert_eq!(file.feeds[0].schedule, None);
        let FeedKind::Export(second) = &file.feeds[1].kind else { panic!("an export") };
        assert_eq!((file.feeds[1].name.as_str(), file.feeds[1].source.as_str()), ("b", "south"));
        let smart = SmartSettings {
            client_id: "mill".to_owned(),
            private_key: Secret::Environment("KEY".to_owned()),
            key_id: None,
            token_url: None,
            scope: None,
        };
        let wanted = ExportSettings {
            level: ExportLevel::Group("7".to_owned()),
            types: vec!["Patient".to_owned(), "Claim".to_owned()],
            type_filters: vec!["Claim?status=active".to_owned()],
            since: Some("2026-01-01T00:00:00Z".to_owned()),
            incremental: false,
            method: ExportMethod::Post,
            authorization: ExportAuthorization::Smart(smart),
            downloads: 9,
            retry_wait: Duration::from_millis(10),
            retries: 0,
            delete_export: false,
            ..ExportSettings::of("http://ehr:8080/r4".to_owned())
        };
        assert_eq!(**second, wanted);
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let (file, complaints) = parse(
            "[[feed]]\nname = 'a'\nkind = 'ftp'\nsource = 'north'\n\
             [[feed]]\nname = 'b'\nsource = '../etc'\n\
             [[feed]]\nname = 'c'\nkind = 'export'\nsource = 'north'\nschedule = 'nightly'\nurl = 'ehr.example'\n\
             [[feed]]\nname = 'd'\nkind = 'export'\nurl = 'https://e'\nsource = 'n'\nschedule = 'continuous'\n\
             tpyes = ['Patient']\ntypes = ['Pateint']\ntype_filters = ['Patient']\nlevel = 'group'\nsince = 'x'\n\
             downloads = 0\nincremental = 'yes'\ntoken_file = 't'\nclient_id = 'c'\nretries = 1.5\n\
             [[feed]]\nname = 'd'\nkind = 'export'\n\
             [[feed]]\nname = 'e'\nkind = 'export'\nsource = 'n'\nurl = 'https://me:pw@e'\nscope = 's'\n",
        );
        let begins = [
            "line 3: feed \"a\" is of kind \"ftp\", but this version has only export",
            "line 5: feed \"b\" has no kind",
            "line 7: source is \"../etc\", but must be a name that a folder can have",
            "line 12: schedule is \"nightly\", but must be a cron expression",
            "line 13: url is \"ehr.example\", but must be a URL that begins with https:// or http://",
            "line 14: feed \"d\" has both a token and a client_id",
            "line 19: schedule is \"continuous\", but must be a cron expression",
            "line 20: tpyes is not a setting of an export; did you mean types?",
            "line 21: types has \"Pateint\": FHIR R4 has no resource type Pateint; did you mean Patient?",
            "line 22: type_filters has \"Patient\": must be like",
            "line 23: level is \"group\", but the id of the group is missing",
            "line 24: since is \"x\", but must be a time",
            "line 25: downloads must be a whole number from 1 to 64",
            "line 26: incremental must be true or false",
            "line 29: retries must be a whole number from 0 to 1000",
            "line 31: feed \"d\" is already described in line 15",
            "line 38: scope needs client_id and private_key_file",
            "line 37: url must be a URL without",
        ];
        assert_begin(&complaints, &begins);
        assert_eq!(file.feeds, []);
        assert!(!complaints.concat().contains("pw"), "{complaints:?}");
    }
}
