//! The *registry* gives every resource its key and decides which of its
//! versions counts. [`RunRegistry`] is the registry as the loaders of a run share
//! it; what is durable of it lies in `etl.resource_key` and
//! `etl.resource_version`.

mod batches;
mod cached_keys;
mod candidate;
mod conditional;
mod confirmations;
mod decide;
mod expectations;
mod identifiers;
mod lifeline;
mod registration;
mod revision;
mod shared_keys;
mod stored;
mod unchanged;
mod verdict;

use std::hash::BuildHasher;

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{Fingerprint, IdentifierCache};
use fhirmill_core::sink::{KeyedBatch, Mode};
use rustc_hash::FxBuildHasher;

use crate::LoadError;
use batches::BatchesInProgress;
use cached_keys::{CachedKeys, RegistryKeys};
pub use conditional::{Adoption, ByIdentifier, Wanted};
pub(crate) use conditional::{
    adopt, lock_source, lock_source_until_commit, settle, share_source, unlock_source,
};
use confirmations::Confirmations;
pub(crate) use confirmations::Writing;
pub(crate) use decide::{DecideContext, Decided};
pub use expectations::{Expectations, Hint};
pub(crate) use identifiers::{LookUp, owner_ids, owners};
pub(crate) use lifeline::{Content, Lifeline};
pub use revision::Revision;
pub(crate) use revision::revisions;
pub use shared_keys::SharedKeys;
pub use unchanged::{UnchangedAnswer, UnchangedQuery, has_resources};

/// The registry as the loaders of a run share it: what they have learnt of it,
/// and their turns at it. The default is for a run that knows nothing yet.
#[derive(Debug, Default)]
pub struct RunRegistry {
    keys: CachedKeys,
    batches: BatchesInProgress,
    confirmations: Confirmations,
    expectations: Expectations,
}

impl RunRegistry {
    /// For a new run. Expects unchanged records if there are any resources.
    pub fn begin(connection: &mut PgConnection) -> Result<Self, LoadError> {
        let registry = RunRegistry::default();
        registry.expectations.unchanged_records.set(has_resources(connection)?);
        Ok(registry)
    }

    /// For a new run, which has that connection as long as it lives, and shares keys with
    /// others.
    pub fn begin_sharing(connection: &mut PgConnection, keys: &SharedKeys) -> Result<Self, LoadError> {
        let mut registry = RunRegistry::begin(connection)?;
        registry.keys = keys.of_run(connection)?;
        Ok(registry)
    }

    /// What the next batch is expected to be like.
    pub fn expectations(&self) -> &Expectations {
        &self.expectations
    }

    /// To be called with the number of every batch of the run when it is loaded
    /// or given up.
    pub fn finish(&self, batch_number: u64) {
        let oldest = self.batches.finish(batch_number);
        self.confirmations.forget_before(oldest);
    }

    /// Waits until all batches of the run before this one are loaded or given up.
    pub fn wait_for_earlier(&self, batch_number: u64) {
        self.batches.wait_for_earlier(batch_number);
    }

    /// Whether a later batch of the run waits for this one.
    pub fn is_awaited(&self, batch_number: u64) -> bool {
        self.batches.is_awaited(batch_number)
    }

    /// Whether all batches of the run that were read before this one are loaded or
    /// given up.
    pub(crate) fn is_in_turn(&self, mode: Mode) -> bool {
        match mode {
            Mode::Load(id) => self.batches.is_oldest(id.number),
            Mode::Remap => true,
        }
    }

    /// Waits until it is the batch's turn. The caller has no turn to write.
    pub(crate) fn wait_for_turn(&self, mode: Mode) {
        if let Mode::Load(id) = mode {
            self.batches.wait_for_earlier(id.number);
        }
    }

    /// Waits until no batch is in progress that was read before this one and brings one of
    /// the resources of these types that this one brings. The caller has no turn to write.
    pub(crate) fn wait_for_history(&self, batch: &KeyedBatch<'_>, types_with_history: &[ResourceType]) {
        let Mode::Load(id) = batch.mode else { return };
        let registered = batch.rows.resources().iter().map(|registration| registration.target);
        let deleted = batch.deletes.iter().map(|delete| delete.target);
        let identities = registered.chain(deleted).map(|target| batch.rows.target_identity(target));
        let with_history = identities.filter(|of| types_with_history.contains(&of.resource_type));
        let hashes =
            with_history.map(|of| FxBuildHasher.hash_one((batch.source_id, of.resource_type, of.fhir_id)));
        self.batches.announce(id.number, hashes.collect());
    }

    /// Empties the session's temporary tables within a transaction.
    pub(crate) const EMPTY_TEMPORARY_TABLES: &str = "truncate batch_target, batch_key, batch_resource";

    /// Creates the session's temporary tables.
    pub(crate) fn prepare(connection: &mut PgConnection) -> Result<(), LoadError> {
        connection.batch_execute(cached_keys::TEMPORARY_TABLES)?;
        connection.batch_execute(decide::TEMPORARY_TABLES)?;
        Ok(())
    }

    /// Gives keys over that connection.
    pub(crate) fn keys<'r>(&'r self, connection: &'r mut PgConnection) -> RegistryKeys<'r> {
        RegistryKeys { connection, cache: &self.keys, new_keys: &self.expectations.new_keys }
    }

    /// Forgets keys that were given before.
    pub(crate) fn forget_keys(&self) {
        self.keys.forget();
    }

    /// A turn to write a batch, while nobody asks for unchanged records.
    pub(crate) fn writing(&self) -> Writing<'_> {
        self.confirmations.writing()
    }

    /// For each fingerprint of a batch whether its record is unchanged; see
    /// [`UnchangedQuery`].
    pub(crate) fn unchanged(
        &self,
        connection: &mut PgConnection,
        query: UnchangedQuery<'_>,
        fingerprints: &[Option<Fingerprint>],
    ) -> Result<UnchangedAnswer, LoadError> {
        unchanged::unchanged(connection, &self.confirmations, query, fingerprints)
    }
}

/// Decides on a batch and registers its versions, within a transaction and a
/// turn to write.
///
/// # Errors
///
/// [`LoadError::OutOfTurn`] if batches that were read earlier have to be decided on
/// first.
pub(crate) fn decide(
    connection: &mut PgConnection,
    batch: &KeyedBatch<'_>,
    context: DecideContext<'_>,
) -> Result<Decided, LoadError> {
    match batch.mode {
        Mode::Load(id) => decide::decide(connection, batch, id, context),
        Mode::Remap => {
            let outcomes = decide::decide_remap(connection, batch)?;
            Ok(Decided { outcomes, ..Decided::default() })
        }
    }
}

/// Looks up the owners of identifiers within a source, as far as they were asked
/// for; returns whether any was found.
pub(crate) fn learn_identifiers(
    connection: &mut PgConnection,
    source_id: i16,
    identifiers: &mut IdentifierCache,
    look_up: LookUp,
) -> Result<bool, LoadError> {
    identifiers::learn(connection, source_id, identifiers, look_up)
}
