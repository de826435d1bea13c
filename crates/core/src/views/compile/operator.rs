//! Compiles operators and checks the types of their operands.

use super::super::fhirpath::{Literal, Mistake, Operator, Syntax, SyntaxKind};
use super::super::program::{Arithmetic, Expression, Logic, Order};
use super::super::types::{Family, Type};
use super::{Compiler, Typed};

impl Compiler<'_> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left_syntax: &Syntax,
        right_syntax: &Syntax,
        this: &Type,
    ) -> Result<Typed, Mistake> {
        let left = self.expression(left_syntax, this)?;
        let right = self.expression(right_syntax, this)?;
        let operands = Operands { operator, left, right, syntax: [left_syntax, right_syntax] };
        match operator {
            Operator::And => operands.logic(Logic::And),
            Operator::Or => operands.logic(Logic::Or),
            Operator::Xor => operands.logic(Logic::Xor),
            Operator::Implies => operands.logic(Logic::Implies),
            Operator::Equal => operands.equal(false),
            Operator::NotEqual => operands.equal(true),
            Operator::Less => operands.compared(Order::Less),
            Operator::LessOrEqual => operands.compared(Order::LessOrEqual),
            Operator::Greater => operands.compared(Order::Greater),
            Operator::GreaterOrEqual => operands.compared(Order::GreaterOrEqual),
            Operator::Add => operands.arithmetic(Arithmetic::Add),
            Operator::Subtract => operands.arithmetic(Arithmetic::Subtract),
            Operator::Multiply => operands.arithmetic(Arithmetic::Multiply),
            Operator::Divide => operands.arithmetic(Arithmetic::Divide),
            Operator::Quotient => operands.arithmetic(Arithmetic::Quotient),
            Operator::Remainder => operands.arithmetic(Arithmetic::Remainder),
            Operator::Concatenate => operands.concatenated(),
            Operator::Union => {
                let mut of = operands.left.of.clone();
                of.is_many = true;
                of.names.extend(&operands.right.of.names);
                of.names.sort_unstable();
                of.names.dedup();
                Ok(Typed::new(Expression::Union(operands.sides()), of))
            }
        }
    }
}

/// Two operands and where they stand.
struct Operands<'s> {
    operator: Operator,
    left: Typed,
    right: Typed,
    syntax: [&'s Syntax; 2],
}

impl Operands<'_> {
    fn sides(self) -> Box<[Expression; 2]> {
        Box::new([self.left.expression, self.right.expression])
    }

    fn mistake(&self, message: String) -> Mistake {
        Mistake::new(message, self.syntax[0].span.start..self.syntax[1].span.end)
    }

    fn logic(self, logic: Logic) -> Result<Typed, Mistake> {
        for (operand, syntax) in [&self.left, &self.right].into_iter().zip(self.syntax) {
            if !matches!(operand.of.family(), Family::Boolean | Family::Unknown) {
                let message = format!(
                    "`{}` needs true or false, but this is {}",
                    self.operator.text(),
                    operand.of.text()
                );
                return Err(Mistake::new(message, syntax.span.clone())
                    .with_help("compare it with something, or append `.exists()`"));
            }
        }
        Ok(Typed::new(Expression::Logic(logic, self.sides()), Type::one("boolean")))
    }

    /// The family in which both are compared.
    fn family(&self) -> Result<Family, Mistake> {
        let (left, right) = (self.left.of.family(), self.right.of.family());
        let is_text = |syntax: &Syntax| matches!(syntax.kind, SyntaxKind::Literal(Literal::Text(_)));
        match (left, right) {
            (Family::Unknown, family) | (family, Family::Unknown) => Ok(family),
            _ if left == right => Ok(left),
            // Dates are often written as strings.
            (Family::Moment | Family::Time, Family::Text) if is_text(self.syntax[1]) => Ok(left),
            (Family::Text, Family::Moment | Family::Time) if is_text(self.syntax[0]) => Ok(right),
            _ => {
                let (left, right) = (self.left.of.text(), self.right.of.text());
                let mistake =
                    self.mistake(format!("`{}` compares {left} with {right}", self.operator.text()));
                Err(match (left.as_str(), right.as_str()) {
                    ("CodeableConcept", _) => mistake.with_help("write `.coding.code` or `.text` after it"),
                    ("Coding", _) => mistake.with_help("write `.code` after it"),
                    ("Quantity", _) => mistake.with_help("write `.value` after it"),
                    ("Reference", _) => mistake.with_help("write `.reference` after it"),
                    _ => mistake,
                })
            }
        }
    }

    fn equal(self, negated: bool) -> Result<Typed, Mistake> {
        let family = self.family()?;
        Ok(Typed::new(Expression::Equal { family, negated, sides: self.sides() }, Type::one("boolean")))
    }

    fn compared(self, order: Order) -> Result<Typed, Mistake> {
        let family = self.family()?;
        if matches!(family, Family::Boolean | Family::Complex | Family::Key) {
            let message = format!("`{}` cannot order {} values", self.operator.text(), family.name());
            let mistake = self.mistake(message);
            return Err(match family {
                Family::Complex => mistake.with_help("compare one of their elements, such as `.value`"),
                _ => mistake,
            });
        }
        Ok(Typed::new(Expression::Compare { family, order, sides: self.sides() }, Type::one("boolean")))
    }

    fn arithmetic(self, operation: Arithmetic) -> Result<Typed, Mistake> {
        let families = [self.left.of.family(), self.right.of.family()];
        if operation == Arithmetic::Add && families.contains(&Family::Text) {
            return self.concatenated_with(false);
        }
        for (operand, syntax) in [&self.left, &self.right].into_iter().zip(self.syntax) {
            if !matches!(operand.of.family(), Family::Number | Family::Unknown) {
                let message =
                    format!("`{}` needs numbers, but this is {}", self.operator.text(), operand.of.text());
                let mistake = Mistake::new(message, syntax.span.clone());
                return Err(match operand.of.names.as_slice() {
                    ["Quantity"] => mistake.with_help("write `.value` after it"),
                    _ => mistake,
                });
            }
        }
        let is_whole = |of: &Type| !of.names.is_empty() && !of.names.contains(&"decimal");
        let is_integer = match operation {
            Arithmetic::Divide => false,
            Arithmetic::Quotient => true,
            _ => is_whole(&self.left.of) && is_whole(&self.right.of),
        };
        let of = Type::one(if is_integer { "integer" } else { "decimal" });
        Ok(Typed::new(Expression::Arithmetic(operation, self.sides()), of))
    }

    fn concatenated(self) -> Result<Typed, Mistake> {
        self.concatenated_with(true)
    }

    fn concatenated_with(self, nothing_is_empty: bool) -> Result<Typed, Mistake> {
        for (operand, syntax) in [&self.left, &self.right].into_iter().zip(self.syntax) {
            if matches!(operand.of.family(), Family::Complex | Family::Boolean | Family::Key) {
                let message =
                    format!("`{}` needs strings, but this is {}", self.operator.text(), operand.of.text());
                return Err(Mistake::new(message, syntax.span.clone()));
            }
        }
        let sides = self.sides();
        Ok(Typed::new(Expression::Concatenate { nothing_is_empty, sides }, Type::one("string")))
    }
}
