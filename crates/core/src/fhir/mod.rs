//! What FHIR R4 itself says: its resource types, and how its versions differ.

mod resource_type;
mod version;

pub use resource_type::ResourceType;
pub use version::version_of;
