//! The variables: the one list of everything that can be set.
//!
//! A variable is set by its flag (`--settle-seconds 5`), by the environment
//! (`SETTLE_SECONDS=5`), or by a line of the file `.env`; the first of these
//! that says something wins. An empty value counts as not set, because that
//! is what Compose files pass on for a variable they do not know.
//!
//! Flags, `--help`, `.env.example` and the complaints about wrong values all
//! come from this list, and a test holds `.env.example` to it.

use clap::Arg;
use clap::builder::OsStringValueParser;

/// One setting, as the operator sees it.
#[derive(Debug)]
pub struct Variable {
    /// Its name in the environment.
    pub name: &'static str,
    /// Its flag without the dashes, the name in kebab case.
    pub flag: &'static str,
    /// What the value is called in `--help`.
    pub value: &'static str,
    /// What holds when nothing is set; empty where the help sentence says it.
    pub default: &'static str,
    /// A right value, shown to whoever gave a wrong one.
    pub example: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// True for values that are never shown again.
    pub secret: bool,
}

impl Variable {
    /// The flag as clap wants it: global, fed by the environment too, and
    /// left out of the short help of every command.
    pub fn argument(&self) -> Arg {
        let mut help = self.help.to_owned();
        if !self.default.is_empty() {
            help.push_str(&format!(" [default: {}]", self.default));
        }
        Arg::new(self.name)
            .long(self.flag)
            .env(self.name)
            .hide_env_values(true)
            .value_name(self.value)
            .value_parser(OsStringValueParser::new())
            .help(help)
            .help_heading("Settings (by flag, environment variable, or a line in .env)")
            .hide_short_help(true)
            .global(true)
    }
}

/// Every variable, in the order in which they are explained.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "DATABASE_URL",
        flag: "database-url",
        value: "URL",
        default: "",
        example: "postgres://fhirmill:secret@localhost:5432/fhirmill",
        help: "Postgres server to fill (15 or later); without it fhirmill runs a private one \
               under DATA_DIR",
        secret: true,
    },
    Variable {
        name: "PG_BIN_DIR",
        flag: "pg-bin-dir",
        value: "FOLDER",
        default: "",
        example: "/usr/lib/postgresql/18/bin",
        help: "Folder of the server's binaries (initdb, pg_ctl, postgres) for the private \
               server; found by itself when not set",
        secret: false,
    },
    Variable {
        name: "INBOX_DIR",
        flag: "inbox-dir",
        value: "FOLDER",
        default: "./inbox",
        example: "./inbox",
        help: "Where files arrive; a folder in it names the source of its files",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_DIR",
        flag: "archive-dir",
        value: "FOLDER",
        default: "./archive",
        example: "./archive",
        help: "Where loaded files are kept, by date and source",
        secret: false,
    },
    Variable {
        name: "REJECTS_DIR",
        flag: "rejects-dir",
        value: "FOLDER",
        default: "./rejects",
        example: "./rejects",
        help: "Where files go that could not be read at all, each with a report beside it",
        secret: false,
    },
    Variable {
        name: "DATA_DIR",
        flag: "data-dir",
        value: "FOLDER",
        default: "./data",
        example: "./data",
        help: "Where the private server keeps its cluster",
        secret: false,
    },
    Variable {
        name: "SCHEDULE",
        flag: "schedule",
        value: "CRON",
        default: "* * * * *",
        example: "*/5 * * * *",
        help: "When the inbox is looked at: a cron expression of five fields, or of six with \
               seconds first, in the time zone ASSUME_TIMEZONE",
        secret: false,
    },
    Variable {
        name: "WATCH",
        flag: "watch",
        value: "native|poll|off",
        default: "native",
        example: "poll",
        help: "Whether a new file wakes the scan at once: by events of the system, by polling \
               (network and shared folders send no events), or not",
        secret: false,
    },
    Variable {
        name: "SETTLE_SECONDS",
        flag: "settle-seconds",
        value: "SECONDS",
        default: "2",
        example: "2",
        help: "How long a file's size and time must have stood still before it is taken",
        secret: false,
    },
    Variable {
        name: "WORKERS",
        flag: "workers",
        value: "NUMBER",
        default: "",
        example: "4",
        help: "How many threads map and load, each with its own connection; as many as there \
               are processor cores when not set",
        secret: false,
    },
    Variable {
        name: "BATCH_BYTES",
        flag: "batch-bytes",
        value: "SIZE",
        default: "6MiB",
        example: "6MiB",
        help: "How many bytes of resources one transaction loads",
        secret: false,
    },
    Variable {
        name: "KEEP_BODIES",
        flag: "keep-bodies",
        value: "archive|database",
        default: "archive",
        example: "database",
        help: "Where the JSON of each resource is kept as received: in the archived file only, \
               or in the database too, at three to seven times the disk",
        secret: false,
    },
    Variable {
        name: "RESOURCE_TYPES",
        flag: "resource-types",
        value: "all|LIST",
        default: "all",
        example: "Patient,Encounter,Condition",
        help: "Which resource types are loaded; the others are counted as skipped",
        secret: false,
    },
    Variable {
        name: "EOB_COVERAGE",
        flag: "eob-coverage",
        value: "keep|drop",
        default: "keep",
        example: "drop",
        help: "Whether the payer's Coverage references stay in ExplanationOfBenefit or are \
               removed before it is stored",
        secret: false,
    },
    Variable {
        name: "ASSUME_TIMEZONE",
        flag: "assume-timezone",
        value: "ZONE",
        default: "UTC",
        example: "America/New_York",
        help: "Zone of times that name none, in the data and in SCHEDULE: an IANA name or a \
               fixed offset such as -05:00",
        secret: false,
    },
    Variable {
        name: "MAX_RESOURCE_BYTES",
        flag: "max-resource-bytes",
        value: "SIZE",
        default: "64MiB",
        example: "64MiB",
        help: "The largest single resource that is read; a larger one is rejected",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_MEMBERS",
        flag: "max-archive-members",
        value: "NUMBER",
        default: "100000",
        example: "100000",
        help: "The most files that a zip may hold",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_RATIO",
        flag: "max-archive-ratio",
        value: "NUMBER",
        default: "200",
        example: "200",
        help: "How many times its compressed size a gzip or zip member may unpack to",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_BYTES",
        flag: "max-archive-bytes",
        value: "SIZE",
        default: "1TiB",
        example: "1TiB",
        help: "How much a compressed file may unpack to altogether",
        secret: false,
    },
    Variable {
        name: "MAX_REJECTS_PER_FILE",
        flag: "max-rejects-per-file",
        value: "NUMBER",
        default: "100000",
        example: "100000",
        help: "How many records of a file may be rejected; a file that has more is given up, and \
               goes to REJECTS_DIR",
        secret: false,
    },
    Variable {
        name: "LOG_DIR",
        flag: "log-dir",
        value: "FOLDER",
        default: "./logs",
        example: "./logs",
        help: "Where the daily log files are written",
        secret: false,
    },
    Variable {
        name: "LOG_LEVEL",
        flag: "log-level",
        value: "LEVEL",
        default: "info",
        example: "debug",
        help: "How much is logged: error, warn, info, debug, trace, or a list such as \
               info,fhirmill_postgres::load=debug",
        secret: false,
    },
    Variable {
        name: "LOG_FORMAT",
        flag: "log-format",
        value: "text|json",
        default: "text",
        example: "json",
        help: "How log lines are written: for people, or as one JSON object a line",
        secret: false,
    },
    Variable {
        name: "LOG_DAYS",
        flag: "log-days",
        value: "DAYS",
        default: "14",
        example: "14",
        help: "How many daily log files are kept",
        secret: false,
    },
    Variable {
        name: "LOG_STDOUT",
        flag: "log-stdout",
        value: "auto|on|off",
        default: "auto",
        example: "on",
        help: "Whether log lines also go to standard output: auto means for `fhirmill run` only",
        secret: false,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_flags_follow_them() {
        let mut names: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), VARIABLES.len());
        for variable in VARIABLES {
            assert_eq!(variable.flag, variable.name.to_ascii_lowercase().replace('_', "-"));
        }
    }

    #[test]
    fn the_example_file_sets_every_variable_once_and_no_other() {
        let text = include_str!("../../.env.example");
        let mut found = Vec::new();
        let mut has_sentence = false;
        for line in text.lines() {
            if let Some(assignment) = line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')) {
                check_assignment(assignment, has_sentence, &mut found);
            } else if !line.starts_with('#') && line.contains('=') {
                check_assignment(line, has_sentence, &mut found);
            }
            has_sentence = line.starts_with("# ");
        }
        let mut expected: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        expected.extend(["POSTGRES_PASSWORD", "POSTGRES_PORT", "POSTGRES_SHARED_BUFFERS"]);
        assert_eq!(found, expected);
    }

    fn check_assignment<'a>(assignment: &'a str, has_sentence: bool, found: &mut Vec<&'a str>) {
        let (name, value) = assignment.split_once('=').unwrap();
        assert!(has_sentence, "{name} has no sentence above it");
        if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name)
            && !variable.default.is_empty()
        {
            assert_eq!(value.trim_matches('"'), variable.default, "default of {name}");
        }
        found.push(name);
    }
}
