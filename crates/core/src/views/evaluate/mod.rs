//! Runs a view over a parsed resource. Items are passed on one by one, so that
//! `exists()` and `first()` stop at the first one and nothing is collected.

mod boundary;
mod compare;
mod expression;
mod item;
mod path;
mod rows;

pub use item::{Cell, Item};
pub use rows::{Refused, RowSink, run};

use thiserror::Error;

use crate::fhir::ResourceType;
use crate::json::Value;
use crate::rows::Target;

/// Finds the keys of resources.
pub trait ViewKeys {
    /// The key of the resource that the view is run over.
    fn of_resource(&mut self) -> Option<Target>;

    /// The key of what a Reference means; `None` if it means nothing that is known, or
    /// a resource of another type than `expected`.
    fn of_reference(&mut self, reference: Value<'_>, expected: Option<ResourceType>) -> Option<Target>;

    /// What is written for the key where there is no database.
    fn text(&self, key: Target) -> String;
}

/// Why a resource has no rows in a view. It never holds values of the resource.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{path}: {reason}")]
pub struct Fault {
    /// The path of the faulty expression in the definition.
    pub path: String,
    /// What is wrong.
    pub reason: FaultReason,
}

/// What is wrong with a resource for a view.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FaultReason {
    /// A column that is no collection has several.
    #[error("several values for one column: add `.first()`, a `forEach`, or `\"collection\": true`")]
    SeveralValues,
    /// An operator or function that takes one value got several.
    #[error("several values where an operator or a function takes one")]
    SeveralOperands,
    /// The combinations of its lists are too many.
    #[error("more than {} rows for one resource", rows::MAX_ROWS)]
    TooManyRows,
    /// The values of its rows are too long together.
    #[error("rows of more than {} MB for one resource", rows::MAX_ROW_BYTES >> 20)]
    TooLarge,
    /// Its expressions look at too many items.
    #[error("more than {MAX_STEPS} steps for one resource")]
    TooManySteps,
    /// A row of a table has less room.
    #[error("a row has more values than a table of Postgres can hold")]
    TooWide,
    /// A `repeat` that does not end.
    #[error("`repeat` descends without end")]
    Endless,
    /// A value is not of its column's type.
    #[error("a value does not have the type of its column")]
    NotOfType,
}

/// Why a walk stops before its end.
#[derive(Debug)]
enum Stop {
    /// Whoever receives the items needs no more.
    Enough,
    Fault(FaultReason),
}

/// What expressions may refer to besides their item.
struct Context<'c, 't> {
    resource: Value<'t>,
    row_index: u32,
    /// How many steps were taken.
    steps: u32,
    keys: &'c mut dyn ViewKeys,
}

/// The most steps of paths for one resource: lists are searched again for each item of
/// other lists, so that a few bytes can mean very many.
const MAX_STEPS: u32 = 50_000_000;

impl Context<'_, '_> {
    /// Counts steps.
    #[inline]
    fn count(&mut self, steps: u32) -> Result<(), Stop> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MAX_STEPS { Err(Stop::Fault(FaultReason::TooManySteps)) } else { Ok(()) }
    }
}
