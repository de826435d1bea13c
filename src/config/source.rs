//! `[[source]]` in the settings file: what is known of a sender besides its files.

use std::collections::HashMap;
use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::file::Parser;
use super::settings::SourceSettings;
use super::storage_settings::prefix_of;
use super::values;
use crate::inbox::source_folder;

impl Parser<'_> {
    /// The sources of the list.
    pub(super) fn sources(&mut self, items: &[Spanned<DeValue<'_>>]) {
        let mut lines: HashMap<String, usize> = HashMap::new();
        for item in items {
            let Some((name, offset)) = self.name("source", item) else { continue };
            if source_folder(Path::new(""), &name).is_err() {
                self.complain(offset, "source", &format!("has the name {name:?}, which no folder can have"));
                continue;
            }
            let line = self.place(offset).line;
            if let Some(first) = lines.insert(name.clone(), line) {
                self.complain(offset, "source", &format!("{name:?} is already described in line {first}"));
                continue;
            }
            let source = self.source(name, item);
            self.file.sources.push(source);
        }
    }

    /// The source of that name; keys that sources do not have are complaints.
    fn source(&mut self, name: String, item: &Spanned<DeValue<'_>>) -> SourceSettings {
        let mut source =
            SourceSettings { name, description: None, interval: None, prefix: None, views: false };
        for (key, value) in item.get_ref().as_table().into_iter().flatten() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("name", _) => {}
                ("description", DeValue::String(text)) => source.description = Some(text.to_string()),
                ("interval", DeValue::String(text)) => match values::duration(text) {
                    Ok(interval) => source.interval = Some(interval),
                    Err(expected) => {
                        self.complain(key.span().start, "interval", &format!("must be {expected}"));
                    }
                },
                ("prefix", DeValue::String(text)) => match prefix_of(text) {
                    Ok(prefix) if !prefix.is_empty() => source.prefix = Some(prefix),
                    _ => self.complain(
                        key.span().start,
                        "prefix",
                        "must be names with one / between them, without . and ..",
                    ),
                },
                ("views", DeValue::Boolean(views)) => source.views = *views,
                ("views", _) => self.complain(key.span().start, "views", "must be true or false"),
                (name @ ("description" | "interval" | "prefix"), _) => {
                    self.complain(key.span().start, name, "must be a string");
                }
                (other, _) => {
                    self.complain(
                        key.span().start,
                        other,
                        "is not a setting of a source: it has name, description, interval, prefix, views",
                    );
                }
            }
        }
        source
    }
}
