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

/// Resolves references; the engine implements it.
pub trait References {
    /// Resolves `reference`, an object of type Reference. `expected` is the type
    /// that the element may refer to, if there is only one.
    ///
    /// # Errors
    /// A member of the reference does not have the type that FHIR gives it, or
    /// is too long for an index.
    fn resolve<'t>(
        &mut self,
        reference: Value<'t>,
        expected: Option<ResourceType>,
    ) -> Result<Referenced<'t>, ValueDefect>;
}
