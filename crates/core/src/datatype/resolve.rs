//! What datatypes need to know of references: the target's key, which the engine
//! finds.

use std::borrow::Cow;

use super::defect::ValueDefect;
use crate::fhir::ResourceType;
use crate::json::Value;
use crate::rows::Target;

/// What a reference means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Referenced<'t> {
    /// The target, whose key is filled in once the registry has assigned it;
    /// `None` if the reference does not identify one.
    pub target: Option<Target>,
    /// The type that the reference states, or that its target has.
    pub resource_type: Option<ResourceType>,
    /// The reference as written, unless `target` tells everything it says.
    pub written: Option<Cow<'t, str>>,
}

/// What an element expects its references to mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// A resource of any type.
    Any,
    /// A resource of that type rather than of another one.
    Prefer(ResourceType),
    /// A resource of that type.
    Only(ResourceType),
    /// As [`Expected::Prefer`], to learn only the key: whoever asks does not store
    /// what is written.
    KeyOf(ResourceType),
    /// A resource of that type, or of any, likewise to learn only the key.
    AnyKey(Option<ResourceType>),
}

impl Expected {
    /// A resource of that type, or of any.
    pub fn only_or_any(target: Option<ResourceType>) -> Self {
        target.map_or(Expected::Any, Expected::Only)
    }

    /// Whether the reference may mean a resource of that type.
    pub fn admits(self, resource_type: ResourceType) -> bool {
        self.only().is_none_or(|only| only == resource_type)
    }

    /// The one type that is allowed.
    pub fn only(self) -> Option<ResourceType> {
        match self {
            Expected::Only(resource_type) => Some(resource_type),
            Expected::AnyKey(resource_type) => resource_type,
            _ => None,
        }
    }

    /// The type that goes before others.
    pub fn preferred(self) -> Option<ResourceType> {
        match self {
            Expected::Prefer(resource_type) | Expected::KeyOf(resource_type) => Some(resource_type),
            _ => None,
        }
    }

    /// Whether what is written is stored if there is no key.
    pub fn is_stored(self) -> bool {
        !matches!(self, Expected::KeyOf(_) | Expected::AnyKey(_))
    }
}

/// Resolves references; the engine implements it.
pub trait References {
    /// Resolves `reference`, an object of type Reference. `expected` says
    /// what the element may refer to.
    ///
    /// # Errors
    /// A member of the reference does not have the type that FHIR gives it, or
    /// is too long for an index.
    fn resolve<'t>(
        &mut self,
        reference: Value<'t>,
        expected: Expected,
    ) -> Result<Referenced<'t>, ValueDefect>;
}
