//! Compiles a definition: resolves every path against R4's elements, checks types,
//! and gives every column its place and type.

mod call;
mod column_type;
mod constants;
mod expression;
mod operator;
mod path;
mod select;

use super::Diagnostic;
use super::definition::{self, Definition, Text};
use super::diagnostic::{MAX_MISTAKES, did_you_mean};
use super::fhirpath::{self, Mistake};
use super::program::{Expression, Located, View, ViewColumn};
use super::types::{Family, Type};
use crate::fhir::ResourceType;
use crate::json::{Dictionary, DictionaryFull};
use constants::Constants;

impl View {
    /// Compiles the definition in `text`, the content of its file, for resources that
    /// are parsed with the names in `dictionary`, which gets those of the definition.
    ///
    /// # Errors
    ///
    /// All mistakes, in the order of the file.
    pub fn compile(text: &str, dictionary: &mut Dictionary) -> Result<View, Vec<Diagnostic>> {
        let definition = definition::read(text)?;
        let mut compiler = Compiler::new(&definition, dictionary)?;
        let view = compiler.view(&definition);
        let (warnings, errors): (Vec<Diagnostic>, Vec<Diagnostic>) =
            compiler.found.into_iter().partition(Diagnostic::is_warning);
        match view {
            Some(view) if errors.is_empty() => Ok(View { warnings, ..view }),
            _ => {
                let mut found = [errors, warnings].concat();
                found.sort_by_key(|diagnostic| diagnostic.span.start);
                Err(found)
            }
        }
    }
}

/// An expression with its type.
struct Typed {
    expression: Expression,
    of: Type,
    /// The members that the last step follows, if it follows any: an `ofType` after it
    /// picks some of them, and ids and extensions of primitives stand beside them.
    last: Vec<Variant>,
}

/// A member of an object and the type of its value.
#[derive(Clone)]
struct Variant {
    member: String,
    of: &'static str,
}

impl Typed {
    fn new(expression: Expression, of: Type) -> Self {
        Typed { expression, of, last: Vec::new() }
    }
}

struct Compiler<'c> {
    dictionary: &'c mut Dictionary,
    constants: Constants,
    resource: &'static str,
    resource_type: ResourceType,
    /// The columns so far.
    columns: Vec<ViewColumn>,
    found: Vec<Diagnostic>,
}

impl<'c> Compiler<'c> {
    fn new(definition: &Definition, dictionary: &'c mut Dictionary) -> Result<Self, Vec<Diagnostic>> {
        let written = &definition.resource;
        let Some(resource_type) = ResourceType::named(&written.value) else {
            let message = format!("R4 has no resource type `{}`", written.value);
            let help = did_you_mean(&written.value, ResourceType::all().map(ResourceType::name));
            return Err(vec![written.error(message).with_help(help)]);
        };
        let mut found = Vec::new();
        let constants = Constants::of(&definition.constants, &mut found);
        let (resource, columns) = (resource_type.name(), Vec::new());
        Ok(Compiler { dictionary, constants, resource, resource_type, columns, found })
    }

    fn view(&mut self, definition: &Definition) -> Option<View> {
        let this = Type::one(self.resource);
        if let Some(name) = &definition.name {
            self.check_view_name(name);
        }
        let conditions = definition.conditions.iter().filter_map(|text| match self.is_full() {
            true => None,
            false => self.condition(text, &this),
        });
        let conditions = conditions.collect();
        let parts = self.parts(&definition.select, &this);
        if self.columns.is_empty() && self.found.is_empty() {
            let start = definition.select.first().map_or(0, |select| select.span.start);
            let mistake = Diagnostic::error("the view has no columns", "select".to_owned(), start..start + 1);
            let help = "add `\"column\": [{\"name\": \"id\", \"path\": \"getResourceKey()\"}]`";
            self.found.push(mistake.with_help(Some(help.to_owned())));
        }
        // One that seems to be unused may be misspelt where it is used.
        if self.found.iter().all(Diagnostic::is_warning) {
            self.constants.warn_of_unused(&mut self.found);
        }
        Some(View {
            name: definition.name.as_ref().map(|name| name.value.clone()),
            description: definition.description.clone().or_else(|| definition.title.clone()),
            resource_type: self.resource_type,
            columns: std::mem::take(&mut self.columns),
            warnings: Vec::new(),
            parts,
            conditions,
        })
    }

    /// Whether there are so many mistakes that no more are looked for.
    fn is_full(&self) -> bool {
        self.found.len() >= MAX_MISTAKES
    }

    /// A condition of the view.
    fn condition(&mut self, text: &Text, this: &Type) -> Option<Located> {
        let typed = self.text(text, this)?;
        if !matches!(typed.of.family(), Family::Boolean | Family::Unknown) {
            let message = format!("a condition must be true or false, but this is {}", typed.of.text());
            let help = "compare it with something, or append `.exists()`".to_owned();
            self.found.push(text.error(message).with_help(Some(help)));
        }
        Some(located(typed, text))
    }

    /// Compiles the expression in a text; mistakes are noted.
    fn text(&mut self, text: &Text, this: &Type) -> Option<Typed> {
        let compiled = fhirpath::parse(&text.value).and_then(|syntax| self.expression(&syntax, this));
        match compiled {
            Ok(typed) => Some(typed),
            Err(mistake) => {
                self.found.push(text.diagnostic(mistake));
                None
            }
        }
    }

    /// The table of a later version has the view's name and its number at the end.
    fn check_view_name(&mut self, name: &Text) {
        self.check_name(name, "the view");
        let number = name.value.rsplit_once("__").map(|(_, number)| number);
        if number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let help = "tables of later versions are named so: write one underscore".to_owned();
            let message = "the name of the view must not end in two underscores and a number";
            self.found.push(name.error(message).with_help(Some(help)));
        }
    }

    /// Names of columns must be those that a table may have.
    fn check_column_name(&mut self, name: &Text) {
        self.check_name(name, "a column");
        if SYSTEM_COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(&name.value)) {
            let message = format!("every table of Postgres has a column `{}` of its own", name.value);
            self.found.push(name.error(message));
        }
    }

    /// Names must be usable in SQL.
    fn check_name(&mut self, name: &Text, what: &str) {
        let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let is_name = name.value.starts_with(|first: char| first.is_ascii_alphabetic())
            && name.value.chars().all(is_part);
        if !is_name {
            let help = "use letters, digits and underscores, and begin with a letter".to_owned();
            let message = format!("this cannot be the name of {what}");
            self.found.push(name.error(message).with_help(Some(help)));
        } else if name.value.len() > MAX_NAME {
            self.found.push(name.error(format!("the name of {what} is longer than {MAX_NAME} characters")));
        }
    }
}

/// Columns that every table of Postgres has.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];
/// The most columns of a view: Postgres has 1,600 in a table.
const MAX_COLUMNS: usize = 1500;
/// Postgres has room for 63, of which a table needs some for its indexes.
const MAX_NAME: usize = 50;

fn located(typed: Typed, text: &Text) -> Located {
    Located { expression: typed.expression, path: text.path.clone() }
}

/// Only reached by definitions with tens of thousands of names.
fn too_many_names(_: DictionaryFull) -> Mistake {
    Mistake::new("too many names of elements", 0..0)
}

#[cfg(test)]
mod tests;
