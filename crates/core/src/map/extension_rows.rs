//! Gives each list of extensions to the row that keeps it.

use std::cmp::Reverse;

use super::plan::ResourcePlan;
use super::rows::Gathered;
use crate::json::Value;
use crate::model::GenericTable;

/// Gives each list of extensions to the innermost row whose element it is in.
/// Rows of the generic table of telecoms keep their own.
pub(super) fn give_extensions<'t>(
    lists: &[Value<'t>],
    resource: &ResourcePlan,
    gathered: &mut Gathered<'_, 't>,
) {
    if lists.is_empty() {
        return;
    }
    let telecoms = resource.lists.iter().filter(|list| list.table == GenericTable::Telecom);
    let telecoms: Vec<Value<'t>> =
        telecoms.filter_map(|telecoms| gathered.row(0).slot(telecoms.path.slot)).collect();
    let is_of_telecom =
        |list: &&Value<'t>| telecoms.iter().any(|telecom| telecom.extent().contains(&list.index()));
    // Rows are nested as their elements are. Those around a list are on a stack,
    // the innermost on top.
    let element = |row: usize| gathered.row(row).element();
    let mut rows: Vec<usize> =
        (0..gathered.count()).filter(|row| gathered.table(*row).has_extension).collect();
    rows.sort_by_key(|row| {
        let extent = element(*row).extent();
        (extent.start, Reverse(extent.end), Reverse(*row))
    });
    let mut rows = rows.into_iter().peekable();
    let mut around: Vec<usize> = Vec::new();
    let mut kept = Vec::new();
    for list in lists.iter().filter(|list| !is_of_telecom(list)) {
        while let Some(row) = rows.next_if(|row| element(*row).index() <= list.index()) {
            around.push(row);
        }
        while around.pop_if(|row| !element(*row).extent().contains(&list.index())).is_some() {}
        if let Some(innermost) = around.last() {
            kept.push((*innermost, *list));
        }
    }
    gathered.keep_extensions(kept);
}
