//! Names of tables and columns that follow from FHIR's names, and those that
//! are fixed.

use crate::fhir::snake_case;

/// The column with the key of a row's patient.
pub(crate) const PATIENT_ID: &str = "patient_id";
/// The column with the key of a resource's encounter.
pub(crate) const ENCOUNTER_ID: &str = "encounter_id";
/// The column with the key of the resource that contains a row's resource.
pub(crate) const CONTAINER_ID: &str = "container_id";
/// The column with a row's position in its list.
pub(crate) const ORDINAL: &str = "ordinal";
/// The column of generic tables with the key of the resource that a row belongs to.
pub(crate) const GENERIC_KEY: &str = "resource_id";
/// The table that the column `source_id` of every root table refers to.
pub(crate) const SOURCE_TABLE: &str = "etl.source";

/// The column of a type's child tables with the resource's key.
pub(crate) fn parent_column(resource_type: &str) -> String {
    format!("{}_id", snake_case(resource_type))
}
