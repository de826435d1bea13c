//! Cuts an expression into tokens.

use std::ops::Range;

use super::syntax::{Literal, Mistake};

/// A token with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub span: Range<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, which may be a word such as `and`.
    Name(String),
    /// A name between backticks, which is no such word.
    QuotedName(String),
    Literal(Literal),
    /// `%name`
    Variable(String),
    /// `$this`
    This,
    /// Brackets and operators.
    Sign(&'static str),
    End,
}

/// Longer signs before those that begin them.
const SIGNS: [&str; 24] = [
    "!=", "!~", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "+", "-", "*", "/", "|", "&", "=", "~",
    "<", ">", "!", ":",
];

/// The tokens of the text, of which the last is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Mistake> {
    let mut tokens = Vec::new();
    let mut at = 0;
    loop {
        at = after_space(text, at)?;
        let (kind, end) = match text[at..].chars().next() {
            None => {
                tokens.push(Token { kind: TokenKind::End, span: at..at });
                return Ok(tokens);
            }
            Some(first) => token(text, at, first)?,
        };
        tokens.push(Token { kind, span: at..end });
        at = end;
    }
}

/// Where the next token begins, after white space and comments.
fn after_space(text: &str, mut at: usize) -> Result<usize, Mistake> {
    loop {
        let rest = &text[at..];
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        at += rest.len() - trimmed.len();
        if trimmed.starts_with("//") {
            at += trimmed.find(['\r', '\n']).unwrap_or(trimmed.len());
        } else if trimmed.starts_with("/*") {
            let end = trimmed.find("*/").ok_or_else(|| {
                Mistake::new("the comment has no end", at..at + 2).with_help("close it with `*/`")
            })?;
            at += end + 2;
        } else {
            return Ok(at);
        }
    }
}

fn token(text: &str, at: usize, first: char) -> Result<(TokenKind, usize), Mistake> {
    match first {
        '\'' => quoted(text, at, '\'').map(|(text, end)| (TokenKind::Literal(Literal::Text(text)), end)),
        '`' => quoted(text, at, '`').map(|(name, end)| (TokenKind::QuotedName(name), end)),
        '"' => Err(Mistake::new("strings are written between single quotes", at..at + 1)),
        '@' => moment(text, at),
        '%' => variable(text, at),
        '$' => match name_end(text, at + 1) {
            end if &text[at..end] == "$this" => Ok((TokenKind::This, end)),
            end => Err(Mistake::new(format!("`{}` is not available in views", &text[at..end]), at..end)
                .with_help("only `$this` and `%rowIndex` are")),
        },
        '0'..='9' => number(text, at),
        _ if first.is_ascii_alphabetic() || first == '_' => {
            let end = name_end(text, at);
            let name = &text[at..end];
            Ok(match name {
                "true" | "false" => (TokenKind::Literal(Literal::Boolean(name == "true")), end),
                _ => (TokenKind::Name(name.to_owned()), end),
            })
        }
        _ => match SIGNS.iter().find(|sign| text[at..].starts_with(**sign)) {
            Some(sign) => Ok((TokenKind::Sign(sign), at + sign.len())),
            None => {
                let end = at + first.len_utf8();
                Err(Mistake::new(format!("`{first}` means nothing here"), at..end))
            }
        },
    }
}

fn name_end(text: &str, start: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    start + text.as_bytes()[start..].iter().take_while(|byte| is_part(byte)).count()
}

/// What is between quotes, and the offset after them.
fn quoted(text: &str, at: usize, quote: char) -> Result<(String, usize), Mistake> {
    let mut value = String::new();
    let mut characters = text[at + 1..].char_indices();
    while let Some((offset, character)) = characters.next() {
        let place = at + 1 + offset;
        match character {
            _ if character == quote => return Ok((value, place + 1)),
            '\\' => value.push(escaped(&mut characters, place)?),
            _ => value.push(character),
        }
    }
    Err(Mistake::new("the string has no end", at..text.len()).with_help(format!("close it with `{quote}`")))
}

fn escaped(characters: &mut std::str::CharIndices<'_>, place: usize) -> Result<char, Mistake> {
    let wrong = |length: usize| {
        Mistake::new("no such escape sequence", place..place + length)
            .with_help(r#"FHIRPath has \' \" \` \\ \/ \r \n \t \f, and \u with four hexadecimal digits"#)
    };
    Ok(match characters.next().map(|(_, character)| character) {
        Some(character @ ('\'' | '"' | '`' | '\\' | '/')) => character,
        Some('r') => '\r',
        Some('n') => '\n',
        Some('t') => '\t',
        Some('f') => '\u{c}',
        Some('u') => {
            let digits: String = characters.take(4).map(|(_, character)| character).collect();
            let is_code = digits.len() == 4 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let code = u32::from_str_radix(&digits, 16).ok().filter(|code| is_code && *code != 0);
            // Postgres has no text with a NUL.
            code.and_then(char::from_u32).ok_or_else(|| wrong(2))?
        }
        Some(other) => return Err(wrong(1 + other.len_utf8())),
        None => return Err(wrong(1)),
    })
}

fn number(text: &str, at: usize) -> Result<(TokenKind, usize), Mistake> {
    let digits =
        |start: usize| text.as_bytes()[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = at + digits(at);
    if text[end..].starts_with('.') && digits(end + 1) > 0 {
        end += 1 + digits(end + 1);
    }
    if name_end(text, end) > end {
        return Err(Mistake::new("a number ends where a name begins", at..name_end(text, end)));
    }
    Ok((TokenKind::Literal(Literal::Number(text[at..end].to_owned())), end))
}

fn variable(text: &str, at: usize) -> Result<(TokenKind, usize), Mistake> {
    if let Some(quote) = text[at + 1..].chars().next().filter(|quote| matches!(quote, '`' | '\'')) {
        return quoted(text, at + 1, quote).map(|(name, end)| (TokenKind::Variable(name), end));
    }
    let end = name_end(text, at + 1);
    if end == at + 1 {
        return Err(Mistake::new("a name must follow `%`", at..end));
    }
    Ok((TokenKind::Variable(text[at + 1..end].to_owned()), end))
}

/// `@2020-01-31`, `@2020-01-31T10:00:00Z` or `@T10:00`.
fn moment(text: &str, at: usize) -> Result<(TokenKind, usize), Mistake> {
    let is_part =
        |byte: &u8| byte.is_ascii_digit() || matches!(*byte, b'-' | b':' | b'.' | b'T' | b'Z' | b'+');
    let end = at + 1 + text.as_bytes()[at + 1..].iter().take_while(|byte| is_part(byte)).count();
    // A point may also begin a function.
    let end = if text[..end].ends_with('.') { end - 1 } else { end };
    let written = &text[at + 1..end];
    let literal = match written.split_once('T') {
        Some(("", time)) => crate::datatype::moment::time(time).map(|_| Literal::Time(time.to_owned())),
        Some((date, "")) => span(date).map(|()| Literal::DateTime(date.to_owned())),
        Some(_) => span(written).map(|()| Literal::DateTime(written.to_owned())),
        None => crate::datatype::moment::date(written).map(|_| Literal::Date(written.to_owned())),
    };
    let literal = literal.ok_or_else(|| {
        Mistake::new("this is not a date or time", at..end.max(at + 1))
            .with_help("write `@2020-01-31`, `@2020-01-31T10:00:00Z` or `@T10:00:00`")
    })?;
    Ok((TokenKind::Literal(literal), end))
}

fn span(written: &str) -> Option<()> {
    crate::datatype::moment::date_time(written, crate::datatype::Timezone::default()).map(|_| ())
}
