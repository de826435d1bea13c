//! A *diagnostic* says what is wrong with a definition, where in its file, and how
//! to mend it.

use std::fmt::Write;
use std::ops::Range;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The view cannot be run.
    Error,
    /// The view runs, but perhaps not as intended.
    Warning,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// How to mend it.
    pub help: Option<String>,
    /// The path of the faulty value in the definition: `select[0].column[1].path`.
    pub path: String,
    /// The faulty bytes of the file.
    pub span: Range<usize>,
}

impl Diagnostic {
    /// An error without help.
    pub fn error(message: impl Into<String>, path: String, span: Range<usize>) -> Self {
        Diagnostic { severity: Severity::Error, message: message.into(), help: None, path, span }
    }

    /// A warning without help.
    pub fn warning(message: impl Into<String>, path: String, span: Range<usize>) -> Self {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(message, path, span) }
    }

    /// The line and the column of the file where it begins, from 1.
    pub fn position(&self, text: &str) -> (usize, usize) {
        let before = &text[..text.floor_char_boundary(self.span.start)];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Whether the view runs all the same.
    pub fn is_warning(&self) -> bool {
        self.severity == Severity::Warning
    }

    /// The same with help.
    #[must_use]
    pub fn with_help(self, help: Option<String>) -> Self {
        Diagnostic { help, ..self }
    }
}

/// Once a definition has that many mistakes, no more are looked for.
pub(super) const MAX_MISTAKES: usize = 100;

/// The most characters of a line that are shown.
const SHOWN: usize = 160;

/// The diagnostic for people, with the line of the file that it is about.
pub fn render(diagnostic: &Diagnostic, file: &str, text: &str) -> String {
    let start = text.floor_char_boundary(diagnostic.span.start);
    let end = text.floor_char_boundary(diagnostic.span.end).max(start);
    let number = text[..start].matches('\n').count() + 1;
    let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let column = text[line_start..start].chars().count();
    let marked = text[start..end.min(line_start + line.len()).max(start)].chars().count().max(1);
    // A file in one long line is shown around the place.
    let skipped = if column + marked > SHOWN { column.saturating_sub(SHOWN / 2) } else { 0 };
    let shown: String = line.chars().skip(skipped).take(SHOWN).map(plain).collect();
    let marked = marked.min(SHOWN.saturating_sub(column - skipped)).max(1);
    let word = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let margin = " ".repeat(number.to_string().len());
    let mut out = format!("{word}: {}\n", diagnostic.message);
    let _ = writeln!(out, "{margin}--> {file}:{number}:{}", column + 1);
    let _ = writeln!(out, "{margin} |");
    let _ = writeln!(out, "{number} | {shown}");
    let _ = writeln!(out, "{margin} | {}{}", " ".repeat(column - skipped), "^".repeat(marked));
    if !diagnostic.path.is_empty() {
        let _ = writeln!(out, "{margin} = at {}", diagnostic.path);
    }
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "{margin} = help: {help}");
    }
    out
}

/// A tab as one column, and nothing that moves the cursor.
fn plain(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

/// The candidate that the name was probably meant to be.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let name = &name[..name.floor_char_boundary(64)];
    let lower = name.to_lowercase();
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance * 3 <= candidate.len().max(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// `did you mean …?`, if there is a candidate.
pub(super) fn did_you_mean<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    nearest(name, candidates).map(|candidate| format!("did you mean `{candidate}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_diagnostic_shows_the_line_and_marks_the_place() {
        let text = "{\n  \"path\": \"brithDate\"\n}";
        let start = text.find("brith").expect("it is there");
        let diagnostic =
            Diagnostic::error("no such element", "select[0].column[0].path".to_owned(), start..start + 9)
                .with_help(did_you_mean("brithDate", ["deceased", "birthDate"].into_iter()));
        let expected = "error: no such element\n --> v.json:2:12\n  |\n2 |   \"path\": \"brithDate\"\n  |            \
                        ^^^^^^^^^\n  = at select[0].column[0].path\n  = help: did you mean `birthDate`?\n";
        assert_eq!(render(&diagnostic, "v.json", text), expected);
    }

    #[test]
    fn a_place_in_a_long_line_is_shown_with_what_is_around_it() {
        let text = format!("{}x{}", "é".repeat(1000), "é".repeat(1000));
        let diagnostic = Diagnostic::error("bad", String::new(), 2000..2001);
        let shown = render(&diagnostic, "v.json", &text);
        assert!(shown.lines().all(|line| line.chars().count() <= SHOWN + 10), "{shown}");
        let lines: Vec<&str> = shown.lines().collect();
        let at = lines[4].chars().position(|character| character == '^').expect("a mark");
        assert_eq!(lines[3].chars().nth(at), Some('x'));
    }
}
