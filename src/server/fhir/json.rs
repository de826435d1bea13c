//! The *members* of JSON objects, each with its value as it was written.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The members of an object, in their order. No two have the same name.
#[derive(Debug, Default)]
pub struct Members<'j>(pub Vec<(Cow<'j, str>, &'j RawValue)>);

impl<'j> Members<'j> {
    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'j RawValue> {
        self.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
    }

    /// The text of a member that is a string; without blanks around it, and not empty.
    pub fn text(&self, name: &str) -> Option<String> {
        let text: String = serde_json::from_str(self.get(name)?.get()).ok()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The members of a member that is an object.
    pub fn object(&self, name: &str) -> Option<Members<'j>> {
        serde_json::from_str(self.get(name)?.get()).ok()
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

/// A name, borrowed where it is written without escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'n>(#[serde(borrow)] Cow<'n, str>);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some(Name(name)) = map.next_key::<Name<'de>>()? {
            if members.get(&name).is_some() {
                return Err(A::Error::custom("two members have the same name"));
            }
            members.0.push((name, map.next_value()?));
        }
        Ok(members)
    }
}

/// Appends JSON on one line: line breaks are only between its tokens.
pub fn push_on_one_line(line: &mut Vec<u8>, json: &str) {
    let flat = |byte: u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte };
    line.extend(json.bytes().map(flat));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_told_apart_and_keep_what_was_written() {
        let members: Members<'_> =
            serde_json::from_str("{\"a\": 1.50, \"b\\u0063\": {\"x\": \" y \"}}").expect("an object");
        assert_eq!(members.get("a").map(RawValue::get), Some("1.50"));
        assert_eq!(members.object("bc").and_then(|inner| inner.text("x")).as_deref(), Some("y"));
        assert_eq!(members.text("a"), None);
        for broken in ["{\"a\":1,\"a\":2}", "[]", "{\"a\":1", "1"] {
            assert!(serde_json::from_str::<Members<'_>>(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn json_is_put_on_one_line() {
        let mut line = Vec::new();
        push_on_one_line(&mut line, "{\r\n \"a\":\n\"b\\n\"}");
        assert_eq!(line, b"{   \"a\": \"b\\n\"}");
    }
}
