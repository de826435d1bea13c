//! Which rows a resource will have, in all of its tables: gathered before any
//! is written, with what numbers and places them.

use std::mem;
use std::ops::Range;

use super::plan::{ChildPlan, ITSELF, PathStep, RowPath, TablePlan};
use super::route::follow;
use crate::datatype::{ValueDefect, ValueDefectReason};
use crate::json::{JsonType, NameId, Tree, Value};
use crate::model::Rows;

/// So many rows may one resource have, in memory until all are written.
const MOST_ROWS: usize = 300_000;

/// A row that is to be written.
pub(super) struct RowJob<'t> {
    pub table: &'t TablePlan,
    /// `None` for the resource's own row.
    pub child: Option<&'t ChildPlan>,
    pub constants: &'t [String],
    /// Where its elements begin among all; the first is the row's own.
    first_slot: usize,
    /// The ordinals of the enclosing rows and its own, among all numbers.
    ordinals: Range<usize>,
    /// The values of its place columns, among all numbers.
    places: Range<usize>,
}

/// The memory of `Gathered`, to use again: one list of rows, one of elements
/// and one of numbers instead of some for each row.
#[derive(Default)]
pub(super) struct RowLists<'t> {
    jobs: Vec<RowJob<'t>>,
    /// The elements' places in the tree, or `NOTHING`.
    slots: Vec<u32>,
    numbers: Vec<Option<i32>>,
    /// Of the lists that are being gone through.
    positions: Vec<i32>,
}

const NOTHING: u32 = u32::MAX;

impl RowLists<'_> {
    /// The memory alone, for the rows of another resource.
    pub fn emptied<'t>(mut self) -> RowLists<'t> {
        self.slots.clear();
        self.numbers.clear();
        RowLists {
            jobs: emptied(self.jobs),
            slots: self.slots,
            numbers: self.numbers,
            positions: self.positions,
        }
    }
}

/// The memory of a list, for elements that borrow from something else; for
/// types of the same size it is taken over without an allocation.
pub(super) fn emptied<From, To>(mut list: Vec<From>) -> Vec<To> {
    list.clear();
    list.into_iter().map(|_| unreachable!("the list is empty")).collect()
}

/// The rows of one resource, its own first.
pub(super) struct Gathered<'g, 't> {
    tree: &'t Tree<'t>,
    lists: &'g mut RowLists<'t>,
    /// Lists of extensions with the rows that keep them, by row.
    extensions: Vec<(usize, Value<'t>)>,
}

impl<'g, 't> Gathered<'g, 't> {
    /// Begins with the resource's own row, whose elements are given by
    /// `put_slot`.
    pub fn new(table: &'t TablePlan, tree: &'t Tree<'t>, lists: &'g mut RowLists<'t>) -> Self {
        let mut gathered = Gathered { tree, lists, extensions: Vec::new() };
        gathered.push(table, None, &[], tree.root(), 0..0, 0..0);
        gathered
    }

    pub fn jobs(&self) -> &[RowJob<'t>] {
        &self.lists.jobs
    }

    /// What a row is made of.
    pub fn element(&self, job: usize) -> Value<'t> {
        self.tree.value_at(self.lists.slots[self.lists.jobs[job].first_slot + ITSELF])
    }

    /// What stands in a row's slot; never null.
    #[inline]
    pub fn slot(&self, job: usize, slot: usize) -> Option<Value<'t>> {
        let index = self.slots(job)[slot];
        (index != NOTHING).then(|| self.tree.value_at(index))
    }

    /// Whether all of these slots of a row are empty.
    #[inline]
    pub fn are_empty(&self, job: usize, slots: &[u16]) -> bool {
        let own = self.slots(job);
        slots.iter().all(|slot| own[usize::from(*slot)] == NOTHING)
    }

    #[inline]
    fn slots(&self, job: usize) -> &[u32] {
        &self.lists.slots[self.lists.jobs[job].first_slot..]
    }

    pub fn put_slot(&mut self, job: usize, slot: usize, value: Option<Value<'t>>) {
        let at = self.lists.jobs[job].first_slot + slot;
        self.lists.slots[at] = value.filter(|value| !value.is_null()).map_or(NOTHING, Value::index);
    }

    pub fn ordinals(&self, job: usize) -> &[Option<i32>] {
        &self.lists.numbers[self.lists.jobs[job].ordinals.clone()]
    }

    pub fn places(&self, job: usize) -> &[Option<i32>] {
        &self.lists.numbers[self.lists.jobs[job].places.clone()]
    }

    /// Gives rows the lists of extensions that they keep.
    pub fn keep_extensions(&mut self, mut extensions: Vec<(usize, Value<'t>)>) {
        extensions.sort_by_key(|(job, _)| *job);
        self.extensions = extensions;
    }

    /// The lists of extensions that the row keeps, in document order.
    pub fn extensions(&self, job: usize) -> impl Iterator<Item = Value<'t>> {
        let first = self.extensions.partition_point(|(of, _)| *of < job);
        self.extensions[first..].iter().take_while(move |(of, _)| *of == job).map(|(_, list)| *list)
    }

    fn push(
        &mut self,
        table: &'t TablePlan,
        child: Option<&'t ChildPlan>,
        constants: &'t [String],
        element: Value<'t>,
        ordinals: Range<usize>,
        places: Range<usize>,
    ) -> usize {
        let lists = &mut *self.lists;
        let first_slot = lists.slots.len();
        lists.slots.resize(first_slot + table.names.slot_count, NOTHING);
        lists.slots[first_slot + ITSELF] = element.index();
        lists.jobs.push(RowJob { table, child, constants, first_slot, ordinals, places });
        lists.jobs.len() - 1
    }

    /// Adds a child row with its elements.
    fn push_child(
        &mut self,
        child: &'t ChildPlan,
        constants: &'t [String],
        element: Value<'t>,
        ordinals: Range<usize>,
        places: Range<usize>,
    ) -> Result<usize, ValueDefect> {
        if element.json_type() != JsonType::Object {
            return Err(ValueDefect::new(element, ValueDefectReason::ExpectedObject));
        }
        if self.lists.jobs.len() >= MOST_ROWS {
            return Err(ValueDefect::new(element, ValueDefectReason::TooMuch));
        }
        let job = self.push(&child.plan, Some(child), constants, element, ordinals, places);
        for member in element.members() {
            if let Some(Some(slot)) = child.plan.names.get(member.name()) {
                self.put_slot(job, slot, Some(member.value()));
            }
        }
        Ok(job)
    }

    /// Keeps numbers; gives where they stand.
    fn keep(&mut self, numbers: impl IntoIterator<Item = Option<i32>>) -> Range<usize> {
        let first = self.lists.numbers.len();
        self.lists.numbers.extend(numbers);
        first..self.lists.numbers.len()
    }

    /// Adds the rows of all child tables below the row with that number.
    pub fn children_of(&mut self, parent: usize) -> Result<(), ValueDefect> {
        let table: &'t TablePlan = self.lists.jobs[parent].table;
        for child in &table.children {
            let mut ordinal = 0;
            for source in &child.sources {
                let Some(start) = self.slot(parent, source.slot) else { continue };
                match child.rows {
                    Rows::Recursive => self.answers(child, start, None, 1, &mut ordinal)?,
                    Rows::Nested => self.nested(child, source, parent, start, &mut ordinal)?,
                    Rows::KeyedByOrdinal | Rows::KeyedByPlace => {
                        let mut positions = mem::take(&mut self.lists.positions);
                        positions.clear();
                        let mut visit = |positions: &[i32], first: Option<Value<'t>>, item: Value<'t>| {
                            ordinal += 1;
                            let is_numbered = child.rows == Rows::KeyedByOrdinal;
                            let ordinals = self.keep(is_numbered.then_some(Some(ordinal)));
                            let places = self.keep(places_of(child, source, positions, first));
                            self.push_child(child, &source.constants, item, ordinals, places).map(drop)
                        };
                        descend(start, &source.steps, &mut positions, None, &mut visit)?;
                        self.lists.positions = positions;
                    }
                }
            }
        }
        Ok(())
    }

    /// Rows that have child rows of their own.
    fn nested(
        &mut self,
        child: &'t ChildPlan,
        source: &'t RowPath,
        parent: usize,
        start: Value<'t>,
        ordinal: &mut i32,
    ) -> Result<(), ValueDefect> {
        let mut items = Vec::new();
        follow(start, &source.steps, self.tree.root(), &mut items);
        for item in items {
            *ordinal += 1;
            let enclosing = self.lists.jobs[parent].ordinals.clone();
            let first = self.lists.numbers.len();
            self.lists.numbers.extend_from_within(enclosing);
            self.lists.numbers.push(Some(*ordinal));
            let row = self.push_child(child, &[], item, first..self.lists.numbers.len(), 0..0)?;
            self.children_of(row)?;
        }
        Ok(())
    }

    /// Items of a questionnaire's answers: one row an answer, or one for the
    /// item where there is none, depth first.
    fn answers(
        &mut self,
        child: &'t ChildPlan,
        items: Value<'t>,
        parent: Option<i32>,
        level: i32,
        ordinal: &mut i32,
    ) -> Result<(), ValueDefect> {
        for item in items.items() {
            let first = *ordinal + 1;
            let answers: Vec<Value<'t>> =
                item.get(NameId::ANSWER).map(|answers| answers.items().collect()).unwrap_or_default();
            for number in 0..answers.len().max(1) {
                *ordinal += 1;
                let answer = answers.get(number).copied();
                let of_answer = *ordinal;
                let ordinals = self.keep([Some(of_answer)]);
                let places = self.keep([parent, answer.map(|_| number as i32 + 1), Some(level)]);
                let row = self.push_child(child, &[], item, ordinals, places)?;
                if let Some(Some(slot)) = child.plan.names.get(NameId::ANSWER) {
                    self.put_slot(row, slot, answer);
                }
                if let Some(nested) = answer.and_then(|answer| answer.get(NameId::ITEM)) {
                    self.answers(child, nested, Some(of_answer), level + 1, ordinal)?;
                }
            }
            if let Some(nested) = item.get(NameId::ITEM) {
                self.answers(child, nested, Some(first), level + 1, ordinal)?;
            }
        }
        Ok(())
    }
}

/// Is given the positions in the lists on the way, the item of the first of
/// these lists if the way goes on from it, and what stands at the way's end.
type Visit<'v, 't> = &'v mut dyn FnMut(&[i32], Option<Value<'t>>, Value<'t>) -> Result<(), ValueDefect>;

/// Follows a path through lists, noting the position in each.
fn descend<'t>(
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

/// The values of a row's place columns. `first` is the item of the first list
/// on the way.
fn places_of<'a>(
    child: &'a ChildPlan,
    source: &'a RowPath,
    positions: &'a [i32],
    first: Option<Value<'a>>,
) -> impl Iterator<Item = Option<i32>> + 'a {
    let is_key = child.rows == Rows::KeyedByPlace;
    // The last list is the rows' own; only where places are the key it counts.
    let counted = if is_key { positions.len() } else { positions.len().saturating_sub(1) };
    child.places.iter().map(move |place| {
        if place == "item_sequence" {
            let item = first?;
            let sequence = item.get(NameId::SEQUENCE).or_else(|| item.get(NameId::ITEM_SEQUENCE))?;
            return sequence.as_number()?.parse().ok();
        }
        let at = source.enclosing.iter().position(|name| name == place);
        let position = at.filter(|at| *at < counted).and_then(|at| positions.get(at).copied());
        if is_key { Some(position.unwrap_or(0)) } else { position }
    })
}
