//! What FHIR R4 itself defines: its resource types, how its versions differ, and
//! what its names are called in SQL. Everything else in the crate builds on it.

mod elements;
mod resource_type;
mod snake_case;
mod url;
mod version;

pub use elements::{ElementDefinition, TypeDefinition, type_definitions};
pub use resource_type::ResourceType;
pub use snake_case::snake_case;
pub use url::identity_in_url;
pub use version::version_of;
