//! Writes the *fields* of a row: its elements, in the order of their columns,
//! each by its datatype. Absent elements are null.

use std::mem;

use super::extension::{self, Lists};
use super::plan::Field;
use super::reference::Resolver;
use super::route::follow;
use super::rows::GatheredRow;
use crate::datatype::{self, Row, Timezone, ValueDefect, ValueDefectReason};
use crate::json::{self, Tree, Value};
use crate::rows::RowBuffer;

/// Writes the fields of one resource's rows.
pub(super) struct FieldWriter<'w, 't> {
    pub tree: &'t Tree<'t>,
    pub timezone: Timezone,
    pub resolver: Resolver<'w>,
    /// Values that do not fit are left out, since types without a declaration
    /// may use the same names for something else.
    pub is_lenient: bool,
    /// The values of the field that is being written; memory for reuse.
    pub elements: Vec<Value<'t>>,
    /// The indexes of values that R4 spells otherwise.
    pub coerced: Vec<u32>,
}

impl<'t> FieldWriter<'_, 't> {
    /// Writes the columns of all of a row's elements, and of its extensions.
    /// `lists` are those of the resource.
    pub fn all(
        &mut self,
        buffer: &mut RowBuffer,
        row: GatheredRow<'_, 't>,
        lists: &Lists<'t>,
    ) -> Result<(), ValueDefect> {
        let table = row.table();
        // Most elements are absent: their columns are written together.
        let mut absent = 0;
        for (outline, field) in table.outlines.iter().zip(&table.fields) {
            if row.is_absent(*outline, field) {
                absent += outline.width;
                continue;
            }
            buffer.absent(mem::take(&mut absent));
            self.present(buffer, field, row)?;
        }
        buffer.absent(absent);
        if table.has_extension {
            match extension::gather(row.element(), row.extensions(), lists, &table.taken_extensions)? {
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
        row: GatheredRow<'_, 't>,
    ) -> Result<(), ValueDefect> {
        match row.are_empty(&field.slots) {
            true => {
                buffer.absent(field.width);
                Ok(())
            }
            false => self.present(buffer, field, row),
        }
    }

    /// Writes the columns of a field of which some slot is not empty.
    fn present(
        &mut self,
        buffer: &mut RowBuffer,
        field: &Field,
        row: GatheredRow<'_, 't>,
    ) -> Result<(), ValueDefect> {
        self.find_elements(field, row);
        let mark = buffer.mark();
        let columns = &mut Row {
            buffer: &mut *buffer,
            references: &mut self.resolver,
            timezone: self.timezone,
            coerced: &mut self.coerced,
        };
        let mut written = field.datatype.write(&self.elements, columns);
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

    /// Finds the values of the field: those on the first path that leads to any,
    /// or one for each variant of a choice.
    #[inline]
    fn find_elements(&mut self, field: &Field, row: GatheredRow<'_, 't>) {
        let root = self.tree.root();
        self.elements.clear();
        for path in &field.paths {
            let before = self.elements.len();
            if let Some(start) = row.slot(path.slot) {
                follow(start, &path.steps, root, &mut self.elements);
            }
            if field.is_choice {
                // Null stands for a variant that is absent.
                self.elements.truncate(before + 1);
                if self.elements.len() == before {
                    self.elements.push(json::nothing());
                }
            } else if !self.elements.is_empty() {
                break;
            }
        }
    }
}
