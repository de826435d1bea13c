//! Reading a tree: values, members, items.

use std::borrow::Cow;
use std::ops::Range;

use super::escape::unescape;
use super::name::NameId;
use super::path::PathSegment;
use super::tree::{JsonType, Node, Tree};

/// One value of a tree, cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Value<'t> {
    tree: &'t Tree<'t>,
    index: u32,
}

impl<'t> Value<'t> {
    pub(super) fn new(tree: &'t Tree<'t>, index: u32) -> Self {
        Value { tree, index }
    }

    pub(super) fn tree(self) -> &'t Tree<'t> {
        self.tree
    }

    #[inline]
    fn node(self) -> &'t Node {
        &self.tree.nodes[self.index as usize]
    }

    /// The number of the value in its tree, in document order. A value lies
    /// within another one if its index is in the other one's `extent`.
    pub fn index(self) -> u32 {
        self.index
    }

    /// The indexes of this value and of everything within it.
    pub fn extent(self) -> Range<u32> {
        self.index..self.node().next
    }

    /// Its type.
    #[inline]
    pub fn json_type(self) -> JsonType {
        self.node().json_type
    }

    /// Whether it is null.
    pub fn is_null(self) -> bool {
        self.json_type() == JsonType::Null
    }

    /// The value as written, including a string's quotes.
    pub fn raw(self) -> &'t str {
        let node = self.node();
        let quote = usize::from(node.json_type == JsonType::String);
        &self.tree.text[node.start as usize - quote..node.end as usize + quote]
    }

    /// A string without its quotes and with escape sequences undone; `None` for
    /// other types.
    #[inline]
    pub fn as_text(self) -> Option<Cow<'t, str>> {
        let node = self.node();
        if node.json_type != JsonType::String {
            return None;
        }
        let written = &self.tree.text[node.start as usize..node.end as usize];
        Some(if node.is_special { Cow::Owned(unescape(written)) } else { Cow::Borrowed(written) })
    }

    /// Whether it is a string without escape sequences.
    pub(super) fn is_plain_text(self) -> bool {
        let node = self.node();
        node.json_type == JsonType::String && !node.is_special
    }

    /// The characters of a string in which no escape sequence has to be undone; `None`
    /// for other strings, whose characters [`Value::as_text`] gives, and other types.
    #[inline]
    pub(crate) fn plain_bytes(self) -> Option<&'t [u8]> {
        let node = self.node();
        let is_plain = node.json_type == JsonType::String && !node.is_special;
        is_plain.then(|| &self.tree.text.as_bytes()[node.start as usize..node.end as usize])
    }

    /// The member whose name has that index in the tree.
    pub(super) fn member_at(self, index: u32) -> Member<'t> {
        Member::new(self.tree, index)
    }

    /// The text that the value is in.
    pub(super) fn whole_text(self) -> &'t [u8] {
        self.tree.text.as_bytes()
    }

    /// The offset of the value's first byte in the text.
    pub(super) fn offset(self) -> usize {
        self.node().start as usize
    }

    /// Where it stands in the text; for a string, what is between its quotes.
    pub fn span(self) -> Range<usize> {
        let node = self.node();
        node.start as usize..node.end as usize
    }

    /// Whether it is true; `None` for other types than true and false.
    pub fn as_boolean(self) -> Option<bool> {
        match self.json_type() {
            JsonType::True => Some(true),
            JsonType::False => Some(false),
            _ => None,
        }
    }

    /// A number as written; `None` for other types.
    pub fn as_number(self) -> Option<&'t str> {
        (self.json_type() == JsonType::Number).then(|| self.raw())
    }

    /// An object's members in document order; none for other types.
    #[inline]
    pub fn members(self) -> Members<'t> {
        let node = self.node();
        let end = if node.json_type == JsonType::Object { node.next } else { self.index };
        Members { tree: self.tree, index: self.index + 1, end }
    }

    /// An array's items in document order; none for other types.
    #[inline]
    pub fn items(self) -> Items<'t> {
        let node = self.node();
        let end = if node.json_type == JsonType::Array { node.next } else { self.index };
        Items { tree: self.tree, index: self.index + 1, end }
    }

    /// The value of an object's first member of that name; `None` if there is
    /// none, or if it is null.
    #[inline]
    pub fn get(self, name: impl MemberName) -> Option<Value<'t>> {
        self.members().find(|member| name.is_of(member)).map(Member::value).filter(|value| !value.is_null())
    }

    /// The value of the whole text that contains this one.
    pub fn root(self) -> Value<'t> {
        self.tree.root()
    }

    /// The object or array that contains the value; `None` for the root.
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

    /// Where the value stands in the text, as FHIRPath writes it:
    /// `name[0].family`. Empty for the root.
    ///
    /// Takes time proportional to the siblings of its ancestors; to have the
    /// paths of all members, use [`Tree::walk`].
    pub fn path(self) -> String {
        let mut path = String::new();
        let mut at = self.tree.root();
        while at.index != self.index {
            let members = at.members().map(|member| (PathSegment::Name(member.text()), member.value()));
            let items = (0..).zip(at.items()).map(|(ordinal, value)| (PathSegment::Item(ordinal), value));
            let mut below = members.chain(items);
            let Some((segment, value)) = below.find(|(_, value)| value.extent().contains(&self.index)) else {
                break;
            };
            segment.append_to(&mut path);
            at = value;
        }
        path
    }
}

static NULL: Tree<'static> = Tree {
    text: "null",
    has_excessive_number: false,
    has_escaped_name: false,
    nodes: &[Node {
        start: 0,
        end: 4,
        next: 1,
        json_type: JsonType::Null,
        is_special: false,
        name: NameId::NONE,
    }],
};

/// A null that is part of no text.
pub fn nothing() -> Value<'static> {
    Value::new(&NULL, 0)
}

impl Tree<'_> {
    /// The value of the whole text.
    pub fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    /// The value whose [`Value::index`] is `index`; the last one if there is
    /// none.
    pub fn value_at(&self, index: u32) -> Value<'_> {
        Value::new(self, index.min(self.nodes.len() as u32 - 1))
    }

    /// Whether a member's name has escape sequences.
    pub(crate) fn has_escaped_name(&self) -> bool {
        self.has_escaped_name
    }

    /// The first number that is out of the range of Postgres' `numeric`, and so
    /// of `jsonb`.
    pub fn excessive_number(&self) -> Option<Value<'_>> {
        let is_it = |node: &Node| node.json_type == JsonType::Number && node.is_special;
        let index = self.has_excessive_number.then(|| self.nodes.iter().position(is_it)).flatten()?;
        Some(Value::new(self, index as u32))
    }
}

/// A member of an object: a name and a value.
#[derive(Clone, Copy, Debug)]
pub struct Member<'t> {
    tree: &'t Tree<'t>,
    /// Index of the name's node; the value's is the next one.
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

    /// The index of its name in the tree.
    pub(super) fn index(self) -> u32 {
        self.index
    }

    /// Its name as written, including the quotes.
    pub(crate) fn raw_name(self) -> &'t str {
        let node = self.node();
        &self.tree.text[node.start as usize - 1..node.end as usize + 1]
    }

    /// Whether the name may have escape sequences.
    pub(crate) fn is_escaped(self) -> bool {
        self.node().is_special
    }

    /// The name with escape sequences undone.
    pub(crate) fn unescaped(self) -> Cow<'t, str> {
        if self.is_escaped() { Cow::Owned(unescape(self.text())) } else { Cow::Borrowed(self.text()) }
    }

    /// Name and value as written, with quotes, if both are in canonical form: no escape
    /// sequences, and the value no container.
    #[inline]
    pub(super) fn canonical(self) -> Option<(Range<usize>, Range<usize>)> {
        let (name, value) = (self.node(), self.value().node());
        let quote = match value.json_type {
            JsonType::Object | JsonType::Array => return None,
            JsonType::String if value.is_special => return None,
            JsonType::String => 1,
            _ => 0,
        };
        let name_span = name.start as usize - 1..name.end as usize + 1;
        let value_span = value.start as usize - quote..value.end as usize + quote;
        (!name.is_special).then_some((name_span, value_span))
    }

    /// The number of its name; `UNKNOWN` if the parser's dictionary has none.
    #[inline]
    pub fn name(self) -> NameId {
        self.node().name
    }

    /// Its name as written, without the quotes; escape sequences are not undone.
    #[inline]
    pub fn text(self) -> &'t str {
        let node = self.node();
        &self.tree.text[node.start as usize..node.end as usize]
    }

    /// Its value, which may be null.
    #[inline]
    pub fn value(self) -> Value<'t> {
        Value::new(self.tree, self.index + 1)
    }
}

/// What [`Value::get`] accepts: the number of a name or, a little slower, its
/// text.
pub trait MemberName {
    /// Whether the member has this name.
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

/// The members of an object, in document order.
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

/// The items of an array, in document order.
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
