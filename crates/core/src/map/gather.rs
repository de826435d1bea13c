//! Gathers the rows of child tables, with what numbers and places them.

use std::mem;
use std::ops::Range;

use super::descend::{descend, places_of};
use super::plan::{ChildPlan, RowPath};
use super::route::follow;
use super::rows::{Gathered, RowNumbers};
use crate::datatype::ValueDefect;
use crate::json::{NameId, Value};
use crate::model::Rows;

/// Adds the rows of all child tables below the row with that number.
pub(super) fn gather_children(gathered: &mut Gathered<'_, '_>, parent: usize) -> Result<(), ValueDefect> {
    for child in &gathered.table(parent).children {
        if child.rows == Rows::KeyedByOrdinal {
            numbered(gathered, child, parent)?;
            continue;
        }
        let mut ordinal = 0;
        for path in &child.row_paths {
            let Some(start) = gathered.row(parent).slot(path.slot) else { continue };
            match child.rows {
                Rows::Recursive => answers(gathered, child, start, &mut ordinal)?,
                Rows::Nested => nested(gathered, child, path, parent, start, &mut ordinal)?,
                Rows::KeyedByOrdinal | Rows::KeyedByPlace => placed(gathered, child, path, start)?,
            }
        }
    }
    Ok(())
}

/// Stores numbers; gives where they are.
fn store(gathered: &mut Gathered<'_, '_>, numbers: impl IntoIterator<Item = Option<i32>>) -> Range<usize> {
    let all = &mut gathered.lists.numbers;
    let first = all.len();
    all.extend(numbers);
    first..all.len()
}

/// Rows that are numbered through the resource, in the order of the document,
/// whichever path leads to them.
fn numbered<'t>(
    gathered: &mut Gathered<'_, 't>,
    child: &'t ChildPlan,
    parent: usize,
) -> Result<(), ValueDefect> {
    let mut found: Vec<(Value<'t>, &'t RowPath, Range<usize>)> = Vec::new();
    let mut positions = mem::take(&mut gathered.lists.positions);
    for path in &child.row_paths {
        let Some(start) = gathered.row(parent).slot(path.slot) else { continue };
        positions.clear();
        let mut visit = |positions: &[i32], first: Option<Value<'t>>, item: Value<'t>| {
            found.push((item, path, store(gathered, places_of(child, path, positions, first))));
            Ok(())
        };
        descend(start, &path.steps, &mut positions, None, &mut visit)?;
    }
    gathered.lists.positions = positions;
    found.sort_by_key(|(item, ..)| item.index());
    for (position, (item, path, places)) in found.into_iter().enumerate() {
        let ordinals = store(gathered, [Some(position as i32 + 1)]);
        gathered.push_child(child, &path.constants, item, RowNumbers { ordinals, places })?;
    }
    Ok(())
}

/// Rows whose key is their positions in the lists on the way.
fn placed<'t>(
    gathered: &mut Gathered<'_, 't>,
    child: &'t ChildPlan,
    path: &'t RowPath,
    start: Value<'t>,
) -> Result<(), ValueDefect> {
    let mut positions = mem::take(&mut gathered.lists.positions);
    positions.clear();
    let mut visit = |positions: &[i32], first: Option<Value<'t>>, item: Value<'t>| {
        let places = store(gathered, places_of(child, path, positions, first));
        gathered.push_child(child, &path.constants, item, RowNumbers { ordinals: 0..0, places }).map(drop)
    };
    descend(start, &path.steps, &mut positions, None, &mut visit)?;
    gathered.lists.positions = positions;
    Ok(())
}

/// Rows that are numbered within the enclosing one, and may have child rows.
fn nested<'t>(
    gathered: &mut Gathered<'_, 't>,
    child: &'t ChildPlan,
    path: &'t RowPath,
    parent: usize,
    start: Value<'t>,
    ordinal: &mut i32,
) -> Result<(), ValueDefect> {
    let mut items = Vec::new();
    follow(start, &path.steps, gathered.tree.root(), &mut items);
    for item in items {
        *ordinal += 1;
        let enclosing = gathered.numbers(parent).ordinals;
        let numbers = &mut gathered.lists.numbers;
        let first = numbers.len();
        numbers.extend_from_within(enclosing);
        numbers.push(Some(*ordinal));
        let ordinals = first..numbers.len();
        let row = gathered.push_child(child, &[], item, RowNumbers { ordinals, places: 0..0 })?;
        gather_children(gathered, row)?;
    }
    Ok(())
}

/// The items of a form: one row for each answer, or one for an item without
/// answers, depth first.
fn answers<'t>(
    gathered: &mut Gathered<'_, 't>,
    child: &'t ChildPlan,
    items: Value<'t>,
    ordinal: &mut i32,
) -> Result<(), ValueDefect> {
    Answers { gathered, child, ordinal }.of_items(items, None, 1)
}

struct Answers<'a, 'g, 't> {
    gathered: &'a mut Gathered<'g, 't>,
    child: &'t ChildPlan,
    ordinal: &'a mut i32,
}

impl<'t> Answers<'_, '_, 't> {
    /// `parent` is the ordinal of the enclosing item's row, `level` 1 at the top.
    fn of_items(&mut self, items: Value<'t>, parent: Option<i32>, level: i32) -> Result<(), ValueDefect> {
        for item in items.items() {
            let first = *self.ordinal + 1;
            let answers: Vec<Value<'t>> =
                item.get(NameId::ANSWER).map(|answers| answers.items().collect()).unwrap_or_default();
            for number in 0..answers.len().max(1) {
                *self.ordinal += 1;
                let answer = answers.get(number).copied();
                let of_answer = *self.ordinal;
                let ordinals = store(self.gathered, [Some(of_answer)]);
                let places = store(self.gathered, [parent, answer.map(|_| number as i32 + 1), Some(level)]);
                let row = self.gathered.push_child(self.child, &[], item, RowNumbers { ordinals, places })?;
                if let Some(Some(slot)) = self.child.table.slots.get(NameId::ANSWER) {
                    self.gathered.put_slot(row, slot, answer);
                }
                if let Some(nested) = answer.and_then(|answer| answer.get(NameId::ITEM)) {
                    self.of_items(nested, Some(of_answer), level + 1)?;
                }
            }
            if let Some(nested) = item.get(NameId::ITEM) {
                self.of_items(nested, Some(first), level + 1)?;
            }
        }
        Ok(())
    }
}
