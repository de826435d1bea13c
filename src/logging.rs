//! Logs, for whoever operates the service.
//!
//! Log lines go to daily files in LOG_DIR (`fhirmill.2026-03-01.log`, dates and
//! times in UTC), and old files are deleted. The service also writes them to
//! standard output, where container engines collect them. A person at a
//! terminal gets the command's output on standard output and only warnings on
//! standard error. Commands that only read write no log file, so polling the
//! status every ten seconds leaves nothing behind.
//!
//! A log folder that cannot be written to is a warning, not an error: loading
//! matters more than logging it. The service then logs to standard output,
//! whatever LOG_STDOUT says.
//!
//! Patient data are never logged. A panic is logged with its location and
//! without its message, which may quote the data being read.

use std::fs;
use std::io;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::{LogFormat, LogSettings, LogStandardOutput};
use crate::report::{AboveMeter, TRACES};

type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Who reads a command's log lines, which decides where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Readers of the service's logs: files and standard output.
    Service,
    /// A person who changes something: files, and warnings on standard error.
    Operator,
    /// A person or health check that only asks: warnings on standard error.
    Reader,
}

/// Writes log lines on a thread of its own. Dropping it writes the last lines,
/// so `main` holds it to the end.
#[must_use = "log lines are lost when this is dropped early"]
#[derive(Debug)]
pub struct LogWriter {
    _file: Option<WorkerGuard>,
    #[cfg(feature = "traces")]
    _traces: Option<crate::traces::Traces>,
}

/// Starts logging for the process. Called once, by `main`. Problems are
/// reported on standard error and never end the program.
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
    #[cfg(feature = "traces")]
    let traces = if audience == Audience::Reader { None } else { traces(settings, &mut layers) };
    if let Err(error) = tracing_subscriber::registry().with(layers).try_init() {
        eprintln!("warning: no log lines: {error}");
    }
    log_panics();
    LogWriter {
        _file: guard,
        #[cfg(feature = "traces")]
        _traces: traces,
    }
}

/// Starts to send traces, if the settings name a collector.
#[cfg(feature = "traces")]
fn traces(settings: &LogSettings, layers: &mut Vec<BoxedLayer>) -> Option<crate::traces::Traces> {
    let endpoint = settings.otlp_endpoint.as_deref()?;
    match crate::traces::Traces::start(endpoint) {
        Ok((traces, layer)) => {
            layers.push(layer);
            Some(traces)
        }
        Err(error) => {
            eprintln!("warning: no traces: {error}");
            None
        }
    }
}

/// How many lines may wait for the disk; who writes another one waits. The queue is made whole at every
/// start, and the usual one takes 5 MB and several milliseconds.
const WAITING_LINES: usize = 8192;

fn daily_file(dir: &Path, days: usize) -> anyhow::Result<(NonBlocking, WorkerGuard)> {
    // The appender would create the folder too, but only after complaining.
    fs::create_dir_all(dir)?;
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("fhirmill")
        .filename_suffix("log")
        .max_log_files(days)
        .build(dir)?;
    // Waiting is better than dropping lines: there are few, about one for each
    // file and batch.
    Ok(NonBlockingBuilder::default().lossy(false).buffered_lines_limit(WAITING_LINES).finish(appender))
}

fn lines<Writer>(settings: &LogSettings, writer: Writer) -> BoxedLayer
where
    Writer: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    // The scheduler logs its internals at the same level as we log ours, and s3s every call
    // of a client that fails, with what was sent. Spans of traces are not log lines. What
    // LOG_LEVEL says of these targets counts.
    let levels = settings.level.targets();
    let filter = Targets::new()
        .with_target("tokio_cron_scheduler", LevelFilter::WARN)
        .with_target("s3s", LevelFilter::OFF)
        .with_target(TRACES, LevelFilter::OFF)
        .with_targets(levels.iter())
        .with_default(levels.default_level().unwrap_or(LevelFilter::OFF));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(false);
    match settings.format {
        LogFormat::Text => layer.with_filter(filter).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).with_filter(filter).boxed(),
    }
}

fn warnings() -> BoxedLayer {
    tracing_subscriber::fmt::layer()
        .with_writer(|| AboveMeter)
        .with_ansi(false)
        .without_time()
        .with_target(false)
        .with_filter(LevelFilter::WARN)
        .boxed()
}

fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(panic.location = %location, panic.backtrace = %backtrace, "panicked at {location}");
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_file_is_named_by_date_and_old_ones_are_deleted() {
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
    fn a_folder_that_cannot_be_created_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(daily_file(&file.path().join("logs"), 2).is_err());
    }
}
