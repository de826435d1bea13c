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
mod outcome;
mod person;
mod reading;
mod rewriting;
mod scan;
mod tasks;

use std::collections::BTreeMap;

use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::erase::{self, Counts, Erasure, RejectText, Subject, TaskKind, Texts};
use fhirmill_postgres::failpoint::{self, EraseStep};
use fhirmill_postgres::ledger::{Run, RunStatus, forward};
use fhirmill_postgres::load::lead_to_owners;
use fhirmill_postgres::undo::{self, TableRows, UndoFile};

use super::job::Job;
use super::remap::resolve;
use super::undo::{Affected, begin, files_to_replay, replay};
use super::worker::Worker;
use crate::archive::Storage;
use person::{Person, Verdict};
use reading::{Reader, Surroundings};
use rewriting::{Place, Totals, by_place, edits_of, open, rename_lost};
use scan::{What, scan};

pub use outcome::{EraseError, Erased, ErasedFile, FileAction};
pub use tasks::{finish, finish_pending, recover};

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
    failpoint::passed(EraseStep::Requested);
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
        failpoint::passed(EraseStep::Committed);
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
        (Ok(mut erased), Purpose::Erasure(id, _)) if !erased.is_nothing() => {
            worker.loader().commit()?;
            erased.erasure_id = Some(id);
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
    failpoint::passed(EraseStep::Searched);
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
        failpoint::passed(EraseStep::Recorded);
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
    erase::collect_contained(worker.connection())?;
    erased.tables = erase::rows(worker.connection(), &plan)?;
    erased.counts.rows = erased.tables.values().sum();
    let Purpose::Erasure(id, run_id) = purpose else { return Ok(()) };
    let _: BTreeMap<String, TableRows> = undo::clear(worker.connection(), &plan)?;
    failpoint::passed(EraseStep::Cleared);
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
