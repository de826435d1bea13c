//! A ViewDefinition as it is written, with the place of every value in its file.
//! Nothing of FHIR or FHIRPath is checked here, only the form.

mod constant;
mod read;

use std::ops::Range;

pub(super) use constant::Constant;
pub(super) use read::read;

use super::fhirpath::Mistake;
use super::program::Tag;
use super::{Diagnostic, Severity};

/// A string and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub value: String,
    /// Its path in the definition.
    pub path: String,
    /// The bytes of the file between its quotes.
    pub span: Range<usize>,
    /// The same as written, if it has escape sequences.
    pub escaped: Option<String>,
}

impl Text {
    /// Where a part of the value stands in the file.
    pub fn place(&self, part: &Range<usize>) -> Range<usize> {
        let offset = |at: usize| match &self.escaped {
            None => at.min(self.span.len()),
            Some(written) => written_offset(written, at),
        };
        self.span.start + offset(part.start)..self.span.start + offset(part.end)
    }

    /// The diagnostic of a mistake in it.
    pub fn diagnostic(&self, mistake: Mistake) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            span: self.place(&mistake.span),
            message: mistake.message,
            help: mistake.help,
            path: self.path.clone(),
        }
    }

    /// An error about all of it.
    pub fn error(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message, self.path.clone(), self.span.clone())
    }
}

/// The offset, in a string as written, of the byte that is at `at` once its escape
/// sequences are undone.
fn written_offset(written: &str, at: usize) -> usize {
    let bytes = written.as_bytes();
    let (mut offset, mut undone) = (0, 0);
    while undone < at && offset < bytes.len() {
        if bytes[offset] != b'\\' {
            offset += 1;
            undone += 1;
            continue;
        }
        let code = |from: usize| u32::from_str_radix(written.get(from..from + 4)?, 16).ok();
        match (bytes.get(offset + 1), code(offset + 2)) {
            (Some(b'u'), Some(0xD800..=0xDBFF)) => {
                offset += 12;
                undone += 4;
            }
            (Some(b'u'), Some(code)) => {
                offset += 6;
                undone += char::from_u32(code).map_or(1, char::len_utf8);
            }
            _ => {
                offset += 2;
                undone += 1;
            }
        }
    }
    offset.min(bytes.len())
}

/// The whole definition.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    pub name: Option<Text>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub resource: Text,
    pub constants: Vec<Constant>,
    pub select: Vec<Select>,
    pub conditions: Vec<Text>,
}

/// One `select`, or one branch of a `unionAll`.
#[derive(Clone, Debug)]
pub(super) struct Select {
    pub path: String,
    pub span: Range<usize>,
    pub iteration: Option<Iteration>,
    pub columns: Vec<Column>,
    pub selects: Vec<Select>,
    pub union: Vec<Select>,
}

/// What a select has one row for each item of.
#[derive(Clone, Debug)]
pub(super) enum Iteration {
    ForEach(Text),
    ForEachOrNull(Text),
    Repeat(Vec<Text>),
}

/// A column.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub name: Text,
    pub expression: Text,
    pub is_collection: bool,
    pub declared: Option<Text>,
    pub description: Option<String>,
    pub tags: Vec<Tag>,
    pub path: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_place_counts_escape_sequences_as_they_are_written() {
        let written = r#"a\"\u00e9\ud83d\ude00b"#;
        let undone = "a\"é😀b";
        let b = undone.find('b').expect("b");
        assert_eq!(written_offset(written, 0), 0);
        assert_eq!(written_offset(written, 1), 1);
        assert_eq!(written_offset(written, 2), 3);
        assert_eq!(written_offset(written, b), written.len() - 1);
        assert_eq!(written_offset(written, 1000), written.len());
    }
}
