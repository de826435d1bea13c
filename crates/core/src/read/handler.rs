//! A *resource handler* receives what is found in a file.

use super::defect::ReadDefect;
use super::document::Document;
use super::error::Stopped;
use super::frame::Frame;

/// Receives the content of a file, in document order.
///
/// Any method may stop the reading by returning [`Stopped`];
/// [`read`](super::read) then returns
/// [`ReadError::Stopped`](super::ReadError::Stopped).
pub trait ResourceHandler {
    /// A document starts. Called once per document, before its frames and
    /// defects. Directories in an archive are not documents.
    fn document(&mut self, document: &Document<'_>) -> Result<(), Stopped>;

    /// A resource, or a Bundle entry without one.
    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped>;

    /// A part that could not be cut into frames.
    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped>;
}
