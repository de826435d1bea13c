//! Compiles calls of functions.

use std::ops::Range;

use super::super::diagnostic::did_you_mean;
use super::super::fhirpath::{Mistake, Name, Syntax, SyntaxKind};
use super::super::program::{Boundary, BoundaryOf, Expression, Step};
use super::super::schema;
use super::super::types::{Family, KEY, Type};
use super::expression::stepped;
use super::path::type_argument;
use super::{Compiler, Typed};
use crate::fhir::ResourceType;

/// The functions that views may call.
pub(super) const FUNCTIONS: [&str; 16] = [
    "where",
    "exists",
    "empty",
    "first",
    "last",
    "count",
    "not",
    "join",
    "extension",
    "ofType",
    "iif",
    "getResourceKey",
    "getReferenceKey",
    "lowBoundary",
    "highBoundary",
    "hasValue",
];

/// A call that is being compiled.
struct Call<'s> {
    name: &'s Name,
    arguments: &'s [Syntax],
    span: &'s Range<usize>,
    /// The type of what the whole expression is about.
    this: &'s Type,
}

impl Call<'_> {
    /// A mistake in the whole call.
    fn mistake(&self, message: impl Into<String>) -> Mistake {
        Mistake::new(message, self.name.span.start..self.span.end)
    }

    /// An error unless there are so many arguments.
    fn takes(&self, least: usize, most: usize) -> Result<(), Mistake> {
        if (least..=most).contains(&self.arguments.len()) {
            return Ok(());
        }
        let counts = match (least, most) {
            (0, 0) => "no argument".to_owned(),
            (1, 1) => "one argument".to_owned(),
            _ => format!("{least} to {most} arguments"),
        };
        Err(self.mistake(format!("`{}()` takes {counts}, not {}", self.name.text, self.arguments.len())))
    }
}

impl Compiler<'_> {
    /// A call on what comes before it.
    pub(super) fn call(
        &mut self,
        on: Typed,
        name: &Name,
        arguments: &[Syntax],
        (this, span): (&Type, &Range<usize>),
    ) -> Result<Typed, Mistake> {
        let call = Call { name, arguments, span, this };
        let boolean = |expression| Typed::new(expression, Type::one("boolean"));
        match name.text.as_str() {
            "where" => {
                call.takes(1, 1)?;
                self.filtered(on, &call)
            }
            "exists" | "empty" | "hasValue" => {
                call.takes(0, usize::from(name.text == "exists"))?;
                let on = if arguments.is_empty() { on } else { self.filtered(on, &call)? };
                let negated = name.text == "empty";
                Ok(boolean(Expression::Exists { of: Box::new(on.expression), negated }))
            }
            "first" | "last" => {
                call.takes(0, 0)?;
                let step = if name.text == "first" { Step::First } else { Step::Last };
                Ok(Typed::new(stepped(on.expression, step), on.of.with_many(false)))
            }
            "count" => {
                call.takes(0, 0)?;
                Ok(Typed::new(Expression::Count(Box::new(on.expression)), Type::one("integer")))
            }
            "not" => {
                call.takes(0, 0)?;
                if !matches!(on.of.family(), Family::Boolean | Family::Unknown) {
                    let message = format!("`not()` needs true or false, but this is {}", on.of.text());
                    return Err(call.mistake(message).with_help("write `.empty()` for what is not there"));
                }
                Ok(boolean(Expression::Not(Box::new(on.expression))))
            }
            "join" => self.join(on, &call),
            "extension" => self.extension(on, &call),
            "ofType" => {
                call.takes(1, 1)?;
                self.of_type(on, name, &arguments[0])
            }
            "iif" => self.iif(&call),
            "getResourceKey" => self.resource_key(&on, &call),
            "getReferenceKey" => reference_key(on, &call),
            "lowBoundary" | "highBoundary" => boundary(on, &call),
            _ => Err(unknown_function(&call)),
        }
    }

    /// Only the items for which the argument holds.
    fn filtered(&mut self, on: Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
        let argument = &call.arguments[0];
        let this = on.of.clone().with_many(false);
        let condition = self.expression(argument, &this)?;
        if !matches!(condition.of.family(), Family::Boolean | Family::Unknown) {
            let message =
                format!("`{}()` needs a condition, but this is {}", call.name.text, condition.of.text());
            return Err(Mistake::new(message, argument.span.clone())
                .with_help("compare it with something, or append `.exists()`"));
        }
        Ok(Typed::new(stepped(on.expression, Step::Where(condition.expression)), on.of))
    }

    /// An argument that must be a text.
    fn text_argument(&mut self, call: &Call<'_>) -> Result<String, Mistake> {
        let argument = &call.arguments[0];
        match self.expression(argument, call.this)?.expression {
            Expression::Text(text) => Ok(text),
            _ => Err(Mistake::new(
                format!("`{}()` takes a string or a constant", call.name.text),
                argument.span.clone(),
            )),
        }
    }

    fn join(&mut self, on: Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
        call.takes(0, 1)?;
        if matches!(on.of.family(), Family::Complex | Family::Number | Family::Boolean | Family::Key) {
            return Err(call.mistake(format!("`join()` needs strings, but this is {}", on.of.text())));
        }
        let separator = if call.arguments.is_empty() { String::new() } else { self.text_argument(call)? };
        Ok(Typed::new(Expression::Join(Box::new(on.expression), separator), Type::one("string")))
    }

    fn extension(&mut self, on: Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
        call.takes(1, 1)?;
        let url = self.text_argument(call)?;
        if on.of.names.is_empty() {
            return Ok(Typed::new(Expression::Empty, Type::unknown()));
        }
        if on.of.names.iter().all(|of| schema::element(of, "extension").is_none()) {
            return Err(call.mistake(format!("{} has no extensions", on.of.text())));
        }
        let is_primitive = on.of.names.iter().any(|of| schema::is_primitive(of));
        let on = if is_primitive { self.beside(on, call.name)? } else { on };
        let of = Type { names: vec!["Extension"], is_many: true };
        Ok(Typed::new(stepped(on.expression, Step::Extension(url)), of))
    }

    fn iif(&mut self, call: &Call<'_>) -> Result<Typed, Mistake> {
        call.takes(2, 3)?;
        let condition = self.expression(&call.arguments[0], call.this)?;
        if !matches!(condition.of.family(), Family::Boolean | Family::Unknown) {
            let message = format!("`iif()` needs a condition, but this is {}", condition.of.text());
            return Err(Mistake::new(message, call.arguments[0].span.clone()));
        }
        let then = self.expression(&call.arguments[1], call.this)?;
        let otherwise = match call.arguments.get(2) {
            Some(argument) => self.expression(argument, call.this)?,
            None => Typed::new(Expression::Empty, Type::unknown()),
        };
        let mut of = then.of;
        of.is_many |= otherwise.of.is_many;
        of.names.extend(otherwise.of.names);
        of.names.sort_unstable();
        of.names.dedup();
        let parts = [condition.expression, then.expression, otherwise.expression];
        Ok(Typed::new(Expression::If(Box::new(parts)), of))
    }

    fn resource_key(&self, on: &Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
        call.takes(0, 0)?;
        let is_resource = match &on.expression {
            Expression::Path(path) => path.steps.is_empty(),
            _ => false,
        };
        if !is_resource || on.of.names != [self.resource] {
            return Err(call
                .mistake(format!("`getResourceKey()` is for the resource, but this is {}", on.of.text()))
                .with_help("write `%resource.getResourceKey()`, or move the column out of the `forEach`"));
        }
        Ok(Typed::new(Expression::ResourceKey, Type::one(KEY)))
    }
}

fn reference_key(on: Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
    call.takes(0, 1)?;
    if !on.of.names.is_empty() && !on.of.names.contains(&"Reference") {
        let message = format!("`getReferenceKey()` needs a Reference, but this is {}", on.of.text());
        return Err(call.mistake(message));
    }
    let expected = match call.arguments.first() {
        None => None,
        Some(argument) => {
            let name = match &argument.kind {
                SyntaxKind::Literal(super::super::fhirpath::Literal::Text(text)) => text.as_str(),
                _ => type_argument(argument)?,
            };
            Some(ResourceType::named(name).ok_or_else(|| {
                Mistake::new(format!("{name} is no type of resource"), argument.span.clone())
            })?)
        }
    };
    let expression = Expression::ReferenceKey(Box::new(on.expression), expected);
    Ok(Typed::new(expression, Type::one(KEY)))
}

fn boundary(on: Typed, call: &Call<'_>) -> Result<Typed, Mistake> {
    call.takes(0, 0)?;
    let is_high = call.name.text == "highBoundary";
    let (of, name) = match (on.of.names.as_slice(), on.of.family()) {
        (_, Family::Number) => (BoundaryOf::Number, "decimal"),
        (["date"], _) => (BoundaryOf::Date, "date"),
        (_, Family::Moment) => (BoundaryOf::DateTime, "dateTime"),
        (_, Family::Time) => (BoundaryOf::Time, "time"),
        (["Period"], _) => (BoundaryOf::Period, "dateTime"),
        ([], _) => (BoundaryOf::Number, "decimal"),
        _ => {
            let message = format!(
                "`{}()` needs a number, a date or a time, but this is {}",
                call.name.text,
                on.of.text()
            );
            let help = "for a Quantity, write `.value` before it; for a choice, `.ofType(dateTime)`";
            return Err(call.mistake(message).with_help(help));
        }
    };
    let expression = Expression::Boundary(Box::new(on.expression), Boundary { is_high, of });
    Ok(Typed::new(expression, Type::one(name)))
}

fn unknown_function(call: &Call<'_>) -> Mistake {
    let name = call.name.text.as_str();
    let mistake = Mistake::new(format!("views cannot call `{name}()`"), call.name.span.clone());
    match name {
        "resolve" => mistake.with_help("join tables by `getReferenceKey()` and `getResourceKey()`"),
        "as" => mistake.with_help("write `.ofType(TYPE)`"),
        "is" => mistake.with_help("write `.ofType(TYPE).exists()`"),
        "all" => mistake.with_help("write `.where((CONDITION).not()).empty()`"),
        "select" => mistake.with_help("write the path with points, or use `forEach`"),
        "repeat" | "descendants" => mistake.with_help("use `\"repeat\": [\"…\"]` in the select"),
        _ => match did_you_mean(name, FUNCTIONS.into_iter()) {
            Some(help) => mistake.with_help(help),
            None => mistake.with_help(format!("they can call {}", FUNCTIONS.join(", "))),
        },
    }
}
