//! A *synthetic patient* is a life that never was: invented names and places,
//! and a medical record in the shape that Synthea gives FHIR R4. Patient `i`
//! of a seed is the same bytes for ever, however many patients are asked for:
//! nothing reads a clock. Patients are written one at a time, so memory stays
//! that of one patient.

mod billing;
mod calendar;
mod clinical;
mod compose;
mod patient;
mod pool;
mod random;
mod visit;
mod words;
mod writer;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use compose::Composer;
use pool::Hospital;
use writer::References;

/// How the resources are laid into files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A transaction Bundle a patient, pretty-printed, and `hospitalInformation.json`.
    Bundles,
    /// A bulk export: `Type.ndjson`, a resource a line.
    Ndjson,
    /// Everything in one collection Bundle, `bundle.json`, compact.
    Bundle,
}

/// What to generate, and the directory to write it into.
#[derive(Clone, Debug)]
pub struct Plan {
    pub patients: u64,
    pub seed: u64,
    pub out: PathBuf,
    pub format: Format,
}

/// What was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub files: u64,
    pub resources: u64,
    pub bytes: u64,
}

/// Writes the patients of a plan into its directory, which is made if it is
/// missing; files of the same name are replaced. `progress` is told the number
/// of patients done after each. The error is that of the file system.
pub fn generate(plan: &Plan, progress: &mut dyn FnMut(u64)) -> io::Result<Written> {
    fs::create_dir_all(&plan.out)?;
    let hospital = Hospital::new(plan.seed);
    match plan.format {
        Format::Bundles => generate_bundles(plan, &hospital, progress),
        Format::Ndjson => generate_export(plan, &hospital, progress),
        Format::Bundle => generate_collection(plan, &hospital, progress),
    }
}

fn generate_bundles(plan: &Plan, hospital: &Hospital, progress: &mut dyn FnMut(u64)) -> io::Result<Written> {
    let mut written = Written::default();
    let mut composer = Composer::new(References::Transaction, true);
    composer.begin_bundle("batch");
    hospital.write(&mut composer, plan.seed);
    composer.end_bundle();
    write_file(&plan.out.join("hospitalInformation.json"), &mut composer, &mut written)?;
    for number in 0..plan.patients {
        composer.begin_bundle("transaction");
        patient::write(&mut composer, hospital, plan.seed, number);
        composer.end_bundle();
        write_file(&plan.out.join(format!("patient-{:06}.json", number + 1)), &mut composer, &mut written)?;
        progress(number + 1);
    }
    Ok(written)
}

fn write_file(path: &Path, composer: &mut Composer, written: &mut Written) -> io::Result<()> {
    fs::write(path, &composer.writer.bytes)?;
    written.files += 1;
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.made.len() as u64;
    composer.clear();
    Ok(())
}

fn generate_collection(
    plan: &Plan,
    hospital: &Hospital,
    progress: &mut dyn FnMut(u64),
) -> io::Result<Written> {
    let mut written = Written { files: 1, ..Written::default() };
    let mut file = File::create(plan.out.join("bundle.json"))?;
    let mut composer = Composer::new(References::Collection, false);
    composer.begin_bundle("collection");
    hospital.write(&mut composer, plan.seed);
    for number in 0..plan.patients {
        patient::write(&mut composer, hospital, plan.seed, number);
        append(&mut file, &mut composer, &mut written)?;
        progress(number + 1);
    }
    composer.end_bundle();
    append(&mut file, &mut composer, &mut written)?;
    Ok(written)
}

/// A patient's bytes are one write, so the file needs no buffer of its own.
fn append(file: &mut File, composer: &mut Composer, written: &mut Written) -> io::Result<()> {
    file.write_all(&composer.writer.bytes)?;
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.made.len() as u64;
    composer.clear();
    Ok(())
}

fn generate_export(plan: &Plan, hospital: &Hospital, progress: &mut dyn FnMut(u64)) -> io::Result<Written> {
    let mut written = Written::default();
    let mut files = BTreeMap::new();
    let mut composer = Composer::new(References::Relative, false);
    hospital.write(&mut composer, plan.seed);
    distribute(&plan.out, &mut files, &mut composer, &mut written)?;
    for number in 0..plan.patients {
        patient::write(&mut composer, hospital, plan.seed, number);
        distribute(&plan.out, &mut files, &mut composer, &mut written)?;
        progress(number + 1);
    }
    for file in files.values_mut() {
        file.flush()?;
    }
    written.files = files.len() as u64;
    Ok(written)
}

/// Sends each resource to the file of its type; as many files are open as the
/// generator knows types.
fn distribute(
    out: &Path,
    files: &mut BTreeMap<&'static str, BufWriter<File>>,
    composer: &mut Composer,
    written: &mut Written,
) -> io::Result<()> {
    for made in &composer.made {
        if !files.contains_key(made.kind) {
            let file = File::create(out.join(format!("{}.ndjson", made.kind)))?;
            files.insert(made.kind, BufWriter::new(file));
        }
        if let Some(file) = files.get_mut(made.kind) {
            file.write_all(&composer.writer.bytes[made.span.clone()])?;
        }
    }
    written.bytes += composer.writer.bytes.len() as u64;
    written.resources += composer.made.len() as u64;
    composer.clear();
    Ok(())
}
