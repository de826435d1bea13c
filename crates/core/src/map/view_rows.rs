//! Writes the rows of views in COPY's binary form: with the keys that all other tables
//! have, or with texts where there is no database.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::chunk::TableBuffers;
use super::plan::ViewPlan;
use super::reference::Resolver;
use super::view_keys::key_text;
use crate::datatype::{Expected, References, Timezone, moment};
use crate::fhir::ResourceType;
use crate::json::Value;
use crate::rows::{MAX_VALUE_BYTES, Mark, RowBuffer, Target};
use crate::views::{self, Cell, ColumnType, Fault, Item, Refused, RowSink, View, ViewColumn, ViewKeys};

/// The keys of one resource and of what it refers to.
struct ResolvedKeys<'k, 'r> {
    resource: Target,
    resolver: &'k mut Resolver<'r>,
}

impl ViewKeys for ResolvedKeys<'_, '_> {
    fn of_resource(&mut self) -> Option<Target> {
        Some(self.resource)
    }

    fn of_reference(&mut self, reference: Value<'_>, expected: Option<ResourceType>) -> Option<Target> {
        self.resolver.resolve(reference, Expected::AnyKey(expected)).ok()?.target
    }

    fn text(&self, key: Target) -> String {
        key_text(self.resolver.targets, key)
    }
}

/// Writes the rows of a resource in a view. After a fault it has none.
pub(super) fn write_rows(
    plan: &ViewPlan,
    (root, target): (Value<'_>, Target),
    buffers: &mut TableBuffers,
    resolver: &mut Resolver<'_>,
    timezone: Timezone,
) -> Result<(), Fault> {
    let buffer = buffers.of(plan.table);
    let (mark, start) = (buffer.mark(), buffer.len());
    let mut keys = ResolvedKeys { resource: target, resolver };
    let cells = CellWriter { buffer, timezone, key_form: KeyForm::Target };
    let mut sink = TableSink { view: &plan.view, target, start, cells };
    let written = views::run(&plan.view, root, &mut keys, &mut sink);
    if written.is_err() {
        buffers.of(plan.table).truncate(mark);
    }
    written
}

/// Writes rows of a table that fhirmill loads.
struct TableSink<'s> {
    view: &'s View,
    target: Target,
    /// The bytes of the table before the resource.
    start: usize,
    cells: CellWriter<'s>,
}

/// With so many values at most, a row always fits a page of Postgres: each takes up to 24 bytes,
/// since longer ones are moved out of the row.
const MAX_FILLED: usize = 320;
/// A page of 8 kB without its head, the row's head, and the bits that tell nulls.
const PAGE_BYTES: usize = 7900;

/// Whether the row fits a page of Postgres, whatever its values are.
fn fits_page(columns: &[ViewColumn], cells: &[Cell<'_>]) -> bool {
    let bytes = columns.iter().zip(cells).map(|(column, cell)| match (cell, column.column_type) {
        (Cell::Empty, _) => 0,
        (
            Cell::One(_),
            ColumnType::Boolean
            | ColumnType::Integer
            | ColumnType::BigInteger
            | ColumnType::Date
            | ColumnType::Timestamp
            | ColumnType::Time
            | ColumnType::Key,
        ) => 8,
        _ => 24,
    });
    bytes.sum::<usize>() <= PAGE_BYTES
}

impl<'t> RowSink<'t> for TableSink<'_> {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused> {
        if cells.len() > MAX_FILLED && !fits_page(&self.view.columns, cells) {
            return Err(Refused::TooWide);
        }
        self.cells.buffer.begin_row(cells.len() as i16 + 1);
        self.cells.buffer.key(self.target);
        self.cells.row(&self.view.columns, cells, keys)
    }

    fn pending_bytes(&self) -> usize {
        self.cells.buffer.len() - self.start
    }
}

/// Collects the rows of a view in COPY's binary form where there is no database: the view's own
/// columns, with keys as texts, `Type/id`.
pub struct ViewRows {
    columns: Vec<ViewColumn>,
    timezone: Timezone,
    buffer: RowBuffer,
    /// Where the last complete resource ends.
    complete: Mark,
    complete_bytes: usize,
}

impl ViewRows {
    /// For rows of that view. Times without a time zone are in `timezone`.
    pub fn new(view: &View, timezone: Timezone) -> Self {
        let buffer = RowBuffer::default();
        let (columns, complete) = (view.columns.clone(), buffer.mark());
        ViewRows { columns, timezone, buffer, complete, complete_bytes: 0 }
    }

    /// Keeps the rows since the last call, and returns all that are kept.
    pub fn keep(&mut self) -> &[u8] {
        self.complete = self.buffer.mark();
        self.complete_bytes = self.buffer.len();
        self.buffer.as_bytes()
    }

    /// Forgets the rows since the last `keep`.
    pub fn forget(&mut self) {
        self.buffer.truncate(self.complete);
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.complete = self.buffer.mark();
        self.complete_bytes = 0;
    }
}

impl<'t> RowSink<'t> for ViewRows {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), Refused> {
        self.buffer.begin_row(cells.len() as i16);
        let (buffer, timezone) = (&mut self.buffer, self.timezone);
        CellWriter { buffer, timezone, key_form: KeyForm::Text }.row(&self.columns, cells, keys)
    }

    fn pending_bytes(&self) -> usize {
        self.buffer.len() - self.complete_bytes
    }
}

/// What a key is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyForm {
    /// The number that the registry gives for the target later.
    Target,
    /// `Type/id`
    Text,
}

struct CellWriter<'b> {
    buffer: &'b mut RowBuffer,
    timezone: Timezone,
    key_form: KeyForm,
}

impl CellWriter<'_> {
    /// Writes the cells of a row, up to one whose value does not have its column's type.
    fn row(
        &mut self,
        columns: &[ViewColumn],
        cells: &[Cell<'_>],
        keys: &dyn ViewKeys,
    ) -> Result<(), Refused> {
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            self.cell(column, cell, keys).ok_or(Refused::Value(place))?;
        }
        Ok(())
    }

    /// `None` if the value does not have the column's type.
    fn cell(&mut self, column: &ViewColumn, cell: &Cell<'_>, keys: &dyn ViewKeys) -> Option<()> {
        match cell {
            Cell::Empty => self.buffer.null(),
            Cell::One(item) => return self.item(column.column_type, item, keys),
            Cell::Many(items) if column.column_type == ColumnType::Text => {
                let texts: Vec<Option<Cow<'_, str>>> =
                    items.iter().map(|item| Some(text(item, keys))).collect();
                if texts.iter().flatten().map(|text| text.len()).sum::<usize>() > MAX_VALUE_BYTES {
                    return None;
                }
                self.buffer.text_array(&texts);
            }
            Cell::Many(items) => {
                let mut json = String::from("[");
                for (number, item) in items.iter().enumerate() {
                    let comma = if number > 0 { "," } else { "" };
                    let _ = write!(json, "{comma}{}", json_of(item, keys));
                }
                json.push(']');
                self.json(&json)?;
            }
        }
        Some(())
    }

    fn item(&mut self, column_type: ColumnType, item: &Item<'_>, keys: &dyn ViewKeys) -> Option<()> {
        let buffer = &mut *self.buffer;
        match column_type {
            ColumnType::Boolean => buffer.boolean(item.boolean()?),
            ColumnType::Integer => buffer.integer(item.digits()?.parse().ok()?),
            ColumnType::BigInteger => {
                let digits = item.digits().or_else(|| item.text())?;
                buffer.bigint(digits.parse().ok()?);
            }
            ColumnType::Decimal => buffer.numeric(&item.digits()?).ok()?,
            ColumnType::Text => {
                let text = text(item, keys);
                if text.len() > MAX_VALUE_BYTES {
                    return None;
                }
                buffer.text(&text);
            }
            ColumnType::Date => {
                let text = item.text()?;
                buffer.date(moment::date(text.split('T').next()?)?.start);
            }
            ColumnType::Timestamp => {
                buffer.timestamptz(moment::date_time(&item.text()?, self.timezone)?.start);
            }
            ColumnType::Time => buffer.time(moment::time(&item.text()?)?),
            ColumnType::Bytes => buffer.bytes(&STANDARD.decode(item.text()?.as_bytes()).ok()?),
            ColumnType::Key => match (item, self.key_form) {
                (Item::Key(key), KeyForm::Target) => buffer.key(*key),
                (Item::Key(key), KeyForm::Text) => buffer.text(&keys.text(*key)),
                _ => return None,
            },
            ColumnType::Json => {
                let json = json_of(item, keys);
                self.json(&json)?;
            }
        }
        Some(())
    }

    fn json(&mut self, json: &str) -> Option<()> {
        if json.len() > MAX_VALUE_BYTES {
            return None;
        }
        self.buffer.jsonb(&[json]);
        Some(())
    }
}

/// The characters of a simple value, or the JSON of an object.
fn text<'i>(item: &Item<'i>, keys: &dyn ViewKeys) -> Cow<'i, str> {
    match item {
        Item::Key(key) => Cow::Owned(keys.text(*key)),
        _ => item.text().or_else(|| item.digits()).unwrap_or_else(|| json_of(item, keys)),
    }
}

/// An item as JSON.
fn json_of<'i>(item: &Item<'i>, keys: &dyn ViewKeys) -> Cow<'i, str> {
    match item {
        Item::Value(value) => Cow::Borrowed(value.raw()),
        Item::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Item::Number(number) => Cow::Owned(number.to_string()),
        Item::Text(text) => Cow::Owned(serde_json::Value::from(text.as_ref()).to_string()),
        Item::Key(key) => Cow::Owned(serde_json::Value::from(keys.text(*key)).to_string()),
    }
}
