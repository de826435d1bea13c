//! Runs a view over a file and says how many megabytes it read per second of CPU time:
//! `cargo run --release --example views -- VIEW FILE > rows.csv`.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;

use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::read::{self, Document, Frame, ReadDefect, ReadLimits, ResourceHandler, Stopped};
use fhirmill_core::views::{Format, RowWriter};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

struct Rows<W> {
    runner: ViewRunner,
    writer: RowWriter<W>,
}

impl<W: io::Write> ResourceHandler for Rows<W> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        match self.runner.run(&Input::from(&frame), &mut self.writer) {
            Ok(true) => self.writer.keep().map_err(|_| Stopped),
            Ok(false) => Ok(()),
            Err(error) => {
                self.writer.forget();
                eprintln!("{}: {error}", frame.location);
                Ok(())
            }
        }
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        eprintln!("{}: {}", defect.location, defect.reason);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, view, file] = arguments.as_slice() else { return Err("VIEW FILE".into()) };
    let runner = ViewRunner::new(&fs::read_to_string(view)?).map_err(|found| format!("{found:?}"))?;
    let writer = RowWriter::new(runner.view(), Format::Csv, io::stdout().lock());
    let mut rows = Rows { runner, writer };
    read::read(Path::new(file), &ReadLimits::default(), &mut rows)?;
    rows.writer.flush()?;
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let seconds = (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6;
    let megabytes = fs::metadata(file)?.len() as f64 / 1e6;
    let count = rows.writer.row_count();
    eprintln!(
        "{count} rows, {megabytes:.0} MB in {seconds:.2} CPU s: {:.0} MB per CPU s",
        megabytes / seconds
    );
    Ok(())
}
