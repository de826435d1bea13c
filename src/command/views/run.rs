//! `fhirmill views run`: prints the rows of a view of files.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use fhirmill_core::map::{Input, ViewRunner};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadDefect, ReadError, ResourceHandler, Stopped};
use fhirmill_core::views::render;

use super::super::Refusal;
use super::output::{self, RowOutput};
use super::read_definition;
use crate::cli::{ExitCode, ViewsRunArguments};
use crate::config::Settings;

/// The most problems that are printed; others are counted.
const MAX_SHOWN: u64 = 50;

/// Reads the files one after another and prints rows as they come.
pub fn run(settings: &Settings, arguments: &ViewsRunArguments) -> Result<ExitCode> {
    output::check(arguments.format)?;
    let text = read_definition(&arguments.view)?;
    let name = arguments.view.display().to_string();
    let runner = ViewRunner::new(&text).map_err(|found| {
        for diagnostic in &found {
            eprintln!("{}", render(diagnostic, &name, &text));
        }
        Refusal::new(format!("{name} cannot be run"))
    })?;
    let mut files = Vec::new();
    for input in &arguments.inputs {
        collect(input, &mut files)?;
    }
    let writer = RowOutput::new(runner.view(), arguments.format, settings, io::stdout())?;
    let mut printer =
        Printer { runner, writer, file: String::new(), document: String::new(), problems: 0, output: Ok(()) };
    for path in files {
        printer.file = path.display().to_string();
        match read::read(&path, &settings.read_limits(), &mut printer) {
            Ok(()) | Err(ReadError::Stopped(_)) => {}
            Err(error) => printer.problem(&"the file", &error),
        }
        if printer.output.is_err() {
            break;
        }
    }
    printer.output.and_then(|()| printer.writer.finish())?;
    if printer.problems > MAX_SHOWN {
        eprintln!("… and {} more problems", printer.problems - MAX_SHOWN);
    }
    Ok(if printer.problems > 0 { ExitCode::Rejected } else { ExitCode::Success })
}

/// The file itself, or all files in a folder in the order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let unreadable = |error: &io::Error| Refusal::new(format!("cannot read {}: {error}", path.display()));
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(path).map_err(|error| unreadable(&error))? {
        let entry = entry.map_err(|error| unreadable(&error))?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Links could lead round in circles.
        if !is_hidden && !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            entries.push(entry.path());
        }
    }
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

/// Prints the rows of what is found in files.
struct Printer<W: Write + Send> {
    runner: ViewRunner,
    writer: RowOutput<W>,
    file: String,
    document: String,
    problems: u64,
    output: Result<()>,
}

impl<W: Write + Send> Printer<W> {
    fn problem(&mut self, location: &dyn std::fmt::Display, reason: &dyn std::fmt::Display) {
        self.problems += 1;
        if self.problems <= MAX_SHOWN {
            let document =
                if self.document.is_empty() { String::new() } else { format!("{}, ", self.document) };
            eprintln!("{}: {document}{location}: {reason}", self.file);
        }
    }
}

impl<W: Write + Send> ResourceHandler for Printer<W> {
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped> {
        document.name.clone_into(&mut self.document);
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource {
            return Ok(());
        }
        match self.runner.run(&Input::from(&frame), &mut self.writer) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(error) => {
                self.writer.forget();
                self.problem(&frame.location, &error);
                return Ok(());
            }
        }
        self.output = self.writer.keep();
        if self.output.is_err() { Err(Stopped) } else { Ok(()) }
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.problem(&defect.location, &defect.reason);
        Ok(())
    }
}
