//! The *open rejects* of a source: a record of the same resource that loads later
//! mends one. Workers look out for them, which costs nothing where there are none.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use diesel::{PgConnection, QueryResult};
use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::ledger::{self, MendedRecord};
use fhirmill_postgres::lock::lock;

/// See the module. Resources are known by hashes, so that millions need little
/// memory; the ledger compares the ids themselves.
#[derive(Debug, Default)]
pub(super) struct OpenRejects {
    hashes: Mutex<HashSet<u64>>,
    is_any: AtomicBool,
    /// The number of the last one.
    last: AtomicI64,
}

impl OpenRejects {
    /// Those that are open now, of all sources.
    pub fn load(connection: &mut PgConnection) -> QueryResult<Self> {
        let open = OpenRejects::default();
        open.refresh(connection)?;
        Ok(open)
    }

    /// Adds those that have come since. Returns the number of the last one.
    pub fn refresh(&self, connection: &mut PgConnection) -> QueryResult<i64> {
        let mut new = Vec::new();
        let before = self.last.load(Ordering::Relaxed);
        let last =
            ledger::for_each_open_reject(connection, before, &mut |source_id, resource_type, fhir_id| {
                if let Some(resource_type) = ResourceType::named(resource_type) {
                    new.push(hash(source_id, resource_type, fhir_id));
                }
            })?;
        self.last.store(last, Ordering::Relaxed);
        if !new.is_empty() {
            lock(&self.hashes).extend(new);
            self.is_any.store(true, Ordering::Relaxed);
        }
        Ok(last)
    }

    /// Whether there are any.
    pub fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Relaxed)
    }

    /// The records among those of a source that mend one. Each is told once.
    pub fn mended<'r>(
        &self,
        source_id: i16,
        records: impl Iterator<Item = (i64, ResourceType, &'r str)>,
    ) -> Vec<MendedRecord> {
        if !self.is_any() {
            return Vec::new();
        }
        let mut hashes = lock(&self.hashes);
        let is_mended = |(file_id, resource_type, fhir_id): (i64, ResourceType, &'r str)| {
            hashes.remove(&hash(source_id, resource_type, fhir_id)).then(|| MendedRecord {
                file_id,
                resource_type: resource_type.name(),
                fhir_id: fhir_id.to_owned(),
            })
        };
        records.filter_map(is_mended).collect()
    }
}

fn hash(source_id: i16, resource_type: ResourceType, fhir_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (source_id, resource_type, fhir_id).hash(&mut hasher);
    hasher.finish()
}
