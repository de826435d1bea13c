//! *Topics* and their sources.

use std::sync::Arc;

use regex::Regex;

use crate::config::TopicSettings;
use crate::feeds::http::Failure;

/// Names and patterns of topics, each with its source.
#[derive(Clone, Debug)]
pub struct TopicMap(Vec<(Pattern, Arc<str>)>);

#[derive(Clone, Debug)]
enum Pattern {
    Name(String),
    Expression(Regex),
}

impl TopicMap {
    /// As the settings say.
    pub fn new(topics: &[TopicSettings]) -> Result<Self, Failure> {
        let of = |topic: &TopicSettings| {
            let pattern = match topic.pattern.starts_with('^') {
                true => Pattern::Expression(Regex::new(&topic.pattern).map_err(|error| {
                    let pattern = &topic.pattern;
                    Failure::Settings(format!("{pattern:?} is no regular expression for topics: {error}"))
                })?),
                false => Pattern::Name(topic.pattern.clone()),
            };
            Ok((pattern, Arc::from(topic.source.as_str())))
        };
        Ok(TopicMap(topics.iter().map(of).collect::<Result<_, Failure>>()?))
    }

    /// The source of a topic; none if the feed does not read it. A name counts before
    /// patterns, and patterns never mean Kafka's own topics.
    pub fn source(&self, topic: &str) -> Option<Arc<str>> {
        let named =
            self.0.iter().find(|(pattern, _)| matches!(pattern, Pattern::Name(name) if name == topic));
        let matching = || {
            let matches = |(pattern, _): &&(Pattern, Arc<str>)| match pattern {
                Pattern::Expression(expression) => !topic.starts_with("__") && expression.is_match(topic),
                Pattern::Name(_) => false,
            };
            self.0.iter().find(matches)
        };
        named.or_else(matching).map(|(_, source)| Arc::clone(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_before_patterns_and_the_first_pattern_before_others() {
        let topic =
            |pattern: &str, source: &str| TopicSettings { pattern: pattern.into(), source: source.into() };
        let topics =
            [topic("^lab", "a"), topic("^lab\\.micro", "b"), topic("lab.x", "c"), topic("^__.*", "d")];
        let map = TopicMap::new(&topics).unwrap();
        let source = |name: &str| map.source(name).map(|source| source.to_string());
        assert_eq!(source("lab.micro").as_deref(), Some("a"));
        assert_eq!(source("lab.x").as_deref(), Some("c"));
        assert_eq!(source("radiology"), None);
        assert_eq!(source("__consumer_offsets"), None);
        assert!(TopicMap::new(&[topic("^(", "a")]).is_err());
    }
}
