//! What a mapper is given, and why it may refuse it.

use std::collections::BTreeSet;

use thiserror::Error;

use super::earlier::EarlierReferences;
use super::reference::FullUrls;
use crate::datatype::ValueDefectReason;
use crate::fhir::ResourceType;
use crate::json::JsonError;
use crate::rows::Target;

/// A resource as its source delivers it.
#[derive(Clone, Copy)]
pub struct Input<'i> {
    /// Its JSON.
    pub bytes: &'i [u8],
    /// Its id, if its Bundle entry gives it another one than its own: see
    /// [`Frame::id`](crate::read::Frame::id).
    pub id: Option<&'i str>,
    /// The `fullUrl` of its Bundle entry.
    pub full_url: Option<&'i str>,
    /// The other entries of its Bundle, which references may mean.
    pub full_urls: Option<&'i dyn FullUrls>,
    /// The base URLs of its source's servers: absolute references to them mean the
    /// same as relative ones.
    pub base_urls: &'i [String],
    /// When the version took effect according to its Bundle, as a dateTime. Used
    /// where the resource itself does not say.
    pub effective_at: Option<&'i str>,
    /// In a remap, what its references led to before.
    pub earlier: Option<&'i EarlierReferences>,
    /// The resource types that are wanted; `None`: all.
    pub wanted: Option<&'i BTreeSet<String>>,
}

/// Why a resource has no rows. It never holds values of the resource.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MapError {
    /// The bytes are not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] JsonError),
    /// The JSON is not an object.
    #[error("not a JSON object")]
    NotAnObject,
    /// There is no string `resourceType`.
    #[error("no resourceType")]
    NoResourceType,
    /// The type is not among `Input::wanted`.
    #[error("resourceType is not one of those that are wanted")]
    NotWanted {
        /// The type.
        resource_type: ResourceType,
    },
    /// It only says which resource the next ones belong to, in a file of an export that is organized
    /// by a resource type: a Parameters with the parameter `header`.
    #[error("it is a header line of an export")]
    ExportHeader,
    /// Its sender marks it as deleted.
    #[error("the resource is marked as deleted")]
    Deleted {
        /// The resource, as a target of the batch.
        target: Target,
        /// When it was deleted, in microseconds since 2000-01-01 UTC, if the sender
        /// says so.
        effective_at: Option<i64>,
        /// `meta.versionId`, if it is a number.
        version: Option<i64>,
    },
    /// R4 does not define the type.
    #[error("resourceType is not one of FHIR R4")]
    UnknownResourceType,
    /// A ViewDefinition of a source that may not declare views.
    #[error(
        "the source may not declare views: `views = true` in its [[source]] of the settings file allows it"
    )]
    ViewNotAllowed,
    /// A ViewDefinition with a mistake.
    #[error("{message}")]
    FaultyView {
        /// Its logical id.
        fhir_id: String,
        /// The first mistake, with its place in the definition.
        message: String,
    },
    /// A value does not fit its column.
    #[error("{path}: {reason}")]
    Value {
        /// The resource's type.
        resource_type: &'static str,
        /// Its logical id, if that can be stored.
        fhir_id: Option<String>,
        /// The value's JSON path.
        path: String,
        /// What is wrong with it.
        reason: ValueDefectReason,
    },
}

impl MapError {
    /// A word for counting and filtering.
    pub fn reason(&self) -> &'static str {
        match self {
            MapError::Json(_) => "not_json",
            MapError::NotAnObject => "not_an_object",
            MapError::NoResourceType => "no_resource_type",
            MapError::NotWanted { .. } => "not_wanted",
            MapError::ExportHeader => "export_header",
            MapError::Deleted { .. } => "deleted",
            MapError::UnknownResourceType => "unknown_resource_type",
            MapError::ViewNotAllowed => "view_not_allowed",
            MapError::FaultyView { .. } => "faulty_view",
            MapError::Value { .. } => "invalid_value",
        }
    }

    /// The type and id of the resource, as far as they could be read.
    pub fn resource(&self) -> (Option<&'static str>, Option<&str>) {
        match self {
            MapError::Value { resource_type, fhir_id, .. } => (Some(*resource_type), fhir_id.as_deref()),
            MapError::ViewNotAllowed => (Some("ViewDefinition"), None),
            MapError::FaultyView { fhir_id, .. } => (Some("ViewDefinition"), Some(fhir_id)),
            _ => (None, None),
        }
    }
}
