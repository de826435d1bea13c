//! A declared path ready to be followed: its names are numbers.

use crate::json::{Dictionary, DictionaryFull, NameId};
use crate::model::RouteStep;

/// One step of a path.
#[derive(Clone, Debug)]
pub(in super::super) enum PathStep {
    Member(NameId),
    /// The item at that position, from 0.
    Index(usize),
    /// Only items that have that string at that path.
    Where(Vec<NameId>, String),
    /// From a reference to the contained resource that it means.
    Resolve,
    /// From a list of names, addresses or identifiers to the one in use.
    InUse,
}

/// Where a value stands: in which slot of its row, and the path from there.
pub(in super::super) struct ElementPath {
    pub slot: usize,
    pub steps: Vec<PathStep>,
}

/// The steps of a route; `extension(url)` becomes a member and a condition, and
/// a choice, which is resolved into its variants before, nothing.
pub(super) fn steps(
    route: &[RouteStep],
    dictionary: &mut Dictionary,
) -> Result<Vec<PathStep>, DictionaryFull> {
    let mut steps = Vec::new();
    for step in route {
        match step {
            RouteStep::Extension(url) => {
                steps.push(PathStep::Member(NameId::EXTENSION));
                steps.push(PathStep::Where(vec![NameId::URL], url.clone()));
            }
            RouteStep::Member(name) => steps.push(PathStep::Member(dictionary.intern(name)?)),
            RouteStep::Index(index) => steps.push(PathStep::Index(*index)),
            RouteStep::Where(path, text) => {
                steps.push(PathStep::Where(interned(path, dictionary)?, text.clone()));
            }
            RouteStep::Resolve => steps.push(PathStep::Resolve),
            RouteStep::InUse => steps.push(PathStep::InUse),
            RouteStep::Itself | RouteStep::Choice(_) => {}
        }
    }
    Ok(steps)
}

/// The numbers of names.
pub(super) fn interned(names: &[String], dictionary: &mut Dictionary) -> Result<Vec<NameId>, DictionaryFull> {
    names.iter().map(|name| dictionary.intern(name)).collect()
}
