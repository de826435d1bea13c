//! The first half of a conversion: files → rows, spilled in sorted runs.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use fhirmill_arrow::{Key, key_of};
use fhirmill_core::map::{IdentifierKey, Plan, RowBatch, TargetIdentity};
use fhirmill_core::read::Stopped;
use fhirmill_core::rows::RowBuffer;
use fhirmill_core::version::{Place, number_of};
use fhirmill_postgres::failpoint::{self, ConvertStep};
use fhirmill_postgres::ledger::{Account, ClaimedFile};
use fhirmill_postgres::lock::lock;

use super::decide::SpilledVersion;
use super::error::ConvertError;
use super::ledger_tables::{FileEntry, write_delete, write_reject, write_resource};
use super::owners::Owners;
use super::spill::{Head, Run, Spill};
use super::{Context, Numbers};
use crate::config::EobCoverage;
use crate::inbox::InboxFile;
use crate::pipeline::batch_mapper::{BatchMapper, Mapped};
use crate::pipeline::buffer_pool::BufferPool;
use crate::pipeline::eob_coverage;
use crate::pipeline::file_progress::FileProgress;
use crate::pipeline::input_batch::InputBatch;
use crate::pipeline::reader::{ReadContext, Reader};
use crate::pipeline::run_state::RunState;
use crate::report::Unit;

/// The source's number in the column `source_id`: a conversion has one source.
const SOURCE_ID: i16 = 1;

/// A record with references by identifiers whose owners were not known.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub place: Place,
    pub record: u64,
    pub identifiers: Vec<IdentifierKey>,
}

/// What mapping gives besides rows.
#[derive(Default)]
pub(super) struct Mapping {
    pub runs: Vec<Run>,
    pub files: Vec<FileEntry>,
    pub pending: Vec<Pending>,
    /// Records that were mapped once more: the old number and the new one.
    pub replaced: Vec<(u64, u64)>,
    pub is_interrupted: bool,
}

/// Which records are mapped.
pub(super) enum Scope {
    /// All of the files.
    All,
    /// Those at these places, again: with their numbers.
    Again(HashMap<(i64, i64), u64>),
}

/// What the workers share.
struct Shared<'s> {
    context: &'s Context<'s>,
    scope: &'s Scope,
    owners: &'s Owners,
    plan: Arc<Plan>,
    state: RunState,
    pool: BufferPool,
    /// What the workers found.
    found: Mutex<Mapping>,
    accounts: Mutex<HashMap<i64, Account>>,
    failure: Mutex<Option<ConvertError>>,
}

/// Maps the files, each with its number.
pub(super) fn map(
    context: &Context<'_>,
    files: &[(i64, &InboxFile)],
    scope: &Scope,
    owners: &Owners,
) -> Result<Mapping, ConvertError> {
    let (sender, receiver) = sync_channel::<InputBatch>(1);
    let shared = Shared {
        context,
        scope,
        owners,
        plan: Arc::clone(&context.plan),
        state: RunState::new(receiver),
        pool: BufferPool::new(2 * context.settings.max_batch_bytes()),
        found: Mutex::default(),
        accounts: Mutex::default(),
        failure: Mutex::default(),
    };
    let (entries, is_interrupted) = thread::scope(|scope| {
        for _ in 0..context.settings.workers.get() {
            scope.spawn(|| Worker::new(&shared).run());
        }
        let ReadContext { settings, cancel, progress } = context.read();
        progress.begin(context.stage, files.iter().map(|(_, file)| file.size).sum(), Unit::Bytes);
        let read = ReadContext { settings, cancel, progress };
        let mut reader = Reader::new(read, sender, &shared.state, &shared.pool);
        let read = read_files(&mut reader, files, context.settings.limits.max_rejects_per_file);
        drop(reader);
        progress.end();
        read
    });
    if let Some(failure) = lock(&shared.failure).take() {
        return Err(failure);
    }
    let mut found = shared.found.into_inner().unwrap_or_default();
    let accounts = shared.accounts.into_inner().unwrap_or_default();
    found.files = entries;
    for file in &mut found.files {
        file.account = accounts.get(&file.id).copied().unwrap_or_default();
    }
    found.is_interrupted = is_interrupted;
    Ok(found)
}

/// Reads the files; whether the reader was stopped.
fn read_files(
    reader: &mut Reader<'_>,
    files: &[(i64, &InboxFile)],
    max_rejects: u64,
) -> (Vec<FileEntry>, bool) {
    let mut entries = Vec::with_capacity(files.len());
    let mut bytes_before = 0;
    for &(id, file) in files {
        let claimed =
            ClaimedFile { id, source_id: SOURCE_ID, base_urls: Vec::new(), done: Vec::new(), rejected: 0 };
        let progress = Arc::new(FileProgress::new(claimed));
        let Ok(reading) = reader.read(file, &progress, bytes_before) else { return (entries, true) };
        bytes_before += file.size;
        let error = match reading.outcome {
            Err(error) => Some(error.to_string()),
            Ok(()) if progress.rejected() > max_rejects => {
                Some("too many of its records were rejected".to_owned())
            }
            Ok(()) => None,
        };
        entries.push(FileEntry {
            id,
            path: file.relative.clone(),
            bytes: file.size,
            format: reading.form,
            seen: reading.seen,
            account: Account::default(),
            error,
        });
    }
    let flushed: Result<(), Stopped> = reader.flush();
    (entries, flushed.is_err())
}

/// Maps one batch after another.
struct Worker<'w> {
    shared: &'w Shared<'w>,
    mapper: BatchMapper,
    spill: Spill<'w>,
    /// The key of each target of the batch.
    keys: Vec<Key>,
    /// The patient of each resource of the batch.
    patients: Vec<Key>,
    rows: RowBuffer,
}

impl<'w> Worker<'w> {
    fn new(shared: &'w Shared<'w>) -> Self {
        let context = shared.context;
        let limit = context.memory / context.settings.workers.get();
        let mut mapper = BatchMapper::new(context.settings, Arc::clone(&shared.plan));
        mapper.rows = RowBatch::compact(shared.plan.tables.len());
        Worker {
            shared,
            mapper,
            spill: Spill::new(context.numbers.count, limit, &context.staging),
            keys: Vec::new(),
            patients: Vec::new(),
            rows: RowBuffer::default(),
        }
    }

    fn run(mut self) {
        while let Some(mut batch) = self.shared.state.receive() {
            if self.shared.state.is_aborted() {
                continue;
            }
            self.batch(&mut batch);
            failpoint::passed(ConvertStep::Mapped);
            let settled = self.spill.settle();
            self.check(settled);
            self.shared.pool.give_back(batch.into_bytes());
        }
        let shared = self.shared;
        match self.spill.finish() {
            Ok(runs) => lock(&shared.found).runs.extend(runs),
            Err(error) => fail(shared, error),
        }
    }

    fn check(&self, result: std::io::Result<()>) {
        if let Err(error) = result {
            fail(self.shared, error);
        }
    }

    fn batch(&mut self, batch: &mut InputBatch) {
        if self.shared.context.settings.eob_coverage == EobCoverage::Drop {
            batch.rewrite(eob_coverage::without);
        }
        let mapped = self.map(batch);
        self.mapper.rows.fill_source(SOURCE_ID);
        self.fill_keys();
        let files: Vec<i64> = batch.files().iter().map(|part| part.file_id).collect();
        let count = (mapped.origins.len() + mapped.deletes.len()) as u64;
        let first = self.shared.context.next_record.fetch_add(count, Ordering::Relaxed);
        self.write_tables(&mapped, &files, first);
        self.write_resources(&mapped, &files, first);
        match self.shared.scope {
            Scope::All => {
                self.write_versions(&mapped, &files, first);
                self.write_rejects(batch, &mapped, &files);
                self.note_pending(&mapped, &files, first);
                self.settle_accounts(batch, &mapped, &files);
            }
            Scope::Again(places) => {
                let replaced = mapped.origins.iter().zip(first..).filter_map(|(origin, new)| {
                    let old = places.get(&(files[origin.file], origin.position as i64))?;
                    Some((*old, new))
                });
                lock(&self.shared.found).replaced.extend(replaced);
            }
        }
    }

    /// Maps the batch, and once more if owners of identifiers turn out to be known.
    fn map(&mut self, batch: &InputBatch) -> Mapped {
        let files: Vec<i64> = batch.files().iter().map(|part| part.file_id).collect();
        let scope = self.shared.scope;
        let is_left_out = |record: usize| match scope {
            Scope::All => false,
            Scope::Again(places) => {
                let origin = batch.records()[record].origin;
                !places.contains_key(&(files[origin.file], origin.position as i64))
            }
        };
        self.mapper.identifiers().begin_source(SOURCE_ID);
        let mapped = self.mapper.map(batch, &is_left_out);
        let mut is_any_known = false;
        for asked in self.mapper.identifiers().take_asked() {
            if let Some((resource_type, number)) = self.shared.owners.owner(&asked) {
                self.mapper.identifiers().learn(asked, resource_type, number);
                is_any_known = true;
            }
        }
        if !is_any_known {
            return mapped;
        }
        let mapped = self.mapper.map(batch, &is_left_out);
        self.mapper.identifiers().take_asked();
        mapped
    }

    fn fill_keys(&mut self) {
        let (source, owners) = (&self.shared.context.source, self.shared.owners);
        self.keys.clear();
        self.keys.extend(self.mapper.rows.targets().map(|target| {
            match target {
                TargetIdentity::Identity(identity) => key_of(source, identity),
                // Numbers of owners come from the list of owners only.
                TargetIdentity::Key(number) => usize::try_from(number)
                    .ok()
                    .and_then(|number| owners.keys.get(number))
                    .copied()
                    .unwrap_or_default(),
            }
        }));
    }

    fn write_tables(&mut self, mapped: &Mapped, files: &[i64], first: u64) {
        let numbers = &self.shared.context.numbers;
        self.patients.clear();
        self.patients.resize(mapped.origins.len(), [0; 16]);
        for table in 0..self.shared.plan.tables.len() {
            for (resource, buffer, range) in self.mapper.rows.of_resources(table) {
                let out = self.spill.bytes();
                let start = out.len();
                buffer.write_with_keys(range, &self.keys, out);
                if let Some(at) = numbers.patients[table]
                    && self.patients[resource] == [0; 16]
                    && let Some(patient) = key_at(&out[start..], at)
                {
                    self.patients[resource] = patient;
                }
                let head = Head {
                    sort_key: self.patients[resource],
                    place: place(files, mapped.origins[resource].file, mapped.origins[resource].position),
                    record: first + resource as u64,
                };
                self.spill.add(table, head, start);
            }
        }
    }

    /// The rows of `etl_resource`.
    fn write_resources(&mut self, mapped: &Mapped, files: &[i64], first: u64) {
        let Worker { mapper, spill, keys, patients, rows, shared, .. } = self;
        let source = shared.context.source.as_str();
        let table = shared.context.numbers.resource;
        let mut add = |rows: &RowBuffer, head: Head| {
            let start = spill.bytes().len();
            spill.bytes().extend_from_slice(rows.as_bytes());
            spill.add(table, head, start);
        };
        for (resource, (registration, origin)) in
            mapper.rows.resources().iter().zip(&mapped.origins).enumerate()
        {
            rows.clear();
            let key = &keys[registration.target as usize];
            let identity = (source, key, mapper.rows.identity(resource));
            write_resource(rows, identity, registration, (files[origin.file], origin));
            let place = place(files, origin.file, origin.position);
            add(rows, Head { sort_key: patients[resource], place, record: first + resource as u64 });
        }
        for (record, delete) in (first + mapped.origins.len() as u64..).zip(&mapped.deletes) {
            rows.clear();
            let key = keys[delete.target as usize];
            let identity = mapper.rows.target_identity(delete.target);
            write_delete(rows, (source, &key, identity), (files[delete.file], delete));
            let sort_key = if identity.resource_type.name() == "Patient" { key } else { [0; 16] };
            add(rows, Head { sort_key, place: place(files, delete.file, delete.position), record });
        }
    }

    fn write_versions(&mut self, mapped: &Mapped, files: &[i64], first: u64) {
        let Worker { mapper, spill, keys, shared, .. } = self;
        let table = shared.context.numbers.version;
        let mut add = |target: u32, place: Place, record: u64, version: SpilledVersion| {
            let start = spill.bytes().len();
            version.write(spill.bytes());
            spill.add(table, Head { sort_key: keys[target as usize], place, record }, start);
        };
        let resources = mapper.rows.resources().iter().zip(&mapped.origins);
        for (record, (registration, origin)) in (first..).zip(resources) {
            let version = SpilledVersion {
                time: registration.effective_at,
                number: registration.version_id.as_deref().and_then(number_of),
                content_hash: registration.content_hash,
            };
            add(registration.target, place(files, origin.file, origin.position), record, version);
        }
        for (record, delete) in (first + mapped.origins.len() as u64..).zip(&mapped.deletes) {
            let version =
                SpilledVersion { time: delete.effective_at, number: delete.version, content_hash: None };
            add(delete.target, place(files, delete.file, delete.position), record, version);
        }
    }

    fn write_rejects(&mut self, batch: &InputBatch, mapped: &Mapped, files: &[i64]) {
        let table = self.shared.context.numbers.reject;
        for reject in batch.rejects().iter().chain(&mapped.rejects) {
            self.rows.clear();
            write_reject(&mut self.rows, files[reject.file], reject);
            let start = self.spill.bytes().len();
            self.spill.bytes().extend_from_slice(self.rows.as_bytes());
            let place = place(files, reject.file, reject.position);
            self.spill.add(table, Head { sort_key: [0; 16], place, record: u64::MAX }, start);
        }
    }

    /// Notes the records with references that may be resolved when all files are read.
    fn note_pending(&self, mapped: &Mapped, files: &[i64], first: u64) {
        let mut pending: HashMap<usize, BTreeSet<&IdentifierKey>> = HashMap::new();
        for (resource, identifier) in self.mapper.rows.unresolved() {
            pending.entry(resource).or_default().insert(identifier);
        }
        if pending.is_empty() {
            return;
        }
        let pending = pending.into_iter().map(|(resource, identifiers)| Pending {
            place: place(files, mapped.origins[resource].file, mapped.origins[resource].position),
            record: first + resource as u64,
            identifiers: identifiers.into_iter().cloned().collect(),
        });
        lock(&self.shared.found).pending.extend(pending);
    }

    fn settle_accounts(&self, batch: &mut InputBatch, mapped: &Mapped, files: &[i64]) {
        let parts = batch.files();
        let mut accounts: Vec<Account> =
            parts.iter().map(|part| Account { skipped: part.skipped, ..Account::default() }).collect();
        for reject in batch.rejects().iter().chain(&mapped.rejects) {
            accounts[reject.file].rejected += 1;
        }
        for (file, count) in mapped.skipped_in_files() {
            accounts[file].skipped += count;
        }
        batch.mark_loaded(&accounts);
        let mut all = lock(&self.shared.accounts);
        for (file, account) in files.iter().zip(&accounts) {
            let of_file = all.entry(*file).or_default();
            of_file.rejected += account.rejected;
            of_file.skipped += account.skipped;
        }
    }
}

fn fail(shared: &Shared<'_>, error: std::io::Error) {
    let error = ConvertError::output(&shared.context.staging)(error);
    lock(&shared.failure).get_or_insert(error);
    shared.state.give_up();
}

fn place(files: &[i64], file: usize, position: u64) -> Place {
    Place { file: files[file], position: position as i64 }
}

/// The key in the column at `at` of the first row; `None` if it is null.
fn key_at(row: &[u8], at: usize) -> Option<Key> {
    let mut rest = row.get(2..)?;
    let mut column = 0;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = i32::from_be_bytes(*length);
        match usize::try_from(length) {
            Ok(length) if column == at => return Key::try_from(after.get(..length)?).ok(),
            Ok(length) => {
                rest = after.get(length..)?;
                column += 1;
            }
            // Nulls of a compact row.
            Err(_) => {
                rest = after;
                column += length.unsigned_abs() as usize;
            }
        }
        if column > at {
            return None;
        }
    }
}

/// The numbers of records.
pub(super) type NextRecord = AtomicU64;

impl Numbers {
    /// Of the plan's tables and of those that tell of the conversion.
    pub(super) fn of(plan: &Plan) -> Self {
        let tables = plan.tables.len();
        let patients = plan.tables.iter().map(|table| {
            let name = if table.name == "patient" { "id" } else { "patient_id" };
            table.columns.iter().position(|column| column.name == name)
        });
        Numbers {
            patients: patients.collect(),
            resource: tables,
            reject: tables + 1,
            version: tables + 2,
            file: tables + 3,
            count: tables + 4,
        }
    }
}
