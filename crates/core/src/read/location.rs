//! A *location* says where in its document a value is, in a form for people:
//! "line 12", "entry 3.1", "item 4", "resource".

use std::fmt;

/// Where in its document a resource is; all numbers count from 1.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Location {
    /// The line of an NDJSON document; 0 for other formats.
    pub line: u64,
    /// The element of an array, or the value of a sequence; 0 for other formats.
    pub item: u64,
    /// The entry of the Bundle, the entry of the Bundle in that entry, and so
    /// on; the first 0 ends the path.
    pub entries: [u32; Location::MAX_DEPTH],
}

impl Location {
    /// How many nested Bundles a location can describe.
    pub const MAX_DEPTH: usize = 8;

    /// The line numbered `line`.
    pub(super) fn at_line(line: u64) -> Self {
        Self { line, ..Self::default() }
    }

    /// The item numbered `item` at this location.
    pub(super) fn at_item(self, item: u64) -> Self {
        Self { item, ..self }
    }

    /// The entry numbered `entry` of the Bundle at this location.
    pub(super) fn at_entry(mut self, entry: u32) -> Self {
        if let Some(free) = self.entries.iter_mut().find(|number| **number == 0) {
            *free = entry;
        }
        self
    }

    /// How many Bundles contain this location.
    pub fn depth(&self) -> usize {
        self.entries.iter().take_while(|number| **number != 0).count()
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if self.line != 0 {
            write!(f, "line {}", self.line)?;
            separator = ", ";
        }
        if self.item != 0 {
            write!(f, "{separator}item {}", self.item)?;
            separator = ", ";
        }
        let depth = self.depth();
        for (index, number) in self.entries[..depth].iter().enumerate() {
            match index {
                0 => write!(f, "{separator}entry {number}")?,
                _ => write!(f, ".{number}")?,
            }
        }
        if depth == 0 && separator.is_empty() {
            f.write_str("resource")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_displayed_for_people() {
        let whole = Location::default();
        assert_eq!(whole.to_string(), "resource");
        assert_eq!(Location::at_line(12).to_string(), "line 12");
        assert_eq!(whole.at_item(4).to_string(), "item 4");
        assert_eq!(whole.at_entry(3).to_string(), "entry 3");
        assert_eq!(whole.at_entry(3).at_entry(1).to_string(), "entry 3.1");
        assert_eq!(Location::at_line(2).at_item(5).at_entry(7).to_string(), "line 2, item 5, entry 7");
    }
}
