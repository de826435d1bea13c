//! The *lines* of a declaration: numbered, with their depth, without comments
//! and blank lines; and how a line divides into words, lists and its comment.

use super::error::DeclarationError;

/// A line that says something.
pub(super) struct Line<'t> {
    /// From 1.
    pub number: usize,
    /// Two blanks before the text are one step of depth.
    pub depth: usize,
    /// Without blanks around it.
    pub text: &'t str,
}

impl Line<'_> {
    /// The error of this line.
    pub fn error(&self, reason: impl Into<String>) -> DeclarationError {
        DeclarationError { line: self.number, reason: reason.into() }
    }
}

/// The lines of `text`. `#` begins a comment at the start of a line or after
/// two blanks.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().enumerate().filter_map(|(index, full)| {
        let without_comment = match full.find("  #") {
            Some(at) => &full[..at],
            None => full,
        };
        let text = without_comment.trim();
        let depth = (full.len() - full.trim_start().len()) / 2;
        (!text.is_empty() && !text.starts_with('#')).then_some(Line { number: index + 1, depth, text })
    })
}

/// The first word and the rest.
pub(super) fn split_word(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

/// What stands before ` : `, and the comment after it.
pub(super) fn split_comment(text: &str) -> (&str, &str) {
    let (text, comment) = text.split_once(" : ").unwrap_or((text, ""));
    (text.trim(), comment.trim())
}

/// The items of a list, which commas separate.
pub(super) fn split_list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
