//! Finding the resources that an undo *affects*, and the files to read again for it.

use diesel::PgConnection;
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::undo::{self, UndoFile};
use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use super::UndoError;
use super::read::{open, read_batches};
use crate::archive::Storage;
use crate::pipeline::job::Job;
use crate::pipeline::worker::{Named, Worker};

/// Resources of one source, each as a part of a hash of its type and id: there may be
/// millions.
#[derive(Default)]
pub(in crate::pipeline) struct Affected(FxHashSet<u128>);

impl Affected {
    fn hash(resource_type: &str, id: &str) -> u128 {
        let digest = Sha256::new().chain_update(resource_type).chain_update("/").chain_update(id).finalize();
        digest[..16].iter().fold(0, |hash, byte| hash << 8 | u128::from(*byte))
    }

    /// Whether the resource is one of them.
    pub fn contains(&self, resource_type: ResourceType, id: &str) -> bool {
        self.0.contains(&Self::hash(resource_type.name(), id))
    }

    fn insert(&mut self, resource_type: &str, id: &str) -> bool {
        self.0.insert(Self::hash(resource_type, id))
    }

    /// Adds resources, also to those that the session has noted; returns how many are new.
    pub fn add(
        &mut self,
        connection: &mut PgConnection,
        source_id: i16,
        named: &[Named],
    ) -> Result<usize, UndoError> {
        let new: Vec<&Named> =
            named.iter().filter(|(resource_type, id)| self.insert(resource_type.name(), id)).collect();
        let types: Vec<&str> = new.iter().map(|(resource_type, _)| resource_type.name()).collect();
        let ids: Vec<&str> = new.iter().map(|(_, id)| id.as_str()).collect();
        undo::add(connection, source_id, &types, &ids)?;
        Ok(new.len())
    }

    /// Adds what follows from them.
    pub fn close(&mut self, worker: &mut Worker) -> Result<(), UndoError> {
        let tables = worker.plan_tables();
        undo::close(worker.connection(), &tables.tables)?;
        undo::identities(worker.connection(), &mut |resource_type, id| {
            self.insert(resource_type, id);
        })?;
        Ok(())
    }
}

/// Finds what the files name, and what follows from it.
pub(super) fn of_files(
    job: &Job<'_>,
    worker: &mut Worker,
    files: &[&UndoFile],
    number: &mut u64,
) -> Result<Affected, UndoError> {
    let storage = Storage::of(job.settings);
    let mut affected = Affected::default();
    for file in files {
        let archived = open(file, &storage)?;
        read_batches(job, file, archived, number, &mut |batch| {
            let (named, led_to) = worker.named(&mut batch.input)?;
            let named: Vec<Named> = named.into_iter().flatten().chain(led_to).collect();
            affected.add(worker.connection(), file.source_id, &named)?;
            Ok(())
        })?;
    }
    affected.close(worker)?;
    Ok(affected)
}

/// The files that have to be read again, each proven to be what was loaded. Adds to what is
/// affected: where a conditional request means one of these resources, the references of
/// its batch lead there, too.
pub(in crate::pipeline) fn files_to_replay(
    job: &Job<'_>,
    worker: &mut Worker,
    (source_id, certain): (i16, &[i64]),
    affected: &mut Affected,
    number: &mut u64,
) -> Result<Vec<UndoFile>, UndoError> {
    let storage = Storage::of(job.settings);
    loop {
        let files = UndoFile::to_replay(worker.connection(), source_id, certain)?;
        let mut added = 0;
        for file in &files {
            let archived = open(file, &storage)?;
            read_batches(job, file, archived, number, &mut |batch| {
                if !Worker::has_conditions(&batch.input) {
                    return Ok(());
                }
                let (named, led_to) = worker.named(&mut batch.input)?;
                let named: Vec<Named> = named.into_iter().flatten().collect();
                let mut all = named.iter().chain(&led_to);
                if all.any(|(resource_type, id)| affected.contains(*resource_type, id)) {
                    added += affected.add(worker.connection(), file.source_id, &named)?;
                    added += affected.add(worker.connection(), file.source_id, &led_to)?;
                }
                Ok(())
            })?;
        }
        if added == 0 {
            return Ok(files);
        }
        affected.close(worker)?;
    }
}
