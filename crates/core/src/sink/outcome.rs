//! *Outcomes*: what the arbiter decided for every record of a batch.

use std::collections::BTreeMap;

use crate::fhir::ResourceType;

/// The arbiter's decision on one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The resource with that key is new. Its revision is 1.
    Inserted {
        /// The resource's key.
        key: i64,
    },
    /// It replaces an earlier version of the resource with that key.
    Updated {
        /// The resource's key.
        key: i64,
        /// How many versions the resource has had, this one included.
        revision: i32,
    },
    /// It deletes the resource with that key, which may never have been stored.
    Deleted {
        /// The resource's key.
        key: i64,
        /// How many versions the resource has had, the deletion included.
        revision: i32,
    },
    /// The current version has the same content.
    Unchanged,
    /// The current version is newer, or another record of the batch is.
    Stale,
}

impl Outcome {
    /// The resource's key if its rows are to be stored.
    pub fn applied_key(self) -> Option<i64> {
        match self {
            Outcome::Inserted { key } | Outcome::Updated { key, .. } => Some(key),
            Outcome::Deleted { .. } | Outcome::Unchanged | Outcome::Stale => None,
        }
    }

    /// Whether the resource's rows are to be stored.
    pub fn is_applied(self) -> bool {
        self.applied_key().is_some()
    }

    /// The revision of the resource that the record makes; `None` if it changes
    /// nothing.
    pub fn revision(self) -> Option<i32> {
        match self {
            Outcome::Inserted { .. } => Some(1),
            Outcome::Updated { revision, .. } | Outcome::Deleted { revision, .. } => Some(revision),
            Outcome::Unchanged | Outcome::Stale => None,
        }
    }
}

/// The arbiter's decisions on a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// One for each resource of the batch, in their order.
    pub of_resources: Vec<Outcome>,
    /// One for each delete of the batch, in their order.
    pub of_deletes: Vec<Outcome>,
    /// Type and key of resources whose rows of an earlier version are void,
    /// because the batch brings another version or deletes them.
    pub replaced: Vec<(ResourceType, i64)>,
    /// Keys of resources that were deleted, and that the batch brings back.
    pub revived: Vec<i64>,
}

impl Outcomes {
    /// [`Outcome::Stale`] for that many resources and deletes.
    pub fn all_stale(resources: usize, deletes: usize) -> Self {
        Outcomes {
            of_resources: vec![Outcome::Stale; resources],
            of_deletes: vec![Outcome::Stale; deletes],
            replaced: Vec::new(),
            revived: Vec::new(),
        }
    }

    /// Keys of the replaced resources, by type.
    pub fn replaced_by_type(&self) -> BTreeMap<ResourceType, Vec<i64>> {
        let mut by_type: BTreeMap<ResourceType, Vec<i64>> = BTreeMap::new();
        for (resource_type, key) in &self.replaced {
            by_type.entry(*resource_type).or_default().push(*key);
        }
        by_type
    }

    /// Keys of the replaced resources of that type.
    pub fn replaced_of(&self, resource_type: ResourceType) -> Vec<i64> {
        self.replaced.iter().filter(|(of, _)| *of == resource_type).map(|(_, key)| *key).collect()
    }
}
