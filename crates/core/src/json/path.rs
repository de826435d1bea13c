//! Paths into a text, as FHIRPath writes them: `name[0].family`.

use std::fmt::Write as _;

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum PathSegment<'t> {
    /// The whole text, which a path does not mention.
    Root,
    /// The member of that name.
    Name(&'t str),
    /// The item of that number, from 0.
    Item(u32),
}

impl PathSegment<'_> {
    /// Appends the segment, and a dot before it where one is needed.
    pub fn append_to(self, path: &mut String) {
        match self {
            PathSegment::Root => {}
            PathSegment::Name(name) => {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(name);
            }
            PathSegment::Item(number) => {
                let _ = write!(path, "[{number}]");
            }
        }
    }
}
