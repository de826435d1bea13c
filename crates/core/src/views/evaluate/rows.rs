//! Makes the rows of a resource: the combinations of all parts of a select.

use super::super::program::{ColumnCell, Iteration, Located, Part, Select, View};
use super::expression::{each, few, truth};
use super::item::{Cell, Few, Item};
use super::{Context, Fault, FaultReason, Stop, ViewKeys};
use crate::json::{Value, nothing};

/// The most rows of one resource: lists are combined with each other, so that a few
/// bytes can mean very many.
pub(super) const MAX_ROWS: u32 = 250_000;
/// The most parts that are visited for them.
const MAX_VISITS: u32 = 4 * MAX_ROWS;
/// The most bytes that the rows of one resource have in memory.
pub(super) const MAX_ROW_BYTES: usize = 128 << 20;
/// `repeat` descends at most as deep as JSON is parsed.
const MAX_DEPTH: usize = 512;

/// Receives the rows of a view.
pub trait RowSink<'t> {
    /// One row: a cell for each column, in their order.
    ///
    /// # Errors
    ///
    /// Why the row is not taken.
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused>;

    /// The bytes of the rows of the resource so far.
    fn pending_bytes(&self) -> usize;
}

/// Why a sink does not take a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The value of that column, by its number, does not have the column's type.
    Value(usize),
    /// It has more values than the sink can hold.
    TooWide,
}

/// Passes on the rows that a resource has in the view, whose type it must have.
///
/// # Errors
///
/// The resource does not fit the view. Some of its rows may have been passed on.
pub fn run<'t>(
    view: &'t View,
    resource: Value<'t>,
    keys: &mut dyn ViewKeys,
    sink: &mut dyn RowSink<'t>,
) -> Result<(), Fault> {
    let focus = Item::Value(resource);
    let mut context = Context { resource, row_index: 0, steps: 0, keys };
    for condition in &view.conditions {
        let holds = located(condition, truth(&condition.expression, &focus, &mut context))?;
        if holds != Some(true) {
            return Ok(());
        }
    }
    let mut cells = Vec::new();
    cells.resize_with(view.columns.len(), || Cell::Empty);
    let mut rows = Rows { view, context, cells, count: 0, visits: 0, sink };
    rows.parts(&view.parts, &focus, None)
}

/// What remains to be done of the selects around the current one.
struct Rest<'r, 't> {
    parts: &'t [Part],
    focus: &'r Item<'t>,
    row_index: u32,
    outer: Option<&'r Rest<'r, 't>>,
}

struct Rows<'r, 't> {
    view: &'t View,
    context: Context<'r, 't>,
    cells: Vec<Cell<'t>>,
    count: u32,
    visits: u32,
    sink: &'r mut dyn RowSink<'t>,
}

impl<'t> Rows<'_, 't> {
    /// Combines the parts with each other and with the rest.
    fn parts(
        &mut self,
        parts: &'t [Part],
        focus: &Item<'t>,
        rest: Option<&Rest<'_, 't>>,
    ) -> Result<(), Fault> {
        self.visits += 1;
        if self.visits > MAX_VISITS {
            return Err(of_all(FaultReason::TooManyRows));
        }
        let mut parts = parts;
        while let Some((Part::Columns(columns), further)) = parts.split_first() {
            for column in columns {
                self.cells[column.place] = self.cell(column, focus)?;
            }
            parts = further;
        }
        let Some((part, further)) = parts.split_first() else {
            return match rest {
                Some(rest) => {
                    let row_index = std::mem::replace(&mut self.context.row_index, rest.row_index);
                    let done = self.parts(rest.parts, rest.focus, rest.outer);
                    self.context.row_index = row_index;
                    done
                }
                None => self.row(),
            };
        };
        match part {
            // They are done.
            Part::Columns(_) => Ok(()),
            Part::Select(select) => self.select(select, further, focus, rest),
            Part::Union(branches) => {
                branches.iter().try_for_each(|branch| self.select(branch, further, focus, rest))
            }
        }
    }

    fn select(
        &mut self,
        select: &'t Select,
        further: &'t [Part],
        focus: &Item<'t>,
        rest: Option<&Rest<'_, 't>>,
    ) -> Result<(), Fault> {
        let row_index = self.context.row_index;
        let rest = Rest { parts: further, focus, row_index, outer: rest };
        let parts = &select.parts;
        match &select.iteration {
            None => return self.parts(parts, focus, Some(&rest)),
            Some(Iteration::ForEach { source, or_null }) => {
                let items = located(source, few(&source.expression, focus, &mut self.context))?;
                for (index, item) in (0..).zip(items.as_slice()) {
                    self.context.row_index = index;
                    self.parts(parts, item, Some(&rest))?;
                }
                if items.as_slice().is_empty() && *or_null {
                    self.context.row_index = 0;
                    self.parts(parts, &Item::Value(nothing()), Some(&rest))?;
                }
            }
            Some(Iteration::Repeat(sources)) => {
                let mut found = Vec::new();
                self.descend(sources, focus, 0, &mut found)?;
                for (index, item) in (0..).zip(&found) {
                    self.context.row_index = index;
                    self.parts(parts, item, Some(&rest))?;
                }
            }
        }
        self.context.row_index = row_index;
        Ok(())
    }

    /// Everything that the paths lead to, again and again, each item before what it
    /// leads to itself.
    fn descend(
        &mut self,
        sources: &'t [Located],
        focus: &Item<'t>,
        depth: usize,
        found: &mut Vec<Item<'t>>,
    ) -> Result<(), Fault> {
        for source in sources {
            let fault = |reason| Fault { path: source.path.clone(), reason };
            if depth == MAX_DEPTH {
                return Err(fault(FaultReason::Endless));
            }
            let items = located(source, few(&source.expression, focus, &mut self.context))?;
            for item in items.as_slice() {
                if found.len() >= MAX_ROWS as usize {
                    return Err(fault(FaultReason::TooManyRows));
                }
                found.push(item.clone());
                self.descend(sources, item, depth + 1, found)?;
            }
        }
        Ok(())
    }

    fn cell(&mut self, column: &'t ColumnCell, focus: &Item<'t>) -> Result<Cell<'t>, Fault> {
        let source = &column.source;
        if column.is_collection {
            let mut items = Vec::new();
            let walked = each(&source.expression, focus, &mut self.context, &mut |item, _| {
                items.push(item);
                Ok(())
            });
            located(source, walked)?;
            return Ok(Cell::Many(items));
        }
        match located(source, few(&source.expression, focus, &mut self.context))? {
            Few::None => Ok(Cell::Empty),
            Few::One(item) => Ok(Cell::One(item)),
            Few::Many(_) => Err(Fault { path: source.path.clone(), reason: FaultReason::SeveralValues }),
        }
    }

    fn row(&mut self) -> Result<(), Fault> {
        self.count += 1;
        if self.count > MAX_ROWS {
            return Err(of_all(FaultReason::TooManyRows));
        }
        self.sink.row(&self.cells, self.context.keys).map_err(|refused| match refused {
            Refused::Value(column) => {
                Fault { path: self.view.columns[column].path.clone(), reason: FaultReason::NotOfType }
            }
            Refused::TooWide => of_all(FaultReason::TooWide),
        })?;
        if self.sink.pending_bytes() > MAX_ROW_BYTES { Err(of_all(FaultReason::TooLarge)) } else { Ok(()) }
    }
}

/// A fault of all selects together.
fn of_all(reason: FaultReason) -> Fault {
    Fault { path: "select".to_owned(), reason }
}

/// The result with the place of the expression that it is of.
fn located<T>(source: &Located, result: Result<T, Stop>) -> Result<T, Fault> {
    result.map_err(|stop| Fault {
        path: source.path.clone(),
        reason: match stop {
            Stop::Fault(reason) => reason,
            // Nobody stops these walks early.
            Stop::Enough => FaultReason::SeveralOperands,
        },
    })
}
