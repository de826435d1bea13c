//! Tables that users declare: the plan that fills them with every batch, and filling
//! them from the archive.

mod definitions;
mod fill;
mod verify;

use std::sync::Arc;

use diesel::PgConnection;
use fhirmill_core::map::Plan;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::{self, AppliedView};

pub use definitions::{follow_definitions, read_definition};
pub use fill::{FillEnd, fill_view};
pub use verify::verify_view;

use super::error::PipelineError;
use super::job::Job;

/// The built-in plan with the views that are applied, whose tables stay as they are
/// until the connection is closed or gives way.
pub(super) fn plan(connection: &mut PgConnection) -> Result<Arc<Plan>, LoadError> {
    ledger::lock_views(connection).map_err(LoadError::from)?;
    plan_of_locked(connection)
}

/// The same of tables that stay as they are already.
pub(super) fn plan_of_locked(connection: &mut PgConnection) -> Result<Arc<Plan>, LoadError> {
    let tables: Vec<_> = AppliedView::list(connection)?.iter().map(AppliedView::table).collect();
    if tables.is_empty() {
        return Ok(Plan::built_in());
    }
    Plan::with_views(&tables).map(Arc::new).map_err(|error| LoadError::View(error.to_string()))
}

/// Fills all views whose filling is not complete, unless another process fills them.
/// Returns how each ended, by name.
pub fn fill_pending(
    job: &Job<'_>,
    connection: &mut PgConnection,
) -> Result<Vec<(String, FillEnd)>, PipelineError> {
    let mut ends = Vec::new();
    for view in AppliedView::filling(connection)? {
        if job.cancel.is_cancelled() {
            break;
        }
        ends.push((view.name.clone(), fill_view(job, &view)?));
    }
    Ok(ends)
}
