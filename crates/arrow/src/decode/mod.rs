//! From rows in the binary form of COPY to record batches.

mod builder;
mod column;
mod decoder;
mod error;
mod numeric;
mod stream;

pub use column::Keys;
pub use decoder::{BatchLimits, Decoder, Unfit};
pub use error::{DecodeError, RowProblem, ValueProblem};
pub use stream::{CopyStream, FeedError};

#[cfg(test)]
mod tests;
