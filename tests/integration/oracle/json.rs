//! JSON as a tree that keeps every number as written.
//!
//! `serde_json::Value` would turn `112.40` into `112.4`; the tables keep the
//! zero, so the oracle needs its own tree. It also prints a tree as Postgres
//! prints `jsonb::text`.

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::numeric;

/// One JSON value. Members of an object stand in the order of the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Boolean(bool),
    /// A number, letter by letter as in the text.
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// The members of an object, each value still unread.
struct Members<'text>(Vec<(String, &'text RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

impl Json {
    /// Reads a whole JSON text.
    pub fn parse(text: &str) -> serde_json::Result<Json> {
        let raw: &RawValue = serde_json::from_str(text)?;
        Json::from_raw(raw)
    }

    fn from_raw(raw: &RawValue) -> serde_json::Result<Json> {
        let text = raw.get();
        Ok(match text.as_bytes()[0] {
            b'{' => {
                let mut members = Vec::new();
                for (name, value) in serde_json::from_str::<Members>(text)?.0 {
                    members.push((name, Json::from_raw(value)?));
                }
                Json::Object(members)
            }
            b'[' => {
                let mut items = Vec::new();
                for item in serde_json::from_str::<Vec<&RawValue>>(text)? {
                    items.push(Json::from_raw(item)?);
                }
                Json::List(items)
            }
            b'"' => Json::Text(serde_json::from_str(text)?),
            b't' | b'f' => Json::Boolean(serde_json::from_str(text)?),
            b'n' => Json::Null,
            _ => Json::Number(text.to_owned()),
        })
    }

    /// The member of an object, if this is an object that has it.
    pub fn get(&self, name: &str) -> Option<&Json> {
        for (member, value) in self.members() {
            if member == name {
                return Some(value);
            }
        }
        None
    }

    /// The members of an object; none for anything else.
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Json::Object(members) => members,
            _ => &[],
        }
    }

    /// The items of a list; a single value counts as a list of one, null as none.
    pub fn items(&self) -> &[Json] {
        match self {
            Json::List(items) => items,
            Json::Null => &[],
            single => std::slice::from_ref(single),
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The string that the member holds.
    pub fn string(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The value as Postgres prints it for `jsonb::text`: members sorted by length and then by
    /// bytes, the last of equal names kept, numbers written out.
    pub fn to_jsonb(&self) -> String {
        let mut out = String::new();
        self.print(&mut out);
        out
    }

    fn print(&self, out: &mut String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
            Json::Number(text) => out.push_str(&numeric(text)),
            Json::Text(text) => print_string(text, out),
            Json::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    item.print(out);
                }
                out.push(']');
            }
            Json::Object(members) => {
                let mut sorted: Vec<(&String, &Json)> = Vec::new();
                for (name, value) in members {
                    sorted.retain(|(kept, _)| *kept != name);
                    sorted.push((name, value));
                }
                sorted.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
                out.push('{');
                for (index, (name, value)) in sorted.into_iter().enumerate() {
                    if index > 0 {
                        out.push_str(", ");
                    }
                    print_string(name, out);
                    out.push_str(": ");
                    value.print(out);
                }
                out.push('}');
            }
        }
    }
}

fn print_string(text: &str, out: &mut String) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => {
                out.push_str(&format!("\\u{:04x}", control as u32));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_letters() {
        let tree = Json::parse(r#"{"value": 112.40, "big": 1234567890123456789.5}"#).unwrap();

        assert_eq!(tree.get("value"), Some(&Json::Number("112.40".to_owned())));
        assert_eq!(tree.get("big"), Some(&Json::Number("1234567890123456789.5".to_owned())));
    }

    #[test]
    fn prints_as_jsonb() {
        let tree = Json::parse(r#"{"bb":1E2,"a":[true,null,"x\ny\u0001é"],"c":{},"bb":1.50}"#).unwrap();

        assert_eq!(tree.to_jsonb(), r#"{"a": [true, null, "x\ny\u0001é"], "c": {}, "bb": 1.50}"#);
    }
}
