//! A view instead of all tables: what a ViewDefinition of SQL on FHIR declares.

use std::sync::Arc;

use arrow_schema::{ArrowError, Field, Schema};
use fhirmill_arrow::NUMBER_SUFFIX;
use fhirmill_core::json::Dictionary;
use fhirmill_core::map::{Plan, ViewTable, view_columns};
use fhirmill_core::views::{View, render};

use crate::engine::Spooled;
use crate::table::Table;

/// The name of a view that has none.
const UNNAMED: &str = "view";

/// From the view's table in the plan to the columns of its definition.
pub struct Projection {
    name: String,
    /// The names of columns in the table, with those in the definition.
    names: Vec<(String, String)>,
}

/// The plan of the view alone.
///
/// # Errors
/// All mistakes of the definition, for people.
pub fn plan(text: &str) -> Result<(Arc<Plan>, Projection), String> {
    let view = View::compile(text, &mut Dictionary::new()).map_err(|found| {
        let rendered = found.iter().map(|diagnostic| render(diagnostic, "definition", text));
        rendered.collect::<Vec<_>>().join("\n")
    })?;
    let name = view.name.clone().unwrap_or_else(|| UNNAMED.to_owned());
    let table = ViewTable { table: name.clone(), definition: text.to_owned() };
    let plan = Plan::of_views(&[table]).map_err(|error| error.to_string())?;
    // The first column of the table is the key of the resource.
    let in_table = view_columns(&view).into_iter().skip(1).map(|column| column.name);
    let names = in_table.zip(view.columns.iter().map(|column| column.name.clone())).collect();
    Ok((Arc::new(plan), Projection { name, names }))
}

impl Projection {
    /// The view's own columns, under their own names, of what was read by the plan.
    ///
    /// # Errors
    /// The batches cannot be read.
    pub fn table(&self, mut tables: Vec<Spooled>) -> Result<Table, ArrowError> {
        // The view is the last table of the plan.
        let Some(read) = tables.pop() else {
            return Ok(Table::of_batches(&self.name, Arc::new(Schema::empty()), Vec::new()));
        };
        let fields: Vec<Field> =
            read.schema().fields().iter().skip(1).map(|field| self.named(field)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, read.schema().metadata().clone()));
        let batches = read.batches()?.map(|batch| {
            let (_, columns, rows) = batch?.into_parts();
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
            let columns = columns.into_iter().skip(1).collect();
            arrow_array::RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)
        });
        let batches = batches.collect::<Result<Vec<_>, _>>()?;
        Ok(Table::of_batches(&self.name, Arc::clone(&schema), batches))
    }

    fn named(&self, field: &Field) -> Field {
        let renamed =
            |(in_table, own): &(String, String)| match field.name().strip_prefix(in_table.as_str())? {
                "" => Some(own.clone()),
                NUMBER_SUFFIX => Some(format!("{own}{NUMBER_SUFFIX}")),
                _ => None,
            };
        let is_exact = |(in_table, _): &&(String, String)| in_table == field.name();
        let name = self.names.iter().find(is_exact).map(|(_, own)| own.clone());
        let name = name.or_else(|| self.names.iter().find_map(renamed));
        field.clone().with_name(name.unwrap_or_else(|| field.name().clone()))
    }
}
