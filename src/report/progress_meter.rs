//! A *progress meter* shows a person how far the work is, on standard error: a
//! bar on a terminal, elsewhere a line every half minute that makes a readable
//! log. It watches a [`RunProgress`] from a thread of its own; the service has
//! no meter, since it logs.

use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fhirmill_postgres::lock::lock;
use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::{RunProgress, Snapshot, Stage, Unit};

/// How often the bar is drawn.
const DRAW_EVERY: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// A meter, shown until it is dropped. Drop it before printing anything.
#[derive(Debug)]
pub struct ProgressMeter {
    /// Dropped to stop the thread.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ProgressMeter {
    /// Shows this progress. Without a thread to do so, nothing is shown.
    pub fn watch(progress: &Arc<RunProgress>) -> Self {
        let (stop, stopped) = channel();
        let progress = Arc::clone(progress);
        let is_terminal = std::io::stderr().is_terminal();
        let watch = move || {
            let mut display: Box<dyn Display> =
                if is_terminal { Box::new(Bar::new()) } else { Box::new(Lines::default()) };
            while stopped.recv_timeout(DRAW_EVERY) == Err(RecvTimeoutError::Timeout) {
                display.show(&progress.snapshot());
            }
        };
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(watch).ok();
        ProgressMeter { stop: Some(stop), thread }
    }
}

impl Drop for ProgressMeter {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A meter that panicked has been logged, and is no reason to fail.
            let _ = thread.join();
        }
    }
}

trait Display {
    fn show(&mut self, snapshot: &Snapshot);
}

/// The bar that is on the terminal, if there is one.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Standard error, for lines that may come while a bar is shown: they are written
/// above it.
#[derive(Debug)]
pub struct AboveMeter;

impl Write for AboveMeter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bar = lock(&SHOWN).clone();
        match bar {
            Some(bar) => bar.suspend(|| io::stderr().write(bytes)),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A bar on a terminal.
struct Bar {
    bar: ProgressBar,
    stage: Option<Stage>,
}

impl Bar {
    fn new() -> Self {
        Bar { bar: ProgressBar::hidden(), stage: None }
    }

    /// Each stage has a bar of its own, which begins where the last one was cleared: a
    /// bar that gets another draw target leaves its line behind.
    fn begin(&mut self, stage: Stage) {
        self.clear();
        let template = match stage.unit {
            Unit::Bytes => "{msg} {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left".to_owned(),
            Unit::Items(plural) => format!("{{msg}} {{bar:30}} {{pos}} of {{len}} {plural}, {{eta}} left"),
        };
        let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = ProgressBar::with_draw_target(Some(stage.total), ProgressDrawTarget::stderr());
        self.bar = bar.with_style(style).with_message(stage.name);
        *lock(&SHOWN) = Some(self.bar.clone());
    }

    fn clear(&mut self) {
        *lock(&SHOWN) = None;
        self.bar.finish_and_clear();
    }
}

impl Display for Bar {
    fn show(&mut self, snapshot: &Snapshot) {
        if snapshot.stage != self.stage {
            self.stage = snapshot.stage;
            match snapshot.stage {
                Some(stage) => self.begin(stage),
                None => self.clear(),
            }
        }
        if snapshot.stage.is_some() {
            self.bar.set_position(snapshot.done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Lines in a log.
#[derive(Default)]
struct Lines {
    stage: Option<Stage>,
    written_at: Option<Instant>,
}

impl Display for Lines {
    fn show(&mut self, snapshot: &Snapshot) {
        let since = *self.written_at.get_or_insert_with(Instant::now);
        if snapshot.stage != self.stage {
            (self.stage, self.written_at) = (snapshot.stage, Some(Instant::now()));
        } else if let Some(stage) = snapshot.stage
            && since.elapsed() >= LINE_EVERY
        {
            self.written_at = Some(Instant::now());
            eprintln!("{}", line(stage, snapshot.done));
        }
    }
}

fn line(stage: Stage, done: u64) -> String {
    let Stage { name, total, unit } = stage;
    match unit {
        Unit::Bytes => format!("{name} {} of {}", HumanBytes(done), HumanBytes(total)),
        Unit::Items(plural) => format!("{name} {done} of {total} {plural}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_line_says_what_is_done_and_how_far() {
        let stage = Stage { name: "loading", total: 3 << 20, unit: Unit::Bytes };
        assert_eq!(line(stage, 1 << 20), "loading 1.00 MiB of 3.00 MiB");
        let stage = Stage { name: "indexing", total: 9, unit: Unit::Items("indexes") };
        assert_eq!(line(stage, 4), "indexing 4 of 9 indexes");
    }

    #[test]
    fn a_meter_ends_when_it_is_dropped() {
        let progress = Arc::new(RunProgress::default());
        let meter = ProgressMeter::watch(&progress);
        progress.begin("loading", 10, Unit::Bytes);
        std::thread::sleep(DRAW_EVERY * 2);
        drop(meter);
        assert_eq!(Arc::strong_count(&progress), 1);
    }
}
