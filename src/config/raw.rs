//! *Raw settings*: what was given by flags and in the environment, as text.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fmt;

use clap::{ArgMatches, Args, Command, FromArgMatches};

use super::variables::{VARIABLES, Variable};

/// The text given for each variable. Empty values are left out. Parsed by clap,
/// which prefers a flag to the environment.
#[derive(Default)]
pub struct RawSettings {
    values: HashMap<&'static str, OsString>,
}

impl RawSettings {
    /// The text given for a variable.
    pub(super) fn get(&self, name: &str) -> Option<&OsStr> {
        self.values.get(name).map(OsString::as_os_str)
    }
}

impl FromIterator<(&'static str, OsString)> for RawSettings {
    fn from_iter<Values: IntoIterator<Item = (&'static str, OsString)>>(values: Values) -> Self {
        let values = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        RawSettings { values }
    }
}

impl fmt::Debug for RawSettings {
    /// Names only: a value may be a secret, even one given to the wrong
    /// variable.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.values.keys()).finish()
    }
}

impl Args for RawSettings {
    fn augment_args(command: Command) -> Command {
        command.args(VARIABLES.iter().map(Variable::argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for RawSettings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut raw = Self::default();
        raw.update_from_arg_matches(matches)?;
        Ok(raw)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for variable in VARIABLES {
            if let Some(value) = matches.get_one::<OsString>(variable.name)
                && !value.is_empty()
            {
                self.values.insert(variable.name, value.clone());
            }
        }
        Ok(())
    }
}
