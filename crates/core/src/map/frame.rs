//! From what reading gives to what mapping takes.

use super::input::Input;
use super::reference::FullUrls;
use crate::read::Frame;

/// The resource in a frame, of any type and from an unknown server. The frame's
/// payload must be [`Payload::Resource`](crate::read::Payload::Resource).
impl<'i> From<&'i Frame<'_>> for Input<'i> {
    fn from(frame: &'i Frame<'_>) -> Self {
        let of_bundle = || frame.bundle?.timestamp().or(frame.bundle?.last_updated());
        Input {
            bytes: frame.bytes,
            id: frame.id.as_deref(),
            full_url: frame.full_url.as_deref(),
            full_urls: frame.bundle.map(|bundle| &**bundle as &dyn FullUrls),
            base_urls: &[],
            effective_at: frame.last_modified.as_deref().or_else(of_bundle),
            earlier: None,
            wanted: None,
        }
    }
}
