//! Follows the path to the rows of a keyed table, which are placed by their
//! positions in all the lists on the way.

use super::plan::{ChildPlan, PathStep, RowPath};
use super::route::follow;
use crate::datatype::ValueDefect;
use crate::json::{JsonType, NameId, Value};
use crate::model::Rows;

/// Is called with the positions in the lists on the way, the item of the first
/// of these lists if the path continues below it, and the value at its end.
pub(super) type Visit<'v, 't> =
    &'v mut dyn FnMut(&[i32], Option<Value<'t>>, Value<'t>) -> Result<(), ValueDefect>;

/// Follows a path through lists, keeping the position in each.
pub(super) fn descend<'t>(
    from: Value<'t>,
    steps: &[PathStep],
    positions: &mut Vec<i32>,
    first: Option<Value<'t>>,
    visit: Visit<'_, 't>,
) -> Result<(), ValueDefect> {
    // Conditions do not renumber, so they are not counted as lists.
    if let Some((PathStep::Where(..), _)) = steps.split_first() {
        let (condition, rest) = steps.split_at(1);
        let mut matching = Vec::new();
        follow(from, condition, from, &mut matching);
        for item in matching {
            match rest.split_first() {
                Some((PathStep::Member(name), rest)) => {
                    if let Some(member) = item.get(*name) {
                        descend(member, rest, positions, first, visit)?;
                    }
                }
                _ => visit(positions, first, item)?,
            }
        }
        return Ok(());
    }
    if from.json_type() != JsonType::Array {
        return descend_item(from, 1, steps, positions, first, visit);
    }
    for (index, item) in from.items().enumerate() {
        descend_item(item, index as i32 + 1, steps, positions, first, visit)?;
    }
    Ok(())
}

fn descend_item<'t>(
    item: Value<'t>,
    position: i32,
    steps: &[PathStep],
    positions: &mut Vec<i32>,
    first: Option<Value<'t>>,
    visit: Visit<'_, 't>,
) -> Result<(), ValueDefect> {
    if item.is_null() {
        return Ok(());
    }
    positions.push(position);
    match steps.split_first() {
        Some((PathStep::Member(name), rest)) => {
            if let Some(member) = item.get(*name) {
                descend(member, rest, positions, first.or(Some(item)), visit)?;
            }
        }
        _ => visit(positions, first, item)?,
    }
    positions.pop();
    Ok(())
}

/// The values of a row's columns of place. `first` is the item of the first list
/// on the way.
pub(super) fn places_of<'a>(
    child: &'a ChildPlan,
    path: &'a RowPath,
    positions: &'a [i32],
    first: Option<Value<'a>>,
) -> impl Iterator<Item = Option<i32>> + 'a {
    let is_key = child.rows == Rows::KeyedByPlace;
    // The last list is the rows' own and counts only where places are the key.
    let counted = if is_key { positions.len() } else { positions.len().saturating_sub(1) };
    child.places.iter().map(move |place| {
        if place == "item_sequence" {
            let item = first?;
            let sequence = item.get(NameId::SEQUENCE).or_else(|| item.get(NameId::ITEM_SEQUENCE))?;
            return sequence.as_number()?.parse().ok();
        }
        let at = path.enclosing.iter().position(|name| name == place);
        let position = at.filter(|at| *at < counted).and_then(|at| positions.get(at).copied());
        if is_key { Some(position.unwrap_or(0)) } else { position }
    })
}
