//! Compiles expressions.

use super::super::fhirpath::{Literal, Mistake, Syntax, SyntaxKind};
use super::super::program::{COUNTERS, Expression, Path, Start, Step};
use super::super::types::{Family, Type};
use super::constants::literal;
use super::{Compiler, Typed};

impl Compiler<'_> {
    /// The expression, where `this` is the type of what it is about.
    pub(super) fn expression(&mut self, syntax: &Syntax, this: &Type) -> Result<Typed, Mistake> {
        match &syntax.kind {
            SyntaxKind::Empty => Ok(Typed::new(Expression::Empty, Type::unknown())),
            SyntaxKind::Literal(value) => {
                let expression = literal(value, &syntax.span)?;
                Ok(Typed::new(expression, Type::one(literal_type(value))))
            }
            SyntaxKind::This => Ok(context(this)),
            SyntaxKind::Variable(name) => match name.as_str() {
                "rowIndex" => Ok(Typed::new(Expression::RowIndex, Type::one("integer"))),
                "resource" | "context" | "rootResource" => {
                    let path = Path { start: Start::Resource, steps: Vec::new() };
                    Ok(Typed::new(Expression::Path(path), Type::one(self.resource)))
                }
                _ => self.constants.value(name, syntax.span.clone()),
            },
            SyntaxKind::Member(on, name) => match on {
                Some(on) => {
                    let on = self.expression(on, this)?;
                    self.member(on, name)
                }
                None => self.first_member(name, this),
            },
            SyntaxKind::Call(on, name, arguments) => {
                let on = match on {
                    Some(on) => self.expression(on, this)?,
                    None => context(this),
                };
                self.call(on, name, arguments, (this, &syntax.span))
            }
            SyntaxKind::Index(list, index) => {
                let list = self.expression(list, this)?;
                let found = self.expression(index, this)?;
                if !matches!(found.of.family(), Family::Number | Family::Unknown) {
                    let message = format!("an index is a number, but this is {}", found.of.text());
                    return Err(Mistake::new(message, index.span.clone()));
                }
                Ok(indexed(list, found.expression))
            }
            SyntaxKind::Negative(value) => {
                let value_of = self.expression(value, this)?;
                if !matches!(value_of.of.family(), Family::Number | Family::Unknown) {
                    let message = format!("`-` needs a number, but this is {}", value_of.of.text());
                    return Err(Mistake::new(message, value.span.clone()));
                }
                let of = value_of.of.with_many(false);
                Ok(Typed::new(Expression::Negative(Box::new(value_of.expression)), of))
            }
            SyntaxKind::Binary(operator, left, right) => self.binary(*operator, left, right, this),
        }
    }
}

fn literal_type(literal: &Literal) -> &'static str {
    match literal {
        Literal::Boolean(_) => "boolean",
        Literal::Text(_) => "string",
        Literal::Number(text) if text.contains('.') => "decimal",
        Literal::Number(_) => "integer",
        Literal::Date(_) => "date",
        Literal::DateTime(_) => "dateTime",
        Literal::Time(_) => "time",
    }
}

/// What the expression is about.
pub(super) fn context(this: &Type) -> Typed {
    let path = Path { start: Start::This, steps: Vec::new() };
    Typed::new(Expression::Path(path), this.clone().with_many(false))
}

/// The expression with one more step.
pub(super) fn stepped(expression: Expression, step: Step) -> Expression {
    match expression {
        Expression::Path(mut path) if !matches!(step, Step::Last) => {
            path.steps.push(step);
            Expression::Path(path)
        }
        other => Expression::Path(Path { start: Start::Expression(Box::new(other)), steps: vec![step] }),
    }
}

/// The item of the list at that index.
fn indexed(list: Typed, index: Expression) -> Typed {
    let of = list.of.with_many(false);
    let counter = match &list.expression {
        Expression::Path(path) => path.steps.iter().filter(|step| matches!(step, Step::Index(..))).count(),
        _ => 0,
    };
    let expression = if counter < COUNTERS {
        stepped(list.expression, Step::Index(index, counter))
    } else {
        let start = Start::Expression(Box::new(list.expression));
        Expression::Path(Path { start, steps: vec![Step::Index(index, 0)] })
    };
    Typed::new(expression, of)
}
