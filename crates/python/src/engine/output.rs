//! The *output*: rows of finished batches as record batches, table by table.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use fhirmill_arrow::{BatchLimits, DecodeError, Decoder, Key, KeyForm, Keys, SchemaError, TableSchema};
use fhirmill_core::map::{Plan, RowBatch};

use super::registry::Bearer;
use super::spool::{Spool, Spooled, Voids};
use super::staging::RECORD;

/// The number that stands for the source in columns `source_id`.
const SOURCE_ID: i16 = 1;

/// Why rows cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Schema(#[from] SchemaError),
    #[error(transparent)]
    Arrow(#[from] ArrowError),
}

/// See the module.
pub struct Output {
    tables: Vec<Arc<TableSchema>>,
    decoders: Vec<Option<Decoder>>,
    spools: Vec<Spool>,
    voids: Voids,
}

/// The schemas of all tables of the plan.
///
/// # Errors
/// Two columns have the same name.
pub fn schemas(plan: &Plan) -> Result<Vec<Arc<TableSchema>>, SchemaError> {
    plan.tables.iter().map(|table| TableSchema::of_model(table, KeyForm::Hash).map(Arc::new)).collect()
}

impl Output {
    pub fn new(tables: Vec<Arc<TableSchema>>, on_disk: bool, is_staged: bool) -> Self {
        let schema = |table: &Arc<TableSchema>| match is_staged {
            true => staged_schema(table.arrow()),
            false => Arc::clone(table.arrow()),
        };
        Output {
            decoders: tables.iter().map(|_| None).collect(),
            spools: tables.iter().map(|table| Spool::new(schema(table), on_disk)).collect(),
            tables,
            voids: Voids::default(),
        }
    }

    /// The rows of that version do not count any more. They are in an earlier batch.
    pub fn void(&mut self, bearer: Bearer) {
        self.voids.entry(bearer.batch).or_default().insert(bearer.resource);
    }

    /// Keeps the rows of resources that count. `first_record` is the number of the first
    /// resource, if rows are staged.
    pub fn push(
        &mut self,
        number: u32,
        rows: &mut RowBatch,
        keys: &[Key],
        counts: &dyn Fn(usize) -> bool,
        first_record: Option<i64>,
    ) -> Result<(), OutputError> {
        let places: Vec<i64> = (0..keys.len() as i64).collect();
        rows.fill_keys(&places, SOURCE_ID);
        for table in 0..self.tables.len() {
            let of_each = rows.row_counts(table).filter(|(resource, _)| counts(*resource));
            let mut numbers = of_each.flat_map(|(resource, rows)| std::iter::repeat_n(resource as u32, rows));
            let decoder = &mut self.decoders[table];
            for mut run in rows.runs(table, counts) {
                let decoder = decoder.get_or_insert_with(|| {
                    Decoder::new(Arc::clone(&self.tables[table]), BatchLimits::default())
                });
                while let Some(batch) = decoder.decode(&mut run, Keys::Listed(keys))? {
                    let of_batch: Vec<u32> = numbers.by_ref().take(batch.num_rows()).collect();
                    let batch = with_records(batch, &of_batch, first_record)?;
                    self.spools[table].push(number, batch, of_batch)?;
                }
            }
            if let Some(batch) = decoder.as_mut().map(Decoder::finish).transpose()?.flatten() {
                let of_batch: Vec<u32> = numbers.collect();
                let batch = with_records(batch, &of_batch, first_record)?;
                self.spools[table].push(number, batch, of_batch)?;
            }
        }
        Ok(())
    }

    /// Nothing more comes: all tables, in the order of the plan.
    pub fn finish(self) -> Result<Vec<Spooled>, OutputError> {
        let voids = Arc::new(self.voids);
        Ok(self.spools.into_iter().map(|spool| spool.finish(&voids)).collect::<Result<_, _>>()?)
    }
}

/// The schema of a table whose rows have the number of their record.
fn staged_schema(schema: &SchemaRef) -> SchemaRef {
    let record = Arc::new(Field::new(RECORD, DataType::Int64, false));
    let fields: Vec<_> = schema.fields().iter().cloned().chain([record]).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The batch with the numbers of its records, if it is staged.
fn with_records(
    batch: RecordBatch,
    resources: &[u32],
    first_record: Option<i64>,
) -> Result<RecordBatch, ArrowError> {
    let Some(first) = first_record else { return Ok(batch) };
    let (schema, mut columns, _) = batch.into_parts();
    let records = resources.iter().map(|resource| first + i64::from(*resource));
    columns.push(Arc::new(records.collect::<Int64Array>()));
    RecordBatch::try_new(staged_schema(&schema), columns)
}
