//! *Complaints* about settings. They are collected, so that a wrong
//! configuration is fixed once and not one line at a time.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with the settings: all of it at once.
#[derive(Debug, thiserror::Error)]
pub struct SettingsError {
    /// Never empty.
    pub complaints: Vec<Complaint>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.complaints.len() {
            1 => write!(formatter, "a setting is wrong")?,
            count => write!(formatter, "{count} settings are wrong")?,
        }
        for complaint in &self.complaints {
            write!(formatter, "\n  {complaint}")?;
        }
        Ok(())
    }
}

/// Where in a settings file something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}, line {}", self.path.display(), self.line)
    }
}

/// What is wrong with one setting, as a sentence without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Where it is set, if in a settings file.
    pub place: Option<Place>,
    /// The setting, as it is named where it is set.
    pub setting: String,
    /// What is wrong with it. Never quotes a secret.
    pub problem: String,
    /// A correct assignment, if there is one to show.
    pub example: Option<String>,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, setting, problem, example } = self;
        if let Some(place) = place {
            write!(formatter, "{place}: ")?;
        }
        write!(formatter, "{setting} {problem}")?;
        match example {
            Some(example) => write!(formatter, " (for example {example})"),
            None => Ok(()),
        }
    }
}
