//! What FHIR R4 itself defines: its resource types, how its versions differ, what
//! its URLs name and how resources get their identity, and what its names are
//! called in SQL. Everything else in the crate builds on it.

mod address;
mod code_system;
mod elements;
mod identifier;
mod identity;
mod resource_type;
mod servers;
mod snake_case;
mod targets;
mod trimmed;
mod version;

pub(crate) use address::uuid as bare_uuid;
pub use address::{Address, decoded, is_same_base, requested_base};
pub use code_system::is_standard_code_system;
pub use elements::{ElementDefinition, TypeDefinition, type_definitions};
pub use identifier::IdentifierToken;
pub use identity::{Condition, EntryNames, generated_id};
pub use resource_type::ResourceType;
pub use servers::Servers;
pub use snake_case::snake_case;
pub use targets::{ReferenceTargets, reference_targets};
pub(crate) use trimmed::{is_blank, trimmed};
pub use version::version_of;
