//! A *walk* visits every member of a tree once and knows the containers around
//! each. Asking every value of a large tree for its path instead would take
//! quadratic time.

use super::name::NameId;
use super::path::PathSegment;
use super::tree::{JsonType, Tree};
use super::value::{Member, Value};

/// An object or array around a member.
#[derive(Clone, Copy, Debug)]
pub struct Enclosing<'t> {
    value: Value<'t>,
    /// How it is reached from the container around it.
    segment: PathSegment<'t>,
    /// How many of its items have been visited.
    items: u32,
}

/// A visit to every member of every object in a value, in document order.
pub struct Walk<'t> {
    tree: &'t Tree<'t>,
    next: u32,
    /// The index after the value's last node.
    end: u32,
    /// The containers around the last member, outermost first, and perhaps the
    /// member's own value after them.
    open: Vec<Enclosing<'t>>,
    /// How many of these are around the last member.
    depth: usize,
}

impl Tree<'_> {
    /// Visits every member with the containers around it.
    pub fn walk(&self) -> Walk<'_> {
        self.root().walk()
    }
}

impl<'t> Value<'t> {
    /// Visits every member within the value with the containers around it, of
    /// which the value itself is the outermost.
    pub fn walk(self) -> Walk<'t> {
        let range = self.extent();
        Walk { tree: self.tree(), next: range.start, end: range.end, open: Vec::new(), depth: 0 }
    }

    /// Every member of every object within the value, in document order.
    pub fn all_members(self) -> impl Iterator<Item = Member<'t>> {
        let (tree, range) = (self.tree(), self.extent());
        let nodes = &tree.nodes[range.start as usize..range.end as usize];
        let names = range.zip(nodes).filter(|(_, node)| node.name != NameId::NONE);
        names.map(move |(index, _)| Member::new(tree, index))
    }
}

impl<'t> Walk<'t> {
    /// The next member in document order.
    pub fn next_member(&mut self) -> Option<Member<'t>> {
        while self.next < self.end {
            let node = &self.tree.nodes[self.next as usize];
            while self.open.pop_if(|open| open.value.extent().end <= self.next).is_some() {}
            let member = (node.name != NameId::NONE).then(|| Member::new(self.tree, self.next));
            let (segment, at) = if let Some(member) = member {
                (PathSegment::Name(member.text()), self.next + 1)
            } else {
                let segment = self.open.last_mut().map_or(PathSegment::Root, |open| {
                    open.items += 1;
                    PathSegment::Item(open.items - 1)
                });
                (segment, self.next)
            };
            let value = Value::new(self.tree, at);
            self.next = at + 1;
            self.depth = self.open.len();
            if matches!(value.json_type(), JsonType::Array | JsonType::Object) {
                self.open.push(Enclosing { value, segment, items: 0 });
            }
            if member.is_some() {
                return member;
            }
        }
        None
    }

    /// The containers around the last member, outermost (the value that is walked)
    /// first.
    pub fn enclosing(&self) -> &[Enclosing<'t>] {
        &self.open[..self.depth]
    }
}

impl<'t> Enclosing<'t> {
    /// The object or array.
    pub fn value(&self) -> Value<'t> {
        self.value
    }
}

/// The path of the last of these containers, of which the first is the whole
/// text: `name[0].period`. Empty if there is only the first.
pub fn path_of(enclosing: &[Enclosing<'_>]) -> String {
    let mut path = String::new();
    for Enclosing { segment, .. } in enclosing.iter().skip(1) {
        segment.append_to(&mut path);
    }
    path
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn a_walk_knows_where_every_member_lies() {
        let text = br#"{"a":[1,{"b":{"c":2}},[{"d":3}],{}],"e":{"f":[]},"g":4}"#;
        let mut parser = Parser::default();
        let tree = parser.parse(text).expect("JSON");
        let mut walk = tree.walk();
        let mut found = Vec::new();
        while let Some(member) = walk.next_member() {
            let enclosing = walk.enclosing();
            let inner = enclosing.last().expect("an object").value();
            assert_eq!(inner.path(), path_of(enclosing));
            found.push((member.text(), member.value().raw(), path_of(enclosing)));
        }
        let text = |path: &str| path.to_owned();
        assert_eq!(
            found,
            [
                ("a", r#"[1,{"b":{"c":2}},[{"d":3}],{}]"#, text("")),
                ("b", r#"{"c":2}"#, text("a[1]")),
                ("c", "2", text("a[1].b")),
                ("d", "3", text("a[2][0]")),
                ("e", r#"{"f":[]}"#, text("")),
                ("f", "[]", text("e")),
                ("g", "4", text("")),
            ]
        );
    }
}
