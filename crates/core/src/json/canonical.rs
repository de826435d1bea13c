//! The *canonical form* of a JSON value does not depend on white space, order
//! of members or escape sequences. Numbers stay as written, because FHIR gives `1.0` and `1` different precision
//! (<https://hl7.org/fhir/R4/datatypes.html#decimal>).

use sha2::{Digest, Sha256};

use super::dictionary::Dictionary;
use super::error::{JsonError, JsonErrorKind};
use super::name::NameId;
use super::tree::JsonType;
use super::value::{Member, Value};

/// Computes hashes of canonical forms, reusing its memory.
#[derive(Debug)]
pub struct Canonical {
    /// By `NameId::index`, the rank of each name in byte order.
    ranks: Vec<Option<u16>>,
    text: Vec<u8>,
    /// The members of the objects that are being written, innermost last.
    members: Vec<Sorted>,
}

/// A member as the rank of its name, then its index in the tree: one number,
/// for fast comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sorted(u64);

impl Sorted {
    fn new(rank: u32, index: u32) -> Self {
        Sorted(u64::from(rank) << 32 | u64::from(index))
    }

    fn rank(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn index(self) -> u32 {
        self.0 as u32
    }
}

impl Canonical {
    /// For trees whose names are numbered by `dictionary`.
    pub fn new(dictionary: &Dictionary) -> Self {
        Canonical { ranks: dictionary.ranks(), text: Vec::new(), members: Vec::new() }
    }

    /// SHA-256 of the canonical form of `value`, without the members for which
    /// `is_left_out` holds. It is given the name of the enclosing member, `None`
    /// at the top, and the member's own name.
    ///
    /// # Errors
    /// An object has two members of the same name.
    pub fn hash(
        &mut self,
        value: Value<'_>,
        is_left_out: impl Fn(Option<NameId>, NameId) -> bool + Copy,
    ) -> Result<[u8; 32], JsonError> {
        self.text.clear();
        self.members.clear();
        self.write(value, None, is_left_out)?;
        Ok(Sha256::digest(&self.text).into())
    }

    fn write(
        &mut self,
        value: Value<'_>,
        parent: Option<NameId>,
        is_left_out: impl Fn(Option<NameId>, NameId) -> bool + Copy,
    ) -> Result<(), JsonError> {
        match value.json_type() {
            JsonType::Object => {
                let written = value.whole_text();
                let first = self.members.len();
                self.sort_members(value)?;
                let end = self.members.len();
                let mut separator = b'{';
                for at in first..end {
                    let member = value.member_at(self.members[at].index());
                    if is_left_out(parent, member.name()) {
                        continue;
                    }
                    self.text.push(separator);
                    separator = b',';
                    // Most members are in canonical form already, but for white space.
                    if let Some((name, value)) = member.canonical() {
                        if name.end + 1 == value.start {
                            self.text.extend_from_slice(&written[name.start..value.end]);
                        } else {
                            self.text.extend_from_slice(&written[name]);
                            self.text.push(b':');
                            self.text.extend_from_slice(&written[value]);
                        }
                        continue;
                    }
                    self.write_name(member);
                    self.text.push(b':');
                    self.write(member.value(), Some(member.name()), is_left_out)?;
                }
                self.members.truncate(first);
                if separator == b'{' {
                    self.text.push(b'{');
                }
                self.text.push(b'}');
            }
            JsonType::Array => {
                self.text.push(b'[');
                for (ordinal, item) in value.items().enumerate() {
                    if ordinal > 0 {
                        self.text.push(b',');
                    }
                    self.write(item, parent, is_left_out)?;
                }
                self.text.push(b']');
            }
            JsonType::String => self.write_text(value),
            _ => self.text.extend_from_slice(value.raw().as_bytes()),
        }
        Ok(())
    }

    /// Appends the object's members, sorted by name in byte order.
    fn sort_members(&mut self, object: Value<'_>) -> Result<(), JsonError> {
        let first = self.members.len();
        for member in object.members() {
            let Some(rank) = self.ranks[member.name().index()] else {
                self.members.truncate(first);
                return self.rank_by_text(object);
            };
            // Into its place among those before it: they are few, or the name comes twice.
            let sorted = Sorted::new(rank.into(), member.index());
            self.members.push(sorted);
            let members = &mut self.members[first..];
            let mut place = members.len() - 1;
            while place > 0 && members[place - 1] > sorted {
                members[place] = members[place - 1];
                place -= 1;
            }
            members[place] = sorted;
            if place > 0 && members[place - 1].rank() == sorted.rank() {
                return Err(duplicate(member));
            }
        }
        Ok(())
    }

    /// The same for an object with names that the dictionary does not hold.
    fn rank_by_text(&mut self, object: Value<'_>) -> Result<(), JsonError> {
        let mut members: Vec<Member<'_>> = object.members().collect();
        members.sort_by(|one, other| one.unescaped().cmp(&other.unescaped()));
        if let Some(pair) = members.windows(2).find(|pair| pair[0].unescaped() == pair[1].unescaped()) {
            return Err(duplicate(pair[1]));
        }
        let sorted = (0..).zip(&members).map(|(rank, member)| Sorted::new(rank, member.index()));
        self.members.extend(sorted);
        Ok(())
    }

    fn write_name(&mut self, member: Member<'_>) {
        if member.is_escaped() {
            serde_json::to_writer(&mut self.text, &*member.unescaped())
                .expect("writing to memory does not fail");
        } else {
            self.text.extend_from_slice(member.raw_name().as_bytes());
        }
    }

    fn write_text(&mut self, value: Value<'_>) {
        if value.is_plain_text() {
            self.text.extend_from_slice(value.raw().as_bytes());
        } else {
            let text = value.as_text().unwrap_or_default();
            serde_json::to_writer(&mut self.text, &*text).expect("writing to memory does not fail");
        }
    }
}

/// The error of a member whose name another one before it has.
fn duplicate(later: Member<'_>) -> JsonError {
    JsonError { kind: JsonErrorKind::DuplicateMember, offset: later.value().offset() }
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::*;
    use pretty_assertions::assert_eq;

    fn canonical(text: &str) -> String {
        let mut parser = Parser::default();
        let mut canonical = Canonical::new(&Dictionary::well_known());
        let tree = parser.parse(text.as_bytes()).expect("JSON");
        canonical
            .hash(tree.root(), |parent, name| parent == Some(NameId::META) && name == NameId::LAST_UPDATED)
            .expect("no duplicates");
        String::from_utf8(canonical.text).expect("UTF-8")
    }

    #[test]
    fn order_white_space_and_escapes_do_not_matter_but_digits_do() {
        assert_eq!(canonical(r#"{ "b" : [1.0, 1], "a":"\u00e9\/\n\"" }"#), r#"{"a":"é/\n\"","b":[1.0,1]}"#);
        assert_eq!(
            canonical(r#"{"meta":{"lastUpdated":"2020","x":{}},"lastUpdated":1}"#),
            r#"{"lastUpdated":1,"meta":{"x":{}}}"#
        );
        // Names sort by their bytes whether or not the dictionary holds them.
        assert_eq!(
            canonical(r#"{"system":1,"code" :{"url":"x","id":null}, "display": true}"#),
            r#"{"code":{"id":null,"url":"x"},"display":true,"system":1}"#
        );
        assert_eq!(
            canonical(r#"{"system":1,"zz":2,"sys":3,"code":4,"_id":5}"#),
            r#"{"_id":5,"code":4,"sys":3,"system":1,"zz":2}"#
        );
        // So do names with escape sequences, which are the same names.
        assert_eq!(
            canonical(r#"{"\u0073ystem":1,"zz":2,"\u0063ode":{"x\u0079":"\u0041"},"_i\u0064":5}"#),
            r#"{"_id":5,"code":{"xy":"A"},"system":1,"zz":2}"#
        );
        assert_eq!(canonical("{}"), "{}");
        assert_eq!(canonical("[]"), "[]");
    }

    #[test]
    fn two_members_of_the_same_name_are_refused() {
        let mut parser = Parser::default();
        for (text, offset) in [
            (r#"{"a":{"b":1,"c":2,"b":3}}"#, 22),
            (r#"{"code":{"url":1,"id":2,"url":3}}"#, 30),
            (r#"{"id":1,"\u0069d":2}"#, 18),
            (r#"{"zz":1,"z\u007a":2}"#, 18),
        ] {
            let tree = parser.parse(text.as_bytes()).expect("JSON");
            let mut canonical = Canonical::new(&Dictionary::well_known());
            let error = canonical.hash(tree.root(), |_, _| false).expect_err("the same name twice");
            assert_eq!(error, JsonError { kind: JsonErrorKind::DuplicateMember, offset });
        }
    }
}
