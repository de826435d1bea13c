//! Which members of a resource a view needs.

use super::program::{Expression, Iteration, Part, Path, Select, Start, Step, View};
use crate::json::{NameId, Selection};

impl View {
    /// What has to be parsed of a resource to run the view over it.
    pub fn selection(&self) -> Selection {
        let mut needs = Needs { selection: Selection::of_type(self.resource_type.name()) };
        let root = vec![Selection::ROOT];
        for condition in &self.conditions {
            needs.value(&condition.expression, &root);
        }
        needs.parts(&self.parts, &root);
        needs.selection
    }
}

struct Needs {
    selection: Selection,
}

impl Needs {
    fn parts(&mut self, parts: &[Part], focus: &[usize]) {
        for part in parts {
            match part {
                Part::Columns(columns) => {
                    columns.iter().for_each(|column| self.value(&column.source.expression, focus));
                }
                Part::Select(select) => self.select(select, focus),
                Part::Union(branches) => branches.iter().for_each(|branch| self.select(branch, focus)),
            }
        }
    }

    fn select(&mut self, select: &Select, focus: &[usize]) {
        match &select.iteration {
            None => self.parts(&select.parts, focus),
            Some(Iteration::ForEach { source, .. }) => {
                let found = self.places(&source.expression, focus);
                self.parts(&select.parts, &found);
            }
            Some(Iteration::Repeat(sources)) => {
                let mut found = Vec::new();
                for source in sources {
                    // It may go on to any depth.
                    self.value(&source.expression, focus);
                    found.extend(self.places(&source.expression, focus));
                }
                self.parts(&select.parts, &found);
            }
        }
    }

    /// All of the expression's items are needed.
    fn value(&mut self, expression: &Expression, focus: &[usize]) {
        for place in self.places(expression, focus) {
            self.selection.add_all(place);
        }
    }

    /// Where the items of an expression stand, if they are parts of the resource.
    fn places(&mut self, expression: &Expression, focus: &[usize]) -> Vec<usize> {
        match expression {
            Expression::Path(path) => return self.path(path, focus),
            Expression::Union(sides) => {
                let mut places = self.places(&sides[0], focus);
                places.extend(self.places(&sides[1], focus));
                // Items are compared with each other.
                places.iter().for_each(|place| self.selection.add_all(*place));
                return places;
            }
            Expression::If(parts) => {
                self.value(&parts[0], focus);
                let mut places = self.places(&parts[1], focus);
                places.extend(self.places(&parts[2], focus));
                return places;
            }
            // That something is there is seen without its members.
            Expression::Exists { of, .. } | Expression::Count(of) => {
                self.places(of, focus);
            }
            Expression::ReferenceKey(of, _) => {
                self.value(of, focus);
                let contained = self.selection.add(Selection::ROOT, NameId::CONTAINED);
                self.selection.add_all(contained);
            }
            Expression::Not(of)
            | Expression::Join(of, _)
            | Expression::Boundary(of, _)
            | Expression::Negative(of) => self.value(of, focus),
            Expression::Logic(_, sides)
            | Expression::Equal { sides, .. }
            | Expression::Compare { sides, .. }
            | Expression::Arithmetic(_, sides)
            | Expression::Concatenate { sides, .. } => {
                sides.iter().for_each(|side| self.value(side, focus));
            }
            Expression::Empty
            | Expression::Boolean(_)
            | Expression::Number(_)
            | Expression::Text(_)
            | Expression::RowIndex
            | Expression::ResourceKey => {}
        }
        Vec::new()
    }

    fn path(&mut self, path: &Path, focus: &[usize]) -> Vec<usize> {
        let mut places = match &path.start {
            Start::This => focus.to_vec(),
            Start::Resource => vec![Selection::ROOT],
            Start::Expression(expression) => self.places(expression, focus),
        };
        for step in &path.steps {
            match step {
                Step::Member(name) => places = self.members(&places, &[*name]),
                Step::AnyMember(names) => places = self.members(&places, names),
                Step::Index(position, _) => self.value(position, focus),
                Step::Where(condition) => self.value(condition, &places),
                Step::Extension(_) => {
                    places = self.members(&places, &[NameId::EXTENSION]);
                    self.members(&places, &[NameId::URL]);
                }
                Step::OfResource(_) => {
                    self.members(&places, &[NameId::RESOURCE_TYPE]);
                }
                Step::First | Step::Last => {}
            }
        }
        places
    }

    fn members(&mut self, places: &[usize], names: &[NameId]) -> Vec<usize> {
        let pairs = places.iter().flat_map(|place| names.iter().map(move |name| (*place, *name)));
        pairs.map(|(place, name)| self.selection.add(place, name)).collect()
    }
}
