//! The rows that a resource will have in the tables of one root, and the elements
//! that each is made of: gathered before any row is written.

use std::ops::Range;

use super::plan::{ChildPlan, Field, FieldOutline, ITSELF, TablePlan};
use crate::datatype::{ValueDefect, ValueDefectReason};
use crate::json::{JsonType, Tree, Value};

/// The most rows of one resource, since all are in memory until they are written.
const MAX_ROWS: usize = 300_000;

/// A row that is to be written.
pub(super) struct RowJob<'t> {
    table: &'t TablePlan,
    /// `None` for the root row.
    child: Option<&'t ChildPlan>,
    constants: &'t [String],
    /// Where its slots begin among all.
    first_slot: usize,
    numbers: RowNumbers,
}

/// What numbers a row: ranges among all numbers.
#[derive(Clone, Default)]
pub(super) struct RowNumbers {
    /// The ordinals of the enclosing rows and its own.
    pub ordinals: Range<usize>,
    /// The values of its columns of place.
    pub places: Range<usize>,
}

/// The memory of `Gathered`, for reuse: one list of rows, one of slots and one
/// of numbers instead of several for each row.
#[derive(Default)]
pub(super) struct RowLists<'t> {
    jobs: Vec<RowJob<'t>>,
    /// The indexes of elements in the tree, or `NOTHING`.
    slots: Vec<u32>,
    pub(super) numbers: Vec<Option<i32>>,
    /// The positions in the lists that are being descended.
    pub(super) positions: Vec<i32>,
}

const NOTHING: u32 = u32::MAX;

impl RowLists<'_> {
    /// Only the memory, for the rows of another resource.
    pub fn emptied<'t>(self) -> RowLists<'t> {
        RowLists {
            jobs: emptied(self.jobs),
            slots: self.slots,
            numbers: self.numbers,
            positions: self.positions,
        }
    }
}

/// Only the memory of a list, for elements with other lifetimes: where both
/// types have the same size, nothing is allocated.
pub(super) fn emptied<From, To>(mut list: Vec<From>) -> Vec<To> {
    list.clear();
    list.into_iter().map(|_| unreachable!("the list is empty")).collect()
}

/// The rows of one resource in the tables of one root, the root row first.
pub(super) struct Gathered<'g, 't> {
    pub tree: &'t Tree<'t>,
    pub(super) lists: &'g mut RowLists<'t>,
    /// Lists of extensions, each with the row that keeps it, sorted by row.
    extensions: Vec<(usize, Value<'t>)>,
}

impl<'g, 't> Gathered<'g, 't> {
    /// Begins with the root row of the resource `root`, whose elements `put_slot`
    /// gives.
    pub fn new(
        table: &'t TablePlan,
        tree: &'t Tree<'t>,
        root: Value<'t>,
        lists: &'g mut RowLists<'t>,
    ) -> Self {
        lists.jobs.clear();
        lists.slots.clear();
        lists.numbers.clear();
        let mut gathered = Gathered { tree, lists, extensions: Vec::new() };
        gathered.push(table, None, &[], root, RowNumbers::default());
        gathered
    }

    /// How many rows there are.
    pub fn count(&self) -> usize {
        self.lists.jobs.len()
    }

    /// The row with that number.
    #[inline]
    pub fn row(&self, number: usize) -> GatheredRow<'_, 't> {
        let job = &self.lists.jobs[number];
        let slots = &self.lists.slots[job.first_slot..job.first_slot + job.table.slots.count];
        GatheredRow { number, job, slots, gathered: self }
    }

    /// The plan of a row's table.
    pub fn table(&self, number: usize) -> &'t TablePlan {
        self.lists.jobs[number].table
    }

    /// The numbers of a row.
    pub fn numbers(&self, number: usize) -> RowNumbers {
        self.lists.jobs[number].numbers.clone()
    }

    /// Puts a value into a row's slot; null empties it.
    #[inline]
    pub fn put_slot(&mut self, number: usize, slot: usize, value: Option<Value<'t>>) {
        let at = self.lists.jobs[number].first_slot + slot;
        self.lists.slots[at] = value.filter(|value| !value.is_null()).map_or(NOTHING, Value::index);
    }

    /// Gives rows the lists of extensions that they keep, in document order.
    pub fn keep_extensions(&mut self, mut extensions: Vec<(usize, Value<'t>)>) {
        extensions.sort_by_key(|(row, _)| *row);
        self.extensions = extensions;
    }

    fn push(
        &mut self,
        table: &'t TablePlan,
        child: Option<&'t ChildPlan>,
        constants: &'t [String],
        element: Value<'t>,
        numbers: RowNumbers,
    ) -> usize {
        let lists = &mut *self.lists;
        let first_slot = lists.slots.len();
        lists.slots.resize(first_slot + table.slots.count, NOTHING);
        lists.slots[first_slot + ITSELF] = element.index();
        lists.jobs.push(RowJob { table, child, constants, first_slot, numbers });
        lists.jobs.len() - 1
    }

    /// Adds a row of a child table with its elements; gives its number.
    pub fn push_child(
        &mut self,
        child: &'t ChildPlan,
        constants: &'t [String],
        element: Value<'t>,
        numbers: RowNumbers,
    ) -> Result<usize, ValueDefect> {
        if element.json_type() != JsonType::Object {
            return Err(ValueDefect::new(element, ValueDefectReason::ExpectedObject));
        }
        if self.lists.jobs.len() >= MAX_ROWS {
            return Err(ValueDefect::new(element, ValueDefectReason::TooMuch));
        }
        let row = self.push(&child.table, Some(child), constants, element, numbers);
        for member in element.members() {
            if let Some(Some(slot)) = child.table.slots.get(member.name()) {
                self.put_slot(row, slot, Some(member.value()));
            }
        }
        Ok(row)
    }
}

/// One of the gathered rows.
#[derive(Clone, Copy)]
pub(super) struct GatheredRow<'r, 't> {
    number: usize,
    job: &'r RowJob<'t>,
    slots: &'r [u32],
    gathered: &'r Gathered<'r, 't>,
}

impl<'r, 't> GatheredRow<'r, 't> {
    /// The plan of its table.
    #[inline]
    pub fn table(self) -> &'t TablePlan {
        self.job.table
    }

    /// The plan of its child table; `None` for the root row.
    pub fn child(self) -> Option<&'t ChildPlan> {
        self.job.child
    }

    /// The values of its constant columns.
    pub fn constants(self) -> &'t [String] {
        self.job.constants
    }

    /// The element that it is made of.
    pub fn element(self) -> Value<'t> {
        self.gathered.tree.value_at(self.slots[ITSELF])
    }

    /// What is in one of its slots; never null.
    #[inline]
    pub fn slot(self, slot: usize) -> Option<Value<'t>> {
        let index = self.slots[slot];
        (index != NOTHING).then(|| self.gathered.tree.value_at(index))
    }

    /// Whether all of these slots are empty.
    #[inline]
    pub fn are_empty(self, slots: &[u16]) -> bool {
        slots.iter().all(|slot| self.slots[usize::from(*slot)] == NOTHING)
    }

    /// Whether there is no element of that field.
    #[inline]
    pub fn is_absent(self, outline: FieldOutline, field: &Field) -> bool {
        match outline.slot {
            Some(slot) => self.slots[usize::from(slot)] == NOTHING,
            None => self.are_empty(&field.slots),
        }
    }

    /// The ordinals of the enclosing rows and its own.
    pub fn ordinals(self) -> &'r [Option<i32>] {
        &self.gathered.lists.numbers[self.job.numbers.ordinals.clone()]
    }

    /// The values of its columns of place.
    pub fn places(self) -> &'r [Option<i32>] {
        &self.gathered.lists.numbers[self.job.numbers.places.clone()]
    }

    /// The lists of extensions that it keeps, in document order.
    pub fn extensions(self) -> impl Iterator<Item = Value<'t>> {
        let all = &self.gathered.extensions;
        let first = all.partition_point(|(of, _)| *of < self.number);
        all[first..].iter().take_while(move |(of, _)| *of == self.number).map(|(_, list)| *list)
    }
}
