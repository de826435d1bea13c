//! *Framing* cuts one document into frames. The document's layout decides how:
//! by lines, where a broken line costs only itself, or by values, regardless of
//! lines. A compact Bundle is a document of one line.
//!
//! From bottom to top: `json::BracketScanner` finds the end of a JSON container,
//! `window` keeps the needed part of a stream in memory, `token` walks along
//! properties and elements, `entry` and `prescan` find out about a Bundle what
//! its frames need, and the `framer` cuts: `lines`, then `values`, then `emit`.

mod emit;
mod entry;
mod framer;
mod layout;
mod lines;
mod not_json;
mod parameters;
mod position;
mod prescan;
mod token;
mod values;
mod window;

use framer::{Framer, Interrupt};
use layout::{Layout, skip_blank_lines};
use window::Window;

use super::companion;
use super::container::{Member, MemberContent, Stream};
use super::defect::ReadDefectReason;
use super::document::DocumentFormat;
use super::error::ReadError;
use super::handler::ResourceHandler;
use super::limits::ReadLimits;

/// Cuts one document of a file into frames. Their positions start at
/// `next_position`, which is advanced past them.
pub(super) fn frame_member(
    member: Member,
    limits: &ReadLimits,
    handler: &mut dyn ResourceHandler,
    next_position: &mut u64,
) -> Result<(), ReadError> {
    let Member { number, name, content } = member;
    let MemberContent { opener, head, stream } = match content {
        Ok(content) => content,
        Err(reason) => {
            let mut framer = Framer::new(number, &name, limits, handler, next_position, None);
            return Ok(framer.unreadable(reason)?);
        }
    };
    let mut framer = Framer::new(number, &name, limits, handler, next_position, Some(&opener));
    if let Some(companion) = companion::detect(&head, &name) {
        return Ok(framer.announce(DocumentFormat::Companion(companion))?);
    }
    if let Some(description) = not_json::describe_signature(&head) {
        return Ok(framer.unreadable(ReadDefectReason::NotJson(description))?);
    }
    if let Some(description) = not_json::describe_xml(&head) {
        return Ok(framer.unreadable(ReadDefectReason::Xml(description))?);
    }
    match frame_stream(&mut framer, stream) {
        Ok(()) | Err(Interrupt::RestLost) => Ok(()),
        Err(Interrupt::File(error)) => Err(error),
    }
}

/// Cuts a stream to its end, or as far as it can be understood.
fn frame_stream(framer: &mut Framer<'_>, stream: Stream) -> Result<(), Interrupt> {
    let window = &mut Window::new(stream, 0, framer.limits.read_bytes);
    let (line, byte) = match skip_blank_lines(window) {
        Ok((line, Some(byte))) => (line, byte),
        Ok((_, None)) => return Ok(framer.announce(DocumentFormat::Empty)?),
        Err(error) => return Ok(framer.unreadable(error.into_defect()?)?),
    };
    match Layout::detect(window, byte, framer.limits.memory_document_bytes) {
        Layout::Lines => framer.lines(window, line),
        Layout::Values => framer.sequence(window),
        Layout::NotJson => {
            let reason = ReadDefectReason::NotJson(not_json::describe_text(byte));
            Ok(framer.unreadable(reason)?)
        }
    }
}
