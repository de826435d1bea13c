//! The *variables*: the one list of everything that can be set.
//!
//! A variable is set by its flag (`--settle-seconds 5`), by the environment
//! (`SETTLE_SECONDS=5`), by a line of `.env`, or by its name in lower case in
//! the settings file (`settle_seconds = 5`); the first of these that is set
//! wins. An empty value counts as not set, because that is what Compose passes
//! on for a variable it does not know.
//!
//! Flags, `--help`, `.env.example` and complaints about wrong values all come
//! from this list; a test compares `.env.example` with it.

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
    /// The value if nothing is set; empty if there is none, or the help says it.
    pub default: &'static str,
    /// A correct value, shown with complaints about a wrong one.
    pub example: &'static str,
    /// What it does, as a sentence without its full stop.
    pub help: &'static str,
    /// Whether its value must never be shown.
    pub secret: bool,
}

impl Variable {
    /// The variable as an argument of clap: global, also set by the
    /// environment. It is hidden from the help that clap makes, which would repeat it
    /// for every command.
    pub fn argument(&self) -> Arg {
        Arg::new(self.name)
            .long(self.flag)
            .env(self.name)
            .hide_env_values(true)
            .value_name(self.value)
            .value_parser(OsStringValueParser::new())
            .hide(true)
            .global(true)
    }
}

/// The variable that names the settings file. It cannot be set in that file.
pub const CONFIG_FILE: &str = "FHIRMILL_CONFIG";

/// Every variable, in the order in which they are explained.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: CONFIG_FILE,
        flag: "fhirmill-config",
        value: "FILE",
        default: "./fhirmill.toml",
        example: "./fhirmill.toml",
        help: "Settings file: all settings below under their lower-case names, and [[source]] \
               tables; flags, the environment and .env take precedence",
        secret: false,
    },
    Variable {
        name: "DATABASE_URL",
        flag: "database-url",
        value: "URL",
        default: "",
        example: "postgres://fhirmill:secret@localhost:5432/fhirmill",
        help: "Postgres server to load into (15 or later); if not set, fhirmill runs a private \
               server in DATA_DIR",
        secret: true,
    },
    Variable {
        name: "PG_BIN_DIR",
        flag: "pg-bin-dir",
        value: "FOLDER",
        default: "",
        example: "/usr/lib/postgresql/18/bin",
        help: "Folder of the Postgres binaries (initdb, pg_ctl, postgres) for the private \
               server; searched for if not set",
        secret: false,
    },
    Variable {
        name: "INBOX_DIR",
        flag: "inbox-dir",
        value: "FOLDER",
        default: "./inbox",
        example: "./inbox",
        help: "Folder that files arrive in; each folder in it is a source of files",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_DIR",
        flag: "archive-dir",
        value: "FOLDER",
        default: "./archive",
        example: "./archive",
        help: "Folder that loaded files are moved to, by date and source",
        secret: false,
    },
    Variable {
        name: "REJECTS_DIR",
        flag: "rejects-dir",
        value: "FOLDER",
        default: "./rejects",
        example: "./rejects",
        help: "Folder that unreadable files are moved to, each with a report",
        secret: false,
    },
    Variable {
        name: "INBOX_URL",
        flag: "inbox-url",
        value: "URL",
        default: "",
        example: "s3://clinic/inbox",
        help: "Bucket or container, and prefix, that objects arrive in, besides the files of INBOX_DIR: \
               s3://, az:// or gs://; the first name below it is the source. Or a folder instead of \
               INBOX_DIR, as file:///FOLDER",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_URL",
        flag: "archive-url",
        value: "URL",
        default: "",
        example: "s3://clinic/archive",
        help: "Bucket or container, and prefix, that loaded files are moved to instead of ARCHIVE_DIR; \
               or a folder, as file:///FOLDER",
        secret: false,
    },
    Variable {
        name: "REJECTS_URL",
        flag: "rejects-url",
        value: "URL",
        default: "",
        example: "s3://clinic/rejects",
        help: "Bucket or container, and prefix, that unreadable files are moved to instead of \
               REJECTS_DIR; or a folder, as file:///FOLDER",
        secret: false,
    },
    Variable {
        name: "STORAGE_ALLOW_HTTP",
        flag: "storage-allow-http",
        value: "on|off",
        default: "off",
        example: "on",
        help: "Whether the endpoint of an object store may be without TLS, such as one on this machine",
        secret: false,
    },
    Variable {
        name: "STORAGE_READ_AHEAD",
        flag: "storage-read-ahead",
        value: "SIZE",
        default: "32MiB",
        example: "32MiB",
        help: "How much of objects may be in memory before it is parsed, in ranges of up to 4 MiB: more is \
               faster far from the store, and takes as much memory",
        secret: false,
    },
    Variable {
        name: "STORAGE_SCAN_KEYS",
        flag: "storage-scan-keys",
        value: "NUMBER",
        default: "10000",
        example: "10000",
        help: "Largest number of keys that one scan lists; the next one goes on behind them",
        secret: false,
    },
    Variable {
        name: "STORAGE_LOCAL_COPIES",
        flag: "storage-local-copies",
        value: "on|off",
        default: "off",
        example: "on",
        help: "Whether objects of more than 1 MiB are copied to a temporary file, in TMPDIR, before they are \
               read: archives and large Bundles are then fetched once, and need room on disk",
        secret: false,
    },
    Variable {
        name: "VIEWS_DIR",
        flag: "views-dir",
        value: "FOLDER",
        default: "",
        example: "./my-views",
        help: "Folder of ViewDefinitions (*.json), which are applied when they come or change, and \
               whose tables are dropped when they go; none if not set",
        secret: false,
    },
    Variable {
        name: "DATA_DIR",
        flag: "data-dir",
        value: "FOLDER",
        default: "./data",
        example: "./data",
        help: "Folder that the private server keeps its data in",
        secret: false,
    },
    Variable {
        name: "SCHEDULE",
        flag: "schedule",
        value: "CRON",
        default: "* * * * *",
        example: "*/5 * * * *",
        help: "When the inbox is scanned: a cron expression with five fields, or six with \
               seconds first, in the time zone ASSUME_TIMEZONE",
        secret: false,
    },
    Variable {
        name: "WATCH",
        flag: "watch",
        value: "native|poll|off",
        default: "native",
        example: "poll",
        help: "Whether a new file triggers a scan at once: native uses events of the operating \
               system, poll is for network and shared folders, which send no events, off \
               disables it",
        secret: false,
    },
    Variable {
        name: "SETTLE_SECONDS",
        flag: "settle-seconds",
        value: "SECONDS",
        default: "2",
        example: "2",
        help: "How long the size and modification time of a file must be unchanged before it is \
               loaded",
        secret: false,
    },
    Variable {
        name: "EMPTY_FOLDER_HOURS",
        flag: "empty-folder-hours",
        value: "HOURS|off",
        default: "24",
        example: "24",
        help: "How long a folder below a source's folder must have been empty before it is \
               removed from the inbox; off keeps empty folders",
        secret: false,
    },
    Variable {
        name: "WORKERS",
        flag: "workers",
        value: "NUMBER",
        default: "",
        example: "4",
        help: "Number of threads that map and load, each with its own database connection; the \
               number of processor cores if not set",
        secret: false,
    },
    Variable {
        name: "BATCH_BYTES",
        flag: "batch-bytes",
        value: "SIZE",
        default: "6MiB",
        example: "6MiB",
        help: "Size of the resources that are loaded in one transaction",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_COMPRESSION",
        flag: "archive-compression",
        value: "none|zstd",
        default: "none",
        example: "zstd",
        help: "Whether files in the archive are kept as they were sent, or compressed so that each \
               record can still be read by itself; files that are compressed already stay as they are",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_KEEP",
        flag: "archive-keep",
        value: "DURATION|off",
        default: "off",
        example: "400d",
        help: "How long loaded files are kept in the archive; off keeps them for good",
        secret: false,
    },
    Variable {
        name: "ARCHIVE_KEEP_CURRENT",
        flag: "archive-keep-current",
        value: "true|false",
        default: "true",
        example: "true",
        help: "Whether files that hold the current version of a resource stay in the archive after \
               ARCHIVE_KEEP; without them, nothing of it can be shown, mapped again or taken back",
        secret: false,
    },
    Variable {
        name: "REJECTS_KEEP",
        flag: "rejects-keep",
        value: "DURATION|off",
        default: "off",
        example: "400d",
        help: "How long rejected files, their reports and the text of rejected records are kept; off \
               keeps them for good",
        secret: false,
    },
    Variable {
        name: "LEDGER_KEEP",
        flag: "ledger-keep",
        value: "DURATION|off",
        default: "off",
        example: "400d",
        help: "How long the ledger keeps runs, settled rejects, ended exports, notifications and \
               snapshots that nothing needs any more; off keeps them for good",
        secret: false,
    },
    Variable {
        name: "KEEP_BODIES",
        flag: "keep-bodies",
        value: "archive|database",
        default: "archive",
        example: "database",
        help: "Where the original JSON of each resource is kept: only in the archived file, or \
               in the database as well, which takes three to seven times the disk space",
        secret: false,
    },
    Variable {
        name: "RESOURCE_TYPES",
        flag: "resource-types",
        value: "all|LIST",
        default: "all",
        example: "Patient,Encounter,Condition",
        help: "Resource types to load; others are counted as skipped",
        secret: false,
    },
    Variable {
        name: "EOB_COVERAGE",
        flag: "eob-coverage",
        value: "keep|drop",
        default: "keep",
        example: "drop",
        help: "Whether the payer's Coverage references are kept in ExplanationOfBenefit \
               resources or removed before they are stored",
        secret: false,
    },
    Variable {
        name: "ASSUME_TIMEZONE",
        flag: "assume-timezone",
        value: "ZONE",
        default: "UTC",
        example: "America/New_York",
        help: "Time zone of times without one, in the data and in SCHEDULE: an IANA name, or a \
               fixed offset such as -05:00",
        secret: false,
    },
    Variable {
        name: "MAX_RESOURCE_BYTES",
        flag: "max-resource-bytes",
        value: "SIZE",
        default: "64MiB",
        example: "64MiB",
        help: "Largest resource to load; larger ones are rejected",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_MEMBERS",
        flag: "max-archive-members",
        value: "NUMBER",
        default: "100000",
        example: "100000",
        help: "Largest number of files in a zip or tar archive",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_RATIO",
        flag: "max-archive-ratio",
        value: "NUMBER",
        default: "200",
        example: "200",
        help: "Largest ratio of decompressed to compressed size of a file",
        secret: false,
    },
    Variable {
        name: "MAX_ARCHIVE_BYTES",
        flag: "max-archive-bytes",
        value: "SIZE",
        default: "1TiB",
        example: "1TiB",
        help: "Largest total decompressed size of a compressed file",
        secret: false,
    },
    Variable {
        name: "MAX_REJECTS_PER_FILE",
        flag: "max-rejects-per-file",
        value: "NUMBER",
        default: "100000",
        example: "100000",
        help: "Largest number of rejected records per file; a file with more is abandoned and \
               moved to REJECTS_DIR",
        secret: false,
    },
    Variable {
        name: "HTTP_ADDRESS",
        flag: "http-address",
        value: "ADDRESS",
        default: "",
        example: "127.0.0.1:8080",
        help: "Address and port at which `fhirmill run` takes pushed data; no HTTP if not set",
        secret: false,
    },
    Variable {
        name: "S3_ADDRESS",
        flag: "s3-address",
        value: "ADDRESS",
        default: "",
        example: "127.0.0.1:9000",
        help: "Address and port at which `fhirmill run` takes files from S3 clients; no S3 if not set",
        secret: false,
    },
    Variable {
        name: "METRICS_ADDRESS",
        flag: "metrics-address",
        value: "ADDRESS",
        default: "",
        example: "127.0.0.1:9464",
        help: "Address and port at which `fhirmill run` serves metrics for Prometheus, /live and \
               /ready; neither needs authentication; no metrics if not set",
        secret: false,
    },
    Variable {
        name: "HTTP_TLS_CERTIFICATE",
        flag: "http-tls-certificate",
        value: "FILE",
        default: "",
        example: "/etc/fhirmill/tls.crt",
        help: "Certificate chain (PEM) for HTTPS; plain HTTP if not set, for use behind a proxy",
        secret: false,
    },
    Variable {
        name: "HTTP_TLS_KEY",
        flag: "http-tls-key",
        value: "FILE",
        default: "",
        example: "/etc/fhirmill/tls.key",
        help: "Private key (PEM) of HTTP_TLS_CERTIFICATE",
        secret: false,
    },
    Variable {
        name: "HTTP_PUBLIC_URL",
        flag: "http-public-url",
        value: "URL",
        default: "",
        example: "https://fhirmill.example.com",
        help: "URL by which senders reach fhirmill, if it is not that of HTTP_ADDRESS; assertions \
               must be addressed to it",
        secret: false,
    },
    Variable {
        name: "HTTP_CONNECTIONS",
        flag: "http-connections",
        value: "NUMBER",
        default: "512",
        example: "512",
        help: "Largest number of open connections at each address; beyond it, those without a call give way",
        secret: false,
    },
    Variable {
        name: "UPLOAD_EXPIRY",
        flag: "upload-expiry",
        value: "DURATION",
        default: "3d",
        example: "12h",
        help: "How long an upload may stay incomplete before it is removed: a number of seconds, or \
               one with the unit s, m, h or d",
        secret: false,
    },
    Variable {
        name: "UPLOAD_RETENTION",
        flag: "upload-retention",
        value: "DURATION|off",
        default: "400d",
        example: "90d",
        help: "How long etl.upload keeps uploads that have ended: jobs and listings for S3 clients \
               come from it; off keeps them for good",
        secret: false,
    },
    Variable {
        name: "AUDIT_RETENTION",
        flag: "audit-retention",
        value: "DURATION|off",
        default: "400d",
        example: "2200d",
        help: "How long etl.audit_event keeps the calls that were answered; off keeps them for good",
        secret: false,
    },
    Variable {
        name: "MAX_UPLOAD_BYTES",
        flag: "max-upload-bytes",
        value: "SIZE",
        default: "100GiB",
        example: "100GiB",
        help: "Largest file that can be uploaded in parts",
        secret: false,
    },
    Variable {
        name: "MAX_POST_BYTES",
        flag: "max-post-bytes",
        value: "SIZE",
        default: "1GiB",
        example: "1GiB",
        help: "Largest body of POST /api/batch; larger files are uploaded in parts",
        secret: false,
    },
    Variable {
        name: "MAX_QUEUED_FILES",
        flag: "max-queued-files",
        value: "NUMBER",
        default: "10000",
        example: "10000",
        help: "Largest number of files per sender that wait to be loaded; a sender with more is told \
               to try again later",
        secret: false,
    },
    Variable {
        name: "MAX_WAITING_UPDATES",
        flag: "max-waiting-updates",
        value: "NUMBER",
        default: "1000",
        example: "1000",
        help: "Largest number of updates that wait to be stored before they are answered; more are \
               queued as files, and answered with the URL of a job",
        secret: false,
    },
    Variable {
        name: "BULK_SUBMIT_HOSTS",
        flag: "bulk-submit-hosts",
        value: "HOSTS",
        default: "",
        example: "files.example.org",
        help: "Hosts from which fhirmill fetches what senders submit by $bulk-submit, separated by \
               commas; *. before a name stands for all names below it, and private: allows private \
               addresses and plain HTTP; if not set, nothing is fetched",
        secret: false,
    },
    Variable {
        name: "SECRETS_KEY_FILE",
        flag: "secrets-key-file",
        value: "FILE",
        default: "./secrets/fhirmill.key",
        example: "./secrets/fhirmill.key",
        help: "File of the key that encrypts secrets of senders in the database; created if missing, \
               and to be backed up",
        secret: false,
    },
    Variable {
        name: "NOTIFY_URL",
        flag: "notify-url",
        value: "URL",
        default: "",
        example: "https://alerts.example.org/fhirmill",
        help: "URL that the service calls when a file failed or was rejected, records were rejected, or a \
               source is silent; signed as Standard Webhooks says. It never gets a patient's values",
        secret: true,
    },
    Variable {
        name: "NOTIFY_SECRET_FILE",
        flag: "notify-secret-file",
        value: "FILE",
        default: "",
        example: "./secrets/notify.key",
        help: "File of the secret that signs calls of NOTIFY_URL: at least 16 bytes, or whsec_ and Base64",
        secret: false,
    },
    Variable {
        name: "NOTIFY_COMMAND",
        flag: "notify-command",
        value: "PROGRAM",
        default: "",
        example: "/usr/local/bin/on-fhirmill-event",
        help: "Program that the service runs on the same events, with the JSON on standard input and the \
               event in FHIRMILL_EVENT; it has a minute",
        secret: false,
    },
    Variable {
        name: "DEIDENTIFIED",
        flag: "deidentified",
        value: "off|views|tables",
        default: "off",
        example: "views",
        help: "Schema deidentified, which shows the tables without what identifies people (HIPAA Safe Harbor) to \
               members of the role researcher: as views, or as tables, which `fhirmill deidentify` makes",
        secret: false,
    },
    Variable {
        name: "DEIDENTIFIED_SECRET",
        flag: "deidentified-secret",
        value: "TEXT",
        default: "",
        example: "the-output-of-openssl-rand-hex-32",
        help: "Secret of the de-identified copy, of 32 bytes or more: keys are replaced and dates are moved by it, and \
               with another one the copy is another one",
        secret: true,
    },
    Variable {
        name: "DEIDENTIFIED_SECRET_FILE",
        flag: "deidentified-secret-file",
        value: "FILE",
        default: "",
        example: "./secrets/deidentified.key",
        help: "File with that secret, in place of DEIDENTIFIED_SECRET",
        secret: false,
    },
    Variable {
        name: "DEIDENTIFIED_REFRESH",
        flag: "deidentified-refresh",
        value: "command|runs",
        default: "command",
        example: "runs",
        help: "When the tables of the de-identified copy are refreshed: by `fhirmill deidentify`, or also after each \
               run that has loaded files; views need no refreshing",
        secret: false,
    },
    Variable {
        name: "DEIDENTIFIED_CODE_SYSTEMS",
        flag: "deidentified-code-systems",
        value: "URI,...",
        default: "",
        example: "https://st-marys.example.org/codes/ward,urn:oid:1.2.36.1",
        help: "Code systems of senders whose codes the de-identified copy shows, besides published ones such as \
               SNOMED CT; their codes must identify nobody",
        secret: false,
    },
    Variable {
        name: "LOG_DIR",
        flag: "log-dir",
        value: "FOLDER",
        default: "./logs",
        example: "./logs",
        help: "Folder for daily log files",
        secret: false,
    },
    Variable {
        name: "LOG_LEVEL",
        flag: "log-level",
        value: "LEVEL",
        default: "info",
        example: "debug",
        help: "Log level: error, warn, info, debug, trace, or a list such as \
               info,fhirmill_postgres::load=debug",
        secret: false,
    },
    Variable {
        name: "LOG_FORMAT",
        flag: "log-format",
        value: "text|json",
        default: "text",
        example: "json",
        help: "Format of log lines: text for people, or json for one JSON object per line",
        secret: false,
    },
    Variable {
        name: "LOG_DAYS",
        flag: "log-days",
        value: "DAYS",
        default: "14",
        example: "14",
        help: "Number of daily log files to keep",
        secret: false,
    },
    Variable {
        name: "LOG_STDOUT",
        flag: "log-stdout",
        value: "auto|on|off",
        default: "auto",
        example: "on",
        help: "Whether log lines also go to standard output; auto does so for `fhirmill run` \
               only",
        secret: false,
    },
    Variable {
        name: "OTEL_EXPORTER_OTLP_ENDPOINT",
        flag: "otel-exporter-otlp-endpoint",
        value: "URL",
        default: "",
        example: "http://127.0.0.1:4318",
        help: "URL of an OpenTelemetry collector that traces are sent to (OTLP over HTTP, at /v1/traces \
               below it); no traces if not set. OTEL_EXPORTER_OTLP_HEADERS and \
               OTEL_RESOURCE_ATTRIBUTES are followed",
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
        let mut sentence = String::new();
        for line in text.lines() {
            if let Some(part) = line.strip_prefix("# ") {
                sentence = format!("{sentence} {part}").trim_start().to_owned();
                continue;
            }
            let assignment = line.strip_prefix('#').unwrap_or(line);
            if assignment.contains('=') {
                check_assignment(assignment, &sentence, &mut found);
            }
            sentence.clear();
        }
        let mut expected: Vec<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
        expected.extend([
            "POSTGRES_PASSWORD",
            "POSTGRES_PORT",
            "POSTGRES_ADDRESS",
            "POSTGRES_TLS",
            "POSTGRES_HBA_FILE",
            "POSTGRES_SHARED_BUFFERS",
            "HTTP_PORT",
            "S3_PORT",
            "METRICS_PORT",
        ]);
        assert_eq!(found, expected);
    }

    /// An assignment has the variable's help above it, and its default or example.
    fn check_assignment<'a>(assignment: &'a str, sentence: &str, found: &mut Vec<&'a str>) {
        let (name, value) = assignment.split_once('=').unwrap();
        assert!(!sentence.is_empty(), "{name} has no sentence above it");
        if let Some(variable) = VARIABLES.iter().find(|variable| variable.name == name) {
            assert_eq!(sentence, format!("{}.", variable.help), "the sentence above {name}");
            let expected = if variable.default.is_empty() { variable.example } else { variable.default };
            assert_eq!(value.trim_matches('"'), expected, "the value of {name}");
        }
        found.push(name);
    }
}
