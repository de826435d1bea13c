//! A *walk* goes once over all members of a tree and knows at each what it
//! lies in. To ask every value of a large tree for its path would take time
//! by the square of its size.

use std::fmt::Write as _;

use super::{JsonType, Member, NameId, Tree, Value};

/// An object or array that a member lies in, and what it is called there.
#[derive(Clone, Copy, Debug)]
pub struct Enclosing<'t> {
    value: Value<'t>,
    step: Step<'t>,
    /// How many of its items have come.
    items: u32,
}

#[derive(Clone, Copy, Debug)]
enum Step<'t> {
    /// The whole text.
    Root,
    NameId(&'t str),
    /// From 0.
    Item(u32),
}

/// See the module.
pub struct Walk<'t> {
    tree: &'t Tree<'t>,
    next: u32,
    /// What the last member lies in, from the whole text inwards, and perhaps
    /// itself.
    open: Vec<Enclosing<'t>>,
    /// How many of these it lies in.
    depth: usize,
}

impl<'t> Walk<'t> {
    pub(super) fn new(tree: &'t Tree<'t>) -> Self {
        Walk { tree, next: 0, open: Vec::new(), depth: 0 }
    }

    /// The next member in document order.
    pub fn next_member(&mut self) -> Option<Member<'t>> {
        while let Some(node) = self.tree.nodes.get(self.next as usize) {
            while self.open.pop_if(|open| open.value.extent().end <= self.next).is_some() {}
            let member = (node.name != NameId::NONE).then(|| Member::new(self.tree, self.next));
            let (step, at) = if let Some(member) = member {
                (Step::NameId(member.text()), self.next + 1)
            } else {
                let step = self.open.last_mut().map_or(Step::Root, |open| {
                    open.items += 1;
                    Step::Item(open.items - 1)
                });
                (step, self.next)
            };
            let value = Value::new(self.tree, at);
            self.next = at + 1;
            self.depth = self.open.len();
            if matches!(value.json_type(), JsonType::Array | JsonType::Object) {
                self.open.push(Enclosing { value, step, items: 0 });
            }
            if member.is_some() {
                return member;
            }
        }
        None
    }

    /// What the last member lies in, from the whole text inwards.
    pub fn enclosing(&self) -> &[Enclosing<'t>] {
        &self.open[..self.depth]
    }
}

impl<'t> Enclosing<'t> {
    pub fn value(&self) -> Value<'t> {
        self.value
    }
}

/// The path of the last of them from the outermost, which is not named:
/// `name[0].period`.
pub fn path_of(enclosing: &[Enclosing<'_>]) -> String {
    let mut path = String::new();
    for Enclosing { step, .. } in enclosing.iter().skip(1) {
        match step {
            Step::Root => {}
            Step::NameId(name) if path.is_empty() => path.push_str(name),
            Step::NameId(name) => {
                path.push('.');
                path.push_str(name);
            }
            Step::Item(number) => {
                let _ = write!(path, "[{number}]");
            }
        }
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
