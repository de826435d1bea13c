//! *Erasing* a person: every resource that is theirs, in the tables, in the ledger and in the
//! archived files, as if none of it had ever come.
//!
//! 1. The request is noted, so that another process can go on if this one dies.
//! 2. All archived files of the source are searched, every version in them: what belongs to the
//!    person, and what mentions it.
//! 3. Files that have any of it are written again beside the old ones, or are dropped.
//! 4. In one transaction the rows go, resources that mentioned the person are loaded again
//!    from the new files, as in an [undo](super::undo), and the ledger leads to the new files.
//! 5. What is left is in the ledger as tasks: to remove old files and reports, to search the
//!    logs, to vacuum the tables.
//!
//! Before the commit nothing is changed; after it only tasks are left, each of which may be done
//! twice.

mod compartment;
mod edits;
mod person;
mod reading;
mod rewriting;
mod scan;
mod tasks;

use std::collections::BTreeMap;
use std::io;

use fhirmill_core::fhir::ResourceType;
use fhirmill_core::read::ReadError;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::database::DatabaseError;
use fhirmill_postgres::erase::{self, Counts, Erasure, RejectText, Subject, TaskKind, Texts};
use fhirmill_postgres::failpoint::{self, EraseStep};
use fhirmill_postgres::ledger::{Run, RunStatus, forward};
use fhirmill_postgres::load::lead_to_owners;
use fhirmill_postgres::undo::{self, TableRows, UndoFile};
use serde::Serialize;
use thiserror::Error;

use super::error::PipelineError;
use super::job::Job;
use super::remap::resolve;
use super::undo::{Affected, UndoError, begin, files_to_replay, replay};
use super::worker::Worker;
use crate::archive::{ArchiveError, Storage};
use person::{Person, Verdict};
use reading::{Reader, Surroundings};
use rewriting::{Place, Totals, by_place, edits_of, open, rename_lost};
use scan::{What, scan};

pub use tasks::{finish, finish_pending, recover};

/// Why nobody was erased.
#[derive(Debug, Error)]
pub enum EraseError {
    #[error("the database is unavailable")]
    Database(#[from] DatabaseError),
    #[error("the ledger cannot be written")]
    Ledger(#[from] diesel::result::Error),
    #[error("the resources that stay cannot be loaded again")]
    Load(#[from] LoadError),
    #[error(transparent)]
    Pipeline(#[from] PipelineError),
    #[error(transparent)]
    Undo(#[from] UndoError),
    /// The archive has a file that cannot be read, or that is not what was loaded.
    #[error("nothing was erased: file {file_id} of the archive cannot be searched")]
    Archive { file_id: i64, source: ArchiveError },
    /// A file cannot be read to its end.
    #[error("nothing was erased: file {file_id} of the archive cannot be read")]
    Read { file_id: i64, source: ReadError },
    /// A file cannot be written again.
    #[error("nothing was erased: file {file_id} of the archive cannot be written again")]
    Write { file_id: i64, source: io::Error },
    /// A task that was left cannot be done.
    #[error(
        "the tables no longer have the person, but {0} cannot be removed yet; `fhirmill erase --finish` goes on"
    )]
    Unfinished(String, #[source] io::Error),
    /// Another process erases.
    #[error("another process is erasing; try again when it has finished")]
    Busy,
    /// Resources mention other patients, and nobody has said what becomes of them.
    #[error("{0} resources mention other patients, too")]
    SharedResources(usize),
    #[error("interrupted; nothing was erased")]
    Interrupted,
}

/// What became of archived files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileAction {
    /// Written again without the person's records.
    Rewritten,
    /// Removed: it had no other records.
    Removed,
}

/// Archived files that had records of the person; several deliveries of the same bytes share one.
#[derive(Clone, Debug, Serialize)]
pub struct ErasedFile {
    /// Their numbers.
    pub ids: Vec<i64>,
    /// What became of them.
    pub action: FileAction,
    /// How many of their records were erased.
    pub records: u64,
}

/// What was erased, or would be.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Erased {
    /// The number of the erasure; none of a dry run.
    pub erasure_id: Option<i64>,
    /// The ids of the patients that are the person.
    pub patients: Vec<String>,
    /// How many resources, by type.
    pub resources: BTreeMap<&'static str, u64>,
    /// How many rows, by table.
    pub tables: BTreeMap<String, u64>,
    /// The resources that mention other patients, too: `Type/id`.
    pub shared: Vec<String>,
    /// The archived files.
    pub files: Vec<ErasedFile>,
    /// The numbers of the files that the archive does not have.
    pub missing_files: Vec<i64>,
    /// The numbers of the source's files that are still in the inbox, and were not searched.
    pub files_in_inbox: Vec<i64>,
    /// The numbers of the snapshots that may hold the person.
    pub snapshots: Vec<i64>,
    /// The sinks that have yet to delete resources of the person.
    pub sinks: Vec<String>,
    /// Whether the de-identified copy has tables, which stay as they are until they are made again.
    pub has_deidentified_tables: bool,
    /// How many keys the registry still has, because a process that is running may remember them.
    pub remembered_keys: u64,
    /// The sums.
    pub counts: Counts,
}

impl Erased {
    /// Whether there was nothing to erase.
    pub fn is_nothing(&self) -> bool {
        self.counts == Counts::default() && self.shared.is_empty()
    }
}

/// What an erasure is done for.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    /// To tell what would be erased.
    DryRun,
    /// For the erasure with that number, by the run with that number.
    Erasure(i64, i64),
}

/// Tells what would be erased, and changes nothing.
pub fn search(job: &Job<'_>, subject: &Subject) -> Result<Erased, EraseError> {
    of_source(job, subject, Purpose::DryRun).map(|(erased, _)| erased)
}

/// Erases a person, by whom the ledger is told. Whoever calls it holds [`Erasure::lock`].
pub fn erase(job: &Job<'_>, subject: &Subject, by: &str) -> Result<Erased, EraseError> {
    let mut connection = job.database.connect()?;
    let id = Erasure::request(&mut connection, subject, by)?;
    failpoint::passed_erase(EraseStep::Requested);
    let erased = go_on(job, subject, id);
    if !matches!(&erased, Ok(erased) if !erased.is_nothing()) {
        // Nothing was changed, unless only tasks are left.
        Erasure::withdraw(&mut connection, id)?;
    }
    erased
}

/// Does what was requested, to its end.
fn go_on(job: &Job<'_>, subject: &Subject, id: i64) -> Result<Erased, EraseError> {
    let mut run = Run::begin(job.database.connect()?, "erase")?;
    let erased = of_source(job, subject, Purpose::Erasure(id, run.id));
    let ended = match &erased {
        Ok((_, true)) => resolve(job, run.connection()).map(|_| ()).map_err(EraseError::from),
        _ => Ok(()),
    };
    let counts = erased.as_ref().map(|(erased, _)| counts(&erased.counts)).unwrap_or_default();
    run.end(RunStatus::of(erased.is_ok() && ended.is_ok()), &counts, true)?;
    let (mut erased, is_done) = erased?;
    ended?;
    if is_done {
        failpoint::passed_erase(EraseStep::Committed);
        erased.remembered_keys = finish(job, id)?;
    }
    Ok(erased)
}

fn counts(counts: &Counts) -> BTreeMap<&'static str, u64> {
    BTreeMap::from([
        ("resources", counts.resources),
        ("rows", counts.rows),
        ("records", counts.records),
        ("files_rewritten", counts.files_rewritten),
        ("files_removed", counts.files_removed),
    ])
}

/// Searches, and erases what is found unless it is a dry run. Says whether anything was.
fn of_source(job: &Job<'_>, subject: &Subject, purpose: Purpose) -> Result<(Erased, bool), EraseError> {
    let mut worker = Worker::for_undo(job)?;
    begin(job, &mut worker, subject.source_id)?;
    let changed = change(job, &mut worker, subject, purpose);
    match (changed, purpose) {
        (Ok(erased), Purpose::Erasure(..)) if !erased.is_nothing() => {
            worker.loader().commit()?;
            Ok((erased, true))
        }
        (other, _) => {
            worker.loader().roll_back()?;
            other.map(|erased| (erased, false))
        }
    }
}

/// Does all of it within the worker's transaction.
fn change(
    job: &Job<'_>,
    worker: &mut Worker,
    subject: &Subject,
    purpose: Purpose,
) -> Result<Erased, EraseError> {
    let storage = Storage::of(job.settings);
    let files = UndoFile::archived(worker.connection(), subject.source_id)?;
    let mut number = 0;
    let mut erased = Erased::default();
    let mut person = search_person(job, worker, (subject, &files), &mut erased, &mut number)?;
    let shared = person.also_of_others.iter().map(|(of_type, id)| format!("{}/{id}", of_type.name()));
    erased.shared = shared.collect();
    if matches!(purpose, Purpose::Erasure(..)) && subject.shared.is_none() && !erased.shared.is_empty() {
        return Err(EraseError::SharedResources(erased.shared.len()));
    }
    let mut totals = Totals::default();
    let mut places: Vec<Place<'_>> = Vec::new();
    for files in by_place(&files) {
        let Some(archived) = open(&storage, files[0])? else { continue };
        places.extend(edits_of(job, worker, (files, archived), (&mut person, &mut totals), &mut number)?);
    }
    failpoint::passed_erase(EraseStep::Searched);
    let mut tasks = Vec::new();
    for place in &places {
        let (left, file) = match purpose {
            Purpose::Erasure(..) => place.put(job, worker, &storage, &person)?,
            Purpose::DryRun => (Vec::new(), place.told()),
        };
        tasks.extend(left);
        erased.files.push(file);
    }
    if matches!(purpose, Purpose::Erasure(..)) {
        tasks.extend(rename_lost(worker, &files, (&erased.missing_files, &person))?);
    }
    erased.patients = person.ids.iter().cloned().collect();
    erased.files_in_inbox = erase::files_in_inbox(worker.connection(), subject.source_id)?;
    erased.has_deidentified_tables = erase::has_deidentified_tables(worker.connection())?;
    erased.snapshots = Erasure::snapshots(worker.connection(), subject.source_id)?;
    erased.counts.records = totals.records;
    erased.counts.removed_references = totals.removed_references;
    let of_action = |action| erased.files.iter().filter(|file| file.action == action).count() as u64;
    erased.counts.files_rewritten = of_action(FileAction::Rewritten);
    erased.counts.files_removed = of_action(FileAction::Removed);
    clear(job, worker, (subject, purpose), (&person, &totals), &mut erased)?;
    erased.counts.rejects = rejects(worker, subject, (&mut person, &totals))?;
    if let Purpose::Erasure(id, run_id) = purpose {
        note(worker, (id, run_id), &person, (&erased, tasks))?;
        failpoint::passed_erase(EraseStep::Recorded);
    }
    Ok(erased)
}

/// Searches all files until it is known who the person is.
fn search_person(
    job: &Job<'_>,
    worker: &mut Worker,
    (subject, files): (&Subject, &[UndoFile]),
    erased: &mut Erased,
    number: &mut u64,
) -> Result<Person, EraseError> {
    let storage = Storage::of(job.settings);
    let aliases = erase::aliases(worker.connection(), subject.source_id, &subject.fhir_id)?;
    let mut person = Person::new(subject, aliases);
    loop {
        person.begin_search();
        erased.missing_files.clear();
        for files in by_place(files) {
            let Some(archived) = open(&storage, files[0])? else {
                erased.missing_files.extend(files.iter().map(|file| file.id));
                continue;
            };
            scan(job, worker, (files[0], archived), number, &mut |found| {
                if let What::Resource { reading, named } = &found.what {
                    person.learn(reading, named.as_ref());
                }
                Ok(())
            })?;
        }
        if person.is_search_over() {
            break;
        }
    }
    let ids: Vec<String> = person.ids.iter().cloned().collect();
    let plan = worker.plan_tables();
    let tables: Vec<_> = plan.tables.iter().collect();
    let in_tables = erase::of_patients(worker.connection(), subject.source_id, &ids, &tables)?;
    person.end_search(in_tables);
    Ok(person)
}

/// Removes the rows of what is erased, and loads again what mentioned it.
fn clear(
    job: &Job<'_>,
    worker: &mut Worker,
    (subject, purpose): (&Subject, Purpose),
    (person, totals): (&Person, &Totals),
    erased: &mut Erased,
) -> Result<(), EraseError> {
    let source_id = subject.source_id;
    let parts = |named: &[&(ResourceType, String)]| -> (Vec<&'static str>, Vec<String>) {
        named.iter().map(|(of_type, id)| (of_type.name(), id.clone())).unzip()
    };
    let members: Vec<_> = person.members.iter().collect();
    let (types, ids) = parts(&members);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    undo::begin(worker.connection())?;
    erase::note(worker.connection(), source_id, (&types, &ids))?;
    erased.resources = erase::count(worker.connection())?
        .into_iter()
        .filter_map(|(name, count)| Some((ResourceType::named(&name)?.name(), count)))
        .collect();
    erased.counts.resources = erased.resources.values().sum();
    erased.counts.people = erased.resources.get("Patient").copied().unwrap_or_default();
    let mut affected = Affected::default();
    let redacted: Vec<_> = totals.redacted.iter().cloned().collect();
    affected.add(worker.connection(), source_id, &redacted)?;
    affected.close(worker)?;
    let is_any_left = erase::is_any_not_erased(worker.connection())?;
    let mut number = 0;
    let again = match is_any_left && matches!(purpose, Purpose::Erasure(..)) {
        true => files_to_replay(job, worker, (source_id, &[]), &mut affected, &mut number)?,
        false => Vec::new(),
    };
    let plan = worker.plan_tables();
    undo::collect_keys(worker.connection(), &plan.tables)?;
    erased.tables = erase::rows(worker.connection(), &plan)?;
    erased.counts.rows = erased.tables.values().sum();
    let Purpose::Erasure(id, run_id) = purpose else { return Ok(()) };
    let _: BTreeMap<String, TableRows> = undo::clear(worker.connection(), &plan)?;
    failpoint::passed_erase(EraseStep::Cleared);
    replay(job, worker, &again, (&affected, &[]))?;
    forward::note_undone(worker.connection(), source_id, Some(run_id))?;
    erased.sinks = erase::leave_sinks(worker.connection(), source_id)?;
    undo::remove_unused(worker.connection(), source_id, &plan.tables)?;
    erase::forget(worker.connection(), id)?;
    lead_to_owners(worker.connection(), || plan, &[run_id])?;
    Ok(())
}

/// Takes their texts from rejected records of the person; returns how many there are.
fn rejects(
    worker: &mut Worker,
    subject: &Subject,
    (person, totals): (&mut Person, &Totals),
) -> Result<u64, EraseError> {
    let (mut count, mut after) = (0, 0);
    let mut reader = Reader::new();
    loop {
        let page = erase::rejects(worker.connection(), subject.source_id, after)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = last.id;
        let mut scrubbed = Vec::new();
        for reject in &page {
            match reject_verdict(reject, (person, totals), &mut reader) {
                Verdict::Keep => {}
                // It is not in the tables, so that nothing refers to it.
                Verdict::Erase | Verdict::Redact => scrubbed.push(reject.id),
            }
        }
        count += erase::scrub_rejects(worker.connection(), &scrubbed)? as u64;
    }
}

fn reject_verdict(
    reject: &RejectText,
    (person, totals): (&mut Person, &Totals),
    reader: &mut Reader,
) -> Verdict {
    let position = u64::try_from(reject.position).unwrap_or_default();
    if position > 0 && totals.positions.contains(&(reject.file_id, position)) {
        return Verdict::Erase;
    }
    let named = reject.resource_type.as_deref().and_then(ResourceType::named).zip(reject.fhir_id.clone());
    if named.as_ref().is_some_and(|named| person.members.contains(named)) {
        return Verdict::Erase;
    }
    let Some(raw) = &reject.raw else { return Verdict::Keep };
    let verdict = match reader.read(raw, &Surroundings::default()) {
        Some(reading) => person.verdict(&reading, named.as_ref()),
        None => Verdict::Keep,
    };
    match verdict {
        Verdict::Keep if person.is_named_in(raw) => Verdict::Erase,
        verdict => verdict,
    }
}

/// Takes the person from the texts of the ledger, and notes what is left to do.
fn note(
    worker: &mut Worker,
    (id, run_id): (i64, i64),
    person: &Person,
    (erased, mut tasks): (&Erased, Vec<(TaskKind, String)>),
) -> Result<(), EraseError> {
    let references = person.references();
    let long_ids = person.ids.iter().filter(|id| id.len() >= SHORTEST_WORD);
    let names = tasks.iter().filter(|(kind, _)| *kind == TaskKind::Log).map(|(_, name)| name);
    let words: Vec<String> = long_ids.chain(names).cloned().collect();
    tasks.extend(references.iter().chain(&words).map(|word| (TaskKind::Log, word.clone())));
    erase::scrub_requests(worker.connection())?;
    let of_ledger = Texts { references, words }.remove(worker.connection())?;
    let mut tables: Vec<&str> = erased.tables.keys().map(String::as_str).collect();
    tables.extend(of_ledger.iter().map(String::as_str));
    tables.extend(erase::TABLES);
    tables.sort_unstable();
    tables.dedup();
    tasks.extend(tables.into_iter().map(|table| (TaskKind::Table, table.to_owned())));
    // A text is removed once.
    let mut seen = rustc_hash::FxHashSet::default();
    tasks.retain(|(kind, text)| *kind != TaskKind::Log || seen.insert(text.clone()));
    let of_files = (&*erased.missing_files, &*erased.snapshots);
    Erasure::note(worker.connection(), (id, run_id), &erased.counts, of_files, &tasks)?;
    Ok(())
}

/// The shortest id that is removed from texts wherever it stands.
const SHORTEST_WORD: usize = 8;
