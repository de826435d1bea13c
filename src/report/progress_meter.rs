//! A *progress meter* shows how far long work is, on standard error: a bar on a
//! terminal, a plain line now and then elsewhere, so that a log of it can be
//! read. The service has none: it logs.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often a plain line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    /// Things with that plural.
    Items(&'static str),
}

/// See the module.
pub struct ProgressMeter {
    /// `None`: nothing is shown.
    shown: Option<Shown>,
}

struct Shown {
    bar: ProgressBar,
    is_terminal: bool,
    line: Mutex<Line>,
}

struct Line {
    unit: Unit,
    written_at: Instant,
}

impl ProgressMeter {
    /// For work that somebody waits for.
    pub fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let line = Mutex::new(Line { unit: Unit::Bytes, written_at: Instant::now() });
        ProgressMeter { shown: Some(Shown { bar, is_terminal, line }) }
    }

    /// Shows nothing.
    pub fn hidden() -> Self {
        ProgressMeter { shown: None }
    }

    /// Begins a piece of work of that size.
    pub fn begin(&self, what: &'static str, total: u64, unit: Unit) {
        let Some(Shown { bar, is_terminal, line }) = &self.shown else { return };
        *line.lock().unwrap_or_else(PoisonError::into_inner) = Line { unit, written_at: Instant::now() };
        bar.reset();
        bar.set_length(total);
        bar.set_message(what);
        let template = match unit {
            Unit::Bytes => "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left".to_owned(),
            Unit::Items(plural) => format!("{{msg}} {{bar:30}} {{pos}} of {{len}} {plural}, {{eta}} left"),
        };
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        if *is_terminal {
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }

    /// So much of it is done.
    pub fn set(&self, done: u64) {
        let Some(Shown { bar, is_terminal, line }) = &self.shown else { return };
        bar.set_position(done);
        if *is_terminal {
            return;
        }
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        if line.written_at.elapsed() < LINE_EVERY {
            return;
        }
        line.written_at = Instant::now();
        let (what, total) = (bar.message(), bar.length().unwrap_or_default());
        match line.unit {
            Unit::Bytes => eprintln!("{what} {} of {}", HumanBytes(done), HumanBytes(total)),
            Unit::Items(plural) => eprintln!("{what} {done} of {total} {plural}"),
        }
    }

    /// The work is done: the bar goes.
    pub fn end(&self) {
        if let Some(Shown { bar, .. }) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

impl Default for ProgressMeter {
    fn default() -> Self {
        Self::new()
    }
}
