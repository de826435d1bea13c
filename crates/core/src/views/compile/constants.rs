//! The constants of a definition.

use std::cell::Cell;

use super::super::Diagnostic;
use super::super::definition::Constant;
use super::super::diagnostic::did_you_mean;
use super::super::fhirpath::{Literal, Mistake};
use super::super::number::Number;
use super::super::program::Expression;
use super::super::types::Type;
use super::Typed;

pub(super) struct Constants(Vec<Known>);

struct Known {
    constant: Constant,
    is_used: Cell<bool>,
}

impl Constants {
    pub fn of(constants: &[Constant], found: &mut Vec<Diagnostic>) -> Self {
        let mut known: Vec<Known> = Vec::new();
        for constant in constants {
            let name = &constant.name;
            if known.iter().any(|known| known.constant.name.value == name.value) {
                found.push(name.error(format!("there is another constant `{}`", name.value)));
            }
            known.push(Known { constant: constant.clone(), is_used: Cell::new(false) });
        }
        Constants(known)
    }

    /// The value of a constant.
    pub fn value(&self, name: &str, span: std::ops::Range<usize>) -> Result<Typed, Mistake> {
        let Some(known) = self.0.iter().find(|known| known.constant.name.value == name) else {
            let mut names: Vec<&str> =
                self.0.iter().map(|known| known.constant.name.value.as_str()).collect();
            names.extend(["rowIndex", "resource", "context"]);
            let mistake = Mistake::new(format!("no constant is named `{name}`"), span);
            return Err(match did_you_mean(name, names.into_iter()) {
                Some(help) => mistake.with_help(help),
                None => mistake.with_help(format!(
                    "define it: `\"constant\": [{{\"name\": \"{name}\", \"valueString\": \"…\"}}]`"
                )),
            });
        };
        known.is_used.set(true);
        let constant = &known.constant;
        Ok(Typed::new(literal(&constant.value, &span)?, Type::one(constant.type_name)))
    }

    pub fn warn_of_unused(&self, found: &mut Vec<Diagnostic>) {
        for Known { constant, is_used } in &self.0 {
            if !is_used.get() {
                let message = format!("the constant `{}` is not used", constant.name.value);
                found.push(Diagnostic::warning(message, constant.path.clone(), constant.span.clone()));
            }
        }
    }
}

/// A literal as an expression.
pub(super) fn literal(literal: &Literal, span: &std::ops::Range<usize>) -> Result<Expression, Mistake> {
    Ok(match literal {
        Literal::Boolean(value) => Expression::Boolean(*value),
        Literal::Number(text) => Expression::Number(
            Number::parse(text)
                .ok_or_else(|| Mistake::new("the number has too many digits", span.clone()))?,
        ),
        Literal::Text(text) | Literal::Date(text) | Literal::DateTime(text) | Literal::Time(text) => {
            Expression::Text(text.clone())
        }
    })
}
