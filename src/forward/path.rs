//! *Paths* of elements, and what R4 says of those that may be references: whether the element
//! above must have them, and which types they may refer to. `references.txt` follows from the
//! definitions of R4's resources.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What R4 says of an element that may be a reference.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// The element above it must have it.
    pub is_required: bool,
    /// The types that it may refer to; none if any.
    pub types: Vec<&'static str>,
}

/// The rules by path. A line has a path, `required` or `optional`, and the types; of elements that
/// contain elements of their own kind, the path has the name once.
static RULES: LazyLock<HashMap<&'static str, Rule>> = LazyLock::new(|| {
    let rule = |line: &'static str| {
        let mut words = line.split(' ');
        let path = words.next().unwrap_or_default();
        let is_required = words.next() == Some("required");
        (path, Rule { is_required, types: words.collect() })
    };
    include_str!("references.txt").lines().map(rule).collect()
});

/// The path of an element from its resource on.
#[derive(Clone, Debug)]
pub struct Path<'p> {
    resource_type: String,
    /// The names of elements, from the resource on.
    pub names: Vec<&'p str>,
}

impl<'p> Path<'p> {
    /// That of the resource itself.
    pub fn of(resource_type: &str) -> Self {
        Path { resource_type: resource_type.to_owned(), names: Vec::new() }
    }

    /// Whether the element here must have a reference as that member.
    pub fn requires(&self, member: &str) -> bool {
        match (self.names.last().copied(), member) {
            (Some("extension" | "modifierExtension" | "useContext"), "valueReference") => true,
            // The datatype Signature.
            (Some(parent), "who") if parent.ends_with("ignature") => true,
            _ => self.rule(Some(member)).is_some_and(|rule| rule.is_required),
        }
    }

    /// The rule of the element here, or of a member of it.
    pub fn rule(&self, member: Option<&str>) -> Option<&'static Rule> {
        let mut path = self.resource_type.clone();
        let mut before = "";
        for name in self.names.iter().copied().chain(member) {
            // Elements that contain elements of their own kind.
            let is_nested = name == before || (path == "Contract.term" && name == "group");
            if !is_nested {
                path.push('.');
                path.push_str(name);
                before = name;
            }
        }
        RULES.get(path.as_str()).or_else(|| {
            // One of several types that the element may have.
            let choice = path.strip_suffix("Reference")?;
            RULES.get(format!("{choice}[x]").as_str())
        })
    }
}
