//! The parts of a plan: root tables, child tables, and the fields of their rows.

use super::slots::Slots;
use super::step::{ElementPath, PathStep};
use super::taken::TakenExtension;
use crate::datatype::Datatype;
use crate::json::NameId;
use crate::model::{GenericTable, Rows};

/// The plan of one root table with its child tables.
pub(in super::super) struct ResourcePlan {
    pub is_other: bool,
    pub is_patient: bool,
    /// Only resources with that string at that path have rows.
    pub condition: Option<(Vec<NameId>, String)>,
    /// The key of the resource's patient, among the columns in front.
    pub patient: Option<Field>,
    /// The key of the resource's encounter, likewise.
    pub encounter: Option<Field>,
    pub table: TablePlan,
    pub lists: Vec<ListPlan>,
}

/// A list whose items become rows of a generic table.
pub(in super::super) struct ListPlan {
    pub table: GenericTable,
    /// FHIR's name of the element, as the tables show it.
    pub element: String,
    pub path: ElementPath,
}

/// An element of a row and the columns that it is written to.
pub(in super::super) struct Field {
    /// The slots in which its values may stand.
    pub slots: Vec<u16>,
    /// Where they stand; alternatives in order, or the variants of a choice.
    pub paths: Vec<ElementPath>,
    /// Each path is a variant of a choice rather than an alternative.
    pub is_choice: bool,
    pub datatype: Box<dyn Datatype>,
    /// How many columns it has.
    pub width: usize,
    /// Which of its columns, from 0, are in an index.
    pub indexed: Vec<usize>,
}

impl Field {
    /// What is to be known of it where its elements are absent.
    pub fn outline(&self) -> FieldOutline {
        let only = self.slots.first().filter(|first| self.slots.iter().all(|slot| slot == *first));
        FieldOutline { slot: only.copied(), width: self.width }
    }
}

/// What is to be known of a field whose elements are absent, as most are. Those of a
/// table lie together in memory, unlike its fields.
#[derive(Clone, Copy)]
pub(in super::super) struct FieldOutline {
    /// The one slot in which its values stand; `None` if there are several.
    pub slot: Option<u16>,
    /// How many columns it has.
    pub width: usize,
}

/// The rows of one table.
pub(in super::super) struct TablePlan {
    /// The place among all tables.
    pub table: usize,
    pub column_count: i16,
    pub has_extension: bool,
    pub slots: Slots,
    pub fields: Vec<Field>,
    /// One for each field.
    pub outlines: Vec<FieldOutline>,
    pub children: Vec<ChildPlan>,
    /// Extensions that columns hold.
    pub taken_extensions: Vec<TakenExtension>,
}

/// The rows of a child table.
pub(in super::super) struct ChildPlan {
    pub rows: Rows,
    pub has_patient: bool,
    pub row_paths: Vec<RowPath>,
    /// The names of the columns of place.
    pub places: Vec<String>,
    pub table: TablePlan,
}

/// Where some rows of a child table come from.
pub(in super::super) struct RowPath {
    pub slot: usize,
    pub steps: Vec<PathStep>,
    pub constants: Vec<String>,
    /// The columns of place that the lists on the way give.
    pub enclosing: Vec<String>,
}
