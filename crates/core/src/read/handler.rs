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

/// A closure as a handler, for callers that treat all documents alike.
pub(super) struct EachFrame<F>(pub F);

impl<F> ResourceHandler for EachFrame<F>
where
    F: FnMut(Result<Frame<'_>, ReadDefect<'_>>) -> Result<(), Stopped>,
{
    fn document(&mut self, _: &Document<'_>) -> Result<(), Stopped> {
        Ok(())
    }

    fn frame(&mut self, frame: Frame<'_>) -> Result<(), Stopped> {
        self.0(Ok(frame))
    }

    fn defect(&mut self, defect: ReadDefect<'_>) -> Result<(), Stopped> {
        self.0(Err(defect))
    }
}
