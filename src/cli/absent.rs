//! Commands that this build lacks, because it is without their feature.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Each with its feature, and whether this build has it.
const OF_FEATURES: &[(&str, &str, bool)] = &[
    ("senders", "server", cfg!(feature = "server")),
    ("users", "server", cfg!(feature = "server")),
    ("feeds", "feeds", cfg!(feature = "feeds")),
    ("export", "feeds", cfg!(feature = "feeds")),
    ("forward", "feeds", cfg!(feature = "feeds")),
    ("snapshot", "lake", cfg!(feature = "lake")),
    ("convert", "lake", cfg!(feature = "lake")),
    ("completions", "manual", cfg!(feature = "manual")),
    ("man", "manual", cfg!(feature = "manual")),
];

/// The error, or one that names the feature if the command is there with it.
pub(super) fn report(error: Error) -> Error {
    let Some(ContextValue::String(name)) = error.get(ContextKind::InvalidSubcommand) else { return error };
    let lacks = |(command, _, is_here): &&(&str, &str, bool)| *command == name && !is_here;
    let Some((command, feature, _)) = OF_FEATURES.iter().find(lacks) else { return error };
    Error::raw(
        ErrorKind::InvalidSubcommand,
        format!(
            "this fhirmill was built without the feature `{feature}`, which has the command `{command}`: \
             build it with `make binary FEATURES={feature}`\n"
        ),
    )
}
