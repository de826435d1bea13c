//! `kind = "kafka"` in the settings file.

use std::path::{Path, PathBuf};

use chrono::DateTime;
use toml::de::DeValue;

use super::feed::COMMON;
use super::fields::Fields;
use super::kafka_settings::{KafkaSecurity, KafkaSettings, KafkaStart, OnLost, TopicSettings};
use super::values::{self, Expectation};
use crate::inbox::source_folder;

/// What a Kafka feed has besides what every feed has.
pub(super) const KAFKA: [&str; 23] = [
    "brokers",
    "topics",
    "group",
    "start",
    "max_latency",
    "batch_bytes",
    "batch_messages",
    "max_message_bytes",
    "on_lost",
    "header_sources",
    "retry_wait",
    "security_protocol",
    "sasl_mechanism",
    "user",
    "password_file",
    "password_environment",
    "ca_file",
    "certificate_file",
    "private_key_file",
    "private_key_environment",
    "private_key_password_file",
    "private_key_password_environment",
    "properties",
];

/// Properties of librdkafka that fhirmill sets itself, because what it guarantees depends on
/// them, and secrets, which have settings of their own.
const TAKEN: [&str; 11] = [
    "bootstrap.servers",
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.partition.eof",
    "auto.offset.reset",
    "isolation.level",
    "sasl.password",
    "ssl.key.password",
    "ssl.key.pem",
];

impl Fields<'_, '_, '_> {
    /// A Kafka feed. Messages of topics that name no source are of this one.
    pub(super) fn kafka(&mut self, source: Option<&str>) -> Option<KafkaSettings> {
        self.refuse_others(&[&COMMON[..], &KAFKA].concat(), "of a Kafka feed");
        if !cfg!(feature = "kafka") {
            self.complain("kind", "needs the feature `kafka`, which this fhirmill was built without");
        }
        if !self.has("brokers") {
            self.complain("brokers", "has no brokers");
        }
        let brokers = self.texts("brokers", broker)?;
        if self.has("brokers") && brokers.is_empty() {
            self.complain("brokers", "must not be empty");
        }
        let topics = self.topics(source);
        let defaults = KafkaSettings::of(self.name(), brokers, topics?);
        Some(KafkaSettings {
            group: self.text("group").unwrap_or(defaults.group),
            start: self.parsed("start", start).unwrap_or(defaults.start),
            max_latency: self.parsed("max_latency", values::pause).unwrap_or(defaults.max_latency),
            batch_bytes: self.bytes("batch_bytes", 64 << 20).unwrap_or(defaults.batch_bytes),
            batch_messages: self
                .number("batch_messages", 1, 1_000_000)
                .map_or(defaults.batch_messages, |number| number as usize),
            max_message_bytes: self.bytes("max_message_bytes", 1 << 30).unwrap_or(defaults.max_message_bytes),
            on_lost: self.parsed("on_lost", on_lost).unwrap_or(defaults.on_lost),
            header_sources: self.texts("header_sources", source_name)?,
            retry_wait: self.parsed("retry_wait", values::pause).unwrap_or(defaults.retry_wait),
            security: self.security(),
            properties: self.properties(),
            ..defaults
        })
    }

    /// `topics`: a list, or a table with a source for each.
    fn topics(&mut self, source: Option<&str>) -> Option<Vec<TopicSettings>> {
        let Some(value) = self.table().get("topics") else {
            self.complain("topics", "has no topics");
            return None;
        };
        let mut topics = Vec::new();
        if let DeValue::Table(table) = value.get_ref() {
            for (pattern, source) in table {
                let source = source.get_ref().as_str().unwrap_or_default();
                if let Err(complaint) = source_name(source) {
                    self.complain("topics", &format!("has {source:?}: {complaint}"));
                }
                topics.push(TopicSettings {
                    pattern: pattern.get_ref().to_string(),
                    source: source.to_owned(),
                });
            }
        } else {
            let patterns = self.texts("topics", |_| Ok(()))?;
            if source.is_none() && !self.has("source") {
                self.complain("", "has no source");
            }
            let of = |pattern| TopicSettings { pattern, source: source.unwrap_or_default().to_owned() };
            topics.extend(patterns.into_iter().map(of));
        }
        if topics.is_empty() {
            self.complain("topics", "must not be empty");
        }
        for topic in &topics {
            if let Err(complaint) = topic_name(&topic.pattern) {
                self.complain("topics", &format!("has {:?}: {complaint}", topic.pattern));
            }
        }
        Some(topics)
    }

    fn bytes(&mut self, key: &str, most: u64) -> Option<usize> {
        self.number(key, 1024, most).map(|number| number as usize)
    }

    fn security(&mut self) -> KafkaSecurity {
        let path = |text: &str| -> Result<PathBuf, Expectation> {
            std::path::absolute(text).map_err(|_| "the path of a file".to_owned())
        };
        let security = KafkaSecurity {
            protocol: self
                .parsed("security_protocol", one_of(&["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"])),
            mechanism: self.parsed("sasl_mechanism", one_of(&["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])),
            user: self.text("user"),
            password: self.secret("password"),
            ca_file: self.parsed("ca_file", path),
            certificate_file: self.parsed("certificate_file", path),
            private_key: self.secret("private_key"),
            private_key_password: self.secret("private_key_password"),
        };
        let protocol = security.protocol.as_deref().unwrap_or("plaintext");
        let has_sasl = protocol.starts_with("sasl");
        if has_sasl
            && (security.user.is_none() || security.password.is_none() || security.mechanism.is_none())
        {
            let problem = "needs sasl_mechanism, user, and password_file or password_environment";
            self.complain("security_protocol", problem);
        }
        for key in ["sasl_mechanism", "user", "password_file", "password_environment"] {
            if !has_sasl && self.has(key) {
                self.complain(key, "needs security_protocol sasl_ssl or sasl_plaintext");
            }
        }
        for key in ["ca_file", "certificate_file", "private_key_file", "private_key_environment"] {
            if !protocol.ends_with("ssl") && self.has(key) {
                self.complain(key, "needs security_protocol ssl or sasl_ssl");
            }
        }
        if security.certificate_file.is_some() != security.private_key.is_some() {
            self.complain("", "has only one of certificate_file and a private key: it needs both or none");
        }
        security
    }

    /// Further properties, by name.
    fn properties(&mut self) -> Vec<(String, String)> {
        let Some(value) = self.table().get("properties") else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.complain(
                "properties",
                "must be a table: properties = { \"fetch.max.bytes\" = \"1000000\" }",
            );
            return Vec::new();
        };
        let mut properties = Vec::new();
        for (name, value) in table {
            let name = name.get_ref().to_string();
            let text = match value.get_ref() {
                DeValue::String(text) => Some(text.to_string()),
                DeValue::Integer(number) => Some(number.to_string()),
                DeValue::Boolean(truth) => Some(truth.to_string()),
                _ => None,
            };
            match text {
                _ if TAKEN.contains(&name.as_str()) => {
                    self.complain("properties", &format!("cannot have {name}, which fhirmill sets itself"));
                }
                Some(text) => properties.push((name, text)),
                None => self.complain("properties", &format!("has {name}, whose value must be a string")),
            }
        }
        properties
    }
}

fn one_of(choices: &'static [&'static str]) -> impl Fn(&str) -> Result<String, Expectation> {
    move |text| match choices.contains(&text) {
        true => Ok(text.to_owned()),
        false => Err(choices.join(", ")),
    }
}

fn broker(text: &str) -> Result<(), String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty() && !host.contains('/'));
    match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(_) => Ok(()),
        None => Err("must be like \"kafka-1.example:9092\"".to_owned()),
    }
}

fn source_name(text: &str) -> Result<(), String> {
    match source_folder(Path::new(""), text) {
        Ok(_) => Ok(()),
        Err(_) => Err("a source must be a name that a folder can have".to_owned()),
    }
}

/// The name of a topic, as Kafka allows it, or a pattern.
fn topic_name(text: &str) -> Result<(), String> {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    let is_pattern = text.starts_with('^') && text.len() > 1;
    if is_pattern || (!text.is_empty() && text.len() <= 249 && text.chars().all(is_allowed)) {
        return Ok(());
    }
    Err("must be the name of a topic, or a regular expression that begins with ^".to_owned())
}

fn start(text: &str) -> Result<KafkaStart, Expectation> {
    match text {
        "earliest" => Ok(KafkaStart::Earliest),
        "latest" => Ok(KafkaStart::Latest),
        _ => {
            let expected = || "earliest, latest or a time such as 2026-01-31T06:00:00Z".to_owned();
            let text = values::instant(text).map_err(|_| expected())?;
            DateTime::parse_from_rfc3339(&text)
                .map(|time| KafkaStart::At(time.to_utc()))
                .map_err(|_| expected())
        }
    }
}

fn on_lost(text: &str) -> Result<OnLost, Expectation> {
    match text {
        "continue" => Ok(OnLost::Continue),
        "stop" => Ok(OnLost::Stop),
        _ => Err("continue or stop".to_owned()),
    }
}
