//! The *owner* of an identifier: the resource that has it among its identifiers, if
//! exactly one has. Contained resources own none. The same rule as that of the registry in
//! Postgres.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};
use arrow_schema::ArrowError;
use fhirmill_arrow::{Key, key_of};
use fhirmill_core::fhir::ResourceType;
use fhirmill_core::map::{ID_SYSTEM, IdentifierKey, Identity};

use super::registry::Registry;
use super::spool::Spooled;

/// An identifier with its owner.
pub type Owned = (IdentifierKey, ResourceType, Key);

/// A table of identifiers: its name, the column of its owners' keys, and their type if it
/// is the same for all.
const TABLES: [(&str, &str, Option<&str>); 2] =
    [("patient_identifier", "patient_id", Some("Patient")), ("resource_identifier", "resource_id", None)];

/// Looks for the owners of identifiers.
pub struct Search<'s> {
    asked: &'s [IdentifierKey],
    by_value: HashMap<&'s str, Vec<usize>>,
    registry: &'s Registry,
    found: BTreeMap<usize, BTreeSet<(ResourceType, Key)>>,
}

impl<'s> Search<'s> {
    /// A search for the owners of `asked` among the resources of that source.
    pub fn new(asked: &'s [IdentifierKey], registry: &'s Registry, source: &str) -> Self {
        let mut by_value: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, identifier) in asked.iter().enumerate() {
            by_value.entry(&identifier.value).or_default().push(number);
        }
        let mut search = Search { asked, by_value, registry, found: BTreeMap::new() };
        search.by_id(source);
        search
    }

    /// References by `urn:uuid:` name resources by their ids.
    fn by_id(&mut self, source: &str) {
        for (number, identifier) in self.asked.iter().enumerate() {
            if identifier.system != ID_SYSTEM {
                continue;
            }
            for resource_type in identifier.resource_types() {
                let identity = Identity { resource_type, fhir_id: &identifier.value };
                self.add(number, resource_type, key_of(source, identity));
            }
        }
    }

    /// Looks through a table, if it is one of identifiers.
    ///
    /// # Errors
    /// Its batches cannot be read.
    pub fn look_through(&mut self, name: &str, table: &Spooled) -> Result<(), ArrowError> {
        let Some((_, key, owner)) = TABLES.into_iter().find(|(of, ..)| *of == name) else { return Ok(()) };
        for batch in table.batches()? {
            self.look_through_batch(&batch?, key, owner.and_then(ResourceType::named));
        }
        Ok(())
    }

    fn look_through_batch(&mut self, batch: &RecordBatch, key: &str, owner: Option<ResourceType>) {
        let column = |name: &str| batch.column_by_name(name);
        let (Some(keys), Some(systems), Some(values)) = (column(key), column("system"), column("value"))
        else {
            return;
        };
        let types = column("resource_type").and_then(|types| types.as_string_opt::<i32>());
        let (Some(keys), Some(systems), Some(values)) =
            (keys.as_binary_opt::<i32>(), systems.as_string_opt::<i32>(), values.as_string_opt::<i32>())
        else {
            return;
        };
        for (row, value) in values.iter().enumerate() {
            let Some(numbers) = value.and_then(|value| self.by_value.get(value)) else { continue };
            let system = if systems.is_null(row) { "" } else { systems.value(row) };
            let resource_type = owner.or_else(|| ResourceType::named(types?.value(row)));
            let (Some(resource_type), Ok(key)) = (resource_type, keys.value(row).try_into()) else {
                continue;
            };
            for number in numbers.clone() {
                if self.asked[number].may_mean(system, resource_type) {
                    self.add(number, resource_type, key);
                }
            }
        }
    }

    fn add(&mut self, number: usize, resource_type: ResourceType, key: Key) {
        if self.registry.has(&key) {
            self.found.entry(number).or_default().insert((resource_type, key));
        }
    }

    /// The identifiers that exactly one resource owns.
    pub fn owned(self) -> Vec<Owned> {
        let sole = self.found.into_iter().filter(|(_, owners)| owners.len() == 1);
        let owned = sole.flat_map(|(number, owners)| owners.into_iter().map(move |owner| (number, owner)));
        owned.map(|(number, (resource_type, key))| (self.asked[number].clone(), resource_type, key)).collect()
    }
}
