//! The *open rejects* of a source: a record of the same resource that loads later
//! mends one. Workers look out for them, which costs nothing where there are none.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

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
}

impl OpenRejects {
    /// Those that are open now, of all sources.
    pub fn load(connection: &mut PgConnection) -> QueryResult<Self> {
        let mut hashes = HashSet::new();
        ledger::for_each_open_reject(connection, &mut |source_id, resource_type, fhir_id| {
            if let Some(resource_type) = ResourceType::named(resource_type) {
                hashes.insert(hash(source_id, resource_type, fhir_id));
            }
        })?;
        let is_any = AtomicBool::new(!hashes.is_empty());
        Ok(OpenRejects { hashes: Mutex::new(hashes), is_any })
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
