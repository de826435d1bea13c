//! The canonical form of a JSON value: the same for two texts that say the
//! same, whatever their blanks, order of members and escapes. Numbers stay as
//! written, because FHIR gives `1.0` and `1` different precision
//! (<https://hl7.org/fhir/R4/datatypes.html#decimal>).

use sha2::{Digest, Sha256};

use super::Name;
use super::parse::{Fault, JsonError};
use super::value::{Kind, Member, Value};

/// Writes canonical forms and their hashes, reusing its memory.
#[derive(Debug, Default)]
pub struct Canonical {
    text: Vec<u8>,
    /// The members of the objects that are being written, the innermost last.
    members: Vec<Sorted>,
}

/// A member by its name's first eight bytes, by which most are told apart.
#[derive(Clone, Copy, Debug)]
struct Sorted {
    prefix: u64,
    index: u32,
}

impl Canonical {
    /// SHA-256 of the canonical form of `value`, without the members that
    /// `is_left_out` names by (name of the enclosing member, or `None` at the
    /// top, and own name). Fails where an object has two members of one name.
    pub fn hash(
        &mut self,
        value: Value<'_>,
        is_left_out: fn(parent: Option<Name>, name: Name) -> bool,
    ) -> Result<[u8; 32], JsonError> {
        self.text.clear();
        self.members.clear();
        self.write(value, None, is_left_out)?;
        Ok(Sha256::digest(&self.text).into())
    }

    fn write(
        &mut self,
        value: Value<'_>,
        parent: Option<Name>,
        is_left_out: fn(Option<Name>, Name) -> bool,
    ) -> Result<(), JsonError> {
        match value.kind() {
            Kind::Object => {
                let first = self.members.len();
                self.sort_members(value)?;
                let end = self.members.len();
                let mut separator = b'{';
                for at in first..end {
                    let member = value.member_at(self.members[at].index);
                    if is_left_out(parent, member.name()) {
                        continue;
                    }
                    self.text.push(separator);
                    separator = b',';
                    self.text.extend_from_slice(member.raw().as_bytes());
                    self.text.push(b':');
                    self.write(member.value(), Some(member.name()), is_left_out)?;
                }
                self.members.truncate(first);
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

    /// Appends the object's members by their names' bytes.
    fn sort_members(&mut self, object: Value<'_>) -> Result<(), JsonError> {
        let first = self.members.len();
        let sorted = |member: Member<'_>| Sorted { prefix: member.prefix(), index: member.index() };
        self.members.extend(object.members().map(sorted));
        let text = |sorted: &Sorted| object.member_at(sorted.index).text();
        let members = &mut self.members[first..];
        members.sort_unstable_by(|one, other| {
            one.prefix.cmp(&other.prefix).then_with(|| text(one).cmp(text(other)))
        });
        let are_same =
            |pair: &&[Sorted]| pair[0].prefix == pair[1].prefix && text(&pair[0]) == text(&pair[1]);
        match members.windows(2).find(are_same) {
            Some(pair) => {
                // The sort may have put the later one first.
                let later = object.member_at(pair[0].index.max(pair[1].index));
                Err(JsonError { fault: Fault::DuplicateMember, offset: later.value().offset() })
            }
            None => Ok(()),
        }
    }

    fn write_text(&mut self, value: Value<'_>) {
        if value.is_plain_text() {
            self.text.extend_from_slice(value.raw().as_bytes());
        } else {
            let text = value.as_text().unwrap_or_default();
            serde_json::to_writer(&mut self.text, &*text)
                .expect("a string is written to memory without error");
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
            .hash(tree.root(), |parent, name| parent == Some(Name::META) && name == Name::LAST_UPDATED)
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
