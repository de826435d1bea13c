//! Logs: what one operator reads at night.
//!
//! Log lines go to daily files in LOG_DIR (`fhirmill.2026-03-01.log`, days and
//! times in UTC), old ones pruned. The service writes them to standard output
//! too, where a container's engine collects them. A person at a terminal gets
//! the command's own answer on standard output, and only warnings on standard
//! error. A command that only reads writes no file, so that asking for the
//! status every ten seconds leaves nothing behind.
//!
//! A log folder that cannot be written is a warning and not the end: loading
//! matters more than logs of it, and the service then logs to standard output
//! whatever LOG_STDOUT says.
//!
//! Names, dates and other values of patients are never logged; a panic is
//! logged with its place and without its message, since a message may quote
//! what the program was reading.

use std::fs;
use std::io;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::cli::{Command, DatabaseCommand, IndexesCommand, MigrateCommand};
use crate::config::{LogFormat, LogSettings, LogStandardOutput};

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Who a command's log lines are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The service: files and standard output.
    Service,
    /// Somebody at a terminal who changes something: files, and warnings on standard error.
    Operator,
    /// Somebody, or a health check, that only asks: warnings on standard error.
    Reader,
}

impl Audience {
    pub fn of(command: &Command) -> Self {
        match command {
            Command::Run => Self::Service,
            Command::Inspect(_)
            | Command::Status(_)
            | Command::Files(_)
            | Command::Rejects(_)
            | Command::Show(_)
            | Command::Generate(_)
            | Command::Migrate(MigrateCommand::Status(_))
            | Command::Indexes(IndexesCommand::Status(_))
            | Command::Database(DatabaseCommand::Url) => Self::Reader,
            Command::Once(_)
            | Command::Migrate(_)
            | Command::Indexes(_)
            | Command::Database(_)
            | Command::Retry(_)
            | Command::Remap(_)
            | Command::Check(_) => Self::Operator,
        }
    }
}

/// Writes log lines on a thread of its own. The last lines are written when
/// this is dropped, so `main` holds it to the end.
#[must_use = "log lines are lost when this is dropped early"]
#[derive(Debug)]
pub struct LogWriter {
    _file: Option<WorkerGuard>,
}

/// Starts the logs of the process; called once, by `main`.
pub fn start(settings: &LogSettings, audience: Audience) -> LogWriter {
    let mut layers: Vec<BoxedLayer> = Vec::new();
    let mut guard = None;
    let mut file_is_missing = false;
    if audience != Audience::Reader {
        match daily_file(&settings.dir, settings.days) {
            Ok((writer, file_guard)) => {
                layers.push(lines(settings, writer));
                guard = Some(file_guard);
            }
            Err(error) => {
                file_is_missing = true;
                eprintln!("warning: no log files: {} cannot be written: {error}", settings.dir.display());
            }
        }
    }
    let is_service = audience == Audience::Service;
    let to_standard_output = match settings.standard_output {
        LogStandardOutput::On => true,
        LogStandardOutput::Auto => is_service,
        LogStandardOutput::Off => is_service && file_is_missing,
    };
    if to_standard_output {
        layers.push(lines(settings, io::stdout));
    } else {
        layers.push(warnings());
    }
    if let Err(error) = tracing_subscriber::registry().with(layers).try_init() {
        eprintln!("warning: no log lines: {error}");
    }
    log_panics();
    LogWriter { _file: guard }
}

fn daily_file(dir: &Path, days: usize) -> anyhow::Result<(NonBlocking, WorkerGuard)> {
    // The appender makes the folder too, but complains about it first.
    fs::create_dir_all(dir)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("fhirmill")
        .filename_suffix("log")
        .max_log_files(days)
        .build(dir)?;
    // A line that waits is better than a line that is dropped: there are few
    // of them, one for each file and batch.
    Ok(NonBlockingBuilder::default().lossy(false).finish(appender))
}

fn lines<Writer>(settings: &LogSettings, writer: Writer) -> BoxedLayer
where
    Writer: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // The scheduler tells its own life at the level at which we tell ours.
    let directives = format!("tokio_cron_scheduler=warn,{}", settings.level.as_str());
    let filter = EnvFilter::builder().parse_lossy(directives);
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match settings.format {
        LogFormat::Text => layer.with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

fn warnings() -> BoxedLayer {
    tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_filter(LevelFilter::WARN)
        .boxed()
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(panic.location = %place, panic.backtrace = %backtrace, "panicked at {place}");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_file_carries_the_date_and_old_ones_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        for day in ["2020-01-01", "2020-01-02", "2020-01-03"] {
            fs::write(folder.path().join(format!("fhirmill.{day}.log")), "old\n").unwrap();
        }
        fs::write(folder.path().join("notes.txt"), "not ours\n").unwrap();
        let (mut writer, guard) = daily_file(folder.path(), 2).unwrap();
        io::Write::write_all(&mut writer, b"a line\n").unwrap();
        drop(guard);

        let mut names: Vec<String> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let today = chrono::Utc::now().format("fhirmill.%Y-%m-%d.log").to_string();
        assert!(names.contains(&today), "{names:?}");
        assert!(names.contains(&"notes.txt".to_owned()), "{names:?}");
        assert!(!names.contains(&"fhirmill.2020-01-01.log".to_owned()), "{names:?}");
        assert_eq!(fs::read_to_string(folder.path().join(today)).unwrap(), "a line\n");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_an_error_and_no_panic() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(daily_file(&file.path().join("logs"), 2).is_err());
    }
}
