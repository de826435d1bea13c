//! The *top* of a message's JSON: of what type it is, and which resource.

use std::fmt;

use fhirmill_core::json::is_one_container;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Whether a message is plainly one resource on one line, as most are: an object that begins
/// with its type, and ends with the message. Whether what is between is JSON, the mapper
/// finds out. Reading all of it here would cost as much as mapping it.
pub fn is_plain_resource(value: &[u8]) -> bool {
    begins_with_type(value).is_some()
        && memchr::memchr2(b'\n', b'\r', value).is_none()
        && is_one_container(value)
}

/// What is behind the type at the beginning of an object.
fn begins_with_type(value: &[u8]) -> Option<&[u8]> {
    let mut rest = value;
    for token in [b"{".as_slice(), b"\"resourceType\"", b":", b"\""] {
        rest = rest.trim_ascii_start().strip_prefix(token)?;
    }
    let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic())?;
    rest[length..].strip_prefix(b"\"").filter(|_| length > 0)
}

/// What is at the top of a JSON object.
#[derive(Debug, Default)]
pub struct Top {
    /// The type of the resource.
    pub resource_type: Option<String>,
    /// Its id.
    pub id: Option<String>,
}

impl Top {
    /// Reads all of it, so that it is known to be JSON.
    pub fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(json);
        let top = Top::deserialize(&mut reader)?;
        reader.end()?;
        Ok(top)
    }
}

impl<'de> Deserialize<'de> for Top {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TopVisitor)
    }
}

struct TopVisitor;

impl<'de> Visitor<'de> for TopVisitor {
    type Value = Top;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Top, A::Error> {
        let mut top = Top::default();
        while let Some(name) = map.next_key::<String>()? {
            let text = match name.as_str() {
                "resourceType" => &mut top.resource_type,
                "id" => &mut top.id,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *text = serde_json::from_str(map.next_value::<&RawValue>()?.get()).ok();
        }
        Ok(top)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_resource_is_one_object_on_one_line_that_begins_with_its_type() {
        let plain = [r#"{"resourceType":"Patient"}"#, r#"{ "resourceType" : "Patient", "id": "}\"{" }"#];
        for text in plain {
            assert!(is_plain_resource(text.as_bytes()), "{text}");
        }
        let others = [
            "",
            "{}",
            r#"{"id":"1","resourceType":"Patient"}"#,
            r#"{"resourceType":""}"#,
            r#"{"resourceType":"Patient""#,
            r#"{"resourceType":"Patient"} {"#,
            r#"{"resourceType":"Patient"}{"resourceType":"Patient"}"#,
            r#"{"resourceType":7}"#,
            "{\"resourceType\":\"Patient\",\n\"id\":\"1\"}",
        ];
        for text in others {
            assert!(!is_plain_resource(text.as_bytes()), "{text}");
        }
    }
}
