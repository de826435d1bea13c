//! A *field* is an element of a row and the columns that it is written to.
//! Fields are written in the order of their columns, each by its datatype; what is
//! not there is null.

use std::mem;

use super::extension::{self, Lists};
use super::plan::Field;
use super::reference::Resolver;
use super::route::follow;
use super::rows::Gathered;
use crate::datatype::{self, Row, Timezone, ValueDefect, ValueDefectReason};
use crate::json::{self, Tree, Value};
use crate::rows::RowBuffer;

/// Writes the fields of one resource's rows.
pub(super) struct FieldWriter<'w, 't> {
    pub tree: &'t Tree<'t>,
    pub timezone: Timezone,
    pub resolver: Resolver<'w>,
    /// Whether a field that does not fit is left out, because types without a
    /// declaration use the same name for other things.
    pub is_lenient: bool,
    /// Of the field that is being written; memory to use again.
    pub elements: Vec<Value<'t>>,
}

impl<'t> FieldWriter<'_, 't> {
    /// Writes the columns of all of a row's elements, and of its extensions.
    pub fn all(
        &mut self,
        buffer: &mut RowBuffer,
        gathered: &Gathered<'_, 't>,
        lists: &Lists<'t>,
        job: usize,
    ) -> Result<(), ValueDefect> {
        let table = gathered.jobs()[job].table;
        // Most elements are not there: their columns are written in one go.
        let mut absent = 0;
        for field in &table.fields {
            if gathered.are_empty(job, &field.slots) {
                absent += field.width;
                continue;
            }
            buffer.nulls(mem::take(&mut absent));
            self.present(buffer, field, gathered, job)?;
        }
        buffer.nulls(absent);
        if table.has_extension {
            let element = gathered.element(job);
            match extension::gather(element, gathered.extensions(job), lists, &table.taken_extensions)? {
                Some(json) => buffer.jsonb(&[&json]),
                None => buffer.null(),
            }
        }
        Ok(())
    }

    /// Writes the columns of one field.
    pub fn one(
        &mut self,
        buffer: &mut RowBuffer,
        field: &Field,
        gathered: &Gathered<'_, 't>,
        job: usize,
    ) -> Result<(), ValueDefect> {
        if gathered.are_empty(job, &field.slots) {
            buffer.nulls(field.width);
            return Ok(());
        }
        self.present(buffer, field, gathered, job)
    }

    fn present(
        &mut self,
        buffer: &mut RowBuffer,
        field: &Field,
        gathered: &Gathered<'_, 't>,
        job: usize,
    ) -> Result<(), ValueDefect> {
        let root = self.tree.root();
        self.elements.clear();
        for place in &field.places {
            let before = self.elements.len();
            if let Some(start) = gathered.slot(job, place.slot) {
                follow(start, &place.steps, root, &mut self.elements);
            }
            if field.is_choice {
                // One element for each variant; null stands for none.
                self.elements.truncate(before + 1);
                if self.elements.len() == before {
                    self.elements.push(json::nothing());
                }
            } else if !self.elements.is_empty() {
                break;
            }
        }
        let mark = buffer.mark();
        let row = &mut Row { buffer: &mut *buffer, references: &mut self.resolver, timezone: self.timezone };
        let mut written = field.datatype.write(&self.elements, row);
        if written.is_ok() && buffer.has_long_text(mark, &field.indexed, datatype::MAX_INDEXED_BYTES) {
            let at =
                self.elements.iter().find(|element| !element.is_null()).map_or(0, |element| element.index());
            written = Err(ValueDefect { reason: ValueDefectReason::TooLongForIndex, at });
        }
        if written.is_err() && self.is_lenient {
            buffer.truncate(mark);
            buffer.nulls(field.width);
            return Ok(());
        }
        written
    }
}
