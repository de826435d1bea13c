//! A *group* has updates of one source that are written in one transaction.

use std::collections::HashSet;

use fhirmill_core::fhir::ResourceType;

use super::Update;

/// The most updates of a group.
pub const MOST_UPDATES: usize = 512;
/// The most bytes of a group that has more than one update.
pub const MOST_BYTES: usize = 4 << 20;

/// The resources that updates write.
#[derive(Debug, Default)]
pub struct Names(HashSet<(ResourceType, String)>);

impl Names {
    /// Adds those of an update; false if one of them was there.
    pub fn add(&mut self, update: &Update) -> bool {
        let mut are_new = true;
        for record in &update.records {
            are_new &= self.0.insert((record.resource_type, record.fhir_id.clone()));
        }
        are_new
    }
}
