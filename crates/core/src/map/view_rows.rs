//! Writes the rows of views in COPY's binary form, with the keys that all other tables
//! have.

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
use crate::rows::{MAX_VALUE_BYTES, RowBuffer, Target};
use crate::views::{self, Cell, ColumnType, Fault, Item, RowSink, View, ViewColumn, ViewKeys};

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
    let mark = buffer.mark();
    let mut keys = ResolvedKeys { resource: target, resolver };
    let mut sink = CopySink { view: &plan.view, target, timezone, buffer };
    let written = views::run(&plan.view, root, &mut keys, &mut sink);
    if written.is_err() {
        buffers.of(plan.table).truncate(mark);
    }
    written
}

struct CopySink<'s> {
    view: &'s View,
    target: Target,
    timezone: Timezone,
    buffer: &'s mut RowBuffer,
}

impl<'t> RowSink<'t> for CopySink<'_> {
    fn row(&mut self, cells: &[Cell<'t>], keys: &dyn ViewKeys) -> Result<(), usize> {
        self.buffer.begin_row(cells.len() as i16 + 1);
        self.buffer.key(self.target);
        for (place, (column, cell)) in self.view.columns.iter().zip(cells).enumerate() {
            self.cell(column, cell, keys).ok_or(place)?;
        }
        Ok(())
    }
}

impl CopySink<'_> {
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
            ColumnType::Key => match item {
                Item::Key(key) => buffer.key(*key),
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
    item.text().or_else(|| item.digits()).unwrap_or_else(|| json_of(item, keys))
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
