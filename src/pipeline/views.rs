//! Tables that users declare: the plan that fills them with every batch, and filling
//! them from the archive.

use std::sync::Arc;

use diesel::PgConnection;
use fhirmill_core::map::Plan;
use fhirmill_core::views::View;
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::{self, AppliedView};

use super::error::PipelineError;
use super::job::Job;
use super::remap::{Remapped, fill};

/// The built-in plan with the views that are applied, whose tables stay as they are
/// until the connection is closed.
pub(super) fn plan(connection: &mut PgConnection) -> Result<Arc<Plan>, LoadError> {
    let tables = ledger::view_tables(connection)?;
    if tables.is_empty() {
        return Ok(Plan::built_in());
    }
    Plan::with_views(&tables).map(Arc::new).map_err(|error| LoadError::View(error.to_string()))
}

/// Fills the table of a view from the archive, and puts it in the place of the table
/// of the version before.
pub fn fill_view(job: &Job<'_>, applied: &AppliedView, view: &View) -> Result<Remapped, PipelineError> {
    let mut connection = job.database.connect()?;
    let filled = fill(job, &mut connection, applied)?;
    if filled.missing_files == 0 {
        applied.complete(&mut connection, view, filled.resources).map_err(LoadError::from)?;
    }
    Ok(filled)
}
