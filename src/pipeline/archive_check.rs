//! The *archive check* proves that every position in the archive which the ledger
//! names can be read, and has the content that was loaded.

use diesel::PgConnection;
use fhirmill_core::map::{Input, MapSettings, Mapper, Plan};
use fhirmill_core::read::{self, Document, Frame, Payload, ReadAt, ReadDefect, ResourceHandler, Stopped};
use fhirmill_postgres::ledger::{ArchivedFile, FoundResource};

use super::eob_coverage;
use super::error::PipelineError;
use super::job::Job;
use crate::archive::Storage;
use crate::report::{Unit, in_one_line};

/// How many resources are compared at a time.
const COMPARED_RESOURCES: usize = 5000;

/// What is wrong with an archived file.
#[derive(Clone, Debug)]
pub struct ArchiveFinding {
    /// What, for people.
    pub problem: String,
    /// How many resources of the tables it concerns; at least 1.
    pub resources: i64,
}

/// The result of the check.
#[derive(Clone, Debug, Default)]
pub struct ArchiveCheck {
    /// The files that were checked.
    pub files: u64,
    /// The positions in them that the registry names.
    pub positions: u64,
    /// What is wrong.
    pub findings: Vec<ArchiveFinding>,
}

/// Checks all files of the archive.
pub fn check_archive(job: &Job<'_>) -> Result<ArchiveCheck, PipelineError> {
    let mut connection = job.database.connect()?;
    let mut checked = ArchiveCheck::default();
    let mut done = 0;
    let total = ArchivedFile::total_bytes(&mut connection)?;
    job.progress.begin("reading the archive", total, Unit::Bytes);
    let storage = Storage::of(job.settings);
    let mut mapper = Mapper::new(Plan::built_in(), MapSettings { timezone: job.settings.assume_timezone });
    let mut last_id = 0;
    loop {
        let files = ArchivedFile::after(&mut connection, last_id)?;
        let Some(last) = files.last() else { break };
        last_id = last.id;
        for file in &files {
            let note_read = &mut |bytes| {
                done += bytes;
                job.progress.set(done);
            };
            let problem = match open(&storage, file, note_read) {
                Ok(_) if file.positions == 0 => None,
                Ok(archived) => compare(job, &mut connection, &mut mapper, (file, archived))?,
                Err(problem) => Some(ArchiveFinding { problem, resources: file.positions.max(1) }),
            };
            checked.files += 1;
            checked.positions += file.positions.unsigned_abs();
            checked.findings.extend(problem);
        }
    }
    job.progress.end();
    Ok(checked)
}

fn open(
    storage: &Storage,
    file: &ArchivedFile,
    note_read: &mut dyn FnMut(u64),
) -> Result<Box<dyn ReadAt>, String> {
    let opened = storage.open_proven(&file.stored, note_read).map_err(|error| in_one_line(&error))?;
    if let Some(bytes) = file.stored_bytes {
        storage.prove_stored(&file.stored, bytes.unsigned_abs()).map_err(|error| in_one_line(&error))?;
    }
    Ok(opened)
}

/// Compares the resources in a file with those that the registry says are there.
fn compare(
    job: &Job<'_>,
    connection: &mut PgConnection,
    mapper: &mut Mapper,
    (file, archived): (&ArchivedFile, Box<dyn ReadAt>),
) -> Result<Option<ArchiveFinding>, PipelineError> {
    file.select_positions(connection)?;
    let mut comparison = Comparison { connection, mapper, found: Vec::new(), same: 0, failure: None };
    let read = read::read_file(archived, &job.settings.read_limits(), &mut comparison);
    comparison.compare();
    if let Some(failure) = comparison.failure {
        return Err(failure.into());
    }
    let missing = file.positions - comparison.same as i64;
    if missing == 0 {
        return Ok(None);
    }
    let why = read.err().map(|error| format!(" ({error})")).unwrap_or_default();
    let problem = format!(
        "{}: resources are not at the positions in the archived file that the registry has{why}",
        file.stored.path
    );
    Ok(Some(ArchiveFinding { problem, resources: missing }))
}

struct Comparison<'c> {
    connection: &'c mut PgConnection,
    mapper: &'c mut Mapper,
    /// Those that are not compared yet.
    found: Vec<FoundResource>,
    /// How many were the same.
    same: u64,
    failure: Option<diesel::result::Error>,
}

impl Comparison<'_> {
    fn compare(&mut self) {
        if self.failure.is_some() || self.found.is_empty() {
            return;
        }
        match FoundResource::count_named(self.connection, &self.found) {
            Ok(same) => self.same += same,
            Err(failure) => self.failure = Some(failure),
        }
        self.found.clear();
    }
}

impl ResourceHandler for Comparison<'_> {
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        if frame.payload != Payload::Resource {
            return Ok(());
        }
        let mut hash = |bytes: &[u8]| {
            let input = Input { bytes, ..Input::from(&frame) };
            self.mapper.fingerprint(&input).map(|fingerprint| fingerprint.content_hash)
        };
        // What cannot be mapped was not loaded.
        let Some(content_hash) = hash(frame.bytes) else { return Ok(()) };
        let reduced = eob_coverage::without(frame.bytes);
        let reduced_hash = reduced.and_then(|bytes| hash(&bytes)).unwrap_or(content_hash);
        self.found.push(FoundResource {
            position: frame.position,
            member: frame.member,
            offset: frame.offset,
            length: frame.bytes.len() as u64,
            content_hash,
            reduced_hash,
        });
        if self.found.len() >= COMPARED_RESOURCES {
            self.compare();
        }
        if self.failure.is_some() { Err(Stopped) } else { Ok(()) }
    }

    fn defect(&mut self, _: ReadDefect<'_>) -> Result<(), Stopped> {
        Ok(())
    }
}
