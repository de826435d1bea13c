//! The *engine*: files in, record batches of all tables out. It knows nothing of Python.
//!
//! Records are mapped as they are read. Whenever some megabytes have been mapped, the
//! batch is closed: the registry decides which of its versions count, and their rows become
//! record batches in a spool. Rows of a version that is displaced later are left out when
//! the spool is read.
//!
//! A reference may name its resource by an identifier, or by the URL of a server that is
//! known later only. If such references can be resolved at the end, all is read once more.

mod account;
mod handler;
mod output;
mod owners;
mod registry;
mod servers;
mod spool;
mod staging;

use std::sync::Arc;

use fhirmill_arrow::{Key, key_of};
use fhirmill_core::datatype::Timezone;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{IdentifierKey, MapSettings, Mapper, Plan, RowBatch, TargetIdentity};
use fhirmill_core::read::{self, ReadAt, ReadError, ReadLimits};
use fhirmill_core::rows::Target;
use fhirmill_core::version::{Place, Version, number_of};

pub use account::{FileAccount, Reject};
pub use output::{OutputError, schemas};
pub use spool::Spooled;
pub use staging::{KnownOwner, StageOptions, Staged};

use output::Output;
use owners::Search;
use registry::{Bearer, Record, Registry};
use servers::Servers;
use staging::{StagedBatch, Staging};

/// How to read and map.
#[derive(Clone, Debug)]
pub struct Options {
    /// The name of the sender whose ids do not collide; part of all keys.
    pub source: String,
    /// Stands in for offsets that times are written without.
    pub timezone: Timezone,
    /// Base URLs of the source's servers.
    pub base_urls: Vec<String>,
    /// Whether the rows of all versions are wanted, not those of the latest only.
    pub all_versions: bool,
    /// Whether the first reject ends the reading.
    pub strict: bool,
    /// The most rejects that are kept; others are counted.
    pub max_rejects: usize,
    /// Whether the record batches wait in temporary files.
    pub on_disk: bool,
    /// The JSON that is mapped before a batch is closed, in bytes.
    pub batch_bytes: usize,
    /// Whether to stage the rows of all versions, each with the number of its record, and
    /// decide nothing.
    pub stage: Option<StageOptions>,
}

/// The most records of a batch, however few bytes they are.
const MAX_RECORDS: usize = 20_000;

/// Why the engine stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file cannot be opened or read.
    #[error(transparent)]
    Read(ReadError),
    /// The rows cannot be kept.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// Whoever runs it asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// The first reject, where none is allowed.
    #[error("a record was rejected")]
    Rejected,
}

/// See the module.
pub struct Engine {
    options: Options,
    plan: Arc<Plan>,
    limits: ReadLimits,
    mapper: Mapper,
    rows: RowBatch,
    /// The place of each resource of `rows`.
    places: Vec<Place>,
    deletes: Vec<Delete>,
    batch_number: u32,
    json_bytes: usize,
    servers: Servers,
    /// The owners of identifiers, in the order of the numbers that stand for them.
    owners: Vec<Key>,
    /// A server became known after references to it may have been mapped.
    is_server_late: bool,
    has_unresolved_urls: bool,
    is_last_pass: bool,
    registry: Registry,
    staging: Option<Staging>,
    output: Output,
    files: Vec<FileAccount>,
    rejects: Vec<Reject>,
    /// What the reading stopped for.
    stopped: Option<EngineError>,
    is_interrupted: Box<dyn FnMut() -> bool + Send>,
}

/// A deletion in the batch.
struct Delete {
    target: Target,
    version: Version,
}

/// What was read.
pub struct Finished {
    /// By table, in the order of the plan.
    pub tables: Vec<Spooled>,
    pub files: Vec<FileAccount>,
    pub rejects: Vec<Reject>,
    /// What was noted of the records, if they were staged.
    pub staged: Option<Staged>,
}

/// What follows when all was read.
pub enum Pass {
    /// Nothing.
    Last(Finished),
    /// More references can be resolved if the same is read again, by this engine.
    Again(Box<Engine>),
}

impl Engine {
    /// An engine of that plan. It asks `is_interrupted` now and then whether to stop.
    ///
    /// # Errors
    /// A table has no schema.
    pub fn new(
        plan: Arc<Plan>,
        options: Options,
        is_interrupted: Box<dyn FnMut() -> bool + Send>,
    ) -> Result<Self, fhirmill_arrow::SchemaError> {
        let output = Output::new(schemas(&plan)?, options.on_disk, options.stage.is_some());
        let staging = options.stage.as_ref().map(|stage| Staging::new(stage.first_record));
        let mut engine = Engine {
            limits: ReadLimits::default(),
            rows: RowBatch::compact(plan.tables.len()),
            mapper: Mapper::new(Arc::clone(&plan), MapSettings { timezone: options.timezone }),
            plan,
            places: Vec::new(),
            deletes: Vec::new(),
            batch_number: 0,
            json_bytes: 0,
            servers: Servers::new(&options.base_urls),
            owners: Vec::new(),
            is_server_late: false,
            has_unresolved_urls: false,
            is_last_pass: false,
            registry: Registry::new(!options.all_versions),
            staging,
            output,
            files: Vec::new(),
            rejects: Vec::new(),
            stopped: None,
            is_interrupted,
            options,
        };
        let known = engine.options.stage.as_mut().map(|stage| std::mem::take(&mut stage.owners));
        for KnownOwner { identifier, resource_type, key } in known.into_iter().flatten() {
            engine.learn_owner(identifier, resource_type, key);
        }
        Ok(engine)
    }

    fn learn_owner(&mut self, identifier: IdentifierKey, resource_type: ResourceType, owner: Key) {
        self.mapper.identifiers().learn(identifier, resource_type, self.owners.len() as i64);
        self.owners.push(owner);
    }

    /// Reads a file of that name. A file that is damaged is read as far as possible and
    /// told among the rejects.
    ///
    /// # Errors
    /// It cannot be opened or read, or the engine has to stop.
    pub fn read(&mut self, name: &str, content: impl ReadAt + 'static) -> Result<(), EngineError> {
        self.begin_file(name);
        let limits = self.limits.clone();
        let outcome = read::read_file(content, &limits, &mut handler::Handler::new(self, None));
        self.end_file(outcome)
    }

    /// Like [`Engine::read`], for a part of a file, whose records have positions from
    /// `position` on.
    ///
    /// # Errors
    /// It cannot be opened or read, or the engine has to stop.
    pub fn read_part(
        &mut self,
        name: &str,
        content: impl ReadAt + 'static,
        mut position: u64,
    ) -> Result<(), EngineError> {
        self.begin_file(name);
        let limits = self.limits.clone();
        let mut handler = handler::Handler::new(self, None);
        let outcome = read::read_from(content, &limits, &mut handler, &mut position);
        self.end_file(outcome)
    }

    /// Reads texts, each of which is a resource or a Bundle; nulls are left out.
    ///
    /// # Errors
    /// The engine has to stop.
    pub fn read_texts<'t>(
        &mut self,
        name: &str,
        texts: impl Iterator<Item = Option<&'t [u8]>>,
    ) -> Result<(), EngineError> {
        self.begin_file(name);
        // A text is small, and the buffer for reading it need not be larger.
        let mut position = 1;
        for (number, text) in texts.enumerate() {
            let Some(text) = text else { continue };
            let limits = ReadLimits { read_bytes: text.len().max(64), ..self.limits.clone() };
            let mut handler = handler::Handler::new(self, Some(number as u64));
            let outcome = read::read_from(text.to_vec(), &limits, &mut handler, &mut position);
            self.end_file(outcome)?;
        }
        Ok(())
    }

    /// Nothing more comes, unless the answer is [`Pass::Again`].
    ///
    /// # Errors
    /// The last rows cannot be kept.
    pub fn finish(mut self) -> Result<Pass, EngineError> {
        self.close_batch()?;
        self.account();
        let tables = self.output.finish()?;
        let staged = self.staging.take();
        let is_staged = staged.is_some();
        let staged = staged.map(|log| log.finish(self.servers.base_urls(), self.has_unresolved_urls));
        let staged = staged.transpose().map_err(OutputError::Arrow)?;
        let finished = Finished { tables, files: self.files, rejects: self.rejects, staged };
        let asked = self.mapper.identifiers().take_asked();
        if self.is_last_pass || is_staged || (asked.is_empty() && !self.is_server_late) {
            return Ok(Pass::Last(finished));
        }
        let mut search = Search::new(&asked, &self.registry, &self.options.source);
        for (table, rows) in self.plan.tables.iter().zip(&finished.tables) {
            search.look_through(&table.name, rows).map_err(OutputError::Arrow)?;
        }
        let owned = search.owned();
        if owned.is_empty() && !self.is_server_late {
            return Ok(Pass::Last(finished));
        }
        let base_urls = self.servers.base_urls().to_vec();
        let options = Options { base_urls, ..self.options };
        let again = Engine::new(self.plan, options, self.is_interrupted);
        let mut again = again.map_err(|error| EngineError::Output(OutputError::Schema(error)))?;
        again.is_last_pass = true;
        for (identifier, resource_type, owner) in owned {
            again.learn_owner(identifier, resource_type, owner);
        }
        Ok(Pass::Again(Box::new(again)))
    }

    /// Learns from what is read that this is a server of the source.
    fn learn_server(&mut self, base_url: &str) {
        let is_unresolved = self.has_unresolved_urls || self.rows.absolute_references().unresolved > 0;
        self.is_server_late |= self.servers.learn(base_url) && is_unresolved;
    }

    /// The rejects, of an engine that stopped.
    pub fn rejects(&self) -> &[Reject] {
        &self.rejects
    }

    fn begin_file(&mut self, name: &str) {
        self.files.push(FileAccount { file: name.to_owned(), ..FileAccount::default() });
    }

    fn end_file(&mut self, outcome: Result<(), ReadError>) -> Result<(), EngineError> {
        match (outcome, self.stopped.take()) {
            (_, Some(stopped)) => Err(stopped),
            (Ok(()), None) => Ok(()),
            (Err(error), None) if error.is_retryable() || matches!(error, ReadError::NotAFile) => {
                Err(EngineError::Read(error))
            }
            (Err(error), None) => {
                self.reject("", "unreadable_file", error.to_string());
                self.stopped.take().map_or(Ok(()), Err)
            }
        }
    }

    /// The account of the file that is being read.
    fn file(&mut self) -> &mut FileAccount {
        if self.files.is_empty() {
            self.begin_file("");
        }
        let last = self.files.len() - 1;
        &mut self.files[last]
    }

    /// Counts a reject and keeps it, and stops if none is allowed.
    fn reject(&mut self, location: &str, reason: &str, message: String) {
        let file = self.file();
        file.seen += 1;
        file.rejected += 1;
        let file = file.file.clone();
        self.keep(Reject {
            file,
            location: location.to_owned(),
            resource_type: None,
            fhir_id: None,
            path: None,
            reason: reason.to_owned(),
            message,
        });
    }

    fn keep(&mut self, reject: Reject) {
        if self.rejects.len() < self.options.max_rejects.max(1) {
            self.rejects.push(reject);
        }
        if self.options.strict {
            self.stopped = Some(EngineError::Rejected);
        }
    }

    /// Decides on the records of the batch, and keeps the rows of those that count.
    fn close_batch(&mut self) -> Result<(), OutputError> {
        let Engine { rows, options, owners, .. } = self;
        let key = |target: TargetIdentity<'_>| match target {
            TargetIdentity::Identity(identity) => key_of(&options.source, identity),
            TargetIdentity::Key(owner) => owners[owner as usize],
        };
        let keys: Vec<Key> = rows.targets().map(key).collect();
        self.has_unresolved_urls |= rows.absolute_references().unresolved > 0;
        let is_all = options.all_versions;
        let first_record = self.stage(&keys);
        let counts = match first_record {
            Some(_) => vec![true; self.places.len()],
            None if is_all => self.all(&keys),
            None => self.latest(&keys),
        };
        let is_counting = |resource: usize| counts[resource];
        self.output.push(self.batch_number, &mut self.rows, &keys, &is_counting, first_record)?;
        self.batch_number += 1;
        self.json_bytes = 0;
        self.rows.clear();
        self.places.clear();
        self.deletes.clear();
        Ok(())
    }

    /// Notes the records of the batch, if they are staged: the number of the first.
    fn stage(&mut self, keys: &[Key]) -> Option<i64> {
        let Engine { staging, rows, places, deletes, plan, .. } = self;
        let batch = StagedBatch { rows, tables: plan.tables.len(), places, deletes, keys };
        staging.as_mut().map(|staging| staging.note(&batch))
    }

    /// All versions count; deletions have no rows.
    fn all(&mut self, keys: &[Key]) -> Vec<bool> {
        // Only resources that exist own identifiers.
        for (target, record) in self.records() {
            self.registry.decide(keys[target as usize], record);
        }
        for place in &self.places {
            self.files[place.file as usize - 1].inserted += 1;
        }
        for delete in &self.deletes {
            self.files[delete.version.place.file as usize - 1].deleted += 1;
        }
        vec![true; self.places.len()]
    }

    /// Which versions of the batch count, as far as it was read.
    fn latest(&mut self, keys: &[Key]) -> Vec<bool> {
        let mut counts = vec![false; self.places.len()];
        for (target, record) in self.records() {
            let decision = self.registry.decide(keys[target as usize], record);
            if let Some(bearer) = record.bearer.filter(|_| decision.wins) {
                counts[bearer.resource as usize] = true;
            }
            match decision.void {
                Some(void) if void.batch == self.batch_number => counts[void.resource as usize] = false,
                Some(void) => self.output.void(void),
                None => {}
            }
        }
        counts
    }

    /// Counts what became of all records.
    fn account(&mut self) {
        if self.options.all_versions {
            return;
        }
        for (file, outcome, records) in self.registry.outcomes() {
            self.files[file as usize - 1].note(outcome, records);
        }
    }

    /// The records of the batch, in the order in which they take effect.
    fn records(&self) -> Vec<(Target, Record)> {
        let resources = self.rows.resources().iter().zip(&self.places).enumerate();
        let resources = resources.map(|(number, (registration, place))| {
            let version = Version {
                time: registration.effective_at,
                number: registration.version_id.as_deref().and_then(number_of),
                place: *place,
            };
            let content = registration.content_hash.as_ref().and_then(|hash| hash.first_chunk());
            let content = content.map(|hash| u64::from_be_bytes(*hash));
            let bearer = Some(Bearer { batch: self.batch_number, resource: number as u32 });
            (registration.target, Record { version, content, bearer })
        });
        let deletes = self.deletes.iter();
        let deletes = deletes
            .map(|delete| (delete.target, Record { version: delete.version, content: None, bearer: None }));
        let mut records: Vec<_> = resources.chain(deletes).collect();
        records.sort_by_key(|(_, record)| record.version.place);
        records
    }
}
