//! A *selection* says which members of a resource are needed, so that parsing can skip
//! the others.

use super::name::NameId;

/// A tree of names. A member that is not in it is not parsed.
#[derive(Clone, Debug)]
pub struct Selection {
    parts: Vec<Part>,
    /// Only resources of that type are wanted.
    resource_type: &'static str,
}

/// What is selected of an object, or of each object of a list.
#[derive(Clone, Debug, Default)]
struct Part {
    members: Vec<(NameId, usize)>,
    is_whole: bool,
}

impl Selection {
    /// The resource itself.
    pub const ROOT: usize = 0;

    /// The type and the id of resources of that type.
    pub fn of_type(resource_type: &'static str) -> Self {
        let mut selection = Selection { parts: vec![Part::default()], resource_type };
        selection.add(Self::ROOT, NameId::RESOURCE_TYPE);
        selection.add(Self::ROOT, NameId::ID);
        selection
    }

    /// Selects a member; gives its number. Of an object, no member is selected yet.
    pub fn add(&mut self, part: usize, name: NameId) -> usize {
        if let Some(known) = self.member(part, name) {
            return known;
        }
        let added = self.parts.len();
        self.parts.push(Part::default());
        self.parts[part].members.push((name, added));
        added
    }

    /// Selects all members, at any depth.
    pub fn add_all(&mut self, part: usize) {
        self.parts[part].is_whole = true;
    }

    #[inline]
    pub(super) fn member(&self, part: usize, name: NameId) -> Option<usize> {
        self.parts[part].members.iter().find(|(known, _)| *known == name).map(|(_, part)| *part)
    }

    pub(super) fn is_whole(&self, part: usize) -> bool {
        self.parts[part].is_whole
    }

    /// Whether a resource of the type with that name is not wanted. A name with escape
    /// sequences or blanks is left to the reader of the tree.
    pub(super) fn is_for_another_type(&self, name: &[u8]) -> bool {
        name.iter().all(u8::is_ascii_alphabetic) && name != self.resource_type.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Parser;
    use super::*;
    use pretty_assertions::assert_eq;

    fn selection() -> Selection {
        let mut selection = Selection::of_type("Patient");
        let code = selection.add(Selection::ROOT, NameId::CODE);
        selection.add(code, NameId::TEXT);
        let period = selection.add(Selection::ROOT, NameId::PERIOD);
        selection.add_all(period);
        selection
    }

    #[test]
    fn only_what_is_selected_is_parsed() {
        let text = r#" {"id" : "1", "text": {"div": "}\"]"}, "resourceType": "Patient", "x": [1, [{}], "]"], "y": -1.5e3,
            "code": [{"text": "a", "coding": [{}]}, {"coding": []}, null], "period": {"start": [{"a": 1}]}, "z": null} "#;
        let mut parser = Parser::default();
        let tree = parser.parse_selected(text.as_bytes(), &selection()).expect("JSON").expect("a Patient");
        let mut walk = tree.walk();
        let mut names = Vec::new();
        while let Some(member) = walk.next_member() {
            names.push(member.text().to_owned());
        }
        assert_eq!(names, ["id", "resourceType", "code", "text", "period", "start", "a"]);
        let code = tree.root().get("code").expect("code");
        assert_eq!(code.items().count(), 3);
        assert_eq!(tree.root().get("period").map(|period| period.raw()), Some(r#"{"start": [{"a": 1}]}"#));
    }

    #[test]
    fn other_types_are_left_alone_and_broken_text_is_an_error() {
        let mut parser = Parser::default();
        let mut parsed =
            |text: &str| parser.parse_selected(text.as_bytes(), &selection()).map(|tree| tree.is_some());
        assert_eq!(parsed(r#"{"resourceType": "Observation", "id": "#), Ok(false));
        assert_eq!(parsed("{}"), Ok(true));
        for broken in
            ["", "{", r#"{"id": "1""#, r#"{"x": }"#, r#"{"x": [1}"#, r#"{"code": {"text"}}"#, r#"{"id" "1"}"#]
        {
            assert!(parsed(broken).is_err(), "{broken}");
        }
        let deep = format!(r#"{{"code": {}"#, "[".repeat(100_000));
        assert!(parsed(&deep).is_err());
    }
}
