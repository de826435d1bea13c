//! Compiles selects: what they iterate over, their columns, and the branches of
//! unions.

use super::super::definition::{Column, Iteration as Written, Select as WrittenSelect, Text};
use super::super::fhirpath;
use super::super::program::{ColumnCell, Iteration, Part, Select, ViewColumn};
use super::super::schema;
use super::super::types::{Family, Type};
use super::super::{Diagnostic, Severity};
use super::column_type::column_type;
use super::{Compiler, MAX_COLUMNS, Typed, located};

impl Compiler<'_> {
    /// The parts that selects beside each other are.
    pub(super) fn parts(&mut self, selects: &[WrittenSelect], this: &Type) -> Vec<Part> {
        selects.iter().filter_map(|select| self.select(select, this)).map(Part::Select).collect()
    }

    fn select(&mut self, select: &WrittenSelect, this: &Type) -> Option<Select> {
        if self.is_full() {
            return None;
        }
        let (iteration, this) = match &select.iteration {
            None => (None, this.clone()),
            Some(written) => {
                let (iteration, of) = self.iteration(written, this)?;
                (Some(iteration), of.with_many(false))
            }
        };
        let mut parts = Vec::new();
        if !select.columns.is_empty() {
            let cells = select.columns.iter().filter_map(|column| self.column(column, &this)).collect();
            parts.push(Part::Columns(cells));
        }
        parts.extend(self.parts(&select.selects, &this));
        if !select.union.is_empty() {
            parts.push(Part::Union(self.union(&select.union, &this)));
        }
        Some(Select { iteration, parts })
    }

    fn iteration(&mut self, written: &Written, this: &Type) -> Option<(Iteration, Type)> {
        match written {
            Written::ForEach(text) | Written::ForEachOrNull(text) => {
                let typed = self.text(text, this)?;
                let or_null = matches!(written, Written::ForEachOrNull(_));
                let of = typed.of.clone();
                Some((Iteration::ForEach { source: located(typed, text), or_null }, of))
            }
            Written::Repeat(texts) => {
                let all = self.repeated_type(texts, this);
                let mut sources = Vec::new();
                let mut of = Type::unknown();
                for text in texts {
                    let Some(typed) = self.repeated(text, &all)? else { continue };
                    for name in &typed.of.names {
                        if !of.names.contains(name) {
                            of.names.push(name);
                        }
                    }
                    sources.push(located(typed, text));
                }
                Some((Iteration::Repeat(sources), of))
            }
        }
    }

    /// A path of a `repeat`. An element that only other types have is allowed: the same
    /// paths serve several types.
    fn repeated(&mut self, text: &Text, all: &Type) -> Option<Option<Typed>> {
        let compiled = fhirpath::parse(&text.value).and_then(|syntax| self.expression(&syntax, all));
        match compiled {
            Ok(typed) => Some(Some(typed)),
            Err(mistake) if mistake.missing.as_deref().is_some_and(schema::is_element) => {
                let warning = text.diagnostic(mistake);
                self.found.push(Diagnostic { severity: Severity::Warning, ..warning });
                Some(None)
            }
            Err(mistake) => {
                self.found.push(text.diagnostic(mistake));
                None
            }
        }
    }

    /// The types of everything that is searched: the start and all that is found.
    fn repeated_type(&mut self, texts: &[Text], this: &Type) -> Type {
        let mut all = this.clone();
        loop {
            let known = all.names.len();
            for text in texts {
                // Mistakes are told later.
                let found = fhirpath::parse(&text.value).and_then(|syntax| self.expression(&syntax, &all));
                let names = found.map(|typed| typed.of.names).unwrap_or_default();
                for name in names {
                    if !all.names.contains(&name) {
                        all.names.push(name);
                    }
                }
            }
            if all.names.len() == known {
                return all;
            }
        }
    }

    fn column(&mut self, column: &Column, this: &Type) -> Option<ColumnCell> {
        if self.is_full() || self.columns.len() > MAX_COLUMNS {
            return None;
        }
        self.check_column_name(&column.name);
        let name = &column.name.value;
        if self.columns.len() == MAX_COLUMNS {
            self.found.push(column.name.error(format!("a view has at most {MAX_COLUMNS} columns")));
        }
        if self.columns.iter().any(|known| known.name.eq_ignore_ascii_case(name)) {
            self.found.push(column.name.error(format!("there is another column `{name}`")));
        }
        let typed = self.text(&column.expression, this);
        let unknown = Type::unknown();
        let of = typed.as_ref().map_or(&unknown, |typed| &typed.of);
        if of.is_many && !column.is_collection {
            let text = &column.expression;
            let message = "this may be several values, which a resource must not have";
            let help = "append `.first()`, use a `forEach`, or add `\"collection\": true`".to_owned();
            let warning = Diagnostic::warning(message, text.path.clone(), text.span.clone());
            self.found.push(warning.with_help(Some(help)));
        }
        let place = self.columns.len();
        let column_type = match column_type(column, of) {
            Ok(column_type) => column_type,
            Err(diagnostic) => {
                self.found.push(*diagnostic);
                super::super::ColumnType::Text
            }
        };
        let refers_to = match typed.as_ref().map(|typed| &typed.expression) {
            Some(super::Expression::ReferenceKey(_, expected)) if of.family() == Family::Key => *expected,
            _ => None,
        };
        self.columns.push(ViewColumn {
            name: name.clone(),
            column_type,
            is_collection: column.is_collection,
            description: column.description.clone(),
            tags: column.tags.clone(),
            refers_to,
            path: column.path.clone(),
        });
        let source = located(typed?, &column.expression);
        Some(ColumnCell { place, is_collection: column.is_collection, source })
    }

    /// The branches of a union, which have the same columns.
    fn union(&mut self, written: &[WrittenSelect], this: &Type) -> Vec<Select> {
        let mut branches = Vec::new();
        let start = self.columns.len();
        let mut first: Option<Vec<ViewColumn>> = None;
        for branch in written {
            // All branches fill the same places.
            let compiled = self.select(branch, this);
            let own = self.columns.split_off(start);
            match &mut first {
                None => first = Some(own),
                Some(first) if compiled.is_some() => self.check_branch(branch, first, &own),
                Some(_) => {}
            }
            branches.extend(compiled);
        }
        self.columns.extend(first.unwrap_or_default());
        branches
    }

    /// An error if the branch has other columns than the first one.
    fn check_branch(&mut self, branch: &WrittenSelect, first: &mut [ViewColumn], own: &[ViewColumn]) {
        let names = |columns: &[ViewColumn]| -> Vec<String> {
            columns.iter().map(|column| column.name.clone()).collect()
        };
        let start = branch.span.start;
        let mut fail = |message: String| {
            self.found.push(Diagnostic::error(message, branch.path.clone(), start..start + 1));
        };
        let (expected, found) = (names(first), names(own));
        if expected != found {
            fail(format!(
                "all branches of `unionAll` must have the same columns in the same order: this one has {}, the \
                 first one {}",
                found.join(", "),
                expected.join(", ")
            ));
            return;
        }
        for (first, own) in first.iter_mut().zip(own) {
            if first.column_type != own.column_type || first.is_collection != own.is_collection {
                fail(format!("column `{}` has another type than in the first branch", own.name));
            }
            if first.refers_to != own.refers_to {
                first.refers_to = None;
            }
        }
    }
}
