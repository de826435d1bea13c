//! Why declarations cannot become a plan.

use thiserror::Error;

use crate::json::DictionaryFull;
use crate::model::{DeclarationError, ModelError};

/// Why declarations cannot become a plan.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PlanError {
    /// Their text cannot be read.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// Their tables cannot be made or filled.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// They mention too many names of elements.
    #[error(transparent)]
    Dictionary(#[from] DictionaryFull),
    /// A view has a mistake.
    #[error("{table}: {message}")]
    View {
        /// The view's table.
        table: String,
        /// Its first mistake.
        message: String,
    },
}
