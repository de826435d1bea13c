//! An error with its *causes*, for logs and people: one line each, although libpq
//! wraps its messages for a terminal, and nothing twice, although some errors
//! repeat their cause.

use std::error::Error;

/// The error's message, then that of each cause that adds something.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut sentences: Vec<String> = Vec::new();
    let mut cause = Some(error);
    while let Some(error) = cause {
        let text = error.to_string();
        // Lists keep their lines.
        let text = text.split("\n\t").map(str::trim).collect::<Vec<_>>().join(" ");
        if sentences.last().is_none_or(|last| !last.ends_with(&text)) {
            sentences.push(text);
        }
        cause = error.source();
    }
    sentences
}

/// The error and its causes in one line.
pub fn in_one_line(error: &(dyn Error + 'static)) -> String {
    causes(error).join(": ").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use thiserror::Error;

    #[derive(Debug, Error)]
    #[error("cannot load: {0}")]
    struct Outer(#[from] Inner);

    #[derive(Debug, Error)]
    #[error("the server closed the connection\n\tThis probably means much.\n")]
    struct Inner;

    #[test]
    fn sentences_are_lines_and_are_not_repeated() {
        let error = Outer::from(Inner);
        let said = "cannot load: the server closed the connection This probably means much.";
        assert_eq!(causes(&error), [said]);
        assert_eq!(in_one_line(&error), said);
    }
}
