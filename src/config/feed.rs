//! `[[feed]]` in the settings file: each feed has a name, a kind, a source and a
//! schedule, and what its kind needs.

use std::collections::HashMap;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::feed_settings::{
    ExportAuthorization, ExportLevel, ExportMethod, ExportSettings, FeedKind, FeedSettings, Secret,
    SmartSettings,
};
use super::file::Parser;
use super::kafka_settings::TopicSettings;
use super::resource_type::resource_type;
use super::schedule::Schedule;
use super::values::{self, Expectation};
use crate::inbox::source_folder;

/// What every feed has.
const COMMON: [&str; 4] = ["name", "kind", "source", "schedule"];
/// What an export has besides.
const EXPORT: [&str; 25] = [
    "url",
    "level",
    "group",
    "types",
    "type_filters",
    "elements",
    "patients",
    "include_associated_data",
    "organize_output_by",
    "since",
    "incremental",
    "method",
    "token_file",
    "token_environment",
    "client_id",
    "private_key_file",
    "private_key_environment",
    "key_id",
    "token_url",
    "scope",
    "downloads",
    "retry_wait",
    "retries",
    "give_up_after",
    "delete_export",
];
/// The kinds of feeds that this version has.
const KINDS: &str = "export (a FHIR server with Bulk Data $export) and kafka (topics of Kafka)";

impl Parser<'_> {
    /// The feeds of the list.
    pub(super) fn feeds(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut lines: HashMap<String, usize> = HashMap::new();
        for item in items {
            let Some((name, offset)) = self.name("feed", item) else { continue };
            let line = self.place(offset).line;
            if let Some(first) = lines.insert(name.clone(), line) {
                self.complain(offset, "feed", &format!("{name:?} is already described in line {first}"));
                continue;
            }
            let Some(table) = item.get_ref().as_table() else { continue };
            let fields = Fields { table, feed: &name, offset: item.span().start, parser: self };
            if let Some(feed) = fields.feed() {
                self.file.feeds.push(feed);
            }
        }
    }
}

/// The keys of one feed.
pub(super) struct Fields<'p, 'f, 't> {
    table: &'t DeTable<'t>,
    feed: &'t str,
    offset: usize,
    parser: &'p mut Parser<'f>,
}

impl<'t> Fields<'_, '_, 't> {
    /// The name of the feed.
    pub(super) fn name(&self) -> &str {
        self.feed
    }

    /// Its settings, as they are written.
    pub(super) fn table(&self) -> &'t DeTable<'t> {
        self.table
    }

    /// Whether it has that setting.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }
}

impl Fields<'_, '_, '_> {
    fn feed(mut self) -> Option<FeedSettings> {
        let before = self.parser.complaint_count();
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
            None if self.table.contains_key("kind") => None,
            None => {
                self.complain("", &format!("has no kind: this version has {KINDS}"));
                None
            }
        };
        let schedule = schedule.flatten();
        let feed = FeedSettings { name: self.feed.to_owned(), source: source?, schedule, kind: kind? };
        (self.parser.complaint_count() == before).then_some(feed)
    }

    fn export(&mut self) -> Option<ExportSettings> {
        self.refuse_others(&EXPORT, "of an export");
        let url = self.required("url", values::web_url);
        let defaults = ExportSettings::of(url.clone().unwrap_or_default());
        let export = ExportSettings {
            level: self.level(),
            types: self.texts("types", |name| resource_type(name).map(|_| ()))?,
            type_filters: self.texts("type_filters", |filter| match filter.split_once('?') {
                Some((name, query)) if !query.is_empty() => resource_type(name).map(|_| ()),
                _ => Err("must be like \"Observation?category=laboratory\"".to_owned()),
            })?,
            elements: self.texts("elements", anything)?,
            patients: self.texts("patients", anything)?,
            include_associated_data: self.texts("include_associated_data", anything)?,
            organize_output_by: self.parsed("organize_output_by", |name| {
                resource_type(name).map(|found| found.name().to_owned())
            }),
            since: self.parsed("since", values::instant),
            incremental: self.truth("incremental").unwrap_or(defaults.incremental),
            method: self.parsed("method", method).unwrap_or(defaults.method),
            authorization: self.authorization(),
            downloads: self.number("downloads", 1, 64).map_or(defaults.downloads, |number| number as usize),
            retry_wait: self.parsed("retry_wait", values::pause).unwrap_or(defaults.retry_wait),
            retries: self.number("retries", 0, 1000).map_or(defaults.retries, |number| number as u32),
            give_up_after: self.parsed("give_up_after", values::duration).unwrap_or(defaults.give_up_after),
            delete_export: self.truth("delete_export").unwrap_or(defaults.delete_export),
            ..defaults
        };
        url.map(|_| export)
    }

    fn level(&mut self) -> ExportLevel {
        let group = self.text("group");
        match (self.text("level").as_deref(), group) {
            (None | Some("group"), Some(group)) => ExportLevel::Group(group),
            (None | Some("system"), None) => ExportLevel::System,
            (Some("patient"), None) => ExportLevel::Patient,
            (Some("group"), None) => {
                self.complain("level", "is \"group\", but the id of the group is missing: group = \"…\"");
                ExportLevel::System
            }
            (Some("system" | "patient"), Some(_)) => {
                self.complain("group", "can only be set where level is \"group\"");
                ExportLevel::System
            }
            (Some(level), _) => {
                self.complain("level", &format!("is {level:?}, but must be system, patient or group"));
                ExportLevel::System
            }
        }
    }

    fn authorization(&mut self) -> ExportAuthorization {
        let token = self.secret("token");
        let private_key = self.secret("private_key");
        let client_id = self.text("client_id");
        let (key_id, scope) = (self.text("key_id"), self.text("scope"));
        let token_url = self.parsed("token_url", values::web_url);
        match (token, client_id, private_key) {
            (None, None, None) => {
                for key in ["key_id", "token_url", "scope"] {
                    if self.table.contains_key(key) {
                        self.complain(key, "needs client_id and private_key_file");
                    }
                }
                ExportAuthorization::None
            }
            (Some(token), None, None) => ExportAuthorization::Token(token),
            (None, Some(client_id), Some(private_key)) => {
                ExportAuthorization::Smart(SmartSettings { client_id, private_key, key_id, token_url, scope })
            }
            (Some(_), ..) => {
                self.complain("", "has both a token and a client_id or private key: it needs one of them");
                ExportAuthorization::None
            }
            (None, Some(_), None) => {
                self.complain("client_id", "needs private_key_file or private_key_environment");
                ExportAuthorization::None
            }
            (None, None, Some(_)) => {
                self.complain("", "has a private key, but no client_id");
                ExportAuthorization::None
            }
        }
    }

    /// A secret by file or by environment; the file itself is read when it is needed.
    pub(super) fn secret(&mut self, name: &str) -> Option<Secret> {
        let (file_key, environment_key) = (format!("{name}_file"), format!("{name}_environment"));
        let file = self
            .parsed(&file_key, |path| std::path::absolute(path).map_err(|_| "the path of a file".to_owned()));
        match (file, self.text(&environment_key)) {
            (Some(_), Some(_)) => {
                self.complain(&environment_key, &format!("cannot be set together with {file_key}"));
                None
            }
            (Some(file), None) => Some(Secret::File(file)),
            (None, Some(variable)) => Some(Secret::Environment(variable)),
            (None, None) => None,
        }
    }

    pub(super) fn refuse_others(&mut self, more: &[&str], of: &str) {
        let table = self.table;
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !COMMON.contains(&name) && !more.contains(&name) {
                let known = super::resource_type::nearest_name(name, COMMON.iter().chain(more).copied());
                let hint = known.map_or_else(String::new, |known| format!("; did you mean {known}?"));
                self.parser.complain(key.span().start, name, &format!("is not a setting {of}{hint}"));
            }
        }
    }

    /// Complains of a key, or of the feed where it is missing.
    pub(super) fn complain(&mut self, key: &str, problem: &str) {
        let place = self.table.get_key_value(key).map(|(key, _)| key.span().start);
        match place {
            Some(place) if key == "kind" => {
                self.parser.complain(place, "feed", &format!("{:?} {problem}", self.feed))
            }
            Some(place) => self.parser.complain(place, key, problem),
            None => self.parser.complain(self.offset, "feed", &format!("{:?} {problem}", self.feed)),
        }
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let value = self.table.get(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            _ => {
                self.complain(key, "must be a string that is not empty");
                None
            }
        }
    }

    pub(super) fn parsed<Value>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<Value, Expectation>,
    ) -> Option<Value> {
        let text = self.text(key)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(expectation) => {
                // A URL may have a password.
                let problem = match text.contains('@') {
                    true => format!("must be {expectation}"),
                    false => format!("is {text:?}, but must be {expectation}"),
                };
                self.complain(key, &problem);
                None
            }
        }
    }

    fn required<Value>(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<Value, Expectation>,
    ) -> Option<Value> {
        if !self.table.contains_key(key) {
            self.complain(key, &format!("has no {key}"));
        }
        self.parsed(key, parse)
    }

    /// A list of strings, or one.
    pub(super) fn texts(
        &mut self,
        key: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Option<Vec<String>> {
        let Some(value) = self.table.get(key) else { return Some(Vec::new()) };
        let texts: Option<Vec<String>> = match value.get_ref() {
            DeValue::String(text) => Some(vec![text.to_string()]),
            DeValue::Array(items) => {
                items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        let Some(texts) = texts else {
            self.complain(key, "must be a list of strings");
            return None;
        };
        for text in &texts {
            if let Err(complaint) = check(text) {
                self.complain(key, &format!("has {text:?}: {complaint}"));
            }
        }
        Some(texts)
    }

    fn truth(&mut self, key: &str) -> Option<bool> {
        let truth = self.table.get(key)?.get_ref().as_bool();
        if truth.is_none() {
            self.complain(key, "must be true or false");
        }
        truth
    }

    pub(super) fn number(&mut self, key: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.table.get(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.to_string().parse::<u64>().ok(),
            _ => None,
        };
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.complain(key, &format!("must be a whole number from {least} to {most}"));
        }
        number
    }
}

/// The sources of topics, for people.
fn sources(topics: &[TopicSettings]) -> String {
    let mut sources: Vec<&str> = topics.iter().map(|topic| topic.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.join(", ")
}

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn method(text: &str) -> Result<ExportMethod, Expectation> {
    match text {
        "auto" => Ok(ExportMethod::Auto),
        "get" => Ok(ExportMethod::Get),
        "post" => Ok(ExportMethod::Post),
        _ => Err("auto, get or post".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::config::complaint::Complaint;
    use crate::config::file::read;
    use pretty_assertions::assert_eq;

    fn parse(text: &str) -> (Vec<FeedSettings>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fhirmill.toml");
        std::fs::write(&path, text).unwrap();
        let mut complaints: Vec<Complaint> = Vec::new();
        let file = read(&path, false, &mut complaints);
        let prefix = format!("{}, ", path.display());
        (file.feeds, complaints.iter().map(|complaint| complaint.to_string().replace(&prefix, "")).collect())
    }

    #[test]
    fn a_feed_has_what_is_set_and_defaults_for_the_rest() {
        let (feeds, complaints) = parse(
            "[[feed]]\nname = 'a'\nkind = 'export'\nsource = 'north'\nurl = 'https://ehr.example/r4'\n\
             [[feed]]\nname = 'b'\nkind = 'export'\nsource = 'south'\nschedule = '0 2 * * *'\ngroup = '7'\n\
             url = 'http://ehr:8080/r4'\ntypes = ['Patient', 'Claim']\ntype_filters = 'Claim?status=active'\n\
             since = '2026-01-01'\nincremental = false\nmethod = 'post'\nclient_id = 'mill'\n\
             private_key_environment = 'KEY'\ndownloads = 9\nretry_wait = '10ms'\nretries = 0\ndelete_export = false\n",
        );
        assert_eq!(complaints, Vec::<String>::new());
        let FeedKind::Export(first) = &feeds[0].kind else { panic!("an export") };
        assert_eq!(**first, ExportSettings::of("https://ehr.example/r4".to_owned()));
        assert_eq!(feeds[0].schedule, None);
        let FeedKind::Export(second) = &feeds[1].kind else { panic!("an export") };
        assert_eq!((feeds[1].name.as_str(), feeds[1].source.as_str()), ("b", "south"));
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
        let (feeds, mut complaints) = parse(
            "[[feed]]\nname = 'a'\nkind = 'ftp'\nsource = 'north'\n\
             [[feed]]\nname = 'b'\nsource = '../etc'\n\
             [[feed]]\nname = 'c'\nkind = 'export'\nsource = 'north'\nschedule = 'nightly'\nurl = 'ehr.example'\n\
             [[feed]]\nname = 'd'\nkind = 'export'\nurl = 'https://e'\nsource = 'n'\nschedule = 'continuous'\n\
             tpyes = ['Patient']\ntypes = ['Pateint']\ntype_filters = ['Patient']\nlevel = 'group'\nsince = 'x'\n\
             downloads = 0\nincremental = 'yes'\ntoken_file = 't'\nclient_id = 'c'\nretries = 1.5\n\
             [[feed]]\nname = 'd'\nkind = 'export'\n\
             [[feed]]\nname = 'e'\nkind = 'export'\nsource = 'n'\nurl = 'https://me:pw@e'\nscope = 's'\n",
        );
        complaints
            .sort_by_key(|complaint| complaint[5..].split(':').next().unwrap().parse::<usize>().unwrap());
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
        let mut begins = begins.to_vec();
        begins.sort_by_key(|complaint| complaint[5..].split(':').next().unwrap().parse::<usize>().unwrap());
        assert_eq!(complaints.len(), begins.len(), "{complaints:#?}");
        for (complaint, begin) in complaints.iter().zip(&begins) {
            assert!(complaint.starts_with(begin), "{complaint:?} does not begin with {begin:?}");
        }
        assert_eq!(feeds, []);
        assert!(!complaints.concat().contains("pw"), "{complaints:?}");
    }
}
