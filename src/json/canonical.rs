//! The canonical form of a JSON value: the same for two texts that say the
//! same, whatever their blanks, order of members and escapes. Numbers stay as
//! written, because FHIR gives `1.0` and `1` different precision
//! (<https://hl7.org/fhir/R4/datatypes.html#decimal>).

use sha2::{Digest, Sha256};

use super::parse::{Fault, JsonError};
use super::value::{Kind, Value};

/// Writes canonical forms and their hashes, reusing its memory.
#[derive(Debug, Default)]
pub struct Canonical {
    text: Vec<u8>,
}

impl Canonical {
    /// SHA-256 of the canonical form of `value`, without the members that
    /// `is_left_out` names by (name of the enclosing member, or "" at the
    /// top, and own name). Fails where an object has two members of one name.
    pub fn hash(
        &mut self,
        value: Value<'_>,
        is_left_out: fn(parent: &str, name: &str) -> bool,
    ) -> Result<[u8; 32], JsonError> {
        self.text.clear();
        self.write(value, "", is_left_out)?;
        Ok(Sha256::digest(&self.text).into())
    }

    fn write(
        &mut self,
        value: Value<'_>,
        parent: &str,
        is_left_out: fn(&str, &str) -> bool,
    ) -> Result<(), JsonError> {
        match value.kind() {
            Kind::Object => {
                let mut members: Vec<(&str, Value<'_>)> = value.members().collect();
                members.sort_unstable_by_key(|(name, value)| (*name, value.index()));
                if let Some(pair) = members.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                    return Err(JsonError { fault: Fault::DuplicateMember, offset: pair[1].1.offset() });
                }
                let mut separator = b'{';
                for (name, member) in members {
                    if is_left_out(parent, name) {
                        continue;
                    }
                    self.text.push(separator);
                    separator = b',';
                    self.text.push(b'"');
                    self.text.extend_from_slice(name.as_bytes());
                    self.text.extend_from_slice(b"\":");
                    self.write(member, name, is_left_out)?;
                }
                if separator == b'{' {
                    self.text.push(b'{');
                }
                self.text.push(b'}');
            }
            Kind::Array => {
                self.text.push(b'[');
                for (ordinal, item) in value.items().enumerate() {
                    if ordinal > 0 {
                        self.text.push(b',');
                    }
                    self.write(item, parent, is_left_out)?;
                }
                self.text.push(b']');
            }
            Kind::String => self.write_text(value),
            _ => self.text.extend_from_slice(value.raw().as_bytes()),
        }
        Ok(())
    }

    fn write_text(&mut self, value: Value<'_>) {
        match value.unescaped() {
            Some(written) => {
                self.text.push(b'"');
                self.text.extend_from_slice(written.as_bytes());
                self.text.push(b'"');
            }
            None => {
                let text = value.as_text().unwrap_or_default();
                serde_json::to_writer(&mut self.text, &*text)
                    .expect("a string is written to memory without error");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::*;
    use pretty_assertions::assert_eq;

    fn canonical(text: &str) -> String {
        let mut parser = Parser::default();
        let mut canonical = Canonical::default();
        let tree = parser.parse(text.as_bytes()).expect("JSON");
        canonical
            .hash(tree.root(), |parent, name| parent == "meta" && name == "lastUpdated")
            .expect("no duplicates");
        String::from_utf8(canonical.text).expect("UTF-8")
    }

    #[test]
    fn order_blanks_and_escapes_do_not_matter_but_digits_do() {
        assert_eq!(canonical(r#"{ "b" : [1.0, 1], "a":"\u00e9\/\n\"" }"#), r#"{"a":"é/\n\"","b":[1.0,1]}"#);
        assert_eq!(
            canonical(r#"{"meta":{"lastUpdated":"2020","x":{}},"lastUpdated":1}"#),
            r#"{"lastUpdated":1,"meta":{"x":{}}}"#
        );
        assert_eq!(canonical("{}"), "{}");
        assert_eq!(canonical("[]"), "[]");
    }

    #[test]
    fn two_members_of_one_name_are_refused() {
        let mut parser = Parser::default();
        let tree = parser.parse(br#"{"a":{"b":1,"c":2,"b":3}}"#).expect("JSON");
        let error = Canonical::default().hash(tree.root(), |_, _| false).expect_err("twice b");
        assert_eq!(error.fault, Fault::DuplicateMember);
    }
}
