//! Evaluates expressions.

use std::borrow::Cow;

use super::super::number::Number;
use super::super::program::{Arithmetic, Expression, Logic};
use super::super::types::Family;
use super::boundary::boundary;
use super::compare::{all_equal, are_same, is_in_order};
use super::item::{Few, Item};
use super::path::{Receiver, follow};
use super::{Context, FaultReason, Stop};

/// Passes on each item of the expression, where `focus` is what it is about.
pub(super) fn each<'c, 't>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'c, 't>,
    receive: Receiver<'_, 'c, 't>,
) -> Result<(), Stop> {
    match expression {
        Expression::Path(path) => follow(path, focus, context, receive),
        Expression::Union(sides) => {
            let mut distinct: Vec<Item<'t>> = Vec::new();
            for side in sides.iter() {
                each(side, focus, context, &mut |item, context| {
                    context.count(u32::try_from(distinct.len()).unwrap_or(u32::MAX))?;
                    if !distinct.iter().any(|known| are_same(known, &item)) {
                        distinct.push(item);
                    }
                    Ok(())
                })?;
            }
            distinct.into_iter().try_for_each(|item| receive(item, context))
        }
        Expression::If(parts) => {
            let [condition, then, otherwise] = &**parts;
            let is_met = truth(condition, focus, context)? == Some(true);
            each(if is_met { then } else { otherwise }, focus, context, receive)
        }
        _ => match computed(expression, focus, context)? {
            Some(item) => receive(item, context),
            None => Ok(()),
        },
    }
}

/// All items of the expression.
pub(super) fn few<'t>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Few<'t>, Stop> {
    let mut items = Few::None;
    each(expression, focus, context, &mut |item, _| {
        items.push(item);
        Ok(())
    })?;
    Ok(items)
}

/// The only item of the expression.
pub(super) fn single<'t>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<Item<'t>>, Stop> {
    match few(expression, focus, context)? {
        Few::None => Ok(None),
        Few::One(item) => Ok(Some(item)),
        Few::Many(_) => Err(Stop::Fault(FaultReason::SeveralOperands)),
    }
}

/// Whether a condition holds. One item that is no boolean counts as true, as
/// FHIRPath has it.
pub(super) fn truth<'t>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<bool>, Stop> {
    Ok(single(expression, focus, context)?.map(|item| item.boolean().unwrap_or(true)))
}

/// The value of an expression that has one at most.
fn computed<'t>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<Item<'t>>, Stop> {
    Ok(match expression {
        Expression::Empty | Expression::Path(_) | Expression::Union(_) | Expression::If(_) => None,
        Expression::Boolean(value) => Some(Item::Boolean(*value)),
        Expression::Number(number) => Some(Item::Number(*number)),
        Expression::Text(text) => Some(Item::Text(Cow::Borrowed(text))),
        Expression::RowIndex => Some(Item::Number(Number::integer(i64::from(context.row_index)))),
        Expression::ResourceKey => context.keys.of_resource().map(Item::Key),
        Expression::Exists { of, negated } => Some(Item::Boolean(exists(of, focus, context)? != *negated)),
        Expression::Not(of) => truth(of, focus, context)?.map(|value| Item::Boolean(!value)),
        Expression::Count(of) => {
            let count = few(of, focus, context)?.as_slice().len();
            Some(Item::Number(Number::integer(count as i64)))
        }
        Expression::Join(of, separator) => joined(of, separator, focus, context)?,
        Expression::ReferenceKey(of, expected) => {
            let reference = single(of, focus, context)?.and_then(|item| item.object());
            reference.and_then(|reference| context.keys.of_reference(reference, *expected)).map(Item::Key)
        }
        Expression::Boundary(of, kind) => single(of, focus, context)?.and_then(|item| boundary(&item, *kind)),
        Expression::Logic(logic, sides) => self::logic(*logic, sides, focus, context)?.map(Item::Boolean),
        Expression::Equal { family, negated, sides } => {
            let [left, right] = &**sides;
            let (left, right) = (few(left, focus, context)?, few(right, focus, context)?);
            if let ([Item::Value(value)], Family::Complex) = (left.as_slice(), *family) {
                context.count(u32::try_from(value.raw().len() / 4).unwrap_or(u32::MAX))?;
            }
            let equal = all_equal(*family, left.as_slice(), right.as_slice());
            equal.map(|equal| Item::Boolean(equal != *negated))
        }
        Expression::Compare { family, order, sides } => match both(sides, focus, context)? {
            Some((left, right)) => is_in_order(*family, *order, &left, &right).map(Item::Boolean),
            None => None,
        },
        Expression::Arithmetic(operation, sides) => match both(sides, focus, context)? {
            Some((left, right)) => arithmetic(*operation, &left, &right).map(Item::Number),
            None => None,
        },
        Expression::Concatenate { nothing_is_empty, sides } => {
            concatenated(*nothing_is_empty, sides, focus, context)?
        }
        Expression::Negative(of) => {
            let number = single(of, focus, context)?.and_then(|item| item.number());
            number.map(|number| Item::Number(number.negative()))
        }
    })
}

fn exists<'t>(
    expression: &'t Expression,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<bool, Stop> {
    let mut is_found = false;
    let walked = each(expression, focus, context, &mut |_, _| {
        is_found = true;
        Err(Stop::Enough)
    });
    match walked {
        Err(Stop::Fault(reason)) => Err(Stop::Fault(reason)),
        _ => Ok(is_found),
    }
}

fn both<'t>(
    sides: &'t [Expression; 2],
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<(Item<'t>, Item<'t>)>, Stop> {
    let [left, right] = sides;
    let left = single(left, focus, context)?;
    let right = single(right, focus, context)?;
    Ok(left.zip(right))
}

/// The three-valued logic of FHIRPath, where nothing is unknown.
fn logic<'t>(
    logic: Logic,
    sides: &'t [Expression; 2],
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<bool>, Stop> {
    let [left, right] = sides;
    let left = truth(left, focus, context)?;
    match (logic, left) {
        (Logic::And, Some(false)) => return Ok(Some(false)),
        (Logic::Or, Some(true)) | (Logic::Implies, Some(false)) => return Ok(Some(true)),
        _ => {}
    }
    let right = truth(right, focus, context)?;
    Ok(match (logic, left, right) {
        (Logic::And, _, Some(false)) => Some(false),
        (Logic::Or | Logic::Implies, _, Some(true)) => Some(true),
        (Logic::Xor, Some(left), Some(right)) => Some(left != right),
        (Logic::And | Logic::Or | Logic::Implies, Some(_), right) => right,
        _ => None,
    })
}

fn arithmetic(operation: Arithmetic, left: &Item<'_>, right: &Item<'_>) -> Option<Number> {
    let (left, right) = (left.number()?, right.number()?);
    match operation {
        Arithmetic::Add => left.add(right),
        Arithmetic::Subtract => left.subtract(right),
        Arithmetic::Multiply => left.multiply(right),
        Arithmetic::Divide => left.divide(right),
        Arithmetic::Quotient => left.quotient(right),
        Arithmetic::Remainder => left.remainder(right),
    }
}

fn joined<'t>(
    of: &'t Expression,
    separator: &str,
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<Item<'t>>, Stop> {
    let items = few(of, focus, context)?;
    let texts: Vec<Cow<'t, str>> = items.as_slice().iter().filter_map(Item::text).collect();
    Ok(match texts.as_slice() {
        [] => None,
        texts => Some(Item::Text(Cow::Owned(texts.join(separator)))),
    })
}

fn concatenated<'t>(
    nothing_is_empty: bool,
    sides: &'t [Expression; 2],
    focus: &Item<'t>,
    context: &mut Context<'_, 't>,
) -> Result<Option<Item<'t>>, Stop> {
    let mut texts = [None, None];
    for (text, side) in texts.iter_mut().zip(sides) {
        *text = single(side, focus, context)?.and_then(|item| item.text().or_else(|| item.digits()));
    }
    Ok(match texts {
        [Some(left), Some(right)] => Some(Item::Text(left + right)),
        [left, right] if nothing_is_empty => Some(Item::Text(left.or(right).unwrap_or_default())),
        _ => None,
    })
}
