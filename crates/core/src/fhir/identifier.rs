//! The *token* of a search by identifier
//! (<https://hl7.org/fhir/R4/search.html#token>).

use std::borrow::Cow;
use std::ops::Range;

use super::address::decoded;
use super::trimmed::trimmed;

/// System and value of an identifier, as a search names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentifierToken<'q> {
    /// The system, empty for an identifier that has none; `None` for any system.
    pub system: Option<Cow<'q, str>>,
    /// The value, never empty.
    pub value: Cow<'q, str>,
}

impl<'q> IdentifierToken<'q> {
    /// The identifier that the query of a URL, what is behind its question mark,
    /// searches for, whatever else it asks for. `None` if it names none, or
    /// several.
    pub fn of_query(query: &'q str) -> Option<Self> {
        let mut tokens = query.split('&').filter_map(|parameter| {
            let (name, token) = parameter.split_once('=')?;
            matches!(trimmed(name), "identifier" | "identifier:exact").then_some(token)
        });
        let token = tokens.next().filter(|_| tokens.next().is_none())?;
        let token = decoded(trimmed(token));
        let part = |range: Range<usize>| match &token {
            Cow::Borrowed(token) => Cow::Borrowed(trimmed(&token[range])),
            Cow::Owned(token) => Cow::Owned(trimmed(&token[range]).to_owned()),
        };
        let (system, value) = match token.find('|') {
            Some(bar) => (Some(part(0..bar)), part(bar + 1..token.len())),
            None => (None, part(0..token.len())),
        };
        (!value.is_empty()).then_some(IdentifierToken { system, value })
    }
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    #[test]
    fn a_query_names_one_identifier() {
        let read = |query| {
            let token = IdentifierToken::of_query(query)?;
            Some((token.system.map(Cow::into_owned), token.value.into_owned()))
        };
        let token = |system: Option<&str>, value: &str| Some((system.map(str::to_owned), value.to_owned()));
        assert_eq!(read("identifier=urn:mrn|9"), token(Some("urn:mrn"), "9"));
        assert_eq!(read("identifier=urn:mrn%7C9"), token(Some("urn:mrn"), "9"));
        assert_eq!(read("identifier=http%3A%2F%2Fx.org%2Fmrn%7c9"), token(Some("http://x.org/mrn"), "9"));
        assert_eq!(read("active=true&identifier=urn:mrn|9&_format=json"), token(Some("urn:mrn"), "9"));
        assert_eq!(read("identifier=9"), token(None, "9"));
        assert_eq!(read("identifier=|9"), token(Some(""), "9"));
        for query in [
            "",
            "identifier",
            "identifier=",
            "identifier=urn:mrn|",
            "name=x",
            "identifier=a|1&identifier=b|2",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
