//! Synthetic patients: invented people with a medical record in the shape that
//! Synthea gives FHIR R4.
//!
//! The output is deterministic. Patient `i` of a seed is always the same bytes,
//! however many patients are generated; nothing reads the clock. Patients are
//! written one at a time, so memory use is that of a single patient.
//!
//! ```
//! use fhirmill_synthetic::{Folder, Format, Options, generate};
//!
//! let folder = tempfile::tempdir()?;
//! let options = Options { patients: 2, seed: 7, format: Format::Ndjson };
//! let written = generate(&options, &mut Folder::new(folder.path())?, &mut |_| ())?;
//! assert!(folder.path().join("Patient.ndjson").exists());
//! assert!(written.resources > 100);
//! # Ok::<(), std::io::Error>(())
//! ```

mod billing;
mod calendar;
mod care;
mod clinical;
mod compose;
mod encounter;
mod hospital;
mod patient;
mod person;
mod pharmacy;
mod random;
mod record;
mod schedule;
mod visit;
mod words;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use compose::Composer;
use hospital::Hospital;
use writer::ReferenceStyle;

/// How the resources are distributed over files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One pretty-printed transaction Bundle per patient, and
    /// `hospitalInformation.json` for what they refer to.
    Bundles,
    /// As in a bulk export: one `Type.ndjson` per resource type, one resource
    /// per line.
    Ndjson,
    /// Everything in one compact collection Bundle, `bundle.json`.
    Bundle,
}

/// What to generate.
#[derive(Clone, Debug)]
pub struct Options {
    /// The number of patients.
    pub patients: u64,
    /// Selects the patients: different seeds share none.
    pub seed: u64,
    /// The files to write.
    pub format: Format,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The number of files.
    pub files: u64,
    /// The number of resources, the shared ones of the hospital included.
    pub resources: u64,
    /// The size of all files together.
    pub bytes: u64,
}

/// Where generated files go. Several may be open at a time.
pub trait Output {
    /// A file that is being written.
    type File: Write;

    /// Begins the file with this name, which replaces one of an earlier call.
    fn create(&mut self, name: &str) -> io::Result<Self::File>;

    /// Completes a file.
    fn finish(&mut self, file: Self::File) -> io::Result<()>;
}

/// A folder, to which files are written directly.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// The folder at `path`, which is created if it is missing.
    pub fn new(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        fs::create_dir_all(&path)?;
        Ok(Folder(path))
    }
}

impl Output for Folder {
    type File = File;

    fn create(&mut self, name: &str) -> io::Result<File> {
        File::create(self.0.join(name))
    }

    fn finish(&mut self, _: File) -> io::Result<()> {
        Ok(())
    }
}

/// Generates patients into an output. Files with the same names are replaced.
///
/// `progress` is called after each patient with the number of patients written
/// so far.
///
/// # Errors
///
/// A file cannot be written.
pub fn generate<O: Output>(
    options: &Options,
    output: &mut O,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let hospital = Hospital::new(options.seed);
    match options.format {
        Format::Bundles => generate_bundles(options, output, &hospital, progress),
        Format::Ndjson => generate_export(options, output, &hospital, progress),
        Format::Bundle => generate_collection(options, output, &hospital, progress),
    }
}

fn generate_bundles<O: Output>(
    options: &Options,
    output: &mut O,
    hospital: &Hospital,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut composer = Composer::new(ReferenceStyle::Transaction, true);
    composer.begin_bundle("batch");
    hospital.write(&mut composer, options.seed);
    composer.end_bundle();
    write_file(output, "hospitalInformation.json", &mut composer, &mut written)?;
    for number in 0..options.patients {
        composer.begin_bundle("transaction");
        record::write(&mut composer, hospital, options.seed, number);
        composer.end_bundle();
        write_file(output, &format!("patient-{:06}.json", number + 1), &mut composer, &mut written)?;
        progress(number + 1);
    }
    Ok(written)
}

fn write_file<O: Output>(
    output: &mut O,
    name: &str,
    composer: &mut Composer,
    written: &mut Written,
) -> io::Result<()> {
    let mut file = output.create(name)?;
    file.write_all(&composer.writer.bytes)?;
    output.finish(file)?;
    written.files += 1;
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.written.len() as u64;
    composer.clear();
    Ok(())
}

fn generate_collection<O: Output>(
    options: &Options,
    output: &mut O,
    hospital: &Hospital,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let mut written = Written { files: 1, ..Written::default() };
    let mut file = output.create("bundle.json")?;
    let mut composer = Composer::new(ReferenceStyle::Collection, false);
    composer.begin_bundle("collection");
    hospital.write(&mut composer, options.seed);
    for number in 0..options.patients {
        record::write(&mut composer, hospital, options.seed, number);
        append(&mut file, &mut composer, &mut written)?;
        progress(number + 1);
    }
    composer.end_bundle();
    append(&mut file, &mut composer, &mut written)?;
    output.finish(file)?;
    Ok(written)
}

/// One write per patient, so the file needs no buffer of its own.
fn append(file: &mut impl Write, composer: &mut Composer, written: &mut Written) -> io::Result<()> {
    file.write_all(&composer.writer.bytes)?;
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.written.len() as u64;
    composer.clear();
    Ok(())
}

fn generate_export<O: Output>(
    options: &Options,
    output: &mut O,
    hospital: &Hospital,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let mut written = Written::default();
    let mut files = BTreeMap::new();
    let mut composer = Composer::new(ReferenceStyle::Relative, false);
    hospital.write(&mut composer, options.seed);
    distribute(output, &mut files, &mut composer, &mut written)?;
    for number in 0..options.patients {
        record::write(&mut composer, hospital, options.seed, number);
        distribute(output, &mut files, &mut composer, &mut written)?;
        progress(number + 1);
    }
    written.files = files.len() as u64;
    for file in files.into_values() {
        output.finish(file.into_inner()?)?;
    }
    Ok(written)
}

/// Appends each resource to the file of its type. One file per generated
/// resource type stays open.
fn distribute<O: Output>(
    output: &mut O,
    files: &mut BTreeMap<&'static str, BufWriter<O::File>>,
    composer: &mut Composer,
    written: &mut Written,
) -> io::Result<()> {
    for resource in &composer.written {
        if !files.contains_key(resource.resource_type) {
            let file = output.create(&format!("{}.ndjson", resource.resource_type))?;
            files.insert(resource.resource_type, BufWriter::new(file));
        }
        if let Some(file) = files.get_mut(resource.resource_type) {
            file.write_all(&composer.writer.bytes[resource.span.clone()])?;
        }
    }
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.written.len() as u64;
    composer.clear();
    Ok(())
}
