//! *Verifying* views: whether the rows of a view are what its definition gives for the
//! archived resources. Of large tables, samples are verified.

use std::collections::BTreeMap;

use diesel::sql_types::{Array, BigInt, Text};
use diesel::{PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fhirmill_core::map::{KEY_OF_VIEW_ROWS, ViewTable};
use fhirmill_postgres::LoadError;
use fhirmill_postgres::ledger::AppliedView;

use crate::archive::Storage;
use crate::pipeline::archived_records::{Trust, open, read_selected};
use crate::pipeline::error::PipelineError;
use crate::pipeline::job::Job;
use crate::pipeline::worker::Worker;

/// The temporary table that the rows are written into, to be compared.
const TEMPORARY_TABLE: &str = "pg_temp.verified_view";

/// Verifies a view that is ready. Returns for how many resources the rows are others than
/// the definition gives. Files that cannot be read are left out.
pub fn verify_view(job: &Job<'_>, view: &AppliedView) -> Result<u64, PipelineError> {
    let mut connection = job.database.connect()?;
    let files = view.select_sample(&mut connection)?;
    let ViewTable { table, definition } = view.table();
    let mut worker = None;
    let mut different = 0;
    let storage = Storage::of(job.settings);
    for file in &files {
        let Ok(archived) = open(file, &storage, Trust::Archive) else { continue };
        let positions = file.positions(&mut connection)?;
        let read = read_selected(job, (file, archived), positions, &mut |batch, _| {
            let worker = match &mut worker {
                Some(worker) => worker,
                none => none.insert(begin(job, (&table, &definition))?),
            };
            let written = worker.fill(batch, &mut |connection, keys| {
                let stored = rows(connection, &table, keys)?;
                let wanted = rows(connection, TEMPORARY_TABLE, keys)?;
                different += keys.iter().filter(|key| stored.get(key) != wanted.get(key)).count() as u64;
                Err(LoadError::Withheld)
            });
            match written {
                Err(LoadError::Withheld) => Ok(()),
                other => other,
            }
        });
        // The check of the archive says what is wrong with the file.
        read?;
    }
    Ok(different)
}

/// A worker that writes the rows into a temporary table instead.
fn begin(job: &Job<'_>, (table, definition): (&str, &str)) -> Result<Worker, LoadError> {
    let instead = ViewTable { table: TEMPORARY_TABLE.to_owned(), definition: definition.to_owned() };
    let mut worker = Worker::for_views(job, &[instead])?;
    let create = format!("create temporary table verified_view (like {table} including defaults)");
    sql_query(create).execute(worker.connection())?;
    Ok(worker)
}

#[derive(QueryableByName)]
struct Rows {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = Array<Text>)]
    rows: Vec<String>,
}

/// The rows of these resources, each as text.
fn rows(
    connection: &mut PgConnection,
    table: &str,
    keys: &[i64],
) -> Result<BTreeMap<i64, Vec<String>>, LoadError> {
    let query = format!(
        "select {KEY_OF_VIEW_ROWS} as id, array_agg(w::text order by w::text collate \"C\") as rows \
         from {table} w where {KEY_OF_VIEW_ROWS} = any($1) group by 1"
    );
    let rows: Vec<Rows> = sql_query(query).bind::<Array<BigInt>, _>(keys).load(connection)?;
    Ok(rows.into_iter().map(|rows| (rows.id, rows.rows)).collect())
}
