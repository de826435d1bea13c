//! `COPY … FROM STDIN` in binary format, into a table that is known by name
//! only. diesel's COPY asks a *type* for its table; [`RuntimeTable`] is one such
//! type for all tables, and answers with the table of the call under way.

use std::cell::RefCell;
use std::io::Write;

use diesel::pg::{CopyFormat, CopyTarget, Pg, PgConnection};
use diesel::query_builder::AstPass;
use diesel::result::Error;
use diesel::{Connection, ExecuteCopyFromDsl, QueryResult};
use fhirmill_core::rows::{self, RowBuffer};

use super::failure::Failure;
use crate::failpoint::{self, Fault, Step};

/// The size of COPY's messages: libpq holds a whole message in memory.
const MESSAGE_BYTES: usize = 64 << 10;

/// Why rows were not copied. The transaction must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The server refused them.
    #[error(transparent)]
    Query(#[from] Error),
    /// The server stored another number of rows than it was sent.
    #[error("{table} was sent {count} rows and has stored {rows}")]
    RowsMissing { table: String, count: usize, rows: usize },
}

/// A table with the columns that a COPY stream has, in the stream's order.
#[derive(Clone, Debug)]
pub struct CopyTable {
    name: String,
    columns: Vec<String>,
}

impl CopyTable {
    /// The table of that name. A schema is separated from it by a dot.
    pub fn new<'c>(name: &str, columns: impl IntoIterator<Item = &'c str>) -> Self {
        CopyTable { name: name.to_owned(), columns: columns.into_iter().map(str::to_owned).collect() }
    }

    /// The name, with its schema if it was given one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Copies rows into the table and returns how many the server stored.
    /// `write` writes the whole stream, header and trailer included.
    pub fn copy_in(
        &self,
        connection: &mut PgConnection,
        write: &dyn Fn(&mut dyn Write) -> Result<(), Error>,
    ) -> QueryResult<usize> {
        let _guard = CurrentTable::set(self);
        diesel::copy_from(any::table)
            .from_raw_data(RuntimeTable, |out: &mut dyn Write| write(out))
            .with_format(CopyFormat::Binary)
            .execute(connection)
    }

    /// Copies `count` rows into the table, given as runs of rows in COPY's binary
    /// format without header and trailer. Does nothing if there are none. Fails
    /// if the server stored another number.
    pub fn copy_runs<'r>(
        &self,
        connection: &mut PgConnection,
        count: usize,
        runs: impl Iterator<Item = &'r [u8]>,
    ) -> Result<usize, CopyError> {
        let mut runs = runs.peekable();
        if count == 0 && runs.peek().is_none() {
            return Ok(0);
        }
        if failpoint::has(Fault::RowsDropped) {
            runs.next();
        }
        // diesel calls the writer once, but asks for one that it could call twice.
        let runs = RefCell::new(runs);
        let write = |out: &mut dyn Write| -> Result<(), Error> {
            let failed = |error: std::io::Error| Error::SerializationError(Box::new(error));
            out.write_all(rows::HEADER).map_err(failed)?;
            for run in runs.borrow_mut().by_ref() {
                for message in run.chunks(MESSAGE_BYTES) {
                    out.write_all(message).map_err(failed)?;
                }
            }
            out.write_all(rows::TRAILER).map_err(failed)
        };
        let rows = self.copy_in(connection, &write)?;
        failpoint::passed(Step::Copied);
        if rows != count {
            return Err(CopyError::RowsMissing { table: self.name.clone(), count, rows });
        }
        Ok(rows)
    }

    /// Copies the rows of a buffer into the table, and returns their number.
    pub fn copy_buffer(&self, connection: &mut PgConnection, buffer: &RowBuffer) -> Result<usize, CopyError> {
        let rows = (!buffer.is_empty()).then_some(buffer.as_bytes());
        self.copy_runs(connection, buffer.row_count(), rows.into_iter())
    }

    /// Copies rows that are probably new. If the table has one of them already,
    /// copies none and returns `false`; the transaction around it goes on.
    pub fn copy_if_new(&self, connection: &mut PgConnection, buffer: &RowBuffer) -> Result<bool, CopyError> {
        match connection.transaction(|connection| self.copy_buffer(connection, buffer)) {
            Ok(_) => Ok(true),
            Err(CopyError::Query(error)) if Failure::of(&error) == Some(Failure::UniqueViolation) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

mod any {
    diesel::table! {
        /// Stands for every table: diesel only uses its type.
        any (id) { id -> BigInt, }
    }
    pub use any::table;
}

thread_local! {
    /// `CopyTarget::walk_target` has no `self`, so the table waits here for it.
    static CURRENT: RefCell<Option<CopyTable>> = const { RefCell::new(None) };
}

/// Sets the current table until it is dropped.
struct CurrentTable;

impl CurrentTable {
    fn set(table: &CopyTable) -> Self {
        CURRENT.set(Some(table.clone()));
        CurrentTable
    }
}

impl Drop for CurrentTable {
    fn drop(&mut self) {
        CURRENT.take();
    }
}

#[derive(Clone, Copy, Debug)]
struct RuntimeTable;

impl CopyTarget for RuntimeTable {
    type Table = any::table;
    type SqlType = diesel::sql_types::BigInt;

    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        CURRENT.with_borrow(|current| {
            let table = current.as_ref().ok_or(Error::QueryBuilderError("no table to copy into".into()))?;
            for (number, part) in table.name.split('.').enumerate() {
                if number > 0 {
                    pass.push_sql(".");
                }
                pass.push_identifier(part)?;
            }
            pass.push_sql(" (");
            for (number, column) in table.columns.iter().enumerate() {
                if number > 0 {
                    pass.push_sql(", ");
                }
                pass.push_identifier(column)?;
            }
            pass.push_sql(")");
            Ok(())
        })
    }
}
