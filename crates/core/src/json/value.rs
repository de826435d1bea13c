//! Reading a tree.

use std::borrow::Cow;

use super::{NameId, Node, Tree};

/// The sorts of JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonType {
    Null,
    True,
    False,
    Number,
    String,
    Array,
    Object,
}

/// One value of a tree, small enough to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl<'t> Value<'t> {
    pub(super) fn new(tree: &'t Tree<'t>, index: u32) -> Self {
        Value { tree, index }
    }

    #[inline]
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// The place of the value in its tree, in document order: a value lies
    /// within another one if its place lies in the other one's `extent`.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The places of this value and of all that lies within it.
    pub fn extent(self) -> std::ops::Range<u32> {
        self.index..self.node().next
    }

    #[inline]
    pub fn json_type(self) -> JsonType {
        self.node().json_type
    }

    pub fn is_null(self) -> bool {
        self.json_type() == JsonType::Null
    }

    /// The value as it is written, quotes included.
    pub fn raw(self) -> &'t str {
        let node = self.node();
        let quote = usize::from(node.json_type == JsonType::String);
        &self.tree.source[node.start as usize - quote..node.end as usize + quote]
    }

    /// A string's characters, escapes undone; `None` for other kinds.
    #[inline]
    pub fn as_text(self) -> Option<Cow<'t, str>> {
        let node = self.node();
        if node.json_type != JsonType::String {
            return None;
        }
        let written = &self.tree.source[node.start as usize..node.end as usize];
        Some(if node.is_special { Cow::Owned(unescape(written)) } else { Cow::Borrowed(written) })
    }

    /// Whether it is a string without escapes, which is written as it reads.
    pub(super) fn is_plain_text(self) -> bool {
        let node = self.node();
        node.json_type == JsonType::String && !node.is_special
    }

    /// The member whose name has that place in the tree.
    pub(super) fn member_at(self, index: u32) -> Member<'t> {
        Member::new(self.tree, index)
    }

    /// The offset of the value's first byte in the text.
    pub(super) fn offset(self) -> usize {
        self.node().start as usize
    }

    pub fn as_boolean(self) -> Option<bool> {
        match self.json_type() {
            JsonType::True => Some(true),
            JsonType::False => Some(false),
            _ => None,
        }
    }

    /// A number as it is written; `None` for other kinds.
    pub fn as_number(self) -> Option<&'t str> {
        (self.json_type() == JsonType::Number).then(|| self.raw())
    }

    /// An object's members in document order; none for other kinds.
    #[inline]
    pub fn members(self) -> Members<'t> {
        let node = self.node();
        let end = if node.json_type == JsonType::Object { node.next } else { self.index };
        Members { tree: self.tree, index: self.index + 1, end }
    }

    /// An array's items in document order; none for other kinds.
    #[inline]
    pub fn items(self) -> Items<'t> {
        let node = self.node();
        let end = if node.json_type == JsonType::Array { node.next } else { self.index };
        Items { tree: self.tree, index: self.index + 1, end }
    }

    /// An object's member of that name, if it is there and not null.
    #[inline]
    pub fn get(self, name: impl MemberName) -> Option<Value<'t>> {
        self.members().find(|member| name.is_of(member)).map(Member::value).filter(|value| !value.is_null())
    }

    /// The value of the whole text that this one is a part of.
    pub fn root(self) -> Value<'t> {
        self.tree.root()
    }

    /// The object or array that the value stands in; `None` for the root.
    pub fn parent(self) -> Option<Value<'t>> {
        let mut at = self.tree.root();
        while at.index != self.index {
            let below = at.members().map(Member::value).chain(at.items());
            let next = below.into_iter().find(|value| value.extent().contains(&self.index))?;
            if next.index == self.index {
                return Some(at);
            }
            at = next;
        }
        None
    }

    /// Where the value stands, from the root of its tree, as FHIRPath writes
    /// it: `name[0].family`.
    pub fn path(self) -> String {
        let mut path = String::new();
        let mut at = self.tree.root();
        while at.index != self.index {
            let below = at.members().map(|member| (Some(member.text()), member.value()));
            let below = below.chain(at.items().map(|value| (None, value)));
            let Some((ordinal, (name, value))) =
                below.enumerate().find(|(_, (_, value))| value.extent().contains(&self.index))
            else {
                break;
            };
            match name {
                Some(name) if path.is_empty() => path.push_str(name),
                Some(name) => {
                    path.push('.');
                    path.push_str(name);
                }
                None => path.push_str(&format!("[{ordinal}]")),
            }
            at = value;
        }
        path
    }
}

/// A member of an object.
#[derive(Clone, Copy, Debug)]
pub struct Member<'t> {
    tree: &'t Tree<'t>,
    /// Of the name; the value's node is the next one.
    index: u32,
}

impl<'t> Member<'t> {
    pub(super) fn new(tree: &'t Tree<'t>, index: u32) -> Self {
        Member { tree, index }
    }

    #[inline]
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// The place of its name in the tree.
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// Its name as written, with quotes.
    pub(super) fn raw(self) -> &'t str {
        let node = self.node();
        &self.tree.source[node.start as usize - 1..node.end as usize + 1]
    }

    /// NameId and value as written, if they are written as they read: without a
    /// blank between them, and the value neither a container nor a text with
    /// escapes.
    #[inline]
    pub(super) fn compact(self) -> Option<&'t [u8]> {
        let (name, value) = (self.node(), self.value().node());
        let quote = match value.json_type {
            JsonType::Object | JsonType::Array => return None,
            JsonType::String if value.is_special => return None,
            JsonType::String => 1,
            _ => 0,
        };
        let is_compact = value.start - quote == name.end + 2;
        let written = name.start as usize - 1..(value.end + quote) as usize;
        is_compact.then(|| &self.tree.source.as_bytes()[written])
    }

    /// The number of its name.
    #[inline]
    pub fn name(self) -> NameId {
        self.node().name
    }

    /// Its name, as written.
    #[inline]
    pub fn text(self) -> &'t str {
        let node = self.node();
        &self.tree.source[node.start as usize..node.end as usize]
    }

    /// What it holds, null included.
    #[inline]
    pub fn value(self) -> Value<'t> {
        Value::new(self.tree, self.index + 1)
    }
}

/// What a member can be asked for by: the number of its name, or, a little
/// slower, the characters.
pub trait MemberName {
    fn is_of(&self, member: &Member<'_>) -> bool;
}

impl MemberName for NameId {
    #[inline]
    fn is_of(&self, member: &Member<'_>) -> bool {
        member.name() == *self
    }
}

impl MemberName for &str {
    fn is_of(&self, member: &Member<'_>) -> bool {
        member.text() == *self
    }
}

/// An object's members.
#[derive(Clone, Debug)]
pub struct Members<'t> {
    tree: &'t Tree<'t>,
    index: u32,
    end: u32,
}

impl<'t> Iterator for Members<'t> {
    type Item = Member<'t>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.end {
            return None;
        }
        let member = Member::new(self.tree, self.index);
        self.index = member.value().node().next;
        Some(member)
    }
}

/// An array's items.
#[derive(Clone, Debug)]
pub struct Items<'t> {
    tree: &'t Tree<'t>,
    index: u32,
    end: u32,
}

impl<'t> Iterator for Items<'t> {
    type Item = Value<'t>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.index >= self.end {
            return None;
        }
        let value = Value::new(self.tree, self.index);
        self.index = value.node().next;
        Some(value)
    }
}

/// Undoes the escapes of a string that the parser has accepted.
fn unescape(written: &str) -> String {
    let mut text = String::with_capacity(written.len());
    let mut rest = written;
    while let Some(backslash) = rest.find('\\') {
        text.push_str(&rest[..backslash]);
        let escape = rest.as_bytes()[backslash + 1];
        rest = &rest[backslash + 2..];
        match escape {
            b'b' => text.push('\u{8}'),
            b'f' => text.push('\u{c}'),
            b'n' => text.push('\n'),
            b'r' => text.push('\r'),
            b't' => text.push('\t'),
            b'u' => rest = unescape_unicode(rest, &mut text),
            itself => text.push(itself as char),
        }
    }
    text.push_str(rest);
    text
}

fn unescape_unicode<'t>(rest: &'t str, text: &mut String) -> &'t str {
    let unit = |at: usize| u32::from_str_radix(&rest[at..at + 4], 16).unwrap_or(0xFFFD);
    let high = unit(0);
    let (character, length) = match high {
        0xD800..=0xDBFF => (0x10000 + ((high - 0xD800) << 10) + (unit(6) - 0xDC00), 10),
        _ => (high, 4),
    };
    text.push(char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER));
    &rest[length..]
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use pretty_assertions::assert_eq;

    #[test]
    fn reads_members_items_and_texts() {
        let text = r#" {"a": [1, -2.50, true, null], "b": {"c": "x\n\u00e9\ud83d\ude00\/\""}, "d": ""} "#;
        let mut parser = Parser::default();
        let tree = parser.parse(text.as_bytes()).expect("JSON");
        let root = tree.root();
        let names: Vec<&str> = root.members().map(|member| member.text()).collect();
        assert_eq!(names, ["a", "b", "d"]);
        let items: Vec<&str> = root.get("a").expect("a").items().map(|item| item.raw()).collect();
        assert_eq!(items, ["1", "-2.50", "true", "null"]);
        let c = root.get("b").and_then(|b| b.get("c")).expect("c");
        assert_eq!(c.as_text().expect("text"), "x\né😀/\"");
        assert_eq!(c.path(), "b.c");
        assert_eq!(root.get("a").and_then(|a| a.items().nth(2)).expect("item").path(), "a[2]");
        assert_eq!(root.get("d").expect("d").as_text().expect("text"), "");
        assert!(root.get("e").is_none());
    }
}
