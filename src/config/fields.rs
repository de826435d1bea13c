//! The *fields* of an entry of a list in the settings file, such as one `[[feed]]`: each has a name,
//! and what is not understood is a complaint with its line.

use std::collections::HashMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::feed_settings::Secret;
use super::file::Parser;
use super::resource_type::nearest_name;
use super::values::Expectation;

impl Parser<'_> {
    /// Gives the entries of a list to `each`, but for those without a name of their own.
    pub(super) fn entries(
        &mut self,
        list: &'static str,
        items: &[Spanned<DeValue<'_>>],
        each: &mut dyn FnMut(&mut Fields<'_, '_, '_>),
    ) {
        let mut lines: HashMap<String, usize> = HashMap::new();
        for item in items {
            let Some((name, offset)) = self.name(list, item) else { continue };
            let line = self.place(offset).line;
            if let Some(first) = lines.insert(name.clone(), line) {
                self.complain(offset, list, &format!("{name:?} is already described in line {first}"));
                continue;
            }
            let Some(table) = item.get_ref().as_table() else { continue };
            each(&mut Fields { table, list, name: &name, offset: item.span().start, parser: self });
        }
    }
}

/// See the module.
pub(super) struct Fields<'p, 'f, 't> {
    table: &'t DeTable<'t>,
    list: &'static str,
    name: &'t str,
    offset: usize,
    parser: &'p mut Parser<'f>,
}

impl<'t> Fields<'_, '_, 't> {
    /// The name of the entry.
    pub(super) fn name(&self) -> &'t str {
        self.name
    }

    /// Its settings, as they are written.
    pub(super) fn table(&self) -> &'t DeTable<'t> {
        self.table
    }

    /// Whether it has that setting.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// How many complaints there are so far.
    pub(super) fn complaint_count(&self) -> usize {
        self.parser.complaint_count()
    }
}

impl Fields<'_, '_, '_> {
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

    /// Complains of keys that are not among the known ones; `of` says what these are settings of.
    pub(super) fn refuse_others(&mut self, known: &[&str], of: &str) {
        let table = self.table;
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                let nearest = nearest_name(name, known.iter().copied());
                let hint = nearest.map_or_else(String::new, |nearest| format!("; did you mean {nearest}?"));
                self.parser.complain(key.span().start, name, &format!("is not a setting {of}{hint}"));
            }
        }
    }

    /// Complains of a key, or of the entry where it is missing.
    pub(super) fn complain(&mut self, key: &str, problem: &str) {
        let place = self.table.get_key_value(key).map(|(key, _)| key.span().start);
        match place {
            Some(place) if key == "kind" => {
                self.parser.complain(place, self.list, &format!("{:?} {problem}", self.name))
            }
            Some(place) => self.parser.complain(place, key, problem),
            None => self.parser.complain(self.offset, self.list, &format!("{:?} {problem}", self.name)),
        }
    }

    /// A string that is not empty.
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

    /// A string that `parse` understands.
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

    /// As [`Fields::parsed`], of a key that must be there.
    pub(super) fn required<Value>(
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

    /// True or false.
    pub(super) fn truth(&mut self, key: &str) -> Option<bool> {
        let truth = self.table.get(key)?.get_ref().as_bool();
        if truth.is_none() {
            self.complain(key, "must be true or false");
        }
        truth
    }

    /// A whole number within these limits.
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
